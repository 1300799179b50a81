"""What the study ``noise_correlations`` keeps of a network: statistics of correlations, as
variables of its store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import xarray as xr

from hnnlib.analysis.correlations import STATISTICS, Correlations, entries
from hnnlib.analysis.manifold import REGIMES
from hnnlib.analysis.noise import CONDITIONS, EXCLUDED, MISCLASSIFIED, Recorder, shifts
from hnnlib.analysis.ranks import spearman
from hnnlib.analysis.regimes import Point
from hnnlib.randomness import numpy_generator
from hnnlib.variables import Variable, of_cell

__all__ = ["Collected", "noise_variables", "regime_variables"]

_WORDS = {
    "mean": "mean",
    "kurtosis": "excess kurtosis",
    "skewness": "skewness",
    "percentile_99": "99th percentile",
    "count": "number above 0.9",
}
_CHANGES = {"change": ("failed", "clean"), "failure_change": ("failed_later", "passed")}
_BINS = np.linspace(-1, 1, 82)  # an odd number of bins: 0 lies inside one
_BLOCKS = 20
_PER_SEED = ("seed",)


class Collected:
    """Running averages of every member, condition and layer; a sink of ``noise.inject``.

    Args:
        seeds: one a member.
        penultimate: name of the layer whose means are bootstrapped.
    """

    def __init__(self, seeds: Sequence[int], penultimate: str) -> None:
        self.seeds, self.penultimate = seeds, penultimate
        self._found: dict[tuple[int, str, str], Correlations] = {}

    def __call__(
        self, member: int, condition: str, layer: str, rows: np.ndarray, trains: np.ndarray
    ) -> None:
        """See ``hnnlib.analysis.noise.Sink``."""
        place = (member, condition, layer)
        if place not in self._found:
            blocks = _BLOCKS if layer == self.penultimate else 1
            self._found[place] = Correlations(trains.shape[2], blocks)
        by = shifts(self.seeds[member], rows, trains.shape[1:])
        self._found[place].add(trains, by)

    def at(self, member: int, condition: str, layer: str | None = None) -> Correlations | None:
        """One running average, of the penultimate layer unless another is named; None where no
        sample reached it.
        """
        return self._found.get((member, condition, layer or self.penultimate))

    def table(self, variant: str, layers: Sequence[str]) -> np.ndarray:
        """Statistics (seed, layer, condition, statistic) of a variant."""
        shape = (len(self.seeds), len(layers), len(CONDITIONS), len(STATISTICS))
        found = np.full(shape, np.nan)
        for m, (place, layer), (c, condition) in _each(len(self.seeds), layers, CONDITIONS):
            if (one := self.at(m, condition, layer)) is not None:
                found[m, place, c] = one.describe(variant)
        return found


def _each(
    members: int, layers: Sequence[str], conditions: Sequence[str]
) -> Iterator[tuple[int, tuple[int, str], tuple[int, str]]]:
    for member in range(members):
        for layer in enumerate(layers):
            for condition in enumerate(conditions):
                yield member, layer, condition


def noise_variables(
    collected: Collected,
    recorder: Recorder,
    failed_at: np.ndarray,
    variant: str,
    steps: int,
    *,
    resamples: int,
    with_matrix: bool,
) -> xr.Dataset:
    """Variables of one cell: one network under one protocol, seen through one variant.

    Args:
        failed_at: see ``hnnlib.analysis.noise.inject``.
        steps: time steps T.
        resamples: of the bootstrap over samples.
        with_matrix: keep the first seed's average matrices, clean and failed.
    """
    layers = list(recorder.layers)
    table = collected.table(variant, layers)
    variables = _penultimate(table[:, layers.index(collected.penultimate)])
    variables |= _other_layers(table, layers.index(collected.penultimate))
    variables |= _outcomes(failed_at, steps)
    dims = (*_PER_SEED, "layer", "condition", "statistic")
    variables |= _activity(collected, layers)
    variables["layer_statistics"] = of_cell(
        dims, table.astype(np.float32), "statistics of each layer's average correlations"
    )
    variables["layer_units"] = of_cell(
        ("layer",), [float(n) for n in recorder.layers.values()], "neurons of each layer"
    )
    variables |= _intervals(collected, variant, resamples)
    variables["entries"] = of_cell(
        (*_PER_SEED, "condition", "bin"),
        _histograms(collected, variant),
        "share of the penultimate layer's average correlations in each bin",
    )
    coords = {"condition": list(CONDITIONS), "statistic": list(STATISTICS), "layer": layers}
    coords |= {"bin": (_BINS[1:] + _BINS[:-1]) / 2, "noise_frames": np.arange(1, steps + 1)}
    found = xr.Dataset(variables, coords)
    return found.merge(_matrices(collected, variant)) if with_matrix else found


def _penultimate(table: np.ndarray) -> dict[str, Variable]:
    """Statistics (seed, condition, statistic) as scalars, and what changes between conditions."""
    found = {}
    for s, statistic in enumerate(STATISTICS):
        words = f"{_WORDS[statistic]} of the penultimate layer's average correlations"
        for c, condition in enumerate(CONDITIONS):
            found[f"{statistic}_{condition}"] = of_cell(
                _PER_SEED, table[:, c, s], f"{words}, {condition.replace('_', ' ')}"
            )
        for name, (left, right) in _CHANGES.items():
            left, right = CONDITIONS.index(left), CONDITIONS.index(right)
            change = table[:, left, s] - table[:, right, s]
            text = f"{words}: {CONDITIONS[left]} minus {CONDITIONS[right]}".replace("_", " ")
            found[f"{statistic}_{name}"] = of_cell(_PER_SEED, change, text)
    return found


def _activity(collected: Collected, layers: Sequence[str]) -> dict[str, Variable]:
    """How much the neurons of each layer fire, and how many trains change."""
    shape = (len(collected.seeds), len(layers), len(CONDITIONS))
    rate, active = np.full(shape, np.nan), np.full(shape, np.nan)
    for m, (place, layer), (c, condition) in _each(shape[0], layers, CONDITIONS):
        if (one := collected.at(m, condition, layer)) is not None:
            rate[m, place, c], active[m, place, c] = one.rate(), one.active()
    dims, last = (*_PER_SEED, "layer", "condition"), layers.index(collected.penultimate)
    clean, failed = (CONDITIONS.index(name) for name in ("clean", "failed"))
    texts = {"rate": "spikes a neuron and step", "active": "share of spike trains that change"}
    found = {}
    for (name, text), values in zip(texts.items(), (rate, active), strict=True):
        found[f"layer_{name}"] = of_cell(dims, values.astype(np.float32), text)
        change = values[:, last, failed] - values[:, last, clean]
        found[f"{name}_change"] = of_cell(
            _PER_SEED, change, f"{text}, penultimate layer: failed minus clean"
        )
    return found


def _other_layers(table: np.ndarray, penultimate: int) -> dict[str, Variable]:
    """Shares of the other layers in which mean and count are larger in failed than in clean
    records.
    """
    found = {}
    others = np.delete(table, penultimate, axis=1)
    clean, failed = (
        others[:, :, CONDITIONS.index("clean")],
        others[:, :, CONDITIONS.index("failed")],
    )
    for statistic in ("mean", "count"):
        s = STATISTICS.index(statistic)
        share = np.where(np.isnan(failed[..., s]).all(1), np.nan, (failed > clean)[..., s].mean(1))
        text = f"share of the other layers whose {_WORDS[statistic]} of correlations rises"
        found[f"layers_{statistic}_rising"] = of_cell(_PER_SEED, share, text)
    return found


def _outcomes(failed_at: np.ndarray, steps: int) -> dict[str, Variable]:
    """What became of the samples."""
    frames = np.stack([(failed_at == k).sum(1) for k in range(1, steps + 1)], 1)
    counts = {
        "samples_failed": (frames.sum(1), "samples that failed under noise"),
        "samples_never_failed": (
            (failed_at == steps + 1).sum(1),
            "samples still classified correctly as pure noise",
        ),
        "samples_misclassified": (
            (failed_at == MISCLASSIFIED).sum(1),
            "samples misclassified without noise",
        ),
        "samples_excluded": ((failed_at == EXCLUDED).sum(1), "samples whose label is left out"),
    }
    found = {
        name: of_cell(_PER_SEED, values.astype(float), text)
        for name, (values, text) in counts.items()
    }
    found["failures"] = of_cell(
        (*_PER_SEED, "noise_frames"),
        frames.astype(float),
        "samples that failed with so many frames",
    )
    return found


def _intervals(collected: Collected, variant: str, resamples: int) -> dict[str, Variable]:
    """95 % intervals over samples of the penultimate layer's statistics."""
    shape = (len(collected.seeds), len(CONDITIONS), 2, len(STATISTICS))
    bounds = np.full(shape, np.nan)
    for m, seed in enumerate(collected.seeds):
        for c, condition in enumerate(CONDITIONS):
            if (one := collected.at(m, condition)) is not None:
                generator = numpy_generator(seed, "bootstrap", condition)
                bounds[m, c] = one.interval(variant, generator, resamples)
    dims = (*_PER_SEED, "condition", "statistic")
    return {
        f"statistic_{end}": of_cell(
            dims, bounds[:, :, k], f"{end} end of the 95 % interval over samples, penultimate layer"
        )
        for k, end in enumerate(("low", "high"))
    }


def _histograms(collected: Collected, variant: str) -> np.ndarray:
    shape = (len(collected.seeds), len(CONDITIONS), len(_BINS) - 1)
    found = np.full(shape, np.nan, np.float32)
    for m, c in np.ndindex(shape[:2]):
        one = collected.at(m, CONDITIONS[c])
        if one is not None:
            values = entries(one.matrix(variant), variant).clip(-1, 1)
            found[m, c] = np.histogram(values, _BINS)[0] / max(values.size, 1)
    return found


def _matrices(collected: Collected, variant: str) -> xr.Dataset:
    """Average matrices of the first seed, to two decimals, which pack well."""
    pair = [collected.at(0, condition) for condition in ("clean", "failed")]
    if None in pair:
        return xr.Dataset()
    values = np.stack([one.matrix(variant) for one in pair]).round(2).astype(np.float32)
    dims = ("shown", "unit", "other_unit")
    text = "average correlations of the penultimate layer, first seed"
    units = np.arange(values.shape[1])
    return xr.Dataset(
        {"matrix": of_cell(dims, values, text)},
        {"shown": ["clean", "failed"], "unit": units, "other_unit": units},
    )


def regime_variables(
    points: np.ndarray,
    regimes: np.ndarray,
    validation: np.ndarray,
    taus: Sequence[float],
    thresholds: Sequence[float],
    variant: str,
    trained: tuple[int, int],
) -> xr.Dataset:
    """Variables of one cell: one network on a grid of test-time tau and V_th, one variant.

    Args:
        points: of ``Point``, (tau, threshold).
        regimes: (seed, tau, threshold), places in ``REGIMES``; chosen by validation.
        validation: accuracy on validation, shaped alike.
        trained: place of the neuron that the network was trained with.
    """

    def grid(get: Callable[[Point], np.ndarray]) -> np.ndarray:
        return np.moveaxis(np.array([[get(p) for p in line] for line in points]), 2, 0)

    accuracy, rate = grid(lambda p: p.accuracy), grid(lambda p: p.rate)
    output = grid(lambda p: p.output)
    table = grid(lambda p: [one.describe(variant) for one in p.correlations])
    dims = (*_PER_SEED, "tau", "threshold")
    variables = {
        "grid_accuracy": of_cell(dims, accuracy, "test accuracy with other neurons"),
        "grid_validation": of_cell(dims, validation, "validation accuracy with other neurons"),
        "grid_rate": of_cell(dims, rate, "spikes a neuron and step, all layers"),
        "grid_output_rate": of_cell(dims, output, "spikes a neuron and step, penultimate layer"),
        "grid_regime": of_cell(dims, regimes.astype(float), f"regime: {_legend()}"),
        "grid_statistics": of_cell(
            (*dims, "statistic"),
            table.astype(np.float32),
            "statistics of the penultimate layer's average correlations",
        ),
    }
    operating = regimes == REGIMES.index("operating")
    dense = rate > rate[:, *trained][:, None, None]
    for statistic in ("mean", "count"):
        # where the last layer is silent there is nothing to correlate
        values = np.where(output > 0, table[..., STATISTICS.index(statistic)], np.nan)
        variables |= _departure(statistic, values, accuracy, operating, dense)
    coords = {"tau": list(taus), "threshold": list(thresholds), "statistic": list(STATISTICS)}
    return xr.Dataset(variables, coords)


def _legend() -> str:
    return ", ".join(f"{k} {name}" for k, name in enumerate(REGIMES))


def _departure(
    statistic: str,
    values: np.ndarray,
    accuracy: np.ndarray,
    operating: np.ndarray,
    dense: np.ndarray,
) -> dict[str, Variable]:
    """How a statistic outside the operating region differs from that inside, on either side."""

    def mean(where: np.ndarray) -> np.ndarray:
        total = np.where(where & ~np.isnan(values), values, 0).sum((1, 2))
        number = (where & ~np.isnan(values)).sum((1, 2))
        return np.divide(total, number, out=np.full(len(values), np.nan), where=number > 0)

    words = f"{_WORDS[statistic]} of correlations"
    rank = [_spearman(v, a) for v, a in zip(values, accuracy, strict=True)]
    return {
        f"{statistic}_dense_change": of_cell(
            _PER_SEED,
            mean(~operating & dense) - mean(operating),
            f"{words}: outside the operating region where neurons fire more, minus inside",
        ),
        f"{statistic}_sparse_change": of_cell(
            _PER_SEED,
            mean(~operating & ~dense) - mean(operating),
            f"{words}: outside the operating region where neurons fire less, minus inside",
        ),
        f"{statistic}_accuracy_correlation": of_cell(
            _PER_SEED, rank, f"rank correlation of {words} with accuracy over the grid"
        ),
    }


def _spearman(values: np.ndarray, accuracy: np.ndarray) -> float:
    known = ~np.isnan(values)
    if known.sum() < 3 or np.ptp(values[known]) == 0 or np.ptp(accuracy[known]) == 0:
        return np.nan
    return spearman(values[known], accuracy[known])

"""Figures of the noise correlations: they say what the store says, and where it says nothing."""

import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from hnnlib.plotting import noise_correlations as draw
from hnnlib.plotting.noise_correlations import words

CONDITIONS = ("clean", "failed", "passed", "failed_later")
STATISTICS = ("mean", "kurtosis", "skewness", "percentile_99", "count")
VARIANTS = tuple(words.VARIANTS)
SEEDS, UNITS, LAYERS = 3, 6, ("stem", "last")


def noise_cell(network: str, protocol: str, variant: str) -> xr.Dataset:
    """One cell of the arm ``noise``: invented numbers, every statistic 1 when clean, 3 when not."""
    jitter = np.arange(SEEDS) / 10
    per_seed = ("cell", "seed")
    variables = {
        f"{s}_{c}": (per_seed, [(1.0 if c == "clean" else 3.0) + jitter])
        for s in STATISTICS
        for c in CONDITIONS
    }
    variables |= {f"{s}_change": (per_seed, [2.0 + 0 * jitter]) for s in STATISTICS}
    shape = (1, SEEDS, len(LAYERS), len(CONDITIONS), len(STATISTICS))
    generator = np.random.default_rng(0)
    matrix = np.eye(UNITS)[None, None] * [[[[1.0]], [[0.5]]]]
    variables |= {
        "layer_statistics": (
            (*per_seed, "layer", "condition", "statistic"),
            generator.normal(size=shape),
        ),
        "layer_rate": ((*per_seed, "layer", "condition"), generator.random(shape[:-1])),
        "layer_units": (("cell", "layer"), [[9.0, 6.0]]),
        "entries": ((*per_seed, "condition", "bin"), generator.random((1, SEEDS, 4, 5))),
        "matrix": (("cell", "shown", "unit", "other_unit"), matrix),
    }
    for end, value in (("low", 0.0), ("high", 5.0)):
        values = np.full((1, SEEDS, 4, len(STATISTICS)), value)
        variables[f"statistic_{end}"] = (*per_seed, "condition", "statistic"), values
    coords = {"condition": list(CONDITIONS), "statistic": list(STATISTICS), "layer": list(LAYERS)}
    coords |= {"bin": np.linspace(-1, 1, 5), "shown": ["clean", "failed"]}
    return xr.Dataset(variables, coords | labels(network, "noise", protocol, variant))


def regime_cell(network: str, variant: str) -> xr.Dataset:
    dims = ("cell", "seed", "tau", "threshold")
    generator = np.random.default_rng(1)
    variables = {
        f"grid_{n}": (dims, generator.random((1, SEEDS, 2, 3)))
        for n in ("accuracy", "rate", "output_rate")
    }
    variables["grid_regime"] = dims, generator.integers(0, 4, (1, SEEDS, 2, 3)).astype(float)
    shape = (1, SEEDS, 2, 3, len(STATISTICS))
    variables["grid_statistics"] = (*dims, "statistic"), generator.random(shape)
    coords = {"tau": [2.0, 4.0], "threshold": [0.5, 1.0, 2.0], "statistic": list(STATISTICS)}
    return xr.Dataset(variables, coords | labels(network, "regime", "none", variant))


def labels(network: str, arm: str, protocol: str, variant: str) -> dict:
    names = {"network": network, "dataset": "mnist", "arm": arm, "protocol": protocol}
    found = {key: ("cell", [value]) for key, value in (names | {"variant": variant}).items()}
    return found | {"cell": [f"{network}/{arm}/{protocol}/{variant}"], "seed": np.arange(SEEDS)}


def make(networks=("sew_resnet18", "vgg11"), protocols=("corrected", "public_code")):
    cells = [noise_cell(n, p, v) for n in networks for p in protocols for v in VARIANTS]
    cells += [regime_cell(n, v) for n in networks for v in VARIANTS]
    return xr.concat(cells, "cell", join="outer", data_vars="all", coords="minimal")


@pytest.fixture(scope="module")
def store():
    return make()


def texts(fig: Figure) -> str:
    return "\n".join(text.get_text() for text in fig.findobj(mpl.text.Text))


FIGURES = [
    draw.changes,
    draw.correlation_by_regime,
    draw.distributions,
    draw.layers,
    draw.matrices,
    draw.regime_maps,
    draw.values,
]


@pytest.mark.parametrize("figure", FIGURES, ids=lambda f: f.__name__)
def test_every_network_is_shown_by_name(store, figure):
    found = texts(figure(store))
    assert "SEW-ResNet18 on MNIST" in found and "VGG11 on MNIST" in found


@pytest.mark.parametrize("figure", FIGURES, ids=lambda f: f.__name__)
def test_one_network_and_the_corrected_protocol_are_enough(figure):
    assert "VGG11" not in texts(figure(make(["sew_resnet18"], ["corrected"])))


def test_matrices_are_those_of_the_store_and_share_their_colours(store):
    images = [ax.images[0] for ax in draw.matrices(store).axes if ax.images]
    clean, failed, *_ = (np.asarray(image.get_array()) for image in images)
    assert (clean == np.eye(UNITS)).all() and (failed == np.eye(UNITS) / 2).all()
    assert {image.get_clim() for image in images} == {(-1, 1)}


def test_without_matrices_there_is_no_figure(store):
    assert draw.matrices(store, protocol="first_samples") is None


def test_the_papers_numbers_are_stars_only_where_given(store):
    cell = "sew_resnet18/noise/corrected/paper"
    fig = draw.values(store, paper={cell: {"kurtosis_failed": 161.82}})
    heights = [y for line in fig.axes[1].lines for y in np.atleast_1d(line.get_ydata())]
    assert 161.82 in heights and "the paper’s number" in texts(fig)
    assert "the paper’s number" not in texts(draw.values(store))


def test_means_of_every_condition_are_drawn(store):
    drawn = [line.get_ydata() for line in draw.values(store).axes[0].lines]
    assert any(len(y) == 3 and np.allclose(y, [1.1, 3.1, 3.1]) for y in drawn)


def test_changes_show_every_protocol_once(store):
    ax = draw.changes(store).axes[0]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["corrected", "public code"]


def test_points_whose_last_layer_is_silent_have_no_correlation(store):
    silent = store.copy()
    silent["grid_output_rate"] = store["grid_output_rate"] * 0
    dots = [line for line in draw.correlation_by_regime(silent).axes[0].lines]
    assert sum(len(line.get_xdata()) for line in dots) == 0


def test_signed_correlations_are_white_where_there_is_none(store):
    maps = [ax.images[0] for ax in draw.regime_maps(store).axes if ax.get_title("left")]
    shown = [ax.images[0] for ax in draw.matrices(store).axes if ax.images] + maps[3::4]
    assert len(shown) == 6
    for image in shown:
        assert image.cmap(image.norm(0.0))[:3] == pytest.approx((1, 1, 1), abs=0.05)

"""What the study ``loss_landscape`` measures of a trained population, and how it is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, NamedTuple

import numpy as np
import torch
from pydantic import Field, model_validator
from torch.func import functional_call

from hnnlib import engines
from hnnlib.analysis import landscape, landscape_features
from hnnlib.analysis.landscape import Parameters
from hnnlib.networks.direct import Design, DirectNetwork
from hnnlib.signals import Events
from hnnlib.studies.base import Settings
from hnnlib.studies.base.settings import Quantity
from hnnlib.training.tasks import cross_entropy

__all__ = [
    "TEXTS",
    "MeasureSettings",
    "Measured",
    "TrainLoss",
    "box",
    "maps",
    "measure",
    "shared_plane",
]

COARSEST = 2  # steps are 2^-k, k from here on
STATED = 5  # the scale of the scalar ``roughness``: 2^-5
RHO, RELATIVE_RHO, RADIUS = 0.05, 0.02, 0.05
"""Radii of the scalars ``sam_rise``, ``sam_rise_relative`` and ``epsilon_rise``."""
_MEMORY = 256 << 20  # bytes that the hidden layers evaluated at once may take
_BUFFERS = 4  # arrays of the size of a hidden layer's activity that are alive at a time


class MeasureSettings(Settings):
    """How closely a landscape is looked at."""

    examples: int = Field(
        gt=0, le=1_000_000, description="training examples of which the loss is the mean"
    )
    directions: int = Field(10, gt=0, le=10_000, description="random lines through each network")
    finest: int = Field(9, ge=STATED, le=20, description="finest step 2^-k on the lines")
    map_points: int = Field(
        51, gt=2, le=1001, description="points a side of the map of the first seed"
    )
    rhos: tuple[Quantity, ...] = Field(
        (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6), description="radii of SAM sharpness"
    )
    relative_rhos: tuple[Quantity, ...] = Field(
        (0.01, 0.02, 0.05), description="radii in norms of the weights"
    )
    ascent: int = Field(8, gt=1, le=1000, description="gradients of the ascent in several steps")
    radii: tuple[Quantity, ...] = Field((0.01, 0.05, 0.1), description="of epsilon-sharpness")
    perturbations: int = Field(100, gt=0, le=100_000, description="random steps of each radius")
    subspaces: tuple[Annotated[int, Field(gt=0, le=100)], ...] = Field(
        (2, 5, 10), description="dimensions of random subspaces"
    )
    extents: tuple[Quantity, ...] = Field((0.1, 0.5, 1.0), description="half sides of their boxes")
    replicates: int = Field(
        10, gt=0, le=10_000, description="subspaces of each dimension and extent"
    )
    density: int = Field(50, gt=0, le=10_000, description="sample points a dimension, at least")
    box: int = Field(
        0,
        ge=0,
        le=2**24,
        description="points in the box [-2, 2] of all weights; 0: none",
        multiple_of=2,
    )
    curvature: int = Field(
        20, ge=0, le=10_000, description="iterations of surrogate curvature; 0: none"
    )

    @model_validator(mode="after")
    def _holds_the_stated_radii(self) -> MeasureSettings:
        for name, value in (("rhos", RHO), ("relative_rhos", RELATIVE_RHO), ("radii", RADIUS)):
            if value not in getattr(self, name):
                raise ValueError(f"{name} must hold {value}, which a scalar of the study is about")
        return self


class Measured(NamedTuple):
    """Arrays by name, the seed first, with the names of their other dimensions, and coordinates."""

    arrays: dict[str, np.ndarray]
    dimensions: dict[str, tuple[str, ...]]
    coordinates: dict[str, list]

    def update(self, more: Measured) -> None:
        """Take in another part."""
        for mine, its in zip(self, more, strict=True):
            mine.update(its)


class TrainLoss:
    """Cross-entropy of some fixed examples, without regulariser, as a function of the weights.

    Args:
        design: of the networks.
        inputs: events (time, 1, example, channel), the same for every network.
        labels: (example,).
        classes: how many.
        engine: runs the neurons.
    """

    def __init__(
        self,
        design: Design,
        inputs: Events,
        labels: torch.Tensor,
        classes: int,
        engine: engines.Engine,
    ) -> None:
        self._design, self._inputs, self._labels = design, inputs, labels
        self._classes, self._engine = classes, engine
        self._built: DirectNetwork | None = None
        activity = 4 * labels.numel() * inputs.shape[0] * design.units
        self.at_once = int(np.clip(_MEMORY // (_BUFFERS * activity), 1, 64))

    def __call__(self, parameters: Parameters) -> torch.Tensor:
        """Loss (member,) of any number of networks."""
        members = len(next(iter(parameters.values())))
        if self._built is None or len(self._built.seeds) != members:
            shape = self._inputs.shape[-1], self._classes, self._design, (0,) * members
            self._built = DirectNetwork(*shape, self._engine).to(self._labels.device)
        activity = functional_call(self._built, dict(parameters), (self._inputs,))
        return cross_entropy(activity, self._labels.expand(members, -1))

    def differentiable_twice(self) -> TrainLoss:
        """The same loss, run by plain autograd."""
        eager = engines.get("eager")
        return TrainLoss(self._design, self._inputs, self._labels, self._classes, eager)


def measure(
    loss: TrainLoss,
    parameters: Parameters,
    seeds: Sequence[int],
    chosen: MeasureSettings,
    full: bool,
    say: Callable[[str], None],
) -> Measured:
    """All measures of a population.

    Args:
        loss: of the population's design.
        parameters: trained weights.
        seeds: one a member.
        chosen: how closely to look.
        full: features of subspaces and surrogate curvature too, which arms do without.
        say: takes a line of progress.
    """
    found = Measured({}, {}, {})
    for part in _parts(loss, parameters, seeds, chosen, full):
        found.update(part)
        say(f"measured {', '.join(part.arrays)}")
    return found


def _parts(
    loss: TrainLoss,
    parameters: Parameters,
    seeds: Sequence[int],
    chosen: MeasureSettings,
    full: bool,
) -> Iterator[Measured]:
    centre = landscape.values(loss, parameters, [], torch.empty(1, 0), loss.at_once)[:, 0]
    norm = landscape.flatten(parameters).norm(dim=1)
    yield Measured({"measured_loss": _array(centre), "weight_norm": _array(norm)}, {}, {})
    yield _lines(loss, parameters, seeds, chosen)
    yield _ascents(loss, parameters, chosen)
    yield _random_steps(loss, parameters, seeds, chosen)
    if full:
        yield _subspaces(loss, parameters, seeds, chosen)
    if full and chosen.curvature:
        bent = landscape.curvature(loss.differentiable_twice(), parameters, seeds, chosen.curvature)
        names = ("surrogate_curvature", "surrogate_trace")
        yield Measured(dict(zip(names, map(_array, bent), strict=True)), {}, {})


def _lines(
    loss: TrainLoss, parameters: Parameters, seeds: Sequence[int], chosen: MeasureSettings
) -> Measured:
    """Random lines, their roughness by scale, and the information content of the walks they are."""
    points, finest = 2 ** (chosen.finest + 1) + 1, 2.0**-chosen.finest
    lines = np.stack(
        [
            _array(
                landscape.values(
                    loss,
                    parameters,
                    [landscape.random_direction(parameters, seeds, k)],
                    landscape.grid(points),
                    loss.at_once,
                )
            )
            for k in range(chosen.directions)
        ],
        axis=1,
    )
    scales = chosen.finest - COARSEST + 1
    rough = landscape.roughness(lines, finest, scales)
    second, variation = rough.second.mean(1), rough.variation.mean(1)
    place = chosen.finest - STATED
    unit = [_scaled(line) for line in lines]
    walks = [landscape_features.information_content_of_walks(w, finest / 2) for w in unit]
    content = np.array([[w[name] for name in landscape_features.CONTENT] for w in walks])
    arrays = {
        "line": lines[:, :, :: 2 ** max(0, chosen.finest - STATED)].astype(np.float32),
        "roughness_by_scale": second,
        "variation_by_scale": variation,
        "roughness": second[:, place],
        "roughness_fine": second[:, 0],
        "roughness_coarse": second[:, -1],
        "relative_roughness": _ratio(second[:, place], np.ptp(lines, axis=-1).mean(1)),
        "roughness_slope": _mean(rough.second_slope, 1),
        "variation": variation[:, place],
        **{f"walk_{name[3:]}": content[:, k] for k, name in enumerate(landscape_features.CONTENT)},
    }
    dimensions = {
        "line": ("direction", "place"),
        "roughness_by_scale": ("scale",),
        "variation_by_scale": ("scale",),
    }
    coordinates = {
        "scale": [finest * 2**j for j in range(scales)],
        "place": np.linspace(-1, 1, 2 ** (STATED + 1) + 1).tolist(),
        "direction": list(range(chosen.directions)),
    }
    return Measured(arrays, dimensions, coordinates)


def _ascents(loss: TrainLoss, parameters: Parameters, chosen: MeasureSettings) -> Measured:
    """Rises along the (surrogate) gradient."""

    def rises(radii: Sequence[float], **how: bool | int) -> np.ndarray:
        found = [landscape.sam_sharpness(loss, parameters, [rho], **how)[0] for rho in radii]
        return np.stack([_array(rise) for rise in found], axis=1)

    absolute, relative = rises(chosen.rhos), rises(chosen.relative_rhos, relative=True)
    arrays = {
        "sam_rise_by_radius": absolute,
        "sam_rise_by_relative_radius": relative,
        "sam_rise": absolute[:, chosen.rhos.index(RHO)],
        "sam_rise_relative": relative[:, chosen.relative_rhos.index(RELATIVE_RHO)],
        "sam_rise_ascent": rises([RHO], steps=chosen.ascent)[:, 0],
    }
    # the coordinate "rho" is that of cells: the radius they were trained with
    dimensions = {
        "sam_rise_by_radius": ("radius",),
        "sam_rise_by_relative_radius": ("relative_radius",),
    }
    coordinates = {"radius": list(chosen.rhos), "relative_radius": list(chosen.relative_rhos)}
    return Measured(arrays, dimensions, coordinates)


def _random_steps(
    loss: TrainLoss, parameters: Parameters, seeds: Sequence[int], chosen: MeasureSettings
) -> Measured:
    largest, mean = (
        _array(part).T
        for part in landscape.epsilon_sharpness(
            loss, parameters, seeds, chosen.radii, chosen.perturbations, loss.at_once
        )
    )
    place = chosen.radii.index(RADIUS)
    arrays = {
        "epsilon_sharpness_by_step": largest,
        "epsilon_rise_by_step": mean,
        "epsilon_sharpness": largest[:, place],
        "epsilon_rise": mean[:, place],
    }
    names = ("epsilon_sharpness_by_step", "epsilon_rise_by_step")
    return Measured(arrays, dict.fromkeys(names, ("step",)), {"step": list(chosen.radii)})


def _subspaces(
    loss: TrainLoss, parameters: Parameters, seeds: Sequence[int], chosen: MeasureSettings
) -> Measured:
    """Features of random subspaces through the network, mean over replicates."""
    found, labels = [], []
    for dimension in chosen.subspaces:
        count = 2 ** int(np.ceil(np.log2(chosen.density * dimension)))
        for extent in chosen.extents:
            one = [
                _subspace(loss, parameters, seeds, count, dimension, extent, replicate)
                for replicate in range(chosen.replicates)
            ]
            found.append(_mean(np.array(one), 0))
            labels.append(f"{dimension}-D, {extent:g}")
    arrays = {"features": np.stack(found, axis=1)}
    coordinates = {"sample": labels, "feature": list(_FEATURES)}
    return Measured(arrays, {"features": ("sample", "feature")}, coordinates)


_FEATURES = (
    *landscape_features.CONTENT,
    *landscape_features.DISPERSION,
    *landscape_features.NEAREST_BETTER,
)


def _subspace(
    loss: TrainLoss,
    parameters: Parameters,
    seeds: Sequence[int],
    count: int,
    dimension: int,
    extent: float,
    replicate: int,
) -> np.ndarray:
    """Features (member, feature) of one subspace a member: the same points, its own directions."""
    names = [("subspace", dimension, replicate, k) for k in range(dimension)]
    directions = [landscape.random_direction(parameters, seeds, name) for name in names]
    points = landscape_features.sobol(count, dimension, replicate, "subspace")
    steps = torch.from_numpy(extent * (2 * points - 1))
    values = _array(landscape.values(loss, parameters, directions, steps, loss.at_once))
    each = [landscape_features.features(points, row) for row in values]
    return np.array([[one[name] for name in _FEATURES] for one in each])


def box(loss: TrainLoss, like: Parameters, seeds: Sequence[int], count: int) -> Measured:
    """Features of the loss in the box [-2, 2] of all weights; every seed has points of its own.

    No trained network is in it: the box tells models apart, not runs.
    """
    weights = landscape.flatten(like).shape[1]
    found = []
    for seed in seeds:
        points = landscape_features.sobol(count, weights, seed, "box")
        vectors = torch.from_numpy(4 * points - 2).to(landscape.flatten(like))
        with torch.no_grad():
            values = [loss(landscape.unflatten(v, like)) for v in vectors.split(loss.at_once)]
        one = landscape_features.features(points, _array(torch.cat(values)))
        found.append([one[name] for name in _FEATURES])
    return Measured(
        {"box_features": np.array(found)},
        {"box_features": ("feature",)},
        {"feature": list(_FEATURES)},
    )


def maps(
    loss: TrainLoss,
    parameters: Parameters,
    schemes: Mapping[str, Sequence[Parameters]],
    points: int,
) -> Measured:
    """Maps (y, x) of the first member in the plane of two directions, within +-1.

    Args:
        schemes: two directions each, by name.
        points: a side.
    """
    first = {name: p[:1] for name, p in parameters.items()}
    arrays = {}
    for scheme, directions in schemes.items():
        both = [{name: d[:1] for name, d in one.items()} for one in directions]
        flat = landscape.values(loss, first, both, landscape.grid(points, 2), loss.at_once)
        arrays[f"map_{scheme}"] = _array(flat).reshape(points, points).astype(np.float32)
    side = np.linspace(-1, 1, points).tolist()
    return Measured(
        arrays, dict.fromkeys(arrays, ("first", "second")), {"first": side, "second": side}
    )


def shared_plane(
    loss: TrainLoss, parameters: Parameters, directions: Sequence[Parameters], finest: int
) -> Measured:
    """Roughness along the principal directions that all models share."""
    steps = landscape.grid(2 ** (finest + 1) + 1)
    lines = [landscape.values(loss, parameters, [d], steps, loss.at_once) for d in directions]
    stacked = np.stack([_array(line) for line in lines], axis=1)
    rough = landscape.roughness(stacked, 2.0**-finest, finest - COARSEST + 1)
    return Measured({"roughness_pca": rough.second[..., finest - STATED].mean(1)}, {}, {})


TEXTS = {
    "measured_loss": ("loss of the measured examples at the trained weights", "nat"),
    "weight_norm": ("norm of all weights", "1"),
    "line": ("loss along random filter-normalised lines", "nat"),
    "roughness_by_scale": ("mean |second difference| of the loss, by step", "nat"),
    "variation_by_scale": ("mean |slope| of the loss, by step", "nat"),
    "roughness": ("mean |second difference| of the loss at step 2^-5", "nat"),
    "roughness_fine": ("mean |second difference| of the loss at the finest step", "nat"),
    "roughness_coarse": ("mean |second difference| of the loss at step 2^-2", "nat"),
    "relative_roughness": ("roughness divided by the range of the line", "1"),
    "roughness_slope": ("slope of log roughness over log step: 2 smooth, 1 jumps or kinks", "1"),
    "roughness_pca": ("roughness at step 2^-5 along shared principal directions", "nat"),
    "variation": ("mean |slope| of the loss at step 2^-5", "nat"),
    "walk_h_max": ("information content of the lines, largest entropy", "1"),
    "walk_eps_s": ("information content of the lines, log10 of the settling sensitivity", "1"),
    "walk_eps_max": ("information content of the lines, sensitivity of largest entropy", "1"),
    "walk_eps_ratio": ("information content of the lines, log10 of the half sensitivity", "1"),
    "walk_m0": ("information content of the lines, changes of sign a step", "1"),
    "sam_rise_by_radius": ("rise of the loss a step rho up the gradient", "nat"),
    "sam_rise_by_relative_radius": ("rise a step rho |theta| up the gradient", "nat"),
    "sam_rise": ("rise of the loss a step 0.05 up the gradient", "nat"),
    "sam_rise_relative": ("rise of the loss a step 0.02 |theta| up the gradient", "nat"),
    "sam_rise_ascent": ("largest rise on an ascent of length 0.05 in several steps", "nat"),
    "epsilon_sharpness_by_step": ("largest rise over random filter-normalised steps", "nat"),
    "epsilon_rise_by_step": ("mean rise over random filter-normalised steps", "nat"),
    "epsilon_sharpness": ("largest rise over random steps of 0.05", "nat"),
    "epsilon_rise": ("mean rise over random steps of 0.05", "nat"),
    "features": ("landscape features of random subspaces", "1"),
    "box_features": ("landscape features of the box [-2, 2] of all weights", "1"),
    "surrogate_curvature": ("surrogate curvature: eigenvalue of largest size", "nat"),
    "surrogate_trace": ("surrogate curvature: trace", "nat"),
    "map_filter": ("loss in a plane of filter-normalised directions, first seed", "nat"),
    "map_pca": ("loss in the plane of shared principal directions, first seed", "nat"),
}
"""``long_name`` and ``units`` of each variable."""


def _scaled(lines: np.ndarray) -> np.ndarray:
    """Values of all lines together scaled to [0, 1]."""
    low, high = np.nanmin(lines), np.nanmax(lines)
    return (lines - low) / (high - low) if high > low else np.full_like(lines, np.nan)


def _mean(values: np.ndarray, axis: int) -> np.ndarray:
    """Mean of the numbers there are, NaN where there is none."""
    there = ~np.isnan(values)
    return _ratio(np.where(there, values, 0).sum(axis), there.sum(axis))


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Quotient; NaN where it has none."""
    return np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 0)


def _array(values: torch.Tensor) -> np.ndarray:
    return values.detach().double().cpu().numpy()

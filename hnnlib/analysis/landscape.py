"""Loss landscapes: slices along random directions, roughness by scale, sharpness, curvature.

A population is a mapping of names to tensors (member, ...), and a loss is a function of such a
mapping that gives one number a member, for any number of members. Perturbed networks are members
like any others, so that a map of 51 x 51 points is a few calls.

The loss of a spiking network is piecewise constant in its hidden weights, and its surrogate
gradient is no gradient of it. Smoothness is therefore told from values of the loss, at a stated
scale. What uses gradients says so: sharpness along the surrogate gradient is still a true rise of
the loss, but ``curvature`` describes the surrogate only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from hnnlib.randomness import torch_generator

__all__ = [
    "Curvature",
    "Loss",
    "Parameters",
    "Rise",
    "Roughness",
    "curvature",
    "epsilon_sharpness",
    "flatten",
    "grid",
    "principal_directions",
    "random_direction",
    "roughness",
    "sam_sharpness",
    "unflatten",
    "values",
]

Parameters = Mapping[str, Tensor]
Loss = Callable[[Parameters], Tensor]

_AT_ONCE = 64  # networks a call


class Roughness(NamedTuple):
    """Roughness of lines at several steps: arrays (..., scale), slopes (...).

    Attributes:
        second: mean |f(x + h) - 2 f(x) + f(x - h)|, in units of f.
        variation: sum of |f(x + h) - f(x)| over the line, divided by its length.
        second_slope, variation_slope: slopes over h in log-log. A smooth function has 2 and 0, one
            of isolated jumps or kinks 1 and 0, a random walk 1/2 and -1/2.
    """

    second: np.ndarray
    variation: np.ndarray
    second_slope: np.ndarray
    variation_slope: np.ndarray


class Rise(NamedTuple):
    """Largest and mean rise of the loss at each radius, (radius, member)."""

    largest: Tensor
    mean: Tensor


class Curvature(NamedTuple):
    """Of the surrogate loss: eigenvalue of largest size, and trace, (member,)."""

    largest: Tensor
    trace: Tensor


# --- directions -----------------------------------------------------------------------------------


def random_direction(parameters: Parameters, seeds: Sequence[int], number: object) -> Parameters:
    """A filter-normalised random direction for every member (Li et al. 2018).

    Each unit's column of incoming weights is drawn from N(0, 1) and scaled to the norm of that
    column in the parameters; a step of 1 then is as long as the weights themselves. The draws are
    keyed by seed, number and name: models of equal shapes share them. Weights that are exactly 0,
    such as those of connections that don't exist, stay 0.

    Args:
        parameters: tensors (member, ..., unit), the units that weights lead to on the last axis.
        seeds: one a member.
        number: which direction; anything whose text names it.
    """
    found = {}
    for name, weight in parameters.items():
        draws = [
            torch.randn(
                weight.shape[1:], generator=torch_generator(seed, "direction", number, name)
            )
            for seed in seeds
        ]
        drawn = torch.stack(draws).to(weight) * (weight != 0)
        scale = _column_norm(weight) / _column_norm(drawn).clamp(min=torch.finfo(weight.dtype).tiny)
        found[name] = drawn * scale
    return found


def _column_norm(weight: Tensor) -> Tensor:
    """Norm over all axes but the first and the last."""
    norm = weight.reshape(len(weight), -1, weight.shape[-1]).norm(dim=1)
    return norm.view(len(weight), *[1] * (weight.ndim - 2), -1)


def principal_directions(runs: Tensor, like: Parameters, count: int = 2) -> list[Parameters]:
    """First principal components of the weights of many runs, unit norm, the same for every member.

    The authors' scheme. Between runs that started elsewhere, these directions mostly lead from one
    seed to another; nothing normalises them by filter.

    Args:
        runs: weights of all runs of all models, (run, weight), see ``flatten``.
        like: population whose shapes the directions get.
        count: at most runs - 1.
    """
    centred = (runs - runs.mean(0)).double()
    axes = torch.linalg.svd(centred, full_matrices=False).Vh[:count]
    members = len(next(iter(like.values())))
    return [unflatten(axis.to(runs.dtype).expand(members, -1), like) for axis in axes]


def flatten(parameters: Parameters) -> Tensor:
    """Parameters as vectors, (member, weight)."""
    return torch.cat([p.flatten(1) for p in parameters.values()], dim=1)


def unflatten(vectors: Tensor, like: Parameters) -> Parameters:
    """Vectors (member, weight) as parameters with the names and shapes of ``like``, whose number of
    members may be another one.
    """
    sizes = [p[0].numel() for p in like.values()]
    pieces = vectors.split(sizes, dim=1)
    return {
        name: piece.unflatten(1, p.shape[1:])
        for (name, p), piece in zip(like.items(), pieces, strict=True)
    }


# --- values ---------------------------------------------------------------------------------------


def grid(points: int, dimensions: int = 1, radius: float = 1.0) -> Tensor:
    """Coordinates of a regular grid in [-radius, radius]: (points ** dimensions, dimensions)."""
    axis = torch.linspace(-radius, radius, points, dtype=torch.float64)
    return torch.cartesian_prod(*[axis] * dimensions).view(-1, dimensions)


@torch.no_grad()
def values(
    loss: Loss,
    parameters: Parameters,
    directions: Sequence[Parameters],
    coordinates: Tensor,
    at_once: int = _AT_ONCE,
) -> Tensor:
    """Loss at parameters + sum_k coordinate_k direction_k, (member, point), float64.

    Args:
        loss: see the module.
        parameters: the centre of every member.
        directions: each shaped like the parameters.
        coordinates: (point, direction).
        at_once: networks a call; bounds the memory.
    """
    members, points = len(next(iter(parameters.values()))), len(coordinates)
    found = []
    for rows in torch.arange(members * points).split(at_once):
        member, steps = rows // points, coordinates[rows % points]
        moved = {}
        for name, centre in parameters.items():
            moved[name] = centre[member]  # a copy
            for step, direction in zip(steps.unbind(1), directions, strict=True):
                size = step.to(centre).view(-1, *[1] * (centre.ndim - 1))
                moved[name].addcmul_(size, direction[name][member])
        found.append(loss(moved).double())
    return torch.cat(found).view(members, points)


def roughness(lines: np.ndarray, finest: float, scales: int) -> Roughness:
    """Roughness of functions on a line at the steps finest * 2^j, j = 0 ... scales - 1.

    At a coarser step, all positions of the fine grid count.

    Args:
        lines: values on a regular grid, (..., point).
        finest: distance of neighbouring points.
        scales: number of steps.

    Raises:
        ValueError: the line is shorter than two steps of the coarsest scale.
    """
    lines = np.asarray(lines, float)
    strides = 2 ** np.arange(scales)
    if lines.shape[-1] <= 2 * strides[-1]:
        raise ValueError(
            f"{lines.shape[-1]} points are too few for {scales} scales: take more than "
            f"{2 * strides[-1]}"
        )
    second, variation = [], []
    for stride in strides:
        first = lines[..., stride:] - lines[..., :-stride]
        second.append(np.abs(first[..., stride:] - first[..., :-stride]).mean(-1))
        variation.append(np.abs(first).mean(-1) / (stride * finest))
    second, variation = np.stack(second, -1), np.stack(variation, -1)
    steps = finest * strides
    return Roughness(second, variation, _slope(second, steps), _slope(variation, steps))


def _slope(measured: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Least-squares slope in log-log over the last axis; NaN where something is 0."""
    x = np.log(steps) - np.log(steps).mean()
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.log(measured) @ x / (x @ x)
    return np.where(np.isfinite(slope), slope, np.nan)


# --- sharpness ------------------------------------------------------------------------------------


def epsilon_sharpness(
    loss: Loss,
    parameters: Parameters,
    seeds: Sequence[int],
    radii: Sequence[float],
    directions: int = 100,
    at_once: int = _AT_ONCE,
) -> Rise:
    """Largest and mean rise of the loss over random filter-normalised steps of given radii.

    Args:
        loss: see the module.
        parameters: where to stand.
        seeds: one a member; they key the directions.
        radii: lengths of steps, in norms of the weights.
        directions: how many.
        at_once: networks a call.
    """
    steps = torch.tensor(radii, dtype=torch.float64)[:, None]
    start = values(loss, parameters, [], torch.empty(1, 0), at_once)
    rises = [
        values(loss, parameters, [random_direction(parameters, seeds, k)], steps, at_once) - start
        for k in range(directions)
    ]
    stacked = torch.stack(rises).transpose(1, 2)
    return Rise(stacked.amax(0), stacked.mean(0))


def sam_sharpness(
    loss: Loss,
    parameters: Parameters,
    radii: Sequence[float],
    relative: bool = False,
    steps: int = 1,
) -> Tensor:
    """Rise of the loss a step of length rho up its gradient, (radius, member), float64.

    L(theta + rho g / |g|) - L(theta) (Foret et al. 2021). With several steps of length rho / steps,
    each along the gradient where it stands, the largest rise on the way. The gradient is a
    surrogate one where there are spikes; the rise is that of the true loss.

    Args:
        loss: differentiable.
        parameters: where to stand.
        radii: values of rho.
        relative: rho is in norms of the parameters, rho |theta|.
        steps: gradients on the way.
    """
    members, count = len(next(iter(parameters.values()))), len(radii)
    here = {name: p.detach().repeat(count, *[1] * (p.ndim - 1)) for name, p in parameters.items()}
    length = torch.tensor(radii).repeat_interleave(members).to(flatten(here))
    if relative:
        length = length * flatten(here).norm(dim=1)
    start, highest = None, torch.full((members * count,), -torch.inf, dtype=torch.float64)
    for _ in range(steps):
        gradient, now = _gradient(loss, here)
        start = now if start is None else start
        highest = torch.maximum(highest, now)
        norm = flatten(gradient).norm(dim=1)
        factor = torch.where(norm > 0, length / steps / norm, 0.0)
        here = {name: p + _by_member(factor, p) * gradient[name] for name, p in here.items()}
    with torch.no_grad():
        last = loss(here).double()
    # of one step, the rise itself, which may be a fall; of several, the highest place on the way
    top = last if steps == 1 else torch.maximum(highest, last)
    return (top - start).view(count, members)


def _gradient(loss: Loss, parameters: Parameters) -> tuple[Parameters, Tensor]:
    """Gradient of every member, and the loss (member,), float64."""
    leaves = {name: p.detach().requires_grad_() for name, p in parameters.items()}
    found = loss(leaves)
    gradients = torch.autograd.grad(found.sum(), list(leaves.values()))
    return dict(zip(leaves, gradients, strict=True)), found.detach().double()


def _by_member(factor: Tensor, like: Tensor) -> Tensor:
    return factor.view(-1, *[1] * (like.ndim - 1))


# --- curvature ------------------------------------------------------------------------------------


def curvature(
    loss: Loss, parameters: Parameters, seeds: Sequence[int], iterations: int = 20
) -> Curvature:
    """Surrogate curvature: what differentiating the backward pass once more gives.

    Largest eigenvalue by power iteration, trace by Hutchinson's estimator with Rademacher vectors.
    It is the Hessian of the loss only where no unit spikes or saturates; elsewhere it agrees poorly
    with differences of the gradient, and must not be read as smoothness of the loss.

    Args:
        loss: twice differentiable: run by the engine ``eager``.
        parameters: where to stand.
        seeds: one a member; they key the vectors.
        iterations: of each method.
    """
    leaves = {name: p.detach().requires_grad_() for name, p in parameters.items()}
    tensors = list(leaves.values())
    gradients = torch.autograd.grad(loss(leaves).sum(), tensors, create_graph=True)
    gradient = torch.cat([g.flatten(1) for g in gradients], dim=1)

    def product(vectors: Tensor) -> Tensor:
        along = (gradient * vectors).sum()
        found = torch.autograd.grad(along, tensors, retain_graph=True, materialize_grads=True)
        return torch.cat([f.flatten(1) for f in found], dim=1)

    width = gradient.shape[1]
    vector = torch.stack(
        [torch.randn(width, generator=torch_generator(s, "power iteration")) for s in seeds]
    ).to(gradient)
    largest = torch.zeros_like(vector[:, 0])
    for _ in range(iterations):
        vector = torch.nn.functional.normalize(vector, dim=1)
        image = product(vector)
        largest, vector = (vector * image).sum(1), image
    trace = torch.zeros_like(largest)
    for k in range(iterations):
        signs = torch.stack(
            [
                torch.randint(0, 2, (width,), generator=torch_generator(s, "hutchinson", k))
                for s in seeds
            ]
        ).to(gradient)
        signs = 2 * signs - 1
        trace += (signs * product(signs)).sum(1) / iterations
    return Curvature(largest.double(), trace.double())

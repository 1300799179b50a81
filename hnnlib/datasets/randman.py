"""Random manifolds as spike times: data whose smoothness and dimension are chosen.

Each class is a smooth manifold of `dimensions` dimensions, embedded in a space with one axis a unit
(Zenke & Vogels 2021). A point x of the unit cube gives coordinate d

    f_d(x) = prod_j sum_{k=1}^{K-1} A_djk S_k sin(2 pi (k x_j B_djk + C_djk)),   A, B, C ~ U(0, 1),

whose amplitudes S_k fall with k, the faster the larger `alpha`. Each unit fires once, at a time
that grows linearly with its coordinate, so that spike counts carry nothing.

Public generators disagree about S_k, hence the choice `spectrum`. They also fit the range of the
coordinates to all points, test points included, and put the largest at step T, where nothing reads
it; here the range is fitted to training points, others are clipped to it, and no spike is lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Literal

import numpy as np

from hnnlib.datasets.entry import Entry
from hnnlib.datasets.eventdata import EventData, embedded_data
from hnnlib.randomness import numpy_generator

__all__ = ["Task", "entry", "generate"]

PRECISION = 1e-3  # terms of the sum that are smaller are left out
MOST_TERMS = 1000
CHUNK = 100  # points computed at once: bounds the memory


@dataclass(frozen=True)
class Task:
    """One classification task.

    name, title:   of the data set.
    steps, dt:     length of a recording, and of a step in seconds.
    alpha:         smoothness of the manifolds; larger is smoother.
    dimensions:    of the manifolds.
    per_class:     number of recordings.
    test_share:    share of them in the test part.
    step_share:    share of the steps in which spikes fall.
    spectrum:      S_k: "shifted", 1 / ((k + 1)^alpha + 1), as in the torch and jax versions of the
                   public generator, or "power", (k + 1)^-alpha, as in its NumPy version.
    """

    name: str
    title: str
    classes: int
    units: int
    steps: int
    alpha: float
    dimensions: int
    test_share: float
    per_class: int = 1000
    dt: float = 0.002
    step_share: float = 1.0
    spectrum: Literal["shifted", "power"] = "shifted"


def entry(task: Task) -> Entry:
    """What is known of a task's recordings."""
    return Entry(
        name=task.name,
        title=task.title,
        n_examples=task.classes * task.per_class,
        n_classes=task.classes,
        shape=(task.units,),
        licence="the project's own",
        citation="after Zenke, Vogels, The remarkable robustness of surrogate gradient learning "
        "for instilling complex function in spiking neural networks, Neural Computation 33(4), "
        "2021, doi 10.1162/neco_a_01367",
        origin="generated",
        note="synthetic spikes on random manifolds, drawn by the project's own generator",
    )


def generate(task: Task, seed: int = 0) -> EventData:
    """Recordings of a task, training part first, classes in turn; all speakers are 0.

    A seed draws manifolds and points. A task with other sizes is `replace(task, ...)`; its
    manifolds are the same, and so are the first points of each part.
    """
    n_test = round(task.test_share * task.per_class)
    sizes = {"train": task.per_class - n_test, "test": n_test}
    steps = [_steps(task, sizes, label, seed) for label in range(task.classes)]
    columns = [
        (np.stack([one[part] for one in steps], axis=1).reshape(-1, task.units), size)
        for part, size in sizes.items()
    ]
    step = np.concatenate([values for values, _ in columns])
    n = len(step)
    order = np.argsort(step, axis=1, kind="stable")  # of units in time
    return embedded_data(
        entry(task),
        times=(np.take_along_axis(step, order, axis=1).ravel() + 0.5) * task.dt,
        units=order.ravel(),
        counts=np.full(n, task.units),
        labels=np.arange(n) % task.classes,
        speakers=np.zeros(n, np.int64),
        test=np.repeat([False, True], [size * task.classes for size in sizes.values()]),
    )


def _steps(task: Task, sizes: dict[str, int], label: int, seed: int) -> dict[str, np.ndarray]:
    """Step at which each unit fires, for the points of each part: (n, units)."""
    terms = _terms(task.alpha)
    shape = (3, task.units, task.dimensions, len(terms))
    amplitude, scale, phase = numpy_generator(seed, "randman", label).random(shape)
    weights = amplitude * _spectrum(task, terms)
    values = {}
    for part, size in sizes.items():
        points = numpy_generator(seed, "randman", label, part).random((size, task.dimensions))
        values[part] = np.concatenate(
            [
                _coordinates(points[at : at + CHUNK], terms * scale, phase, weights)
                for at in range(0, size, CHUNK)
            ]
        )
    low, high = values["train"].min(axis=0), values["train"].max(axis=0)
    return {part: _step(task, (value - low) / (high - low)) for part, value in values.items()}


def _terms(alpha: float) -> np.ndarray:
    """k = 1 to K - 1; the constant term k = 0 is left out, as in the public generators."""
    return np.arange(1, min(ceil(round(PRECISION ** (-1 / alpha), 6)), MOST_TERMS))


def _spectrum(task: Task, terms: np.ndarray) -> np.ndarray:
    power = (terms + 1.0) ** task.alpha
    return 1 / (power + 1) if task.spectrum == "shifted" else 1 / power


def _coordinates(
    points: np.ndarray, frequency: np.ndarray, phase: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """f_d of points (n, dimensions): (n, units)."""
    product = 1.0
    for j in range(points.shape[1]):
        turns = points[:, j, None, None] * frequency[:, j] + phase[:, j]
        turns -= np.rint(turns)  # so that single precision will do for the sine, which takes long
        wave = np.sin(2 * np.pi * turns.astype(np.float32))
        product = product * np.einsum("ndk,dk->nd", wave, weights[:, j])
    return product


def _step(task: Task, coordinate: np.ndarray) -> np.ndarray:
    """Step of a coordinate, 0 to 1 in the training part: never T, where no spike would be read."""
    step = np.floor(coordinate.clip(0, 1) * task.steps * task.step_share)
    return np.minimum(step, task.steps - 1).astype(np.int64)

"""What is measured together: three tasks, the same from test size to twice their size, an epoch of
real recordings, a growing population, curves over sizes and density, networks of studies.

Every suite gives points: what ``measure`` gives for one task, and where it stands.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks import EPOCH, OURS, STUDIED, STUDIES, ratios, tasks
from benchmarks.measure import Worker, WorkerFailure, measure, measure_memory

__all__ = ["ROUNDS", "Bench", "axes", "run"]

Point = dict[str, Any]

ROUNDS = {
    "tasks": (7, 2),
    "sizes": (5, 1),
    EPOCH: (3, 1),
    "population": (5, 1),
    "curves": (3, 1),
    STUDIES: (7, 2),
}
"""Rounds that count, and rounds before them, by suite."""

_TEST = "test size"  # 4 to 32 units a layer, as the tests of the project have them
_REPEATS = 20  # of a step of a millisecond
_SIZES = {
    "quarter": {
        "recurrent": {"hidden": 64},
        "mlp": {"hidden": 125},
        "cnn": {"channels": (8, 8, 16, 0, 16, 0), "hidden": 128},
    },
    "full": {"recurrent": {}, "mlp": {}, "cnn": {}},
    "twice": {
        "recurrent": {"hidden": 512},
        "mlp": {"hidden": 1000},
        "cnn": {"channels": (64, 64, 128, 0, 128, 0), "hidden": 1024},
    },
}
"""Hidden units and channels, by the name of a size and of a task."""

_MEMBERS = (4, 16, 64)
_AXES = {
    "recurrent": {
        "steps": (25, 50, 200, 400),
        "hidden": (64, 128, 512, 1024),
        "batch": (16, 64, 1024),
        "density": (0.005, 0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0),
    },
    "mlp": {
        "steps": (5, 10, 50, 100),
        "hidden": (125, 250, 1000, 2000),
        "batch": (16, 32, 512),
        "density": (0.005, 0.01, 0.02, 0.05, 0.2, 0.3, 0.5, 1.0),
    },
}


@dataclass
class Bench:
    """What the suites share.

    Attributes:
        start: makes a library's worker.
        peers: their names.
        names: the tasks to measure.
        rounds, warmup, tiny, tell: as in ``measure``.
        clock: ``cpu`` or ``wall``: which time says who is the fastest.
    """

    start: Callable[[str], Worker]
    peers: Sequence[str]
    names: Sequence[str]
    rounds: int
    warmup: int
    tiny: bool
    clock: str
    tell: Callable[[str], None]

    @contextmanager
    def workers(self, *populations: str) -> Iterator[dict[str, Worker]]:
        """New processes, one a library and one a population, ended on the way out."""
        made = {name: self.start(OURS) for name in (OURS, *populations)}
        made |= {name: self.start(name) for name in self.peers}
        try:
            yield made
        finally:
            for worker in made.values():
                worker.close()

    def time(
        self,
        workers: dict[str, Worker],
        task: str,
        changes: dict[str, dict] | None = None,
        tiny: bool = False,
    ) -> Point:
        """One point."""
        tiny = tiny or self.tiny
        return measure(workers, task, self.rounds, self.warmup, tiny, changes, self.tell)

    def profiled(self, workers: dict[str, Worker], task: str) -> Point:
        """One point, and where hnnlib spends its time."""
        point = self.time(workers, task)
        if point["libraries"][OURS]["error"] is None:
            point |= workers[OURS].ask("profile")
        return point

    def weigh(self, workers: dict[str, Worker], point: Point, changes: dict[str, dict]) -> None:
        """Add the memory that each worker's network needs."""
        for name, entry in point["libraries"].items():
            try:
                entry["memory"] = measure_memory(
                    workers[name], point["task"], self.tiny, changes.get(name)
                )
            except WorkerFailure:  # a network that doesn't run has said so in its timings
                entry["memory"] = None


def run(suite: str, bench: Bench) -> Iterator[Point]:
    """The points of a suite, each as soon as it is measured."""
    yield from _SUITES[suite](bench)


def _tasks(bench: Bench) -> Iterator[Point]:
    for name in bench.names:
        with bench.workers() as workers:
            point = bench.profiled(workers, name)
        bench.weigh(workers, point, {})
        yield point


def _sizes_of_tasks(bench: Bench) -> Iterator[Point]:
    """Every task at every size; their names say both. Memory isn't weighed."""
    repeats = 1 if bench.tiny else _REPEATS
    for name in bench.names:
        sizes = {} if bench.tiny else {size: of[name] for size, of in _SIZES.items()}
        with bench.workers() as workers:
            for size, changes in {_TEST: {"repeats": repeats}, **sizes}.items():
                point = bench.time(workers, name, dict.fromkeys(workers, changes), size == _TEST)
                yield point | {"task": f"{name}, {size}", "title": f"{name}, {size}"}


def _studies(bench: Bench) -> Iterator[Point]:
    """Memory isn't weighed: the peers take their initial weights from a network of hnnlib."""
    for name in STUDIED:
        with bench.workers() as workers:
            yield bench.profiled(workers, name)


def _epoch(bench: Bench) -> Iterator[Point]:
    """Memory isn't weighed: it would be that of the recordings, whose form differs."""
    with bench.workers() as workers:
        yield bench.profiled(workers, EPOCH)


def _population(bench: Bench) -> Iterator[Point]:
    """One, four, ... networks of the task ``mlp`` in hnnlib, and one in every peer."""
    repeats = tasks.get("mlp", bench.tiny).repeats
    changes = {
        # a long step needs no repeats
        f"{OURS} x{members}": {"members": members, "repeats": max(1, repeats // members)}
        for members in (_MEMBERS[:1] if bench.tiny else _MEMBERS)
    }
    with bench.workers(*changes) as workers:
        point = bench.time(workers, "mlp", changes)
    bench.weigh(workers, point, changes)
    yield point


def _curves(bench: Bench) -> Iterator[Point]:
    """The task itself in all libraries, then variants in hnnlib and the peer that was fastest."""
    for name in bench.names:
        if name in _AXES:
            with bench.workers() as workers:
                yield from _around(bench, workers, name)


def _around(bench: Bench, workers: dict[str, Worker], name: str) -> Iterator[Point]:
    base = bench.time(workers, name)
    yield base | {"axis": None, "sizes": _sizes(tasks.get(name, bench.tiny))}
    best = ratios.best_peer(base, bench.clock)
    pair = {key: workers[key] for key in ([OURS, best.library] if best else [OURS])}
    for axis, value, changes in axes(name, bench.tiny):
        point = bench.time(pair, name, dict.fromkeys(pair, changes))
        sizes = _sizes(tasks.get(name, bench.tiny, **changes))
        yield point | {"axis": axis, "title": f"{name}: {axis} {value:g}", "sizes": sizes}


def axes(name: str, tiny: bool = False) -> Iterator[tuple[str, float, dict[str, Any]]]:
    """What a task's curves change: axis, value, and the attributes to change.

    The initial weights of the first layer make up for the density, so that hidden units go on
    spiking about as often and the curve tells about the input; the learning rate falls where more
    inputs move a unit at once.
    """
    base = tasks.get(name, tiny)
    values = {"steps": (2 * base.steps,), "density": (1.0,)} if tiny else _AXES[name]
    for axis, points in values.items():
        for value in points:
            changes = {axis: value}
            if axis == "density":
                drive = tasks.get(name, tiny, density=value).drive()
                changes["input_gain"] = math.sqrt(base.drive() / drive)
                changes["learning_rate"] = base.learning_rate * min(1, base.density / value)
            yield axis, value, changes


def _sizes(task: Any) -> dict[str, float]:
    return {axis: getattr(task, axis) for axis in ("steps", "hidden", "batch", "density")}


_SUITES = {
    "tasks": _tasks,
    "sizes": _sizes_of_tasks,
    EPOCH: _epoch,
    "population": _population,
    "curves": _curves,
    STUDIES: _studies,
}

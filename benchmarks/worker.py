"""One library in one process: builds networks and times training steps, a JSON object a line.

Requests come on standard input: ``{"do": "describe"}``, ``{"do": "load", "task": NAME, "tiny":
BOOL, "changes": {...}}``, ``{"do": "train", "steps": N}``, ``{"do": "activity"}``, ``{"do":
"profile"}`` and ``{"do": "memory"}``. Each gets one line back: the result, or ``{"error": TEXT}``.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import itertools
import json
import os
import platform
import resource
import runpy
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

import hnnlib
from benchmarks import OURS, tasks
from benchmarks.environment import ROOT
from benchmarks.profiling import profiled, rate

__all__ = ["Session", "main"]


class Session:
    """The network in hand and its optimiser.

    Args:
        library: ``hnnlib`` or a peer's name.
        engine: engine of hnnlib; the peers have none.
        device: ``cpu`` or ``cuda``.

    Raises:
        RuntimeError: the device isn't there.
    """

    def __init__(self, library: str, engine: str = "auto", device: str = "cpu") -> None:
        if device == "cuda" and not torch.cuda.is_available():
            raise RuntimeError("this PyTorch finds no CUDA device")
        self.device = device
        name = "benchmarks.ours" if library == OURS else f"benchmarks.peers.{library}_models"
        self.module = importlib.import_module(name)
        self.options = {"engine": engine, "device": device} if library == OURS else {}

    def describe(self) -> dict[str, Any]:
        """Versions, what sets this library's networks apart, engine and GPU."""
        about: dict[str, Any] = {"differences": self.module.DIFFERENCES}
        versions = {package: metadata.version(package) for package in self.module.PACKAGES}
        if self.options:  # hnnlib is imported from the tree and may not be installed
            versions[OURS] = hnnlib.__version__
            about["engine"] = self.module.engine_name(**self.options)
        if self.device == "cuda":
            about["gpu"] = torch.cuda.get_device_name()
        versions |= {"torch": str(torch.__version__), "python": platform.python_version()}
        return about | {"versions": versions}

    def load(
        self, task: str, tiny: bool = False, changes: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Build a task's network afresh.

        Args:
            task: its name.
            tiny: at test size.
            changes: attributes of the task that differ.

        Returns:
            title; repeats; members; parameters: trained numbers; input_density: share of inputs
            that aren't zero; data: what the recordings are, where the task reads some.
        """
        self.task = tasks.get(task, tiny, **changes or {})
        self._set_input()
        _forget_peak()  # making the input is not part of training
        if task in self.module.KEEP_MEMORY:
            _keep_memory()  # for good: a process that is timed serves one task
        self.model = self.module.build(self.task, **self.options).to(self.device)
        self.optimiser = torch.optim.Adam(self._groups(), lr=self.task.learning_rate, fused=True)
        self.initial = [p.detach().clone() for p in self.model.parameters()]
        return {
            "title": self.task.title,
            "data": self.data,
            "repeats": self.data["steps"] if self.data else self.task.repeats,
            "members": self.task.members,
            "parameters": sum(p.numel() for p in self.model.parameters() if p.requires_grad),
            "input_density": self.input_density,
        }

    def _set_input(self) -> None:
        """Input in the library's own form, and labels, the same for every member."""
        # a population's loss is the sum over its members, each a mean over the batch
        self.weight = torch.tensor(float(self.task.members), device=self.device)
        self.data: dict[str, Any] | None = None
        if isinstance(self.task, tasks.Epoch):
            self._set_recordings()
            return
        x = self.task.input()
        self.input_density = (x != 0).float().mean().item()
        given = hasattr(self.module, "signal")
        x = self.module.signal(self.task, self.device) if given else x.to(self.device)
        y = self.task.labels().repeat(self.task.members).to(self.device)
        self.batches = itertools.repeat((x, y))

    def _set_recordings(self) -> None:
        from benchmarks.recordings import Feed  # loads much of hnnlib, which only this task needs

        feed = Feed(self.task, hasattr(self.module, "signal"), self.device)
        self.batches, self.data, self.input_density = iter(feed), feed.about, feed.density

    def _groups(self) -> list[dict]:
        if hasattr(self.module, "learning_rates"):
            return self.module.learning_rates(self.model, self.task)
        return [{"params": list(self.model.parameters())}]

    def train(self, steps: int) -> dict[str, Any]:
        """Time some training steps, each on the next batch; most tasks have one.

        An epoch begins with the initial weights, every time that it is timed: what is timed would
        otherwise depend on what came before, since spiking becomes more frequent with training.

        Returns:
            wall, cpu: seconds a step; losses: before each step, mean over members.
        """
        losses = []
        if isinstance(self.task, tasks.Epoch):
            self._restart()
        self._wait()
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(steps):
            losses.append(self._step())
        self._wait()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        return {"wall": wall / steps, "cpu": cpu / steps, "losses": losses}

    @torch.no_grad()
    def _restart(self) -> None:
        for parameter, initial in zip(self.model.parameters(), self.initial, strict=True):
            parameter.copy_(initial)
        self.optimiser.state.clear()

    def _wait(self) -> None:
        """A GPU computes after the call that asks for it has returned."""
        if self.device == "cuda":
            torch.cuda.synchronize()

    def _step(self) -> float:
        x, y = next(self.batches)
        if hasattr(self.model, "learn"):  # has its own optimiser, and no use for autograd
            return self.model.learn(x, y)
        self.optimiser.zero_grad()
        if gradients := getattr(self.model, "gradients", None):  # without autograd
            loss = gradients(x, y)
        else:
            loss = functional.cross_entropy(self.model(x), y)
            loss.backward(self.weight)
        self.optimiser.step()
        return loss.item()

    def activity(self) -> dict[str, Any]:
        """Share of elements that spike in each layer, where the network can tell."""
        knows = hasattr(self.model, "spike_density")
        return {"spike_density": self.model.spike_density(next(self.batches)[0]) if knows else []}

    def profile(self, steps: int = 3) -> dict[str, Any]:
        """Where the time of a step goes, seconds by kind of work; ``least``: seconds that its
        operations would take at the rate of a matrix product, where the network can tell.
        """
        for _ in range(steps):  # loads what these steps are the first to need
            self._step()
        found: dict[str, Any] = {"profile": profiled(self._step, steps)}
        if hasattr(self.model, "operations"):
            found["least"] = self.model.operations(next(self.batches)[0]) / rate()
        return found

    def memory(self) -> dict[str, Any]:
        """Most memory so far, MiB: of this process, or on a GPU of its tensors."""
        if self.device == "cuda":
            return {"peak": torch.cuda.max_memory_allocated() / 2**20}
        return {"peak": _most_memory()}

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """The reply to one request."""
        actions = (self.describe, self.load, self.train, self.activity, self.profile, self.memory)
        return {action.__name__: action for action in actions}[request.pop("do")](**request)


def _keep_memory() -> None:
    """``hnnlib.training.memory.keep_memory``; the rest of hnnlib would weigh on a peer's memory."""
    runpy.run_path(str(ROOT / "hnnlib" / "training" / "memory.py"))["keep_memory"]()


def _forget_peak() -> None:
    """Begin to look for the most memory anew, where the system can (Linux)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _most_memory() -> float:
    """Most memory of this process, MiB."""
    status = Path("/proc/self/status")
    if status.exists():
        # ru_maxrss would be at least that of the process that started this one: exec keeps it
        high = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(high.split()[1]) / 2**10
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (2**20 if sys.platform == "darwin" else 2**10)


def _serve(session: Session, replies: Any) -> None:
    for line in sys.stdin:
        try:
            reply = session.answer(json.loads(line))
        except Exception as error:  # the other libraries go on; the report shows what happened
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), file=replies, flush=True)


def main(arguments: list[str] | None = None) -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args(arguments)
    # libraries print while they are imported: replies get the real standard output, prints the log
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    torch.set_num_threads(given.threads)
    _serve(Session(given.library, given.engine, given.device), replies)


if __name__ == "__main__":
    main()

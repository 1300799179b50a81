"""One library in one process: builds networks and times training steps, a JSON object a line.

Requests come on standard input: ``{"do": "describe"}``, ``{"do": "load", "task": NAME, "tiny":
BOOL}``, ``{"do": "train", "steps": N}`` and ``{"do": "activity"}``. Each gets one line back: the
result, or ``{"error": TEXT}``.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sys
import time
from importlib import metadata
from typing import Any

import torch
from torch.nn import functional

import hnnlib
from benchmarks import OURS, tasks

__all__ = ["Session", "main"]


class Session:
    """The network in hand and its optimiser.

    Args:
        library: ``hnnlib`` or a peer's name.
        engine: engine of hnnlib; the peers have none.
    """

    def __init__(self, library: str, engine: str = "eager") -> None:
        name = "benchmarks.ours" if library == OURS else f"benchmarks.peers.{library}_models"
        self.module = importlib.import_module(name)
        self.options = {"engine": engine} if library == OURS else {}

    def describe(self) -> dict[str, Any]:
        """Versions and threads of this process."""
        versions = {package: metadata.version(package) for package in self.module.PACKAGES}
        if self.options:  # hnnlib is imported from the tree and may not be installed
            versions[OURS] = hnnlib.__version__
        versions |= {"torch": str(torch.__version__), "python": platform.python_version()}
        return {"versions": versions, "differences": self.module.DIFFERENCES}

    def load(self, task: str, tiny: bool = False) -> dict[str, Any]:
        """Build a task's network afresh.

        Returns:
            title; parameters: trained numbers; input_density: share of inputs that aren't zero.
        """
        self.task = tasks.get(task, tiny)
        self.x, self.y = self.task.input(), self.task.labels()
        self.model = self.module.build(self.task, **self.options)
        self.optimiser = torch.optim.Adam(self._groups(), lr=self.task.learning_rate)
        return {
            "title": self.task.title,
            "repeats": self.task.repeats,
            "parameters": sum(p.numel() for p in self.model.parameters() if p.requires_grad),
            "input_density": (self.x != 0).float().mean().item(),
        }

    def _groups(self) -> list[dict]:
        if hasattr(self.module, "learning_rates"):
            return self.module.learning_rates(self.model, self.task)
        return [{"params": list(self.model.parameters())}]

    def train(self, steps: int) -> dict[str, Any]:
        """Time some training steps on the one batch.

        Returns:
            wall, cpu: seconds a step; losses: before each step.
        """
        losses = []
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(steps):
            losses.append(self._step())
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        return {"wall": wall / steps, "cpu": cpu / steps, "losses": losses}

    def _step(self) -> float:
        self.optimiser.zero_grad()
        loss = functional.cross_entropy(self.model(self.x), self.y)
        loss.backward()
        self.optimiser.step()
        return loss.item()

    def activity(self) -> dict[str, Any]:
        """Share of elements that spike in each layer, where the network can tell."""
        knows = hasattr(self.model, "spike_density")
        return {"spike_density": self.model.spike_density(self.x) if knows else []}

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """The reply to one request."""
        actions = (self.describe, self.load, self.train, self.activity)
        return {action.__name__: action for action in actions}[request.pop("do")](**request)


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
    parser.add_argument("--engine", default="eager")
    given = parser.parse_args(arguments)
    # libraries print while they are imported: replies get the real standard output, prints the log
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    torch.set_num_threads(given.threads)
    _serve(Session(given.library, given.engine), replies)


if __name__ == "__main__":
    main()

"""Interleaved timing: a long-lived process a library, each once a round, in rotating order."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import OURS
from benchmarks.environment import ROOT

__all__ = ["Worker", "WorkerFailure", "measure", "order"]


class WorkerFailure(Exception):
    """A library couldn't do what was asked; the text says why."""


class Worker:
    """One library's process; started when it is first asked, and again after a crash.

    Args:
        library: ``hnnlib`` or a peer's name.
        python: interpreter that has the library.
        threads: torch threads.
        engine: engine of hnnlib.
        patience: seconds to wait for a reply.
    """

    def __init__(
        self,
        library: str,
        python: Path,
        threads: int = 1,
        engine: str = "eager",
        patience: float = 600,
    ) -> None:
        self.library, self.patience = library, patience
        self.command = [str(python), "-m", "benchmarks.worker", library]
        self.command += ["--threads", str(threads), "--engine", engine]
        limits = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
        self.environment = os.environ | dict.fromkeys(limits, str(threads))
        self.process: subprocess.Popen | None = None
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115 (lives as long as the worker)

    def _start(self) -> subprocess.Popen:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self.log}
        return subprocess.Popen(
            self.command, cwd=ROOT, env=self.environment, text=True, bufsize=1, **pipes
        )

    def ask(self, do: str, **details: Any) -> dict[str, Any]:
        """The worker's reply to a request.

        Raises:
            WorkerFailure: it reports an error, has ended, or is silent for too long.
        """
        if self.process is None:
            self.process = self._start()
        try:
            self.process.stdin.write(json.dumps({"do": do, **details}) + "\n")
            line = self._line()
        except (BrokenPipeError, OSError):
            line = ""
        if not line:
            raise WorkerFailure(self._ended())
        reply = json.loads(line)
        if "error" in reply:
            raise WorkerFailure(reply["error"])
        return reply

    def _line(self) -> str:
        ready, _, _ = select.select([self.process.stdout], [], [], self.patience)
        if not ready:
            self.close()
            raise WorkerFailure(f"no reply within {self.patience:g} s")
        return self.process.stdout.readline()

    def _ended(self) -> str:
        status = self.process.wait()
        self.process = None
        self.log.seek(0)
        lines = [line.strip() for line in self.log if line.strip()]
        return lines[-1] if lines else f"the process ended with status {status}"

    def close(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            for pipe in (self.process.stdin, self.process.stdout):
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
            self.process = None


def order(names: Sequence[str], turn: int) -> list[str]:
    """The names, beginning one further each turn, so that none is always the first.

    >>> order(["a", "b", "c"], 1)
    ['b', 'c', 'a']
    """
    start = turn % len(names)
    return [*names[start:], *names[:start]]


def measure(
    workers: dict[str, Worker],
    task: str,
    rounds: int,
    warmup: int,
    tiny: bool = False,
    tell: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Time one task in every library.

    Args:
        workers: by library.
        rounds: rounds that count; a library that fails in one is left out of the rest.
        warmup: rounds before them that don't.
        tell: receives a line of progress a round.

    Returns:
        title, input_density, spike_density (of hnnlib's layers), and by library: parameters, cpu
        and wall (seconds a step, one a round), losses (before every step, warm-up included),
        error (text or None).
    """
    found: dict[str, Any] = {"task": task, "title": task, "libraries": {}}
    repeats = 1
    for name, worker in workers.items():
        entry = found["libraries"][name] = _blank()
        with _noted(entry):
            loaded = worker.ask("load", task=task, tiny=tiny)
            entry["parameters"] = loaded["parameters"]
            found |= {key: loaded[key] for key in ("title", "input_density")}
            repeats = loaded["repeats"]
    for turn in range(warmup + rounds):
        counts = turn >= warmup
        for name in order(list(workers), turn):
            _time(workers[name], found, repeats, counts)
        tell(_progress(found, turn - warmup + 1 if counts else 0, rounds))
    if OURS in workers and not found["libraries"][OURS]["error"]:
        with _noted(found["libraries"][OURS]):
            found |= workers[OURS].ask("activity")
    return found


def _blank() -> dict[str, Any]:
    return {"parameters": None, "cpu": [], "wall": [], "losses": [], "error": None}


@contextlib.contextmanager
def _noted(entry: dict[str, Any]):
    """Failures of one library go into its entry, and the others go on."""
    try:
        yield
    except WorkerFailure as failure:
        entry["error"] = str(failure)


def _time(worker: Worker, found: dict[str, Any], repeats: int, counts: bool) -> None:
    entry = found["libraries"][worker.library]
    if entry["error"]:
        return
    with _noted(entry):
        timed = worker.ask("train", steps=repeats)
        entry["losses"] += timed["losses"]
        if counts:
            entry["cpu"].append(timed["cpu"])
            entry["wall"].append(timed["wall"])


def _progress(found: dict[str, Any], number: int, rounds: int) -> str:
    label = f"round {number}/{rounds}" if number else "warm-up"
    last = [f"{name} {_last(entry)}" for name, entry in found["libraries"].items()]
    return f"{found['task']:<10} {label:<12} {', '.join(last)}"


def _last(entry: dict[str, Any]) -> str:
    if entry["error"]:
        return "failed"
    return f"{1000 * entry['cpu'][-1]:.0f} ms" if entry["cpu"] else "ready"

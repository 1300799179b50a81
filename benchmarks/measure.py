"""Interleaved timing: a long-lived process a library, each once a round, in rotating order."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import OURS
from benchmarks.environment import ROOT

__all__ = ["Worker", "WorkerFailure", "measure", "measure_memory", "order"]

_JAX_THREADS = ("NPROC", "PJRT_NPROC")


class WorkerFailure(Exception):
    """A library couldn't do what was asked; the text says why."""


class Worker:
    """One library's process; started when it is first asked, and again after a crash.

    Args:
        library: ``hnnlib`` or a peer's name.
        python: interpreter that has the library.
        threads: torch threads.
        engine: engine of hnnlib.
        device: ``cpu`` or ``cuda``.
        patience: seconds to wait for a reply.
    """

    def __init__(
        self,
        library: str,
        python: Path,
        threads: int = 1,
        engine: str = "auto",
        device: str = "cpu",
        patience: float = 600,
    ) -> None:
        self.library, self.patience = library, patience
        self.command = [str(python), "-m", "benchmarks.worker", library]
        self.command += ["--threads", str(threads), "--engine", engine, "--device", device]
        limits = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", *_JAX_THREADS)
        self.environment = os.environ | dict.fromkeys(limits, str(threads))
        if library == OURS:  # as ``python -m hnnlib`` sets it, see ``hnnlib.engines.cpu.threads``
            self.environment |= {"GOMP_SPINCOUNT": "1000"}
        self.process: subprocess.Popen | None = None
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115 (lives as long as the worker)

    def another(self) -> Worker:
        """A worker like this one, with a process of its own."""
        new = Worker(self.library, Path(self.command[0]), patience=self.patience)
        new.command, new.environment = list(self.command), self.environment
        return new

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
    workers: Mapping[str, Worker],
    task: str,
    rounds: int,
    warmup: int,
    tiny: bool = False,
    changes: Mapping[str, dict[str, Any]] | None = None,
    tell: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Time one task in every worker.

    Args:
        workers: by the name of their entry: the library, and what else tells them apart.
        task: its name.
        rounds: rounds that count; a worker that fails in one is left out of the rest.
        warmup: rounds before them that don't.
        tiny: networks of test size.
        changes: attributes of the task that differ, by the worker's name.
        tell: receives a line of progress a round.

    Returns:
        task, title, input_density, data, spike_density (of hnnlib's layers), ``libraries`` by name:
        library, members, parameters, cpu and wall (seconds a step, one a round), losses (before
        every step, warm-up included), error (text or None).
    """
    found: dict[str, Any] = {"task": task, "title": task, "libraries": {}}
    entries = found["libraries"]
    repeats: dict[str, int] = {}
    for name, worker in workers.items():
        entries[name] = _blank(worker.library)
        with _noted(entries[name]):
            loaded = worker.ask("load", task=task, tiny=tiny, changes=(changes or {}).get(name, {}))
            entries[name] |= {key: loaded[key] for key in ("parameters", "members")}
            found |= {key: loaded[key] for key in ("title", "input_density")}
            found["data"] = loaded.get("data")
            repeats[name] = loaded["repeats"]
    for turn in range(warmup + rounds):
        counts = turn >= warmup
        for name in order(list(workers), turn):
            _time(workers[name], entries[name], repeats.get(name, 1), counts)
        tell(_progress(found, turn - warmup + 1 if counts else 0, rounds))
    if OURS in workers and not entries[OURS]["error"]:
        with _noted(entries[OURS]):
            found |= workers[OURS].ask("activity")
    return found


def measure_memory(
    worker: Worker, task: str, tiny: bool = False, changes: dict[str, Any] | None = None
) -> dict[str, float]:
    """Most memory of a fresh process that builds a network and trains it for three steps.

    The first steps allocate everything: gradients, Adam's moments, what the backward pass needs.

    Returns:
        imported: MiB before there is a network (on a GPU 0: only tensors count); peak: MiB.

    Raises:
        WorkerFailure: the process couldn't do it.
    """
    fresh = worker.another()
    try:
        imported = fresh.ask("memory")["peak"]
        fresh.ask("load", task=task, tiny=tiny, changes=changes or {})
        fresh.ask("train", steps=3)
        return {"imported": imported, "peak": fresh.ask("memory")["peak"]}
    finally:
        fresh.close()


def _blank(library: str) -> dict[str, Any]:
    return {
        "library": library,
        "members": 1,
        "parameters": None,
        "cpu": [],
        "wall": [],
        "losses": [],
        "error": None,
    }


@contextlib.contextmanager
def _noted(entry: dict[str, Any]):
    """Failures of one library go into its entry, and the others go on."""
    try:
        yield
    except WorkerFailure as failure:
        entry["error"] = str(failure)


def _time(worker: Worker, entry: dict[str, Any], repeats: int, counts: bool) -> None:
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

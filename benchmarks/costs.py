"""``python -m benchmarks.costs results/quick``: what a whole study costs, and on what.

Every training job of a scale runs once more, in a process of its own on one thread, with a clock at
every compiled kernel; collecting and notebooks are as the workflow has timed them in that folder.
Writes ``benchmarks/results/costs-<scale>.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.environment import ROOT
from workflow.pace import timings

__all__ = ["Clock", "Cost", "costs", "job", "page"]

_LIMITS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_WORDS = (
    "Seconds of one core. *Start*: processes of training jobs until they train (imports, kernels "
    "from disk). *Kernels*: within the engine's compiled kernels, its arithmetic. *Training*: what "
    "training takes besides: operations of PyTorch (arithmetic, too, where a network has products "
    "outside the engine), autograd, Python. *Collecting* and *notebook*: whole jobs, their start "
    "included. Report and Snakemake are not in it. The first three are processor seconds of jobs "
    "that ran again, the others wall seconds of the run in"
)


@dataclass(frozen=True)
class Cost:
    """Of a study, in seconds.

    Attributes:
        start: of processes until they train: imports, loading of kernels and data.
        kernels: within the engine's compiled kernels.
        training: the rest of training: PyTorch's operations, autograd, Python between them.
        collecting, notebook: whole jobs of the workflow.
    """

    start: float
    kernels: float
    training: float
    collecting: float
    notebook: float


class Clock:
    """Processor seconds of this thread within compiled kernels, from its making on."""

    def __init__(self) -> None:
        from numba.core.dispatcher import Dispatcher
        from numba.core.registry import CPUDispatcher

        self.seconds = 0.0

        def timed(kernel: Any, *arguments: Any) -> Any:
            began = time.thread_time()
            try:
                return Dispatcher.__call__(kernel, *arguments)
            finally:
                self.seconds += time.thread_time() - began

        CPUDispatcher.__call__ = timed  # for good: the process serves one job


def job(study: str, group: str, scale: str, work: Path) -> dict[str, float]:
    """Train a group as the workflow does, from nothing; processor seconds of its parts."""
    import yaml

    from hnnlib import studies
    from hnnlib.studies import running

    its, found = studies.get(study), {}
    train, clock = its.train, Clock()

    def clocked(*given: Any) -> Any:
        found["start"], clock.seconds = time.process_time(), 0.0
        runs = train(*given)
        found["kernels"] = clock.seconds
        found["training"] = time.process_time() - found["start"] - clock.seconds
        return runs

    its.train = clocked
    sections = yaml.safe_load((ROOT / "config" / f"{scale}.yaml").read_text("utf-8"))["studies"]
    settings = its.Settings.model_validate(sections[study])
    out = work / "runs.nc"
    running.train_group(
        study, group, settings, scale=scale, out=out, threads=1, checkpoints=work / "checkpoints"
    )
    return found


def costs(folder: Path) -> Iterator[tuple[str, int, Cost]]:
    """Study, its training jobs, its cost: of every study that the folder has a whole run of."""
    taken = timings(folder / "timings")
    trained = [name.split("/")[1:] for name in taken if name.startswith("train_group/")]
    for study in sorted({study for study, _ in trained}):
        groups = [group for its, group in trained if its == study]
        parts = [_in_a_process(study, group, folder.name) for group in groups]
        sums = {key: sum(part[key] for part in parts) for key in ("start", "kernels", "training")}
        after = (taken[f"{rule}/{study}"] for rule in ("collect_study", "execute_notebook"))
        yield (
            study,
            len(groups),
            Cost(**sums, **dict(zip(("collecting", "notebook"), after, strict=True))),
        )


def _in_a_process(study: str, group: str, scale: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.costs", scale, "--job", study, group]
    limits = dict.fromkeys(_LIMITS, "1")
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | limits, stdout=-1, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def page(scale: str, found: list[tuple[str, int, Cost]]) -> str:
    """A row a study, and their sums."""
    where = machine.machine()
    whole = [sum(column) for column in zip(*(astuple(cost) for _, _, cost in found), strict=True)]
    rows = [*found, ("all", sum(jobs for _, jobs, _ in found), Cost(*whole))]
    head = ["study", "training jobs", *(field.name for field in fields(Cost)), "sum"]
    lines = [head, ["---", *["---:"] * (len(head) - 1)]]
    for study, jobs, cost in rows:
        seconds = astuple(cost)
        lines.append([study, str(jobs), *(f"{s:.1f}" for s in (*seconds, sum(seconds)))])
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    made = f"`python -m benchmarks.costs results/{scale}`; commit {machine.commit()}"
    text = [f"# What a study costs: `{scale}`", f"{_WORDS} `results/{scale}`.", table]
    return "\n\n".join([*text, f"Made by {made}, {where['cpu']}, {where['system']}.\n"])


def main(given: list[str] | None = None) -> None:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.costs", description=__doc__)
    parser.add_argument("folder", type=Path, help="results of a whole run, such as results/quick")
    parser.add_argument("--job", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args(given)
    if options.job:
        with tempfile.TemporaryDirectory() as work:
            print(json.dumps(job(*options.job, options.folder.name, Path(work))))
        return
    found = []
    for study, jobs, cost in costs(options.folder):
        found.append((study, jobs, cost))
        print(study, cost, flush=True)
    out = ROOT / "benchmarks" / "results" / f"costs-{options.folder.name}.md"
    out.write_text(page(options.folder.name, found))
    print(f"written: {out.relative_to(ROOT)}")


if __name__ == "__main__":
    main()

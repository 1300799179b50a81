"""How long a run takes: told at its start from earlier runs, corrected while it goes on."""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import Any

from hnnlib.errors import counted
from hnnlib.files import read_text
from workflow.jobs import kills
from workflow.plan import Plan

# Seconds of jobs that no earlier run has timed.
USUAL = {
    "check_data": 5.0,
    "collect_study": 4.0,
    "execute_notebook": 10.0,
    "build_report": 10.0,
}
START = 5.0  # seconds before a training job trains: imports, kernels
DAY = 86400.0
STALE = 10  # times what a scale file declares: an estimate that is longer is believed
TRUST = 0.25  # of the expected time: after so much, what was expected and what is seen count alike


def timings(folder: str | Path) -> dict[str, float]:
    """Wall seconds of jobs by the name of their file, as Snakemake measured them.

    A file that an interrupted run left empty, or that holds anything else, is passed over.
    """
    found = {}
    for path in sorted(Path(folder).rglob("*.tsv")):
        try:
            lines = read_text(path, "replace").splitlines()
            seconds = float(next(csv.DictReader(lines, delimiter="\t"))["s"])
        except (OSError, StopIteration, KeyError, TypeError, ValueError, csv.Error):
            continue
        if math.isfinite(seconds) and seconds >= 0:
            found[path.relative_to(folder).with_suffix("").as_posix()] = seconds
    return found


class Pace:
    """Expected time of the jobs that are to run, and how far they are.

    Args:
        plan: what is to run, and where the timings of earlier runs lie.
        workflow: Snakemake's; its jobs are known from ``start`` on.
    """

    def __init__(self, plan: Plan, workflow: Any) -> None:
        self.plan, self.workflow = plan, workflow
        self.expected: dict[int, float] = {}  # seconds by Snakemake's number of the job
        self.done: set[int] = set()
        self.kills = kills()  # before it began

    def start(self) -> None:
        """Look at what is to run; time counts from now."""
        known = timings(f"{self.plan.results}/timings")
        training = self._training(known)
        for job in self.workflow.dag.needrun_jobs():
            name = "/".join([job.rule.name, *job.wildcards])
            usual = training.get(name, USUAL.get(job.rule.name, 0.0))
            self.expected[job.jobid] = known.get(name, usual)
        self.began = time.monotonic()

    @property
    def at_once(self) -> int:
        """Jobs at a time."""
        return self.workflow._cores or self.workflow.nodes or 1

    def waiting(self) -> list[tuple[str, str]]:
        """Study and group of the training jobs that are to run."""
        jobs = [job for job in self.workflow.dag.needrun_jobs() if job.rule.name == "train_group"]
        return [tuple(job.wildcards) for job in jobs]

    def seconds(self) -> float:
        """Expected time of everything, with as many jobs at a time as there are cores; NaN where
        nothing is known of some training job.
        """
        return in_all(self.expected.values(), self.at_once)

    def line(self) -> str:
        """``4 of about 11 min (12 of 24 steps), done at about 14:32``; steps alone where no time is
        known.
        """
        done = self.expected.keys() & self.done
        share = sum(self.expected[job] for job in done) / (sum(self.expected.values()) or 1.0)
        passed, whole = time.monotonic() - self.began, self.seconds()
        steps = f"{len(done)} of {counted(len(self.expected), 'step')}"
        if math.isnan(whole):
            return steps
        slower = (passed + TRUST * whole) / ((share + TRUST) * whole or 1.0)
        left = (1 - share) * whole * slower
        end = time.strftime("%H:%M", time.localtime(time.time() + left))
        return f"{_of(passed, passed + left)} ({steps}), done at about {end}"

    def _training(self, known: dict[str, float]) -> dict[str, float]:
        """Seconds of training jobs without a timing of their own: as the scale file declares them,
        as they are estimated, or as others took.
        """
        groups = [(name, group) for name, its in self.plan.sections.items() for group in its.groups]
        seconds = [self.plan.sections[name].seconds.get(group, math.nan) for name, group in groups]
        declared = 60 * (self.plan.core_minutes or 0.0)
        if declared and not sum(seconds) > STALE * declared:  # a copied file keeps the words of old
            seconds = [declared / len(groups)] * len(groups)
        others = [taken for name, taken in known.items() if name.startswith("train_group/")]
        usual = median(others) if others else math.nan
        names = [f"train_group/{study}/{group}" for study, group in groups]
        return {
            name: usual if math.isnan(its) else its + START
            for name, its in zip(names, seconds, strict=True)
        }


def in_all(seconds: Iterable[float], at_once: int) -> float:
    """Seconds of jobs of which so many run at a time; NaN where one is not known."""
    seconds = list(seconds)
    work = sum(seconds)
    return work if math.isnan(work) else max(work / at_once, *seconds, 0.0)


def spoken(seconds: float) -> str:
    """``about 40 s``, ``about 11 min``, ``about 7.0 h``, ``about 12 days``."""
    if math.isnan(seconds):
        return "unknown, since no earlier run was timed"
    number, unit = _in_unit(seconds, seconds)
    return f"about {number} {unit}"


def _of(passed: float, total: float) -> str:
    number, unit = _in_unit(total, total)
    return f"{_in_unit(passed, total)[0]} of about {number} {unit}"


def _in_unit(seconds: float, like: float) -> tuple[str, str]:
    """Seconds in the unit that suits another time."""
    if like < 100:
        return f"{seconds:.0f}", "s"
    if like < 2 * 3600:
        return f"{seconds / 60:.0f}", "min"
    return (f"{seconds / 3600:.1f}", "h") if like < 2 * DAY else (f"{seconds / DAY:,.0f}", "days")

"""What a person at the terminal reads: what will run, how far it is, what came of it."""

from __future__ import annotations

import csv
import logging
import os
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any, TextIO

from snakemake_interface_logger_plugins.common import LogEvent

from hnnlib.errors import counted, plain
from hnnlib.files import read_text
from workflow.guards import note, uses_gpu
from workflow.jobs import kills, label, reason_in
from workflow.lock import Lock
from workflow.pace import Pace, spoken
from workflow.plan import Plan

# Snakemake's own words that say nothing to somebody who waits for results. Its log file keeps all.
CHATTER = {
    LogEvent.WORKFLOW_STARTED,
    LogEvent.JOB_INFO,
    LogEvent.JOB_STARTED,
    LogEvent.JOB_FINISHED,
    LogEvent.JOB_ERROR,
    LogEvent.GROUP_INFO,
    LogEvent.GROUP_ERROR,
    LogEvent.SHELLCMD,
    LogEvent.RUN_INFO,
    LogEvent.RESOURCES_INFO,
}
DECIDED = ("supported", "contradicted")  # said even where there are none
FEW = 3  # files that a line has room for
PREFIXES = (
    "Assuming unrestricted shared filesystem",
    "Building DAG of jobs",
    "Using shell:",
    "Conda environments: ignored",
    "Select jobs to execute",
    "Execute ",
    "Rules claiming more threads",
    "host: ",
    "Complete log(s):",
    "Shutting down, this might take",
    "Exiting because a job execution failed",
    "WorkflowError:\nAt least one job did not complete",
    "RuleException:\nCalledProcessError",
    "Removing output files of failed job",
)


class _Quiet(logging.Filter):
    """Lets through what is news; everything in a dry run or with ``--verbose`` or ``-p``.

    Progress is told in time: jobs of seconds and jobs of minutes don't count alike.
    """

    def __init__(self, workflow: Any, pace: Pace, lock: Lock) -> None:
        super().__init__()
        self.workflow, self.pace, self.lock = workflow, pace, lock

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether Snakemake prints the record."""
        settings = self.workflow.output_settings
        if self.workflow.dryrun or settings.verbose or settings.printshellcmds:
            return True
        event = getattr(record, "event", None)
        if event == LogEvent.JOB_FINISHED:
            self.pace.done.add(record.job_id)
            if said := self.lock.mend():
                note(said)
        if event == LogEvent.PROGRESS and self.pace.expected:
            print(self.pace.line(), file=sys.stderr, flush=True)
            return False
        if event in CHATTER:
            return False
        return not str(record.msg).startswith(PREFIXES)


class _Lasting:
    """A stream whose reader may go away (``| head``): what is written then is nobody's, and the
    work goes on.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, or throw away for ever."""
        with self._kept():
            return self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush what was written."""
        with self._kept():
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @contextmanager
    def _kept(self) -> Iterator[None]:
        try:
            yield
        except OSError:
            # what is still buffered, too, would be said at the end
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())


def outlast() -> None:
    """Let the work outlast whoever reads what it says."""
    sys.stdout, sys.stderr = _Lasting(sys.stdout), _Lasting(sys.stderr)
    for handler in logging.getLogger("snakemake.logging").handlers:
        if isinstance(handler, logging.StreamHandler) and not isinstance(
            handler, logging.FileHandler
        ):
            handler.stream = _Lasting(handler.stream)


def quieten(workflow: Any, pace: Pace, lock: Lock) -> None:
    """Filter what Snakemake prints to the terminal; after each job, look after the lock."""
    outlast()
    if workflow.is_main_process:
        for handler in logging.getLogger("snakemake.logging").handlers:
            if type(handler).__name__ == "ColorizingTextHandler":
                handler.addFilter(_Quiet(workflow, pace, lock))


def announce(plan: Plan, workflow: Any, pace: Pace) -> None:
    """Say what is about to run, and for how long."""
    todo = list(workflow.dag.needrun_jobs())
    jobs = [job for job in todo if job.rule.name == "train_group"]
    data = dict.fromkeys(name for section in plan.sections.values() for name in section.data)
    rows = [("scale", f"{plan.scale}: {plan.description}")]
    for study, section in plan.sections.items():
        waiting = sum(job.wildcards.study == study for job in jobs)
        rows.append((study, f"{waiting} of {counted(len(section.groups), 'training job')} to run"))
    rows.append(("data", ", ".join(data) or "embedded"))
    rows.append(("device", f"{_device(plan.device)}, {_room(workflow)}"))
    rows.append(("expected", spoken(pace.seconds())))
    rows.append(("reused", reused(plan, {str(name) for job in todo for name in job.output})))
    rows.append(("results", f"{plan.results}/"))
    width = max(len(name) for name, _ in rows)
    say("\n".join(f"{name:<{width}}  {text}" for name, text in rows))


def reused(plan: Plan, made: Collection[str]) -> str:
    """Which results of earlier runs stay as they are.

    Args:
        made: files that this run makes.
    """
    runs = [path for study in plan.studies for path in plan.runs(study)]
    kept = sum(os.path.isfile(path) and path not in made for path in runs)
    state = Path(plan.results, "checkpoints").glob("*/*")
    begun = sum(f"{plan.results}/runs/{path.parent.name}/{path.name}.nc" in made for path in state)
    more = f"; begun and gone on with: {begun}" if begun else ""
    return f"{kept} of {counted(len(runs), 'trained group')}{more}"


def conclude(plan: Plan, workflow: Any) -> None:
    """Say what came out and where it is: the report, if one was asked for, or else the files."""
    dag = workflow.dag
    made = [file for job in dag.targetjobs for file in (job.output or job.input)]
    asked = sorted(map(str, dag.targetfiles or made))
    if reports := [path for path in asked if path.endswith("report/index.html")]:
        report = Path(reports[0]).absolute()
        say("\n".join(filter(None, (tally(report.with_name("claims.csv")), f"report: {report}"))))
    else:
        say(f"results: {', '.join(asked) if len(asked) <= FEW else f'{plan.results}/'}")


def tally(ledger: Path) -> str:
    """Claims of the authors by answer, in a line; empty without a ledger."""
    try:
        rows = csv.DictReader(StringIO(read_text(ledger), newline=""))
        asked = [row for row in rows if row["asked_by"] == "authors"]
    except (OSError, ValueError, KeyError):
        return ""
    words = [row["answer"] for row in asked]
    counted = (f"{words.count(word)} {word}" for word in dict.fromkeys((*DECIDED, *sorted(words))))
    return f"claims: {', '.join(counted)}"


def explain(pace: Pace, workflow: Any) -> None:
    """Say which jobs failed, why, and where their logs are; jobs with one reason share a line."""
    failed: dict[str, list[Any]] = {}
    for job in sorted(workflow.scheduler.failed, key=str):
        reason = reason_in(job.log[0] if job.log else "", killed=kills() > pace.kills)
        failed.setdefault(reason, []).append(job)
    if not failed:
        say("stopped before all steps were done; the same command goes on from here")
        return
    lines = []
    for reason, jobs in failed.items():
        names = ", ".join(label(job.rule.name, job.wildcards) for job in jobs)
        lines += [f"error: {names}: {reason}"]
        lines += [f"  log: {log}" for job in jobs for log in job.log if os.path.exists(log)]
    say("\n".join(lines))


def say(text: str) -> None:
    """Write a paragraph to the terminal."""
    print(f"\n{plain(text)}\n", file=sys.stderr, flush=True)


def _device(name: str) -> str:
    if name == "auto":
        return "cuda" if uses_gpu(name) else "cpu"
    return name


def _room(workflow: Any) -> str:
    if not workflow.local_exec:
        return "jobs go to the cluster"
    cores = workflow._cores or 1
    return f"{cores} job{'s' * (cores > 1)} at a time"

"""What is looked at between the Snakefile and the graph.

Only there it is known what Snakemake will do: run jobs, show them, or something else.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from hnnlib.errors import DataError
from hnnlib.files import is_whole, read_text
from workflow import earlier, guards
from workflow.lock import Lock
from workflow.pace import DAY, Pace, in_all, spoken
from workflow.plan import Plan

LONGEST = 30 * DAY  # of training
CLOCKS_DIFFER = 2.0  # seconds that clocks of a network's machines may differ


def graph(workflow: Any, plan: Plan, lock: Lock, pace: Pace) -> None:
    """Have this module's looks taken before Snakemake builds its graph of jobs to run.

    After that, a dry run says how long they would take, and what nobody would wait for is refused.
    """
    prepare = workflow._prepare_dag

    def prepared(*args: Any, **kwargs: Any) -> None:
        if workflow.is_main_process and workflow.executor_plugin is not None:
            guards.check_working_folder(writes=not workflow.dryrun)
            _look(workflow, plan, lock)
            # its own locks are removed with those of every other run in the folder: lock.py
            kwargs["nolock"] = True
        prepare(*args, **kwargs)

    build = workflow._build_dag

    def built() -> None:
        build()
        if workflow.is_main_process and workflow.executor_plugin is not None:
            pace.start()
            if workflow.dryrun:
                print(f"expected: {spoken(pace.seconds())}", file=sys.stderr)
            # a cluster's time and memory are not known here, nor a GPU's
            if workflow.nodes is None and not guards.uses_gpu(plan.device) and not plan.force:
                check_size(plan, pace)

    workflow._prepare_dag, workflow._build_dag = prepared, built


def _look(workflow: Any, plan: Plan, lock: Lock) -> None:
    guards.check_folder(plan.results)
    if not workflow.dryrun:
        guards.hold(lock)
        remove_pipes(plan.results)
        earlier.restore(plan.results)
        date_now(_dated(plan))
    again = [*damaged(plan), *exchanged(plan)]
    settings = workflow.dag_settings
    settings.forcerun = frozenset(settings.forcerun) | set(again)


def remove_pipes(results: str | Path) -> None:
    """Remove what is neither file, folder nor link: a reader would wait, and it holds nothing."""
    for path in Path(results).rglob("*"):
        if not (path.is_file() or path.is_dir() or path.is_symlink()):
            try:
                path.unlink(missing_ok=True)
            except OSError as reason:
                guards.end(guards.sentence(reason, path))
            guards.note(f"{path} was no file, but a pipe or a device: it is removed")


def check_size(plan: Plan, pace: Pace) -> None:
    """End where training would take months on this machine, or more memory than it has.

    Both are estimates, see ``hnnlib.estimates``: `--config force=true` runs nevertheless. A job of
    which nothing was ever measured counts for its memory alone.
    """
    sections, waiting = plan.sections, pace.waiting()
    anyway = "or add --config force=true to run nevertheless"
    memory = {(study, group): sections[study].memory.get(group, 0) for study, group in waiting}
    there = psutil.virtual_memory().total
    if memory and (most := max(memory.values())) > there:
        guards.end(
            f"{'/'.join(max(memory, key=memory.get))} needs at least {most / 2**30:,.0f} "
            "GiB of memory for one network, estimated from steps, batch and size, and this machine "
            f"has {there / 2**30:,.0f}: lower one of them in {plan.scale_file}, {anyway}"
        )
    seconds = {
        (study, group): sections[study].seconds.get(group, math.nan) for study, group in waiting
    }
    seconds = {job: its for job, its in seconds.items() if not math.isnan(its)}
    if (all_of_it := in_all(seconds.values(), pace.at_once)) > LONGEST:
        job = max(seconds, key=seconds.get)
        guards.end(
            f"training takes {spoken(all_of_it)} here ({pace.at_once} at a time), estimated "
            "from passes, examples, steps and sizes and the times of the reference results, most "
            f"of it {'/'.join(job)} ({spoken(seconds[job])}): lower these in {plan.scale_file}, "
            f"take a GPU or a cluster (profiles/README.md), {anyway}"
        )


def damaged(plan: Plan) -> Iterator[str]:
    """Results that are empty, cut or no results, of a full disk, say; they are made again."""
    stores = [*(path for study in plan.studies for path in plan.runs(study))]
    stores += plan.stores().values()
    for path in stores:
        if os.path.lexists(path) and not is_whole(Path(path)):
            yield _again(path)
    for path in plan.files():
        if os.path.lexists(path) and not (os.path.isfile(path) and os.path.getsize(path)):
            yield _again(path)


def exchanged(plan: Plan) -> Iterator[str]:
    """Records of data sets whose files are others than those that were verified for this run."""
    records = {path for study in plan.studies for path in plan.data_checks(study)}
    for path in map(Path, sorted(records)):
        if not path.exists():
            continue
        from hnnlib.datasets import fetch, registry  # reads arrays: only for data that are files

        try:
            now = fetch.identity(registry.get(path.stem))
        except DataError as reason:
            guards.end(str(reason))
        if now and now != _recorded(path):
            guards.note(
                f"the files of {path.stem} are not those of the earlier run: what was "
                "trained on them is trained anew"
            )
            yield str(path)


def date_now(paths: list[str]) -> None:
    """Give files from the future today's date: nothing made of them could ever be newer."""
    now = time.time()
    ahead = [path for path in paths if _changed(path) > now + CLOCKS_DIFFER]
    for path in ahead:
        try:
            os.utime(path)
        except OSError:
            guards.end(
                f"{path} is dated {time.ctime(_changed(path))}, which is to come: set the "
                f"clock of this machine, or have the file's owner run `touch {path}`"
            )
    if ahead:
        guards.note(
            f"{ahead[0]}{' and others are' if ahead[1:] else ' is'} dated in the future, by "
            "another clock; the date is now today's"
        )


def _dated(plan: Plan) -> list[str]:
    """All files whose dates decide what is made again."""
    given = [*map(plan.notebook, plan.studies), *plan.papers(), *plan.templates()]
    given += [*plan.references(), *plan.benchmarks(), plan.page]
    return given + [str(path) for path in Path(plan.results).rglob("*") if path.is_file()]


def _again(path: str) -> str:
    guards.note(f"{path} is empty, cut or damaged: it is made again")
    return path


def _recorded(path: Path) -> str:
    try:
        return json.loads(read_text(path))["sha256"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ""


def _changed(path: str) -> float:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0

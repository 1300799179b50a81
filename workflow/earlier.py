"""Earlier results survive a failed or killed run.

Snakemake deletes a job's output before the job starts. Before the first job starts, every file that
is about to be made anew is therefore hard-linked into ``results/<scale>/.earlier``, which costs no
space; what is still missing after a failure is put back. It is put back with a time stamp of 1970,
older than all its inputs, so that the next run makes it anew.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workflow.guards import end, sentence

FOLDER = ".earlier"
LONG_AGO = (1, 1)  # seconds since 1970: access, modification


def keep(results: str | Path, workflow: Any) -> None:
    """Link every existing output of the jobs that are about to run; end where that is forbidden."""
    results = Path(results)
    for path in _outputs(workflow):
        if path.is_relative_to(results):
            link = results / FOLDER / path.relative_to(results)
            try:
                link.parent.mkdir(parents=True, exist_ok=True)
                link.unlink(missing_ok=True)
                try:
                    os.link(path, link)
                except OSError:  # a file system without hard links
                    shutil.copy2(path, link)
            except OSError as reason:
                end(f"{sentence(reason, link)}; nothing was changed")


def restore(results: str | Path) -> None:
    """Put back what was kept and is missing now; nothing to do after a run that succeeded.

    Only who holds the folder's lock may: what a live run has kept is its own matter.
    """
    folder = Path(results) / FOLDER
    if not folder.is_dir():
        return
    try:
        for kept in [path for path in folder.rglob("*") if path.is_file()]:
            target = Path(results) / kept.relative_to(folder)
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                os.replace(kept, target)
                os.utime(target, LONG_AGO)
        shutil.rmtree(folder)
    except OSError:
        pass  # read-only for now: the next run tries again


def forget(results: str | Path) -> None:
    """Drop what was kept: everything was made anew."""
    shutil.rmtree(Path(results) / FOLDER, ignore_errors=True)


def _outputs(workflow: Any) -> Iterator[Path]:
    for job in workflow.dag.needrun_jobs():
        # a job without inputs would take what is put back for fresh: it has no time to compare
        for name in job.output if job.input else ():
            for path in (Path(name), *Path(name).rglob("*")):
                if path.is_file():
                    yield path

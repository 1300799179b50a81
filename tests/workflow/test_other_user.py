"""Root first, another user next: each ending is one sentence that says whose files are in the way.

The other user is a fork of this process: it has imported everything before it loses its rights.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import xarray as xr

from hnnlib import store
from hnnlib.locks import only_one
from hnnlib.training.checkpoint import Checkpoint
from workflow import before, earlier, guards, jobs
from workflow.lock import NAME, Lock

NOBODY = 65534
DATA = xr.Dataset({"x": ("cell", [1.0], {"units": "1", "long_name": "a number"})})
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@pytest.fixture
def roots():
    """A folder that root made and everybody may look at."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def as_nobody(work: Callable[[], object]) -> str:
    """What is said when another user does it: words of the end, or of the error."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            work()
            said = "done"
        except SystemExit as end:
            said = str(end)
        except BaseException as error:
            said = jobs.reason(error, "results/a.nc")
        os.write(writer, said.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as stream:
        said = stream.read()
    os.waitpid(child, 0)
    return said


def one_of(folder: Path) -> SimpleNamespace:
    job = SimpleNamespace(output=[str(folder / "a.nc")], input=["x"])
    return SimpleNamespace(dag=SimpleNamespace(needrun_jobs=lambda: [job]))


def kept(folder: Path) -> None:
    (folder / "a.nc").touch()
    (folder / earlier.FOLDER).mkdir()


def dated(folder: Path) -> None:
    (folder / "a.nc").touch()
    os.utime(folder / "a.nc", (3e9, 3e9))


def opened(folder: Path) -> None:
    (folder / NAME).touch()
    folder.chmod(0o777)  # all may write into the folder, and root's lock is root's


def locked(folder: Path) -> None:
    with only_one(folder / ".lock", lambda: None):
        pass


def started(folder: Path) -> None:
    (folder / ".snakemake").mkdir()
    folder.chmod(0o777)


def stored(folder: Path) -> None:
    store.write(DATA, folder / "a.nc")  # what is imported for that only root may read


def nothing(folder: Path) -> None:
    pass


STEPS = {  # what root left, what the other user does, what is said
    "notes": (started, lambda f: (os.chdir(f), guards.check_working_folder(True)), "takes no file"),
    "results": (nothing, guards.check_results_folder, "belongs to someone else"),
    "new results": (nothing, lambda f: guards.check_results_folder(f / "a/b"), "someone else"),
    "lock": (opened, lambda f: guards.hold(Lock(f)), "belongs to someone else"),
    "earlier": (kept, lambda f: earlier.keep(f, one_of(f)), "belongs to someone else"),
    "dates": (dated, lambda f: before.date_now([str(f / "a.nc")]), "have the file's owner run"),
    "store": (stored, lambda f: store.write(DATA, f / "a.nc"), "belongs to someone else"),
    "checkpoint": (
        nothing,
        lambda f: Checkpoint(f / "c.npz", "").save({"a": torch.ones(1)}, {}),
        "belongs to someone else",
    ),
    "group": (nothing, locked, "belongs to someone else"),
}


@pytest.mark.parametrize("step", STEPS)
def test_what_root_left_ends_in_one_sentence_for_another_user(roots, step):
    made, done, said = STEPS[step]
    made(roots)
    found = as_nobody(lambda: done(roots))
    assert said in found and str(roots) in found and "\n" not in found
    assert "unexpected" not in found


def test_a_log_of_root_s_ends_the_job_in_one_sentence(roots, capfd):
    given = SimpleNamespace(
        rule="r", wildcards=[], log=[str(roots / "logs/a.log")], output=[str(roots / "a.nc")]
    )

    def work() -> None:
        with jobs.job(given):
            pass

    as_nobody(work)
    said = capfd.readouterr().err
    assert said.startswith("r: error: ") and "belongs to someone else" in said
    assert said.count("\n") == 1


def test_the_commit_of_a_clone_of_another_user_is_known(roots, monkeypatch):
    """Git tells nobody but the owner, unless it is asked to."""
    asked = []

    def run(words, **options):
        asked.append(words)
        raise OSError(errno.ENOENT, "no git")

    monkeypatch.setattr(store.subprocess, "run", run)
    assert store._git_state() == ("", "")
    root = Path(store.__file__).resolve().parents[1]
    assert all(words[1:3] == ["-c", f"safe.directory={root}"] for words in asked)

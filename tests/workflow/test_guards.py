"""Checks before work starts, and what a job says when it fails."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from filelock import FileLock

from hnnlib import engines
from hnnlib.errors import DataError
from workflow import earlier, guards, jobs

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def own_lock(tmp_path, monkeypatch):
    """A folder and a lock of this test."""
    monkeypatch.chdir(tmp_path)
    lock = FileLock(tmp_path / ".snakemake/hnnlib.lock")
    monkeypatch.setattr(guards, "_LIVE", lock)
    yield lock
    lock.release()


MAIN = SimpleNamespace(is_main_process=True)


@pytest.mark.parametrize(
    ("options", "said"),
    [({"scael": "paper"}, "did you mean 'scale'?"), ({"device": "gpu"}, "choose auto, cpu, cuda")],
)
def test_an_option_that_would_be_ignored_ends_the_run(options, said):
    with pytest.raises(SystemExit) as caught:
        guards.check_options(options)
    assert said in str(caught.value)


def test_right_options_pass():
    guards.check_options({"scale": "paper", "results": "/data", "device": "cuda"})


def test_a_disk_without_room_ends_the_run_and_leaves_nothing_behind(tmp_path):
    with pytest.raises(SystemExit, match="MB left"):
        guards.check_results_folder(tmp_path / "results", needed=2**80)
    assert list((tmp_path / "results").iterdir()) == []


@pytest.mark.parametrize(
    ("code", "said"),
    [(errno.ENOSPC, "disk is full"), (errno.EROFS, "read-only"), (errno.EACCES, "read-only")],
)
def test_a_folder_that_refuses_files_ends_the_run(tmp_path, monkeypatch, code, said):
    def refuse(self, data):
        raise OSError(code, os.strerror(code), str(self))

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(SystemExit) as caught:
        guards.check_results_folder(tmp_path)
    assert said in str(caught.value) and "nothing was changed" in str(caught.value)


def left_over(tmp_path: Path) -> Path:
    lock = tmp_path / ".snakemake/locks/0.output.lock"
    lock.parent.mkdir(parents=True)
    lock.write_text("results/a.nc\n")
    return lock


def test_locks_of_a_killed_run_are_removed(tmp_path):
    lock = left_over(tmp_path)
    guards.clear_stale_lock(MAIN)
    assert not lock.exists()


def test_locks_of_a_live_run_stay(tmp_path, capsys):
    lock = left_over(tmp_path)
    with FileLock(tmp_path / ".snakemake/hnnlib.lock"):
        guards.clear_stale_lock(MAIN)
    assert lock.exists()
    assert "another Snakemake is at work" in capsys.readouterr().err


def test_locks_that_another_machine_wrote_stay(tmp_path):
    lock = left_over(tmp_path)
    (tmp_path / ".snakemake/hnnlib.owner").write_text("some other machine")
    guards.clear_stale_lock(MAIN)
    assert lock.exists()


def test_a_job_on_a_cluster_node_leaves_locks_alone(tmp_path):
    lock = left_over(tmp_path)
    guards.clear_stale_lock(SimpleNamespace(is_main_process=False))
    assert lock.exists()


def plan(outputs, inputs=("in",)):
    job = SimpleNamespace(output=outputs, input=inputs)
    return SimpleNamespace(
        is_main_process=True, dag=SimpleNamespace(needrun_jobs=lambda: iter([job]))
    )


def test_what_was_deleted_for_a_job_that_failed_comes_back_as_out_of_date(tmp_path):
    first, second = tmp_path / "r/a.nc", tmp_path / "r/sub/b.nc"
    second.parent.mkdir(parents=True)
    first.write_text("old a")
    second.write_text("old b")
    workflow = plan([str(first), str(second), str(tmp_path / "r/never.nc")])
    earlier.keep(tmp_path / "r", workflow)
    first.unlink()
    second.unlink()
    second.write_text("new b")
    earlier.restore(tmp_path / "r", workflow)
    assert (first.read_text(), second.read_text()) == ("old a", "new b")
    assert first.stat().st_mtime < 10, "older than all its inputs, so it is made anew"
    assert {p.name for p in (tmp_path / "r").iterdir()} == {"a.nc", "sub"}


def test_output_of_a_job_without_inputs_does_not_come_back(tmp_path):
    path = tmp_path / "r/data.json"
    path.parent.mkdir()
    path.write_text("old")
    earlier.keep(tmp_path / "r", plan([str(path)], inputs=()))
    path.unlink()
    earlier.restore(tmp_path / "r", plan([]))
    assert not path.exists()


SCRIPT = """
import subprocess
from types import SimpleNamespace
from hnnlib import engines
from hnnlib.errors import DataError
from workflow.jobs import job
given = SimpleNamespace(rule="check_data", wildcards=["digits"], log=["logs/a.log"])
with job(given) as terminal:
    print("said by a library")
    subprocess.run(["echo", "said by a child"])
    for k in range(1000):
        terminal.progress(f"epoch {k}")
    {body}
"""


def run_job(body: str, **environment: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.replace("{body}", body)],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
    )
    log = Path("logs/a.log").read_text() if Path("logs/a.log").exists() else ""
    return done.returncode, done.stdout + done.stderr, log


def test_a_job_prints_into_its_log_and_a_line_now_and_then_on_the_terminal():
    status, terminal, log = run_job("pass")
    assert status == 0
    assert terminal.splitlines()[0] == "check_data digits: epoch 0"
    assert len(terminal.splitlines()) <= 3
    assert all(f"epoch {k}\n" in log for k in (0, 999))
    assert "said by a library" in log and "said by a child" in log


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise DataError('a file is broken: mend it')", "error: a file is broken: mend it"),
        ("open('/', 'w')", "error: / Is a directory"),
        ("raise OSError(28, 'x', 'b.nc')", "error: b.nc cannot be written, the disk is full"),
        ("raise MemoryError", "error: there is not enough memory"),
        ("{}['key']", "error: KeyError: 'key' (unexpected: the log has the traceback)"),
    ],
)
def test_a_job_that_fails_says_one_sentence_and_keeps_the_traceback_in_the_log(body, said):
    status, terminal, log = run_job(body)
    assert status == 1
    assert said in terminal and "Traceback" not in terminal
    assert "Traceback" in log
    assert jobs.reason_in("logs/a.log").startswith(said.removeprefix("error: "))


def test_a_job_ends_when_its_snakemake_is_gone():
    gone = subprocess.Popen(["true"])
    gone.wait()
    status, _, log = run_job("import time; time.sleep(30)", **{jobs.OWNER: str(gone.pid)})
    assert status == 1 and "is gone" in log


def test_a_job_killed_without_a_word_is_explained():
    assert "killed" in jobs.reason_in("no such log")


def test_errors_of_the_library_are_shown_as_they_are():
    assert jobs.reason(DataError("what, where, what to do")) == "what, where, what to do"


def test_the_engines_that_can_be_asked_for_are_those_of_the_library():
    """Listed twice, since importing the library's engines would cost every start seconds."""
    assert guards.ENGINES == ("auto", *engines.NAMES)

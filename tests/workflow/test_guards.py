"""Checks before work starts, and what a job says when it fails."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from snakemake.cli import parse_config

import workflow.plan
from hnnlib import engines, sources
from hnnlib.errors import ConfigError, DataError
from hnnlib.evidence import papers
from hnnlib.evidence.papers import reader
from hnnlib.studies import running
from workflow import earlier, guards, jobs, terminal

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    """A folder of this test."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["scael=paper"], "did you mean 'scale'?"),
        (["device=gpu"], "choose auto, cpu, cuda"),
        (["engine=fast"], "choose auto, cpu, eager, gpu"),
        (["force=yes"], "choose true, false"),
        (["force=True"], "did you mean 'true'?"),
        (["force="], "choose true, false"),
        (["results="], "--config results= is empty"),
        (["scale="], "--config scale= is empty"),
        (["results=/"], "the machine's own files lie there; choose another folder"),
        (["results=a\nb"], "line breaks and control characters cannot be in it"),
    ],
)
def test_an_option_that_cannot_be_ends_the_run(words, said):
    with pytest.raises(SystemExit) as caught:
        guards.options(parse_config(words), words)
    assert said in str(caught.value) and str(caught.value).count("\n") == 0


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("results=1_0", "1_0"),
        ("results=1e3", "1e3"),
        ("results=true", "true"),
        ("results=~/x", f"{Path.home()}/x"),
        ("results=./x//y/", "x/y"),
        ("scale=a=b", "a=b"),
        ("device=cpu", "cpu"),
        ("force=true", "true"),
        ("force=false", "false"),
    ],
)
def test_options_are_what_was_typed(word, meant):
    found = guards.options(parse_config([word]), [word])
    assert found == {word.split("=")[0]: meant}


def test_options_of_a_file_count_too():
    given = {"scale": "paper", "results": 7, "force": False}
    assert guards.options(given) == {"scale": "paper", "results": "7", "force": "false"}


def test_a_file_is_no_folder_for_results(tmp_path):
    (tmp_path / "file").write_text("")
    guards.check_folder(tmp_path / "none" / "smoke")
    for name in ("file", "file/smoke"):
        with pytest.raises(SystemExit, match="file is no folder"):
            guards.check_folder(tmp_path / name)


@pytest.mark.parametrize("present", [True, False])
def test_a_gpu_that_is_not_there_is_refused_before_any_work(monkeypatch, present):
    monkeypatch.setattr(guards, "has_gpu", lambda: present)
    for device, engine, needs in (
        ("cuda", "auto", True),
        ("auto", "gpu", True),
        ("auto", "auto", False),
        ("cpu", "cpu", False),
    ):
        if needs and not present:
            with pytest.raises(SystemExit, match="GPU: set"):
                guards.check_gpu(device, engine)
        else:
            guards.check_gpu(device, engine)
    with pytest.raises(SystemExit, match="can't work on device cpu"):
        guards.check_gpu("cpu", "gpu")


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
    earlier.restore(tmp_path / "r")
    assert (first.read_text(), second.read_text()) == ("old a", "new b")
    assert first.stat().st_mtime < 10, "older than all its inputs, so it is made anew"
    assert {p.name for p in (tmp_path / "r").iterdir()} == {"a.nc", "sub"}


def test_output_of_a_job_without_inputs_does_not_come_back(tmp_path):
    path = tmp_path / "r/data.json"
    path.parent.mkdir()
    path.write_text("old")
    earlier.keep(tmp_path / "r", plan([str(path)], inputs=()))
    path.unlink()
    earlier.restore(tmp_path / "r")
    assert not path.exists()


SCRIPT = """
import shutil
import subprocess
from types import SimpleNamespace
from hnnlib.errors import DataError
from workflow.jobs import job
made = {"log": ["logs/a.log"], "output": ["r/a.nc"]}
given = SimpleNamespace(rule="check_data", wildcards=["digits"], **made)
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
        ("raise OSError(28, 'x')", "error: r/a.nc cannot be written, the disk is full"),
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


class OutOfMemoryError(RuntimeError):
    """As torch calls it."""


@pytest.mark.parametrize(
    ("error", "is_memory"),
    [
        (MemoryError(), True),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you"), True),
        (OutOfMemoryError("CUDA out of memory. Tried to allocate"), True),
        (RuntimeError("CUDA error: out of memory"), True),
        (ValueError("there is no column 'out of memory'"), False),
        (OSError(errno.ENOENT, "No such file", "out of memory.csv"), False),
        (RuntimeError("shapes don't agree"), False),
    ],
)
def test_memory_is_blamed_for_what_it_is_to_blame_for(error, is_memory):
    assert jobs.reason(error).startswith("there is not enough memory") == is_memory


def test_what_torch_says_of_a_processor_without_memory_is_known():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**48, dtype=torch.uint8)
    assert jobs.reason(caught.value).startswith("there is not enough memory")


@pytest.mark.parametrize(
    ("log", "killed", "said"),
    [
        (None, False, "killed from outside perhaps"),
        ("epoch 3\n", True, "which was short of memory"),
        ("epoch 3\n", False, "killed from outside perhaps"),
        (f"epoch 3\n{jobs.DONE} 3 s\n", True, "its work was done"),
    ],
)
def test_a_job_that_ended_without_a_word_is_explained(log, killed, said, tmp_path):
    path = tmp_path / "a.log"
    if log:
        path.write_text(log)
    assert said in jobs.reason_in(path, killed=killed)


def test_kills_for_want_of_memory_are_counted():
    assert jobs.kills() >= 0 and isinstance(jobs.kills(), int)


def test_what_nobody_reads_any_more_is_thrown_away(tmp_path):
    reader, writer = os.pipe()
    stream = terminal._Lasting(os.fdopen(writer, "w"))
    assert stream.write("a") == 1 and stream.isatty() is False
    os.close(reader)
    for _ in range(3):
        stream.write("a line" * 20000)
        stream.flush()
    stream.close()


def test_a_folder_where_snakemake_cannot_keep_its_notes_ends_the_run(monkeypatch, tmp_path):
    guards.check_working_folder(writes=True)
    assert (tmp_path / ".snakemake/metadata").is_dir()

    def refuse(**words):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(guards.tempfile, "TemporaryFile", refuse)
    guards.check_working_folder(writes=False)
    with pytest.raises(SystemExit, match="takes no files .* --directory FOLDER"):
        guards.check_working_folder(writes=True)


def test_errors_of_the_library_are_shown_as_they_are():
    assert jobs.reason(DataError("what, where, what to do")) == "what, where, what to do"


def test_a_slip_in_a_paper_is_told_before_the_training(monkeypatch):
    def refuse(studies):
        raise ConfigError("muramatsu_yu.yaml line 3: titel: did you mean 'title'?")

    monkeypatch.setattr(papers, "naming", refuse)
    monkeypatch.setattr(sources, "digest", lambda *names: "")
    with pytest.raises(SystemExit, match=r"^error: \w+\.yaml line 3: titel"):
        workflow.plan.make({"scale": "smoke"}, ROOT)


def test_a_readers_own_paper_on_a_study_that_exists_is_weighed(tmp_path, monkeypatch):
    """Last of the study's papers, whatever it is called."""
    for path in reader.PAPERS.glob("*.yaml"):
        shutil.copy(path, tmp_path)
    shutil.copy(reader.PAPERS / "dold_petersen.yaml", tmp_path / "a_reply.yaml")
    monkeypatch.setattr(reader, "PAPERS", tmp_path)
    monkeypatch.setattr(sources, "digest", lambda *names: "")
    monkeypatch.setattr(running, "code_digests", lambda *names: {})
    found = workflow.plan._asked("smoke", ROOT)["papers"]
    assert found[-1] == "a_reply" and len(found) == len(set(found)) == 10


def test_the_engines_that_can_be_asked_for_are_those_of_the_library():
    """Listed twice, since importing the library's engines would cost every start seconds."""
    assert guards.ENGINES == ("auto", *engines.NAMES)


@pytest.mark.parametrize("name", ["a{b}c", "a\nb", "a\0b", "x" * 300, "a/" + "é" * 200])
def test_a_folder_that_no_run_can_write_to_ends_it(name):
    with pytest.raises(SystemExit, match="choose another folder"):
        guards.options({"results": name})


def test_a_scale_whose_name_no_file_can_have_ends_the_run():
    with pytest.raises(SystemExit, match="there is no scale"):
        workflow.plan.make({"scale": "x" * 5000}, Path(__file__).parents[2])

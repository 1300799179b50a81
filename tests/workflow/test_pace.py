"""What a run is expected to take, and how far it says it is."""

from __future__ import annotations

import json
import os
import shlex
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from workflow import jobs, pace, plan, terminal

HEAD = "s\th:m:s\tmax_rss\n"


def timing(folder: Path, name: str, text: str) -> None:
    path = folder / f"{name}.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def planned(tmp_path: Path, core_minutes: float | None, groups: int = 2) -> plan.Plan:
    """A plan of one study."""
    settings = {f"g{k}": {} for k in range(groups)}
    section = plan.Section("A study", "paper", {}, settings, {}, "", [], "")
    return plan.Plan(
        "s",
        "",
        core_minutes,
        "s.yaml",
        {"a": section},
        {},
        str(tmp_path),
        tmp_path,
        "cpu",
        "auto",
        [],
    )


class Job:
    """As much of a job of Snakemake as is asked for; its name is ``rule/wildcard/wildcard``."""

    def __init__(self, name: str) -> None:
        rule, *self.wildcards = name.split("/")
        self.rule, self.jobid = SimpleNamespace(name=rule), hash(name)


def snakemake(*names: str, cores: int = 1) -> SimpleNamespace:
    """A run of Snakemake."""
    dag = SimpleNamespace(needrun_jobs=lambda: map(Job, names))
    return SimpleNamespace(dag=dag, _cores=cores, nodes=None)


def started(tmp_path, workflow, core_minutes=None) -> pace.Pace:
    found = pace.Pace(planned(tmp_path, core_minutes), workflow)
    found.start()
    return found


@pytest.mark.parametrize("text", ["", HEAD, "hello\n", f"{HEAD}-\t-\n", f"{HEAD}nan\t-\t-\n", "\0"])
def test_a_broken_timing_stops_nothing(tmp_path, text):
    timing(tmp_path / "timings", "train_group/a/g0", text)
    timing(tmp_path / "timings", "train_group/a/g1", f"{HEAD}120\t0:02:00\t1\n")
    assert pace.timings(tmp_path / "timings") == {"train_group/a/g1": 120.0}
    workflow = snakemake("train_group/a/g0", "train_group/a/g1")
    assert started(tmp_path, workflow).seconds() == 240


def test_a_pipe_is_no_timing(tmp_path):
    timing(tmp_path / "timings", "train_group/a/g1", f"{HEAD}120\t0:02:00\t1\n")
    os.mkfifo(tmp_path / "timings/train_group/a/g0.tsv")
    assert pace.timings(tmp_path / "timings") == {"train_group/a/g1": 120.0}


def test_earlier_runs_count_more_than_what_the_scale_file_declares(tmp_path):
    workflow = snakemake("train_group/a/g0", "train_group/a/g1")
    assert started(tmp_path, workflow, 4.0).seconds() == 2 * (120 + pace.START)
    timing(tmp_path / "timings", "train_group/a/g0", f"{HEAD}20\t0:00:20\t1\n")
    assert started(tmp_path, workflow, 4.0).seconds() == 20 + 120 + pace.START


def test_cores_share_the_work_but_not_one_job(tmp_path):
    for k, seconds in enumerate((30, 30, 100)):
        timing(tmp_path / "timings", f"train_group/a/g{k}", f"{HEAD}{seconds}\t-\t1\n")
    names = [f"train_group/a/g{k}" for k in range(3)]
    assert started(tmp_path, snakemake(*names, cores=1)).seconds() == 160
    assert started(tmp_path, snakemake(*names, cores=2)).seconds() == 100


def test_progress_counts_time_and_learns_how_fast_the_machine_is(tmp_path, monkeypatch):
    for k, seconds in enumerate((60, 540)):
        timing(tmp_path / "timings", f"train_group/a/g{k}", f"{HEAD}{seconds}\t-\t1\n")
    now = [0.0]
    monkeypatch.setattr(pace.time, "monotonic", lambda: now[0])
    workflow = snakemake("train_group/a/g0", "train_group/a/g1")
    found = started(tmp_path, workflow)
    monkeypatch.setattr(pace.time, "time", lambda: 0.0)
    monkeypatch.setattr(pace.time, "localtime", pace.time.gmtime)
    assert found.line() == "0 of about 10 min (0 of 2 steps), done at about 00:10"
    found.done.add(hash("train_group/a/g0"))
    now[0] = 60.0
    assert found.line() == ("1 of about 10 min (1 of 2 steps), done at about 00:09"), (
        "half of the steps, not of the time"
    )
    now[0] = 180.0
    slower = found.line()
    found.done.add(hash("train_group/a/g1"))
    now[0] = 1500.0
    assert 10 < int(slower.split()[3]) < 30, "three times as slow as expected, so far"
    assert found.line() == "25 of about 25 min (2 of 2 steps), done at about 00:00"


def test_no_time_is_made_up_for_training_that_nobody_has_timed(tmp_path):
    found = started(tmp_path, snakemake("train_group/a/g0", "build_report"))
    assert "unknown" in pace.spoken(found.seconds())
    assert found.line() == "0 of 2 steps"


def test_nothing_to_do_takes_no_time(tmp_path):
    assert started(tmp_path, snakemake()).line().startswith("0 of about 0 s (0 of 0 steps)")


def test_what_is_reused_and_what_came_out_is_told(tmp_path):
    found = planned(tmp_path, None, groups=3)
    runs = found.runs("a")
    for path in (*runs[:2], tmp_path / "checkpoints/a/g2/x.npz"):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).touch()
    assert terminal.reused(found, {runs[1]}) == "1 of 3 trained groups"
    assert terminal.reused(found, set(runs[1:])) == (
        "1 of 3 trained groups; begun and gone on with: 1"
    )
    ledger = tmp_path / "claims.csv"
    assert terminal.tally(ledger) == ""
    ledger.write_text(
        "claim,asked_by,answer\nA1,authors,supported\nA2,authors,not tested\nQ1,referee,supported\n"
    )
    assert terminal.tally(ledger) == "claims: 1 supported, 0 contradicted, 1 not tested"


@pytest.mark.parametrize("asked", ["", "report"])
def test_the_last_words_name_what_was_asked_for(tmp_path, capsys, asked):
    """Whether by a rule (``site``) or by a file's name; a report with its own claims."""
    folder = tmp_path / "reference" / asked
    folder.mkdir(parents=True)
    (folder / "claims.csv").write_text("claim,asked_by,answer\nA1,authors,supported\n")
    file = str(folder / "index.html")
    rule = SimpleNamespace(output=[], input=[file])
    expected = {
        "": f"results: {file}",
        "report": f"claims: 1 supported, 0 contradicted\nreport: {file}",
    }[asked]
    for dag in (
        SimpleNamespace(targetjobs=[rule], targetfiles=set()),
        SimpleNamespace(targetjobs=[], targetfiles={file}),
    ):
        terminal.conclude(planned(tmp_path, None), SimpleNamespace(dag=dag))
        assert capsys.readouterr().err.strip() == expected


@pytest.mark.parametrize(
    ("core_minutes", "seconds"), [(None, 2000), (4.0, 240), (1.0, 2000)], ids=str
)
def test_an_estimate_counts_where_a_file_declares_nothing_or_what_it_was_copied_from(
    tmp_path, core_minutes, seconds
):
    its = planned(tmp_path, core_minutes)
    section = replace(its.sections["a"], seconds={"g0": 1200.0, "g1": 800.0})
    workflow = snakemake("train_group/a/g0", "train_group/a/g1")
    found = pace.Pace(replace(its, sections={"a": section}), workflow)
    found.start()
    assert found.seconds() == seconds + 2 * pace.START


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(3e6, "about 35 days"), (40, "about 40 s"), (660, "about 11 min"), (5 * 3600, "about 5.0 h")],
)
def test_time_is_told_in_the_unit_that_suits_it(seconds, said):
    assert pace.spoken(seconds) == said


@pytest.fixture
def prepared(monkeypatch, tmp_path):
    """Environment of the scripts, of a reader with habits; called with more of them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(jobs.sys, "executable", "/a reader's/python")
    monkeypatch.setattr(jobs.os, "environ", environment := {})

    def prepare(**habits: str) -> dict[str, str]:
        environment.update(habits)
        jobs.prepare(tmp_path)
        return environment

    return prepare


def test_jobs_keep_what_they_compile_where_python_keeps_nothing(prepared, tmp_path):
    found = prepared(PYTHONDONTWRITEBYTECODE="1")
    assert "PYTHONDONTWRITEBYTECODE" not in found
    assert found["PYTHONPYCACHEPREFIX"] == str(tmp_path / ".snakemake/pycache")
    assert found["PYTHONPATH"] == str(tmp_path)


def test_kernels_have_a_place_where_neither_home_nor_project_takes_files(prepared, tmp_path):
    assert "NUMBA_CACHE_DIR" not in prepared()
    found = prepared(**{jobs.CACHES: ""})  # there is no folder for them in this project
    assert found["NUMBA_CACHE_DIR"] == str(tmp_path / ".snakemake/kernels")


def test_a_reader_s_habits_have_no_say(prepared, tmp_path):
    found = prepared(
        JUPYTER_PATH="/theirs",
        PYTHONSTARTUP="x.py",
        NUMBA_DISABLE_JIT="1",
        NUMBA_NUM_THREADS="0",
        PYTHONWARNINGS="error",
        MPLBACKEND="tkagg",
        MATPLOTLIBRC="mine",
    )
    assert not {"PYTHONSTARTUP", "NUMBA_DISABLE_JIT", "NUMBA_NUM_THREADS"} & set(found)
    assert "PYTHONWARNINGS" not in found and found["MPLBACKEND"] == "agg"
    assert Path(found["MATPLOTLIBRC"]).is_file()
    ours = tmp_path / ".snakemake/jupyter"
    assert found["JUPYTER_PATH"] == f"{ours}:/theirs"
    assert json.loads((ours / "kernels/python3/kernel.json").read_text())["argv"][0] == "python"


def test_a_shell_can_read_the_name_of_python(prepared):
    prepared()
    assert shlex.split(jobs.sys.executable) == ["/a reader's/python"]

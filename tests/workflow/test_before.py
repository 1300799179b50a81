"""What is looked at before the graph: results that are damaged, data that were exchanged, dates."""

from __future__ import annotations

import json
import math
import os
import time
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import pytest
import xarray as xr

from hnnlib import store
from hnnlib.datasets import fetch, registry
from workflow import before, guards, pace, plan
from workflow.lock import Lock


@pytest.fixture
def planned(tmp_path) -> plan.Plan:
    """A finished run of one study with two groups, trained on a data set of files."""
    section = plan.Section("A study", "paper", {}, {"g0": {}, "g1": {}}, {}, "", ["mnist"], "")
    results = tmp_path / "results"
    found = plan.Plan(
        "s", "", None, "s.yaml", {"a": section}, {}, str(results), tmp_path, "cpu", "auto", []
    )
    some = xr.Dataset({"x": ("cell", [1.0], {"units": "1", "long_name": "a number"})})
    for path in (*found.runs("a"), *found.stores().values()):
        store.write(some, path)
    for path in found.files():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text("something")
    return found


def test_whole_results_stay(planned):
    assert list(before.damaged(planned)) == []


@pytest.mark.parametrize("text", [b"", b"\x89HDF\r\n\x1a\n", b"text", None], ids=str)
@pytest.mark.parametrize("place", ["runs/a/g1.nc", "a.nc"])
def test_damaged_stores_are_made_again(planned, place, text, capsys):
    path = Path(planned.results, place)
    path.write_bytes(path.read_bytes()[:-100] if text is None else text)
    assert list(before.damaged(planned)) == [str(path)]
    assert capsys.readouterr().err == f"note: {path} is empty, cut or damaged: it is made again\n"


def test_a_pipe_or_a_folder_is_no_store(planned):
    for path, make in zip(planned.runs("a"), (os.mkfifo, os.mkdir), strict=True):
        os.unlink(path)
        make(path)
    assert list(before.damaged(planned)) == planned.runs("a")


def test_pipes_are_removed_from_the_results_wherever_they_lie(planned, capsys):
    places = ("data/mnist.json", "timings/train_group/a/g0.tsv", "logs/a.log", "runs/a/g2.nc")
    for path in (Path(planned.results, place) for place in places):
        path.parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(path)
    there = {path for path in Path(planned.results).rglob("*") if path.is_file()}
    before.remove_pipes(planned.results)
    assert {p for p in Path(planned.results).rglob("*") if not p.is_dir()} == there
    assert capsys.readouterr().err.count("was no file, but a pipe or a device: it is removed") == 4


def test_a_pipe_is_no_table(planned):
    path = Path(planned.results, "claims.csv")
    path.unlink()
    os.mkfifo(path)
    assert list(before.damaged(planned)) == [str(path)]


@pytest.mark.parametrize("place", ["claims.csv", "notebooks/a.html", "report/index.html"])
def test_empty_tables_and_pages_are_made_again(planned, place):
    path = Path(planned.results, place)
    path.write_text("")
    assert list(before.damaged(planned)) == [str(path)]
    path.unlink()
    assert list(before.damaged(planned)) == [], "what is not there is made without a word"


def data(folder: Path, text: bytes) -> None:
    """Files of MNIST's names, vouched for by a manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [file.name for file in registry.get("mnist").files]
    for name in names:
        (folder / name).write_bytes(text + name.encode())
    files = {name: sha256((folder / name).read_bytes()).hexdigest() for name in names}
    manifest = {"source": "a test", "note": "not MNIST", "files": files}
    (folder / fetch.MANIFEST).write_text(json.dumps(manifest))


def record(planned: plan.Plan, sha: str) -> str:
    path = Path(planned.data_checks("a")[0])
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"sha256": sha}))
    return str(path)


def test_other_data_are_noticed_wherever_they_lie_and_whatever_their_dates(
    planned, tmp_path, monkeypatch, capsys
):
    """Another folder, files replaced in place with their dates kept, and a downloaded copy."""
    entry = registry.get("mnist")
    data(tmp_path / "one/mnist", b"1")
    monkeypatch.setenv("HNN_DATA", str(tmp_path / "one"))
    first = fetch.identity(entry)
    path = record(planned, first)
    assert list(before.exchanged(planned)) == []
    files = sorted((tmp_path / "one/mnist").iterdir())
    for file in files:
        os.utime(file)  # as a copy would
    assert list(before.exchanged(planned)) == [], "the same content"

    data(tmp_path / "two/mnist", b"2")
    for old, new in zip(files, sorted((tmp_path / "two/mnist").iterdir()), strict=True):
        os.utime(new, ns=(old.stat().st_atime_ns, old.stat().st_mtime_ns))
    monkeypatch.setenv("HNN_DATA", str(tmp_path / "two"))
    assert list(before.exchanged(planned)) == [path]
    assert "the files of mnist are not those of the earlier run" in capsys.readouterr().err

    monkeypatch.setattr(fetch, "_cache_folder", lambda entry: tmp_path / "two" / entry.name)
    monkeypatch.delenv("HNN_DATA")
    assert list(before.exchanged(planned)) == [path]
    record(planned, fetch.identity(entry))
    assert list(before.exchanged(planned)) == []
    monkeypatch.setattr(fetch, "_cache_folder", lambda entry: tmp_path / "nowhere")
    assert list(before.exchanged(planned)) == [], "results stay when their data are gone"


@pytest.mark.parametrize("text", ["", "{", "[1]", "{}", "[" * 60_000], ids=lambda text: text[:3])
def test_a_damaged_record_of_data_is_made_again(planned, tmp_path, monkeypatch, text):
    data(tmp_path / "one/mnist", b"1")
    monkeypatch.setenv("HNN_DATA", str(tmp_path / "one"))
    path = record(planned, "")
    Path(path).write_text(text)
    assert list(before.exchanged(planned)) == [path]
    Path(path).unlink()
    os.mkfifo(path)  # of a dry run, which removes nothing
    assert list(before.exchanged(planned)) == [path]


def test_files_from_the_future_are_dated_now(tmp_path, capsys):
    """Nothing made of them would be newer than they are, which Snakemake takes for a failure."""
    paths = [tmp_path / name for name in ("a", "b")]
    for path in paths:
        path.write_text("")
        os.utime(path, (2e9 + 1e9, 2e9 + 1e9))
    before.date_now([*map(str, paths), str(tmp_path / "none")])
    assert all(path.stat().st_mtime <= time.time() for path in paths)
    assert f"{paths[0]} and others are dated in the future" in capsys.readouterr().err


def test_a_file_from_the_future_that_cannot_be_changed_ends_the_run(tmp_path, monkeypatch):
    path = tmp_path / "a"
    path.write_text("")
    os.utime(path, (3e9, 3e9))

    def refuse(path):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(before.os, "utime", refuse)
    with pytest.raises(SystemExit, match="is dated .* set the clock"):
        before.date_now([str(path)])


def started(planned, **changes) -> pace.Pace:
    """Both groups wait to be trained."""
    section = replace(planned.sections["a"], **changes)
    jobs = [
        SimpleNamespace(
            rule=SimpleNamespace(name="train_group"), wildcards=("a", group), jobid=group
        )
        for group in section.groups
    ]
    workflow = SimpleNamespace(
        _cores=2, nodes=None, dag=SimpleNamespace(needrun_jobs=lambda: iter(jobs))
    )
    return pace.Pace(replace(planned, sections={"a": section}), workflow)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"seconds": {"g0": 50 * pace.DAY, "g1": 80 * pace.DAY}}, "takes about 80 days here (2 at"),
        ({"seconds": {"g0": 2e9, "g1": math.nan}}, "most of it a/g0 (about 23,148 days)"),
        ({"memory": {"g0": 1, "g1": 2**60}}, "a/g1 needs at least 1,073,741,824 GiB of memory"),
    ],
)
def test_what_nobody_would_wait_for_is_refused_by_its_estimate(planned, changes, said):
    found = started(planned, **changes)
    with pytest.raises(SystemExit) as caught:
        before.check_size(found.plan, found)
    sentence = str(caught.value)
    assert said in sentence and "--config force=true to run nevertheless" in sentence
    assert "estimated" in sentence and "\n" not in sentence


@pytest.mark.parametrize(
    "seconds", [{}, {"g0": math.nan, "g1": math.nan}, {"g0": 29 * pace.DAY, "g1": 29 * pace.DAY}]
)
def test_what_takes_days_or_was_never_measured_runs(planned, seconds):
    found = started(planned, seconds=seconds)
    before.check_size(found.plan, found)


@pytest.mark.parametrize("force", [True, False])
@pytest.mark.parametrize("nodes", [None, 4])
def test_force_and_clusters_know_no_limit(planned, monkeypatch, force, nodes):
    monkeypatch.setattr(guards, "has_gpu", lambda: False)
    found = started(planned, seconds={"g0": 1e12, "g1": 1e12})
    workflow = found.workflow
    workflow.is_main_process, workflow.executor_plugin, workflow.dryrun = True, "local", False
    workflow.nodes, workflow._prepare_dag, workflow._build_dag = nodes, None, lambda: None
    before.graph(workflow, replace(found.plan, force=force), Lock("x"), found)
    if force or nodes:
        workflow._build_dag()
    else:
        with pytest.raises(SystemExit, match="force=true"):
            workflow._build_dag()


@pytest.mark.parametrize("dryrun", [True, False])
def test_the_looks_are_taken_once_snakemake_knows_what_it_will_do(planned, dryrun, capsys):
    """A dry run says what would be made again, and changes nothing."""
    path = Path(planned.results, "a.nc")
    path.write_text("")
    asked = {}
    workflow = SimpleNamespace(
        is_main_process=True,
        executor_plugin=None,
        dryrun=dryrun,
        dag_settings=SimpleNamespace(forcerun=frozenset({"mine"})),
        _prepare_dag=lambda **kwargs: asked.update(kwargs),
        _build_dag=lambda: None,
    )
    lock = Lock(planned.results)
    workflow._cores, workflow.nodes = 1, None
    workflow.dag = SimpleNamespace(needrun_jobs=lambda: [])
    before.graph(workflow, planned, lock, pace.Pace(planned, workflow))
    workflow._prepare_dag(nolock=False)
    assert not asked["nolock"] and workflow.dag_settings.forcerun == {"mine"}, "no jobs will run"
    workflow.executor_plugin = "local"
    workflow._prepare_dag(nolock=False)
    assert asked["nolock"]
    assert workflow.dag_settings.forcerun == {"mine", str(path)}
    assert lock.held == (not dryrun)
    workflow._build_dag()
    assert ("expected: about 0 s" in capsys.readouterr().err) == dryrun
    lock.release()

"""The report's page on speed: the benchmark's numbers, and nothing where there are none."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from few_claims import only
from synthetic_store import make
from test_report import HOSTILE, STUDY, Page

from benchmarks import report as benchmark
from hnnlib import store
from hnnlib.errors import ConfigError
from hnnlib.evidence import papers, report
from workflow.plan import Plan


def entry(library: str, seconds: float, members: int = 1) -> dict:
    return {
        "library": library,
        "members": members,
        "parameters": 10 * members,
        "cpu": [seconds] * 3,
        "wall": [2 * seconds] * 3,
        "losses": [3.0, 2.0],
        "error": None,
        "memory": {"imported": 250.0, "peak": 400.0 + members},
    }


def point(task: str, ours: float, theirs: float, **more) -> dict:
    entries = {"hnnlib": entry("hnnlib", ours), "norse": entry("norse", theirs)}
    about = {"task": task, "title": f"the {task} task", "input_density": 0.1}
    return about | {"spike_density": [0.05], "libraries": entries} | more


def results(suite: str, points: list[dict], **more) -> dict:
    versions = {"hnnlib": "0.1.0", "torch": "2.13.0"}
    return {
        "suite": suite,
        "device": "cpu",
        "clock": "cpu",
        "rounds": 3,
        "warmup": 1,
        "threads": 1,
        "engine": "auto",
        "commit": "0123456789",
        "machine": {"cores": 2, "cpu": f"a processor {HOSTILE}", "system": "Linux x86_64"},
        "libraries": {"hnnlib": {"versions": versions, "differences": "reference", "engine": "e"}},
        "tasks": points,
    } | more


def curve_points() -> list[dict]:
    sizes = {"steps": 10, "hidden": 20, "batch": 4, "density": 0.1}
    return [
        point("mlp", 1.0, 4.0, axis=None, sizes=sizes),
        point("mlp", 1.0, 5.0, axis="steps", sizes=sizes | {"steps": 20}),
        point("mlp", 1.0, 0.25, axis="density", sizes=sizes | {"density": 0.4}),
    ]


def population() -> dict:
    found = point("mlp", 1.0, 4.0)
    found["libraries"]["hnnlib x4"] = entry("hnnlib", 2.0, members=4)
    return found


def epoch() -> dict:
    data = {"name": "shd", "official": False, "note": "Not the official SHD", "steps": 32}
    return point("epoch", 0.1, 0.4, data=data | {"recordings": 8156})


def build(folder: Path, *, given: dict[str, dict]) -> Path:
    """A report of one study with the benchmark's files; returns its folder."""
    stored, measured = folder / f"{STUDY}.nc", folder / "measured"
    if not stored.exists():
        store.write(make(seeds=1, keep=lambda cell: cell["short"] == "SSS"), stored)
    files = [benchmark.write(one, measured, name)[0] for name, one in given.items()]
    (folder / "report").mkdir(exist_ok=True)
    out = folder / "report/index.html"
    report.build(out, {"scale": "quick"}, {STUDY: stored}, benchmarks=files)
    return out.parent


@pytest.fixture(scope="module", autouse=True)
def one_claim() -> Iterator[None]:
    """The page is about no claim."""
    naming = papers.naming
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            papers,
            "naming",
            lambda studies: {stem: only(one, "A1") for stem, one in naming(studies).items()},
        )
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    given = {
        "cpu-1-thread": results("tasks", [point("mlp", 0.1, 0.32), point("cnn", 0.2, 0.1)]),
        "cpu-2-threads": results("tasks", [point("mlp", 0.1, 0.2)], threads=2, clock="wall"),
        "cpu-1-thread-epoch": results("epoch", [epoch()]),
        "cpu-1-thread-population": results("population", [population()]),
        "cpu-1-thread-curves": results("curves", curve_points()),
    }
    return build(tmp_path_factory.mktemp("speed"), given=given)


@pytest.fixture(scope="module")
def page(folder) -> Page:
    return Page(folder / "performance.html")


def cells(text: str) -> str:
    """Text of a page without its tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def test_both_pages_lead_to_each_other(folder, page):
    assert "performance.html" in Page(folder / "index.html").links()
    assert "index.html" in page.links()


def test_tables_hold_time_ratio_and_memory_by_threads(page):
    text = cells(page.section("tasks"))
    assert "1 thread 2 threads" in text
    assert "CPU ms ratio peak MiB wall ms ratio peak MiB" in text
    assert "norse 320 3.20 [3.20, 3.20] 401 400 2.00 [2.00, 2.00] 401" in text
    assert "Of the memory, 250 MiB are imports" in text


def test_the_fastest_other_library_stands_first_even_where_it_wins(page):
    head = cells(page.text.split("</header>")[0])
    assert "mlp 3.20× norse 2.00× norse" in head
    assert "cnn 0.50× norse not measured" in head


def test_an_epoch_is_told_in_seconds_with_the_mark_of_its_data(page):
    text = cells(page.section("epoch"))
    assert "norse 400 4.00 [4.00, 4.00]" in text
    assert (
        "An epoch of shd (8156 recordings, 32 steps, 1 thread): hnnlib 3.2 s, norse 12.8 s." in text
    )
    assert "Not the official SHD." in text
    head = cells(page.text.split("</header>")[0])
    assert head.count("1 thread") == 1 and "epoch 4.00× norse not measured" in head


def test_a_population_is_shown_per_network(page):
    text = cells(page.section("populations"))
    assert "hnnlib 4 2000 500 2.00 [2.00, 2.00] 8.00 [8.00, 8.00] 404" in text


def test_the_break_even_is_told(page):
    assert "hnnlib is faster than norse up to a density of 20 %" in cells(page.section("curves"))


def test_figures_have_words_and_files(page, folder):
    pictures = [a for tag, a in page.elements if tag == "img"]
    assert len(pictures) == 3
    for attributes in pictures:
        assert (folder / attributes["src"]).stat().st_size > 1000
        assert len(attributes["alt"]) > 20
    assert not list((folder / "figures").rglob("*.json"))


def test_without_a_gpu_the_page_says_how_to_measure_it(page):
    text = cells(page.section("gpu"))
    assert text.count("not measured") == 6 and "NVIDIA" in text
    assert "python -m benchmarks --suite curves --device cuda" in text


def test_what_a_gpu_gave_replaces_the_command(tmp_path):
    machine = {"cores": 2, "cpu": "a processor", "system": "Linux", "gpu": "Big GPU"}
    one = results("tasks", [point("mlp", 0.1, 0.2)], device="cuda", clock="wall", machine=machine)
    found = Page(build(tmp_path, given={"cuda": one}) / "performance.html")
    text = cells(found.section("gpu"))
    assert "Big GPU" in text and "norse 400 2.00" in text
    assert text.count("not measured") == 5
    assert 'id="tasks"' not in found.text and "#tasks" not in found.links()


def test_the_page_is_well_formed_and_needs_no_network(page):
    assert page.open == [] and len(page.ids()) == len(set(page.ids()))
    assert "script" not in {tag for tag, _ in page.elements}
    assert all("scope" in attributes for tag, attributes in page.elements if tag == "th")
    for link in page.links():
        assert not urlsplit(link).scheme and not os.path.isabs(link)
        path, _, anchor = unquote(link).partition("#")
        assert (page.path.parent / path).exists() and (path or anchor in page.ids()), link


def test_text_from_results_is_escaped(page):
    assert HOSTILE not in page.text and "&lt;script&gt;" in page.text


def test_machine_versions_and_commit_are_told(page):
    text = cells(page.section("made-with"))
    for fact in ("a processor", "0123456789", "hnnlib 0.1.0, torch 2.13.0", "3, after 1 to warm"):
        assert fact in text


def test_a_busy_machine_and_remarks_are_told(tmp_path):
    one = results("tasks", [point("mlp", 0.1, 0.2)])
    one["tasks"][0]["libraries"]["norse"]["parameters"] = 11
    found = Page(build(tmp_path, given={"cpu-1-thread": one}) / "performance.html")
    assert "a worker had 50 % of a core" in found.text
    assert "norse: 11 parameters, not 10." in found.text


def test_a_library_that_failed_keeps_its_row(tmp_path):
    one = results("tasks", [point("mlp", 0.1, 0.2)])
    one["tasks"][0]["libraries"]["norse"] |= {"error": "no such module", "cpu": [], "wall": []}
    found = Page(build(tmp_path, given={"cpu-1-thread": one}) / "performance.html")
    assert "norse – –" in cells(found.section("tasks"))
    assert "norse: failed: no such module." in found.text


def test_without_results_there_is_neither_page_nor_link(tmp_path):
    one = results("tasks", [point("mlp", 0.1, 0.2)])
    where = build(tmp_path, given={"cpu-1-thread": one})
    assert (where / "performance.html").exists()
    build(tmp_path, given={})
    assert not (where / "performance.html").exists()
    assert "performance.html" not in Page(where / "index.html").links()


def test_a_population_that_failed_is_a_page_all_the_same(tmp_path):
    failed = population()
    for one in failed["libraries"].values():
        one |= {"error": "out of memory", "cpu": [], "wall": [], "losses": []}
    found = Page(build(tmp_path, given={"x": results("population", [failed])}) / "performance.html")
    assert "hnnlib: failed: out of memory." in found.text


def test_the_workflow_finds_a_file_that_is_added(tmp_path):
    nothing = Plan("s", "", None, "", {}, {}, "results", tmp_path, "cpu", "auto", stems=[])
    assert nothing.benchmarks() == []
    (tmp_path / "benchmarks/results").mkdir(parents=True)
    (tmp_path / "benchmarks/results/new.json").write_text("{}")
    (tmp_path / "benchmarks/results/new.md").write_text("")
    assert nothing.benchmarks() == [str(tmp_path / "benchmarks/results/new.json")]


def test_files_of_an_older_benchmark_are_left_out(tmp_path):
    old = tmp_path / "old.json"
    old.write_text(json.dumps({"tasks": []}))
    assert report.performance.read([old]) == []
    old.write_text("{")
    with pytest.raises(ConfigError, match="old.json is not a result"):
        report.performance.read([old])


def test_the_same_results_give_the_same_page(tmp_path):
    given = {"cpu-1-thread-curves": results("curves", curve_points())}
    path = build(tmp_path, given=given) / "performance.html"
    before = path.read_bytes()
    pictures = {p: p.read_bytes() for p in path.parent.rglob("*.svg")}
    build(tmp_path, given=given)
    assert path.read_bytes() == before
    assert pictures and all(p.read_bytes() == data for p, data in pictures.items())

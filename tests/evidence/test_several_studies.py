"""A paper that several studies rerun: each claim and table asks the store of its own study."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from hnnlib import store
from hnnlib.errors import ConfigError
from hnnlib.evidence import claims, comparison, ledger, papers, report
from hnnlib.evidence.papers import reader

PAPER = """\
title: A paper
authors: [A. Author]
year: 2020
venue: A journal
doi: 10.0/0
studies: [plain, rough]
chance: {spoken: 5, images: 10}
own_scales: [quick]
gates:
  plain: &gates
    learned: 5
    waived: {settled: nothing is trained}
  rough: *gates
stand_ins: {spoken_digits: spoken}
vocabulary: {paper_dataset: [spoken, images], model: [a, b]}
tables:
  - id: T1
    title: Accuracy
    dataset: spoken
    rows: [{label: a, select: {model: a}}, {label: images, select: {model: b}, dataset: images}]
    columns: [{label: accuracy, values: {a: 80.0, images: 70.0}}]
  - id: T2
    title: Roughness
    study: rough
    dataset: spoken
    unit: percent
    rows: [{label: a, select: {model: a}}]
    columns:
      - {label: accuracy, values: {a: 80.0}}
      - {label: spikes, variable: spikes, unit: spikes, values: {a: 1234.0}}
claims:
  - id: P1
    text: a is the better one.
    paper_says: Table 1.
    parts: [{rule: better, pairs: [{left: {model: a}, right: {model: b}}]}]
  - id: P2
    text: a spikes more.
    paper_says: Table 2.
    study: rough
    parts:
      - {rule: better, variable: spikes, pairs: [{left: {model: a}, right: {model: b}}]}
  - id: P3
    text: Both.
    paper_says: Tables 1 and 2.
    parts:
      - {rule: better, pairs: [{left: {model: a}, right: {model: b}}]}
      - rule: better
        study: rough
        variable: spikes
        pairs: [{left: {model: a}, right: {model: b}}]
"""


def make(study: str, a=(80.0, 80.2, 80.1), b=(70.0, 70.3, 70.2), dataset="spoken") -> xr.Dataset:
    """A store with two cells, three seeds."""
    accuracy = np.array([a, b]) / 100
    about = {"units": "1", "long_name": "made up"}
    return xr.Dataset(
        {
            "test_accuracy": (("cell", "seed"), accuracy, about),
            "train_accuracy": (("cell", "seed"), accuracy, about),
            "spikes": (("cell", "seed"), 2000 * accuracy, about),
        },
        {
            "cell": ["a", "b"],
            "seed": [0, 1, 2],
            "model": ("cell", ["a", "b"]),
            "dataset": ("cell", [dataset, "images" if study == "plain" else dataset]),
            "arm": ("cell", ["main", "main"]),
        },
        {"study": study, "scale": "quick", "data": dataset, "data_official": "true"},
    )


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the paper, where the library looks for papers."""
    (tmp_path / "toy.yaml").write_text(PAPER, encoding="utf-8")
    monkeypatch.setattr(reader, "PAPERS", tmp_path)
    return tmp_path


@pytest.fixture
def paper(folder) -> papers.Paper:
    return papers.load("toy")


def verdicts(paper, stores) -> dict[str, str]:
    return {j.claim: j.answer for j in claims.judge(paper, stores)}


def test_a_paper_of_one_study_may_say_study(folder):
    (folder / "one.yaml").write_text(
        PAPER.replace("studies: [plain, rough]", "study: rough")
        .replace("  plain: &gates", "  rough:")
        .replace("  rough: *gates\n", ""),
        encoding="utf-8",
    )
    assert papers.load("one").studies == ("rough",)
    assert list(papers.naming(["plain", "rough"])) == ["toy", "one"]  # toy names both
    assert list(papers.naming(["rough", "plain"])) == ["one", "toy"]
    assert papers.naming(["unheard_of"]) == {}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("studies: [plain, rough]", "study: plain\nstudies: [plain]", "keep one"),
        ("studies: [plain, rough]", "studies: []", "studies: .*at least 1"),
        ("studies: [plain, rough]\n", "", "studies: Field required"),
        ("    study: rough\n    dataset", "    study: ruogh\n    dataset", "ruogh.*mean 'rough'"),
        ("        study: rough\n", "        study: ruogh\n", "ruogh.*mean 'rough'"),
        ("spoken: 5", "spoken: 500", "chance: .*not 500"),
    ],
)
def test_mistakes_in_studies_are_told(folder, old, new, message):
    assert old in PAPER
    (folder / "toy.yaml").write_text(PAPER.replace(old, new), encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        papers.load("toy")


def test_each_claim_is_judged_on_the_stores_of_its_studies(paper):
    stores = {"plain": make("plain"), "rough": make("rough")}
    assert verdicts(paper, stores) == dict.fromkeys(("P1", "P2", "P3"), "supported")
    stores["rough"] = make("rough", a=(70.0, 70.3, 70.2), b=(80.0, 80.2, 80.1))
    assert verdicts(paper, stores) == {
        "P1": "supported",
        "P2": "contradicted",
        "P3": "contradicted",
    }


def test_claims_of_a_study_that_was_not_run_are_not_tested(paper):
    found = {j.claim: j for j in claims.judge(paper, {"plain": make("plain")})}
    assert [j.answer for j in found.values()] == ["supported", "not tested", "not tested"]
    assert found["P2"].reason == "Not run at this scale: study rough."
    assert (found["P2"].n_seeds, found["P2"].comparisons, found["P2"].data) == (0, [], "not run")
    assert len(found["P3"].comparisons) == 1
    assert found["P3"].study == "plain, rough"
    assert len(ledger.to_frame(list(found.values()))) == 3


def test_a_single_store_speaks_for_its_own_study(paper):
    assert list(verdicts(paper, make("rough"))) == ["P2", "P3"]
    assert set(comparison.compare(paper, make("rough"))["table"]) == {"T2"}
    with pytest.raises(ConfigError, match="study other"):
        claims.judge(paper, make("other"))


def test_tables_of_a_study_that_was_not_run_keep_the_papers_numbers(paper):
    frame = comparison.compare(paper, {"plain": make("plain")})
    rough = frame[frame["study"] == "rough"]
    assert list(rough["printed"]) == [80.0, 1234.0]
    assert rough["ours"].isna().all()
    assert set(rough["note"]) == {"not run at this scale"}


def test_a_column_has_its_own_variable_and_a_row_its_own_data(paper):
    frame = comparison.compare(paper, {"plain": make("plain"), "rough": make("rough")})
    spikes = frame[frame["column"] == "spikes"].iloc[0]
    assert (spikes["unit"], spikes["ours"]) == ("spikes", pytest.approx(2000 * 0.801))
    assert frame["difference"].notna().all()
    texts = comparison.pivot(frame, paper.table("T2")).loc["a"]
    assert texts["spikes", "paper"] == "1234"
    assert texts["accuracy", "paper"] == "80.00"


def test_data_of_a_small_scale_stand_for_those_of_the_paper(paper):
    small = comparison.prepare(paper, make("rough", dataset="spoken_digits"))
    assert comparison.locate(small, {"model": "a", "paper_dataset": "spoken"}) == "a"
    assert comparison.locate(small, {"model": "a", "paper_dataset": "images"}) is None
    frame = comparison.compare(paper, {"rough": make("rough", dataset="spoken_digits")})
    assert frame["difference"].isna().all()
    judged = claims.judge(paper, make("rough", dataset="spoken_digits"))
    assert judged[0].data == "spoken_digits (not the paper's data)"


def test_labels_name_the_data_really_used(paper):
    small = comparison.prepare(paper, make("rough", dataset="spoken_digits"))
    where = {"paper_dataset": "spoken"}
    pair = papers.CellPair(where | {"model": "a"}, where | {"model": "b"})
    assert comparison.paired(small, pair)[0].label == "spoken_digits: a minus b"
    found, _ = comparison.valued(small, where | {"model": "a"}, "spikes", 1.0, "above")
    assert found.label == "spoken_digits a, spikes > 1"
    absent = pair._replace(left=where | {"model": "c"})
    assert comparison.paired(small, absent)[0].outcome == "not run"


def test_nothing_stands_for_data_that_were_run_themselves(paper):
    both = make("rough")
    both = both.assign_coords(dataset=("cell", ["spoken", "spoken_digits"]))
    names = comparison.prepare(paper, both)["paper_dataset"].values
    assert list(names) == ["spoken", "spoken_digits"]


def test_chance_may_differ_between_data_sets(paper):
    """12 % is learning where chance is 5 %, and none where it is 10 %."""
    barely = comparison.prepare(paper, make("plain", a=(12.0, 12.1, 12.2), b=(12.0, 12.1, 12.2)))
    assert [comparison.chance_of(barely, cell) for cell in "ab"] == [5.0, 10.0]
    [found, *_] = claims.judge(paper, make("plain", a=(12.0, 12.1, 12.2), b=(12.0, 12.1, 12.2)))
    assert found.gates == {
        "learned": [
            "3 of 3 seeds of b did not learn their training data (the least 12.0 %, chance 10 %)"
        ]
    }


def test_the_report_shows_a_paper_once_with_all_of_its_studies(folder):
    for study in ("plain", "rough"):
        store.write(make(study), folder / f"{study}.nc")
    stores = {study: folder / f"{study}.nc" for study in ("plain", "rough")}
    report.build(
        folder / "report/index.html",
        {"scale": "quick", "description": ""},
        stores,
        references={"rough": stores["rough"]},
        titles={"plain": "Plain study", "rough": "Rough study"},
    )
    pages = {path.name: path.read_text("utf-8") for path in (folder / "report").glob("*.html")}
    assert set(pages) == {"index.html", "paper-toy.html", "study-plain.html", "study-rough.html"}
    page = pages["index.html"]
    assert page.count('id="ledger-toy"') == 1 and "Plain study" in page and "Rough study" in page
    assert [page.count(f'id="claim-toy-P{i}"') for i in (1, 2, 3)] == [1, 1, 1]
    # the reference run has no such store
    assert "Not run at this scale: study plain." in pages["study-plain.html"]

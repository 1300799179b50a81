"""What the README says is so: results, examples, papers."""

from __future__ import annotations

import doctest
import re
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from hnnlib import store
from hnnlib.evidence import claims, papers, readme

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
EXAMPLES = [path for path in (ROOT / "hnnlib").rglob("*.py") if ">>> " in path.read_text("utf-8")]
PAPERS = {path.stem: papers.load(path.stem) for path in (ROOT / "papers").glob("*.yaml")}


def test_the_first_screen_is_that_of_the_reference_stores():
    assert readme.digest(README) == readme.state(ROOT), "run: python -m hnnlib readme"
    assert (
        README.index("## Start") > README.index(readme.FIGURE) and (ROOT / readme.FIGURE).is_file()
    )


@pytest.fixture(scope="module")
def judged():
    data = store.open(ROOT / "results/reference/bit_plane_coding.nc")
    return claims.judge(PAPERS["luu"], {"bit_plane_coding": data})


def test_it_says_no_more_than_the_ledger(judged):
    text = readme.results([(PAPERS["luu"], judged)])
    told = next(one for one in judged if one.claim == "BP2")
    assert text in README or f"**BP2 {told.answer}**" in README
    assert told.note in text, "how the claim was read stands beside its answer"
    shut = [replace(one, answer="not tested", reason="too short") for one in judged]
    text = readme.results([(PAPERS["luu"], shut)])
    assert "**BP2 not tested** (too short" in text and "supported**" not in text


def test_answers_to_a_referee_are_not_counted_among_the_authors_claims(judged):
    text = readme.results([(PAPERS["luu"], judged)])
    asked = [one.claim for one in judged if one.asked_by == "authors"]
    assert len(asked) == 6 and "of the authors’ 6 claims" in text
    assert next(one for one in judged if one.claim == "BP10").answer == "supported"
    assert "BP10" not in text


def test_its_lines_of_python_train_a_hybrid(capsys):
    code, shown = re.search(
        r"```python\n(.*?)```\n\nprints\n\n```text\n(.*?)```", README, re.S
    ).groups()
    assert len(code.splitlines()) <= 20
    exec(compile(code, "README.md", "exec"), {})
    printed, promised = capsys.readouterr().out.splitlines(), shown.splitlines()
    for line, other in zip(printed, promised, strict=True):
        seed, accuracy, spikes = map(float, re.findall(r"\d[\d.]*", line))
        assert f"seed {seed:.0f}:" in other
        _, expected, about = map(float, re.findall(r"\d[\d.]*", other))
        assert accuracy == pytest.approx(expected, abs=0.06)
        assert spikes == pytest.approx(about, rel=0.3)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_in_docstrings_are_right(path):
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    found = doctest.testmod(import_module(name), optionflags=doctest.ELLIPSIS)
    assert found.attempted and not found.failed


@pytest.mark.parametrize("paper", PAPERS.values(), ids=list(PAPERS))
def test_all_files_name_the_same_authors(paper):
    """The paper's file, the README and CITATION.cff; the report takes them from the first."""
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    (one,) = [one for one in cited["references"] if one["title"] == paper.title]
    names = tuple(f"{who['given-names']} {who['family-names']}" for who in one["authors"])
    assert (names, one["year"], one["notes"]) == (paper.authors, paper.year, paper.venue)
    assert one.get("doi", "") == paper.doi
    assert one.get("url", "").endswith(paper.arxiv)
    (row,) = re.findall(rf"^\| `{paper.studies[0]}` \| .*\?.*$", README, re.M)
    assert paper.short in row and (paper.doi in row or paper.arxiv in row)

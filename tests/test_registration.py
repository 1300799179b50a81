"""Which claims stood when a network was trained."""

import re

import pytest

from hnnlib import registration
from hnnlib.errors import ConfigError

PAPER = """\
title: A paper
claims:
  - {id: C1, text: more is better, parts: [{rule: better}], note: as we read it}
  - {id: C2, text: less is worse, parts: [{rule: trend}]}
"""


@pytest.fixture
def claims(tmp_path):
    def read(text: str) -> dict[str, str]:
        (tmp_path / "paper.yaml").write_text(text)
        return registration.claims("paper", tmp_path)

    return read


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("more is better", "more is worse", {"C1"}),
        ("rule: trend", "rule: better", {"C2"}),
        ("as we read it", "as they meant it", set()),
        ("A paper", "Another title", set()),
        ("claims:", "chance: 0.5\nclaims:", {"C1", "C2"}),
    ],
)
def test_a_digest_changes_with_what_decides_a_claim(claims, old, new, changed):
    before, after = claims(PAPER), claims(PAPER.replace(old, new))
    assert set(before) == set(after) == {"C1", "C2"}
    assert {name for name in before if before[name] != after[name]} == changed


def test_no_text_says_that_a_rule_stood_before_its_data():
    """Each claim's registration says so, or that it did not."""
    root = registration.PAPERS.parent
    texts = [*root.glob("papers/*.yaml"), *root.glob("notebooks/*.ipynb")]
    texts += [*root.glob("hnnlib/evidence/templates/*"), root / "README.md"]
    said = r"(chosen|stated?|declared|set|fixed|written|stands?)[^.:;]{0,40}before the (runs|data)"
    assert len(texts) > 20
    assert [path.name for path in texts if re.search(said, path.read_text("utf-8"))] == []


def test_a_study_without_a_paper_registers_nothing(tmp_path):
    assert registration.claims("paper", tmp_path) == {}


def test_a_paper_that_cannot_be_read_is_told_with_its_line(claims):
    with pytest.raises(ConfigError, match="paper.yaml line 2: .*twice"):
        claims("title: a\ntitle: b\n")

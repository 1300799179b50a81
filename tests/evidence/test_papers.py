"""The papers' files: what may stand in them, what is refused, and that ours names real cells."""

from __future__ import annotations

import pytest
import synthetic_store

from hnnlib.errors import ConfigError
from hnnlib.evidence import papers
from hnnlib.evidence.comparison import locate

SMALL = """\
title: A paper
authors: [A. Author]
year: 2020
venue: A journal
doi: 10.0/0
study: toy
vocabulary:
  colour: [red, blue]
  size: [1, 2, 3]
  fast: ["true", "false"]
  depth: null
defaults: {colour: red}
tables:
  - id: t1
    title: A table
    dataset: mnist
    rows:
      - {label: one, select: {size: 1}}
      - {label: two, select: {size: 2}}
    columns:
      - label: slow
        select: {fast: false}
        values: {one: 90.5, two: null}
        override: {two: {colour: blue}}
claims:
  - id: X1
    text: Two beats one.
    paper_says: Table 1.
    parts:
      - rule: better
        where: {fast: true}
        pairs:
          - each: {colour: [red, blue]}
            left: {size: 2}
            right: {size: 1}
"""


@pytest.fixture
def write(tmp_path):
    """Write a paper's file and return the function that loads it."""

    def writer(text: str):
        (tmp_path / "toy.yaml").write_text(text, encoding="utf-8")
        return papers.load("toy", tmp_path)

    return writer


@pytest.fixture(scope="module")
def paper() -> papers.Paper:
    return papers.load("muramatsu_yu")


# --- selectors ----------------------------------------------------------------------------------


def test_selectors_nest_and_the_inner_one_wins(write):
    one, two = write(SMALL).entries()
    assert one.select == {"colour": "red", "size": 1, "fast": "false"}
    assert two.select == {"colour": "blue", "size": 2, "fast": "false"}
    assert (one.value, two.value) == (90.5, None)


def test_each_makes_one_pair_for_every_value(write):
    paper = write(SMALL)
    pairs = paper.claims[0].parts[0].items(paper.defaults)
    assert [(p.left["colour"], p.left["size"], p.right["size"]) for p in pairs] == [
        ("red", 2, 1),
        ("blue", 2, 1),
    ]


def test_a_list_in_a_series_stands_for_cells_in_its_order(write):
    series = """
      - rule: trend
        series:
          - {label: sizes, cells: [{size: [3, 1]}, {size: 2, colour: blue}]}
"""
    start, _ = SMALL.split("      - rule: better")
    paper = write(start + series)
    [(_, cells)] = paper.claims[0].parts[0].items(paper.defaults)
    assert [(c["size"], c["colour"]) for c in cells] == [(3, "red"), (1, "red"), (2, "blue")]


def test_a_margin_of_the_part_serves_the_pairs_that_have_none(write):
    text = SMALL.replace("rule: better", "rule: drop\n        margin: 3.0")
    text += "            margin: 5.0\n          - {left: {size: 2}, right: {size: 3}}\n"
    paper = write(text)
    assert [p.margin for p in paper.claims[0].parts[0].items(paper.defaults)] == [5.0, 5.0, 3.0]


# --- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "line_of", "message"),
    [
        ("colour: [red, blue]}\n", "colour: [red, bleu]}\n", "bleu", "'bleu'.*mean 'blue'"),
        ("left: {size: 2}", "left: {sise: 2}", "sise", "'sise'.*mean 'size'"),
        ("override: {two: {", "override: {tow: {", "- id: t1", "'tow'"),
        ("values: {one", "values: {oen", "- id: t1", "'oen'"),
        ("rule: better", "rule: beter", "beter", "beter.*better"),
        ("rule: better", "rule: equivalent", "equivalent", "margin is missing"),
        ("rule: better", "rule: better\n        margin: 1", "margin", "margin: Extra inputs"),
        ("year: 2020", "year: soon", "soon", "year: .*integer"),
        ("doi: 10.0/0\n", "", "", "doi: Field required"),
        ("year: 2020", "year: 2020\nyear: 2021", "2021", "year: this key stands here twice"),
        ("two: null}", "two: null, one: 1}", "one: 1}", "one: this key stands here twice"),
        ("authors: [A. Author]", "authors: [A. Author", "year", "not valid YAML"),
        ("year: 2020", "year: 2020\nown_scales: [papre]", "own_scales", "no scale 'papre'.*paper"),
        ("year: 2020", "year: 2020\nstand_ins: {digts: mnist}", "stand_ins", "mean 'digits'"),
        (
            "year: 2020",
            "year: 2020\ninconsistencies: [{text: odd, claims: [X9]}]",
            "X9",
            "no claim 'X9': choose",
        ),
    ],
)
def test_a_mistake_is_one_sentence_with_the_line(write, old, new, line_of, message):
    text = SMALL.replace(old, new)
    line = next(i for i, line in enumerate(text.splitlines(), 1) if line_of in line)
    with pytest.raises(ConfigError, match=f"toy.yaml line {line}.*{message}") as caught:
        write(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("year: 2020", "year: 99999999999"),
        ("year: 2020", "year: -1"),
        ("one: 90.5", "one: .inf"),
        ("one: 90.5", "one: .nan"),
        ("one: 90.5", "one: 1.0e+300"),
        ("title: A paper", 'title: "A \\e[31mpaper"'),
        ("  depth: null", '  "de\\x07pth": null'),
        ("text: Two beats one.", 'text: "Two \\u202Ebeats one."'),
    ],
)
def test_what_no_paper_prints_is_refused_with_its_line(write, old, new):
    line = SMALL[: SMALL.index(old)].count("\n") + 1
    with pytest.raises(ConfigError) as caught:
        write(SMALL.replace(old, new))
    assert f"line {line}: " in str(caught.value) and str(caught.value).isprintable()


def test_two_claims_with_one_id(write):
    claim = SMALL[SMALL.index("  - id: X1") :]
    with pytest.raises(ConfigError, match="two claims have the id X1"):
        write(SMALL + claim)


def test_an_inconsistency_names_a_claim_that_exists(write):
    with pytest.raises(ConfigError, match="X9"):
        write(SMALL + "inconsistencies: [{text: odd, claims: [X9]}]\n")


def test_an_unknown_paper_suggests_the_nearest(write, tmp_path):
    write(SMALL)
    with pytest.raises(ConfigError, match="did you mean 'toy'"):
        papers.load("toyy", tmp_path)


@pytest.mark.parametrize("stem", sorted(path.stem for path in papers.PAPERS.glob("[!.]*.yaml")))
def test_what_a_run_must_fulfil_stands_in_the_papers_file(stem):
    """Margins of learning and of coming to rest, of every study, or why none is asked."""
    paper = papers.load(stem)
    assert set(paper.gates) == set(paper.studies)
    for gates in paper.gates.values():
        assert gates.learned is not None or gates.waived.get("learned")
        assert gates.settled is not None or gates.waived.get("settled")


# --- Muramatsu & Yu -----------------------------------------------------------------------------

PRINTED = {
    "1a separate": [98.22, 99.17, None],
    "1a simultaneous": [98.13, 97.78, 98.07, 98.23],
    "1b separate": [56.01, 63.30, 62.78, None],
    "1b simultaneous": [59.96, 53.23, 55.22, 66.08, 70.09],
    "2a simultaneous": [98.13, 98.02, 98.03, 98.23],
    "2b simultaneous": [59.96, 59.35, 65.30, 63.82, 70.09],
    "3a separate": [98.09, 89.67, 95.93, 97.67],
    "3b separate": [59.83, 50.28, 36.94, 31.32, 56.43],
    "axon_direct axon": [97.56],
    "axon_direct direct": [97.71],
}


def test_every_number_of_the_tables_is_there(paper):
    found = {}
    for entry in paper.entries():
        found.setdefault(f"{entry.table.id} {entry.column}", []).append(entry.value)
    assert found == PRINTED


def test_seventeen_claims_that_say_where_the_paper_says_so(paper):
    assert [claim.id for claim in paper.claims] == [f"A{i}" for i in range(1, 18)]
    assert all(claim.text and claim.paper_says and claim.note for claim in paper.claims)


def test_every_selector_means_one_cell_of_the_full_store(paper):
    store = synthetic_store.make()
    lost = [(place, s) for place, s in paper.selects() if locate(store, s) is None]
    assert lost == []


def test_tables_and_claims_use_every_arm_that_they_are_about(paper):
    """All cells are read but those of the filter's arm, about which the paper claims nothing."""
    store = synthetic_store.make()
    read = {locate(store, select) for _, select in paper.selects()}
    unread = [c for c in synthetic_store.cells() if c["cell"] not in read]
    about_claims = {"main", "input_mode", "poisson_p"}
    assert {c["arm"] for c in unread} & about_claims == set()


def test_claims_compare_what_they_are_meant_to(paper):
    counts = {
        claim.id: [len(part.items(paper.defaults)) for part in claim.parts]
        for claim in paper.claims
    }
    assert counts == {
        "A1": [1],
        "A2": [6],
        "A3": [10],
        "A4": [2],
        "A5": [1],
        "A6": [1],
        "A7": [2],
        "A8": [3],
        "A9": [2],
        "A10": [5],
        "A11": [2],
        "A12": [2],
        "A13": [5, 10],
        "A14": [15],
        "A15": [2, 2],
        "A16": [5],
        "A17": [4],
    }


def test_the_leak_and_the_division_by_255_are_on_record(paper):
    switches = {fact.switch for fact in paper.protocol}
    assert {"split_mode", "poisson_p", "seeds", "boundary_act", "input_mode"} <= switches
    assert all(str(item) == item.text for item in paper.inconsistencies)

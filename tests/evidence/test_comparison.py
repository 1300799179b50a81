"""Cells beside each other and beside the paper: right numbers, right labels, nothing mixed."""

from __future__ import annotations

import numpy as np
import pytest
import synthetic_store

from hnnlib.errors import ConfigError, StoreError
from hnnlib.evidence import comparison, papers
from hnnlib.evidence.papers import CellPair

ASS = {"family": "mlp", "architecture": "A784-S500-S10", "arm": "main"}
SEPARATE = ASS | {"coding": "duplicate", "training": "separate"}
SIMULTANEOUS = ASS | {"coding": "duplicate", "training": "simultaneous"}
SEPARATE_CELL, SIMULTANEOUS_CELL = (
    f"mnist/ASS/duplicate/{training}" for training in ("separate", "simultaneous")
)


@pytest.fixture(scope="module")
def paper() -> papers.Paper:
    return papers.load("muramatsu_yu")


def row(frame, table: str, label: str, column: str) -> dict:
    """One row of the long frame."""
    found = frame.query("table == @table and row == @label and column == @column")
    assert len(found) == 1
    return found.iloc[0].to_dict()


# --- cells with each other ----------------------------------------------------------------------


def test_a_cell_is_found_by_its_coordinates():
    store = synthetic_store.make()
    assert comparison.locate(store, SEPARATE) == SEPARATE_CELL
    assert comparison.locate(store, SEPARATE | {"artificial_layers": 1}) == SEPARATE_CELL
    assert comparison.locate(store, SEPARATE | {"artificial_layers": 2}) is None


def test_several_cells_are_an_error_that_names_them():
    with pytest.raises(ConfigError, match=f"means .* cells.*{SEPARATE_CELL}"):
        comparison.locate(synthetic_store.make(), ASS)


def test_an_unknown_coordinate_is_an_error_that_names_it():
    with pytest.raises(ConfigError, match="'tempo'"):
        comparison.locate(synthetic_store.make(), SEPARATE | {"tempo": "presto"})


def test_an_unknown_variable_is_an_error_that_names_it():
    with pytest.raises(StoreError, match="'speed'"):
        comparison.paired(synthetic_store.make(), CellPair(SEPARATE, SIMULTANEOUS), "speed")


@pytest.mark.parametrize(
    ("left", "right", "label"),
    [
        ({"n": "a", "k": "x"}, {"n": "a", "k": "y"}, "Alpha: x minus Ys"),
        ({"n": "a", "k": "x"}, {"n": "b", "k": "x"}, "Alpha minus Beta"),
        ({"k": "x", "n": "a"}, {"k": "none", "n": "b"}, "Alpha x minus Beta"),
        ({"k": "x", "arm": "k"}, {"k": "y", "arm": "main"}, "x minus Ys"),
        ({"n": "a", "k": "y", "j": 1}, {"n": "b", "k": "y", "j": 2}, "Ys: Alpha 1 minus Beta 2"),
        ({"n": "a", "k": "y"}, {"n": "b"}, "Alpha Ys minus Beta"),
        ({"k": "x", "arm": "other"}, {"k": "x", "arm": "main"}, "other minus main"),
    ],
)
def test_labels_say_what_differs(left, right, label):
    assert comparison.describe(left, right, {"a": "Alpha", "b": "Beta", "k=y": "Ys"}) == label


def test_paired_difference_is_in_percentage_points():
    given = {SEPARATE_CELL: [98.0, 98.5, 99.0], SIMULTANEOUS_CELL: [97.0, 97.2, 97.7]}
    store = synthetic_store.make(accuracy=given)
    c, p = comparison.paired(store, CellPair(SEPARATE, SIMULTANEOUS))
    assert c.difference == pytest.approx(1.2)
    assert c.means == pytest.approx((98.5, 97.3))
    assert (c.left, c.right) == (SEPARATE_CELL, SIMULTANEOUS_CELL)
    assert c.low < 1.2 < c.high and p < 0.05


def test_a_diverged_seed_is_left_out_counted_and_told():
    store = synthetic_store.make(seeds=4, diverged={SEPARATE_CELL: [2]})
    c, _ = comparison.paired(store, CellPair(SEPARATE, SIMULTANEOUS))
    assert (c.n, c.left_out, c.outcome) == (3, 1, "open")
    assert "3 seeds (1 left out)" in c.sentence()


def test_two_seeds_are_too_few():
    c, p = comparison.paired(synthetic_store.make(seeds=2), CellPair(SEPARATE, SIMULTANEOUS))
    assert c.outcome == "too few seeds"
    assert np.isnan(p)


def test_a_missing_cell_is_not_run():
    store = synthetic_store.make(drop=[SEPARATE_CELL])
    c, p = comparison.paired(store, CellPair(SEPARATE, SIMULTANEOUS))
    assert (c.outcome, c.left, c.right) == ("not run", "", SIMULTANEOUS_CELL)
    assert np.isnan(p) and np.isnan(c.difference)
    assert "not run at this scale" in c.sentence()


def test_a_cost_without_seeds_is_counted_not_tested():
    store = synthetic_store.make()
    frozen = {"family": "mlp", "architecture": "A784-A500-A10", "arm": "main"}
    frozen |= {"coding": "none", "training": "pretrained"}
    pair = CellPair(SEPARATE, SIMULTANEOUS)
    whole = comparison.counted(store, pair, "train_flop")
    flop = store.train_flop.sel(cell=[SEPARATE_CELL, SIMULTANEOUS_CELL]).values
    assert whole.difference == flop[0] - flop[1]
    without = comparison.counted(store, pair._replace(minus=frozen), "train_flop")
    paid = float(store.train_flop.sel(cell="mnist/AAA/none/pretrained"))
    assert whole.difference - without.difference == pytest.approx(paid)
    both = comparison.counted(store, pair._replace(plus=frozen, minus=frozen), "train_flop")
    assert both.difference == pytest.approx(whole.difference)
    with pytest.raises(ConfigError, match="cheaper"):
        comparison.paired(store, pair, "train_flop")


def test_what_is_shown_carries_no_verdict():
    [c] = comparison.show(
        synthetic_store.make(), [CellPair(SEPARATE, SIMULTANEOUS)], "test_accuracy"
    )
    assert c.outcome == "shown"
    assert 0 < c.p < 1 and np.isnan(c.p_holm)


# --- cells with the paper -----------------------------------------------------------------------


def test_every_number_of_the_paper_has_a_row(paper):
    frame = comparison.compare(paper, synthetic_store.make())
    names = "study table row column cell dataset scale printed ours low high n difference unit note"
    assert list(frame.columns) == names.split()
    assert len(frame) == 36
    assert (frame["n"] == 3).all()
    assert frame["ours"].notna().all()
    assert frame["printed"].isna().sum() == 2  # the frozen networks, for which no number is printed


def test_numbers_on_the_papers_data(paper):
    store = synthetic_store.make(accuracy={SEPARATE_CELL: [98.0, 98.1, 98.5]})
    one = row(comparison.compare(paper, store), "1a", "A784-S500-S10", "separate")
    assert one["printed"] == 98.22
    assert one["ours"] == pytest.approx(98.2)
    assert one["difference"] == pytest.approx(-0.02)
    assert one["low"] < 98.2 < one["high"]
    assert (one["dataset"], one["note"]) == ("mnist", "")


def test_no_difference_on_other_data(paper):
    store = synthetic_store.make(datasets={"mlp": "digits"})
    frame = comparison.compare(paper, store)
    mlp = frame[frame["table"].isin(["1a", "2a", "3a", "axon_direct"])]
    assert mlp["difference"].isna().all()
    assert mlp["ours"].notna().all()
    assert (mlp["dataset"] == "digits").all()
    assert mlp["note"].str.contains("other data .the paper: mnist").all()
    cnn = frame[frame["table"].isin(["1b", "2b", "3b"]) & frame["printed"].notna()]
    assert cnn["difference"].notna().all()


def test_a_copy_from_elsewhere_is_marked_in_every_row(paper):
    frame = comparison.compare(paper, synthetic_store.make(official=False))
    assert frame["dataset"].str.endswith("(unofficial copy)").all()
    assert frame["note"].str.contains("copy from elsewhere").all()
    assert frame["difference"].notna().sum() == 34


def test_a_cell_that_was_not_run_keeps_the_papers_number(paper):
    store = synthetic_store.make(keep=lambda cell: cell["family"] == "mlp")
    one = row(
        comparison.compare(paper, store), "2b", synthetic_store.ROWS["cnn"]["A3"], "simultaneous"
    )
    assert one["printed"] == 65.30
    assert np.isnan(one["ours"]) and np.isnan(one["difference"])
    assert (one["cell"], one["dataset"], one["n"]) == ("", "", 0)
    assert "not run" in one["note"]


def test_lost_seeds_and_other_networks_are_noted(paper):
    store = synthetic_store.make(diverged={SEPARATE_CELL: [0]})
    networks = store["network"].values.astype(object)
    networks[store["cell"].values == SEPARATE_CELL] = "A64-S50-S10"
    store = store.assign_coords(network=("cell", networks.astype(str)))
    one = row(comparison.compare(paper, store), "1a", "A784-S500-S10", "separate")
    assert one["n"] == 2
    assert np.isnan(one["low"])
    assert "1 of 3 seeds without a result" in one["note"]
    assert "built as A64-S50-S10" in one["note"]


def test_the_same_cell_stands_in_two_tables(paper):
    frame = comparison.compare(paper, synthetic_store.make())
    first = row(frame, "1a", "S784-S500-S10", "simultaneous")
    assert row(frame, "2a", "S784-S500-S10", "simultaneous")["cell"] == first["cell"]
    assert row(frame, "axon_direct", "S784-S500-S10", "axon")["cell"] == first["cell"]


def test_pivot_reads_like_the_papers_table(paper):
    store = synthetic_store.make(accuracy={SEPARATE_CELL: [98.0, 98.1, 98.5]})
    laid = comparison.pivot(comparison.compare(paper, store), paper.table("1a"))
    assert list(laid.index) == list(synthetic_store.ROWS["mlp"].values())
    names = ["paper", "ours on mnist", "n", "difference"]
    assert list(laid.columns) == [(c, n) for c in ("separate", "simultaneous") for n in names]
    texts = laid.loc["A784-S500-S10", "separate"]
    assert texts["paper"] == "98.22" and texts["n"] == "3" and texts["difference"] == "-0.02"
    assert texts["ours on mnist"].startswith("98.20 [9")
    assert set(laid.loc["S784-S500-S10", "separate"]) == {""}


def test_pivot_names_other_data_and_missing_cells(paper):
    store = synthetic_store.make(datasets={"mlp": "digits"}, drop=["digits/ASS/duplicate/separate"])
    laid = comparison.pivot(comparison.compare(paper, store), paper.table("1a"))
    ours = laid.loc[:, ("separate", "ours on digits")]
    assert ours["A784-S500-S10"] == "not run"
    assert ours["A784-A500-S10"] != "not run"
    assert laid.loc["A784-S500-S10", ("separate", "paper")] == "98.22"
    assert set(laid["separate", "difference"]) == {"", "–"}


def test_an_unknown_table_suggests_the_nearest(paper):
    with pytest.raises(ConfigError, match="did you mean 'axon_direct'"):
        paper.table("axon_direkt")

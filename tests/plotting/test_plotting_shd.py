"""Figures and table of the SHD ablations say what the store says, and what it lacks."""

from __future__ import annotations

from dataclasses import asdict

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from synthetic_shd import make

from hnnlib.evidence.papers import Anchor
from hnnlib.plotting import models
from hnnlib.plotting import shd_ablations as draw
from hnnlib.plotting.shd_ablations.effects import CHOICES
from hnnlib.plotting.shd_ablations.panels import CORE, MAIN, panels
from hnnlib.studies.shd_ablations import cells as study

ANCHORS = (Anchor(label="Somebody 2020", value=83.2, spread=1.3, note="augmented"),)
FIGURES = {
    name: getattr(draw, name)
    for name in draw.__all__
    if name not in ("accuracy_table", "context", "difference_table", "read")
} | {"context": lambda store: draw.context(store, ANCHORS)}


@pytest.fixture(scope="module")
def full():
    return make(seeds=3, datasets=("shd", "randman_hard"))


@pytest.fixture(scope="module")
def partial():
    """A small scale: other data, few models and arms, one cell that failed altogether."""
    return make(
        seeds=2,
        datasets=("spoken_digits",),
        models=("snn", "hybrid", "nsn", "rnn"),
        arms=("main", "fraction", "rate"),
        drop=["spoken_digits/rnn/fraction/0.1"],
        diverged={"spoken_digits/nsn/main": [0, 1]},
    )


def words(fig: Figure) -> list[str]:
    """Every text of a figure, legends included."""
    return [text.get_text() for text in fig.findobj(mpl.text.Text) if text.get_text()]


def across(fig: Figure, panel: int) -> list[np.ndarray]:
    """x of every line that a panel draws."""
    return [np.atleast_1d(line.get_xdata()).astype(float) for line in fig.axes[panel].lines]


def test_the_main_comparison_is_that_of_the_study():
    labels = asdict(study.Cell("snn"))
    assert MAIN == {key: labels[key] for key in labels if key not in ("model", "arm")}
    assert set(CORE) == set(study.CORE)
    assert set(models.ORDER) == {*study.MODELS, "n2n_matched"}


def test_every_arm_has_its_figure():
    shown = {"size", "fraction", "ratio"} | {key for key, _ in CHOICES}
    values = set(CHOICES)
    for model in study.MODELS:
        for cell in study.cells(model, study.Arm.__args__):
            changed = {key: v for key, v in asdict(cell).items() if v != MAIN.get(key, v)}
            assert set(changed) <= shown
            drawn_elsewhere = {"size", "fraction", "ratio"}
            assert {c for c in changed.items() if c[0] not in drawn_elsewhere} <= values


def test_what_is_nearest_to_shd_comes_first():
    store = make(datasets=("randman_hard", "spoken_digits"), models=("snn",), arms=("main",))
    assert [panel.dataset for panel in panels(store)] == ["spoken_digits", "randman_hard"]
    assert any("spoken digits" in text for text in words(draw.context(store, ANCHORS)))


@pytest.mark.parametrize("name", FIGURES)
def test_a_full_store_leaves_nothing_out(full, name):
    found = words(FIGURES[name](full))
    assert not [text for text in found if "failed" in text or "not run" in text]


@pytest.mark.parametrize("name", FIGURES)
def test_a_partial_store_draws(partial, name):
    fig = FIGURES[name](partial)
    fig.draw_without_rendering()
    assert "spoken digits (synthetic)" in " ".join(words(fig))


@pytest.mark.parametrize("name", ["accuracy_by_model", "choices", "differences_by_amount"])
def test_a_partial_store_says_what_is_missing(partial, name):
    found = " ".join(words(FIGURES[name](partial)))
    assert "every seed failed" in found
    if name != "accuracy_by_model":
        assert "not run" in found


def test_arms_that_no_model_ran_are_named(partial):
    found = " ".join(words(draw.choices(partial))).replace("\n", " ")
    assert "refit on all speakers" in found and "random validation" in found


def test_models_are_compared_on_speakers_that_training_never_had(full):
    with_speakers, without = panels(full)
    assert with_speakers.accuracy == "unseen_accuracy"
    assert without.accuracy == "test_accuracy"
    drawn = across(draw.accuracy_by_model(full), 0)
    for model in with_speakers.models:
        mean = 100 * with_speakers.find(model)["unseen_accuracy"].mean("seed").item()
        assert any(np.isclose(x, mean).any() for x in drawn)


def test_differences_to_the_hybrid_are_paired_by_seed():
    given = {"shd/snn/main": [70, 71, 72], "shd/hybrid/main": [73, 73, 73]}
    fig = draw.accuracy_by_model(make(models=("snn", "hybrid"), accuracy=given))
    snn = [x for x in across(fig, 1) if len(x) == 3]
    assert len(snn) == 1
    assert snn[0] == pytest.approx([-3, -2, -1])


def test_a_choice_is_compared_with_its_main_cell():
    given = {"shd/snn/main": 70, "shd/snn/slope/5": 72, "shd/snn/slope/20": 65}
    panel = next(panels(make(accuracy=given, models=("snn", "hybrid"))))
    assert panel.effect("snn", slope="5") == pytest.approx([2, 2, 2])
    assert panel.effect("snn", slope="20") == pytest.approx([-5, -5, -5])
    assert panel.effect("snn", reset="off") is None


def test_without_arms_there_is_no_figure_on_choices():
    assert draw.choices(make(arms=("main", "size"))) is None


def test_amounts_that_were_not_varied_repeat_nothing(partial):
    assert len(draw.amount(partial).axes) == len(draw.differences_by_amount(partial).axes) == 1
    only = make(arms=("main", "rate"))
    assert draw.amount(only) is None and draw.differences_by_amount(only) is None


def test_the_ratio_runs_from_graded_to_spiking(full):
    fig = draw.ratio(full)
    shares = next(x for x in across(fig, 0) if len(x) > 3)
    assert shares.tolist() == [0, 0.1, 0.25, 0.5, 0.75, 0.9, 1]


def test_without_new_speakers_there_is_no_figure_on_them():
    assert draw.seen_and_unseen(make(datasets=("randman_hard",), arms=("main",))) is None


@pytest.mark.parametrize("official", [True, False])
def test_published_numbers_and_ours_are_told_apart(official):
    fig = draw.context(make(official=official, arms=("main",)), ANCHORS)
    published, ours = (ax.get_title("left") for ax in fig.axes)
    assert "official SHD" in published
    assert "SHD" in ours
    assert ("other data than above" in ours) == (not official)
    assert "Somebody 2020\n(augmented)" in words(fig)
    numbers = np.concatenate(across(fig, 1))
    assert not np.isclose(numbers, 83.2).any()


def test_the_table_has_an_interval_over_seeds_and_one_over_speakers(full):
    table = draw.accuracy_table(full)
    assert not table.duplicated(["data", "model", "speakers"]).any()
    shd = table[table["data"].str.startswith("SHD")]
    assert set(shd["speakers"]) == {"unseen", "all", "seen"}
    assert set(table[~table["data"].str.startswith("SHD")]["speakers"]) == {"all"}
    assert (shd["wide_low"] < shd["mean"]).all() and (shd["mean"] < shd["wide_high"]).all()
    hybrid = shd[(shd["model"] == "hybrid") & (shd["speakers"] == "unseen")].iloc[0]
    cell = next(panels(full)).find("hybrid")
    assert hybrid["mean"] == pytest.approx(100 * cell["unseen_accuracy"].mean("seed").item())


def test_the_table_needs_no_number_of_recordings(full):
    older = full.drop_vars(["speaker_recordings", "speaker_unseen"])
    table = draw.accuracy_table(older)
    assert table["wide_low"].isna().all() and table["low"].notna().all()


def test_the_table_counts_failures(partial):
    table = draw.accuracy_table(partial)
    failed = table[table["model"] == "NSN"]
    assert (failed["failed"] == 2).all() and failed["mean"].isna().all()
    text = draw.read(table, table["data"].iloc[0])
    assert text.loc["NSN"].iloc[0] == "every seed failed"
    assert text.index[0] == "hybrid" and text.index[-1] == "NSN"


def test_differences_by_three_methods_are_of_the_same_pairs(full):
    table = draw.difference_table(full)
    panel = next(panels(full))
    assert "hybrid" not in set(table["model"])
    snn = table[(table["data"] == panel.data) & (table["model"] == "SNN")].iloc[0]
    assert snn["mean"] == pytest.approx(panel.difference("hybrid", "snn").mean())
    assert snn["low"] < snn["resampled_low"] <= snn["mean"] <= snn["resampled_high"] < snn["high"]
    assert snn["n"] == 3 and snn["sign_flip"] >= 0.25


def test_a_model_that_failed_has_no_difference(partial):
    table = draw.difference_table(partial)
    assert table[table["model"] == "NSN"]["mean"].isna().all()

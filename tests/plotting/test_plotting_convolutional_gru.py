"""Figures and tables of the convolutional GRU say what the store says, and what it lacks."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from synthetic_gated import make

from hnnlib.plotting import convolutional_gru as draw
from hnnlib.plotting.convolutional_gru.effects import READ, SWITCHES
from hnnlib.studies.convolutional_gru.cells import MODELS

FIGURES = [name for name in draw.__all__ if name not in ("diagram", "savings", "table")]


@pytest.fixture(scope="module")
def full():
    return make(seeds=3, spikes__conv_gru=0, spikes__gru=0)


@pytest.fixture(scope="module")
def few():
    """A small scale: one data set, few models, no arms."""
    return make(("spoken_digits",), ("main",), 1, ("cs_gru", "spik_gru", "conv_gru"))


def words(fig: Figure) -> set[str]:
    """Every text of a figure."""
    return {text.get_text() for text in fig.findobj(mpl.text.Text)}


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_draws_a_full_store(full, name):
    assert getattr(draw, name)(full).axes


def test_what_a_store_lacks_is_left_out(few):
    without = few.drop_vars(["selection_premium", "last_epoch_premium"])
    empty = {name for name in FIGURES if getattr(draw, name)(without) is None}
    assert empty == {"changes", "layouts", "shares", "switches"}
    assert draw.switches(few).axes


def test_every_model_and_switch_has_a_name(full):
    assert set(draw.table(full).index.get_level_values("model")) <= words(draw.cost(full))
    assert len(draw.table(full)) == 2 * len(MODELS)
    shown = words(draw.switches(full))
    # the readout that is the main one here is no switch
    names = {text for key, text in SWITCHES.items() if key != ("readout", "flat")}
    assert names | set(READ.values()) <= shown


def test_the_diagram_colours_four_changes():
    assert {"convolution", "leaky readout", "gate z"} <= words(draw.diagram())


def test_taking_a_change_back_is_drawn_left_of_zero():
    fig = draw.changes(make(("shd",), gate=-0.1))
    means = [line.get_xdata()[0] for line in fig.axes[0].lines if line.get_marker() == "s"]
    assert np.round(means).tolist() == [0, -10, 0, 0]


def test_graded_cells_are_lines(full):
    flat = [line for line in draw.cost(full).axes[0].lines if set(line.get_xdata()) == {0, 1}]
    assert len(flat) == 2


def test_savings_stand_apart_from_what_is_stated(few):
    table = draw.savings(few.assign(spikes_saved=few.spikes_saved + 31), {"spikes_saved": 69})
    first = table.xs("spikes a sample", level="counted").iloc[0]
    assert first.iloc[0] == "31.0" and first.iloc[1] == 69

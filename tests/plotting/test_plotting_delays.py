"""Figures and table of the study of delays say what the store says, and what it lacks."""

from __future__ import annotations

from dataclasses import asdict

import matplotlib as mpl
import numpy as np
import pytest
from synthetic_delays import make, task

from hnnlib.plotting import delays as draw
from hnnlib.plotting.delays.choices import CHOICES
from hnnlib.plotting.delays.drawing import response, starts
from hnnlib.plotting.delays.panels import LINES, MAIN, panels
from hnnlib.studies.delays.cells import Cell, cells

FIGURES = [name for name in draw.__all__ if name not in ("neuron", "table")]


@pytest.fixture(scope="module")
def full():
    return make(seeds=3)


@pytest.fixture(scope="module")
def partial():
    """A small scale: other data, one size, few lines."""
    return make(
        seeds=3, datasets=("spoken_digits",), units={"small": 32}, arms=["main"], lines=["norm"]
    )


def words(fig) -> list[str]:
    return [text.get_text() for text in fig.findobj(mpl.text.Text) if text.get_text()]


def test_the_main_comparison_is_that_of_the_study():
    labels = asdict(Cell("small"))
    assert MAIN == {key: labels[key] for key in MAIN}
    assert set(LINES) == {cell.line for cell in cells(task())}


def test_every_switch_has_its_line_in_the_forest():
    for cell in cells(task()):
        if cell.arm not in ("main", "neuron", "width", "dcls"):
            own = asdict(cell) | {"line": "delay"} if cell.line == "delay" else asdict(cell)
            changed = {(k, v) for k, v in own.items() if (k, v) in CHOICES}
            assert len(changed) == 1, cell.name


@pytest.mark.parametrize("name", FIGURES)
def test_a_full_store_leaves_nothing_out(full, name):
    found = words(getattr(draw, name)(full))
    assert not [text for text in found if "failed" in text or "not run" in text]


@pytest.mark.parametrize("name", FIGURES)
def test_a_partial_store_draws(partial, name):
    fig = getattr(draw, name)(partial)
    if fig is not None:
        fig.draw_without_rendering()
        assert "spoken digits (synthetic)" in " ".join(words(fig))


def test_the_two_parts_add_up_to_the_gain(full):
    [panel, _] = panels(full)
    none, control, line = (panel.find("small", kind) for kind in ("none", "gain_norm", "norm"))
    parts = panel.difference(control, none) + panel.difference(line, control)
    np.testing.assert_allclose(parts, panel.difference(line, none))
    drawn = draw.gain_in_parts(full).axes[0].patches
    widths = [panel.difference(*pair).mean() for pair in ((control, none), (line, control))]
    assert [bar.get_width() for bar in drawn[:2]] == pytest.approx(widths)


def test_the_table_has_a_row_a_cell_and_no_idle_column(full):
    table = draw.table(full, "shd")
    assert len(table) == (full["dataset"] == "shd").sum()
    assert "line" in table and "mask_axis" in table
    assert "neuron" not in draw.table(make(arms=["main"]), "shd")


def test_the_impulse_response_is_the_leak_and_then_the_taps():
    alpha, taps = 0.5, starts(3)["all 1"]
    assert response(taps, alpha, 5).tolist() == [1.5, 1.75, 1.875, 0.9375, 0.46875]
    assert response(np.zeros(1), alpha, 3).tolist() == [0.5, 0.25, 0.125]
    draw.neuron().draw_without_rendering()

"""Where things stand: legends without repeats, axes that say what they are, words that are read."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from notebook_runs import FOLDER, run

from hnnlib import plotting
from hnnlib.plotting import grid, marks, style

REFERENCE = Path(__file__).parents[2] / "results/reference"
PHONE, SMALLEST = 390, 8  # px


@pytest.mark.parametrize("study", sorted(path.stem for path in REFERENCE.glob("*.nc")))
def test_a_notebook_runs_on_the_reference_and_its_figures_are_read_on_a_phone(study, monkeypatch):
    """Letters are large enough, and axes say what they are."""
    drawn = {}
    monkeypatch.setattr(
        plotting, "save", lambda fig, folder, name, **words: drawn.update({name: fig})
    )
    run(FOLDER / f"{study}.ipynb", store=str(REFERENCE / f"{study}.nc"))
    drawn = {name: fig for name, fig in drawn.items() if fig is not None}  # an arm was not run
    assert drawn
    for name, fig in drawn.items():
        words = [text for text in fig.findobj(Text) if text.get_text() and text.get_visible()]
        small = min(text.get_fontsize() for text in words) / 72 * PHONE / fig.get_figwidth()
        assert small >= SMALLEST, name
        shared = any(part.get_supylabel() for part in [fig, *fig.subfigs])
        lefts = [
            ax
            for ax in fig.axes
            if ax.axison and ax.get_subplotspec() and ax.get_subplotspec().is_first_col()
        ]
        for ax in lefts:
            named = any(_word(tick.get_text()) for tick in ax.get_yticklabels())
            assert shared or ax.get_ylabel() or named, (name, ax.get_title("left"))


def _word(text: str) -> bool:
    return not text.startswith("$") and any(letter.isalpha() for letter in text)


def test_a_figure_is_as_wide_as_the_style_says_and_as_high_as_its_rows():
    fig, axes = grid.panels(2, 3, [1.0, 2.0], room=0.5)
    assert fig.get_size_inches() == pytest.approx([style.WIDTH, 3.5])
    assert axes.shape == (2, 3)


def test_panels_that_nothing_uses_are_taken_away():
    fig, axes = grid.flow(5, 2, 1.0)
    assert len(axes) == len(fig.axes) == 5
    fig, blocks = grid.blocks(["one", "two"], 2, 1.0, count=3)
    assert [len(axes) for axes in blocks] == [3, 3]
    assert [part.get_suptitle() for part in fig.subfigs] == ["one", "two"]


def test_a_legend_names_everything_once():
    fig = Figure()
    grid.legend(fig, [marks.handle(name) for name in ("a", "b", "a")])
    assert [text.get_text() for text in fig.legends[0].get_texts()] == ["a", "b"]
    empty = Figure()
    grid.legend(empty, [])
    assert not empty.legends


@pytest.mark.parametrize("which", ["x", "y"])
def test_wide_ranges_get_a_logarithmic_axis_that_says_so(which):
    for reach, scale in (([0.0, 15.0], "linear"), ([-1.0, 300.0], "symlog")):
        ax = Figure().subplots()
        getattr(ax, f"set_{which}label")("change")
        grid.stretch(ax, which, [np.array(reach), None], most=20)
        assert getattr(ax, f"get_{which}scale")() == scale
        assert ("log beyond" in getattr(ax, f"get_{which}label")()) == (scale == "symlog")


def test_ticks_of_a_stretched_axis_lie_among_its_numbers():
    ax = Figure().subplots()
    grid.stretch(ax, "x", [np.array([-18.0, 2.0])], most=8)
    assert ax.get_xticks().tolist() == [-10, -1, 0, 1]
    near = Figure().subplots()
    grid.stretch(near, "x", [np.array([-9.0, 2.0])], most=8)
    assert near.get_xticks().tolist() == [-5, -1, 0, 1]


def test_the_style_comes_back():
    before = dict(mpl.rcParams)
    with style.context():
        grid.panels(1, 1, 1.0)
    assert dict(mpl.rcParams) == before

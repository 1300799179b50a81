"""Specification curves."""

from __future__ import annotations

import numpy as np
import pandas as pd

from hnnlib.plotting import reach


def frame(**changed) -> pd.DataFrame:
    """A claim with three readings of one comparison each, and one with a single reading."""
    given = {
        "claim": ["A1", "A1", "A1", "A2"],
        "reading": ["as declared", "ReLU at the boundary", "a split of its own", "as declared"],
        "side": ["against", "against", "for", "for"],
        "flips": [False, False, True, False],
        "favours": [False, False, True, True],
        "distance": [-0.5, -4.0, 2.0, 1.0],
    }
    return pd.DataFrame(given | changed)


def drawn(fig) -> list[tuple[float, float]]:
    """Places of the marks of comparisons."""
    lines = [line for line in fig.axes[0].lines if line.get_marker() == "o"]
    return [(float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in lines]


def test_the_declared_reading_is_first_and_others_follow_their_estimates():
    fig = reach.curves(frame())
    ax = fig.axes[0]
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == ["as declared", "a split of its own", "ReLU at the boundary"]
    assert [x for x, _ in sorted(drawn(fig), key=lambda place: place[1])] == [-0.5, 2.0, -4.0]
    assert [text.get_text() for text in ax.texts] == ["A1: holds in 1 of 3 readings"]


def test_a_comparison_without_an_interval_shows_its_side():
    fig = reach.curves(frame(distance=[-0.5, np.nan, np.nan, 1.0]))
    assert sorted(x for x, _ in drawn(fig)) == [-0.5, -0.5, 0.5]


def test_seeds_that_are_equal_do_not_press_all_others_onto_zero():
    """Their interval is as narrow as rounding; labels of the axis keep their distance, too."""
    fig = reach.curves(frame(distance=[-0.5, -4e15, 2.0, 1.0]))
    ax = fig.axes[0]
    assert min(x for x, _ in drawn(fig)) == -100 and "log beyond ±3" in ax.get_xlabel()
    places = np.sort(ax.transData.transform([(x, 0) for x in ax.get_xticks()])[:, 0])
    assert np.diff(places).min() > 0.03 * ax.bbox.width


def test_claims_read_one_way_only_need_no_figure():
    assert reach.curves(frame().query("claim == 'A2'")) is None

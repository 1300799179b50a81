"""Figures and tables of the bit planes: they say what the store says, and what was not run."""

import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from hnnlib.plotting import bit_plane_coding as draw
from hnnlib.plotting.bit_plane_coding.words import DERIVATIVES, SWITCHES

LABELS = ("branches", "derivative", "rescale", "arm", "dataset")
AUTHORS = ("fourier_half", "on")
SEEDS = 3


def cell(values: dict, **labels: str) -> xr.Dataset:
    coords = {"cell": ["/".join(labels.values())]}
    coords |= {name: ("cell", [labels[name]]) for name in LABELS}
    return xr.Dataset(
        {k: (("cell", *dims), np.asarray(v)[None]) for k, (dims, v) in values.items()}, coords
    )


def trained(branches: str, derivative: str, rescale: str, arm: str, accuracy: float) -> xr.Dataset:
    costs = ("spikes", "synaptic_operations", "multiply_accumulates")
    seeds = ("seed",)
    values = {"test_accuracy": (seeds, accuracy + np.arange(SEEDS) / 100)}
    values |= {name: (seeds, np.full(SEEDS, 1000.0)) for name in costs}
    values |= {
        name: (("seed", "block"), np.full((SEEDS, 2), 0.5))
        for name in ("gradient_start", "gradient_end")
    }
    values |= {"encoder_values": (("block", "value"), np.full((2, 4), 0.25))}
    values |= {"parameters": ((), 500.0), "batch_flips": ((), 7.0)}
    found = cell(
        values, branches=branches, derivative=derivative, rescale=rescale, arm=arm, dataset="digits"
    )
    return found.assign_coords(seed=range(SEEDS), value=np.linspace(0.1, 0.9, 4))


def encoder(derivative: str, rescale: str) -> xr.Dataset:
    numbers = ("together_mean", "together_negative", "spread_ratio")
    values = {name: ((), 0.5) for name in numbers}
    values |= {"slope_spread": (("plane",), np.ones(8)), "slope": (("plane", "x"), np.ones((8, 5)))}
    found = cell(
        values,
        branches="none",
        derivative=derivative,
        rescale=rescale,
        arm="encoder",
        dataset="none",
    )
    return found.assign_coords(plane=range(8), x=np.linspace(0, 255, 5))


def store(*arms: str) -> xr.Dataset:
    runs = [
        trained("graded", "none", "off", "main", 0.9),
        trained("graded", "none", "off", "wide", 0.95),
        trained("spiking", "ste", "off", "main", 0.8),
        trained("spiking", *AUTHORS, "main", 0.7),
        trained("fusion", *AUTHORS, "main", 0.9),
        *(trained("fusion", *AUTHORS, arm, 0.6) for arm in arms),
    ]
    exact = [encoder(name, rescale) for name in DERIVATIVES for rescale in ("off", "on")]
    return xr.concat([*runs, *exact], "cell", data_vars="all", coords="minimal", join="outer")


def words(fig: Figure) -> set[str]:
    return {text.get_text() for text in fig.findobj(mpl.text.Text)}


def test_accuracy_has_a_line_a_derivative_and_says_what_was_not_run():
    fig = draw.accuracy(store())
    serial, fusion = fig.axes
    assert [t.get_text() for t in serial.get_yticklabels()] == [
        "straight-through (1)",
        "Fourier + ½ (authors), rescaled",
    ]
    assert {"serial on digits", "fusion on digits", "not run"} <= words(fig)
    assert [t.get_text() for t in fusion.texts] == ["not run"]
    controls = [line.get_xdata()[0] for line in serial.lines if len(set(line.get_xdata())) == 1][:2]
    assert controls == pytest.approx([91, 96])


def test_a_switch_is_worth_its_paired_difference():
    fig = draw.switches(store("range", "public"))
    (ax,) = fig.axes
    dots = [line for line in ax.lines if line.get_marker() == "."]
    assert [line.get_xdata() for line in dots] == [pytest.approx([-30] * SEEDS)] * 2
    assert {SWITCHES["range"], SWITCHES["public"]} <= words(fig)
    assert SWITCHES["order"] in ax.get_xlabel()
    assert draw.switches(store()) is None


def test_figures_of_derivatives_and_gradients_are_drawn():
    data = store()
    for fig in (draw.planes(data), draw.together(data), draw.gradients(data)):
        assert isinstance(fig, Figure)
        fig.canvas.draw()
    assert {"before training", "norm of the gradient,\nfusion on digits"} <= words(fig)


def test_tables_have_a_row_a_cell():
    data = store("public")
    costs = draw.costs(data)
    assert len(costs) == 6
    assert costs.index.get_level_values("network").tolist().count("graded, wider") == 1
    assert (costs["answers that depend on the batch"] == 7).all()
    assert costs["test accuracy (%)"].iloc[0].startswith("91.0 [")
    facts = draw.facts(data)
    assert len(facts) == 14 and (facts["negative (% of X)"] == 50).all()

"""Figures of operators: they say what the store says, and none where it has nothing for them."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr

from hnnlib.plotting import neural_operator as draw
from hnnlib.plotting.neural_operator.spikes import _COLUMNS

SEEDS, SAMPLES, TRACES, AMPLITUDES = 3, 12, 6, 4


def cell(name: str, skill: float = 0.5, accuracy: float = 0.8, rows: int = 100, **labels: str):
    usual = {"arm": "main", "embedding": "frequency", "features": "both", "models": "1"}
    usual |= {
        "traces": "1",
        "loss": "l4",
        "select": "validation",
        "scaling": "train",
        "sag": "none",
    }
    spread = 1e-3 * np.arange(SEEDS)
    values = {key: 0.3 + spread for key in _COLUMNS}
    values |= {"skill": skill + spread, "test_accuracy": accuracy + spread}
    values["raw_error"] = 8 * (1 - values["skill"])
    found = {key: (("cell", "seed"), column[None]) for key, column in values.items()}
    numbers = {"train_seconds": 1.0, "parameters": 99.0, "train_examples": rows}
    found |= {key: ("cell", [number]) for key, number in numbers.items()}
    shown = ("cell", "quantile", "sample")
    found["example_truth"] = (shown, np.full((1, 3, SAMPLES), -70.0))
    found["example_predicted"] = (shown, np.full((1, 3, SAMPLES), -69.0))
    found["trace_error"] = (("cell", "trace"), np.ones((1, TRACES)))
    found["trace_count_error"] = (("cell", "trace"), np.zeros((1, TRACES)))
    band = np.broadcast_to([0.0, 1.0, 2.0], (1, SEEDS, AMPLITUDES, 3))
    found["fi_band"] = (("cell", "seed", "amplitude", "band"), band)
    found["validation_curve"] = (("cell", "seed", "epoch"), np.full((1, SEEDS, 4), 0.6))
    coords = {key: ("cell", [value]) for key, value in (usual | labels).items()}
    axes = {"quantile": [0.5, 0.9, 1.0], "band": [5, 50, 95], "epoch": range(4)}
    axes |= {"amplitude": np.linspace(0, 0.2, AMPLITUDES), "sample": np.arange(SAMPLES) * 0.2}
    return xr.Dataset(found, coords | axes | {"cell": [name], "seed": range(SEEDS)})


def membrane() -> xr.Dataset:
    true = np.outer(np.ones(5), np.arange(AMPLITUDES))
    found = cell("membrane", arm="membrane", embedding="none")[["train_seconds"]]
    return found.assign(
        train_seconds=("cell", [np.nan]), true_counts=(("cell", "model", "amplitude"), true[None])
    )


@pytest.fixture(scope="module")
def store() -> xr.Dataset:
    return xr.concat(
        [
            membrane(),
            cell("main"),
            cell("none", -0.5, 0.4, arm="embedding", embedding="none"),
            cell("few", 0.2, 0.6, rows=20, arm="traces", traces="0.2"),
        ],
        "cell",
    )


def texts(fig) -> str:
    return "\n".join(text.get_text() for text in fig.findobj(mpl.text.Text))


def test_every_operator_has_its_scores(store):
    left, right = draw.scores(store).axes
    names = [label.get_text() for label in left.get_yticklabels()]
    assert names == ["both features", "no embedding", "20% of the traces"]
    means = [line.get_xdata()[0] for line in left.lines if line.get_marker() == "o"]
    assert np.allclose(means, [0.501, -0.499, 0.201])
    assert max(line.get_xdata()[0] for line in right.lines if line.get_marker() == "o") > 80
    assert len(draw.table(store)) == 3


def test_the_line_of_no_spikes_is_where_skill_is_0(store):
    fig = draw.errors(store)
    (dashed,) = [line for line in fig.axes[0].lines if line.get_linestyle() == "--"]
    assert np.allclose(dashed.get_ydata(), 8)


def test_examples_stand_beside_the_truth(store):
    fig = draw.traces(store)
    assert len(fig.axes) == 6 and all(len(ax.lines) == 2 for ax in fig.axes)
    assert "90th percentile" in texts(fig)


def test_bands_and_scaling_show_what_there_is(store):
    left, right = draw.bands(store).axes
    assert "both features" in left.get_title("left") and "no embedding" in right.get_title("left")
    skill, _ = draw.scaling(store).axes
    assert skill.lines[0].get_xdata().tolist() == [20, 100]


def test_errors_and_counts_may_rank_operators_alike_or_otherwise(store):
    assert draw.rank_agreement(store) == pytest.approx(1)
    turned = store.assign(test_accuracy=1 - store["test_accuracy"])
    assert draw.rank_agreement(turned) == pytest.approx(-1)


def test_stores_without_operators_have_no_figures():
    alone = membrane()
    for figure in (draw.traces, draw.errors, draw.scores, draw.bands, draw.scaling, draw.learning):
        assert figure(alone) is None

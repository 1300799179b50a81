"""Figures say what the store says, and say so where it says nothing."""

from __future__ import annotations

import json
import struct
from itertools import combinations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from synthetic_store import make

from hnnlib.analysis import cells
from hnnlib.plotting import coding_comparison as draw
from hnnlib.plotting import files, forest, models, save, style

FIGURES = {
    "accuracy": draw.accuracy_by_row,
    "differences": draw.differences,
    "choices": draw.protocol_choices,
    "cost": draw.cost,
    "curves": lambda store: draw.validation_curves(store, "mlp"),
}


@pytest.fixture(scope="module")
def full():
    return make(seeds=3, epochs=4)


@pytest.fixture(scope="module")
def partial():
    """No Gaussian cells, one arm, one family's hybrid missing, one cell failed altogether."""
    return make(
        seeds=3,
        epochs=4,
        keep=lambda cell: cell["coding"] != "gaussian" and cell["arm"] in ("main", "split"),
        drop=["mnist/ASS/duplicate/separate"],
        diverged={"cifar10/A3/duplicate/separate": [0, 1, 2]},
    )


def words(fig: Figure) -> list[str]:
    """Every text of a figure, legends included."""
    return [text.get_text() for text in fig.findobj(mpl.text.Text) if text.get_text()]


def heights(fig: Figure, panel: int) -> np.ndarray:
    """Every height at which a panel draws something in data coordinates."""
    return np.concatenate([np.atleast_1d(line.get_ydata()) for line in fig.axes[panel].lines])


@pytest.mark.parametrize("name", FIGURES)
def test_a_full_store_leaves_nothing_out(full, name):
    found = words(FIGURES[name](full))
    assert not [text for text in found if "failed" in text]
    missing = [text for text in found if "not run" in text]
    assert len(missing) == (name == "choices")  # direct input and bit planes are arms of the MLP
    arms = "direct − axon input; bit planes, eight steps − duplicate"
    assert all(text.replace("\n", " ").endswith(f"not run: {arms}") for text in missing)


@pytest.mark.parametrize("name", ["accuracy", "differences", "choices"])
def test_a_partial_store_says_what_is_missing(partial, name):
    found = words(FIGURES[name](partial))
    assert any("not run" in text for text in found)
    assert any("every seed failed" in text for text in found)


@pytest.mark.parametrize("name", ["accuracy", "choices", "cost"])
def test_one_family_and_one_seed_are_enough(name):
    fig = FIGURES[name](make(seeds=1, epochs=2, keep=lambda cell: cell["family"] == "mlp"))
    assert not any("CNN" in text for text in words(fig))


def test_accuracy_shows_every_mean_of_the_tables(full):
    drawn = heights(draw.accuracy_by_row(full), 0)
    table = cells.select(full, family="mlp", arm="main")
    for mean in 100 * table["test_accuracy"].mean("seed").values:
        assert np.isclose(drawn, mean).any()


def test_the_papers_numbers_are_drawn_only_where_given(full):
    hollow = {"mnist/AAS/duplicate/separate": 99.17}
    fig = draw.accuracy_by_row(full, hollow)
    assert np.isclose(heights(fig, 0), 99.17).any()
    assert any("paper" in text for text in words(fig))
    assert not any("paper" in text for text in words(draw.accuracy_by_row(full)))


def test_differences_are_paired_by_seed():
    cell = {"mnist/ASS/duplicate/separate": [98, 97, 96], "mnist/ASS/duplicate/simultaneous": 95}
    store = make(seeds=3, accuracy=cell, keep=lambda cell: cell["family"] == "mlp")
    across = [np.atleast_1d(line.get_xdata()) for line in draw.differences(store).axes[0].lines]
    assert any(len(x) == 3 and np.allclose(x, [3, 2, 1]) for x in across)


def test_a_choice_is_compared_with_its_twin_of_the_tables():
    store = make(
        seeds=3,
        accuracy={
            "mnist/AAS/duplicate/separate/split": 99.0,
            "mnist/AAS/duplicate/separate": 98.0,
            "mnist/AAS/duplicate/simultaneous": 50.0,
        },
        keep=lambda cell: cell["family"] == "mlp",
    )
    across = [line.get_xdata() for line in draw.protocol_choices(store).axes[0].lines]
    assert any(len(x) == 3 and np.allclose(x, 1.0) for x in across)


def test_a_family_without_choices_has_no_panel():
    store = make(seeds=3, keep=lambda cell: cell["family"] == "mlp" or cell["arm"] == "main")
    assert [ax.get_title("left") for ax in draw.protocol_choices(store).axes] == ["MLP on MNIST"]
    assert draw.protocol_choices(make(seeds=2, keep=lambda cell: cell["arm"] == "main")) is None


def test_epochs_are_counted_from_one(full):
    (curve, *_) = draw.validation_curves(full, "mlp").axes[0].lines
    assert curve.get_xdata().tolist() == [1, 2, 3, 4]


def test_networks_without_spikes_are_lines_in_the_cost_figure(full):
    store = full.copy()
    store["spikes"] = store["spikes"].where(store["artificial_layers"] == 0, 0)
    dotted = [line for line in draw.cost(store).axes[1].lines if line.get_linestyle() == ":"]
    hybrid_or_artificial = cells.select(store, family="mlp", arm="main")["artificial_layers"] > 0
    assert len(dotted) == hybrid_or_artificial.sum()


def test_large_effects_do_not_hide_small_ones():
    scales = []
    for values in ([0.1, 0.2, 0.3], [-40.0, -41.0, 0.2]):
        ax = Figure().subplots()
        look = {"color": style.INK}
        forest.draw(ax, [forest.Group("one", [forest.Line("a", np.array(values), look)])], "pp")
        scales.append(ax.get_xscale())
    assert scales == ["linear", "symlog"]


RECURRENT = {
    model: models.look(model)["color"]
    for model in models.ORDER
    if "markerfacecolor" not in models.look(model)  # a variant
}


@pytest.mark.parametrize("palette", [style.CODINGS, style.KINDS, RECURRENT])
def test_colours_differ_for_colour_blind_readers(palette):
    """Deuteranopia and protanopia after Machado et al. 2009; a distance of 0.2 is easily seen."""
    views = [
        np.array([[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]]),
        np.array([[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]]),
        np.eye(3),
    ]
    for one, other in combinations(palette.values(), 2):
        gap = np.array(to_rgb(one)) - np.array(to_rgb(other))
        assert min(np.linalg.norm(view @ gap) for view in views) > 0.2, (one, other)


def test_no_two_models_look_alike():
    looks = [tuple(sorted(models.look(model).items())) for model in (*models.ORDER, "another")]
    assert len(set(looks)) == len(looks)


def test_curves_of_the_five_models_differ_without_colour():
    five = ("snn", "hybrid", "nsn", "n2n_block", "rnn")
    assert len({str(models.line(model)["linestyle"]) for model in five}) == 5
    assert len({models.look(model)["marker"] for model in five}) == 5


WORDS = {"title": "A title", "caption": "One σ.", "alt": "A line"}


def small() -> Figure:
    with style.context():
        fig = Figure(figsize=(style.WIDTH, 1))
        fig.subplots().plot([0, 1])
    return fig


def test_save_writes_picture_vector_and_words(tmp_path):
    save(small(), tmp_path / "new", "a_figure", **WORDS)
    assert json.loads((tmp_path / "new/a_figure.json").read_text("utf-8")) == WORDS
    width, _ = struct.unpack(">II", (tmp_path / "new/a_figure.png").read_bytes()[16:24])
    assert width == 2 * 700
    assert "<text" in (tmp_path / "new/a_figure.svg").read_text("utf-8")  # not outlines


def test_equal_figures_are_equal_files(tmp_path):
    for folder in ("a", "b"):
        save(small(), tmp_path / folder, "f", **WORDS)
    for name in ("f.png", "f.svg", "f.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_save_without_a_folder_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save(small(), None, "a_figure", **WORDS)
    assert not list(tmp_path.iterdir())


def test_a_figure_name_cannot_leave_its_folder(tmp_path):
    with pytest.raises(ValueError, match="cannot name a figure"):
        save(small(), tmp_path, "../elsewhere", **WORDS)


def test_markup_in_a_caption_stays_words(monkeypatch):
    """A caption may quote a note from outside, and notebooks show it as Markdown."""
    from IPython import display

    shown = []
    monkeypatch.setattr(files.sys.modules["IPython"], "get_ipython", lambda: True)
    monkeypatch.setattr(display, "display", lambda *parts: shown.extend(parts))
    files._show(b"", "1_a", "<script>alert(1)</script>", "alt")
    assert shown[-1].data == "*&lt;script&gt;alert(1)&lt;/script&gt;*"

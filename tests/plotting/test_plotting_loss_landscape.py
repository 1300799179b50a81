"""Figures of loss landscapes: they draw what the store has, and say what they compute."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from matplotlib.colors import PowerNorm

from hnnlib.analysis.landscape_features import CONTENT, DISPERSION, NEAREST_BETTER
from hnnlib.plotting import loss_landscape as draw

POINTS = np.linspace(-1, 1, 5)
SCALARS = (
    "test_accuracy measured_loss weight_norm roughness roughness_fine roughness_coarse "
    "relative_roughness roughness_slope roughness_pca variation sam_rise sam_rise_relative "
    "sam_rise_ascent epsilon_sharpness epsilon_rise walk_h_max walk_eps_s walk_m0 "
    "surrogate_curvature surrogate_trace"
).split()
CURVES = {
    "roughness_by_scale": ("scale",),
    "sam_rise_by_radius": ("radius",),
    "epsilon_sharpness_by_step": ("step",),
    "line": ("direction", "place"),
    "features": ("sample", "feature"),
}
COORDINATES = {
    "scale": [1 / 32, 1 / 16, 1 / 8],
    "radius": [0.05, 0.1],
    "step": [0.05, 0.1],
    "direction": [0, 1],
    "place": POINTS,
    "sample": ["2-D, 0.5"],
    "feature": [*CONTENT, *DISPERSION, *NEAREST_BETTER],
    "first": POINTS,
    "second": POINTS,
}


def synthetic(datasets=("randman_500_parameters",), arms=False) -> xr.Dataset:
    """A store of random positive numbers with four seeds."""
    cells = [
        {"dataset": d, "model": m, "arm": "main", "ratio": "0.5", "rho": "0"}
        for d in datasets
        for m in ("snn", "nsn", "hybrid")
    ]
    if arms:
        like = {"dataset": datasets[0], "model": "hybrid", "ratio": "0.5", "rho": "0"}
        cells += [like | {"arm": "ratio", "ratio": "0.25"}, like | {"arm": "sam", "rho": "0.05"}]
    draws, seeds = np.random.default_rng(0), 4
    sizes = {name: len(values) for name, values in COORDINATES.items()}
    dimensions = {name: ("cell", "seed", *CURVES.get(name, ())) for name in [*SCALARS, *CURVES]}
    dimensions |= {name: ("cell", "first", "second") for name in ("map_filter", "map_pca")}
    sizes |= {"cell": len(cells), "seed": seeds}
    variables = {
        name: (along, draws.uniform(0.1, 1, [sizes[d] for d in along]))
        for name, along in dimensions.items()
    }
    variables["diverged"] = ("cell", "seed"), np.zeros((len(cells), seeds), int)
    labels = {key: ("cell", [cell[key] for cell in cells]) for key in cells[0]}
    names = ["/".join(cell.values()) for cell in cells]
    coordinates = COORDINATES | labels | {"cell": names, "seed": np.arange(seeds)}
    attributes = {"study": "loss_landscape", "scale": "test", "data": "none"}
    return xr.Dataset(variables, coordinates, attributes)


def meshes(fig) -> list:
    return [ax.collections[0] for ax in fig.axes if ax.get_title("left")]


def test_maps_of_a_data_set_share_one_colour_scale():
    found = meshes(draw.maps(synthetic(("randman_500_parameters", "shd"))))
    assert len(found) == 6
    assert len({id(mesh.norm) for mesh in found}) == 2
    assert all(isinstance(mesh.norm, PowerNorm) for mesh in found)


def test_no_map_in_principal_directions_is_of_one_colour():
    """One model's losses lie far above the others'."""
    data = synthetic()
    data["map_pca"][0] += 100
    for mesh in meshes(draw.maps(data, "pca")):
        shades = mesh.norm(mesh.get_array()).clip(0, 1)
        assert np.ptp(shades) > 0.9 and np.ma.median(shades) < 0.9


def test_a_grid_of_its_own_is_drawn_without_the_gaps_of_the_other():
    data = synthetic(("randman_500_parameters", "shd"))
    coarse = data["map_filter"].copy(deep=True)
    coarse[3:, 1::2] = np.nan
    coarse[3:, :, 1::2] = np.nan
    fig = draw.maps(data.assign(map_filter=coarse))
    found = meshes(fig)
    assert [mesh.get_array().size for mesh in found] == [25] * 3 + [9] * 3
    assert all(np.isfinite(mesh.get_array()).all() for mesh in found)


def test_the_other_figures_have_a_panel_a_question():
    data = synthetic()
    assert len(draw.slices(data).axes) == 3
    assert len(draw.by_scale(data).axes) == 3
    titles = [ax.get_title("left") for ax in draw.ratios(data).axes]
    assert titles == ["SNN / hybrid", "hybrid / NSN"]
    assert len(draw.across_runs(data).axes) == 4


def means(ax) -> list[list[float]]:
    """Places and heights of the line of means."""
    line = ax.get_lines()[0]
    return [line.get_xdata().tolist(), line.get_ydata().tolist()]


def test_accuracy_and_smoothness_by_ratio_stand_side_by_side():
    assert draw.by_ratio(synthetic()) is None
    data = synthetic(("shd", "randman_500_parameters"), arms=True)
    fig = draw.by_ratio(data)
    accuracy, roughness, sharpness = fig.axes  # of the data set that has the arm
    shares = [0, 0.25, 0.5, 1]
    order = [1, 6, 2, 0]  # NSN, a quarter, the main hybrid, SNN
    assert data["arm"].values[6] == "ratio"
    assert means(accuracy) == [
        shares,
        pytest.approx(100 * data["test_accuracy"].mean("seed").values[order]),
    ]
    for ax, name in ((roughness, "roughness"), (sharpness, "sam_rise")):
        middle = np.exp(np.log(data[name]).mean("seed").values[order])
        assert means(ax) == [shares, pytest.approx(middle)]
        assert ax.get_xlim() == accuracy.get_xlim()


def test_sharpness_aware_training_is_drawn_where_it_was_run():
    assert draw.by_radius(synthetic()) is None
    fig = draw.by_radius(synthetic(arms=True))
    assert len(fig.axes) == 3
    assert means(fig.axes[0])[0] == [0, 0.05]
    assert [text.get_text() for text in fig.legends[0].get_texts()] == ["hybrid"]


def test_a_failed_run_leaves_a_gap_only():
    data = synthetic(arms=True)
    for name in [*SCALARS, *CURVES]:
        data[name][0, 1] = np.nan
        data[name][1] = np.nan
    # the NSN failed altogether, the SNN once
    assert [len(line.get_xdata()) for line in draw.across_runs(data).axes[0].lines] == [4, 4, 4]
    known = [np.isfinite(line.get_ydata()).sum() for line in draw.across_runs(data).axes[0].lines]
    assert known == [3, 4, 0]
    assert [ax.get_title("left") for ax in draw.ratios(data).axes] == [
        "SNN / hybrid",
        "hybrid / NSN",
    ]
    assert [len(ax.lines) > 1 for ax in draw.ratios(data).axes] == [True, False]
    shares, accuracy = means(draw.by_ratio(data).axes[0])
    assert shares == [0, 0.25, 0.5, 1] and np.isnan(accuracy).tolist() == [
        True,
        False,
        False,
        False,
    ]
    assert "–" in draw.summary(data).to_string()


def test_tables_name_measures_and_models():
    table = draw.summary(synthetic())
    assert [model for _, model in table.columns] == ["SNN", "hybrid", "NSN"]
    assert "roughness, step 1/32" in table.index
    assert draw.features(synthetic(), "2-D, 0.5").shape == (9, 3)

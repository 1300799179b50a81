"""Landscape features: pflacco's values, cases known by hand, invariants, bounded memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hnnlib.analysis import landscape_features as elf

NAMES = (*elf.CONTENT, *elf.DISPERSION, *elf.NEAREST_BETTER)

# Values of pflacco 1.2.2 (numpy 2.4.6, scipy 1.17.1, scikit-learn 1.9.1), tour from point 0, in the
# order of NAMES, five in a line: information content, dispersion (ratio of means, of medians,
# difference of means, of medians; four quantiles each), nearest better clustering.
# fmt: off
PFLACCO = {
    "sphere": [
        0.669400059552, 0.645645645646, 1.18902346323, 0.325325325325, 0.326530612245,
        0.0681648698817, 0.218702390322, 0.315498545754, 0.499723391679, 0.0700708319168,
        0.222032556074, 0.316814616776, 0.51117936066, -1.95041878118, -1.63532955815,
        -1.43272607885, -1.04712610753, -1.89348555911, -1.58406701401, -1.39107547298,
        -0.995317550359, 0.702885510015, 0.688698212667, 0.582274137536, 0.363247674064,
        -0.434853872858,
    ],
    "rastrigin": [
        0.886202546893, 1.78678678679, 7.68928372076, 1.14614614615, 0.70564516129,
        1.09182095136, 1.03048548116, 0.995535409954, 1.02706500278, 1.09627256674,
        1.00982828158, 0.988676792461, 1.02842459297, 0.332273536653, 0.110318162603,
        -0.0161560635387, 0.0979404380031, 0.351379038435, 0.035871611697, -0.0413278456348,
        0.103745090448, 0.5129898857, 0.771339407043, 0.375182635917, 0.264455565616,
        -0.640740520599,
    ],
    "steps": [
        0.814237980149, 1.36636636637, 5.44315981107, 0.885885885886, 0.405405405405,
        0.551542714595, 0.509971033084, 0.546571205758, 0.67389370612, 0.527928589645,
        0.430762031453, 0.525872221806, 0.681510879679, -1.19623663617, -1.30712694851,
        -1.2094978791, -0.869871688387, -1.27014565061, -1.5315799984, -1.27567847173,
        -0.856920292291, 0.629722680304, 0.749653633401, 0.403372250152, 0.301042403208,
        -0.500115931766,
    ],
}
# fmt: on


def sample(name: str) -> tuple[np.ndarray, np.ndarray]:
    """The points and values that pflacco was given; of the steps only one point is the best."""
    n, dimensions = {"sphere": (100, 2), "rastrigin": (250, 5), "steps": (150, 3)}[name]
    x = np.random.default_rng([n, dimensions]).uniform(-2, 2, (n, dimensions))
    if name == "rastrigin":
        return x, (x**2 - 10 * np.cos(2 * np.pi * x) + 10).sum(1)
    y = (x**2).sum(1)
    if name == "steps":
        y = np.floor(4 * y)
        y[0] = -1
    return x, y


def found(x: np.ndarray, y: np.ndarray) -> dict[str, float]:
    return elf.information_content(x, y) | elf.dispersion(x, y) | elf.nearest_better(x, y)


@pytest.mark.parametrize("name", PFLACCO)
def test_values_are_those_of_pflacco(name):
    assert found(*sample(name)) == pytest.approx(
        dict(zip(NAMES, PFLACCO[name], strict=True)), rel=1e-6, abs=1e-8
    )


@pytest.mark.parametrize("name", PFLACCO)
def test_blocks_give_the_same_as_the_whole(name, monkeypatch):
    whole = found(*sample(name))
    monkeypatch.setattr(elf, "_BLOCK", 700)
    assert found(*sample(name)) == pytest.approx(whole, rel=1e-9)


def test_memory_is_bounded_by_the_block(monkeypatch):
    monkeypatch.setattr(elf, "_BLOCK", 1 << 16)
    x = np.random.default_rng(0).uniform(size=(2048, 3))
    tracemalloc.start()
    elf.dispersion(x, x.sum(1))
    elf.nearest_better(x, x.sum(1))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * len(x) ** 2 / 4  # a quarter of the matrix of all distances


# --- known by hand --------------------------------------------------------------------------------


def test_information_content_of_a_zigzag():
    """Slopes +1, -1, +1, ...: two kinds of pairs, each half of all, until eps exceeds 1."""
    x = np.arange(11.0)[:, None]
    content = elf.information_content(x, np.arange(11) % 2)
    assert content["ic.h_max"] == pytest.approx(np.log(2) / np.log(6), rel=0.02)
    assert content["ic.m0"] == 1.0
    assert content["ic.eps_s"] == pytest.approx(0, abs=0.02)
    assert content["ic.eps_ratio"] == pytest.approx(0, abs=0.02)


def test_a_slope_has_no_content():
    content = elf.information_content(np.arange(9.0)[:, None], np.arange(9.0))
    assert (content["ic.h_max"], content["ic.m0"]) == (0, 0)
    assert np.isnan(content["ic.eps_ratio"])


def test_walks_are_a_tour_where_the_tour_is_a_walk():
    values = np.sin(np.arange(40.0)) + np.cos(3 * np.arange(40.0))
    tour = elf.information_content(0.5 * np.arange(40.0)[:, None], values)
    assert elf.information_content_of_walks(values[None], 0.5) == pytest.approx(tour)


def test_pairs_of_different_walks_are_no_pairs():
    walks = np.array([[0.0, 1, 2, 3], [3, 2, 1, 0]])
    content = elf.information_content_of_walks(walks, 1.0)
    assert (content["ic.h_max"], content["ic.m0"]) == (0, 0)


def test_dispersion_of_two_funnels_and_of_one():
    x = np.random.default_rng(1).uniform(-1, 1, (400, 2))
    one, two = (x**2).sum(1), (np.abs(x) - 0.9)[:, 0] ** 2
    assert elf.dispersion(x, one)["disp.ratio_mean_05"] < 0.4
    assert elf.dispersion(x, two)["disp.ratio_mean_05"] > 1


def test_nearest_better_on_a_line():
    """0 is best; each other point's better neighbour is the next one towards it, at distance 1."""
    x = np.arange(6.0)[:, None]
    better = elf.nearest_better(x, x[:, 0])
    assert better["nbc.nn_nb.mean_ratio"] == 1
    assert better["nbc.dist_ratio.coeff_var"] == 0


# --- invariants -----------------------------------------------------------------------------------


@settings(max_examples=15)
@given(st.integers(0, 1000), st.floats(0.5, 20), st.floats(-5, 5))
def test_scale_and_offset_of_the_values_do_not_matter(seed, factor, offset):
    draw = np.random.default_rng(seed)
    x, y = draw.uniform(size=(60, 3)), draw.normal(size=60)
    assert elf.features(x, factor * y + offset) == pytest.approx(elf.features(x, y), rel=1e-5)


@settings(max_examples=15)
@given(st.integers(0, 1000))
def test_moving_all_points_changes_nothing(seed):
    draw = np.random.default_rng(seed)
    x, y = draw.uniform(size=(60, 3)), draw.normal(size=60)
    moved = x @ np.linalg.qr(draw.normal(size=(3, 3)))[0] + 100
    assert elf.features(moved, y) == pytest.approx(elf.features(x, y), rel=1e-6)


def test_constant_functions_and_infinite_values_have_no_features():
    x = np.random.default_rng(0).uniform(size=(50, 2))
    for y in (np.ones(50), np.where(x[:, 0] > 0.9, np.inf, x[:, 0])):
        assert set(elf.features(x, y)) == set(NAMES)
        assert np.isnan(list(elf.features(x, y).values())).all()


def test_a_repeated_point_is_refused():
    with pytest.raises(ValueError, match="twice"):
        elf.dispersion(np.zeros((5, 2)), np.arange(5.0))


# --- samples --------------------------------------------------------------------------------------


def test_replicates_of_sobol_points_differ_and_each_is_repeatable():
    a, b = elf.sobol(64, 5, 1), elf.sobol(64, 5, 2)
    assert (a != b).any() and (a == elf.sobol(64, 5, 1)).all()
    assert (elf.sobol(64, 5, 1, "other") != a).any()
    # balanced: each half of each axis holds half of the points
    assert ((a < 0.5).sum(0) == 32).all() and ((b < 0.5).sum(0) == 32).all()


def test_sobol_points_come_in_powers_of_two():
    with pytest.raises(ValueError, match="powers of two"):
        elf.sobol(100, 2, 0)

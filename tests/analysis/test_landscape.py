"""Landscape measures on functions with known answers, above all a quadratic of every member."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hnnlib.analysis import landscape

SEEDS = (3, 4)
EIGENVALUES = torch.tensor([9.0, 4, 1, 1, 0.5, 0.5], dtype=torch.float64)


def population(members: int = 2, seed: int = 0) -> dict[str, torch.Tensor]:
    draw = torch.Generator().manual_seed(seed)
    shapes = {"first": (members, 2, 2), "second": (members, 2, 1)}
    return {n: torch.randn(s, generator=draw, dtype=torch.float64) for n, s in shapes.items()}


def quadratic(parameters) -> torch.Tensor:
    """1/2 sum_i lambda_i theta_i^2."""
    return (landscape.flatten(parameters).square() * EIGENVALUES).sum(1) / 2


def jumps(parameters) -> torch.Tensor:
    """Piecewise constant: jumps of 1/8."""
    return (8 * landscape.flatten(parameters).sum(1)).floor() / 8


def filters(parameters) -> torch.Tensor:
    """Norm of every column, member by member."""
    return torch.cat([p.norm(dim=1) for p in parameters.values()], 1)


# --- directions -----------------------------------------------------------------------------------


def test_a_direction_has_the_norms_of_the_weights_column_by_column():
    centre = population()
    direction = landscape.random_direction(centre, SEEDS, 0)
    torch.testing.assert_close(filters(direction), filters(centre))


def test_models_share_their_draws_and_numbers_and_seeds_do_not():
    a, b = population(seed=0), population(seed=1)
    cosine = torch.nn.functional.cosine_similarity
    first, second = (landscape.random_direction(p, SEEDS, 0)["first"] for p in (a, b))
    torch.testing.assert_close(cosine(first, second, dim=1), torch.ones(2, 2, dtype=torch.float64))
    assert (landscape.random_direction(a, SEEDS, 1)["first"] != first).all()
    assert (first[0] / a["first"][0] != first[1] / a["first"][1]).all()
    alone = landscape.random_direction({n: p[1:] for n, p in a.items()}, SEEDS[1:], 0)
    torch.testing.assert_close(alone["first"][0], first[1])


def test_weights_that_do_not_exist_are_not_moved():
    centre = population()
    centre["first"][0, 0, 1] = 0
    direction = landscape.random_direction(centre, SEEDS, 0)
    assert direction["first"][0, 0, 1] == 0
    torch.testing.assert_close(filters(direction), filters(centre))
    assert landscape.random_direction({"w": torch.zeros(1, 2, 2)}, [0], 0)["w"].eq(0).all()


def test_principal_directions_span_the_runs():
    axis = torch.tensor([0.6, 0, 0.8, 0, 0, 0], dtype=torch.float64)
    runs = torch.tensor([-1.0, 0.5, 2.0, 3.0], dtype=torch.float64)[:, None] * axis + 5
    first, second = landscape.principal_directions(runs, population())
    torch.testing.assert_close(landscape.flatten(first).abs(), axis.expand(2, -1))
    assert landscape.flatten(second)[0].norm() == pytest.approx(1)


def test_vectors_and_parameters_are_the_same_thing():
    centre = population()
    again = landscape.unflatten(landscape.flatten(centre), centre)
    assert all((again[name] == p).all() for name, p in centre.items())


# --- values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("at_once", [1, 3, 100])
def test_values_are_those_of_the_moved_networks(at_once):
    centre = population()
    directions = [landscape.random_direction(centre, SEEDS, k) for k in range(2)]
    places = landscape.grid(3, 2)
    found = landscape.values(quadratic, centre, directions, places, at_once)
    assert found.shape == (2, 9)
    for point, (x, y) in enumerate(places.tolist()):
        moved = {n: p + x * directions[0][n] + y * directions[1][n] for n, p in centre.items()}
        torch.testing.assert_close(found[:, point], quadratic(moved))


def test_a_grid_is_symmetric_and_its_last_axis_runs_fastest():
    assert landscape.grid(3).flatten().tolist() == [-1, 0, 1]
    assert landscape.grid(3, 2, 0.5)[:2].tolist() == [[-0.5, -0.5], [-0.5, 0]]


def test_evaluating_leaves_the_centre_alone():
    centre = population()
    before = {n: p.clone() for n, p in centre.items()}
    landscape.epsilon_sharpness(quadratic, centre, SEEDS, [0.5], directions=2)
    landscape.sam_sharpness(quadratic, centre, [0.5], steps=2)
    assert all((centre[n] == p).all() and not centre[n].requires_grad for n, p in before.items())


# --- roughness ------------------------------------------------------------------------------------


def lines(loss, points: int = 129) -> tuple[np.ndarray, float]:
    centre = population()
    direction = landscape.random_direction(centre, SEEDS, 0)
    found = landscape.values(loss, centre, [direction], landscape.grid(points))
    return found.numpy(), 2 / (points - 1)


def test_a_straight_line_is_not_rough():
    rough = landscape.roughness(np.linspace(0, 3, 65)[None], 1 / 32, 4)
    assert rough.second == pytest.approx(np.zeros((1, 4)), abs=1e-12)
    assert rough.variation == pytest.approx(np.full((1, 4), 1.5))
    assert rough.variation_slope == pytest.approx(0, abs=1e-9)


def test_second_differences_of_a_quadratic_are_its_curvature_times_the_step_squared():
    found, step = lines(quadratic)
    direction = landscape.flatten(landscape.random_direction(population(), SEEDS, 0))
    bend = (direction.square() * EIGENVALUES).sum(1).numpy()
    rough = landscape.roughness(found, step, 5)
    expected = bend[:, None] * (step * 2.0 ** np.arange(5)) ** 2
    assert rough.second == pytest.approx(expected)
    assert rough.second_slope == pytest.approx(2)


def test_jumps_make_roughness_fall_with_the_first_power_of_the_step():
    found, step = lines(jumps, 4097)
    rough = landscape.roughness(found, step, 5)
    assert rough.second_slope == pytest.approx(1, abs=0.1)
    assert rough.variation_slope == pytest.approx(0, abs=0.1)


def test_a_random_walk_has_slopes_of_one_half():
    walks = np.random.default_rng(0).normal(size=(50, 4097)).cumsum(1)
    rough = landscape.roughness(walks, 1 / 2048, 6)
    assert rough.second_slope.mean() == pytest.approx(0.5, abs=0.03)
    assert rough.variation_slope.mean() == pytest.approx(-0.5, abs=0.03)


def test_a_constant_has_no_slope_and_short_lines_are_refused():
    assert np.isnan(landscape.roughness(np.ones((1, 9)), 0.1, 2).second_slope)
    with pytest.raises(ValueError, match="take more than 16"):
        landscape.roughness(np.ones((1, 16)), 0.1, 4)


# --- sharpness ------------------------------------------------------------------------------------


@settings(max_examples=20)
@given(st.floats(0.01, 2), st.integers(0, 100))
def test_sam_of_a_quadratic_in_closed_form(rho, seed):
    """L(theta + rho g/|g|) - L = rho |g| + rho^2 g' H g / (2 |g|^2), with g = H theta."""
    centre = population(seed=seed)
    g = landscape.flatten(centre) * EIGENVALUES
    square = g.square().sum(1)
    expected = rho * square.sqrt() + rho**2 * (g.square() * EIGENVALUES).sum(1) / (2 * square)
    torch.testing.assert_close(landscape.sam_sharpness(quadratic, centre, [rho])[0], expected)


def test_relative_radii_are_in_norms_of_the_parameters():
    centre = population()
    norms = landscape.flatten(centre).norm(dim=1)
    relative = landscape.sam_sharpness(quadratic, centre, [0.1, 0.3], relative=True)
    for member, norm in enumerate(norms.tolist()):
        radii = [0.1 * norm, 0.3 * norm]
        absolute = landscape.sam_sharpness(quadratic, centre, radii)
        torch.testing.assert_close(relative[:, member], absolute[:, member])


def test_more_steps_climb_higher_where_the_gradient_turns():
    centre = population()
    one = landscape.sam_sharpness(quadratic, centre, [1.0])
    eight = landscape.sam_sharpness(quadratic, centre, [1.0], steps=8)
    limit = 9 * (landscape.flatten(centre).norm(dim=1) + 1) ** 2 / 2
    assert (eight > one).all() and (eight < limit).all()


def test_where_there_is_no_gradient_nothing_rises():
    flat = landscape.sam_sharpness(lambda p: 0 * quadratic(p), population(), [0.5])
    assert (flat == 0).all()


def test_epsilon_sharpness_of_a_quadratic():
    """Around its minimum, a step r d rises by r^2 d' H d / 2."""
    centre = {n: p[:1] for n, p in population().items()}

    def around(p):
        return quadratic({n: p[n] - c for n, c in centre.items()})

    found = landscape.epsilon_sharpness(around, centre, SEEDS[:1], [0.1, 0.2], directions=10)
    steps = [landscape.flatten(landscape.random_direction(centre, SEEDS[:1], k)) for k in range(10)]
    bends = torch.cat([(d.square() * EIGENVALUES).sum(1) / 2 for d in steps])
    squares = torch.tensor([0.01, 0.04], dtype=torch.float64)
    torch.testing.assert_close(found.largest[:, 0], bends.max() * squares)
    torch.testing.assert_close(found.mean[:, 0], bends.mean() * squares)


# --- curvature ------------------------------------------------------------------------------------


def test_curvature_of_a_quadratic_is_its_spectrum():
    found = landscape.curvature(quadratic, population(), SEEDS, iterations=30)
    torch.testing.assert_close(found.largest, torch.full((2,), 9.0).double())
    # a diagonal matrix has the same trace under every vector of signs
    torch.testing.assert_close(found.trace, EIGENVALUES.sum().expand(2))


def test_members_have_curvatures_of_their_own():
    factors = torch.tensor([1.0, -2.0], dtype=torch.float64)
    found = landscape.curvature(lambda p: factors * quadratic(p), population(), SEEDS, 30)
    torch.testing.assert_close(found.largest, torch.tensor([9.0, -18.0]).double())

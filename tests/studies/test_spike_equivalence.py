"""The study: exact constructions agree, the others fail, a trained network converts."""

from __future__ import annotations

import numpy as np
import pytest

from hnnlib import engines
from hnnlib.analysis import cells
from hnnlib.analysis.equivalence import squarefree
from hnnlib.evidence import claims, papers
from hnnlib.studies.base import Context
from hnnlib.studies.spike_equivalence.random_networks import ARMS, compared
from hnnlib.studies.spike_equivalence.study import STUDY, SpikeEquivalenceSettings

SETTINGS = SpikeEquivalenceSettings.model_validate(
    {
        "seeds": [0, 1, 2],
        "depths": [1, 2],
        "spike_limits": [1, 8, 32],
        "hidden": [4],
        "trained": {
            "dataset": "digits",
            "hidden": 8,
            "steps": 6,
            "images": 40,
            "samples": {"train": 300, "validation": 60, "test": 60},
            "schedule": {"epochs": 2, "batch": 30},
        },
    }
)
EXACT = ("forward", "backward", "forward_lateral_leaky", "forward_in_order")


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    context = Context(tmp_path_factory.mktemp("c"), engine=engines.get("eager"), say=lambda _: None)
    store = STUDY.train("all", SETTINGS, context)
    store.attrs |= {"study": "spike_equivalence", "scale": "toy"}
    return store


def test_variables_carry_units_and_names_and_cells_are_told_apart(found):
    for name, variable in found.data_vars.items():
        assert variable.attrs.get("long_name") and variable.attrs.get("units"), name
    assert len(set(found.cell.values)) == found.sizes["cell"]


@pytest.mark.parametrize("name", ARMS)
def test_exact_constructions_agree_and_each_switch_breaks_one(found, name):
    some = cells.select(found, construction=name, source="random")
    assert (some.mismatches.sum() == 0) == (name in EXACT)
    assert (some.trials == 3).all() and (some.spikes_compared > 0).all()


def test_the_most_active_neuron_has_just_so_many_spikes(found):
    some = cells.select(found, construction="forward", source="random")
    assert (some.most_spikes == some.spike_limit.astype(int)).all()


def test_neurons_are_counted_as_the_theorem_says(found):
    for name, needed in (("forward", lambda n: n), ("backward", squarefree)):
        some = cells.select(found, construction=name, source="random")
        limits = some.spike_limit.values.astype(int)
        assert (some.neurons_needed / some.neurons == [needed(n) for n in limits]).all()
        assert (some.over_bound_1 <= 1e-9).all()


def test_arms_that_need_the_same_see_the_same_networks():
    """The spikes of the first network, which the constructions don't change."""
    names = ("forward", "forward_strict")
    one, other = (compared(name, "step", 2, 4, [5, 6]) for name in names)
    assert one.spikes_compared.item() == other.spikes_compared.item()


def test_a_network_whose_spikes_come_too_late_is_drawn_anew():
    """An alpha kernel is 0 at once: what fires at the last step only, as the second layer first did
    at this seed, moves no layer behind it.
    """
    assert compared("backward", "alpha", 3, 1, [31]).spikes_compared > 0


def test_a_draw_does_not_depend_on_the_others():
    both = compared("backward_leaky", "exponential", 2, 8, [5, 6])
    alone = [compared("backward_leaky", "exponential", 2, 8, [seed]) for seed in (5, 6)]
    assert both.mismatches.item() == sum(one.mismatches.item() for one in alone) > 0


def test_many_spikes_and_one_make_the_same_function(found):
    many, once = (
        cells.select(found, construction="approximation", model=model)
        for model in ("multi", "single_more")
    )
    assert (once.largest_difference < 1e-9).all()
    np.testing.assert_allclose(many.approximation_error, once.approximation_error)
    assert (once.neurons_needed == 8 * many.neurons_needed).all()


def test_a_trained_network_converts(found):
    one = cells.one(found, source="trained")
    assert one.mismatches == one.prediction_changes == one.largest_logit_difference == 0
    assert one.images == 40 and one.spikes_compared > 0
    assert one.neurons_needed == one.neurons * one.most_spikes == 18 * one.most_spikes
    assert one.test_accuracy.sel(seed=0) > 0.2


def test_exact_claims_are_decided(found):
    judged = claims.judge(papers.load("dold_petersen"), found)
    answers = {one.claim: one.answer for one in judged}
    exact = {"EQ1", "EQ2", "EQ3", "EQ4", "EQ5", "EQ7"}
    assert {answers[claim] for claim in exact} == {"supported"}
    assert all(not one.gates for one in judged if one.claim in exact)
    assert set(answers) == exact | {"EQ6", "EQ8"}

"""The study: what it stores follows from the samples; regimes; networks that get their neurons
back.
"""

import numpy as np
import pytest
import torch

from hnnlib import engines
from hnnlib.analysis import regimes
from hnnlib.analysis.correlations import STATISTICS, VARIANTS
from hnnlib.analysis.manifold import REGIMES
from hnnlib.analysis.noise import CONDITIONS, PROTOCOLS
from hnnlib.datasets.registry import load
from hnnlib.networks.classifier import ImageDesign
from hnnlib.networks.residual import SewResNet18
from hnnlib.studies.base import Context
from hnnlib.studies.noise_correlations.study import MOMENTS, STUDY, NoiseCorrelationsSettings
from hnnlib.training.examples import Images

SETTINGS = NoiseCorrelationsSettings.model_validate(
    {
        "seeds": [0, 1],
        "networks": [
            {
                "network": "sew_resnet18",
                "dataset": "digits",
                "width": 1 / 8,
                "steps": 4,
                "samples": {"train": 400, "validation": 40, "test": 60},
                "training": {"epochs": 4, "batch": 20, "learning_rate": 1e-2},
                "noise": {
                    "samples": 60,
                    "protocols": ["corrected", "public_code"],
                    "resamples": 5,
                    "lanes": 30,
                },
                "regimes": {"taus": [2.0, 4.0], "thresholds": [0.5, 1.0, 50.0], "samples": 30},
            }
        ],
    }
)


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Threads of convolutions this small wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def found(tmp_path_factory, one_thread):
    context = Context(tmp_path_factory.mktemp("c"), engine=engines.get("eager"), say=lambda _: None)
    return STUDY.train("sew_resnet18_digits", SETTINGS, context)


def test_cells_are_protocols_and_variants_and_the_regimes(found):
    noise = found.sel(cell=found.arm == "noise")
    assert set(zip(noise.protocol.values, noise.variant.values, strict=True)) == {
        (protocol, variant) for protocol in ("corrected", "public_code") for variant in VARIANTS
    }
    assert found.sel(cell=found.arm == "regime").variant.values.tolist() == list(VARIANTS)
    assert len(set(found.cell.values)) == 9


def test_variables_carry_units_and_names(found):
    for name, variable in found.data_vars.items():
        assert variable.attrs.get("long_name") and variable.attrs.get("units"), name


def test_every_sample_has_one_end(found):
    ends = [f"samples_{end}" for end in ("failed", "never_failed", "misclassified", "excluded")]
    noise = found.sel(cell=found.arm == "noise")
    assert (sum(noise[name] for name in ends) == 60).all()
    assert (noise.failures.sum("noise_frames") == noise.samples_failed).all()
    assert (noise.samples_excluded.sel(cell=noise.protocol == "corrected") == 0).all()
    assert (noise.samples_excluded.sel(cell=noise.protocol == "public_code") > 0).all()


def test_scalars_are_those_of_the_penultimate_layer(found):
    noise = found.sel(cell=found.arm == "noise")
    table = noise.layer_statistics.sel(layer="stage4.1.second")
    for statistic in STATISTICS:
        for condition in CONDITIONS:
            np.testing.assert_allclose(
                noise[f"{statistic}_{condition}"],
                table.sel(condition=condition, statistic=statistic),
                rtol=1e-5,
            )
        change = noise[f"{statistic}_failed"] - noise[f"{statistic}_clean"]
        np.testing.assert_allclose(noise[f"{statistic}_change"], change)


def test_variants_share_the_samples_and_the_network(found):
    first, *others = (found.sel(cell=f"sew_resnet18_digits/noise/corrected/{v}") for v in VARIANTS)
    for other in others:
        assert (other.samples_failed == first.samples_failed).all()
        assert (other.test_accuracy == first.test_accuracy).all()
        assert (other.layer_statistics != first.layer_statistics).any()


def test_neurons_that_can_not_fire_are_silent(found):
    regime = found.sel(cell="sew_resnet18_digits/regime/none/paper")
    silent = regime.sel(threshold=50.0)
    assert (silent.grid_output_rate == 0).all()
    assert (silent.grid_regime == REGIMES.index("silent")).all()
    assert (regime.grid_rate.diff("threshold") <= 0).all()


def test_changed_neurons_come_back_and_the_trained_ones_change_nothing():
    design = ImageDesign((1, 16, 16), 10, width=1 / 16, steps=3)
    network = SewResNet18(design, (0,), engines.get("eager")).eval()
    x = torch.rand(1, 4, 1, 16, 16)
    before, neuron = network(x).outputs, network.neuron
    with pytest.raises(KeyError), regimes.changed(network, 1.5, 0.2):
        assert network.neuron.tau == 1.5 and not torch.equal(network(x).outputs, before)
        raise KeyError
    assert network.neuron is neuron
    with regimes.changed(network, neuron.tau, neuron.threshold):
        assert torch.equal(network(x).outputs, before)


@pytest.mark.parametrize("name", ["digits", "cluttered_digits"])
def test_pixels_are_standardised_with_moments_of_the_data(name):
    pixels = load(name).pixels(slice(None))
    mean, deviation = MOMENTS[name]
    np.testing.assert_allclose(pixels.mean((0, 2, 3)), mean, atol=2e-3)
    np.testing.assert_allclose(pixels.std((0, 2, 3)), deviation, atol=2e-3)


def test_batches_of_an_observation_change_nothing():
    design = ImageDesign((1, 8, 8), 10, width=1 / 8, steps=4, mean=(0.3053,), deviation=(0.376,))
    network = SewResNet18(design, (0, 1), engines.get("eager"))
    images, rows = Images(load("digits"), torch.device("cpu")), torch.arange(30).expand(2, -1)
    network.train()(images.inputs(rows))
    whole, parts = (regimes.observe(network, images, rows, 20, batch) for batch in (30, 7))
    np.testing.assert_allclose(whole.accuracy, parts.accuracy)
    np.testing.assert_allclose(whole.rate, parts.rate)
    for one, other in zip(whole.correlations, parts.correlations, strict=True):
        np.testing.assert_allclose(one.matrix("null"), other.matrix("null"), atol=1e-5)
        assert one.rate() == pytest.approx(other.rate())


def test_settings_refuse_what_cannot_be():
    bad = SETTINGS.model_dump(mode="json")
    bad["networks"][0]["regimes"]["taus"] = [1.5, 3.0]
    with pytest.raises(ValueError, match="needs both"):
        NoiseCorrelationsSettings.model_validate(bad)
    twice = SETTINGS.model_dump(mode="json")
    twice["networks"] *= 2
    with pytest.raises(ValueError, match="twice"):
        NoiseCorrelationsSettings.model_validate(twice)


def test_all_protocols_can_be_asked_for():
    every = SETTINGS.model_dump(mode="json")
    every["networks"][0]["noise"]["protocols"] = list(PROTOCOLS)
    NoiseCorrelationsSettings.model_validate(every)
    assert STUDY.datasets(SETTINGS) == ["digits"]

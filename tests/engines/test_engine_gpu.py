"""GPU kernels against ``eager`` under autograd: the same spikes, the same gradients.

Where there is no GPU, Triton's interpreter runs the kernels on the CPU.
"""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hnnlib import engines
from hnnlib.errors import ConfigError
from hnnlib.networks.layers import Conv, Dense
from hnnlib.networks.spiking import Axon, SpikingLayer
from hnnlib.neurons.decay_input import DecayInputLIF
from hnnlib.neurons.filters import DualExponential, LeakyIntegrator
from hnnlib.neurons.lif import LIF
from hnnlib.neurons.refractory import RefractoryLIF
from hnnlib.neurons.synaptic import SynapticLIF
from hnnlib.signals import Events
from hnnlib.surrogates import ATan, Gaussian, Sigmoid, SuperSpike

if importlib.util.find_spec("triton") is None:
    pytest.skip("no Triton", allow_module_level=True)

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
with pytest.MonkeyPatch.context() as patch:
    if DEVICE == "cpu":
        patch.setenv("TRITON_INTERPRET", "1")
    # read when kernels are defined and when the first one runs; other tests don't see it
    GPU = engines.get("gpu")
    GPU.scan(LIF(), torch.zeros(1, 1, 1, 1, device=DEVICE))
EAGER = engines.get("eager")

few = settings(max_examples=6)
shapes = st.tuples(
    st.integers(1, 6), st.integers(1, 3), st.integers(1, 4), st.integers(1, 20)
).flatmap(lambda shape: st.sampled_from([shape, shape[:3], (*shape[:3], 2, 3)]))
layers = st.tuples(
    st.integers(1, 6), st.integers(1, 3), st.integers(1, 18), st.integers(1, 20)
)  # batch and units below and above one tile
levels = st.sampled_from([-30.0, 0.0, 1.0, 30.0])  # silent, mixed, saturated
seeds = st.integers(0, 99)
resets = pytest.mark.parametrize("hard_reset", [False, True], ids=["soft", "hard"])
surrogates = pytest.mark.parametrize(
    "surrogate", [Gaussian(), ATan(), SuperSpike()], ids=lambda s: type(s).__name__
)


def randn(*shape, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64).to(DEVICE, dtype)


def gradients(engine, neuron_of, drive, parameters, recurrent):
    leaves = [t.detach().clone().requires_grad_() for t in (drive, *parameters)]
    weights = None if recurrent is None else recurrent.detach().clone().requires_grad_()
    outputs, _ = engine.scan(neuron_of(*leaves[1:]), leaves[0], weights)
    outputs.backward(torch.linspace(-1, 1, outputs.numel()).view_as(outputs).to(outputs))
    leaves += [] if weights is None else [weights]
    # eager doesn't touch recurrent weights in a single step
    return outputs.detach(), [torch.zeros_like(x) if x.grad is None else x.grad for x in leaves]


def agree(neuron_of, drive, *parameters, recurrent=None):
    """Spikes are equal, values and gradients are to rounding, relative to the largest."""
    expected, wanted = gradients(EAGER, neuron_of, drive, parameters, recurrent)
    outputs, got = gradients(GPU, neuron_of, drive, parameters, recurrent)
    tolerance = 1e-12 if drive.dtype == torch.float64 else 1e-5
    for mine, theirs in zip((outputs, *got), (expected, *wanted), strict=True):
        atol = tolerance * max(1.0, float(theirs.abs().max()))
        torch.testing.assert_close(mine, theirs, rtol=tolerance, atol=atol)


@resets
@surrogates
@given(shape=shapes, level=levels, seed=seeds)
@few
def test_leaky_neurons(hard_reset, surrogate, shape, level, seed):
    drive = level + 2 * randn(*shape, seed=seed)
    agree(lambda: LIF(hard_reset=hard_reset, surrogate=surrogate), drive)


@resets
@given(shape=shapes, seed=seeds)
@few
def test_leaky_neurons_with_decay_and_threshold_of_each_member(hard_reset, shape, seed):
    drive = 1 + 2 * randn(*shape, seed=seed)
    decay = randn(shape[1], 1, *shape[3:], seed=seed + 1).sigmoid()
    threshold = 0.5 + randn(shape[1], *[1] * (len(shape) - 2), seed=seed + 2).sigmoid()
    agree(lambda d, t: LIF(d, t, hard_reset=hard_reset), drive, decay, threshold)


@pytest.mark.parametrize("membrane_decay", [0.0, 0.6])
@surrogates
@given(shape=shapes, level=levels, seed=seeds)
@few
def test_refractory_neurons(membrane_decay, surrogate, shape, level, seed):
    drive = level + 2 * randn(*shape, seed=seed)
    agree(lambda: RefractoryLIF(0.9, 0.7, membrane_decay, surrogate), drive)


@given(shape=shapes, seed=seeds)
@few
def test_filters(shape, seed):
    drive = randn(*shape, seed=seed)
    agree(DualExponential.from_time_constants, drive)
    trained = [
        c + 0.05 * randn(shape[1], 1, *shape[3:], seed=seed + 1) for c in (1.1467, -0.2865, 0.4109)
    ]
    agree(DualExponential, drive, *trained)
    agree(LeakyIntegrator, drive)
    agree(LeakyIntegrator, drive, trained[2].sigmoid())


@pytest.mark.parametrize(
    "neuron",
    [LIF(), LIF(hard_reset=True), RefractoryLIF(), RefractoryLIF(membrane_decay=0.6)],
    ids=["soft", "hard", "refractory", "leaky refractory"],
)
@given(shape=layers, level=levels, seed=seeds)
@few
def test_recurrent_neurons(neuron, shape, level, seed):
    drive = level + 2 * randn(*shape, seed=seed, dtype=torch.float32)
    weights = randn(shape[1], shape[3], shape[3], seed=seed + 1, dtype=torch.float32)
    agree(lambda: neuron, drive, recurrent=weights)


@resets
@given(shape=layers, seed=seeds)
@few
def test_recurrent_neurons_with_decay_and_threshold_of_each_member(hard_reset, shape, seed):
    drive = 1 + 2 * randn(*shape, seed=seed, dtype=torch.float32)
    weights = randn(shape[1], shape[3], shape[3], seed=seed + 1, dtype=torch.float32)
    decay = randn(shape[1], 1, shape[3], seed=seed + 2, dtype=torch.float32).sigmoid()
    threshold = 0.5 + randn(shape[1], 1, 1, seed=seed + 3, dtype=torch.float32).sigmoid()
    agree(lambda d, t: LIF(d, t, hard_reset=hard_reset), drive, decay, threshold, recurrent=weights)


@given(shape=layers, seed=seeds)
@few
def test_recurrent_weights_that_do_not_fit_on_the_chip(shape, seed):
    from hnnlib.engines.gpu import recurrent

    drive = 2 * randn(*shape, seed=seed, dtype=torch.float32)
    weights = randn(shape[1], shape[3], shape[3], seed=seed + 1, dtype=torch.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recurrent, "resident_units", lambda *_: 0)
        patch.setattr(recurrent, "CHUNK_WEIGHTS", 1)  # the least: 16 rows of the weights
        agree(LIF, drive, recurrent=weights)


def test_a_recurrent_layer_of_the_size_in_papers():
    drive = randn(3, 1, 2, 256, dtype=torch.float32)
    weights = randn(1, 256, 256, seed=1, dtype=torch.float32) / 16
    agree(lambda: LIF(0.8, 0.5), drive, recurrent=weights)


@surrogates
def test_recurrent_neurons_with_each_surrogate(surrogate):
    drive = 2 * randn(6, 2, 3, 7, dtype=torch.float32)
    weights = randn(2, 7, 7, seed=1, dtype=torch.float32)
    agree(lambda: LIF(surrogate=surrogate), drive, recurrent=weights)


def test_spikes_are_the_same_bits_in_single_precision():
    drive = 2 * randn(12, 2, 4, 50, dtype=torch.float32)
    for neuron in (LIF(), LIF(hard_reset=True), RefractoryLIF(membrane_decay=0.6)):
        assert torch.equal(GPU.scan(neuron, drive)[0], EAGER.scan(neuron, drive)[0])


def test_a_member_does_not_depend_on_the_others():
    drive = randn(5, 3, 4, 9, dtype=torch.float32).requires_grad_()
    weights = randn(3, 9, 9, seed=1, dtype=torch.float32).requires_grad_()
    together, _ = GPU.scan(LIF(), drive, weights)
    alone, _ = GPU.scan(LIF(), drive[:, 1:2], weights[1:2])
    assert torch.equal(together[:, 1:2], alone)
    factors = randn(*together.shape, seed=2, dtype=torch.float32)
    drives, recurrents = torch.autograd.grad(together, (drive, weights), factors)
    its_drive, its_recurrent = torch.autograd.grad(alone, (drive, weights), factors[:, 1:2])
    assert torch.equal(drives[:, 1], its_drive[:, 1])
    torch.testing.assert_close(recurrents[1], its_recurrent[1])


def test_tensors_may_lie_in_memory_in_any_order():
    """Views, and the expanded gradient of a sum."""
    weights = randn(2, 5, 5, seed=1, dtype=torch.float32).transpose(1, 2)
    for recurrent in (None, weights):
        drives = []
        for engine in (EAGER, GPU):
            base = randn(5, 3, 2, 4, dtype=torch.float32).requires_grad_()
            engine.scan(LIF(), base.permute(3, 2, 1, 0), recurrent)[0].sum().backward()
            drives.append(base.grad)
        torch.testing.assert_close(drives[1], drives[0], rtol=1e-5, atol=1e-5)


def test_an_axon_and_a_layer_of_the_network():
    signal = (randn(5, 1, 4, 6, dtype=torch.float32) > 0).float()
    for trainable in (False, True):
        axon = Axon(DualExponential.from_time_constants(), (6,), [0], trainable)
        layer = SpikingLayer(axon, Dense((6,), 3, [0], "layer0"), RefractoryLIF()).to(DEVICE)
        torch.testing.assert_close(layer(signal, GPU), layer(signal, EAGER))


def events_of(signal, seed):
    """Events of a tensor, rows in another order and with room between them."""
    events = Events.of(signal)
    generator = torch.Generator().manual_seed(seed)
    parts, starts, place = [], torch.empty_like(events.starts), 0
    for row in torch.randperm(len(starts), generator=generator).tolist():
        first, last = events.starts[row, [0, -1]].tolist()
        starts[row] = events.starts[row] - first + place
        rest = torch.full((row % 3,), 10**6, dtype=torch.int32, device=signal.device)
        parts += [events.units[first:last], rest]
        place += last - first + len(rest)
    return Events(torch.cat(parts), starts, events.shape)


def products(engine, synapse, signal, axon=None):
    """What a layer's neurons read, and the gradients of its parameters."""
    drive = engine.layer(LeakyIntegrator(0.0), synapse, signal, axon=axon)
    factors = torch.linspace(-1, 1, drive.numel(), device=DEVICE).view_as(drive)
    return drive, *torch.autograd.grad(drive, list(synapse.parameters()), factors)


@given(
    shape=st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(1, 4), st.integers(1, 30)),
    shared=st.booleans(),
    axon=st.sampled_from([None, DualExponential.from_time_constants()]),
    density=st.sampled_from([0.0, 0.3, 1.0]),
    seed=seeds,
)
@few
def test_events_are_multiplied_as_the_tensor_they_stand_for(shape, shared, axon, density, seed):
    steps, members, batch, units = shape
    signal = randn(steps, 1 if shared else members, batch, units, seed=seed, dtype=torch.float32)
    signal = (signal.sigmoid() < density).float()
    synapse = Dense((units,), 5, range(members), "layer0").to(DEVICE)
    events = events_of(signal, seed)
    wanted = products(EAGER, synapse, signal, axon)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Events, "over_time", None)  # nobody asks for the tensor
        got = products(GPU, synapse, events, axon)
    for mine, theirs in zip(got, wanted, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-5)


def test_an_event_that_stands_twice_counts_twice():
    events = Events(
        torch.tensor([1, 1, 0], dtype=torch.int32), torch.tensor([[0, 2, 3]]), (2, 1, 1, 2)
    )
    synapse = Dense((2,), 3, [0], "layer0").to(DEVICE)
    got = products(GPU, synapse, events)
    for mine, theirs in zip(got, products(EAGER, synapse, events.to(DEVICE)), strict=True):
        torch.testing.assert_close(mine, theirs)


def test_events_into_a_layer_and_into_a_convolution():
    signal = (randn(4, 2, 3, 1, 5, 5, dtype=torch.float32) > 0.5).float()
    for synapse in (Dense((1, 5, 5), 4, [0, 1], "layer0"), Conv((1, 5, 5), 2, 3, [0, 1], "layer0")):
        synapse.to(DEVICE)
        wanted = EAGER.layer(LIF(), synapse, signal)
        drive = GPU.product(synapse, Events.of(signal))
        torch.testing.assert_close(drive, EAGER.product(synapse, signal))
        assert torch.equal(GPU.layer(LIF(), synapse, Events.of(signal)), wanted)


def test_what_it_has_no_kernel_for_goes_to_eager():
    class Other(LIF):
        def step(self, drive, state):
            return super().step(2 * drive, state)

    class OtherRefractory(RefractoryLIF):
        def step(self, drive, state):
            return super().step(2 * drive, state)

    class OtherFilter(DualExponential):
        def step(self, drive, state):
            return super().step(2 * drive, state)

    class OtherIntegrator(LeakyIntegrator):
        def step(self, drive, state):
            return super().step(2 * drive, state)

    class Flat:
        def derivative(self, distance):
            return torch.ones_like(distance)

    flat = [type("Other", (Flat, kind), {}) for kind in (Gaussian, ATan, SuperSpike)]
    drive = randn(4, 1, 2, 3, dtype=torch.float32)
    weights = randn(1, 3, 3, seed=1, dtype=torch.float32)
    for neuron, recurrent in (
        (Other(), None),
        (OtherRefractory(), None),
        (OtherFilter(0.9, -0.1, 0.5), None),
        (OtherIntegrator(), None),
        *((LIF(surrogate=kind()), None) for kind in flat),
        (LIF(surrogate=Flat()), None),
        (LIF(surrogate=Sigmoid()), None),
        (DecayInputLIF(2.0, 0.5), weights),
        (SynapticLIF(0.5, 0.6, torch.tensor([2], device=DEVICE)), weights),
        (DualExponential.from_time_constants(), weights),
    ):
        agree(lambda neuron=neuron: neuron, drive, recurrent=recurrent)
    wide = randn(2, 1, 1, 600, dtype=torch.float32)
    outputs, state = GPU.scan(LIF(), wide, torch.zeros(1, 600, 600, device=DEVICE))
    assert torch.equal(outputs, EAGER.scan(LIF(), wide)[0]) and state is not None


def test_units_that_fit_on_a_hopper_chip():
    from hnnlib.engines.gpu.recurrent import resident_units

    assert resident_units(torch.device("cpu")) == 128


def test_units_that_fit_are_told_from_the_device(monkeypatch):
    from types import SimpleNamespace

    from hnnlib.engines.gpu.recurrent import resident_units

    small = SimpleNamespace(
        shared_memory_per_block=48 * 1024, shared_memory_per_block_optin=99 * 1024
    )
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: small)
    assert resident_units(torch.device("cuda")) == 64


def test_kernels_compile_for_a_hopper_gpu(tmp_path):
    """The interpreter accepts what a compiler doesn't; compiling needs no GPU. Registers spill
    only where state takes the most of them.
    """
    script = Path(__file__).with_name("compiled_kernels.py")
    environment = os.environ | {"TRITON_CACHE_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, env=environment)
    assert not done.returncode, done.stderr
    for kernel, use in json.loads(done.stdout).items():
        # weights that spill take thousands
        assert use["stack"] <= (640 if kernel.endswith("512") else 64), f"{kernel} spills"
        assert use["shared"] <= 227 * 1024, f"{kernel} needs more shared memory than there is"


def test_refusals_say_what_is_missing(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "triton", None)
        with pytest.raises(ConfigError, match="needs Triton"):
            engines.get("gpu")


def test_a_network_that_is_not_on_the_gpu_is_refused(monkeypatch):
    from hnnlib.engines.gpu import launch

    monkeypatch.setattr(launch, "INTERPRETED", False)
    with pytest.raises(ConfigError, match="this one is on cpu"):
        GPU.scan(LIF(), torch.zeros(1, 1, 1, 1))
    signal = Events.of(torch.zeros(1, 1, 1, 2))
    with pytest.raises(ConfigError, match="this one is on cpu"):
        GPU.layer(LIF(), Dense((2,), 1, [0], "layer0"), signal)


def test_without_a_gpu_and_without_the_interpreter_it_refuses():
    code = "from hnnlib import engines; engines.get('gpu')"
    environment = {"CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(Path(engines.__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment
    )
    assert "ConfigError: engine 'gpu' needs a CUDA device" in done.stderr

"""Training steps without autograd: the same bits as with it."""

import pytest
import torch
from small_tasks import fit
from torch import nn

from hnnlib import engines
from hnnlib.codings.bit_planes import BitPlanes
from hnnlib.networks.hybrid import CODINGS, HybridNetwork, Switches
from hnnlib.networks.notation import parse
from hnnlib.training import loop
from hnnlib.training.tasks import CLASSIFICATION, Classification, cross_entropy

MEMBERS = 2


class Digits:
    """Two of four pixels are bright where the class is 1."""

    def __init__(self):
        generator = torch.Generator().manual_seed(0)
        self.y = torch.arange(100) % 2
        self.x = torch.rand(100, 4, generator=generator) * 0.5
        self.x[:, :2] += 0.5 * self.y[:, None]

    def inputs(self, rows):
        return self.x[rows]

    def labels(self, rows):
        return self.y[rows]


def network(text, coding, engine="cpu", **switches):
    coding = BitPlanes() if coding == "bit_planes" else coding and CODINGS[coding](6)
    switches = Switches(coding, **switches)
    return HybridNetwork(parse(text)[1], (4,), switches, range(MEMBERS), engines.get(engine))


class ByAutograd(nn.Module):
    """The same network, which can do nothing but be called."""

    def __init__(self, network):
        super().__init__()
        self.seeds, self.inner = network.seeds, network

    def forward(self, x, noise=None):
        return self.inner(x, noise)


def trained(folder, network, name, task=CLASSIFICATION):
    found = fit(folder, network, Digits(), name, more={"task": task}, epochs=2, batch=16)
    return [found.train_loss, found.validation_loss, *network.parameters()]


@pytest.fixture
def said(caplog):
    """What a new process would have in its log."""
    loop._say_once.cache_clear()
    caplog.set_level("INFO", "hnnlib")
    return caplog


@pytest.mark.parametrize(
    ("text", "coding", "switches"),
    [
        ("S4-S6-S2", "duplicate", {}),
        ("A4-A7-S6-S2", "duplicate", {}),
        ("A4-A7-S2", "duplicate", {"input_mode": "direct", "hidden_act": "sigmoid"}),
        ("A4-S6-S2", "gaussian", {}),
        ("A4-S6-S2", "poisson", {}),
        ("A4-S6-S2", "bit_planes", {}),
        ("A4-A7-A2", None, {"logit_scale": 6.0}),
    ],
)
def test_training_without_autograd_gives_the_same_bits(text, coding, switches, tmp_path, said):
    mine = trained(tmp_path, network(text, coding, **switches), "mine")
    assert not said.messages
    theirs = trained(tmp_path, ByAutograd(network(text, coding, **switches)), "theirs")
    assert all(torch.equal(m, t) for m, t in zip(mine, theirs, strict=True))


@pytest.mark.parametrize(
    ("engine", "task"),
    [("eager", CLASSIFICATION), ("cpu", Classification(lambda *given: cross_entropy(*given)))],
)
def test_what_goes_through_autograd_says_so_once_in_the_log(engine, task, tmp_path, said):
    trained(tmp_path, network("S4-S8-S2", "duplicate", engine), "first", task)
    trained(tmp_path, network("S4-S8-S2", "duplicate", engine), "second", task)
    assert said.messages.count(loop._BY_AUTOGRAD) == 1

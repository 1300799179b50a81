"""The compiled loop of the gated cell gives the spikes and gradients of the plain one."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from hnnlib.engines.cpu.networks import gated
from hnnlib.networks.gated import Design, GatedNetwork

DESIGN = Design(5, 3, (2, 3, 5), 7)


def passed(design: Design, compiled: bool, rate: float) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Logits and gradients of all parameters."""
    generator = torch.Generator().manual_seed(3)
    network = GatedNetwork(design, (0, 1), compiled=compiled)
    with torch.no_grad():
        network.bias[:, :, 5:10] += rate
    x = (torch.rand(design.steps, 2, 4, 30, generator=generator) < 0.3).float()
    found = network(x)
    assert design.spiking == 0 or found.spikes[0].sum() > 50
    found.outputs.square().sum().backward()
    return found.outputs, [p.grad for p in network.parameters()]


@pytest.mark.parametrize("fewest", [1, 99], ids=["transformed", "as they are"])
@pytest.mark.parametrize("few", [-1.0, 2.0], ids=["multiplied", "spike by spike"])
@pytest.mark.parametrize("form", ["image", "line"])
@pytest.mark.parametrize("rate", [0.3, 0.8])
def test_it_agrees_with_the_plain_loop(monkeypatch, fewest, few, form, rate):
    monkeypatch.setattr(gated, "FEW", few)
    monkeypatch.setattr(gated, "FEWEST", fewest)
    design = replace(DESIGN, form=form)
    ours, plain = (passed(design, compiled, rate) for compiled in (True, False))
    torch.testing.assert_close(ours[0], plain[0])
    for one, other in zip(ours[1], plain[1], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5 * other.abs().max().item())


@pytest.mark.parametrize("share", [0.0, 0.4])
@pytest.mark.parametrize("form", ["image", "line"])
def test_units_that_speak_in_numbers_agree_too(form, share):
    design = replace(DESIGN, form=form, share=share)
    ours, plain = (passed(design, compiled, 0.5) for compiled in (True, False))
    torch.testing.assert_close(ours[0], plain[0])
    for one, other in zip(ours[1], plain[1], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5 * other.abs().max().item())


@pytest.mark.parametrize(
    "changes",
    [{"form": "dense"}, {"memory": "alpha"}, {"update": "input"}, {"reset": True}],
)
def test_other_cells_have_none(changes):
    assert not GatedNetwork(replace(DESIGN, **changes), (0,), compiled=True).compiled


def test_counts_of_events_go_through_the_plain_loop(monkeypatch):
    monkeypatch.setattr(gated, "scan", None)  # would fail
    network = GatedNetwork(DESIGN, (0, 1), compiled=True)
    assert network(torch.full((7, 2, 4, 30), 2.0)).outputs.isfinite().all()

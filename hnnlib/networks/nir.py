"""Networks in the neuromorphic intermediate representation, NIR (Pedersen et al. 2024,
doi:10.1038/s41467-024-52259-9): trained here, run by other libraries or on hardware, and back.

NIR says what neurons obey in continuous time; each reader chooses its own steps. Two families are
the same there and here, at a step of ``dt`` seconds:

- ``RateNetwork`` without convolutions: ``DecayInputLIF`` is NIR's ``LIF`` by Euler's method.
- ``DirectNetwork`` whose units all spike: ``SynapticLIF`` is ``CubaLIF`` with exact decays (a
  current that stays constant over a step), and its readout is ``CubaLI``. Here a unit that crosses
  its threshold is heard two steps later; a reader that answers at once is that much ahead.

What NIR has no words for is left out and must be given again: the coding of the inputs, and how
answers are read from the outputs. Needs the extra ``nir``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from hnnlib.codings.base import Coding
from hnnlib.codings.duplicate import Duplicate
from hnnlib.engines import Engine
from hnnlib.errors import ConfigError
from hnnlib.networks.direct import Design, DirectNetwork
from hnnlib.networks.rate import RateDesign, RateNetwork

if TYPE_CHECKING:
    from nir import NIRGraph

__all__ = ["from_nir", "to_nir"]

_DIRECT = ("Input", "Linear", "CubaLIF", "Linear", "Linear", "CubaLI", "Output")
"""Nodes of a ``DirectNetwork`` from the input on; what leads back comes before what leads on."""


def to_nir(network: RateNetwork | DirectNetwork, member: int = 0, dt: float = 1e-3) -> NIRGraph:
    """One member of a population as a graph; ``nir.write(path, graph)`` makes a file of it.

    Args:
        network: of one of the two families above.
        member: which.
        dt: seconds a step lasts, of a ``RateNetwork``; a ``DirectNetwork`` knows its own.

    Raises:
        ConfigError: NIR cannot say the network, or the extra is not installed.
    """
    nir = _nir()
    if isinstance(network, RateNetwork) and not network.design.convolutions:
        return _rate(nir, network, member, dt)
    if isinstance(network, DirectNetwork) and network.neuron.spiking is None:
        return _direct(nir, network, member)
    raise ConfigError(
        f"NIR cannot say this {type(network).__name__}: it takes a RateNetwork without "
        "convolutions, or a DirectNetwork whose units all spike"
    )


def from_nir(
    graphs: NIRGraph | Sequence[NIRGraph],
    engine: Engine,
    dt: float = 1e-3,
    coding: Coding | None = None,
) -> RateNetwork | DirectNetwork:
    """A population with a member a graph, of graphs as ``to_nir`` writes them.

    Args:
        graphs: of equal shape.
        engine: runs the neurons.
        dt: seconds a step lasts.
        coding: of the inputs of a ``RateNetwork`` (default: a current over 25 steps).

    Raises:
        ConfigError: a graph of another kind, or the extra is not installed.
    """
    _nir()
    graphs = list(graphs) if isinstance(graphs, Sequence) else [graphs]
    nodes = [_ordered(graph) for graph in graphs]
    kinds = {tuple(type(node).__name__ for node in some) for some in nodes}
    kind = kinds.copy().pop() if len(kinds) == 1 else ()
    if kind == _DIRECT:
        return _from_direct(nodes, engine, dt)
    if len(kind) > 2 and kind == ("Input", *("Affine", "LIF") * (len(kind) // 2 - 1), "Output"):
        return _from_rate(nodes, engine, dt, coding or Duplicate(25))
    told = "; ".join(", ".join(one) for one in sorted(kinds))
    raise ConfigError(
        f"a graph of {told} is none that can be read here: it takes what to_nir writes, affine "
        "layers with LIF, or one recurrent layer of CubaLIF with a leaky readout, all of one kind"
    )


def _nir() -> ModuleType:
    try:
        import nir
    except ImportError:
        raise ConfigError('NIR is not installed: pip install -e ".[nir]"') from None
    return nir


def _rate(nir: ModuleType, network: RateNetwork, member: int, dt: float) -> NIRGraph:
    tau, threshold = float(network.tau[member]), float(network.threshold[member])
    chain = []
    for synapse in network.synapses:
        (units,) = synapse.out_shape
        neurons = {"tau": tau * dt, "r": 1.0, "v_leak": 0.0, "v_threshold": threshold}
        weight, bias = (_numbers(part[member]) for part in (synapse.weight, synapse.bias))
        chain.append(nir.Affine(weight=weight.T, bias=bias[0]))
        chain.append(nir.LIF(**_spread(units, neurons | {"v_reset": 0.0})))
    inputs = math.prod(network.synapses[0].in_shape)
    ends = nir.Input(np.array([inputs])), nir.Output(np.array([units]))
    return nir.NIRGraph.from_list(ends[0], *chain, ends[1])


def _direct(nir: ModuleType, network: DirectNetwork, member: int) -> NIRGraph:
    design, units = network.design, network.design.units
    (inputs,), (classes,) = network.hidden.in_shape, network.readout.out_shape
    # a spike adds its weight to the current, at once
    jump = 1 / (1 - math.exp(-design.dt / design.tau_syn))
    common = {"tau_syn": design.tau_syn, "r": 1.0, "v_leak": 0.0, "w_in": jump}
    neurons = common | {"tau_mem": design.tau_mem, "v_threshold": 1.0, "v_reset": 0.0}
    recurrent = network.recurrent * network.connected
    weights = [network.hidden.weight, recurrent, network.readout.weight]
    hidden, back, readout = (nir.Linear(weight=_numbers(w[member]).T) for w in weights)
    nodes = {
        "input": nir.Input(np.array([inputs])),
        "hidden": hidden,
        "neurons": nir.CubaLIF(**_spread(units, neurons)),
        "recurrent": back,
        "readout": readout,
        "trace": nir.CubaLI(**_spread(classes, common | {"tau_mem": design.tau_out})),
        "output": nir.Output(np.array([classes])),
    }
    edges = [*zip(list(nodes)[:2], list(nodes)[1:3], strict=True)]
    edges += [("neurons", "recurrent"), ("recurrent", "neurons")]
    edges += [("neurons", "readout"), ("readout", "trace"), ("trace", "output")]
    return nir.NIRGraph(nodes, edges)


def _ordered(graph: NIRGraph) -> list:
    """Nodes as signals reach them from the input; files keep no order."""
    order = [name for name, node in graph.nodes.items() if type(node).__name__ == "Input"]
    for name in order:
        behind = {one: {b for a, b in graph.edges if a == one} for one in graph.nodes}
        new = sorted(behind[name] - set(order))
        order += sorted(new, key=lambda one: not behind[one] & set(order))
    return [graph.nodes[name] for name in order]


def _from_rate(nodes: list[list], engine: Engine, dt: float, coding: Coding) -> RateNetwork:
    chain = [(some[1:-1:2], some[2:-1:2]) for some in nodes]
    units = tuple(len(layer.bias) for layer in chain[0][0])
    inputs = chain[0][0][0].weight.shape[1]
    taus, thresholds = [], []
    for _, neurons in chain:
        taus.append(_one(neurons, "tau") / dt)
        thresholds.append(_one(neurons, "v_threshold"))
        _expect(neurons, r=1.0, v_leak=0.0, v_reset=0.0)
    seeds = range(len(nodes))
    network = RateNetwork(RateDesign((), units, coding), (inputs,), seeds, taus, thresholds, engine)
    with torch.no_grad():
        for place, synapse in enumerate(network.synapses):
            synapse.weight.copy_(_stack([affine[place].weight.T for affine, _ in chain]))
            synapse.bias.copy_(_stack([affine[place].bias[None] for affine, _ in chain]))
    return network


def _from_direct(nodes: list[list], engine: Engine, dt: float) -> DirectNetwork:
    neurons, readouts = [some[2] for some in nodes], [some[5] for some in nodes]
    synapse = _one([*neurons, *readouts], "tau_syn")
    jump = 1 / (1 - math.exp(-dt / synapse))
    _expect(neurons, r=1.0, v_leak=0.0, v_reset=0.0, v_threshold=1.0, w_in=jump)
    _expect(readouts, r=1.0, v_leak=0.0, w_in=jump)
    units, inputs = nodes[0][1].weight.shape
    membrane, out = _one(neurons, "tau_mem"), _one(readouts, "tau_mem")
    design = Design("snn", units, dt=dt, tau_mem=membrane, tau_syn=synapse, tau_out=out)
    classes = len(nodes[0][4].weight)
    network = DirectNetwork(inputs, classes, design, range(len(nodes)), engine)
    with torch.no_grad():
        targets = network.hidden.weight, network.recurrent, network.readout.weight
        for place, target in zip((1, 3, 4), targets, strict=True):
            target.copy_(_stack([some[place].weight.T for some in nodes]))
    return network


def _one(neurons: Sequence, name: str) -> float:
    """The value that all units share."""
    values = np.unique(np.concatenate([np.ravel(getattr(one, name)) for one in neurons]))
    if np.ptp(values) > 1e-6 * abs(values).max():
        raise ConfigError(f"{name} differs between units, which these networks don't know")
    return float(values[0])


def _expect(neurons: Sequence, **values: float) -> None:
    for name, value in values.items():
        if not math.isclose(found := _one(neurons, name), value, rel_tol=1e-5, abs_tol=1e-9):
            raise ConfigError(f"{name} is {found:g}, these networks have {value:g}")


def _spread(units: int, values: dict[str, float]) -> dict[str, np.ndarray]:
    return {name: np.full(units, value) for name, value in values.items()}


def _numbers(weights: Tensor) -> np.ndarray:
    return weights.detach().cpu().numpy()


def _stack(parts: list[np.ndarray]) -> Tensor:
    return torch.from_numpy(np.stack(parts).astype(np.float32))

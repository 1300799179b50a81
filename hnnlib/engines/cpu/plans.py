"""Neurons and surrogates as the numbers that kernels take."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from hnnlib.engines.cpu import kernels, mixed_kernels
from hnnlib.neurons import LIF, DecayInputLIF, LeakyIntegrator, RefractoryLIF, SynapticLIF
from hnnlib.surrogates import ATan, Gaussian, Sigmoid, SuperSpike

__all__ = ["MixedPlan", "Plan", "make", "make_mixed"]

_POWERS = 1100  # 2^-1100 is 0 in double precision


class Plan(NamedTuple):
    """A neuron for some members, as the kernels take it.

    Attributes:
        neuron: kind.
        constants: (member, 3) decay, threshold, refractory decay, or what ``kernels.advance`` takes
            in their places.
        surrogate, shape: kind and width.
        powers: see ``kernels.slopes``.
    """

    neuron: int
    constants: np.ndarray
    surrogate: int
    shape: np.floating
    powers: np.ndarray


class MixedPlan(NamedTuple):
    """A ``SynapticLIF`` for some members, as the kernels for mixed populations take it.

    Attributes:
        spiking: (member,) int64, units that spike.
        others: kind of the other units, see ``mixed_kernels``.
        decays: (member, 2) of membrane and synapse.
        surrogate, shape, powers: as in ``Plan``.
    """

    spiking: np.ndarray
    others: int
    decays: np.ndarray
    surrogate: int
    shape: np.floating
    powers: np.ndarray


def make(neuron: Any, members: int, dtype: torch.dtype) -> Plan | None:
    """The plan of a neuron, or None where there is no kernel for it.

    There is none for a parameter that is trained or that differs between units, for other neurons
    and surrogates, for neurons of which not all units spike (see ``hnnlib.engines.cpu.mixed``), and
    for numbers that are not floats of 32 or 64 bits.
    """
    if dtype not in (torch.float32, torch.float64):
        return None
    real = np.float32 if dtype == torch.float32 else np.float64
    found = _kind(neuron)
    if found is None:
        return None
    kind, parameters, (surrogate, shape) = found
    columns = [_by_member(value, members) for value in parameters]
    if any(column is None for column in columns):
        return None
    constants = np.stack(columns, 1).astype(real)
    if kind == kernels.DECAYING:  # kernels fire above a threshold: v >= x is v > the number below x
        constants[:, 1] = np.nextafter(constants[:, 1], real(-np.inf))
    return Plan(kind, constants, surrogate, real(shape), _powers(real))


def make_mixed(neuron: Any, shape: tuple[int, ...], dtype: torch.dtype) -> MixedPlan | None:
    """The plan of a mixed population with a drive (time, member, batch, unit) of this shape, or
    None, as in ``make``.
    """
    if not isinstance(neuron, SynapticLIF) or len(shape) != 4 or neuron.spiking is None:
        return None
    plan = make(replace(neuron, spiking=None), shape[1], dtype)
    if plan is None or neuron.spiking.numel() not in (1, shape[1]):
        return None
    spiking = np.broadcast_to(neuron.spiking.long().clamp(0, shape[3]).numpy(), shape[1])
    graded = mixed_kernels.GRADED if neuron.reset_graded else mixed_kernels.UNRESET
    others = mixed_kernels.TANH if neuron.others == "tanh" else graded
    decays = np.ascontiguousarray(plan.constants[:, ::2])
    return MixedPlan(np.array(spiking), others, decays, *plan[2:])


def _kind(neuron: Any) -> tuple[int, tuple, tuple[int, float]] | None:
    if isinstance(neuron, LeakyIntegrator):
        return kernels.INTEGRATOR, (neuron.decay, math.inf, 0.0), (kernels.SUPERSPIKE, 1.0)
    surrogate = _surrogate(getattr(neuron, "surrogate", None))
    if surrogate is None:
        return None
    if isinstance(neuron, LIF):
        kind = kernels.HARD if neuron.hard_reset else kernels.SOFT
        return kind, (neuron.decay, neuron.threshold, 0.0), surrogate
    if isinstance(neuron, RefractoryLIF):
        constants = (neuron.membrane_decay, neuron.threshold, neuron.refractory_decay)
        return kernels.REFRACTORY, constants, surrogate
    if isinstance(neuron, DecayInputLIF):
        return kernels.DECAYING, (neuron.tau, neuron.threshold - neuron.reset, 0.0), surrogate
    if isinstance(neuron, SynapticLIF) and neuron.spiking is None:
        constants = (neuron.membrane_decay, 1.0, neuron.synapse_decay)
        return kernels.SYNAPTIC, constants, surrogate
    return None


def _surrogate(surrogate: Any) -> tuple[int, float] | None:
    match surrogate:
        case SuperSpike(slope):
            return kernels.SUPERSPIKE, slope
        case ATan(alpha):
            return kernels.ATAN, alpha
        case Gaussian(sigma):
            return kernels.GAUSSIAN, sigma
        case Sigmoid(alpha):
            return kernels.SIGMOID, alpha
    return None


def _by_member(value: Tensor | float, members: int) -> np.ndarray | None:
    """A number, or a tensor that differs between members only, as one number a member."""
    if not isinstance(value, Tensor):
        return np.full(members, value)
    if value.requires_grad or value.numel() not in (1, members):
        return None
    if value.numel() > 1 and value.shape[0] != members:
        return None
    return np.broadcast_to(value.numpy().reshape(-1), (members,))


@cache
def _powers(real: type) -> np.ndarray:
    return (0.5 ** np.arange(_POWERS)).astype(real)

"""Compiled code for populations of spiking, graded and tanh units: one step of all rows.

Arrays are (row, unit), see ``kernels``. The units before ``spiking`` (member,) spike, the others
are of one kind. ``decays`` (member, 2) are those of membrane and synapse. The equations are those
of ``hnnlib.neurons.synaptic.SynapticLIF``.
"""

from __future__ import annotations

from numba import njit

from hnnlib.engines.cpu.compilation import VIEWS

__all__ = ["GRADED", "TANH", "THROUGH", "UNRESET", "advance", "step_back"]

GRADED, UNRESET, TANH, THROUGH = range(4)
"""Units that don't spike: graded with reset, graded without, tanh, graded with a reset that the
gradient flows through."""


@njit(**VIEWS)
def advance(first, last, batch, spiking, others, decays, drive, current, potential, later, out):
    """One step forward.

    Args:
        drive, potential: at this step.
        current: the synaptic current, moves on.
        later: becomes the potential at the next step.
        out: becomes the outputs, but of tanh units, which are there.
    """
    zero, one = potential.dtype.type(0), potential.dtype.type(1)
    for row in range(first, last):
        member = row // batch
        b, a, count = decays[member, 0], decays[member, 1], spiking[member]
        u, c, after, o, added = potential[row], current[row], later[row], out[row], drive[row]
        for n in range(count):
            fired = u[n] > one
            o[n] = one if fired else zero
            after[n] = zero if fired else b * u[n] + (one - b) * c[n]
        # slices, not a range from count on: an index that might be negative keeps a loop from being
        # vectorised
        v, x, after, o = u[count:], c[count:], after[count:], o[count:]
        if others in (GRADED, THROUGH):
            for n in range(len(o)):
                clipped = v[n] if v[n] > zero else zero
                clipped = clipped if clipped < one else one
                o[n] = clipped
                after[n] = (b * v[n] + (one - b) * x[n]) * (one - clipped)
        elif others == UNRESET:
            for n in range(len(o)):
                clipped = v[n] if v[n] > zero else zero
                o[n] = clipped if clipped < one else one
                after[n] = b * v[n] + (one - b) * x[n]
        for n in range(len(c)):
            c[n] = a * c[n] + added[n]


@njit(**VIEWS)
def step_back(
    first,
    last,
    t,
    batch,
    spiking,
    others,
    decays,
    slope,
    gradient,
    lines,
    looped,
    out,
    current,
    to_potential,
    to_current,
    potential,
):
    """One step back: ``potential`` becomes the adjoint of the drive.

    Args:
        slope: surrogate derivative of the spiking units.
        gradient, lines: of the outputs, (line, unit).
        looped: gradient of the outputs through the recurrent weights; written over.
        current: the synaptic current at this step; of kind THROUGH only, any array else.
        to_potential, to_current: adjoints of the states, handed to the step before.
    """
    zero, one = potential.dtype.type(0), potential.dtype.type(1)
    for row in range(first, last):
        member = row // batch
        b, a, count = decays[member, 0], decays[member, 1], spiking[member]
        u, d, total = potential[row], slope[row], looped[row]
        carried, traced = to_potential[row], to_current[row]
        known = gradient[row * lines[0] + t * lines[1]]
        for n in range(len(total)):
            total[n] += known[n]
        for n in range(count):
            kept = zero if u[n] > one else carried[n]
            u[n] = traced[n]
            carried[n] = total[n] * d[n] + b * kept
            traced[n] = a * traced[n] + (one - b) * kept
        o, u, total = out[row, count:], u[count:], total[count:]
        carried, traced = carried[count:], traced[count:]
        if others == TANH:
            for n in range(len(o)):
                u[n] = total[n] * (one - o[n] * o[n])
            continue
        if others == THROUGH:
            x = current[row, count:]
            for n in range(len(o)):
                before = b * u[n] + (one - b) * x[n]
                inside = (u[n] >= zero) & (u[n] <= one)
                through = total[n] - carried[n] * before if inside else zero
                kept = carried[n] * (one - o[n])
                u[n] = traced[n]
                carried[n] = through + b * kept
                traced[n] = a * traced[n] + (one - b) * kept
            continue
        reset = one if others == GRADED else zero
        for n in range(len(o)):
            kept = carried[n] * (one - reset * o[n])
            through = total[n] if (u[n] >= zero) & (u[n] <= one) else zero
            u[n] = traced[n]
            carried[n] = through + b * kept
            traced[n] = a * traced[n] + (one - b) * kept

"""Compiled steps of many cables at once: see ``solver``.

Arrays are (..., compartment, lane): a lane is one trace, and all lanes share the tree. Everything
that is compiled lies in this file, which Numba compares with its copy on disk.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hnnlib import processor

__all__ = ["simulate", "solve"]

processor.use_whole_registers()
OPTIONS = {"nogil": True, "cache": True, "error_model": "numpy"}


@njit(**OPTIONS)
def solve(parent, axial, diagonal, right, solution):
    """Solve for the potentials of every lane; `diagonal` and `right` (compartment, lane) are used
    up.

    Row i of the matrix has diagonal[i], and -axial[i] at its parent and, by symmetry, there at i.
    """
    count, lanes = right.shape
    for i in range(count - 1, 0, -1):
        p, g = parent[i], axial[i]
        for k in range(lanes):
            inverse = 1 / diagonal[i, k]
            right[i, k] *= inverse
            factor = g * inverse
            diagonal[i, k] = factor
            diagonal[p, k] -= g * factor
            right[p, k] += g * right[i, k]
    for k in range(lanes):
        solution[0, k] = right[0, k] / diagonal[0, k]
    for i in range(1, count):
        p = parent[i]
        for k in range(lanes):
            solution[i, k] = right[i, k] + diagonal[i, k] * solution[p, k]


@njit(**OPTIONS)
def simulate(
    parent,
    axial,
    rate,
    density,
    reversal,
    power,
    table,
    lowest,
    per_volt,
    factor,
    begin,
    end,
    amplitude,
    every,
    recorded,
    voltage,
    gates,
    out,
):
    """Run lanes for as long as `out` lasts, from and to the states `voltage` and `gates`.

    Args:
        rate: (compartment,) capacitance / dt, uS.
        density: (current, compartment) uS, of the cell that lanes are variants of.
        reversal: (current,) mV.
        table: see ``cell.tables``; its rows begin at `lowest` mV, `per_volt` a mV.
        factor: (current, lane) that each lane's conductances are multiplied with.
        begin, end: (lane,) steps from and before which the current is on.
        amplitude: (lane,) nA into the first compartment.
        every: steps of which one sample is the mean.
        recorded: (site,) compartments.
        voltage: (compartment, lane) mV.
        gates: (gate, compartment, lane).
        out: (site, sample, lane) mV.
    """
    count, lanes = voltage.shape
    diagonal, right = np.empty((count, lanes)), np.empty((count, lanes))
    total = np.zeros(count)
    for i in range(1, count):
        total[i] += axial[i]
        total[parent[i]] += axial[i]
    last = len(table) - 1
    for step in range(out.shape[1] * every):
        for i in range(count):
            c = rate[i]
            for k in range(lanes):
                v = voltage[i, k]
                place = (v - lowest) * per_volt
                row = min(max(int(place), 0), last)
                x = place - row
                sodium = table[row, 0] + x * table[row, 1]
                n = gates[1, i, k]
                n *= n
                if power == 4:
                    n *= n
                a = gates[2, i, k]
                g0 = density[0, i] * factor[0, k] * sodium * gates[0, i, k]
                g1 = density[1, i] * factor[1, k] * n
                g2 = density[2, i] * factor[2, k] * a * a * a * gates[3, i, k]
                g3 = density[3, i] * factor[3, k] * gates[4, i, k]
                g4 = density[4, i] * factor[4, k]
                diagonal[i, k] = c + total[i] + g0 + g1 + g2 + g3 + g4
                right[i, k] = (
                    c * v
                    + g0 * reversal[0]
                    + g1 * reversal[1]
                    + g2 * reversal[2]
                    + g3 * reversal[3]
                    + g4 * reversal[4]
                )
        for k in range(lanes):
            if begin[k] <= step < end[k]:
                right[0, k] += amplitude[k]
        solve(parent, axial, diagonal, right, voltage)
        for i in range(count):
            for k in range(lanes):
                place = (voltage[i, k] - lowest) * per_volt
                row = min(max(int(place), 0), last)
                x = place - row
                for g in range(5):
                    t = 2 + 4 * g
                    gain = table[row, t] + x * table[row, t + 1]
                    decay = table[row, t + 2] + x * table[row, t + 3]
                    gates[g, i, k] = gain + decay * gates[g, i, k]
        sample = step // every
        if step % every == 0:
            out[:, sample] = 0
        for s in range(len(recorded)):
            for k in range(lanes):
                out[s, sample, k] += voltage[recorded[s], k] / every

"""Compiled layers: loops over rows and steps.

A row is one example of one member (member * batch + example). Arrays are (row, step, unit), so that
all that belongs to a row lies together in memory, or (step, row, unit), for passes that do one step
of all rows at a time. Kernels for either take them as (line, unit) and are told ``lines``: row r at
step t is line r * lines[0] + t * lines[1]. Kernels work on rows ``first`` to ``last``, or on
columns, so that threads can share the work; none of them allocates by the size of the batch.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hnnlib.engines.cpu.compilation import OPTIONS, VIEWS
from hnnlib.engines.cpu.row_kernels import (
    add,
    assign,
    combine,
    filter_row,
    list_spikes,
    unfilter_row,
)
from hnnlib.engines.cpu.surrogate_kernels import NONE, slopes
from hnnlib.engines.cpu.table import advance, step_back
from hnnlib.engines.cpu.tiles import multiply
from hnnlib.engines.cpu.vectors import add_rows

__all__ = ["gathered", "reverse", "reverse_looped", "scanned"]

_TOGETHER = 48
"""Rows of a recurrent layer that go back in time together."""
_AT_ONCE = 512
"""Surrogate derivatives that are computed together: those of a narrow layer's steps would not fill
the vectors of a processor."""
_DEEP = 256
"""Lines of a panel of weights that stay in the nearest cache."""


@njit(**OPTIONS)
def gathered(
    first,
    last,
    batch,
    shared,
    events,
    begins,
    weight,
    bias,
    recurrent,
    filtering,
    neuron,
    constants,
    names,
    keep,
    lines,
    potential,
    traces,
    units,
    starts,
):
    """A layer that reads events: adds the rows of weights that spiked instead of multiplying.

    Args:
        first, last, batch: rows to do; rows of a member.
        shared: whether all members read the same events.
        events, begins: of the input, see ``hnnlib.signals.Events``.
        weight, bias: (member, input, unit or more), (member, unit).
        recurrent: (member, unit, unit), or no member.
        filtering: (3,) coefficients of a synaptic filter on the product, or (0,).
        neuron, constants: place in the table; (member, constant, unit or 1), see ``row.Row``.
        names: (unit,) place of each unit in ``Events``.
        keep: whether the potentials are wanted.
        lines: of the potentials.
        potential, traces, units, starts: results, (line, unit), the same, and as in ``Events``;
            traces are (1, 0) where they are not wanted.
    """
    steps, width = starts.shape[1] - 1, bias.shape[1]
    memory = np.empty((7, width), weight.dtype)
    # rows follow each other without room between them: memory that nothing is written to costs
    # nothing, and here it lies together
    place, limit = first * steps * width, last * steps * width
    for row in range(first, last):
        place = _gather_row(
            row,
            place,
            limit,
            batch,
            shared,
            events,
            begins,
            weight,
            bias,
            recurrent,
            filtering,
            neuron,
            constants,
            names,
            keep,
            lines,
            potential,
            traces,
            units,
            starts,
            memory,
        )


@njit(**VIEWS, forceinline=True)
def _gather_row(
    row,
    place,
    limit,
    batch,
    shared,
    events,
    begins,
    weight,
    bias,
    recurrent,
    filtering,
    neuron,
    constants,
    names,
    keep,
    lines,
    potential,
    traces,
    units,
    starts,
    memory,
):
    """A row of ``gathered``, whose spikes are listed from ``place`` on; the place behind them."""
    one = weight.dtype.type(1)
    product, drive, scratch = memory[0], memory[1], memory[2]
    state, trace, value, before = memory[3], memory[4], memory[5], memory[6]
    memory[3:] = 0
    filtered, loops = len(filtering) > 0, len(recurrent) > 0
    member = row // batch
    source = row % batch if shared else row
    own, threshold = constants[member], constants[member, 0, 0]
    starts[row, 0] = previous = place
    for t in range(starts.shape[1] - 1):
        begin, end = begins[source, t], begins[source, t + 1]
        if filtered:
            product[:] = 0
            add_rows(product, weight[member], 0, 1, events, begin, end)
            filter_row(filtering, product, value, before)
            combine(drive, one, value, bias[member])
        else:
            assign(drive, bias[member])
            add_rows(drive, weight[member], 0, 1, events, begin, end)
        if loops:
            add_rows(drive, recurrent[member], 0, 1, units, previous, place)
        line = row * lines[0] + t * lines[1]
        u = potential[line] if keep else scratch
        advance(neuron, own, drive, state, trace, u)
        if traces.shape[1]:
            assign(traces[line], trace)
        previous = place
        place = list_spikes(u, threshold, names, units, place, limit)
        starts[row, t + 1] = place
    return place


@njit(**OPTIONS)
def scanned(
    first,
    last,
    batch,
    current,
    envelope,
    bias,
    filtering,
    recurrent,
    neuron,
    constants,
    names,
    keep,
    lines,
    listed,
    potential,
    traces,
    units,
    starts,
):
    """A layer whose drive is known: (row, step, unit), or (row, 1, unit) times an envelope (step,).

    The other arguments are those of ``gathered``; ``listed`` says whether spikes are wanted.
    """
    steps, width = starts.shape[1] - 1, current.shape[2]
    memory = np.empty((6, width), current.dtype)
    place, limit = first * steps * width, last * steps * width  # as in ``gathered``
    for row in range(first, last):
        place = _scan_row(
            row,
            place,
            limit,
            batch,
            current,
            envelope,
            bias,
            filtering,
            recurrent,
            neuron,
            constants,
            names,
            keep,
            lines,
            listed,
            potential,
            traces,
            units,
            starts,
            memory,
        )


@njit(**VIEWS, forceinline=True)
def _scan_row(
    row,
    place,
    limit,
    batch,
    current,
    envelope,
    bias,
    filtering,
    recurrent,
    neuron,
    constants,
    names,
    keep,
    lines,
    listed,
    potential,
    traces,
    units,
    starts,
    memory,
):
    """A row of ``scanned``, as ``_gather_row``."""
    one = current.dtype.type(1)
    drive, scratch, state, trace = memory[0], memory[1], memory[2], memory[3]
    value, before = memory[4], memory[5]
    memory[2:] = 0
    loops = len(recurrent) > 0
    member = row // batch
    own, threshold = constants[member], constants[member, 0, 0]
    known, shift = current[row, 0], bias[member]
    starts[row, 0] = previous = place
    for t in range(starts.shape[1] - 1):
        factor = one
        if len(envelope):
            factor = envelope[t]
        else:
            known = current[row, t]
            if len(filtering):
                filter_row(filtering, known, value, before)
                known = value
        combine(drive, factor, known, shift)
        if loops:
            add_rows(drive, recurrent[member], 0, 1, units, previous, place)
        line = row * lines[0] + t * lines[1]
        u = potential[line] if keep else scratch
        advance(neuron, own, drive, state, trace, u)
        if traces.shape[1]:
            assign(traces[line], trace)
        previous = place
        if listed:
            place = list_spikes(u, threshold, names, units, place, limit)
        starts[row, t + 1] = place
    return place


@njit(**OPTIONS)
def reverse(
    first,
    last,
    batch,
    gradient,
    neuron,
    constants,
    surrogate,
    shapes,
    filtering,
    envelope,
    potential,
    traces,
    to_bias,
    to_values,
    to_constants,
):
    """Backward pass of ``gathered`` without recurrence, and of ``scanned``: adjoint equations.

    ``potential`` becomes the gradient of the product (of the drive, without a filter); ``to_bias``
    (row, unit) and, under an envelope, ``to_values`` (row, unit) are added to, and so are
    ``to_constants`` (row, constant, unit), or (1, 0, 0) where they are not wanted.

    Args:
        gradient: of the outputs, (row, step, unit).
        surrogate, shapes: place in the table; (member, number), see ``row.SurrogateRow``.
        others: as in ``gathered`` and ``scanned``.
    """
    width = potential.shape[2]
    several = max(1, _AT_ONCE // max(width, 1)) * width
    slope = np.empty(several, potential.dtype)
    memory = np.empty((4, width), potential.dtype)
    for row in range(first, last):
        _reverse_row(
            row,
            batch,
            gradient,
            neuron,
            constants,
            surrogate,
            shapes,
            filtering,
            envelope,
            potential,
            traces,
            to_bias,
            to_values,
            to_constants,
            slope,
            memory,
        )


@njit(**VIEWS, forceinline=True)
def _reverse_row(
    row,
    batch,
    gradient,
    neuron,
    constants,
    surrogate,
    shapes,
    filtering,
    envelope,
    potential,
    traces,
    to_bias,
    to_values,
    to_constants,
    slope,
    memory,
):
    """A row of ``reverse``."""
    carried, traced, value, before = memory[0], memory[1], memory[2], memory[3]
    memory[:] = 0
    member = row // batch
    own, threshold = constants[member], constants[member, 0, 0]
    bias, to_own = to_bias[row], to_constants[min(row, len(to_constants) - 1)]
    steps, width = potential.shape[1], potential.shape[2]
    potentials = potential[row].reshape(-1)
    begin = steps * width
    for t in range(steps - 1, -1, -1):
        place = t * width
        if place < begin:
            begin = max(0, place + width - len(slope))
            known = potentials[begin : place + width]
            if surrogate != NONE:
                slopes(surrogate, shapes[member], threshold, known, slope[: len(known)])
        u, s = potential[row, t], slope[place - begin : place - begin + width]
        g, trace = gradient[row, t], traces[min(row * steps + t, len(traces) - 1)]
        step_back(neuron, own, s, g, trace, carried, traced, u, to_own)
        add(bias, u)
        if len(filtering):
            unfilter_row(filtering, u, value, before)
        if len(envelope):
            combine(to_values[row], envelope[t], u, to_values[row])


@njit(**OPTIONS)
def reverse_looped(
    first,
    last,
    steps,
    batch,
    gradient,
    lines,
    panels,
    neuron,
    constants,
    surrogate,
    shapes,
    potential,
    traces,
    own_lines,
    to_constants,
):
    """Backward pass of a recurrent layer: some rows through all steps, then the next rows, so that
    their adjoints and the weights stay in cache.

    Adjoints are dense, since surrogate derivatives are seldom zero, so that there is nothing to
    skip in the product of a step's adjoints with the recurrent weights.

    Args:
        gradient, lines: of the outputs, (line, unit).
        panels: of the transposed recurrent weights, by member, see ``tiles.panels``.
        potential, own_lines: (line, unit), becomes the adjoint of the drive.
        traces: (line, unit), or (1, 0).
        others: as in ``reverse``.
    """
    width = potential.shape[1]
    slope = np.empty(width, potential.dtype)
    memory = np.empty((3, _TOGETHER, width), potential.dtype)
    row = first
    while row < last:
        member = row // batch
        end = min(row + _TOGETHER, last, (member + 1) * batch)
        _reverse_together(
            row,
            end,
            steps,
            member,
            gradient,
            lines,
            panels[member],
            neuron,
            constants[member],
            surrogate,
            shapes,
            potential,
            traces,
            own_lines,
            to_constants,
            slope,
            memory,
        )
        row = end


@njit(**VIEWS)
def _reverse_together(
    first,
    last,
    steps,
    member,
    gradient,
    lines,
    panels,
    neuron,
    constants,
    surrogate,
    shapes,
    potential,
    traces,
    own_lines,
    to_constants,
    slope,
    memory,
):
    """Rows of one member of ``reverse_looped``."""
    threshold = constants[0, 0]
    width, inner, lanes = potential.shape[1], panels.shape[1], panels.shape[2]
    total, carried, traced = memory[0], memory[1], memory[2]
    memory[1:] = 0
    adjoints, stride = potential.reshape(-1), own_lines[0] * width
    for t in range(steps - 1, -1, -1):
        for row in range(first, last):
            assign(total[row - first], gradient[row * lines[0] + t * lines[1]])
        if t < steps - 1:
            after = (first * own_lines[0] + (t + 1) * own_lines[1]) * width
            for panel in range(len(panels)):
                for k in range(0, inner, _DEEP):
                    multiply(
                        total[: last - first],
                        panel * lanes,
                        adjoints,
                        after + k,
                        stride,
                        panels[panel, k : k + _DEEP],
                        True,
                    )
        for row in range(first, last):
            n, line = row - first, row * own_lines[0] + t * own_lines[1]
            u, trace = potential[line], traces[min(line, len(traces) - 1)]
            to_own = to_constants[min(row, len(to_constants) - 1)]
            slopes(surrogate, shapes[member], threshold, u, slope)
            step_back(neuron, constants, slope, total[n], trace, carried[n], traced[n], u, to_own)

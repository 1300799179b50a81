"""Compiled layers: rows of units first, then loops over rows and steps.

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
from hnnlib.engines.cpu.tiles import multiply
from hnnlib.engines.cpu.vectors import add_rows, list_above

SOFT, HARD, REFRACTORY, DECAYING, SYNAPTIC, INTEGRATOR = range(6)
"""Neurons: LIF with soft and with hard reset, RefractoryLIF, DecayInputLIF (whose ``decay`` is tau,
and whose potential counts from its reset), SynapticLIF, LeakyIntegrator."""

SUPERSPIKE, ATAN, GAUSSIAN, SIGMOID = range(4)
"""Surrogate derivatives."""

_TOGETHER = 48
"""Rows of a recurrent layer that go back in time together."""
_DEEP = 256
"""Lines of a panel of weights that stay in the nearest cache."""

# --- one row in one step: the equations of hnnlib.neurons, and their reverse ----------------------


@njit(**OPTIONS)
def advance(neuron, decay, threshold, refractory, drive, state, trace, potential):
    """One step forward: ``potential`` from ``drive``, and the new ``state`` and ``trace``."""
    zero, one = state.dtype.type(0), state.dtype.type(1)
    units = len(potential)
    if neuron == HARD:
        for n in range(units):
            v = decay * state[n] + drive[n]
            potential[n] = v
            state[n] = zero if v > threshold else v
    elif neuron == SOFT:
        for n in range(units):
            v = decay * state[n] + drive[n]
            potential[n] = v
            state[n] = v - threshold if v > threshold else v
    elif neuron == REFRACTORY:
        for n in range(units):
            v = drive[n] - threshold * trace[n]
            v += decay * state[n]
            potential[n] = v
            state[n] = v
            trace[n] = refractory * trace[n] + (one if v > threshold else zero)
    elif neuron == DECAYING:
        for n in range(units):
            v = state[n] + (drive[n] - state[n]) / decay
            potential[n] = v
            state[n] = zero if v > threshold else v
    elif neuron == SYNAPTIC:  # the output is read before the update; the trace is the current
        for n in range(units):
            v, current = state[n], trace[n]
            potential[n] = v
            state[n] = zero if v > threshold else decay * v + (one - decay) * current
            trace[n] = refractory * current + drive[n]
    else:
        for n in range(units):
            v = drive[n] + decay * (state[n] - drive[n])
            potential[n] = v
            state[n] = v


@njit(**OPTIONS)
def retreat(neuron, decay, threshold, refractory, slope, gradient, carried, traced, potential):
    """One step back: ``potential`` becomes the adjoint of the drive.

    ``carried`` and ``traced`` are the adjoints of state and trace, handed to the step before.
    """
    zero, one = carried.dtype.type(0), carried.dtype.type(1)
    units = len(potential)
    if neuron == HARD:
        for n in range(units):
            v = potential[n]
            kept = zero if v > threshold else carried[n]
            adjoint = kept + (gradient[n] - v * carried[n]) * slope[n]
            potential[n] = adjoint
            carried[n] = decay * adjoint
    elif neuron == SOFT:
        for n in range(units):
            adjoint = carried[n] + (gradient[n] - threshold * carried[n]) * slope[n]
            potential[n] = adjoint
            carried[n] = decay * adjoint
    elif neuron == REFRACTORY:
        for n in range(units):
            adjoint = (gradient[n] + traced[n]) * slope[n] + carried[n]
            potential[n] = adjoint
            carried[n] = decay * adjoint
            traced[n] = refractory * traced[n] - threshold * adjoint
    elif neuron == DECAYING:
        for n in range(units):
            v = potential[n]
            kept = zero if v > threshold else carried[n]
            adjoint = (kept + (gradient[n] - v * carried[n]) * slope[n]) / decay
            potential[n] = adjoint
            carried[n] = (decay - one) * adjoint
    elif neuron == SYNAPTIC:
        for n in range(units):
            kept = zero if potential[n] > threshold else carried[n]
            adjoint = traced[n]
            potential[n] = adjoint
            carried[n] = gradient[n] * slope[n] + decay * kept
            traced[n] = refractory * adjoint + (one - decay) * kept
    else:
        for n in range(units):
            total = gradient[n] + carried[n]
            potential[n] = (one - decay) * total
            carried[n] = decay * total


@njit(**OPTIONS)
def slopes(surrogate, width, threshold, potential, powers, index, slope):
    """Surrogate derivative at each unit's distance from threshold.

    ``powers`` holds 2^0, 2^-1, ... down to 0, and ``index`` is scratch, both for the exponential:
    the C library's can't be vectorised. This one is right to 2e-10.
    """
    real = slope.dtype.type
    one, half = real(1), real(0.5)
    if surrogate == SUPERSPIKE:
        for n in range(len(slope)):
            x = abs(potential[n] - threshold) * width + one
            slope[n] = one / (x * x)
    elif surrogate == ATAN:
        peak, scale = width * half, width * real(np.pi / 2)
        for n in range(len(slope)):
            x = (potential[n] - threshold) * scale
            slope[n] = peak / (one + x * x)
    else:
        gaussian = surrogate == GAUSSIAN
        scale = one / width if gaussian else width
        log2, most = real(np.log(2)), real(len(powers) - 1)
        tail = real(1 / 40320)
        for n in range(len(slope)):
            x = abs(potential[n] - threshold) * scale
            y = half * x * x if gaussian else x
            # exp(-y) = 2^-whole * exp(rest), |rest| <= ln(2) / 2
            whole = np.floor(y * real(1 / np.log(2)) + half)
            whole = whole if whole < most else most
            rest = whole * log2 - y
            rest = rest if rest > -half else -half  # far below, where the power is 0
            # exp written out as a series: an inner loop would keep this one from being vectorised
            far = real(1 / 120) + rest * (real(1 / 720) + rest * (real(1 / 5040) + rest * tail))
            near = half + rest * (real(1 / 6) + rest * (real(1 / 24) + rest * far))
            slope[n] = one + rest * (one + rest * near)
            index[n] = np.int32(whole)
        # loops of their own, or none would be vectorised
        if gaussian:
            peak = one / (real(np.sqrt(2 * np.pi)) * width)
            for n in range(len(slope)):
                slope[n] *= peak * powers[np.uint32(index[n])]
        else:
            for n in range(len(slope)):
                power = slope[n] * powers[np.uint32(index[n])]
                slope[n] = width * power / ((one + power) * (one + power))


@njit(**OPTIONS)
def list_spikes(potential, threshold, names, units, place, end):
    """Append the names of units above threshold to ``units`` at ``place``; the new end, which is at
    most ``end``.
    """
    behind = list_above(potential, threshold, units, place, end)
    for e in range(place, behind):
        units[e] = names[units[e]]
    return behind


# Loops over a row that may overlap another, as far as the compiler can tell: in a function of their
# own they are vectorised after a test that it doesn't, amidst others they may not be.


@njit(**OPTIONS)
def assign(row, given):
    """row = given."""
    for n in range(len(row)):
        row[n] = given[n]


@njit(**OPTIONS)
def add(row, added):
    """row += added."""
    for n in range(len(row)):
        row[n] += added[n]


@njit(**OPTIONS)
def combine(row, factor, left, right):
    """row = factor left + right."""
    for n in range(len(row)):
        row[n] = factor * left[n] + right[n]


@njit(**OPTIONS)
def filter_row(filtering, x, value, before):
    """F[t] = a1 F[t-1] + a2 F[t-2] + b x[t]: ``value`` and ``before`` move one step on."""
    a1, a2, b = filtering[0], filtering[1], filtering[2]
    for n in range(len(value)):
        new_value = a1 * value[n] + a2 * before[n] + b * x[n]
        before[n] = value[n]
        value[n] = new_value


@njit(**OPTIONS)
def unfilter_row(filtering, x, after, later):
    """The reverse: ``x``, gradient of F[t], becomes that of the filter's input."""
    a1, a2, b = filtering[0], filtering[1], filtering[2]
    for n in range(len(x)):
        adjoint = a1 * after[n] + a2 * later[n] + x[n]
        later[n] = after[n]
        after[n] = adjoint
        x[n] = b * adjoint


# --- layers ---------------------------------------------------------------------------------------


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
        neuron, constants: kind; (member, 3) decay, threshold, refractory decay.
        names: (unit,) place of each unit in ``Events``.
        keep: whether the potentials are wanted.
        lines: of the potentials.
        potential, units, starts: results, (line, unit) and as in ``Events``.
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
    decay, threshold = constants[member, 0], constants[member, 1]
    refractory = constants[member, 2]
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
        u = potential[row * lines[0] + t * lines[1]] if keep else scratch
        advance(neuron, decay, threshold, refractory, drive, state, trace, u)
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
    decay, threshold = constants[member, 0], constants[member, 1]
    refractory = constants[member, 2]
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
        u = potential[row * lines[0] + t * lines[1]] if keep else scratch
        advance(neuron, decay, threshold, refractory, drive, state, trace, u)
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
    shape,
    powers,
    filtering,
    envelope,
    potential,
    to_bias,
    to_values,
):
    """Backward pass of ``gathered`` without recurrence, and of ``scanned``: adjoint equations.

    ``potential`` becomes the gradient of the product (of the drive, without a filter); ``to_bias``
    (row, unit) and, under an envelope, ``to_values`` (row, unit) are added to.

    Args:
        gradient: of the outputs, (row, step, unit).
        surrogate, shape: kind and width.
        powers: see ``slopes``.
        others: as in ``gathered`` and ``scanned``.
    """
    width = potential.shape[2]
    index, memory = np.empty(width, np.int32), np.empty((5, width), potential.dtype)
    for row in range(first, last):
        _reverse_row(
            row,
            batch,
            gradient,
            neuron,
            constants,
            surrogate,
            shape,
            powers,
            filtering,
            envelope,
            potential,
            to_bias,
            to_values,
            index,
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
    shape,
    powers,
    filtering,
    envelope,
    potential,
    to_bias,
    to_values,
    index,
    memory,
):
    """A row of ``reverse``."""
    slope, carried, traced = memory[0], memory[1], memory[2]
    value, before = memory[3], memory[4]
    memory[1:] = 0
    member = row // batch
    decay, threshold = constants[member, 0], constants[member, 1]
    refractory = constants[member, 2]
    bias = to_bias[row]
    for t in range(potential.shape[1] - 1, -1, -1):
        u = potential[row, t]
        if neuron != INTEGRATOR:
            slopes(surrogate, shape, threshold, u, powers, index, slope)
        g = gradient[row, t]
        retreat(neuron, decay, threshold, refractory, slope, g, carried, traced, u)
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
    shape,
    powers,
    potential,
    own_lines,
):
    """Backward pass of a recurrent layer: some rows through all steps, then the next rows, so that
    their adjoints and the weights stay in cache.

    Adjoints are dense, since surrogate derivatives are nowhere zero, so that there is nothing to
    skip in the product of a step's adjoints with the recurrent weights.

    Args:
        gradient, lines: of the outputs, (line, unit).
        panels: of the transposed recurrent weights, by member, see ``tiles.panels``.
        potential, own_lines: (line, unit), becomes the adjoint of the drive.
        others: as in ``reverse``.
    """
    width = potential.shape[1]
    index, slope = np.empty(width, np.int32), np.empty(width, potential.dtype)
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
            shape,
            powers,
            potential,
            own_lines,
            index,
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
    shape,
    powers,
    potential,
    own_lines,
    index,
    slope,
    memory,
):
    """Rows of one member of ``reverse_looped``."""
    decay, threshold, refractory = constants[0], constants[1], constants[2]
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
            n, u = row - first, potential[row * own_lines[0] + t * own_lines[1]]
            slopes(surrogate, shape, threshold, u, powers, index, slope)
            retreat(neuron, decay, threshold, refractory, slope, total[n], carried[n], traced[n], u)


@njit(**OPTIONS)
def sloped(first, last, batch, spiking, surrogate, shape, powers, potential, slope):
    """Surrogate derivatives, (row, unit), of the units before ``spiking`` (member,) at threshold 1.

    Args:
        others: as in ``reverse``.
    """
    index = np.empty(potential.shape[1], np.int32)
    one = potential.dtype.type(1)
    for row in range(first, last):
        count = spiking[row // batch]
        u, d = potential[row, :count], slope[row, :count]
        slopes(surrogate, shape, one, u, powers, index, d)

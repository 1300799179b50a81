"""Everything of the engine that is compiled: rows of units first, then loops over rows and steps.

A row is one example of one member (member * batch + example). Arrays are (row, step, unit), so that
all that belongs to a row lies together in memory. Kernels work on rows ``first`` to ``last``, or on
columns, so that threads can share the work; none of them allocates by the size of the batch.

One file, since a kernel's copy on disk is renewed when its own file changes, not when another does.
"""

from __future__ import annotations

import numpy as np
from numba import njit

# numpy's error model: a division that might raise would keep its loop from being vectorised
OPTIONS = {"nogil": True, "cache": True, "error_model": "numpy"}

SOFT, HARD, REFRACTORY, INTEGRATOR = range(4)
"""Neurons: LIF with soft and with hard reset, RefractoryLIF, LeakyIntegrator."""

SUPERSPIKE, ATAN, GAUSSIAN = range(3)
"""Surrogate derivatives."""

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
        peak, scale = one / (real(np.sqrt(2 * np.pi)) * width), one / width
        log2, most = real(np.log(2)), real(len(powers) - 1)
        tail = real(1 / 40320)
        for n in range(len(slope)):
            x = (potential[n] - threshold) * scale
            y = half * x * x
            # exp(-y) = 2^-whole * exp(rest), |rest| <= ln(2) / 2
            whole = np.floor(y * real(1 / np.log(2)) + half)
            whole = whole if whole < most else most
            rest = whole * log2 - y
            rest = rest if rest > -half else -half  # far below, where the power is 0
            # exp written out as a series: an inner loop would keep this one from being vectorised
            far = real(1 / 120) + rest * (real(1 / 720) + rest * (real(1 / 5040) + rest * tail))
            near = half + rest * (real(1 / 6) + rest * (real(1 / 24) + rest * far))
            slope[n] = peak * (one + rest * (one + rest * near))
            index[n] = np.int32(whole)
        for n in range(len(slope)):  # a loop of its own, or neither would be vectorised
            slope[n] *= powers[np.uint32(index[n])]


@njit(**OPTIONS)
def list_spikes(potential, threshold, names, units, place):
    """Append the names of units above threshold to ``units`` at ``place``; the new end."""
    for n in range(len(potential)):
        units[place] = names[n]
        place += potential[n] > threshold
    return place


@njit(**OPTIONS)
def add_rows(total, table, units, first, last):
    """Add to ``total`` the rows of ``table`` (unit, width) that ``units[first:last]`` names."""
    width = len(total)
    e = first
    # four at a time: the total is read and written a quarter as often
    while e + 4 <= last:
        a, b, c, d = table[units[e]], table[units[e + 1]], table[units[e + 2]], table[units[e + 3]]
        for n in range(width):
            total[n] += (a[n] + b[n]) + (c[n] + d[n])
        e += 4
    while e < last:
        a = table[units[e]]
        for n in range(width):
            total[n] += a[n]
        e += 1


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


@njit(**OPTIONS)
def new(width, like):
    """A row of zeros."""
    return np.zeros(width, like.dtype)


# --- layers ---------------------------------------------------------------------------------------


@njit(**OPTIONS)
def gathered(
    first, last, batch, shared, events, begins, weight, bias, recurrent, filtering,
    neuron, constants, names, keep, potential, units, starts,
):  # fmt: skip
    """A layer that reads events: adds the rows of weights that spiked instead of multiplying.

    Args:
        first, last, batch: rows to do; rows of a member.
        shared: whether all members read the same events.
        events, begins: of the input, see ``hnnlib.signals.Events``.
        weight, bias: (member, input, unit), (member, unit).
        recurrent: (member, unit, unit), or no member.
        filtering: (3,) coefficients of a synaptic filter on the product, or (0,).
        neuron, constants: kind; (member, 3) decay, threshold, refractory decay.
        names: (unit,) place of each unit in ``Events``.
        keep: whether the potentials are wanted.
        potential, units, starts: results, the last two as in ``Events``.
    """
    steps, width = starts.shape[1] - 1, weight.shape[2]
    product, drive, scratch = new(width, weight), new(width, weight), new(width, weight)
    state, trace = new(width, weight), new(width, weight)
    value, before = new(width, weight), new(width, weight)
    filtered, loops = len(filtering) > 0, len(recurrent) > 0
    for row in range(first, last):
        member = row // batch
        source = row % batch if shared else row
        decay, threshold = constants[member, 0], constants[member, 1]
        refractory = constants[member, 2]
        for memory in (state, trace, value, before):
            memory[:] = 0
        place = row * steps * width
        starts[row, 0] = previous = place
        for t in range(steps):
            begin, end = begins[source, t], begins[source, t + 1]
            if filtered:
                product[:] = 0
                add_rows(product, weight[member], events, begin, end)
                filter_row(filtering, product, value, before)
                for n in range(width):
                    drive[n] = value[n] + bias[member, n]
            else:
                drive[:] = bias[member]
                add_rows(drive, weight[member], events, begin, end)
            if loops:
                add_rows(drive, recurrent[member], units, previous, place)
            u = potential[row, t] if keep else scratch
            advance(neuron, decay, threshold, refractory, drive, state, trace, u)
            previous = place
            place = list_spikes(u, threshold, names, units, place)
            starts[row, t + 1] = place


@njit(**OPTIONS)
def scanned(
    first, last, batch, current, envelope, bias, filtering, recurrent, neuron, constants, names,
    keep, listed, potential, units, starts,
):  # fmt: skip
    """A layer whose drive is known: (row, step, unit), or (row, 1, unit) times an envelope (step,).

    The other arguments are those of ``gathered``; ``listed`` says whether spikes are wanted.
    """
    steps, width = starts.shape[1] - 1, current.shape[2]
    drive, scratch = new(width, current), new(width, current)
    state, trace = new(width, current), new(width, current)
    value, before = new(width, current), new(width, current)
    loops = len(recurrent) > 0
    for row in range(first, last):
        member = row // batch
        decay, threshold = constants[member, 0], constants[member, 1]
        refractory = constants[member, 2]
        for memory in (state, trace, value, before):
            memory[:] = 0
        known, shift = current[row, 0], bias[member]
        starts[row, 0] = previous = place = row * steps * width
        for t in range(steps):
            if len(envelope):
                factor = envelope[t]
                for n in range(width):
                    drive[n] = factor * known[n] + shift[n]
            else:
                known = current[row, t]
                if len(filtering):
                    filter_row(filtering, known, value, before)
                    known = value
                for n in range(width):
                    drive[n] = known[n] + shift[n]
            if loops:
                add_rows(drive, recurrent[member], units, previous, place)
            u = potential[row, t] if keep else scratch
            advance(neuron, decay, threshold, refractory, drive, state, trace, u)
            previous = place
            if listed:
                place = list_spikes(u, threshold, names, units, place)
            starts[row, t + 1] = place


@njit(**OPTIONS)
def reverse(
    first, last, batch, gradient, neuron, constants, surrogate, shape, powers, filtering, envelope,
    potential, to_bias, to_values,
):  # fmt: skip
    """Backward pass of ``gathered`` without recurrence, and of ``scanned``: adjoint equations.

    ``potential`` becomes the gradient of the product (of the drive, without a filter); ``to_bias``
    (row, unit) and, under an envelope, ``to_values`` (row, unit) are added to.

    Args:
        gradient: of the outputs, (row, step, unit).
        surrogate, shape: kind and width.
        powers: see ``slopes``.
        others: as in ``gathered`` and ``scanned``.
    """
    rows, steps, width = potential.shape
    index, slope = np.empty(width, np.int32), new(width, potential)
    carried, traced = new(width, potential), new(width, potential)
    value, before = new(width, potential), new(width, potential)
    for row in range(first, last):
        member = row // batch
        decay, threshold = constants[member, 0], constants[member, 1]
        refractory = constants[member, 2]
        for memory in (carried, traced, value, before):
            memory[:] = 0
        bias = to_bias[row]
        for t in range(steps - 1, -1, -1):
            u = potential[row, t]
            if neuron != INTEGRATOR:
                slopes(surrogate, shape, threshold, u, powers, index, slope)
            g = gradient[row, t]
            retreat(neuron, decay, threshold, refractory, slope, g, carried, traced, u)
            for n in range(width):
                bias[n] += u[n]
            if len(filtering):
                unfilter_row(filtering, u, value, before)
            if len(envelope):
                factor, known = envelope[t], to_values[row]
                for n in range(width):
                    known[n] += factor * u[n]


@njit(**OPTIONS)
def reverse_step(
    t, batch, gradient, looped, neuron, constants, surrogate, shape, powers,
    carried, traced, index, slope, potential,
):  # fmt: skip
    """One step of the backward pass of a recurrent layer, all rows.

    ``looped`` (row, unit): gradient of the spikes at t through the recurrent weights, which needs
    the adjoint of every unit at t + 1: a product, made between two calls.
    """
    rows, steps, width = potential.shape
    for row in range(rows):
        member = row // batch
        decay, threshold = constants[member, 0], constants[member, 1]
        refractory = constants[member, 2]
        u, total = potential[row, t], looped[row]
        for n in range(width):
            total[n] += gradient[row, t, n]
        if neuron != INTEGRATOR:
            slopes(surrogate, shape, threshold, u, powers, index, slope)
        retreat(neuron, decay, threshold, refractory, slope, total, carried[row], traced[row], u)


# --- products with events -------------------------------------------------------------------------


@njit(**OPTIONS)
def by_unit(first, last, units, starts, when, where):
    """Events of each row ordered by unit: ``where`` (row, unit + 1) into ``when``, their steps.

    A row's events take the same places in ``when`` as in ``units``.
    """
    steps, count = starts.shape[1] - 1, where.shape[1] - 1
    for row in range(first, last):
        place = where[row]
        place[:] = 0
        for e in range(starts[row, 0], starts[row, steps]):
            place[units[e] + 1] += 1
        place[0] = starts[row, 0]
        for unit in range(count):
            place[unit + 1] += place[unit]
        # filled from behind, every unit's end moves down to its begin
        for t in range(steps - 1, -1, -1):
            for e in range(starts[row, t], starts[row, t + 1]):
                place[units[e] + 1] -= 1
                when[place[units[e] + 1]] = t
        for unit in range(count):
            place[unit] = place[unit + 1]
        place[count] = starts[row, steps]


@njit(**OPTIONS)
def scattered(low, high, member, batch, shared, units, starts, delay, adjoint, gradient):
    """Gradient of a member's weights, input units ``low`` to ``high``: adds the adjoints of the
    drive, ``delay`` steps after each event, to the row of its unit.

    Args:
        shared: whether all members read the same events.
        units, starts: see ``hnnlib.signals.Events``.
        adjoint: (row, step, unit).
        gradient: (member, input, unit), added to.
    """
    for example in range(batch):
        row = member * batch + example
        source = example if shared else row
        for t in range(adjoint.shape[1] - delay):
            added = adjoint[row, t + delay]
            for e in range(starts[source, t], starts[source, t + 1]):
                if low <= units[e] < high:
                    total = gradient[member, units[e]]
                    for n in range(len(added)):
                        total[n] += added[n]


@njit(**OPTIONS)
def outer(low, high, member, batch, shared, when, where, delay, adjoint, gradient):
    """The same as ``scattered`` with events ordered by unit, from ``by_unit``: less to read and
    write where a unit has several events.
    """
    late = adjoint.shape[1] - delay
    for example in range(batch):
        row = member * batch + example
        source = example if shared else row
        table = adjoint[row, delay:]
        e = where[source, low]
        for unit in range(low, high):
            end = last = where[source, unit + 1]
            # the steps of a unit rise: events whose effect comes after the end stand last
            while last > e and when[last - 1] >= late:
                last -= 1
            if last > e:
                add_rows(gradient[member, unit], table, when, e, last)
            e = end


@njit(**OPTIONS)
def thin_product(first, last, batch, adjoint, weight, product):
    """adjoint (row, step, few) times weight (member, few, many), into (row, step, many).

    A matrix library takes twice as long where the inner axis is this short.
    """
    few = weight.shape[1]
    for row in range(first, last):
        table = weight[row // batch]
        for t in range(adjoint.shape[1]):
            out, factors = product[row, t], adjoint[row, t]
            out[:] = 0
            k = 0
            while k + 4 <= few:
                a, b, c, d = table[k], table[k + 1], table[k + 2], table[k + 3]
                p, q, r, s = factors[k], factors[k + 1], factors[k + 2], factors[k + 3]
                for n in range(len(out)):
                    out[n] += (p * a[n] + q * b[n]) + (r * c[n] + s * d[n])
                k += 4
            while k < few:
                a, p = table[k], factors[k]
                for n in range(len(out)):
                    out[n] += p * a[n]
                k += 1


@njit(**OPTIONS)
def list_ones(first, last, signal, most, units, starts, good):
    """Events of a signal (step, row, unit) of zeros and ones.

    Gives a row up, and says so in ``good`` (row,), where something else stands in it or where it
    has more than ``most`` events.
    """
    steps, _, width = signal.shape
    for row in range(first, last):
        starts[row, 0] = place = begin = row * steps * width
        other = 0
        for t in range(steps):
            numbers = signal[t, row]
            for n in range(width):
                units[place] = n
                place += numbers[n] == 1
                other += (numbers[n] != 0) & (numbers[n] != 1)
            starts[row, t + 1] = place
            if other or place - begin > most:
                break
        good[row] = other == 0 and place - begin <= most


@njit(**OPTIONS)
def write_out(first, last, places, units, starts, out):
    """Events as numbers: how often each unit of ``out`` (row, step, unit) fired.

    ``places`` (unit,): where in a row the unit of an event lies.
    """
    for row in range(first, last):
        for t in range(starts.shape[1] - 1):
            numbers = out[row, t]
            numbers[:] = 0
            for e in range(starts[row, t], starts[row, t + 1]):
                numbers[places[units[e]]] += 1

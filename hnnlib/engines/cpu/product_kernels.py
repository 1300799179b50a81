"""Compiled products with events, and their gradients.

Arrays as in ``kernels``.
"""

from __future__ import annotations

from numba import njit

from hnnlib.engines.cpu.compilation import VIEWS
from hnnlib.engines.cpu.row_kernels import assign
from hnnlib.engines.cpu.tiles import multiply
from hnnlib.engines.cpu.vectors import add_rows, add_to_rows

__all__ = ["outer", "scattered", "summed", "thin_product"]


@njit(**VIEWS)
def summed(first, last, batch, shared, units, starts, weight, bias, lines, out):
    """The product alone: ``bias`` (member, unit) plus the rows of weights that spiked.

    Args:
        lines, out: result, (line, unit).
        others: as in ``scattered``.
    """
    for row in range(first, last):
        member = row // batch
        source = row % batch if shared else row
        for t in range(starts.shape[1] - 1):
            total = out[row * lines[0] + t * lines[1]]
            assign(total, bias[member])
            add_rows(total, weight[member], 0, 1, units, starts[source, t], starts[source, t + 1])


@njit(**VIEWS)
def scattered(low, high, batch, shared, units, starts, delay, adjoint, lines, gradient):
    """Gradient of all members' weights to their input units ``low`` to ``high``: adds the adjoints
    of the drive, ``delay`` steps after each event, to the row of the event's unit.

    Args:
        shared: whether all members read the same events.
        units, starts: see ``hnnlib.signals.Events``.
        adjoint, lines: (line, unit).
        gradient: (member, input, unit), added to.
    """
    for row in range(batch * len(gradient)):
        source, total = row % batch if shared else row, gradient[row // batch]
        for t in range(starts.shape[1] - 1 - delay):
            added = adjoint[row * lines[0] + (t + delay) * lines[1]]
            e, end = starts[source, t], starts[source, t + 1]
            while e < end:  # units mostly rise within a step, so that there is one run of them
                while e < end and not low <= units[e] < high:
                    e += 1
                first = e
                while e < end and low <= units[e] < high:
                    e += 1
                add_to_rows(total, added, units, first, e)


@njit(**VIEWS)
def outer(low, high, batch, shared, when, where, steps, delay, adjoint, lines, gradient):
    """The same as ``scattered`` with events ordered by unit, from ``event_kernels.by_unit``: less
    to read and write where units have several events.
    """
    late = steps - delay
    for row in range(batch * len(gradient)):
        source, total = row % batch if shared else row, gradient[row // batch]
        base = row * lines[0] + delay * lines[1]
        e = where[source, low]
        for unit in range(low, high):
            end = last = where[source, unit + 1]
            # the steps of a unit rise: events whose effect comes after the end stand last
            while last > e and when[last - 1] >= late:
                last -= 1
            if last > e:
                add_rows(total[unit], adjoint, base, lines[1], when, e, last)
            e = end


@njit(**VIEWS)
def thin_product(first, last, batch, steps, adjoint, lines, panels, product):
    """``product`` (line, many): ``adjoint`` (line, few) times weights (few, many), which are given
    by member as ``tiles.panels``. A matrix library takes twice as long.
    """
    few, given = adjoint.shape[1], adjoint.reshape(-1)
    if lines[1] == 1:  # the steps of a row lie together
        for row in range(first, last):
            begin = row * lines[0]
            out = product[begin : begin + steps]
            _multiply(out, given, begin * few, few, panels[row // batch])
        return
    for t in range(steps):
        row = first
        while row < last:
            end = min(last, (row // batch + 1) * batch)
            begin = row + t * lines[1]
            out = product[begin : begin + end - row]
            _multiply(out, given, begin * few, few, panels[row // batch])
            row = end


@njit(**VIEWS)
def _multiply(out, left, begin, stride, panels):
    """All columns of a product."""
    for panel in range(len(panels)):
        multiply(out, panel * panels.shape[2], left, begin, stride, panels[panel], False)

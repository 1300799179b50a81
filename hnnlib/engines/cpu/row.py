"""What the kernels need to know of a neuron and of a surrogate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from torch import Tensor

__all__ = ["Row", "SurrogateRow"]


class Row(NamedTuple):
    """An entry of the table of neurons.

    Both steps are compiled functions of one row of units, which write over what they are given:

    - ``forward(constants, drive, state, trace, potential)``: ``potential``, whose units spike where
      it is above threshold, and the new ``state`` and ``trace``, which begin at 0;
    - ``backward(constants, slope, gradient, trace, carried, traced, potential, to_constants)``:
      ``potential`` becomes the adjoint of the drive. ``gradient`` is that of the outputs, ``slope``
      the surrogate derivative; ``carried`` and ``traced`` are what the step after this one handed
      back, 0 at the end, and become what this one hands to the step before.

    ``constants`` is (constant, 1), or (constant, unit) with ``by_unit``.

    Attributes:
        neuron: its type, exactly: a subclass may have another step.
        constants: of a neuron, floats or tensors; the threshold comes first.
        forward, backward: see above.
        when: which neurons of the type this entry is for.
        spiking: whether outputs are spikes, not potentials.
        at_threshold: whether a unit fires at its threshold, too.
        by_unit: whether constants, but for the threshold, may differ between units and be trained;
            ``backward`` then adds their gradients to ``to_constants`` (constant, unit), unless that
            is empty. The entry comes behind one for constants that are the same for all units.
        keeps_trace: whether ``backward`` is given the ``trace`` that ``forward`` left.
    """

    neuron: type
    constants: Callable[[Any], tuple[Tensor | float, ...]]
    forward: Callable[..., None]
    backward: Callable[..., None]
    when: Callable[[Any], bool] = lambda neuron: True
    spiking: bool = True
    at_threshold: bool = False
    by_unit: bool = False
    keeps_trace: bool = False


class SurrogateRow(NamedTuple):
    """An entry of the table of surrogates.

    ``slopes(shape, threshold, potential, slope)``, compiled, writes each unit's surrogate
    derivative, for a row of units.

    Attributes:
        surrogate: its type, exactly: a subclass may have another derivative.
        shape: of a surrogate and the threshold behind which it stands, as many numbers as its
            kernel reads of ``shape``: floats or tensors that differ between members.
        slopes: see above.
    """

    surrogate: type
    shape: Callable[[Any, Tensor | float], tuple[Tensor | float, ...]]
    slopes: Callable[..., None]

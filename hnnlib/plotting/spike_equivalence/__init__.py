"""The figures and tables of the study ``spike_equivalence``.

``forward`` and ``backward`` draw a neuron of one's own; the others take the result store as an
``xarray.Dataset``.
"""

from __future__ import annotations

from hnnlib.plotting.spike_equivalence.errors import errors
from hnnlib.plotting.spike_equivalence.mismatches import mismatches
from hnnlib.plotting.spike_equivalence.neuron import backward, forward
from hnnlib.plotting.spike_equivalence.neurons import neurons
from hnnlib.plotting.spike_equivalence.tables import cells, trained

__all__ = ["backward", "cells", "errors", "forward", "mismatches", "neurons", "trained"]

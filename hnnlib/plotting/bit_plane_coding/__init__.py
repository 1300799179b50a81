"""The figures and tables of the study ``bit_plane_coding``, drawn from its result store.

Each function takes the store as an ``xarray.Dataset``; cells that were not run are left out or
marked.
"""

from __future__ import annotations

from hnnlib.plotting.bit_plane_coding.derivatives import planes, together
from hnnlib.plotting.bit_plane_coding.forests import accuracy, switches
from hnnlib.plotting.bit_plane_coding.gradients import gradients
from hnnlib.plotting.bit_plane_coding.tables import costs, facts

__all__ = ["accuracy", "costs", "facts", "gradients", "planes", "switches", "together"]

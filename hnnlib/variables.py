"""Variables of a result store, with what they are and in which physical units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Variable", "of_cell", "variable"]

Variable = tuple[tuple[str, ...], Any, dict[str, str]]
"""What ``xarray`` takes for a variable: dimensions, values, attributes."""


def variable(
    dims: Sequence[str], values: npt.ArrayLike, long_name: str, units: str = "1"
) -> Variable:
    """A variable; ``units`` are those of a number in it, "1" for counts and shares."""
    return tuple(dims), values, {"long_name": long_name, "units": units}


def of_cell(
    dims: Sequence[str], values: npt.ArrayLike, long_name: str, units: str = "1"
) -> Variable:
    """A variable of one cell: a dimension ``cell`` of length one goes before `dims`."""
    return variable(("cell", *dims), np.asarray(values)[None], long_name, units)

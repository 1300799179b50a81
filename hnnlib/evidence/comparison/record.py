"""One comparison of cells: what was compared, what was found, what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from hnnlib.evidence.comparison.labels import number_format
from hnnlib.evidence.papers import Gate, Select

__all__ = ["Comparison", "Kind", "Outcome"]

Outcome = Literal["for", "against", "open", "not tested", "too few seeds", "not run", "shown"]
Kind = Literal["difference", "series", "count", "value", "number", "correlation"]


@dataclass(frozen=True)
class Comparison:
    """One comparison of cells; NaN where there is no such number.

    ``kind`` is "difference" (left minus right over seeds), "series" (cells in an order; difference
    is last minus first), "count" (left minus right of a number that has no seeds), "value" (one
    cell against a bound; difference is its mean), "number" (the same without seeds), or
    "correlation" (over the runs of some cells; difference is the coefficient). ``means`` has
    the value of each cell, accuracies in percent; left and right include what the pair adds or
    takes away. ``left`` and ``right`` are names of cells, empty where not run. ``p`` belongs to the
    direction that was found; ``p_holm`` is corrected over the part of the claim.

    ``cells`` are all cells behind it, ``may_fail`` those whose failure is the question. ``sense``
    is 1 where the claim says more than ``bound``, -1 where less, 0 where it says the same.
    ``favours`` says on which side of the claim the estimate lies, whatever its p. ``spread`` is the
    standard deviation over seeds. ``shut`` are the gates that keep the comparison from answering,
    each with its reason; it then was not tested.
    """

    label: str
    selects: tuple[Select, ...]
    variable: str
    kind: Kind = "difference"
    unit: str = "pp"
    left: str = ""
    right: str = ""
    means: tuple[float, ...] = ()
    difference: float = np.nan
    low: float = np.nan
    high: float = np.nan
    level: float = 0.95
    margin: float = np.nan
    n: int = 0
    left_out: int = 0
    p: float = np.nan
    p_holm: float = np.nan
    outcome: Outcome = "open"
    cells: tuple[str, ...] = ()
    may_fail: tuple[str, ...] = ()
    sense: int = 1
    bound: float = 0.0
    favours: bool | None = None
    spread: float = np.nan
    shut: tuple[tuple[Gate, str], ...] = ()

    @property
    def why(self) -> str:
        """Why it was not tested; empty if it was."""
        return self.shut[0][1] if self.shut else ""

    def sentence(self) -> str:
        """``separate minus simultaneous: +0.31 pp [0.12, 0.50], 3 seeds, Holm p = 0.01``."""
        if self.outcome == "not run":
            return f"{self.label}: not run at this scale"
        if self.kind == "count":
            left, right = self.means
            return (
                f"{self.label}: {left:.3g} against {right:.3g}{self._unit()}{_times(left, right)}"
            )
        if self.n == 0 and self.left_out:
            return f"{self.label}: no number, every seed failed ({self.left_out} left out)"
        if self.kind == "correlation" and np.isnan(self.difference):
            why = "one of the two is constant" if self.outcome == "open" else "no coefficient"
            return f"{self.label}: {why}, {self.n} seed{'s' * (self.n != 1)}"
        sign = "z" if self.kind in ("value", "number") else "+z"
        text = f"{self.label}: {self._write(self.difference, sign)}{self._unit()}"
        if self.kind == "number":
            return text
        if self.kind == "series":
            text = f"{self.label}: {', '.join(map(self._write, self.means))}{self._unit()}"
        if not np.isnan(self.low):
            text += f" [{self._write(self.low, 'z')}, {self._write(self.high, 'z')}]"
            text += " (90 %)" if self.level == 0.90 else ""
        if not np.isnan(self.margin):
            text += f", margin {self.margin:g}{self._unit()}"
        text += f", {self.n} seed{'s' * (self.n != 1)}"
        if self.left_out:
            text += f" ({self.left_out} left out)"
        if not np.isnan(self.p_holm):
            text += f", Holm p {'< 0.001' if self.p_holm < 0.001 else f'= {self.p_holm:.2g}'}"
        return text

    def _write(self, value: float, sign: str = "") -> str:
        form = number_format(value, self.unit)
        return format(value, sign + form if form.endswith("f") else sign.rstrip("z") + form)

    def _unit(self) -> str:
        if self.kind in ("series", "value", "number") and self.unit == "pp":
            return " %"
        return "" if self.unit == "1" else f" {self.unit}"


def _times(left: float, right: float) -> str:
    return f" ({left / right:.2f} times)" if right else ""

"""Able: these seeds, with their spread, could have found the paper's effect."""

from __future__ import annotations

import numpy as np

from hnnlib.analysis import statistics
from hnnlib.analysis.statistics import Planned
from hnnlib.errors import counted
from hnnlib.evidence.comparison import Comparison, number_format, overlap_of
from hnnlib.evidence.gates.base import Asked
from hnnlib.evidence.printed import paper_numbers

__all__ = ["able", "planned", "unanimous"]


def able(asked: Asked, c: Comparison) -> str | None:
    """Whether the whole part, simulated, finds the effect often enough.

    The effect is the paper's, or the one that its file declares. What these seeds did decide, they
    were able to: there an effect of the size seen may be found often enough instead, so that a
    lucky find is none. Where no effect is known, seeds that all agree must be able to decide.
    """
    if c.kind == "correlation":
        return None  # its permutation test has a least number of runs of its own
    overlap = overlap_of(asked.dataset, c.cells[0])
    family = [planned(asked, one) for one in asked.family]
    place = [one is c for one in asked.family].index(True)
    known = family[place]
    shares = []
    for one in (known, _seen(c) if c.outcome in ("for", "against") else None):
        if one is not None:
            whole = [*family[:place], one, *family[place + 1 :]]
            shares.append(statistics.could_find(whole, c.n, overlap)[place])
    if not shares:
        if unanimous(c.n, len(family), overlap):
            return None
        seeds, all_of = counted(c.n, "seed"), counted(len(family), "comparison")
        return f"{seeds} that all agree could not decide among {all_of}"
    if max(shares) >= asked.gates.power:
        return None
    what = "an effect as seen" if known is None else _effect(known, c)
    return (
        f"{counted(c.n, 'seed')} with a spread of {_number(c.spread, c)} would find {what} in "
        f"{100 * max(shares):.0f} % of runs"
    )


def planned(asked: Asked, c: Comparison, spread: float | None = None) -> Planned | None:
    """The comparison with the effect that the paper prints, or that its file declares.

    Args:
        spread: over seeds, if not the one that was seen.
    """
    spread = c.spread if spread is None else spread
    if np.isnan(spread):
        return None
    if c.sense == 0:
        return Planned(0.0, spread, "equivalence", c.margin)
    numbers = paper_numbers(asked.paper, asked.study, c)
    if c.kind == "series":
        known = len(numbers) > 2 and None not in numbers
        rises = known and all(np.diff(np.array(numbers, float)) * c.sense > 0)
        return (
            Planned(numbers, spread, "order", sense=c.sense)
            if rises
            else _declared(asked, c, spread)
        )
    if len(numbers) == (1 if c.kind == "value" else 2) and None not in numbers:
        effect = numbers[0] - (numbers[1] if len(numbers) > 1 else 0)
        if c.sense * (effect - c.bound) > 0:
            return Planned(effect, spread, "difference", c.bound, c.sense)
    return _declared(asked, c, spread)


def unanimous(seeds: int, family: int, overlap: float = 0.0) -> bool:
    """Whether seeds with one and the same value decide, however many comparisons there are."""
    if seeds < statistics.SEEDS_NEEDED["difference"]:
        return False
    p = statistics.paired_difference(np.ones(seeds), np.zeros(seeds), overlap=overlap).p
    return statistics.holm([p] * family)[0] <= 0.05


def _seen(c: Comparison) -> Planned:
    """The comparison as if what was seen were so, on the side that it was decided for."""
    if c.kind == "series":
        return Planned(
            c.means, c.spread, "order", sense=c.sense if c.outcome == "for" else -c.sense
        )
    if c.sense == 0 and c.outcome == "for":
        return Planned(c.difference, c.spread, "equivalence", c.margin)
    bound = c.bound if c.sense else np.copysign(c.margin, c.difference)
    return Planned(c.difference, c.spread, "difference", bound, 1 if c.difference > bound else -1)


def _declared(asked: Asked, c: Comparison, spread: float) -> Planned | None:
    effect = asked.part.effect
    if effect is None:
        return None
    if c.kind == "series":
        steps = tuple(c.sense * effect * k for k in range(len(c.selects)))
        return Planned(steps, spread, "order", sense=c.sense)
    return Planned(c.bound + c.sense * effect, spread, "difference", c.bound, c.sense)


def _effect(one: Planned, c: Comparison) -> str:
    if one.test == "equivalence":
        return f"a difference below {one.bound:g}"
    if one.test == "order":
        return "the order"
    return f"{_number(one.effect, c)}"


def _number(value: float, c: Comparison) -> str:
    unit = "" if c.unit == "1" else f" {c.unit}"
    return f"{value:{number_format(value, c.unit)}}{unit}"

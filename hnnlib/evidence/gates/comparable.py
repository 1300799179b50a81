"""Comparable: the data are the paper's, and our baseline lies near the paper's number."""

from __future__ import annotations

from hnnlib.evidence.comparison import (
    Comparison,
    dataset_of,
    locate,
    mean,
    number_format,
    unit_of,
    values_of,
)
from hnnlib.evidence.gates.base import Asked, fits

__all__ = ["comparable"]


def comparable(asked: Asked, c: Comparison) -> str | None:
    """Data that stand in for the paper's show signs, they answer nothing about the paper's."""
    for cell in c.cells:
        name = dataset_of(asked.dataset, cell)
        if name not in asked.paper.data:
            stands = asked.paper.stand_ins.get(name)
            return f"{name} {f'stands in for {stands}' if stands else 'is not data of the paper'}"
    for baseline in asked.gates.baselines:
        if not any(fits(asked.dataset, cell, baseline.where) for cell in c.cells):
            continue
        ours = locate(asked.dataset, {**asked.paper.defaults, **baseline.select})
        if ours is None:
            return f"the baseline ({baseline.value:g} in the paper) was not run"
        found = mean(values_of(asked.dataset, ours, baseline.variable))
        if not abs(found - baseline.value) <= baseline.distance:
            form = number_format(found, unit_of(asked.dataset, baseline.variable))
            return (
                f"our baseline {ours} has {found:{form}}, the paper {baseline.value:g}: more than "
                f"{baseline.distance:g} apart"
            )
    return None

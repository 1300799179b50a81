"""Colours and words that the figures of this study share."""

from __future__ import annotations

__all__ = ["NAMES", "NEURONS", "READINGS", "SHAPED", "WINDOWS", "label", "window"]

NEURONS = {
    "lif": {"color": "#0072B2", "marker": "o"},
    "qif": {"color": "#D55E00", "marker": "D"},
}
READINGS = {
    "euler": {"color": "#0072B2", "marker": "o"},
    "product": {"color": "#009E73", "marker": "s"},
}
WINDOWS = {
    "two_step": "two steps",
    "twice": "two steps, twice",
    "sigma": "one step",
    "centred": "two steps, around the mean",
    "gaussian": "two steps, a Gaussian",
}
SHAPED = ("centred", "gaussian")  # told apart by more than their half-width
NAMES = {"lif": "LIF", "qif": "QIF", "euler": "Euler", "product": "product"}


def label(reading: str, a: float) -> str:
    """Title of a map."""
    return f"{NAMES[reading]}, a = {a:g}"


def window(rule: str) -> str:
    """A window in words."""
    return WINDOWS.get(rule, f"fixed {rule}")

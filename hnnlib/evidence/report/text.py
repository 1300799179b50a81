"""How numbers are written on the page."""

from __future__ import annotations

import math
import re
from inspect import cleandoc

__all__ = ["duration", "interval", "number", "p_value", "plain", "prose", "seeds", "signed"]


def number(value: float | None, digits: int = 2) -> str:
    """A number with a true minus sign; a dash where there is none."""
    return _write(value, f".{digits}f")


def signed(value: float | None, digits: int = 2) -> str:
    """A difference with its sign, none on a zero; a dash where there is no number."""
    return _write(value, f"+.{digits}f")


def _write(value: float | None, form: str) -> str:
    if value is None or math.isnan(value):
        return "–"
    text = format(value, form)
    return text.lstrip("+-") if float(text) == 0 else text.replace("-", "−")


def interval(mean: float, low: float, high: float, digits: int = 2, sign: bool = False) -> str:
    """``98.05 [97.95, 98.15]``; the mean alone where too few seeds give no interval."""
    write = signed if sign else number
    if math.isnan(low):
        return write(mean, digits)
    return f"{write(mean, digits)} [{write(low, digits)}, {write(high, digits)}]"


def p_value(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.2g}"


def seeds(n: int, left_out: int) -> str:
    return f"{n} ({left_out} failed)" if left_out else f"{n}"


def duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"


def prose(text: str) -> str:
    """A sentence with true minus signs before its numbers."""
    return re.sub(r"(?<![\w.])-(?=\d)", "−", text)


def plain(rule: object) -> str:
    """A rule's docstring as running text."""
    return " ".join(cleandoc(rule.__doc__ or "").replace("`", "").split())

"""How numbers are written on the page."""

from __future__ import annotations

import math
import re
from inspect import cleandoc

from hnnlib.evidence.comparison import number_format

__all__ = ["duration", "interval", "number", "once", "p_value", "plain", "prose", "seeds", "signed"]


def number(value: float | None, digits: int | None = None, unit: str = "percent") -> str:
    """A number with a true minus sign; a dash where there is none.

    Without ``digits``, as many as the unit asks for.
    """
    return _write(value, unit, digits=digits)


def signed(value: float | None, unit: str = "percent") -> str:
    """A difference with its sign, none on a zero; a dash where there is no number."""
    return _write(value, unit, "+")


def _write(value: float | None, unit: str, sign: str = "", digits: int | None = None) -> str:
    if value is None or math.isnan(value):
        return "–"
    form = number_format(value, unit) if digits is None else f".{digits}f"
    text = format(value, sign + form)
    return text.lstrip("+-") if float(text) == 0 else text.replace("-", "−")


def interval(
    mean: float, low: float, high: float, unit: str = "percent", sign: bool = False
) -> str:
    """``98.05 [97.95, 98.15]``; the mean alone where too few seeds give no interval."""
    numbers = [mean] if math.isnan(low) else [mean, low, high]
    first, *ends = (_write(value, unit, "+" if sign else "") for value in numbers)
    return f"{first} [{', '.join(ends)}]" if ends else first


def p_value(p: float) -> str:
    """``0.024``, ``< 0.001``."""
    return "< 0.001" if p < 0.001 else f"{p:.2g}"


def seeds(n: int, left_out: int) -> str:
    """``3``, ``2 (1 failed)``."""
    return f"{n} ({left_out} failed)" if left_out else f"{n}"


def duration(seconds: float) -> str:
    """``12.3 s``, ``3 min 20 s``, ``2 h 5 min``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"


def once(listed: str) -> str:
    """What is listed with semicolons, each once; those in brackets part nothing."""
    return "; ".join(dict.fromkeys(re.split(r"; (?![^()]*\))", listed)))


def prose(text: str) -> str:
    """A sentence with true minus signs before its numbers."""
    return re.sub(r"(?<![\w.])-(?=\d)", "−", text)


def plain(rule: object) -> str:
    """A rule's docstring as running text."""
    return " ".join(cleandoc(rule.__doc__ or "").replace("`", "").split())

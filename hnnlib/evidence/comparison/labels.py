"""How cells, variables and numbers are named in sentences."""

from __future__ import annotations

from collections.abc import Mapping

from hnnlib.evidence.papers import Select

__all__ = [
    "NO_NAMES",
    "STANDS_FOR",
    "WITHOUT_DATA",
    "Names",
    "describe",
    "describe_cell",
    "number_format",
    "spoken",
    "titled",
]

Names = Mapping[str, str]
NO_NAMES: Names = {}
STANDS_FOR = "paper_dataset"
"""Coordinate that names the paper's data; labels name the data really used."""
WITHOUT_DATA = "none"
"""Name of the data set of cells that need none."""


def describe(left: Select, right: Select, names: Names = NO_NAMES) -> str:
    """``MLP 1A 2S: separate minus simultaneous``: named values in common, then what differs."""
    keys = list(dict.fromkeys((*left, *right)))
    differ = [k for k in keys if left.get(k) != right.get(k)]
    if "arm" in differ and {left.get("arm"), right.get("arm")} & set(differ):
        differ.remove("arm")  # the switch that the arm is named after says it
    named = {k for k in differ if all(_name(k, s.get(k), names) is not None for s in (left, right))}
    differ.sort(key=lambda k: k not in named)

    def words(select: Select) -> str:
        return _words({k: select[k] for k in differ if k in select}, names)

    shared = [_name(k, left.get(k), names) for k in keys if k not in differ]
    common = " ".join(filter(None, shared))
    return f"{common}{': ' * bool(common)}{words(left)} minus {words(right)}"


def describe_cell(select: Select, names: Names = NO_NAMES) -> str:
    """``SHD SNN random``: the values that name a cell, without those that say nothing."""
    return _words({k: v for k, v in select.items() if k != "arm"}, names)


def _words(select: Select, names: Names) -> str:
    named = [(str(v), _name(k, v, names)) for k, v in select.items() if v not in ("none", "main")]
    words = dict.fromkeys(value if name is None else name for value, name in named)
    return " ".join(filter(None, words)) or "main"


def _name(key: str, value: object, names: Names) -> str | None:
    """Short name of a coordinate's value, if it has one: by ``key=value``, or by value alone."""
    named = names.get(f"{key}={value}", names.get(str(value)))
    return str(value) if named is None and key == STANDS_FOR else named


def spoken(variable: str, names: Names = NO_NAMES) -> str:
    """A variable in words: its short name, or its own without underscores."""
    return names.get(variable, variable.replace("_", " "))


def titled(label: str, variable: str, names: Names = NO_NAMES) -> str:
    """A label that says which variable is compared, if it is not the usual one."""
    return label if variable == "test_accuracy" else f"{spoken(variable, names)}, {label}"


def number_format(value: float, unit: str) -> str:
    """How a number is written: two decimals for percentages, as many as it needs for others."""
    size = abs(value)
    if unit in ("percent", "%", "pp") or 0.1 <= size < 1000 or size == 0:
        return ".2f"
    return ".0f" if 1000 <= size < 100_000 else ".2e" if size >= 100_000 else ".2g"

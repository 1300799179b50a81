"""The ledger: all answers of all papers as tables and as one file for machines."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from hnnlib.evidence import reach
from hnnlib.evidence.claims import Judgement, judge
from hnnlib.evidence.comparison import compare
from hnnlib.evidence.papers import Paper
from hnnlib.files import written

__all__ = ["FILES", "Ledger", "false_discovery", "to_frame", "weigh", "write"]

FILES = ("claims.csv", "comparison.csv", "readings.csv", "claims.json")
_LISTS = ("comparisons", "context", "gates", "by_data", "dead_outputs")
_INSIDE = ("selects", "left", "right", "may_fail")
"""What only rules and gates need of a comparison."""


class Ledger(NamedTuple):
    """What a run says of some papers; everything by the name of a paper's file.

    Attributes:
        judged: all claims.
        compared: all numbers beside the paper's, see :func:`hnnlib.evidence.comparison.compare`.
    """

    judged: dict[str, list[Judgement]]
    compared: dict[str, pd.DataFrame]

    @property
    def claims(self) -> pd.DataFrame:
        """What belongs in ``claims.csv``."""
        frame = to_frame([one for found in self.judged.values() for one in found])
        frame.insert(0, "paper", [stem for stem, found in self.judged.items() for _ in found])
        return frame

    @property
    def numbers(self) -> pd.DataFrame:
        """What belongs in ``comparison.csv``."""
        return _stacked(self.compared)

    @property
    def readings(self) -> pd.DataFrame:
        """What belongs in ``readings.csv``."""
        read = {stem: {j.claim: j.readings for j in found} for stem, found in self.judged.items()}
        frame = _stacked({stem: reach.to_frame(found) for stem, found in read.items()})
        return frame[[*frame.columns.drop("paper"), "paper"]]

    @property
    def tree(self) -> dict[str, dict[str, dict]]:
        """What belongs in ``claims.json``: everything of every claim; of its readings, which sides
        they are on.
        """
        rates = iter(false_discovery([j.p for found in self.judged.values() for j in found]))
        return {
            stem: {one.claim: _leaf(one) | {"q": _plain(float(next(rates)))} for one in found}
            for stem, found in self.judged.items()
        }


def weigh(papers: Mapping[str, Paper], stores: Mapping[str, xr.Dataset]) -> Ledger:
    """Judge all claims, and lay all numbers beside the papers'.

    Args:
        papers: by the name of their file.
        stores: by study.
    """
    return Ledger(
        {stem: judge(paper, stores) for stem, paper in papers.items()},
        {stem: compare(paper, stores) for stem, paper in papers.items()},
    )


def _stacked(frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Frames of papers as one, with their names as the column ``paper``."""
    frame = pd.concat([one.assign(paper=stem) for stem, one in frames.items()], ignore_index=True)
    return frame[["paper", *frame.columns.drop("paper")]]


def to_frame(judgements: Sequence[Judgement]) -> pd.DataFrame:
    """One row a claim; comparisons, context and gates as JSON, and ``q``; readings are too many."""
    columns = [one.name for one in fields(Judgement) if one.name != "readings"]
    rows = []
    for judgement in judgements:
        row = _fields(judgement, "readings")
        for key in _LISTS:
            row[key] = json.dumps(_plain(row[key]), ensure_ascii=False)
        rows.append(row)
    frame = pd.DataFrame(rows, columns=columns)
    frame.insert(columns.index("p") + 1, "q", false_discovery([j.p for j in judgements]))
    return frame


def false_discovery(p: Sequence[float]) -> np.ndarray:
    """p-values of all claims that were tested, adjusted for the false discovery rate over the whole
    ledger (Benjamini & Hochberg 1995); NaN stays.
    """
    p = np.asarray(p, float)
    order = p.argsort()[: np.isfinite(p).sum()]  # NaN last
    adjusted = p[order] * (len(order) / np.arange(1, len(order) + 1))
    found = np.full(p.shape, np.nan)
    found[order] = np.minimum.accumulate(adjusted[::-1])[::-1]
    return found


def write(ledger: Ledger, folder: Path) -> None:
    """Write ``FILES`` into a folder; the tree has a line for each claim."""
    frames = (ledger.claims, ledger.numbers, ledger.readings)
    texts = [frame.to_csv(index=False) for frame in frames]
    texts.append(_object(ledger.tree, _object) + "\n")
    for text, name in zip(texts, FILES, strict=True):
        with written(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")


def _object(items: Mapping[str, Any], write: Callable[[Any], str] | None = None) -> str:
    """A JSON object with a line for each of its items."""
    write = write or partial(json.dumps, ensure_ascii=False, allow_nan=False)
    return "{\n" + ",\n".join(f'"{key}": {write(item)}' for key, item in items.items()) + "\n}"


def _leaf(one: Judgement) -> dict:
    tree = _fields(one, "readings")
    for key in ("comparisons", "context"):
        tree[key] = [{k: v for k, v in c.items() if k not in _INSIDE} for c in tree[key]]
    tree["basis"] = one.basis
    sides = [_fields(reading, "comparisons") for reading in one.readings]
    return _plain(tree | {"readings": sides})


def _fields(one: Any, leave: str) -> dict:
    return {f.name: getattr(one, f.name) for f in fields(one) if f.name != leave}


def _plain(value: Any) -> Any:
    """As JSON has it, which knows no NaN and no tuples."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return None if math.isnan(value) else float(f"{value:.6g}")
    return value

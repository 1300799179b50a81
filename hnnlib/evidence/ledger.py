"""The ledger: all answers of all papers as tables and as one file for machines."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy import stats

from hnnlib.evidence.claims import Judgement, judge
from hnnlib.evidence.comparison import compare
from hnnlib.evidence.papers import Paper

__all__ = ["false_discovery", "to_frame", "weigh", "write_json"]


def weigh(
    papers: Mapping[str, Paper], stores: Mapping[str, xr.Dataset]
) -> tuple[pd.DataFrame, pd.DataFrame, dict]:
    """All claims, all numbers beside the papers', and everything as one tree.

    Args:
        papers: by the name of their file, which becomes the column ``paper``.
        stores: by study.

    Returns:
        What belongs in ``claims.csv``, ``comparison.csv`` and ``claims.json``.
    """
    judged = {stem: judge(paper, stores) for stem, paper in papers.items()}
    stems = [stem for stem, found in judged.items() for _ in found]
    frame = to_frame([one for found in judged.values() for one in found])
    frame.insert(0, "paper", stems)
    numbers = pd.concat(
        [compare(paper, stores).assign(paper=stem) for stem, paper in papers.items()],
        ignore_index=True,
    )
    numbers = numbers[["paper", *numbers.columns.drop("paper")]]
    return frame, numbers, _tree(judged, frame["q"])


def to_frame(judgements: Sequence[Judgement]) -> pd.DataFrame:
    """One row a claim; comparisons, context and gates as JSON, and ``q``; readings are too many."""
    columns = [one.name for one in fields(Judgement) if one.name != "readings"]
    rows = []
    for judgement in judgements:
        row = asdict(judgement)
        for key in ("comparisons", "context", "gates", "by_data"):
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
    found, tested = np.full(p.shape, np.nan), np.isfinite(p)
    if tested.any():
        found[tested] = stats.false_discovery_control(p[tested])
    return found


def write_json(tree: dict, path: str | Path) -> None:
    """Write ``claims.json``."""
    text = json.dumps(tree, indent=1, ensure_ascii=False, sort_keys=False)
    Path(path).write_text(text + "\n", encoding="utf-8")


def _tree(judged: Mapping[str, Sequence[Judgement]], q: pd.Series) -> dict:
    rates = iter(q)
    return {
        stem: {one.claim: _plain(asdict(one) | {"q": next(rates)}) for one in found}
        for stem, found in judged.items()
    }


def _plain(value: Any) -> Any:
    """As JSON has it, which knows no NaN and no tuples."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value

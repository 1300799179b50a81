"""Accuracy by model as a table, with intervals over seeds and over seeds and speakers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import xarray as xr

from hnnlib.analysis.statistics import (
    bootstrap_difference,
    mean_interval,
    paired_difference,
    sign_flip,
)
from hnnlib.analysis.summaries import over_speakers
from hnnlib.plotting.models import label
from hnnlib.plotting.shd_ablations.panels import Panel, panels

__all__ = ["accuracy_table", "difference_table", "read"]

_WHO = {"unseen": "unseen_accuracy", "all": "test_accuracy", "seen": "seen_accuracy"}


def accuracy_table(store: xr.Dataset) -> pd.DataFrame:
    """Test accuracy of every model's main cell in percent, one row for each part of the speakers.

    Columns: data, model, speakers ("unseen": training never had them; "all"; "seen"), mean, low,
    high (95 % t interval over seeds), wide_low, wide_high (95 % bootstrap interval over seeds and
    speakers), n (seeds), failed (seeds without a result). Where a data set has one kind of speakers
    only, there is one row for all. Where the store doesn't say how many recordings a speaker has,
    the bootstrap interval is NaN.
    """
    rows = [row for panel in panels(store) for model in panel.models for row in _rows(panel, model)]
    columns = "data model speakers mean low high wide_low wide_high n failed".split()
    return pd.DataFrame(rows, columns=columns)


def read(table: pd.DataFrame, data: str) -> pd.DataFrame:
    """One data set of :func:`accuracy_table` laid out to be read, best model first.

    For each part of the speakers the mean with its interval over seeds, and the interval over seeds
    and speakers.
    """
    part = table[table["data"] == data]
    laid: dict[tuple[str, str], dict[str, str]] = {}
    for row in part.to_dict("records"):
        who = f"{row['speakers']} speakers"
        over_seeds = _interval(row["low"], row["high"])
        laid.setdefault((who, "mean, over seeds"), {})[row["model"]] = (
            "every seed failed" if row["n"] == 0 else f"{row['mean']:.1f}{over_seeds}"
        )
        both = _interval(row["wide_low"], row["wide_high"]).strip()
        laid.setdefault((who, "over seeds and speakers"), {})[row["model"]] = both or "–"
    first = part.drop_duplicates("model").sort_values("mean", ascending=False)
    text = pd.DataFrame(laid, index=pd.Index(first["model"], name="model"))
    text["", "seeds"] = first["n"].to_numpy()
    text["", "failed"] = first["failed"].to_numpy()
    return text


def difference_table(store: xr.Dataset) -> pd.DataFrame:
    """Hybrid minus every other model in percentage points, paired by seed, by three methods.

    On unseen speakers where there are any, else on the test part. Columns: data, model, mean, low,
    high (95 % t interval), resampled_low, resampled_high (bias-corrected, accelerated bootstrap),
    sign_flip (p of the exact test), n (seeds both have). With three seeds no sign-flip p is below
    0.25.
    """
    rows = []
    for panel in panels(store):
        for model in panel.models:
            if model == "hybrid" or "hybrid" not in panel.models:
                continue
            pair = [panel.values(m) for m in ("hybrid", model)]
            found, resampled = paired_difference(*pair), bootstrap_difference(*pair)
            rows.append(
                [
                    panel.data,
                    label(model),
                    found.mean,
                    found.low,
                    found.high,
                    resampled.low,
                    resampled.high,
                    sign_flip(*pair).p,
                    found.n,
                ]
            )
    columns = "data model mean low high resampled_low resampled_high sign_flip n".split()
    return pd.DataFrame(rows, columns=columns)


def _rows(panel: Panel, model: str) -> Iterator[dict]:
    cell = panel.find(model)
    for who, variable in _WHO.items():
        if who != "all" and not panel.new_speakers:
            continue
        found = mean_interval(100 * cell[variable].values)
        wide = over_speakers(cell, who)
        yield {
            "data": panel.data,
            "model": label(model),
            "speakers": who,
            "mean": found.mean,
            "low": found.low,
            "high": found.high,
            "wide_low": wide.low,
            "wide_high": wide.high,
            "n": found.n,
            "failed": found.left_out,
        }


def _interval(low: float, high: float) -> str:
    return "" if np.isnan(low) else f" [{low:.1f}, {high:.1f}]"

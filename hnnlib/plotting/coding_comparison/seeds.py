"""Seeds in which an output unit never answers, as a table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

__all__ = ["dead_seeds"]


def dead_seeds(store: xr.Dataset) -> pd.DataFrame:
    """Cells of which some seed has an output that never answers, one row each.

    Columns: seeds (how many have one), of (seeds with a result), ties (mean percentage of images),
    and test accuracy in percent by seed: ``96.84``; ``88.10 †2`` with two outputs
    that never answer.
    """
    rows = {}
    for name, cell in store.groupby("cell"):
        cell = cell.squeeze("cell")
        dead, accuracy = cell["dead_outputs"].values, 100 * cell["test_accuracy"].values
        if (dead > 0).any():
            marked = [
                "failed" if np.isnan(value) else f"{value:.2f}" + f" †{int(many)}" * bool(many > 0)
                for value, many in zip(accuracy, dead, strict=True)
            ]
            counts = (int((dead > 0).sum()), int(np.isfinite(dead).sum()))
            ties = round(100 * float(cell["tie_rate"].mean()), 1)
            rows[str(name)] = [*counts, ties, *marked]
    columns = ["seeds", "of", "ties", *(f"seed {seed}" for seed in store["seed"].values)]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("cell")

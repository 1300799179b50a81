"""Tables: accuracy and cost of all cells, and exact facts."""

from __future__ import annotations

import pandas as pd
import xarray as xr

from hnnlib.analysis import cells
from hnnlib.analysis.statistics import mean_interval
from hnnlib.plotting import words
from hnnlib.plotting.bit_plane_coding.words import BRANCHES, DERIVATIVES, SWITCHES

__all__ = ["costs", "facts"]

_COSTS = {
    "spikes": "spikes",
    "synaptic_operations": "synaptic operations",
    "multiply_accumulates": "graded products",
    "parameters": "parameters",
}
_FACTS = {
    "together_mean": "mean derivative with the decoder",
    "together_negative": "negative (% of X)",
    "spread_ratio": "spread of bit 0 over bit 7",
}


def costs(store: xr.Dataset) -> pd.DataFrame:
    """Every trained cell: test accuracy with its interval, and the cost of an example."""
    rows = []
    for place in range(store.sizes["cell"]):
        cell = store.isel(cell=place)
        if cell["dataset"].item() == "none":
            continue
        found = mean_interval(cells.accuracy(cell))
        arm, derivative = cell["arm"].item(), cell["derivative"].item()
        row = {
            "data": words.name(cell["dataset"].item()),
            "network": BRANCHES[cell["branches"].item()] + (", wider" if arm == "wide" else ""),
            "derivative": DERIVATIVES[derivative][0] if derivative in DERIVATIVES else "",
            "rescaled": "yes" if cell["rescale"].item() == "on" else "",
            "setting": SWITCHES.get(arm, ""),
            "test accuracy (%)": f"{found.mean:.1f} [{found.low:.1f}, {found.high:.1f}]",
        }
        numbers = {title: float(cell[name].mean()) for name, title in _COSTS.items()}
        row |= {title: f"{number:,.0f}" for title, number in numbers.items()}
        row["answers that depend on the batch"] = int(cell["batch_flips"])
        rows.append(row)
    return pd.DataFrame(rows).set_index(["data", "network", "derivative", "rescaled", "setting"])


def facts(store: xr.Dataset) -> pd.DataFrame:
    """Exact facts about every derivative, as it is and rescaled."""
    part = cells.select(store, arm="encoder")
    frame = pd.DataFrame({title: part[name].values for name, title in _FACTS.items()})
    frame["negative (% of X)"] *= 100
    for plane in (0, 7):
        frame[f"spread of bit {plane}"] = part["slope_spread"].sel(plane=plane).values
    frame.index = pd.MultiIndex.from_arrays(
        [[DERIVATIVES[d][0] for d in part["derivative"].values], part["rescale"].values],
        names=["derivative", "rescaled"],
    )
    return frame.round(3)

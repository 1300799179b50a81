"""Average correlation matrices, clean and failed (Fig. 3 of the paper)."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform

from hnnlib.plotting import cells, style
from hnnlib.plotting.noise_correlations.words import networks

__all__ = ["clustered", "matrices"]

_TITLES = {"clean": "clean", "failed": "noisy, wrong"}


def clustered(matrix: np.ndarray) -> np.ndarray:
    """Order of units in which correlated ones stand together: average linkage of 1 - r.

    Undefined correlations count as none.
    """
    distance = np.clip(1 - np.nan_to_num(matrix), 0, None)
    distance = (distance + distance.T) / 2
    np.fill_diagonal(distance, 0)
    return hierarchy.leaves_list(
        hierarchy.linkage(squareform(distance, checks=False), "average", optimal_ordering=True)
    )


def matrices(
    store: xr.Dataset, protocol: str = "corrected", variant: str = "paper", ordered: bool = False
) -> Figure | None:
    """First seed's average matrices: a row a network, clean and failed side by side; None where no
    network has both.

    Args:
        ordered: units of both matrices in the order in which the failed one's clusters lie.
    """
    found = [
        (title, cells.one(part, arm="noise", protocol=protocol, variant=variant))
        for title, part in networks(store)
    ]
    found = [(title, _known(cell)) for title, cell in found if cell is not None]
    found = [(title, values) for title, values in found if values is not None]
    if not found:
        return None
    with style.context():
        fig = Figure(figsize=(style.WIDTH, 0.3 + 3.1 * len(found)))
        axes = fig.subplots(len(found), 2, squeeze=False)
        for line, (title, pair) in zip(axes, found, strict=True):
            if ordered:
                order = clustered(pair[1])
                pair = pair[:, order][:, :, order]
            for ax, matrix, condition in zip(line, pair, _TITLES.values(), strict=True):
                image = ax.imshow(matrix, cmap="viridis", vmin=-1, vmax=1, interpolation="nearest")
                ax.set_title(f"{title}, {condition}" if ax is line[0] else condition)
                ax.grid(visible=False)
            line[0].set_ylabel("unit, by cluster" if ordered else "unit")
        for ax in axes[-1]:
            ax.set_xlabel("unit, by cluster" if ordered else "unit")
        fig.colorbar(image, ax=axes, label="average correlation", shrink=0.7)
    return fig


def _known(cell: xr.Dataset) -> np.ndarray | None:
    """Matrices (condition, unit, unit) without the padding of smaller layers; None without any."""
    if "matrix" not in cell or cell["matrix"].isnull().all():
        return None
    values = cell["matrix"].sel(shown=list(_TITLES)).transpose("shown", "unit", "other_unit").values
    used = ~np.isnan(values).all((0, 2))
    # a unit that never has a partner is undefined in its whole row, but lies among others
    return values[:, : used.nonzero()[0].max() + 1, : used.nonzero()[0].max() + 1]

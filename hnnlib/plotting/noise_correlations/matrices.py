"""Average correlation matrices, clean and failed (Fig. 3 of the paper)."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from hnnlib.analysis.summaries import clustered
from hnnlib.plotting import grid, style
from hnnlib.plotting.noise_correlations.words import CONDITIONS, networks, noise

__all__ = ["matrices"]

_SHOWN = ("clean", "failed")


@style.context()
def matrices(
    store: xr.Dataset, protocol: str = "corrected", variant: str = "paper", ordered: bool = False
) -> Figure | None:
    """First seed's average matrices: a block a network, clean and failed side by side; None where
    no network has both.

    Args:
        ordered: units of both matrices in the order in which the failed one's clusters lie.
    """
    found = [(title, _known(noise(part, protocol, variant))) for title, part in networks(store)]
    found = [(title, values) for title, values in found if values is not None]
    if not found:
        return None
    unit = "unit, by cluster" if ordered else "unit"
    fig, blocks = grid.blocks([title for title, _ in found], 2, 2.4, room=0.1)
    for axes, (_, pair) in zip(blocks, found, strict=True):
        if ordered:
            order = clustered(pair[1])
            pair = pair[:, order][:, :, order]
        for ax, matrix, condition in zip(axes, pair, _SHOWN, strict=True):
            image = ax.imshow(matrix, style.DIVERGING, vmin=-1, vmax=1, interpolation="nearest")
            ax.set_title(CONDITIONS[condition]["label"])
            ax.set_xlabel(unit)
            ax.grid(visible=False)
        axes[0].set_ylabel(unit)
        part = axes[0].get_figure(root=False)
        part.colorbar(image, ax=axes, label="average correlation", shrink=0.9)
    return fig


def _known(cell: xr.Dataset | None) -> np.ndarray | None:
    """Matrices (condition, unit, unit) without the padding of smaller layers; None without any."""
    if cell is None or "matrix" not in cell or cell["matrix"].isnull().all():
        return None
    values = cell["matrix"].sel(shown=list(_SHOWN)).transpose("shown", "unit", "other_unit").values
    used = ~np.isnan(values).all((0, 2))
    # a unit that never has a partner is undefined in its whole row, but lies among others
    return values[:, : used.nonzero()[0].max() + 1, : used.nonzero()[0].max() + 1]

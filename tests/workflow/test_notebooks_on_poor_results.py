"""Results may be silent, diverged, constant or missing, and notebooks show them all the same."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr
from notebook_runs import FOLDER, run

from hnnlib import plotting, store
from hnnlib.studies import collecting

NOTEBOOKS = sorted(path.stem for path in FOLDER.glob("*.ipynb") if "tutorial" not in path.stem)
# what a study was asked to do, not what came of it; nor are numbers without seeds, but for maps
ASKED = {
    "encoder_spikes",
    "layer_units",
    "learning_rate",
    "speaker_recordings",
    "speaker_unseen",
    "train_examples",
    "train_flop",
    "train_seconds",
}


def all_alike(found: xr.Dataset, kind: str) -> xr.Dataset:
    """The same study, two data sets and seeds of it, with every cell of one kind, or with its first
    cell alone.
    """
    found = found.isel(seed=slice(0, 2)).copy(deep=True)
    if kind == "alone":
        return found.isel(cell=[0])
    if "dataset" in found.coords:
        data = found["dataset"].values.tolist()
        found = found.isel(cell=[name in list(dict.fromkeys(data))[:2] for name in data])
    for name, variable in found.data_vars.items():
        of_training = "seed" in variable.dims or name.startswith("map_")
        if (
            name in ASKED
            or name == "diverged"
            or not of_training
            or variable.dtype.kind not in "fiu"
        ):
            continue
        if kind == "silent":
            variable[:] = 0.1 if "accuracy" in name else 1.0 if "tie" in name else 0.0
        elif kind == "constant":
            variable[:] = variable.median()
        elif variable.dtype.kind == "f":
            variable[:] = np.nan
    if kind == "diverged" and "grid_regime" in found:
        found["grid_regime"][:] = -1
        grid = found.sizes["tau"] * found.sizes["threshold"]
        found["diverged"][:] = grid if found["diverged"].dtype.kind == "f" else 1
    elif kind == "diverged":
        found["diverged"] = found["diverged"].where(found["diverged"].isnull(), 1)
        found = collecting.summarised(found.attrs["study"], found)
    return found


def drawn(fig, folder, name, **words):
    """Stands for ``save``, which takes longest to lay out what is looked at."""
    if fig is None:
        return
    fig.set_layout_engine("none")
    fig.set_dpi(20)
    fig.canvas.draw()


# silent results are constant, too; maps of the loss have levels that others lack
KINDS = [(name, kind) for name in NOTEBOOKS for kind in ("silent", "diverged", "alone")]


@pytest.mark.parametrize(("name", "kind"), [*KINDS, ("loss_landscape", "constant")])
def test_a_notebook_runs_on_results_that_are_all(name, kind, tmp_path, monkeypatch):
    monkeypatch.setattr(plotting, "save", drawn)
    reference = store.open(FOLDER.parent / f"results/reference/{name}.nc")
    path = store.write(all_alike(reference, kind), tmp_path / f"{name}.nc")
    try:
        run(FOLDER / f"{name}.ipynb", store=str(path))
    finally:
        plt.close("all")

"""What the study ``shd_ablations`` stores of a cell beside what every study does."""

from __future__ import annotations

import xarray as xr

from hnnlib.studies.base.selection import selection_premium
from hnnlib.training.loop import Fit

__all__ = ["gaps"]


def gaps(fit: Fit, measured: xr.Dataset) -> dict[str, xr.DataArray]:
    """Differences of accuracies that claims are about."""

    def named(values: xr.DataArray, text: str) -> xr.DataArray:
        return values.assign_attrs({"long_name": text, "units": "1"})

    like = measured.test_accuracy
    found = {
        "generalisation_gap": (measured.train_accuracy - like, "training minus test accuracy"),
        "speaker_gap": (
            measured.seen_accuracy - measured.unseen_accuracy,
            "test accuracy, seen minus unseen speakers",
        ),
        "validation_gap": (
            measured.validation_accuracy - measured.unseen_accuracy,
            "validation accuracy minus test accuracy on unseen speakers",
        ),
        "selection_premium": (
            like.copy(data=selection_premium(fit).cpu().numpy()[None]),
            "test accuracy of the epoch best on the test part minus that of the chosen one",
        ),
    }
    return {name: named(values, text) for name, (values, text) in found.items()}

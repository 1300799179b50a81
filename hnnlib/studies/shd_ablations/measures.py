"""What the study ``shd_ablations`` stores of a cell beside what every study does."""

from __future__ import annotations

import numpy as np
import xarray as xr

from hnnlib.datasets import speakers
from hnnlib.datasets.eventdata import EventData
from hnnlib.training.loop import Fit
from hnnlib.variables import Variable, of_cell

__all__ = ["by_speaker", "gaps"]


def by_speaker(data: EventData, rows: np.ndarray, right: np.ndarray) -> dict[str, Variable]:
    """Test accuracy by speaker, and on speakers that the training part lacks or has.

    Two of those that it has only validate, unless the cell is trained on all.

    Args:
        rows: of the test part.
        right: (seed, row), 1 where the answer is right, NaN for seeds that diverged.
    """
    who = data.speakers[rows]
    everyone = np.unique(data.speakers)
    new = speakers.unseen(data)
    unseen = np.isin(who, new)

    def accuracy(keep: np.ndarray) -> np.ndarray:
        return right[:, keep].mean(1) if keep.any() else np.full(len(right), np.nan)

    by_one = np.stack([accuracy(who == one) for one in everyone], 1)
    counts = np.array([(who == one).sum() for one in everyone])
    flags, per_seed = np.isin(everyone, new).astype(float), ("seed",)
    return {
        "speaker": ("speaker", everyone),
        "speaker_recordings": of_cell(("speaker",), counts, "test recordings by speaker"),
        "speaker_unseen": of_cell(("speaker",), flags, "1 for speakers that training never had"),
        "speaker_accuracy": of_cell(("seed", "speaker"), by_one, "test accuracy by speaker"),
        "unseen_accuracy": of_cell(per_seed, accuracy(unseen), "test accuracy, unseen speakers"),
        "seen_accuracy": of_cell(
            per_seed, accuracy(~unseen), "test accuracy, training part's speakers"
        ),
    }


def gaps(fit: Fit, measured: xr.Dataset) -> dict[str, xr.DataArray]:
    """Differences of accuracies that claims are about."""
    chosen = fit.watched_curve.gather(0, fit.best_epoch.clamp(min=0)[None])[0]
    premium = fit.watched_curve.nan_to_num(-1.0).amax(0) - chosen

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
            like.copy(data=premium.cpu().numpy()[None]),
            "test accuracy of the epoch best on the test part minus that of the chosen one",
        ),
    }
    return {name: named(values, text) for name, (values, text) in found.items()}

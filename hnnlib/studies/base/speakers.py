"""What studies on spoken recordings store of a cell beside what every study does."""

from __future__ import annotations

import numpy as np

from hnnlib.datasets import speakers
from hnnlib.datasets.eventdata import EventData
from hnnlib.variables import Variable, of_cell

__all__ = ["by_speaker"]


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

"""Ten random manifolds of one dimension: see `hnnlib.datasets.randman`."""

from __future__ import annotations

from hnnlib.datasets import randman
from hnnlib.datasets.eventdata import EventData

__all__ = ["ENTRY", "TASK", "load"]

TASK = randman.Task(
    "randman_standard", "random manifolds", 10, 20, 100, 1.0, 1, test_share=0.1, step_share=0.5
)
ENTRY = randman.entry(TASK)


def load() -> EventData:
    """All recordings, the training part first."""
    return randman.generate(TASK)

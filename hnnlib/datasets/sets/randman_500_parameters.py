"""Two smooth random manifolds for networks of 500 parameters: see `hnnlib.datasets.randman`."""

from __future__ import annotations

from hnnlib.datasets import randman
from hnnlib.datasets.eventdata import EventData

__all__ = ["ENTRY", "TASK", "load"]

TASK = randman.Task(
    "randman_500_parameters", "two smooth random manifolds", 2, 3, 50, 3.0, 1, test_share=0.2
)
ENTRY = randman.entry(TASK)


def load() -> EventData:
    """All recordings, the training part first."""
    return randman.generate(TASK)

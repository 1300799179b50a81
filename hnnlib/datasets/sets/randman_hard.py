"""Ten random manifolds of two dimensions: see `hnnlib.datasets.randman`."""

from __future__ import annotations

from hnnlib.datasets import randman
from hnnlib.datasets.eventdata import EventData

__all__ = ["ENTRY", "TASK", "load"]

TASK = randman.Task(
    "randman_hard",
    "random manifolds of two dimensions",
    10,
    20,
    100,
    1.0,
    2,
    test_share=0.1,
    step_share=0.5,
)
ENTRY = randman.entry(TASK)


def load() -> EventData:
    """All recordings, the training part first."""
    return randman.generate(TASK)

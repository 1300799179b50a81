"""Training of populations: examples, optimiser, the loop, checkpoints."""

from hnnlib.training.checkpoint import Checkpoint
from hnnlib.training.examples import Examples, Frozen, Images, Parts, cache
from hnnlib.training.loop import Fit, Schedule, fit
from hnnlib.training.measurement import measure
from hnnlib.training.scoring import Scores, score

__all__ = [
    "Checkpoint",
    "Examples",
    "Fit",
    "Frozen",
    "Images",
    "Parts",
    "Schedule",
    "Scores",
    "cache",
    "fit",
    "measure",
    "score",
]

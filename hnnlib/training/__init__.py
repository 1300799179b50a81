"""Training of populations: examples, optimiser, the loop, checkpoints."""

from hnnlib.training.checkpoint import Checkpoint
from hnnlib.training.chunks import chunks
from hnnlib.training.examples import Examples, Frozen, Images, Parts, Recordings, Shared, cache
from hnnlib.training.loop import Fit, Objective, Schedule, fit
from hnnlib.training.measurement import measure
from hnnlib.training.objectives import BoundedSpikeCounts
from hnnlib.training.scoring import (
    Counted,
    Network,
    Scores,
    answers,
    cross_entropy,
    evaluate,
    score,
)

__all__ = [
    "BoundedSpikeCounts",
    "Checkpoint",
    "Counted",
    "Examples",
    "Fit",
    "Frozen",
    "Images",
    "Network",
    "Objective",
    "Parts",
    "Recordings",
    "Schedule",
    "Scores",
    "Shared",
    "answers",
    "cache",
    "chunks",
    "cross_entropy",
    "evaluate",
    "fit",
    "measure",
    "score",
]

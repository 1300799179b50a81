"""Statistics of few runs: t methods over seeds, resampling, rank correlation across runs."""

from hnnlib.analysis.statistics.correlation import (
    Correlation,
    SeedCorrelation,
    rank_correlation,
    seed_correlation,
)
from hnnlib.analysis.statistics.intervals import (
    SEEDS_NEEDED,
    Kind,
    Mean,
    mean_interval,
    prediction_interval,
)
from hnnlib.analysis.statistics.power import Planned, could_find
from hnnlib.analysis.statistics.resampling import (
    SignFlip,
    bootstrap_difference,
    hierarchical_bootstrap,
    sign_flip,
)
from hnnlib.analysis.statistics.seeds import (
    Difference,
    Equivalence,
    Trend,
    equivalence,
    holm,
    paired_difference,
    seeds_to_decide,
    trend,
)

__all__ = [
    "SEEDS_NEEDED",
    "Correlation",
    "Difference",
    "Equivalence",
    "Kind",
    "Mean",
    "Planned",
    "SeedCorrelation",
    "SignFlip",
    "Trend",
    "bootstrap_difference",
    "could_find",
    "equivalence",
    "hierarchical_bootstrap",
    "holm",
    "mean_interval",
    "paired_difference",
    "prediction_interval",
    "rank_correlation",
    "seed_correlation",
    "seeds_to_decide",
    "sign_flip",
    "trend",
]

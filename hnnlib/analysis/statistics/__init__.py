"""Statistics of few runs: t methods over seeds, resampling, rank correlation across runs."""

from hnnlib.analysis.statistics.correlation import (
    Correlation,
    SeedCorrelation,
    rank_correlation,
    seed_correlation,
)
from hnnlib.analysis.statistics.resampling import (
    SignFlip,
    bootstrap_difference,
    hierarchical_bootstrap,
    sign_flip,
)
from hnnlib.analysis.statistics.seeds import (
    SEEDS_NEEDED,
    Difference,
    Equivalence,
    Mean,
    Trend,
    equivalence,
    holm,
    mean_interval,
    paired_difference,
    trend,
)

__all__ = [
    "SEEDS_NEEDED",
    "Correlation",
    "Difference",
    "Equivalence",
    "Mean",
    "SeedCorrelation",
    "SignFlip",
    "Trend",
    "bootstrap_difference",
    "equivalence",
    "hierarchical_bootstrap",
    "holm",
    "mean_interval",
    "paired_difference",
    "rank_correlation",
    "seed_correlation",
    "sign_flip",
    "trend",
]

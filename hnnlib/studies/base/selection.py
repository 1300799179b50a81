"""What choosing the epoch by the test part, or not at all, would have been worth."""

from __future__ import annotations

from torch import Tensor

from hnnlib.training.loop import Fit
from hnnlib.variables import Variable, of_cell

__all__ = ["selection", "selection_premium"]


def selection_premium(fit: Fit) -> Tensor:
    """Metric of the epoch best on the watched rows minus that of the chosen one, (member,)."""
    return fit.watched_curve.nan_to_num(-1.0).amax(0) - _chosen(fit)


def selection(fit: Fit) -> dict[str, Variable]:
    """Both premiums of a training that watched the test part; NaN where none was watched."""
    curve = fit.watched_curve
    best = selection_premium(fit).masked_fill(curve.isnan().all(0), float("nan"))
    text = "test accuracy of the epoch best on the test part minus that of the chosen one"
    last = "test accuracy of the last epoch minus that of the chosen one"
    return {
        "selection_premium": of_cell(("seed",), best.cpu().numpy(), text),
        "last_epoch_premium": of_cell(("seed",), (curve[-1] - _chosen(fit)).cpu().numpy(), last),
    }


def _chosen(fit: Fit) -> Tensor:
    return fit.watched_curve.gather(0, fit.best_epoch.clamp(min=0)[None])[0]

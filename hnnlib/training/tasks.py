"""What a population is trained for: what is minimised, what is told of it, and what validation
chooses the epoch by.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from hnnlib.engines.base import Loss
from hnnlib.networks.base import Activity

__all__ = ["CLASSIFICATION", "Classification", "Objective", "Regression", "Task", "cross_entropy"]


class Objective(Protocol):
    """A loss."""

    def __call__(self, activity: Activity, labels: Tensor) -> Tensor:
        """Mean loss (member,) of a batch with labels (member, batch, ...)."""


class Task(Protocol):
    """What training and validation ask of every batch.

    Attributes:
        metric_name, unit: what the metric is called in a line of progress, and what stands behind
            it.
    """

    metric_name: str
    unit: str

    def objective(self, activity: Activity, labels: Tensor) -> Tensor:
        """What training minimises, (member,)."""

    def step(self, labels: Tensor) -> Loss | None:
        """The same of outputs alone, with its gradient; None where that is left to autograd."""

    def loss(self, activity: Activity, labels: Tensor) -> Tensor:
        """The same without what helps training only, (member,): looked at on validation."""

    def metric(self, activity: Activity, labels: Tensor) -> Tensor:
        """What is told, of each example: (member, batch)."""

    def value(self, metric: Tensor, loss: Tensor) -> Tensor:
        """What validation chooses the epoch by, (member,): the largest is the best."""

    def text(self, metric: float) -> str:
        """The metric for people."""


def cross_entropy(activity: Activity, labels: Tensor) -> Tensor:
    """Mean cross-entropy of the outputs as logits, (member,).

    Args:
        activity: with outputs (member, batch, class).
        labels: classes (member, batch), or their probabilities (member, batch, class).
    """
    logits = activity.outputs
    losses = functional.cross_entropy(logits.flatten(0, 1), labels.flatten(0, 1), reduction="none")
    return losses.view(logits.shape[:2]).mean(1)


@torch.no_grad()
def cross_entropy_step(outputs: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
    """``cross_entropy`` of outputs (member, batch, class), and the gradient of its sum over
    members: in five operations what autograd does in twenty, to the bit.
    """
    members, batch = classes.shape
    flat, rows = outputs.flatten(0, 1), classes.reshape(-1)
    logarithms = torch.log_softmax(flat, 1)
    # one number a row, none of them left out, and no weights of classes
    how = rows, None, 0, -100
    losses, total = torch.ops.aten.nll_loss_forward(logarithms, *how)
    mean = flat.new_full((1,), 1 / batch).expand(len(rows))
    to_logarithms = torch.ops.aten.nll_loss_backward(mean, logarithms, *how, total)
    gradient = torch._log_softmax_backward_data(to_logarithms, logarithms, 1, flat.dtype)
    return losses.view(members, batch).mean(1), gradient.view_as(outputs)


@dataclass(frozen=True, eq=False)
class Classification:
    """Classes by the largest output.

    Attributes:
        objective: what is minimised.
        choose: what validation chooses the epoch by, largest accuracy or smallest cross-entropy.
    """

    objective: Objective = cross_entropy
    choose: Literal["accuracy", "loss"] = "accuracy"

    metric_name: ClassVar[str] = "accuracy"
    unit: ClassVar[str] = " %"

    def step(self, labels: Tensor) -> Loss | None:
        """See ``Task``: where labels are classes and plain cross-entropy is minimised."""
        if self.objective is not cross_entropy or labels.ndim != 2:
            return None
        return lambda outputs: cross_entropy_step(outputs, labels)

    def loss(self, activity: Activity, labels: Tensor) -> Tensor:
        """Cross-entropy, whatever is minimised."""
        return cross_entropy(activity, labels)

    def metric(self, activity: Activity, labels: Tensor) -> Tensor:
        """Whether the answer is right; a tie goes to the first class, as argmax does."""
        return activity.outputs.argmax(2) == labels

    def value(self, metric: Tensor, loss: Tensor) -> Tensor:
        """See ``Task``."""
        return metric if self.choose == "accuracy" else -loss

    def text(self, metric: float) -> str:
        """In percent."""
        return f"{100 * metric:.1f}"


CLASSIFICATION = Classification()


@dataclass(frozen=True, eq=False)
class Regression:
    """Numbers; validation chooses by the loss.

    Attributes:
        loss: mean loss (member,), which is minimised.
        metric: error of each example, (member, batch).
    """

    loss: Objective
    metric: Callable[[Activity, Tensor], Tensor]

    metric_name: ClassVar[str] = "error"
    unit: ClassVar[str] = ""

    def objective(self, activity: Activity, labels: Tensor) -> Tensor:
        """The loss itself."""
        return self.loss(activity, labels)

    def step(self, labels: Tensor) -> None:
        """See ``Task``."""

    def value(self, metric: Tensor, loss: Tensor) -> Tensor:
        """See ``Task``."""
        return -loss

    def text(self, metric: float) -> str:
        """Three digits."""
        return f"{metric:.3g}"

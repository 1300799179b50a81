"""The training loop: fit a population, choose each member's best epoch on validation, survive
interruption.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from hnnlib.networks import HybridNetwork
from hnnlib.randomness import MemberNoise, torch_generator
from hnnlib.training.checkpoint import Checkpoint
from hnnlib.training.examples import Examples, Parts
from hnnlib.training.optimiser import PopulationAdam
from hnnlib.training.scoring import score

__all__ = ["Fit", "Schedule", "fit"]

_SECONDS_BETWEEN_SAVES = 5.0


@dataclass(frozen=True)
class Schedule:
    """How to train.

    Attributes:
        epochs: passes over the training part.
        batch: examples a step and member; the last, smaller batch counts too.
        learning_rate: of Adam.
        milestones: epochs at whose start the learning rate is multiplied by ``decay``.
    """

    epochs: int
    batch: int
    learning_rate: float
    milestones: tuple[int, ...] = ()
    decay: float = 0.1

    def rate(self, epoch: int) -> float:
        """Learning rate of one epoch."""
        return self.learning_rate * self.decay ** sum(epoch >= m for m in self.milestones)


@dataclass
class Fit:
    """What training gives; the network itself holds each member's best parameters.

    Attributes:
        train_loss, validation_curve: (epoch, member); NaN from the epoch in which a member
            diverged.
        best_epoch: (member,), -1 where no epoch was finite.
        diverged: (member,), True where a loss or a parameter was not finite.
        seconds: wall time of training and validation, all members together.
    """

    train_loss: Tensor
    validation_curve: Tensor
    best_epoch: Tensor
    diverged: Tensor
    seconds: float


def fit(
    network: HybridNetwork,
    examples: Examples,
    parts: Parts,
    schedule: Schedule,
    checkpoint: Checkpoint,
    say: Callable[[str], None],
) -> Fit:
    """Train every member and leave its best-validation parameters in the network.

    Interrupted at any moment, the same call goes on from the last saved epoch and ends with the
    same bits on a CPU: every random draw is keyed by (seed, role, epoch), none by history.

    Args:
        network: a population, freshly built.
        examples, parts: what each member reads; the test part isn't touched.
        checkpoint: where to go on from.
        say: takes one line of progress an epoch.
    """
    state = _State(network, schedule.epochs)
    state.restore(checkpoint, say)
    saved = time.perf_counter()
    for epoch in range(state.epoch, schedule.epochs):
        started = time.perf_counter()
        loss = _train_epoch(network, examples, parts.train, schedule, state, epoch)
        noise = MemberNoise(network.seeds, "coding", "validation", device=loss.device)
        accuracy = score(network, examples, parts.validation, noise).accuracy
        state.record(epoch, loss, accuracy)
        state.seconds += time.perf_counter() - started
        if epoch + 1 == schedule.epochs or time.perf_counter() - saved > _SECONDS_BETWEEN_SAVES:
            state.save(checkpoint)
            saved = time.perf_counter()
        say(_progress(state, schedule.epochs))
    return state.finish()


def _train_epoch(
    network: HybridNetwork,
    examples: Examples,
    rows: Tensor,
    schedule: Schedule,
    state: _State,
    epoch: int,
) -> Tensor:
    """One pass; the mean training loss of every member, NaN where it was not finite at some
    step.
    """
    device = rows.device
    order = torch.stack(
        [
            torch.randperm(rows.shape[1], generator=torch_generator(s, "order", epoch))
            for s in network.seeds
        ]
    )
    shuffled = rows.gather(1, order.to(device))
    noise = MemberNoise(network.seeds, "coding", "training", epoch, device=device)
    rate = torch.full((len(network.seeds),), schedule.rate(epoch), device=device)
    total = torch.zeros(len(network.seeds), dtype=torch.float64, device=device)
    for some in shuffled.split(schedule.batch, dim=1):
        logits = network(examples.inputs(some), noise).logits
        losses = functional.cross_entropy(
            logits.flatten(0, 1), examples.labels(some).flatten(), reduction="none"
        )
        losses = losses.view_as(some).mean(1)
        losses.sum().backward()
        state.optimiser.step(rate)
        total += losses.detach().double() * some.shape[1]
    return total / rows.shape[1]


def _progress(state: _State, epochs: int) -> str:
    done = state.epoch
    left = state.seconds / done * (epochs - done)
    # a diverged member has no accuracy; the others' best is still worth showing
    accuracy = ", ".join(
        "diverged" if math.isnan(a) else f"{100 * a:.1f}" for a in state.best_accuracy.tolist()
    )
    return f"epoch {done}/{epochs}, best validation accuracy {accuracy} %, {left:.0f} s left"


class _State:
    """All that changes during training."""

    def __init__(self, network: HybridNetwork, epochs: int) -> None:
        self.network, self.epoch, self.seconds = network, 0, 0.0
        self.parameters = dict(network.named_parameters())
        device = next(iter(self.parameters.values())).device
        members = len(network.seeds)
        self.optimiser = PopulationAdam(self.parameters.values())
        self.best = {name: p.detach().clone() for name, p in self.parameters.items()}
        self.best_accuracy = torch.full(
            (members,), float("nan"), dtype=torch.float64, device=device
        )
        self.best_epoch = torch.full((members,), -1, device=device)
        self.diverged = torch.zeros(members, dtype=torch.bool, device=device)
        self.curves = torch.full(
            (2, epochs, members), float("nan"), dtype=torch.float64, device=device
        )

    @torch.no_grad()
    def record(self, epoch: int, loss: Tensor, accuracy: Tensor) -> None:
        """Note an epoch, and keep the parameters of members that have never been better."""
        # a spiking layer hides a NaN drive (NaN > threshold is False), so that the loss alone
        # doesn't tell
        for p in self.parameters.values():
            self.diverged |= ~p.isfinite().flatten(1).all(1)
        self.diverged |= ~loss.isfinite()
        accuracy = accuracy.masked_fill(self.diverged, float("nan"))
        self.curves[0, epoch] = loss.masked_fill(self.diverged, float("nan"))
        self.curves[1, epoch] = accuracy
        better = (accuracy > self.best_accuracy) | (self.best_accuracy.isnan() & ~accuracy.isnan())
        self.best_accuracy = torch.where(better, accuracy, self.best_accuracy)
        self.best_epoch = self.best_epoch.masked_fill(better, epoch)
        for name, p in self.parameters.items():
            self.best[name][better] = p[better]
        self.epoch = epoch + 1

    def save(self, checkpoint: Checkpoint) -> None:
        """Store everything that the next epoch depends on."""
        tensors = {f"now/{name}": p for name, p in self.parameters.items()}
        tensors |= {f"best/{name}": p for name, p in self.best.items()}
        tensors |= {f"adam/{name}": t for name, t in self.optimiser.state().items()}
        tensors |= {
            name: getattr(self, name)
            for name in ("best_accuracy", "best_epoch", "diverged", "curves")
        }
        checkpoint.save(tensors, {"epoch": self.epoch, "seconds": self.seconds})

    @torch.no_grad()
    def restore(self, checkpoint: Checkpoint, say: Callable[[str], None]) -> None:
        """Go on from a checkpoint, if there is one that fits."""
        stored = checkpoint.load(self.curves.device)
        if stored is None:
            return
        tensors, facts = stored
        for name, p in self.parameters.items():
            p.copy_(tensors[f"now/{name}"])
            self.best[name].copy_(tensors[f"best/{name}"])
        self.optimiser.restore(
            {n.removeprefix("adam/"): t for n, t in tensors.items() if n.startswith("adam/")}
        )
        for name in ("best_accuracy", "best_epoch", "diverged", "curves"):
            setattr(self, name, tensors[name])
        self.epoch, self.seconds = facts["epoch"], facts["seconds"]
        say(f"goes on behind epoch {self.epoch}")

    @torch.no_grad()
    def finish(self) -> Fit:
        """Put each member's best parameters into the network."""
        for name, p in self.parameters.items():
            p.copy_(self.best[name])
        loss, accuracy = self.curves
        return Fit(loss, accuracy, self.best_epoch, self.diverged, self.seconds)

"""The training loop: fit a population, choose each member's best epoch on validation, survive
interruption.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from hnnlib.networks.base import Learner, Network
from hnnlib.randomness import MemberNoise, torch_generator
from hnnlib.signals import Events
from hnnlib.training.checkpoint import Checkpoint
from hnnlib.training.examples import Augmentation, Examples, Parts
from hnnlib.training.identity import described, of_data
from hnnlib.training.optimiser import PopulationAdam, ascend, clip
from hnnlib.training.plateau import Plateau
from hnnlib.training.scoring import Evaluation, evaluate
from hnnlib.training.tasks import CLASSIFICATION, Task

__all__ = ["Choice", "Fit", "Schedule", "fit"]

_say_once = cache(logging.getLogger(__name__).info)
"""Into the log, a sentence once a process."""
_SECONDS_BETWEEN_SAVES = 5.0
_BY_AUTOGRAD = (
    "training goes through autograd: there is no step without it for this network, engine and loss"
)
_MOST_SHOWN = 8  # members whose metrics stand in a line of progress


@dataclass(frozen=True)
class Schedule:
    """How to train.

    Attributes:
        epochs: passes over the training part.
        batch: examples a step and member; the last, smaller batch counts too.
        learning_rate: of Adam; one, or one a member.
        milestones: epochs at whose start the learning rate is multiplied by ``decay``.
        cosine: the learning rate falls along half a cosine, epoch by epoch, to 0 behind the last.
        plateau: the learning rate falls where a member's training loss has come to rest.
        clip: largest norm of a member's gradient; larger ones are scaled down to it.
        sharpness: radius rho of sharpness-aware minimisation (Foret et al. 2021): the gradient is
            taken at theta + rho g / |g|, which costs a second pass; 0 for none.
        patience: a member that has not become better for so many epochs keeps its best parameters
            from then on; training ends with the last such member. None: all epochs run.
    """

    epochs: int
    batch: int
    learning_rate: float | tuple[float, ...]
    milestones: tuple[int, ...] = ()
    decay: float = 0.1
    cosine: bool = False
    plateau: Plateau | None = None
    clip: float | None = None
    sharpness: float = 0.0
    patience: int | None = None

    def factor(self, epoch: int) -> float:
        """Learning rate of one epoch as a multiple of ``learning_rate``, whatever the losses.

        >>> Schedule(epochs=10, batch=32, learning_rate=1e-3, cosine=True).factor(5)
        0.5
        """
        factor = self.decay ** sum(epoch >= m for m in self.milestones)
        return factor * (0.5 + 0.5 * math.cos(math.pi * epoch / self.epochs) if self.cosine else 1)

    def learning_rates(self, epoch: int, losses: Tensor) -> Tensor:
        """Learning rates (member,) of one epoch.

        Args:
            losses: of training, (epoch, member); those of this epoch and later ones don't count.

        Raises:
            ValueError: there are several learning rates, but not one a member.
        """
        start = torch.tensor(self.learning_rate, device=losses.device)
        members = losses.shape[1]
        if start.ndim and len(start) != members:
            raise ValueError(f"{len(start)} learning rates don't fit {members} members")
        rates = self.factor(epoch) * start.expand(members)
        return rates * self.plateau.factors(losses[:epoch]).to(rates) if self.plateau else rates


class Choice(NamedTuple):
    """What a rule chose: epochs (member,), -1 where none was finite, and what made members up."""

    epoch: Tensor
    parameters: dict[str, Tensor]

    def of(self, members: slice) -> Choice:
        """The same for some members, as views."""
        return Choice(self.epoch[members], {n: p[members] for n, p in self.parameters.items()})


@dataclass
class Fit:
    """What training gives; the network itself holds each member's best parameters.

    Attributes:
        train_loss, validation_curve, validation_loss: (epoch, member), what training minimises, and
            the task's metric and loss on validation; NaN from the epoch in which a member diverged,
            and behind the last epoch that was run.
        watched_curve: (epoch, member), the metric on rows that were only watched; NaN without.
        best_epoch: (member,), -1 where no epoch was finite.
        diverged: (member,), True where a loss or a parameter was not finite.
        presented: (member,), training examples that went forward and backward until the member
            stopped, at its patience, behind the epoch to keep, or with the last epoch; each counts
            once an epoch, twice where training is sharpness-aware. Of a member that stopped before
            others, this is what it would have needed alone.
        seconds: wall time of training and validation, all members together.
        beside: what another rule chose in the same training; None without one.
    """

    train_loss: Tensor
    validation_curve: Tensor
    validation_loss: Tensor
    watched_curve: Tensor
    best_epoch: Tensor
    diverged: Tensor
    presented: Tensor
    seconds: float
    beside: Choice | None = None

    def of(self, members: slice) -> Fit:
        """The same for some members, as views; of the time they take their share."""
        curves = (self.train_loss, self.validation_curve, self.validation_loss, self.watched_curve)
        diverged = self.diverged[members]
        seconds = self.seconds * len(diverged) / len(self.diverged)
        parts = (curve[:, members] for curve in curves)
        whole = self.best_epoch[members], diverged, self.presented[members], seconds
        return Fit(*parts, *whole, self.beside and self.beside.of(members))


def fit(
    network: Network,
    examples: Examples,
    parts: Parts,
    schedule: Schedule,
    checkpoint: Checkpoint | None = None,
    say: Callable[[str], None] = lambda line: None,
    task: Task = CLASSIFICATION,
    augment: Augmentation | None = None,
    watch: Tensor | None = None,
    keep: Tensor | None = None,
    beside: Task | None = None,
) -> Fit:
    """Train every member and leave its best-validation parameters in the network.

    Interrupted at any moment, the same call goes on from the last saved epoch and ends with the
    same bits on a CPU: every random draw is keyed by (seed, role, epoch), none by history.

    Args:
        network: a population, freshly built. Its floating-point buffers, such as the statistics of
            batch normalisation, need a leading member axis too: they are kept with the parameters.
        examples, parts: what each member reads; the test part isn't touched.
        checkpoint: where to go on from, unless another network, schedule or task, or other data,
            made it; without one, all stays in memory.
        say: takes one line of progress an epoch; by default nobody does.
        task: what is minimised and what validation chooses by.
        augment: what is done to every batch that is trained on; nothing by default.
        watch: rows (member, n) scored at every epoch, for a report on what choosing by them would
            have been worth; they choose nothing.
        keep: epochs (member,) whose parameters are kept, known from an earlier training; validation
            then chooses nothing, and training ends with the last of them.
        beside: another rule to choose by; what it chose stands in the result, not in the network.
    """
    state = _State(network, schedule, task, keep, beside)
    if checkpoint is not None:
        rules = schedule, task, augment, watch, keep, beside
        checkpoint = checkpoint.of(described((network, *rules)) + _data(examples, parts))
        state.restore(checkpoint, say)
    saved = time.perf_counter()
    while state.epoch < schedule.epochs and not state.stopped.all():
        started, epoch = time.perf_counter(), state.epoch
        loss = _train_epoch(network, examples, parts.train, state, augment)
        state.record(epoch, loss, *_look(network, examples, parts.validation, watch, task))
        state.seconds += time.perf_counter() - started
        last = state.epoch == schedule.epochs or state.stopped.all()
        late = last or time.perf_counter() - saved > _SECONDS_BETWEEN_SAVES
        if checkpoint is not None and late:
            state.save(checkpoint)
            saved = time.perf_counter()
        say(_progress(state))
    return state.finish()


def _data(examples: Examples, parts: Parts) -> str:
    """The data in words."""
    return of_data(examples.inputs(parts.train[:, :1]), examples.labels(parts.train), parts)


def _train_epoch(
    network: Network,
    examples: Examples,
    rows: Tensor,
    state: _State,
    augment: Augmentation | None,
) -> Tensor:
    """One epoch; the mean training loss of every member, NaN where it was not finite at some
    step.
    """
    device, epoch, members = rows.device, state.epoch, len(network.seeds)
    schedule = state.schedule
    order = torch.stack(
        [
            torch.randperm(rows.shape[1], generator=torch_generator(s, "order", epoch))
            for s in network.seeds
        ]
    )
    shuffled = rows.gather(1, order.to(device))
    noise = MemberNoise(network.seeds, "coding", "training", epoch, device=device)
    learning_rates = schedule.learning_rates(epoch, state.curves[0])
    total = torch.zeros(members, dtype=torch.float64, device=device)
    network.train()

    for place, some in enumerate(shuffled.split(schedule.batch, dim=1)):
        batch = examples.inputs(some), examples.labels(some)
        if augment is not None:
            roles = "augmentation", epoch, place
            batch = augment(*batch, MemberNoise(network.seeds, *roles, device=device))
        losses = _gradients(network, state, *batch, noise)
        if schedule.sharpness:
            with ascend(state.optimiser.parameters, schedule.sharpness):
                _gradients(network, state, *batch, noise)
        if schedule.clip is not None:
            clip(state.optimiser.parameters, schedule.clip)
        state.optimiser.step(learning_rates)
        total += losses.double() * some.shape[1]
    state.presented += rows.shape[1] * (1 + bool(schedule.sharpness)) * ~state.stopped
    return total / rows.shape[1]


def _gradients(
    network: Network, state: _State, inputs: Tensor | Events, labels: Tensor, noise: MemberNoise
) -> Tensor:
    """Losses (member,) of a batch, whose gradients are left in the parameters."""
    loss = state.task.step(labels)
    if loss is not None and isinstance(network, Learner):
        losses, alone = network.learn(inputs, noise, loss)
    else:
        alone, losses = False, state.task.objective(network(inputs, noise), labels)
        losses.sum().backward()
    if not alone:
        _say_once(_BY_AUTOGRAD)
    return losses.detach()


class _Look(NamedTuple):
    """Means behind an epoch, (member,): metric and loss on validation, the metric where watched."""

    metric: Tensor
    loss: Tensor
    watched: Tensor


def _look(
    network: Network, examples: Examples, rows: Tensor, watch: Tensor | None, task: Task
) -> _Look:
    def evaluated(rows: Tensor) -> Evaluation:
        noise = MemberNoise(network.seeds, "coding", "validation", device=rows.device)
        return evaluate(network, examples, rows, noise, task=task)

    found = evaluated(rows)
    watched = torch.full_like(found.loss, float("nan"))
    return _Look(*found, watched if watch is None else evaluated(watch).metric)


def _progress(state: _State) -> str:
    done, epochs, task = state.epoch, state.schedule.epochs, state.task
    left = state.seconds / done * (epochs - done)
    # a diverged member has no metric; the others' best is still worth showing
    metric = state.best.metric
    found = ["diverged" if math.isnan(m) else task.text(m) for m in metric.tolist()]
    if len(found) > _MOST_SHOWN:
        known = metric[~metric.isnan()].tolist()
        found = [f"{task.text(min(known))} to {task.text(max(known))}"] if known else ["none"]
    best = f"best validation {task.metric_name} {', '.join(found)}{task.unit}"
    return f"epoch {done}/{epochs}, {best}, {left:.0f} s left"


class _Best:
    """The best of every member so far, by one rule."""

    _STORED = ("value", "metric", "epoch")

    def __init__(self, rule: Task, kept: dict[str, Tensor], members: int) -> None:
        self.rule = rule
        self.parameters = {name: p.detach().clone() for name, p in kept.items()}
        device = next(iter(kept.values())).device
        self.value = torch.full((members,), float("nan"), dtype=torch.float64, device=device)
        self.metric = self.value.clone()
        self.epoch = torch.full((members,), -1, device=device)

    def better(self, value: Tensor) -> Tensor:
        """Members that have never been better."""
        return (value > self.value) | (self.value.isnan() & ~value.isnan())

    def take(
        self, some: Tensor, epoch: int, value: Tensor, metric: Tensor, kept: dict[str, Tensor]
    ) -> None:
        """Keep what makes up some members now."""
        self.value = torch.where(some, value, self.value)
        self.metric = torch.where(some, metric, self.metric)
        self.epoch = self.epoch.masked_fill(some, epoch)
        for name, p in kept.items():
            self.parameters[name][some] = p[some]

    def state(self) -> dict[str, Tensor]:
        """All of it by name."""
        return self.parameters | {f"best_{name}": getattr(self, name) for name in self._STORED}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Take what ``state`` gave."""
        for name in self._STORED:
            setattr(self, name, state.pop(f"best_{name}"))
        self.parameters = state


class _State:
    """All that changes during training."""

    _STORED = ("diverged", "stopped", "presented", "curves")

    def __init__(
        self,
        network: Network,
        schedule: Schedule,
        task: Task,
        keep: Tensor | None,
        beside: Task | None,
    ) -> None:
        self.schedule, self.task, self.keep = schedule, task, keep
        self.epoch, self.seconds = 0, 0.0
        parameters = dict(network.named_parameters())
        self.optimiser = PopulationAdam(parameters.values())
        # everything that makes a member what it is
        self.kept = parameters | {
            name: b for name, b in network.named_buffers() if b.is_floating_point()
        }
        device = next(iter(parameters.values())).device
        members = len(network.seeds)
        self.best = _Best(task, self.kept, members)
        self.beside = beside and _Best(beside, self.kept, members)
        self.diverged = torch.zeros(members, dtype=torch.bool, device=device)
        self.stopped = torch.zeros(members, dtype=torch.bool, device=device)
        self.presented = torch.zeros(members, dtype=torch.int64, device=device)
        self.curves = self.best.value.expand(4, schedule.epochs, members).clone()

    @torch.no_grad()
    def record(
        self, epoch: int, train: Tensor, metric: Tensor, loss: Tensor, watched: Tensor
    ) -> None:
        """Note an epoch, and keep what makes up members that have never been better."""
        # a spiking layer hides a NaN drive (NaN > threshold is False), so that the loss alone
        # doesn't tell
        for p in self.kept.values():
            self.diverged |= ~p.isfinite().flatten(1).all(1)
        self.diverged |= ~train.isfinite()
        for curve, values in zip(self.curves, (train, metric, loss, watched), strict=True):
            curve[epoch] = values.masked_fill(self.diverged, float("nan"))
        for best in self._choices().values():
            value = best.rule.value(metric, loss).masked_fill(self.diverged, float("nan"))
            some = best.better(value) & ~self.stopped
            if self.keep is not None:
                some = (self.keep == epoch) & ~value.isnan()
            best.take(some, epoch, value, metric, self.kept)
        if self.schedule.patience is not None:
            self.stopped |= epoch - self.best.epoch >= self.schedule.patience
        if self.keep is not None:
            self.stopped |= epoch >= self.keep
        self.epoch = epoch + 1

    def _choices(self) -> dict[str, _Best]:
        """What each rule has chosen."""
        return {"best": self.best} | ({"beside": self.beside} if self.beside else {})

    def save(self, checkpoint: Checkpoint) -> None:
        """Store everything that the next epoch depends on."""
        tensors = {f"now/{name}": p for name, p in self.kept.items()}
        for rule, best in self._choices().items():
            tensors |= {f"{rule}/{name}": t for name, t in best.state().items()}
        tensors |= {f"adam/{name}": t for name, t in self.optimiser.state().items()}
        tensors |= {name: getattr(self, name) for name in self._STORED}
        checkpoint.save(tensors, {"epoch": self.epoch, "seconds": self.seconds})

    @torch.no_grad()
    def restore(self, checkpoint: Checkpoint, say: Callable[[str], None]) -> None:
        """Go on from a checkpoint, if there is one that fits."""
        stored = checkpoint.load(self.curves.device)
        if stored is None:
            return
        tensors, facts = stored

        def under(prefix: str) -> dict[str, Tensor]:
            first = f"{prefix}/"
            return {n.removeprefix(first): t for n, t in tensors.items() if n.startswith(first)}

        for name, p in self.kept.items():
            p.copy_(tensors[f"now/{name}"])
        for rule, best in self._choices().items():
            best.restore(under(rule))
        self.optimiser.restore(under("adam"))
        for name in self._STORED:
            setattr(self, name, tensors[name])
        self.epoch, self.seconds = facts["epoch"], facts["seconds"]
        say(f"goes on behind epoch {self.epoch}")

    @torch.no_grad()
    def finish(self) -> Fit:
        """Put each member's best parameters into the network."""
        for name, p in self.kept.items():
            p.copy_(self.best.parameters[name])
        beside = self.beside and Choice(self.beside.epoch, self.beside.parameters)
        whole = self.best.epoch, self.diverged, self.presented, self.seconds
        return Fit(*self.curves, *whole, beside)

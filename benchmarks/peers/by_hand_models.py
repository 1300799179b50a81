"""Plain PyTorch without autograd: passes forward and backward in time as one would write them by
hand for these three networks.

Whatever needs no loop is done once for all steps; the loops work in place, on memory that is kept
from step to step. Input that is sparse is a list of rows to add (``embedding_bag``, which took a
fifth of the time of a product with a tensor in CSR form); from a density of 5 % on, a dense product
took less. Weight gradients from the spikes of hidden units are dense products: listing the spikes
took longer than that. Adam is the fused one.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks import TASKS
from benchmarks.peers import has_weights
from benchmarks.tasks import Recurrent, Task

__all__ = ["DIFFERENCES", "KEEP_MEMORY", "PACKAGES", "build", "signal"]

PACKAGES: tuple[str, ...] = ()
KEEP_MEMORY = TASKS
DIFFERENCES = (
    "no library and no autograd: a reverse pass written for the network, input of less than 5 % as "
    "a list of events, made before the timing"
)
_LISTED = 0.05


class _Listed:
    """A binary matrix as lists of its columns by row, and of its rows by column."""

    def __init__(self, x: Tensor) -> None:
        self.by_row, self.by_column = _lists(x), _lists(x.T.contiguous())

    def times(self, weight: Tensor) -> Tensor:
        """Product with a matrix from the right."""
        return functional.embedding_bag(self.by_row[0], weight, self.by_row[1], mode="sum")

    def turned_times(self, other: Tensor) -> Tensor:
        """Product of the transposed with a matrix from the right."""
        return functional.embedding_bag(self.by_column[0], other, self.by_column[1], mode="sum")


class _Dense:
    """The same for a matrix that is written out."""

    def __init__(self, x: Tensor) -> None:
        self.x = x

    def times(self, weight: Tensor) -> Tensor:
        """See ``_Listed``."""
        return self.x @ weight

    def turned_times(self, other: Tensor) -> Tensor:
        """See ``_Listed``."""
        return self.x.T @ other


def _lists(x: Tensor) -> tuple[Tensor, Tensor]:
    rows, columns = x.nonzero(as_tuple=True)
    ends = torch.bincount(rows, minlength=len(x)).cumsum(0)
    return columns.int(), torch.cat([ends.new_zeros(1), ends[:-1]]).int()


class _ByHand(nn.Module):
    """Parameters, Adam, and what neurons of all networks do."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.task = task
        self.layers = nn.ModuleList(task.layers())
        if not task.constant:  # rows are added: (inputs, units)
            first = self.layers[0]
            first.weight = nn.Parameter(first.weight.detach().T.contiguous())
        self.optimiser = torch.optim.Adam(self.parameters(), task.learning_rate, fused=True)

    def gradients(self, x: _Listed | _Dense | Tensor, y: Tensor) -> Tensor:
        """Loss; every parameter has its gradient in ``grad`` afterwards."""
        raise NotImplementedError

    @torch.no_grad()
    def learn(self, x: _Listed | _Dense | Tensor, y: Tensor) -> float:
        """A training step; its loss."""
        loss = self.gradients(x, y)
        self.optimiser.step()
        return loss.item()

    def _fire(self, potentials: Tensor) -> Tensor:
        """Spikes (time, ...); currents become potentials in their place."""
        spikes, left = torch.empty_like(potentials), torch.zeros_like(potentials[0])
        for potential, spike in zip(potentials, spikes, strict=True):
            _step(potential, spike, left, self.task.decay)
        return spikes

    def _back(self, potentials: Tensor, spikes: Tensor, gradient: Tensor) -> Tensor:
        """Gradient of the currents (time, ...), which replaces that of the spikes."""
        after, slope = torch.zeros_like(potentials[0]), torch.empty_like(potentials[0])
        for step in reversed(range(len(potentials))):
            parts = potentials[step], spikes[step], gradient[step]
            _step_back(*parts, after, slope, self.task.decay)
        return gradient


def _step(potential: Tensor, spike: Tensor, left: Tensor, decay: float) -> None:
    """One step, all in place: ``potential`` is the current, ``left`` what the step before left."""
    torch.gt(potential.add_(left, alpha=decay), 1, out=spike)
    torch.addcmul(potential, potential, spike, value=-1, out=left)


def _step_back(
    potential: Tensor, spike: Tensor, gradient: Tensor, after: Tensor, slope: Tensor, decay: float
) -> None:
    """One step backward in place: ``gradient`` of the spikes becomes that of the current, ``after``
    that of what the step before left; with V' = V (1 - O),

    dL/dI = dL/dV' (1 - O) + (dL/dO - dL/dV' V) / (1 + |V - 1|)^2
    """
    torch.sub(potential, 1, out=slope).abs_().add_(1).square_()
    gradient.addcmul_(after, potential, value=-1).div_(slope)
    after.addcmul_(after, spike, value=-1)
    torch.mul(gradient.add_(after), decay, out=after)


def _cross_entropy(logits: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Loss and its gradient."""
    logs = logits.log_softmax(1)
    gradient = logs.exp()
    gradient[torch.arange(len(y)), y] -= 1
    return functional.nll_loss(logs, y), gradient.div_(len(y))


class _RecurrentNetwork(_ByHand):
    def gradients(self, x: _Listed | _Dense, y: Tensor) -> Tensor:
        """See ``_ByHand``."""
        task, (inward, around, outward) = self.task, (layer.weight for layer in self.layers)
        potentials = x.times(inward).view(task.steps, task.batch, -1)
        spikes = self._fire_around(potentials, around)
        values = (spikes.flatten(0, 1) @ outward.T).mul_(1 - task.readout_decay)
        values = values.view(task.steps, task.batch, -1)
        for before, value in zip(values[:-1], values[1:], strict=True):
            value.add_(before, alpha=task.readout_decay)
        logits = values.amax(0)
        loss, slope = _cross_entropy(logits, y)
        gradient = (values == logits).float()  # steps that are equal share
        gradient.mul_(slope / gradient.sum(0))
        for step in reversed(range(task.steps - 1)):
            gradient[step].add_(gradient[step + 1], alpha=task.readout_decay)
        gradient = gradient.mul_(1 - task.readout_decay).flatten(0, 1)
        outward.grad = gradient.T @ spikes.flatten(0, 1)
        back = (gradient @ outward).view_as(spikes)
        self._back_around(potentials, spikes, back, around)
        around.grad = back[1:].flatten(0, 1).T @ spikes[:-1].flatten(0, 1)
        inward.grad = x.turned_times(back.flatten(0, 1))
        return loss

    def _fire_around(self, potentials: Tensor, around: Tensor) -> Tensor:
        """See ``_fire``; the spikes of a step are currents of the next one."""
        spikes, left = torch.empty_like(potentials), torch.zeros_like(potentials[0])
        _step(potentials[0], spikes[0], left, self.task.decay)
        for step in range(1, len(potentials)):
            potentials[step].addmm_(spikes[step - 1], around.T)
            _step(potentials[step], spikes[step], left, self.task.decay)
        return spikes

    def _back_around(
        self, potentials: Tensor, spikes: Tensor, gradient: Tensor, around: Tensor
    ) -> None:
        """See ``_back``."""
        after, slope = torch.zeros_like(potentials[0]), torch.empty_like(potentials[0])
        for step in reversed(range(len(potentials))):
            if step + 1 < len(potentials):
                gradient[step].addmm_(gradient[step + 1], around)
            parts = potentials[step], spikes[step], gradient[step]
            _step_back(*parts, after, slope, self.task.decay)


class _FeedForwardNetwork(_ByHand):
    """The first layer's product is taken once; the others' over all steps at a time."""

    def gradients(self, x: _Listed | _Dense | Tensor, y: Tensor) -> Tensor:
        """See ``_ByHand``."""
        first, *rest = self.layers
        potentials = self._first(first, x)
        spikes, passed = self._fire(potentials), []
        passed.append((first, x, potentials, spikes))
        for layer in rest:
            given = spikes.flatten(0, 1)
            if has_weights(layer):
                potentials = layer(given).unflatten(0, (self.task.steps, -1))
                spikes = self._fire(potentials)
                passed.append((layer, given, potentials, spikes))
            elif isinstance(layer, nn.MaxPool2d):
                kept, places = functional.max_pool2d_with_indices(given, layer.kernel_size)
                spikes = kept.unflatten(0, (self.task.steps, -1))
                passed.append((layer, given, places, None))
            else:
                passed.append((layer, given, None, None))
                spikes = spikes.flatten(2)
        loss, slope = _cross_entropy(spikes.sum(0), y)
        gradient = slope.expand(self.task.steps, *slope.shape).contiguous()
        for layer, given, kept, sent in reversed(passed):
            gradient = self._through(layer, given, kept, sent, gradient)
        return loss

    def _first(self, layer: nn.Module, x: _Listed | _Dense | Tensor) -> Tensor:
        if self.task.constant:
            drive = layer(x)
            return drive.expand(self.task.steps, *drive.shape).contiguous()
        drive = x.times(layer.weight).add_(layer.bias)
        return drive.view(self.task.steps, self.task.batch, -1)

    def _through(
        self,
        layer: nn.Module,
        given: _Listed | _Dense | Tensor,
        kept: Tensor | None,
        sent: Tensor | None,
        gradient: Tensor,
    ) -> Tensor | None:
        """Gradient of what a layer was given from that of what it sent; None before the first."""
        steps = (self.task.steps, -1)
        if kept is None:
            return gradient.flatten(0, 1).view_as(given).unflatten(0, steps)
        if sent is None:
            edge = [layer.kernel_size] * 2
            pooled = (gradient.flatten(0, 1), given, edge, edge, [0, 0], [1, 1], False, kept)
            back = torch.ops.aten.max_pool2d_with_indices_backward(*pooled)
            return back.unflatten(0, steps)
        gradient = self._back(kept, sent, gradient)
        if layer is not self.layers[0]:
            gradient = gradient.flatten(0, 1)
        elif self.task.constant:
            gradient = gradient.sum(0)
        else:
            gradient = gradient.flatten(0, 1)
            layer.weight.grad, layer.bias.grad = given.turned_times(gradient), gradient.sum(0)
            return None
        if isinstance(layer, nn.Linear):
            layer.weight.grad, layer.bias.grad = gradient.T @ given, gradient.sum(0)
            return (gradient @ layer.weight).unflatten(0, steps)
        wanted = [layer is not self.layers[0], True, True]
        shape = ([layer.out_channels], [1, 1], [0, 0], [1, 1], False, [0, 0], 1)
        found = torch.ops.aten.convolution_backward(gradient, given, layer.weight, *shape, wanted)
        back, layer.weight.grad, layer.bias.grad = found
        return None if back is None else back.unflatten(0, steps)


def signal(task: Task, device: str = "cpu") -> _Listed | _Dense | Tensor:
    """Input in the form that is the fastest here; see ``benchmarks.ours.signal``."""
    x = task.input().to(device)
    if task.constant:
        return x
    flat = x.flatten(0, 1)
    return (_Listed if flat.count_nonzero() < _LISTED * flat.numel() else _Dense)(flat)


def build(task: Task) -> nn.Module:
    """See ``benchmarks.ours.build``."""
    return _RecurrentNetwork(task) if isinstance(task, Recurrent) else _FeedForwardNetwork(task)

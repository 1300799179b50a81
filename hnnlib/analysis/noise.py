"""Noise injection until failure: Algorithm 1 of Mazurek et al., many samples at once.

A sample that is classified correctly gets one frame of its T equal ones replaced by noise, then
another, until the network fails or no clean frame is left. Records of spikes are taken of the clean
input, of the noisy one that made the network fail, and of the last noisy one before it, which the
paper leaves out: it tells failure from noise. Samples run side by side in lanes; a lane whose
sample is done takes the next one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import torch
from torch import Tensor

from hnnlib.networks.classifier import ImageClassifier, States
from hnnlib.randomness import numpy_generator, torch_generator
from hnnlib.training.examples import Examples

__all__ = [
    "CONDITIONS",
    "PROTOCOLS",
    "NoiseProtocol",
    "Recorder",
    "Sink",
    "choose",
    "inject",
    "shifts",
]

CONDITIONS = ("clean", "failed", "passed", "failed_later")
"""Records of a sample: its clean input, and the first noisy input that fails. Of samples that bear
some noise also the last noisy input still classified correctly, and the failing one again, so that
these two are averages over the same samples."""
EXCLUDED, MISCLASSIFIED = -1, 0
"""Values of ``inject`` for samples that got no noise."""

Records = dict[str, np.ndarray]
"""Spike trains by layer, each (member, lane, time, unit), boolean."""


@dataclass(frozen=True)
class NoiseProtocol:
    """Choices that the paper's text and its public code make differently.

    Attributes:
        samples: ``random`` test samples (text) or the ``first`` ones (code).
        excluded: labels that are left out. The code leaves out 3, as which pure noise is
            classified: such samples never fail.
        carry_state: a clean pass starts in the state that the lane's last pass left (code: there is
            no reset before it); noisy passes always start at rest.
        stale_records: the record of a misclassified sample isn't cleared, and stands for the next
            sample's clean one (code).
        scaling: of a noise frame. ``unit``: N(0, 1) brought to [0, 1], among standardised frames
            (code); ``standardised``: brought to [0, 1], then treated as pixels are; ``matched``:
            given the mean and deviation of the sample's own frame.
    """

    samples: Literal["random", "first"] = "random"
    excluded: tuple[int, ...] = ()
    carry_state: bool = False
    stale_records: bool = False
    scaling: Literal["unit", "standardised", "matched"] = "standardised"


PROTOCOLS = {
    "corrected": NoiseProtocol(),
    "public_code": NoiseProtocol("first", (3,), True, True, "unit"),
    "first_samples": NoiseProtocol(samples="first"),
    "without_threes": NoiseProtocol(excluded=(3,)),
    "carried_state": NoiseProtocol(carry_state=True),
    "stale_records": NoiseProtocol(stale_records=True),
    "unit_noise": NoiseProtocol(scaling="unit"),
    "matched_noise": NoiseProtocol(scaling="matched"),
}
"""The corrected protocol, the public code's, and the corrected one with one choice changed."""


class Sink(Protocol):
    """Takes records of samples that failed."""

    def __call__(
        self, member: int, condition: str, layer: str, rows: np.ndarray, trains: np.ndarray
    ) -> None:
        """Rows of the data set (sample,) and their trains (sample, time, unit)."""


class Recorder:
    """Observes a forward pass and keeps the trains of some units of every layer.

    Args:
        most: units kept of a layer, of larger ones a fixed random subset; 0 for none.
        exceptions: another number for the layers named.

    Attributes:
        layers: units of every layer seen, in the order in which layers fire.
    """

    def __init__(self, most: int, exceptions: Mapping[str, int] | None = None) -> None:
        self._most, self._exceptions = most, exceptions or {}
        self._records: Records = {}
        self.layers: dict[str, int] = {}

    def __call__(self, name: str, spikes: Tensor) -> None:
        """See ``hnnlib.networks.classifier.Observer``."""
        flat = spikes.flatten(3)
        self.layers[name] = flat.shape[3]
        most = self._exceptions.get(name, self._most)
        if not most:
            return
        if flat.shape[3] > most:
            order = numpy_generator(0, "recorded units", name).permutation(flat.shape[3])
            chosen = np.sort(order[:most])
            flat = flat[..., torch.from_numpy(chosen).to(flat.device)]
        self._records[name] = (flat > 0).permute(1, 2, 0, 3).cpu().numpy()

    def take(self) -> Records:
        """Records of the last pass, handed over."""
        records, self._records = self._records, {}
        return records


def shifts(seed: int, rows: Tensor | np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Steps by which the null variant shifts each train, (sample, unit): keyed by seed and sample,
    so that all records of a sample are shifted alike.

    Args:
        shape: (time, unit) of one sample's trains.
    """
    steps, units = shape
    return np.stack(
        [numpy_generator(seed, "shifts", int(row)).integers(0, steps, units) for row in rows]
    )


def choose(rows: Tensor, number: int, protocol: NoiseProtocol, seeds: tuple[int, ...]) -> Tensor:
    """Rows (member, number) of the test samples to disturb, from all test rows (member, n)."""
    number = min(number, rows.shape[1])
    if protocol.samples == "first":
        return rows[:, :number]
    orders = [numpy_generator(seed, "noise samples").permutation(rows.shape[1]) for seed in seeds]
    places = torch.from_numpy(np.stack(orders)[:, :number]).to(rows.device)
    return rows.gather(1, places)


@torch.no_grad()
def inject(
    network: ImageClassifier,
    images: Examples,
    rows: Tensor,
    protocol: NoiseProtocol,
    recorder: Recorder,
    sink: Sink,
    lanes: int = 64,
) -> np.ndarray:
    """Run Algorithm 1 on some samples of every member.

    Memory is bounded by ``lanes``. Unless the protocol carries states or records from sample to
    sample, results don't depend on it.

    Args:
        rows: of the samples, (member, n).
        sink: takes the records of every sample that failed, see ``CONDITIONS``.

    Returns:
        Noise frames with which each sample failed, (member, n): 1 to T, T + 1 where it never
        failed, 0 where it was misclassified without noise, -1 where its label is excluded.
    """
    network.eval()
    run = _Lanes(network, images, rows, protocol, min(lanes, rows.shape[1]))
    while run.refill():
        right = run.answer(recorder)
        record = recorder.take()
        run.note_clean(right, record)
        for member, where in run.failures(right):
            _hand_over(run, member, where, record, sink)
        run.advance(right, record)
    return run.failed_at


def _hand_over(run: _Lanes, member: int, where: np.ndarray, record: Records, sink: Sink) -> None:
    """Give the sink the records of samples that have just failed."""
    rows = run.row[member, where]
    twice = where & (run.noisy[member] > 1)
    for layer, failed in record.items():
        sink(member, "clean", layer, rows, run.clean[layer][member, where])
        sink(member, "failed", layer, rows, failed[member, where])
        if twice.any():
            rows_twice = run.row[member, twice]
            sink(member, "passed", layer, rows_twice, run.previous[layer][member, twice])
            sink(member, "failed_later", layer, rows_twice, failed[member, twice])


class _Lanes:
    """Samples in progress: arrays (member, lane); ``still``, the clean frame of each, is (member,
    lane, C, H, W), and ``frames``, what the network sees, (time, member, lane, C, H, W).
    """

    def __init__(
        self,
        network: ImageClassifier,
        images: Examples,
        rows: Tensor,
        protocol: NoiseProtocol,
        lanes: int,
    ) -> None:
        self.network, self.images, self.protocol = network, images, protocol
        self.rows, self.device = rows.cpu().numpy(), rows.device
        self.labels = images.labels(rows).cpu().numpy()
        excluded = np.isin(self.labels, protocol.excluded)
        self.failed_at = np.where(excluded, EXCLUDED, MISCLASSIFIED)
        self.queues = [iter(np.flatnonzero(~out)) for out in excluded]
        shape = (len(rows), lanes)
        self.place, self.row = np.full(shape, -1), np.zeros(shape, np.int64)
        self.noisy = np.zeros(shape, np.int64)
        self.still = self._still()
        self.frames = self._sequences()
        self.memory: States | None = {} if protocol.carry_state else None
        self.clean: Records = {}
        self.previous: Records = {}
        self.stale: Records = {}
        self.is_stale = np.zeros(shape, bool)

    @property
    def busy(self) -> np.ndarray:
        return self.place >= 0

    def _still(self) -> Tensor:
        """Clean frame of every lane's row."""
        return self.network.standardise(
            self.images.inputs(torch.from_numpy(self.row).to(self.device))
        )

    def _sequences(self) -> Tensor:
        """The clean frame at every step."""
        return self.still.expand(self.network.design.steps, *self.still.shape)

    def refill(self) -> bool:
        """Give idle lanes their next sample; whether there is anything left to do."""
        fresh = np.zeros_like(self.busy)
        for member, lane in np.argwhere(~self.busy):
            place = next(self.queues[member], -1)
            self.place[member, lane] = place
            if place >= 0:
                fresh[member, lane] = True
                self.row[member, lane] = self.rows[member, place]
                self.noisy[member, lane] = 0
        if fresh.any():
            self.still = self._still()
            where = torch.from_numpy(fresh).to(self.device)[:, :, None, None, None]
            self.frames = torch.where(where, self._sequences(), self.frames)
        self._drop_idle()
        return bool(self.busy.any())

    def _drop_idle(self) -> None:
        """Take away lanes that no member has work for."""
        keep = np.flatnonzero(self.busy.any(0))
        if len(keep) in (0, self.busy.shape[1]):
            return
        for name in ("place", "row", "noisy", "is_stale"):
            setattr(self, name, getattr(self, name)[:, keep])
        for records in (self.clean, self.previous, self.stale):
            records |= {layer: trains[:, keep] for layer, trains in records.items()}
        places = torch.from_numpy(keep).to(self.device)
        self.frames, self.still = self.frames[:, :, places], self.still[:, places]
        if self.memory is not None:
            self.memory |= {layer: state[:, places] for layer, state in self.memory.items()}

    def answer(self, recorder: Recorder) -> np.ndarray:
        """Run the network on all lanes; where it is right."""
        if self.memory:
            rest = torch.from_numpy(self.noisy > 0).to(self.device)
            for layer, state in self.memory.items():
                where = rest.view(*rest.shape, *[1] * (state.ndim - 2))
                self.memory[layer] = torch.where(where, self.network.neuron.initial(state), state)
        logits = self.network.unroll(self.frames, self.memory, recorder).outputs
        labels = np.take_along_axis(self.labels, self.place.clip(0), 1)
        return logits.argmax(2).cpu().numpy() == labels

    def note_clean(self, right: np.ndarray, record: Records) -> None:
        """Keep the clean records of samples without noise so far, or what stands for them."""
        first = self.busy & (self.noisy == 0)
        wrong, good = first & ~right, first & right
        _copy(self.clean, record, good)
        if self.protocol.stale_records:
            _copy(self.clean, self.stale or record, good & self.is_stale)
            # only the first of several uncleared records is read
            _copy(self.stale, record, wrong & ~self.is_stale)
            self.is_stale = (self.is_stale | wrong) & ~good

    def failures(self, right: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        """Members with samples that have just failed under noise, and their lanes."""
        for member, where in enumerate(self.busy & (self.noisy > 0) & ~right):
            if where.any():
                yield member, where

    def advance(self, right: np.ndarray, record: Records) -> None:
        """Note results, free the lanes of samples that are done, disturb the others once more."""
        _copy(self.previous, record, self.busy & (self.noisy > 0))
        steps = self.network.design.steps
        done = self.busy & (~right | (self.noisy == steps))
        member, _ = np.nonzero(done)
        outcome = np.where(right, steps + 1, self.noisy)
        self.failed_at[member, self.place[done]] = outcome[done]
        self.place[done] = -1
        for member, lane in np.argwhere(self.busy):
            self._disturb(member, lane)

    def _disturb(self, member: int, lane: int) -> None:
        """Replace one more clean frame by noise; which and by what is keyed by seed and sample."""
        seed, row = self.network.seeds[member], self.row[member, lane]
        clean, count = self.still[member, lane], self.noisy[member, lane]
        order = numpy_generator(seed, "noise order", row).permutation(len(self.frames))
        noise = torch.randn(clean.shape, generator=torch_generator(seed, "noise frame", row, count))
        self.frames[order[count], member, lane] = self._scaled(noise.to(clean), clean)
        self.noisy[member, lane] += 1

    def _scaled(self, noise: Tensor, clean: Tensor) -> Tensor:
        if self.protocol.scaling == "matched":
            return (noise - noise.mean()) / noise.std() * clean.std() + clean.mean()
        unit = (noise - noise.min()) / (noise.max() - noise.min())
        return unit if self.protocol.scaling == "unit" else self.network.standardise(unit)


def _copy(to: Records, source: Records, where: np.ndarray) -> None:
    """Copy the trains of some lanes."""
    for layer, trains in source.items():
        if layer not in to:
            to[layer] = np.zeros_like(trains)
        to[layer][where] = trains[where]

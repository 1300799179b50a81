"""Algorithm 1: who fails and when, whatever the lanes; and what the public code does otherwise."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from hnnlib import engines
from hnnlib.analysis import noise
from hnnlib.analysis.noise import PROTOCOLS, Recorder, choose, inject
from hnnlib.networks.base import Activity
from hnnlib.networks.classifier import ImageDesign
from hnnlib.networks.residual import SewResNet18
from hnnlib.neurons.decay_input import DecayInputLIF

STEPS, BRIGHT = 6, 30.0
PLAIN = PROTOCOLS["corrected"]


class Images:
    """Bright images of one value each, so that a frame of noise is dark beside them."""

    def __init__(self, labels):
        self._labels = torch.tensor(labels)

    def inputs(self, rows):
        return (BRIGHT + rows.float())[..., None, None, None].expand(*rows.shape, 1, 4, 4)

    def labels(self, rows):
        return self._labels[rows]


class Stub:
    """Right as long as more frames are clean than the label says; label 9 is never recognised. Its
    one layer records which frames were clean.
    """

    seeds = (0, 1)
    design = SimpleNamespace(steps=STEPS)
    neuron = DecayInputLIF()

    def __init__(self, labels):
        self._labels = torch.tensor(labels)

    def eval(self):
        return self

    def standardise(self, pixels):
        return pixels

    def unroll(self, frames, memory=None, observe=None):
        bright = frames.flatten(3).mean(3)  # (time, member, lane)
        value, clean = bright.max(0).values, (bright > BRIGHT / 2).sum(0)
        rows = (value - BRIGHT).round().long().clamp(0, len(self._labels) - 1)
        needed = self._labels[rows]
        right = (clean > needed) & (needed != 9)
        logits = torch.nn.functional.one_hot(
            torch.where(right, needed, needed + 1).clamp(min=0), 11
        )
        spikes = (bright > BRIGHT / 2).float()[..., None]
        if memory is not None:
            before = memory.get("layer", torch.zeros_like(spikes[0]))
            spikes = (spikes + before > 0).float()
            memory["layer"] = clean[..., None].float()
        observe("layer", spikes)
        return Activity(logits.float(), [])


def run(labels, protocol=PLAIN, lanes=4):
    rows = torch.arange(len(labels)).expand(2, -1)
    kept = []
    failed = inject(
        Stub(labels),
        Images(labels),
        rows,
        protocol,
        Recorder(10),
        lambda *record: kept.append(record),
        lanes,
    )
    return failed, kept


LABELS = [0, 3, 5, 9, 2, 9, 9, 4, 1, 3]


def test_noise_frames_until_failure_are_counted():
    failed, _ = run(LABELS)
    # right while more than `label` frames are clean, wrong with STEPS - label noise frames
    expected = [0 if label == 9 else STEPS - label for label in LABELS]
    assert (failed == expected).all()


@pytest.mark.parametrize("lanes", [1, 3, 50])
def test_lanes_change_nothing(lanes):
    def table(records):
        return sorted(
            (m, condition, int(row), train.tobytes())
            for m, condition, _, rows, trains in records
            for row, train in zip(rows, trains, strict=True)
        )

    failed, records = run(LABELS, lanes=lanes)
    reference, others = run(LABELS)
    assert (failed == reference).all() and table(records) == table(others)


def test_a_sample_that_never_fails_leaves_no_record():
    class Sure(Stub):
        def unroll(self, frames, memory=None, observe=None):
            observe("layer", torch.ones(STEPS, 2, frames.shape[2], 1))
            return Activity(torch.ones(2, frames.shape[2], 1), [])

    kept = []
    rows = torch.arange(3).expand(2, -1)
    failed = inject(
        Sure([0] * 3), Images([0] * 3), rows, PLAIN, Recorder(1), lambda *r: kept.append(r)
    )
    assert (failed == STEPS + 1).all() and not kept


def test_records_are_of_the_clean_the_last_right_and_the_failing_input():
    _, records = run([2, 5])
    found = {
        (c, int(r)): t
        for m, c, _, rows, trains in records
        if m == 0
        for r, t in zip(rows, trains, strict=True)
    }
    assert found["clean", 0].sum() == STEPS
    assert found["passed", 0].sum() == 3 and found["failed", 0].sum() == 2
    assert ("passed", 1) not in found  # it failed with its first noise frame


def test_excluded_labels_get_no_noise():
    failed, records = run(LABELS, PROTOCOLS["without_threes"])
    threes = np.array(LABELS) == 3
    assert (failed[:, threes] == noise.EXCLUDED).all() and (failed[:, ~threes] >= 0).all()
    assert not {1, 9} & {int(r) for *_, rows, _ in records for r in rows}


def test_a_stale_record_stands_for_the_next_clean_one():
    class Marked(Stub):
        """Sees the value of its image: row k is recorded as k spikes in binary."""

        def unroll(self, frames, memory=None, observe=None):
            answer = super().unroll(frames, memory, lambda *_: None)
            value = (frames.flatten(3).amax(3).amax(0) - BRIGHT).round().long()
            bits = torch.stack([(value >> k) & 1 for k in range(STEPS)])
            observe("layer", bits[..., None].float())
            return answer

    def seen(protocol):
        kept = []
        rows = torch.arange(len(LABELS)).expand(2, -1)
        inject(
            Marked(LABELS),
            Images(LABELS),
            rows,
            protocol,
            Recorder(1),
            lambda *r: kept.append(r),
            lanes=1,
        )
        return {
            int(rows[0]): int((trains[0, :, 0] * 2 ** np.arange(STEPS)).sum())
            for m, c, _, rows, trains in kept
            if c == "clean" and m == 0
        }

    # misclassified samples 3, 5 and 6 come before samples 4 and 7
    assert seen(PLAIN) == {k: k for k in (0, 1, 2, 4, 7, 8, 9)}
    assert seen(PROTOCOLS["stale_records"]) == {k: k for k in (0, 1, 2, 8, 9)} | {4: 3, 7: 5}


def test_the_next_clean_pass_starts_from_the_last_state_where_it_is_carried():
    def clean_starts(protocol):
        started = []

        class Watched(Stub):
            def unroll(self, frames, memory=None, observe=None):
                if memory:
                    started.append(float(memory["layer"][0, 0, 0]))
                return super().unroll(frames, memory, observe)

        rows = torch.arange(2).expand(2, -1)
        inject(Watched([3, 5]), Images([3, 5]), rows, protocol, Recorder(1), lambda *_: None, 1)
        return started

    # sample 0 fails with 3 of 6 frames clean: that state, and no other, reaches sample 1
    assert clean_starts(PROTOCOLS["carried_state"]) == [0, 0, 0, 3, 0]
    assert clean_starts(PLAIN) == []


@pytest.mark.parametrize("scaling", ["unit", "standardised", "matched"])
def test_noise_has_the_scale_that_the_protocol_says(scaling):
    seen = []

    class Watched(Stub):
        def standardise(self, pixels):
            return 2 * pixels - 1

        def unroll(self, frames, memory=None, observe=None):
            seen.append(frames.clone())
            observe("layer", torch.ones(STEPS, 2, frames.shape[2], 1))
            return Activity(torch.ones(2, frames.shape[2], 1), [])

    class Patterned(Images):
        def inputs(self, rows):
            pattern = torch.arange(16.0).view(1, 4, 4)
            return pattern.expand(*rows.shape, 1, 4, 4)

    protocol = noise.NoiseProtocol(scaling=scaling)
    rows = torch.zeros(2, 1, dtype=torch.long)
    inject(Watched([0]), Patterned([0]), rows, protocol, Recorder(1), lambda *_: None)
    noisy, clean = seen[-1][:, 0, 0], seen[0][0, 0, 0]
    for frame in noisy:  # all six are noise by now
        if scaling == "matched":
            assert frame.mean() == pytest.approx(clean.mean().item(), abs=1e-4)
            assert frame.std() == pytest.approx(clean.std().item(), rel=1e-4)
        else:
            assert (frame.min(), frame.max()) == ((0, 1) if scaling == "unit" else (-1, 1))
    assert len({tuple(f.flatten().tolist()) for f in noisy}) == STEPS


def test_samples_are_the_first_or_keyed_random_ones():
    rows = torch.arange(100, 200).expand(3, -1)
    first = choose(rows, 10, PROTOCOLS["public_code"], (0, 1, 0))
    assert (first == torch.arange(100, 110)).all()
    drawn = choose(rows, 10, PLAIN, (0, 1, 0))
    assert (drawn[0] == drawn[2]).all() and (drawn[0] != drawn[1]).any()
    assert all(len(set(member)) == 10 for member in drawn.tolist())


def test_presets_differ_in_what_they_are_documented_to():
    code, plain = PROTOCOLS["public_code"], PROTOCOLS["corrected"]
    names = code.__dataclass_fields__
    assert all(getattr(code, name) != getattr(plain, name) for name in names)
    for name, protocol in PROTOCOLS.items():
        differs = [n for n in names if getattr(protocol, n) != getattr(plain, n)]
        assert len(differs) == {"corrected": 0, "public_code": len(names)}.get(name, 1)


def test_a_real_network_gives_records_of_all_its_layers():
    design = ImageDesign((1, 8, 8), 10, width=1 / 32, steps=4)
    network = SewResNet18(design, (0, 1), engines.get("eager"))
    rows = torch.arange(12).expand(2, -1)

    class Pictures(Images):
        def inputs(self, rows):
            return torch.rand(8, 8, generator=torch.Generator().manual_seed(0)).expand(
                *rows.shape, 1, 8, 8
            )

    with torch.no_grad():  # the constant answer of an untrained network is right for its label
        label = network(Pictures([0]).inputs(rows[:, :1])).outputs.argmax(2)[0].item()
    recorder = Recorder(5)
    failed = inject(
        network, Pictures([label] * 12), rows, PROTOCOLS["carried_state"], recorder, lambda *_: None
    )
    assert failed[0].min() >= 1
    assert len(recorder.layers) == 20 and network.penultimate in recorder.layers

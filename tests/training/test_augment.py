"""Augmentation of recordings: what is mixed and masked, in whose stream."""

import pytest
import torch

from hnnlib.randomness import MemberNoise
from hnnlib.training.augment import MixAndMask

STEPS, MEMBERS, BATCH, CHANNELS = 20, 2, 6, 40
LABELS = torch.arange(BATCH).expand(MEMBERS, -1)


def apply(seed=0, **settings):
    x = torch.ones(STEPS, MEMBERS, BATCH, CHANNELS)
    noise = MemberNoise((seed, seed + 1), "augmentation", 0, 0)
    return MixAndMask(BATCH, **settings)(x, LABELS, noise)


@pytest.mark.parametrize(("axis", "most"), [("time", 8), ("batch", BATCH)])
def test_the_mask_silences_steps_or_in_the_public_code_recordings(axis, most):
    seen = set()
    for seed in range(20):
        x, shares = apply(seed, axis=axis, mix=0, mask=1, channels=0)
        assert torch.equal(shares.argmax(2), LABELS) and (shares.amax(2) == 1).all()
        silent = ~x.any(3)  # (time, member, batch)
        lines = silent.all(2) if axis == "time" else silent.all(0).T  # (place, member)
        whole = lines[:, :, None] if axis == "time" else lines.T[None]
        assert torch.equal(silent, whole.expand_as(silent))
        for member in lines.T.int():  # one stretch
            assert member.diff().clamp(min=0).sum() + member[0] <= 1
        seen |= set(lines.sum(0).tolist())
    assert max(seen) <= most and len(seen) > 3


def test_channels_are_masked_at_all_steps_of_all_recordings():
    x, _ = apply(mix=0, mask=1, steps=0)
    assert torch.equal(x.any(0).any(1), x.all(0).all(1))
    assert (~x[0, :, 0].bool()).sum(1).max() <= 28


def test_labels_are_the_shares_of_time_that_a_recording_has():
    x = LABELS.T[None, None, :, :1].float().transpose(1, 3)[..., :1].expand(STEPS, 1, BATCH, 1) + 1
    x = x.expand(-1, MEMBERS, -1, -1)
    mixed = 0
    for seed in range(10):
        noise = MemberNoise((seed, seed + 1), "a")
        found, shares = MixAndMask(BATCH, mix=0.5, mask=0)(x, LABELS, noise)
        counted = torch.stack([(found[..., 0] == k + 1).float().mean(0) for k in range(BATCH)], 2)
        torch.testing.assert_close(shares, counted)
        mixed += (shares.amax(2) < 1).any(1).sum().item()
    assert 0 < mixed < 20


def test_a_member_draws_from_its_own_stream():
    x = torch.rand(STEPS, MEMBERS, BATCH, CHANNELS)
    both = MixAndMask(BATCH)(x, LABELS, MemberNoise((4, 5), "a"))
    alone = MixAndMask(BATCH)(x[:, 1:], LABELS[1:], MemberNoise((5,), "a"))
    assert torch.equal(both[0][:, 1:], alone[0]) and torch.equal(both[1][1:], alone[1])

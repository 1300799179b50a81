"""Checkpoints: what was stored comes back bit for bit, or an earlier one, or nothing."""

from __future__ import annotations

import os
import random

import numpy as np
import pytest
import torch

from hnnlib.training.checkpoint import Checkpoint

TENSORS = {"a": torch.arange(3.0), "b": torch.ones(2, 2), "empty": torch.ones(0)}


@pytest.fixture
def lines():
    return []


@pytest.fixture
def checkpoint(tmp_path, lines):
    return Checkpoint(tmp_path / "deep" / "c.npz", "x", lines.append)


def epoch(checkpoint):
    """The epoch that would be gone on from, None without one; its tensors must be the stored."""
    found = checkpoint.load()
    if found is None:
        return None
    assert found[0].keys() == TENSORS.keys()
    assert all(torch.equal(found[0][name], tensor) for name, tensor in TENSORS.items())
    return found[1]["epoch"]


def test_two_are_kept(checkpoint):
    assert checkpoint.load() is None
    for k in range(3):
        checkpoint.save(TENSORS, {"epoch": k})
        assert epoch(checkpoint) == k
    assert len(list(checkpoint.path.parent.iterdir())) == 2
    checkpoint.path.unlink()
    assert epoch(checkpoint) == 1


def test_another_identity_is_as_good_as_none_and_overwritten(checkpoint, lines):
    checkpoint.save(TENSORS, {"epoch": 5})
    other = Checkpoint(checkpoint.path, "y", lines.append)
    assert other.load() is None
    other.save(TENSORS, {"epoch": 6})
    assert (epoch(other), lines) == (6, [])


def test_a_folder_in_the_place_of_the_one_before_is_put_aside(checkpoint, lines):
    checkpoint.save(TENSORS, {"epoch": 0})
    folder = checkpoint.path.with_name("c.npz.previous")
    folder.mkdir()
    (folder / "something").touch()
    checkpoint.save(TENSORS, {"epoch": 1})
    assert epoch(checkpoint) == 1 and folder.is_file()
    assert lines == [f"{folder} is damaged or no checkpoint: put aside as {folder.name}.damaged"]


def test_a_pipe_is_put_aside_and_waited_for_by_nobody(checkpoint, lines):
    for k in range(2):
        checkpoint.save(TENSORS, {"epoch": k})
    checkpoint.path.unlink()
    os.mkfifo(checkpoint.path)
    assert epoch(checkpoint) == 0
    assert lines == [f"{checkpoint.path} is damaged or no checkpoint: put aside as c.npz.damaged"]
    os.mkfifo(checkpoint.path)
    checkpoint.save(TENSORS, {"epoch": 2})
    assert epoch(checkpoint) == 2


def test_no_damage_is_loaded_or_raised(checkpoint):
    """2,000 single bits and 200 lengths, drawn once: the last but one is taken, every time."""
    for k in range(2):
        checkpoint.save(TENSORS, {"epoch": k})
    whole = checkpoint.path.read_bytes()
    draw = random.Random(0)
    for k in range(2200):
        damaged = bytearray(whole)
        place = draw.randrange(len(whole))
        damaged[place] ^= 1 << draw.randrange(8)
        checkpoint.path.write_bytes(damaged if k < 2000 else whole[:place])
        assert epoch(checkpoint) == 0
        for aside in checkpoint.path.parent.glob("*.damaged*"):
            aside.unlink()


def _folder(path):
    path.mkdir()
    (path / "inside").touch()


def _array(path):
    with path.open("wb") as stream:
        np.save(stream, np.zeros(3))


@pytest.mark.parametrize(
    "make", [_folder, _array, lambda path: path.symlink_to(path), lambda path: path.touch()]
)
def test_what_is_no_checkpoint_is_put_aside_and_said_once(checkpoint, lines, make):
    for k in range(2):  # of both kinds: the second finds a name of its own
        checkpoint.path.parent.mkdir(exist_ok=True)
        make(checkpoint.path)
        assert checkpoint.load() is None and checkpoint.load() is None
        assert len(lines) == k + 1 and "put aside" in lines[-1]
        checkpoint.save(TENSORS, {"epoch": k})
        assert epoch(checkpoint) == k
        checkpoint.path.unlink()
        checkpoint.path.with_name("c.npz.previous").unlink(missing_ok=True)
    asides = [path.name for path in checkpoint.path.parent.iterdir()]
    assert sorted(asides) == ["c.npz.damaged", "c.npz.damaged1"]


def test_bytes_are_on_the_disk_before_the_name_is(checkpoint, monkeypatch):
    done = []
    real = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda h: (done.append("settle"), real[0](h)))
    monkeypatch.setattr(os, "replace", lambda a, b: (done.append(b), real[1](a, b)))
    checkpoint.save(TENSORS, {})
    assert done.index("settle") < done.index(checkpoint.path)


def test_a_failed_save_leaves_the_earlier_ones(checkpoint, monkeypatch):
    checkpoint.save(TENSORS, {"epoch": 0})

    def full(stream, **arrays):
        stream.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="No space left"):
        checkpoint.save(TENSORS, {"epoch": 1})
    assert epoch(checkpoint) == 0
    assert [path.name for path in checkpoint.path.parent.iterdir()] == ["c.npz"]

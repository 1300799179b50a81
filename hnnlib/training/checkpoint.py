"""Checkpoints: tensors and numbers in one NumPy archive with a sum over all of it, written
atomically, read without pickle.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Mapping
from hashlib import blake2b
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from torch import Tensor

from hnnlib.files import opened, written

__all__ = ["Checkpoint"]

_VERSION = 2
"""Of the file's layout: checkpoints of another one are as good as none."""
_TENSOR = "tensor/"
"""Begins the names of tensors in the archive."""
_SUM = 32  # bytes of the sum, which stands behind the archive


class Checkpoint:
    """One file that an interrupted job goes on from, and the one before it.

    Args:
        path: the file (``.npz``); the one before it has ``.previous`` behind its name.
        identity: text of what is computed and ``fit`` cannot see: of configuration, code and data.
            A file of another identity is as good as none: the work starts anew and overwrites it.
        say: takes a line when something that is no checkpoint is put aside.
    """

    def __init__(self, path: Path, identity: str = "", say: Callable[[str], None] = print) -> None:
        self.path, self._text = path, identity
        self._before = path.with_name(f"{path.name}.previous")
        self._identity = blake2b(f"{_VERSION}\0{identity}".encode(), digest_size=16).hexdigest()
        self._say = say

    def of(self, more: str) -> Checkpoint:
        """The same file for what this text describes, too."""
        return Checkpoint(self.path, f"{self._text}\0{more}", self._say)

    def save(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        """Store tensors and JSON-able facts; the earlier file stays until the new one is whole, and
        after that as the previous one.
        """
        arrays = {f"{_TENSOR}{name}": t.detach().cpu().numpy() for name, t in tensors.items()}
        stored = json.dumps([list(tensors), dict(facts)])
        with written(self.path) as temporary:
            with temporary.open("wb") as stream:
                np.savez(stream, identity=self._identity, stored=stored, **arrays)
            with temporary.open("r+b") as stream:
                stream.write(_sum(stream))
            if self._before.is_dir():  # no file can take its place
                self._put_aside(self._before)
            with contextlib.suppress(FileNotFoundError):
                os.replace(self.path, self._before)

    def load(
        self, device: torch.device | str = "cpu"
    ) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """What was stored last and is whole, or None where there is nothing to go on from."""
        for path in (self.path, self._before):
            try:
                found = self._read(path, device)
            except FileNotFoundError:
                continue
            except Exception:  # damage has many faces: any of NumPy's, JSON's and the system's
                self._put_aside(path)
                continue
            if found is not None:
                return found
        return None

    def _read(
        self, path: Path, device: torch.device | str
    ) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """A whole file's content; None where it is about something else."""
        with opened(path) as stream:
            stream.seek(-_SUM, os.SEEK_END)
            end, stated = stream.tell(), stream.read()
            if _sum(stream, end) != stated:
                raise ValueError(f"{path} is damaged")
            stream.seek(0)
            with np.load(stream, allow_pickle=False) as archive:
                if str(archive["identity"]) != self._identity:
                    return None
                names, facts = json.loads(str(archive["stored"]))
                tensors = {
                    name: torch.from_numpy(archive[f"{_TENSOR}{name}"]).to(device) for name in names
                }
        return tensors, facts

    def _put_aside(self, path: Path) -> None:
        """Rename what is no checkpoint; where that is forbidden, saving will say so."""
        names = (path.with_name(f"{path.name}.damaged{k or ''}") for k in count())
        aside = next(name for name in names if not os.path.lexists(name))
        with contextlib.suppress(OSError):
            os.replace(path, aside)
            self._say(f"{path} is damaged or no checkpoint: put aside as {aside.name}")


def _sum(stream: BinaryIO, size: int | None = None) -> bytes:
    """Sum of a stream from its beginning, of `size` bytes or all; it stands behind them then."""
    left = stream.seek(0, os.SEEK_END) if size is None else size
    stream.seek(0)
    found = blake2b(digest_size=_SUM)
    while left:
        part = stream.read(min(left, 1 << 20))
        found.update(part)
        left -= len(part)
    return found.digest()

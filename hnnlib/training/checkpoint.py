"""Checkpoints: tensors and numbers in one NumPy archive, written atomically, read without
pickle.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

__all__ = ["Checkpoint"]


class Checkpoint:
    """One file that an interrupted job goes on from.

    Args:
        path: the file (``.npz``).
        identity: text that describes what is computed (configuration, code, data). A file of
            another identity, or one that cannot be read, is as good as none: the work starts anew
            and overwrites it.
    """

    def __init__(self, path: Path, identity: str) -> None:
        self.path = path
        self._identity = blake2b(identity.encode(), digest_size=16).hexdigest()

    def save(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        """Store tensors and JSON-able facts; the earlier file stays until the new one is whole."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}.tmp")
        arrays = {f"tensor/{name}": t.detach().cpu().numpy() for name, t in tensors.items()}
        try:
            with temporary.open("wb") as stream:
                np.savez(stream, identity=self._identity, facts=json.dumps(dict(facts)), **arrays)
            os.replace(temporary, self.path)
        finally:
            temporary.unlink(missing_ok=True)

    def load(
        self, device: torch.device | str = "cpu"
    ) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """What was stored, or None where there is nothing to go on from."""
        try:
            with np.load(self.path, allow_pickle=False) as archive:
                if str(archive["identity"]) != self._identity:
                    return None
                facts = json.loads(str(archive["facts"]))
                tensors = {
                    name.removeprefix("tensor/"): torch.from_numpy(archive[name]).to(device)
                    for name in archive.files
                    if name.startswith("tensor/")
                }
        except (FileNotFoundError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None
        return tensors, facts

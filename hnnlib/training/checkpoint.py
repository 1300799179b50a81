"""Checkpoints: tensors and numbers in one NumPy archive, written atomically, read without
pickle.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

__all__ = ["Checkpoint"]

_TENSOR = "tensor/"
"""Begins the names of tensors in the archive."""


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
        arrays = {f"{_TENSOR}{name}": t.detach().cpu().numpy() for name, t in tensors.items()}
        stored = json.dumps([list(tensors), dict(facts)])
        try:
            with temporary.open("wb") as stream:
                np.savez(stream, identity=self._identity, stored=stored, **arrays)
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
                names, facts = json.loads(str(archive["stored"]))
                tensors = {
                    name: torch.from_numpy(archive[f"{_TENSOR}{name}"]).to(device) for name in names
                }
        except Exception:  # damage has many faces: any of NumPy's, zip's, JSON's and the system's
            return None
        return tensors, facts

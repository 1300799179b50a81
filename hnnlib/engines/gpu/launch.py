"""What all launches of kernels need."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
import triton
from torch import Tensor

__all__ = ["INTERPRETED", "on"]

# decided when kernels are defined, so not later than here
INTERPRETED = bool(triton.knobs.runtime.interpret)


def on(tensor: Tensor) -> AbstractContextManager:
    """Makes a tensor's device the current one: Triton launches there, wherever arguments lie."""
    return torch.cuda.device(tensor.device) if tensor.is_cuda else nullcontext()

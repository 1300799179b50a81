"""Where the time of a training step goes: PyTorch's profiler, operators added up by kind."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch.profiler import ProfilerActivity, profile

__all__ = ["PRODUCTS", "profiled", "rate"]

PRODUCTS = "matrix products and convolutions"
_KINDS = (
    (PRODUCTS, ("mm", "conv")),
    ("own kernels, backward", ("Backward",)),
    ("own kernels, forward", ("_",)),
)


def profiled(step: Callable[[], object], steps: int) -> dict[str, float]:
    """Seconds of CPU time a step by kind of operator, its callees left out.

    An autograd function of one's own appears under its class, which begins with ``_``.
    """
    with profile(activities=[ProfilerActivity.CPU]) as found:
        for _ in range(steps):
            step()
    seconds = dict.fromkeys([*(kind for kind, _ in _KINDS), "the rest"], 0.0)
    for row in found.key_averages():
        seconds[_kind(row.key)] += row.self_cpu_time_total / 1e6 / steps
    return seconds


def rate(edge: int = 512, times: int = 100) -> float:
    """Multiplications, each with an addition, a second in a matrix product."""
    left, right = torch.rand(2, edge, edge)
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        left @ right
        seconds.append(time.perf_counter() - started)
    return edge**3 / min(seconds)


def _kind(operator: str) -> str:
    products, backward, forward = (words for _, words in _KINDS)
    if operator.startswith("aten::") and any(word in operator for word in products):
        return _KINDS[0][0]
    if operator.startswith(forward):
        return _KINDS[1 if operator.endswith(backward) else 2][0]
    return "the rest"

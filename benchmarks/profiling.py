"""Where the time of a training step goes: PyTorch's profiler, operators added up by kind."""

from __future__ import annotations

from collections.abc import Callable

from torch.profiler import ProfilerActivity, profile

__all__ = ["PRODUCTS", "profiled"]

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


def _kind(operator: str) -> str:
    products, backward, forward = (words for _, words in _KINDS)
    if operator.startswith("aten::") and any(word in operator for word in products):
        return _KINDS[0][0]
    if operator.startswith(forward):
        return _KINDS[1 if operator.endswith(backward) else 2][0]
    return "the rest"

"""What kernels are compiled for: this processor, with vectors as wide as its registers.

The compiler keeps to half of them where older processors would have slowed down under the whole;
loops with divisions or exponentials then take longer. Results are the same bits. Numba asks once in
a process, before the first function is compiled.
"""

from __future__ import annotations

from collections.abc import Mapping

import numba
from llvmlite import binding

__all__ = ["use_whole_registers", "widened"]

_HALF = "prefer-256-bit"


def widened(features: Mapping[str, bool]) -> str | None:
    """Features of a processor with the whole of its registers, or None where they are used anyway.

    Args:
        features: by name, whether it has them.
    """
    if not features.get("avx512f"):
        return None
    wanted = {**features, _HALF: False}
    return ",".join(f"{'+' if there else '-'}{name}" for name, there in sorted(wanted.items()))


def use_whole_registers() -> None:
    """Tell the compiler, unless the user told Numba what to compile for."""
    told = numba.config.CPU_NAME, numba.config.CPU_FEATURES
    if told == (None, None) and numba.config.ENABLE_AVX:
        numba.config.CPU_FEATURES = widened(binding.get_host_cpu_features())

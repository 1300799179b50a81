"""Powers of two for loops over units that are to be vectorised: the C library's can't be."""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

__all__ = ["halved"]

_FORMATS = {32: (23, 127), 64: (52, 1023)}
"""Bits of a number, and of its fraction, and the exponent of 1."""


@intrinsic
def halved(typing, times):
    """2^-times of a whole number of times, not below 0, which is given as a real one.

    Written as the exponent of two numbers whose product it is: below the least normal number the
    power is subnormal, and at last 0.
    """
    if not isinstance(times, types.Float):
        return None

    def generate(context, builder, signature, arguments):
        bits = times.bitwidth
        fraction, one = _FORMATS[bits]
        integer = ir.IntType(bits)
        left = builder.fptosi(arguments[0], integer)
        factors = []
        for _ in range(2):
            most = integer(one - 1)
            part = builder.select(builder.icmp_signed("<", left, most), left, most)
            left = builder.sub(left, part)
            exponent = builder.shl(builder.sub(integer(one), part), integer(fraction))
            factors.append(builder.bitcast(exponent, arguments[0].type))
        return builder.fmul(*factors)

    return times(times), generate

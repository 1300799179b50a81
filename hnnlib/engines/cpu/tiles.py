"""Matrix products for kernels to call, so that what stands between two products stays in cache.

Products of adjoints are dense: a surrogate derivative is nowhere zero. A tile of the result stays
in vector registers while all of the inner axis passes.
"""

from __future__ import annotations

import numpy as np
from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from hnnlib.engines.cpu.llvm import (
    BYTES,
    Part,
    Whole,
    below,
    columns,
    in_order,
    pointers_to,
    spread,
    unpack,
)

__all__ = ["combinations", "multiply", "panels"]

_TALLEST = 12 if binding.get_host_cpu_features().get("avx512f") else 6
"""Lines of a tile. With a line of the panel they fill the registers."""


def panels(matrix: np.ndarray) -> np.ndarray:
    """Matrices (..., inner, column) as panels (..., panel, inner, lane), zeros behind the last."""
    lanes = BYTES // matrix.itemsize
    inner, columns = matrix.shape[-2:]
    count = -(-columns // lanes)
    padded = np.zeros((*matrix.shape[:-1], count * lanes), matrix.dtype)
    padded[..., :columns] = matrix
    padded = padded.reshape(*matrix.shape[:-1], count, lanes)
    return np.ascontiguousarray(np.moveaxis(padded, -2, -3))


@intrinsic
def multiply(typing, out, column, left, at, stride, panel, more):
    """Write to ``out`` (line, width), from ``column`` on, the product of lines of ``left`` with a
    ``panel`` (inner, lane); with ``more``, add it to what stands there.

    ``left`` is flat: line n begins at number at + n * stride. Lines may overlap.
    """
    if not in_order(out, left, panel):
        return None
    signature = types.void(out, types.intp, left, types.intp, types.intp, panel, more)

    def generate(context, builder, signature, arguments):
        out, left, panel = unpack(context, builder, signature, arguments, (0, 2, 5))
        _, column, _, at, stride, _, more = arguments
        number = context.get_data_type(signature.args[0].dtype)
        size = context.get_abi_sizeof(number)
        vector = ir.VectorType(number, BYTES // size)
        width = cgutils.unpack_tuple(builder, out.shape)[1]
        several = width.type(vector.count)
        fits = builder.icmp_signed("<=", builder.add(column, several), width)
        product = _Product(builder, out, left, panel, column, at, stride, more)
        with builder.if_else(fits, likely=True) as (then, otherwise):
            with then:
                product.write(Whole(vector, size))
            with otherwise:
                mask = below(builder, builder.sub(width, column), vector.count)
                product.write(Part(vector, size, mask))
        return context.get_dummy_value()

    return signature, generate


class _Product:
    """Writes the code of one product."""

    def __init__(self, builder, out, left, panel, column, at, stride, more) -> None:
        self.builder, self.out, self.left, self.panel = builder, out, left, panel
        self.column, self.at, self.stride, self.more = column, at, stride, more
        self.count, self.width = cgutils.unpack_tuple(builder, out.shape)
        self.depth = cgutils.unpack_tuple(builder, panel.shape)[0]

    def write(self, lanes) -> None:
        """All tiles: as few as there can be, of heights that differ by one at most."""
        builder, index = self.builder, self.count.type
        tallest = index(_TALLEST)
        tiles = builder.udiv(builder.add(self.count, builder.sub(tallest, index(1))), tallest)
        tiles = builder.select(builder.icmp_signed("==", tiles, index(0)), index(1), tiles)
        least, more = builder.udiv(self.count, tiles), builder.urem(self.count, tiles)
        first = index(0)
        for height in range(_TALLEST, 0, -1):
            tall = builder.icmp_signed("==", builder.add(least, index(1)), index(height))
            low = builder.icmp_signed("==", least, index(height))
            many = builder.select(low, builder.sub(tiles, more), index(0))
            many = builder.select(tall, more, many)
            last = builder.add(first, builder.mul(many, index(height)))
            with cgutils.for_range_slice(builder, first, last, index(height), index) as (line, _):
                self._tile(line, height, lanes)
            first = last

    def _tile(self, line, height, lanes) -> None:
        builder, index = self.builder, line.type
        targets, lines = [], []
        for n in range(height):
            here = builder.add(line, index(n))
            place = builder.add(builder.mul(here, self.width), self.column)
            targets += pointers_to(builder, self.out, place, 1, lanes)
            begin = builder.add(self.at, builder.mul(here, self.stride))
            lines.append(builder.gep(self.left.data, [begin]))
        sums = [cgutils.alloca_once(builder, lanes.vector) for _ in range(height)]
        nothing = ir.Constant(lanes.vector, [0.0] * lanes.vector.count)
        with builder.if_else(self.more) as (then, otherwise):
            with then:
                for target, s in zip(targets, sums, strict=True):
                    builder.store(lanes.load(builder, target), s)
            with otherwise:
                for s in sums:
                    builder.store(nothing, s)
        whole = Whole(lanes.vector, lanes.size)
        with cgutils.for_range(builder, self.depth) as loop:
            place = builder.mul(loop.index, index(lanes.vector.count))
            row = whole.load(builder, *pointers_to(builder, self.panel, place, 1, whole))
            for begin, s in zip(lines, sums, strict=True):
                factor = builder.load(builder.gep(begin, [loop.index]))
                added = builder.fmul(spread(builder, factor, lanes.vector), row, flags=["contract"])
                builder.store(builder.fadd(builder.load(s), added, flags=["contract"]), s)
        for target, s in zip(targets, sums, strict=True):
            lanes.store(builder, builder.load(s), target)


def combinations(factors: list[list[int]]):
    """A function for kernels that writes sums and differences of rows.

    Args:
        factors: (row out, row in) of 1, 0 and -1.

    Returns:
        f(out, o, out_stride, given, g, given_stride, width): arrays are flat, row n of ``out``
        begins at number o + n * out_stride and has ``width`` numbers.
    """

    @intrinsic
    def combine(typing, out, o, out_stride, given, g, given_stride, width):
        if not in_order(out, given):
            return None
        index = types.intp
        signature = types.void(out, index, index, given, index, index, index)

        def generate(context, builder, signature, arguments):
            out, given = unpack(context, builder, signature, arguments, (0, 3))
            _, o, out_stride, _, g, given_stride, width = arguments

            def rows(array, first, stride, count, column, lanes):
                starts = [
                    builder.add(first, builder.mul(stride, stride.type(n))) for n in range(count)
                ]
                starts = [builder.add(start, column) for start in starts]
                return [pointers_to(builder, array, start, 1, lanes)[0] for start in starts]

            def block(column, several, lanes):
                sources = rows(given, g, given_stride, len(factors[0]), column, lanes)
                numbers = [lanes.load(builder, source) for source in sources]
                for target, signs in zip(
                    rows(out, o, out_stride, len(factors), column, lanes), factors, strict=True
                ):
                    lanes.store(builder, _signed_sum(builder, signs, numbers), target)

            columns(context, builder, signature.args[0].dtype, width, block, (1,))
            return context.get_dummy_value()

        return signature, generate

    return combine


def _signed_sum(builder, signs, numbers):
    """Vectors of sign 1, less those of sign -1."""
    terms = sorted(zip(signs, numbers, strict=True), key=lambda term: -term[0])
    (_, total), *rest = [term for term in terms if term[0]]
    for sign, number in rest:
        total = builder.fadd(total, number) if sign > 0 else builder.fsub(total, number)
    return total

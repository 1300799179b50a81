"""What the compiler doesn't make of a loop by itself, for kernels to call: sums of rows in vector
registers, lists of spikes, and bits.

Compiled from a loop, each event would read and write its sum. Here a block of a sum stays in
registers while all rows pass. Spikes would be listed unit by unit. Here eight are compared at once,
and a table has what is to be written for every outcome.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from hnnlib.engines.cpu.llvm import (
    Whole,
    columns,
    in_order,
    place_at,
    pointers_to,
    spread,
    unpack,
)

__all__ = ["add_products", "add_rows", "add_to_rows", "count_bits", "first_bit", "list_above"]


@intrinsic
def add_rows(typing, total, table, base, stride, places, first, last):
    """Add to ``total`` (width,) the rows base + stride * places[first:last] of ``table``
    (place, width).

    Where the table is narrower than the total, a row goes on with those after it.
    """
    if not in_order(total, table, places):
        return None
    signature = types.void(total, table, types.intp, types.intp, places, types.intp, types.intp)

    def generate(context, builder, signature, arguments):
        total, table, places = unpack(context, builder, signature, arguments, (0, 1, 4))
        _, _, base, stride, _, *between = arguments
        (width,) = cgutils.unpack_tuple(builder, total.shape)
        _, across = cgutils.unpack_tuple(builder, table.shape)

        def block(column, several, lanes):
            sums = [cgutils.alloca_once(builder, lanes.vector) for _ in range(several)]
            totals = pointers_to(builder, total, column, several, lanes)
            for pointer, s in zip(totals, sums, strict=True):
                builder.store(lanes.load(builder, pointer), s)
            with cgutils.for_range_slice(builder, *between, width.type(1), width.type) as (e, _):
                row = builder.add(base, builder.mul(stride, place_at(builder, places, e)))
                begin = builder.add(builder.mul(row, across), column)
                added = pointers_to(builder, table, begin, several, lanes)
                for pointer, s in zip(added, sums, strict=True):
                    builder.store(builder.fadd(builder.load(s), lanes.load(builder, pointer)), s)
            for pointer, s in zip(totals, sums, strict=True):
                lanes.store(builder, builder.load(s), pointer)

        columns(context, builder, signature.args[0].dtype, width, block)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def add_products(typing, total, left, here, left_stride, right, there, right_stride, count):
    """Add to ``total`` (width,) the products, unit by unit, of ``count`` rows of ``left`` and of
    ``right``, one after the other; no row where the count is negative.

    Both are flat: row k begins at number here + k * left_stride, and there + k * right_stride.
    """
    if not in_order(total, left, right):
        return None
    index = types.intp
    signature = types.void(total, left, index, index, right, index, index, index)

    def generate(context, builder, signature, arguments):
        total, left, right = unpack(context, builder, signature, arguments, (0, 1, 4))
        _, _, here, left_stride, _, there, right_stride, count = arguments
        (width,) = cgutils.unpack_tuple(builder, total.shape)

        def block(column, several, lanes):
            sums = [cgutils.alloca_once(builder, lanes.vector) for _ in range(several)]
            totals = pointers_to(builder, total, column, several, lanes)
            for pointer, s in zip(totals, sums, strict=True):
                builder.store(lanes.load(builder, pointer), s)
            with cgutils.for_range(builder, count) as loop:
                rows = []
                for array, first, stride in (
                    (left, here, left_stride),
                    (right, there, right_stride),
                ):
                    begin = builder.add(first, builder.mul(stride, loop.index))
                    begin = builder.add(begin, column)
                    rows.append(pointers_to(builder, array, begin, several, lanes))
                for a, b, s in zip(*rows, sums, strict=True):
                    added = builder.fmul(lanes.load(builder, a), lanes.load(builder, b))
                    builder.store(builder.fadd(builder.load(s), added), s)
            for pointer, s in zip(totals, sums, strict=True):
                lanes.store(builder, builder.load(s), pointer)

        columns(context, builder, signature.args[0].dtype, width, block)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def add_to_rows(typing, table, added, places, first, last):
    """Add ``added`` (width,) to the rows places[first:last] of ``table`` (place, width)."""
    if not in_order(table, added, places):
        return None
    signature = types.void(table, added, places, types.intp, types.intp)

    def generate(context, builder, signature, arguments):
        table, added, places = unpack(context, builder, signature, arguments, (0, 1, 2))
        _, _, _, *between = arguments
        (width,) = cgutils.unpack_tuple(builder, added.shape)
        _, across = cgutils.unpack_tuple(builder, table.shape)

        def block(column, several, lanes):
            pointers = pointers_to(builder, added, column, several, lanes)
            kept = [lanes.load(builder, pointer) for pointer in pointers]
            with cgutils.for_range_slice(builder, *between, width.type(1), width.type) as (e, _):
                begin = builder.add(builder.mul(place_at(builder, places, e), across), column)
                pointers = pointers_to(builder, table, begin, several, lanes)
                for pointer, number in zip(pointers, kept, strict=True):
                    total = builder.fadd(lanes.load(builder, pointer), number)
                    lanes.store(builder, total, pointer)

        columns(context, builder, signature.args[0].dtype, width, block)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def list_above(typing, values, threshold, places, place, end):
    """Write the places in ``values`` (width,) that are above a threshold to ``places`` from
    ``place`` on, in order; the place behind the last.

    Where that is below ``end``, some more numbers behind it may be written over.
    """
    if not in_order(values, places):
        return None
    signature = types.intp(values, values.dtype, places, types.intp, types.intp)

    def generate(context, builder, signature, arguments):
        values, places = unpack(context, builder, signature, arguments, (0, 2))
        _, threshold, _, place, end = arguments
        index, kind = place.type, context.get_data_type(signature.args[2].dtype)
        (width,) = cgutils.unpack_tuple(builder, values.shape)
        at = cgutils.alloca_once_value(builder, place)
        listing = _Listing(context, builder, signature.args[0].dtype, kind)

        def one_by_one(first, last):
            with cgutils.for_range_slice(builder, first, last, index(1), index) as (n, _):
                here = builder.load(at)
                builder.store(builder.trunc(n, kind), builder.gep(places.data, [here]))
                above = builder.fcmp_ordered(
                    ">", builder.load(builder.gep(values.data, [n])), threshold
                )
                builder.store(builder.add(here, builder.zext(above, index)), at)

        several = index(_LISTED)
        whole = builder.sub(width, builder.urem(width, several))
        with cgutils.for_range_slice(builder, index(0), whole, several, index) as (n, _):
            here = builder.load(at)
            fits = builder.icmp_signed("<=", builder.add(here, several), end)
            with builder.if_else(fits, likely=True) as (then, otherwise):
                with then:
                    count = listing.write(values, n, threshold, places, here)
                    builder.store(builder.add(here, count), at)
                with otherwise:
                    one_by_one(n, builder.add(n, several))
        with builder.if_then(builder.icmp_signed("<", whole, width)):
            one_by_one(whole, width)
        return builder.load(at)

    return signature, generate


@intrinsic
def count_bits(typing, number):
    """How many bits of a number are set."""

    def generate(context, builder, signature, arguments):
        return builder.ctpop(arguments[0])

    return types.int64(types.uint64), generate


@intrinsic
def first_bit(typing, number):
    """Place of the lowest bit that is set, of a number that isn't 0."""

    def generate(context, builder, signature, arguments):
        return builder.cttz(arguments[0], ir.IntType(1)(1))

    return types.int64(types.uint64), generate


_LISTED = 8
"""Numbers that are compared and listed at a time."""


class _Listing:
    """Lists what is above a threshold by a table: for every pattern of eight bits, the places of
    those that are set.
    """

    def __init__(self, context, builder, dtype, kind) -> None:
        self.builder, self.number = builder, context.get_data_type(dtype)
        self.kind, self.size = kind, context.get_abi_sizeof(self.number)
        patterns = [[n for n in range(_LISTED) if bits >> n & 1] for bits in range(1 << _LISTED)]
        rows = [n for found in patterns for n in found + [0] * (_LISTED - len(found))]
        constant = ir.Constant(ir.ArrayType(kind, len(rows)), rows)
        self.table = cgutils.global_constant(builder, "places_of_bits", constant)

    def write(self, values, n, threshold, places, here):
        """Lists the numbers from ``n`` on; how many they are."""
        builder, index = self.builder, n.type
        listed = ir.VectorType(self.kind, _LISTED)
        some = Whole(ir.VectorType(self.number, _LISTED), self.size)
        (pointer,) = pointers_to(builder, values, n, 1, some)
        level = spread(builder, threshold, some.vector)
        above = builder.fcmp_ordered(">", some.load(builder, pointer), level)
        bits = builder.bitcast(above, ir.IntType(_LISTED))
        row = builder.mul(builder.zext(bits, index), index(_LISTED))
        found = builder.gep(self.table, [index(0), row])
        found = builder.load(builder.bitcast(found, listed.as_pointer()), align=4)
        found = builder.add(found, spread(builder, builder.trunc(n, self.kind), listed))
        target = builder.bitcast(builder.gep(places.data, [here]), listed.as_pointer())
        builder.store(found, target, align=4)
        return builder.zext(builder.ctpop(bits), index)

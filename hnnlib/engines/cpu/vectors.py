"""Sums of rows in vector registers, for kernels to call: what the compiler doesn't find by itself.

Compiled from a loop, each event would read and write its sum. Here a block of a sum stays in
registers while all rows pass. Kernels that call these keep them in their own copies on disk: delete
``__pycache__`` beside this file after a change to it.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = ["add_products", "add_rows"]

_VECTOR, _BLOCK = 64, 4
"""Bytes of a vector, vectors of a block. Processors with narrower registers use several."""


@intrinsic
def add_rows(typing, total, table, base, stride, places, first, last):
    """Add to ``total`` (width,) the rows base + stride * places[first:last] of ``table``
    (place, width).
    """
    if not _in_order(total, table, places):
        return None
    signature = types.void(total, table, types.intp, types.intp, places, types.intp, types.intp)

    def generate(context, builder, signature, arguments):
        arrays = _arrays(context, builder, signature, arguments, (0, 1, 4))
        total, table, places = arrays
        _, _, base, stride, _, first, last = arguments

        def row(e):
            place = builder.load(builder.gep(places.data, [e]))
            place = builder.sext(place, base.type) if place.type != base.type else place
            return builder.add(base, builder.mul(stride, place)), None

        _sum(context, builder, signature.args[0].dtype, total, table, (first, last), row)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def add_products(typing, total, table, factors):
    """Add to ``total`` (width,) the rows of ``table`` (place, width), each times its factor."""
    if not _in_order(total, table, factors):
        return None

    def generate(context, builder, signature, arguments):
        total, table, factors = _arrays(context, builder, signature, arguments, (0, 1, 2))
        (count,) = cgutils.unpack_tuple(builder, factors.shape)

        def row(e):
            return e, builder.load(builder.gep(factors.data, [e]))

        _sum(context, builder, signature.args[0].dtype, total, table, (count.type(0), count), row)
        return context.get_dummy_value()

    return types.void(total, table, factors), generate


def _in_order(*arrays) -> bool:
    """Whether numbers follow each other in memory; others are refused when a kernel is compiled."""
    return all(isinstance(a, types.Array) and a.layout == "C" for a in arrays)


def _arrays(context, builder, signature, arguments, places):
    return [context.make_array(signature.args[k])(context, builder, arguments[k]) for k in places]


def _sum(context, builder, dtype, total, table, between, row) -> None:
    """Write the loops: blocks of columns, and within a block all rows.

    Args:
        between: first and last row of the inner loop.
        row: gives place and factor, or None, of the row at a loop's variable.
    """
    number = context.get_data_type(dtype)
    size = context.get_abi_sizeof(number)
    vector = ir.VectorType(number, _VECTOR // size)
    (width,), (_, across) = (cgutils.unpack_tuple(builder, a.shape) for a in (total, table))
    intp = width.type
    whole, one = intp(_BLOCK * vector.count), intp(1)
    full = builder.sub(width, builder.urem(width, whole))

    def block(column, read, write):
        sums = [cgutils.alloca_once(builder, vector) for _ in range(_BLOCK)]
        for k, s in enumerate(sums):
            builder.store(read(builder.gep(total.data, [column]), k), s)
        with cgutils.for_range_slice(builder, *between, one, intp) as (e, _):
            place, factor = row(e)
            here = builder.gep(table.data, [builder.add(builder.mul(place, across), column)])
            if factor is not None:
                factor = _spread(builder, factor, vector)
            for k, s in enumerate(sums):
                added = read(here, k)
                added = added if factor is None else builder.fmul(added, factor, flags=["contract"])
                builder.store(builder.fadd(builder.load(s), added, flags=["contract"]), s)
        for k, s in enumerate(sums):
            write(builder.load(s), builder.gep(total.data, [column]), k)

    def at(pointer, k):
        return builder.gep(builder.bitcast(pointer, vector.as_pointer()), [intp(k)])

    with cgutils.for_range_slice(builder, intp(0), full, whole, intp) as (column, _):
        block(
            column,
            lambda pointer, k: builder.load(at(pointer, k), align=size),
            lambda value, pointer, k: builder.store(value, at(pointer, k), align=size),
        )
    with builder.if_then(builder.icmp_signed("<", full, width)):
        left = [
            builder.sub(builder.sub(width, full), intp(k * vector.count)) for k in range(_BLOCK)
        ]
        masks = [_below(builder, n, vector.count) for n in left]
        load, store = _masked(builder.module, vector, size)
        block(
            full,
            lambda pointer, k: load(builder, at(pointer, k), masks[k]),
            lambda value, pointer, k: store(builder, value, at(pointer, k), masks[k]),
        )


def _spread(builder, number, vector):
    """A number in all lanes of a vector."""
    lane = ir.IntType(32)
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), number, lane(0))
    everywhere = ir.Constant(ir.VectorType(lane, vector.count), [0] * vector.count)
    return builder.shuffle_vector(one, ir.Constant(vector, ir.Undefined), everywhere)


def _below(builder, n, lanes):
    """The first ``n`` lanes."""
    numbers = ir.VectorType(n.type, lanes)
    return builder.icmp_signed(
        "<", ir.Constant(numbers, list(range(lanes))), _spread(builder, n, numbers)
    )


def _masked(module, vector, size):
    """Load and store of some lanes: memory of the others isn't touched, and loads as zero."""
    pointer, mask = vector.as_pointer(), ir.VectorType(ir.IntType(1), vector.count)
    align, kind = ir.IntType(32), f"v{vector.count}f{8 * size}.p0"
    reads = ir.FunctionType(vector, [pointer, align, mask, vector])
    writes = ir.FunctionType(ir.VoidType(), [vector, pointer, align, mask])
    load = cgutils.get_or_insert_function(module, reads, f"llvm.masked.load.{kind}")
    store = cgutils.get_or_insert_function(module, writes, f"llvm.masked.store.{kind}")

    def loaded(builder, at, mask):
        return builder.call(
            load, [at, align(size), mask, ir.Constant(vector, [0.0] * vector.count)]
        )

    def stored(builder, value, at, mask):
        return builder.call(store, [value, at, align(size), mask])

    return loaded, stored

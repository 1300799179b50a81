"""Vectors, masks and arrays in the intermediate language of the compiler, for the code that
``vectors`` and ``tiles`` write.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils

__all__ = [
    "BYTES",
    "Part",
    "Whole",
    "below",
    "columns",
    "in_order",
    "place_at",
    "pointers_to",
    "spread",
    "unpack",
]

BYTES = 64
"""Bytes of a vector; processors with narrower registers use several."""
_BLOCKS = (8, 4, 2, 1)
"""Vectors of a block, the largest first."""


def pointers_to(builder, array, first, several, lanes) -> list:
    """Pointers to the vectors of a block that begins at number ``first``."""
    at = builder.bitcast(builder.gep(array.data, [first]), lanes.vector.as_pointer())
    return [builder.gep(at, [first.type(k)]) for k in range(several)]


def place_at(builder, places, e):
    """A place, as an index."""
    place = builder.load(builder.gep(places.data, [e]))
    return builder.sext(place, e.type) if place.type != e.type else place


def in_order(*arrays) -> bool:
    """Whether numbers follow each other in memory; others are refused when a kernel is compiled."""
    return all(isinstance(a, types.Array) and a.layout == "C" for a in arrays)


def unpack(context, builder, signature, arguments, places):
    """The arrays among a function's arguments, whose places are given."""
    return [context.make_array(signature.args[k])(context, builder, arguments[k]) for k in places]


class Whole:
    """Loads and stores all lanes of a vector."""

    def __init__(self, vector, size) -> None:
        self.vector, self.size = vector, size

    def load(self, builder, at):
        """A vector from memory."""
        return builder.load(at, align=self.size)

    def store(self, builder, value, at):
        """A vector to memory."""
        builder.store(value, at, align=self.size)


class Part:
    """Loads and stores the lanes of a mask; others load as zero, and their memory isn't touched."""

    def __init__(self, vector, size, mask) -> None:
        self.vector, self.size, self.mask = vector, size, mask
        self.kind = f"v{vector.count}f{8 * size}.p0"
        self.nothing = ir.Constant(vector, [0.0] * vector.count)

    def load(self, builder, at):
        """A vector from memory."""
        align, mask = ir.IntType(32), self.mask.type
        kind = ir.FunctionType(self.vector, [at.type, align, mask, self.vector])
        name = f"llvm.masked.load.{self.kind}"
        load = cgutils.get_or_insert_function(builder.module, kind, name)
        return builder.call(load, [at, align(self.size), self.mask, self.nothing])

    def store(self, builder, value, at):
        """A vector to memory."""
        align, mask = ir.IntType(32), self.mask.type
        kind = ir.FunctionType(ir.VoidType(), [self.vector, at.type, align, mask])
        name = f"llvm.masked.store.{self.kind}"
        store = cgutils.get_or_insert_function(builder.module, kind, name)
        builder.call(store, [value, at, align(self.size), self.mask])


def spread(builder, number, vector):
    """A number in all lanes of a vector."""
    lane = ir.IntType(32)
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), number, lane(0))
    everywhere = ir.Constant(ir.VectorType(lane, vector.count), [0] * vector.count)
    return builder.shuffle_vector(one, ir.Constant(vector, ir.Undefined), everywhere)


def below(builder, n, lanes):
    """The first ``n`` lanes."""
    numbers = ir.VectorType(n.type, lanes)
    return builder.icmp_signed(
        "<", ir.Constant(numbers, list(range(lanes))), spread(builder, n, numbers)
    )


def columns(context, builder, dtype, width, block, blocks=_BLOCKS) -> None:
    """Write the blocks of ``width`` columns, the last of a single vector that they may not fill.

    Args:
        blocks: how many vectors one may have.
        block: writes one, given its column, its number of vectors, and what loads and stores them.
    """
    number = context.get_data_type(dtype)
    size = context.get_abi_sizeof(number)
    vector = ir.VectorType(number, BYTES // size)
    column = width.type(0)
    for several in blocks:
        whole = width.type(several * vector.count)
        end = builder.sub(width, builder.urem(width, whole))
        with cgutils.for_range_slice(builder, column, end, whole, width.type) as (here, _):
            block(here, several, Whole(vector, size))
        column = end
    with builder.if_then(builder.icmp_signed("<", column, width)):
        mask = below(builder, builder.sub(width, column), vector.count)
        block(column, 1, Part(vector, size, mask))

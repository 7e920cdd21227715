"""Loops over the spectra of a pair or an event, eight at a time.

Arrays may overlap for all a compiler knows, so it takes the spectra one by one. Here they are written as vectors of the
intermediate language, which every processor has instructions for. What lies beyond the last eight is done singly, in
the same order of operations.
"""

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.errors import TypingError
from numba.extending import intrinsic

_WIDTH = 8
_DOUBLE, _INDEX = ir.DoubleType(), ir.IntType(64)


def _for_lanes(builder: ir.IRBuilder, n: ir.Value, body: Callable[[ir.Value, int], None]) -> None:
    """`body` at every eighth number below `n`, with vectors, and at each of the rest, with numbers."""
    whole = builder.and_(n, ir.Constant(_INDEX, -_WIDTH))
    with cgutils.for_range_slice(builder, ir.Constant(_INDEX, 0), whole, ir.Constant(_INDEX, _WIDTH)) as (at, _):
        body(at, _WIDTH)
    with cgutils.for_range_slice(builder, whole, n, ir.Constant(_INDEX, 1)) as (at, _):
        body(at, 1)


def _typed(kind: ir.Type, lanes: int) -> ir.Type:
    return kind if lanes == 1 else ir.VectorType(kind, lanes)


def _place(builder: ir.IRBuilder, data: ir.Value, at: ir.Value, lanes: int) -> ir.Value:
    pointer = builder.gep(data, [at])
    return builder.bitcast(pointer, _typed(data.type.pointee, lanes).as_pointer())


def _load(builder: ir.IRBuilder, data: ir.Value, at: ir.Value, lanes: int) -> ir.Value:
    return builder.load(_place(builder, data, at, lanes), align=4)


def _store(builder: ir.IRBuilder, value: ir.Value, data: ir.Value, at: ir.Value, lanes: int) -> None:
    builder.store(value, _place(builder, data, at, lanes), align=4)


def _filled(builder: ir.IRBuilder, value: ir.Value, lanes: int) -> ir.Value:
    """A number in all lanes."""
    if lanes == 1:
        return value
    nothing = ir.Constant(ir.VectorType(value.type, lanes), ir.Undefined)
    first = builder.insert_element(nothing, value, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(first, nothing, ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes))


def _data(context: Any, builder: ir.IRBuilder, kinds: Sequence[Any], values: Sequence[ir.Value]) -> list[ir.Value]:
    """Where the data of arrays begin."""
    return [context.make_array(kind)(context, builder, value).data for kind, value in zip(kinds, values, strict=True)]


def _check(dtype: types.Type, *arrays: types.Type) -> None:
    for array in arrays:
        if not isinstance(array, types.Array) or array.layout != "C" or array.dtype != dtype:
            raise TypingError(f"numbers are counted in a C-ordered array of {dtype}, not in {array}")


@intrinsic
def add_pair(_, held, first, density, row, share, own, n, weights):
    """held[first + g] += share[own + g] (w_0 density[row + g] + w_1 density[row + n + g] + ...) for g below n.

    `held`, `density` and `share` are C-ordered float32 arrays that `first`, `row` and `own` count the numbers of,
    `weights` one float32 for each width.
    """
    _check(types.float32, held, density, share)
    signature = types.void(held, first, density, row, share, own, n, weights)

    def generate(context, builder, signed, values):
        held, first, density, row, share, own, n, weights = values
        held, density, share = _data(context, builder, signed.args[:6:2], (held, density, share))
        numbers = cgutils.unpack_tuple(builder, weights)

        def body(at, lanes):
            terms = []
            for m, weight in enumerate(numbers):
                begin = builder.add(row, builder.add(at, builder.mul(n, ir.Constant(_INDEX, m))))
                terms.append(builder.fmul(_filled(builder, weight, lanes), _load(builder, density, begin, lanes)))
            total = reduce(builder.fadd, terms)
            part = builder.fmul(_load(builder, share, builder.add(own, at), lanes), total)
            there = builder.add(first, at)
            _store(builder, builder.fadd(_load(builder, held, there, lanes), part), held, there, lanes)

        _for_lanes(builder, n, body)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def any_from(_, held, first, n, limit):
    """Whether any of held[first ... first + n - 1] is `limit` or more, or no number; float32."""
    _check(types.float32, held)
    signature = types.boolean(held, first, n, limit)

    def generate(context, builder, signed, values):
        held, first, n, limit = values
        (held,) = _data(context, builder, signed.args[:1], (held,))
        found = cgutils.alloca_once_value(builder, cgutils.false_bit)

        def body(at, lanes):
            value = _load(builder, held, builder.add(first, at), lanes)
            large = builder.fcmp_unordered(">=", value, _filled(builder, limit, lanes))
            if lanes > 1:
                bits = ir.IntType(lanes)
                large = builder.icmp_unsigned("!=", builder.bitcast(large, bits), ir.Constant(bits, 0))
            builder.store(builder.or_(builder.load(found), large), found)

        _for_lanes(builder, n, body)
        return builder.load(found)

    return signature, generate


@intrinsic
def add_powers(_, held, n_events, low, begin, n):
    """low[begin + p n + g] += sum over i < n_events of held[i n + g]^(p + 1), for p = 0 ... 3 and g below n.

    `held` (float32) and `low` (float64) are C-ordered; `begin` counts the numbers of `low`.
    """
    _check(types.float32, held)
    _check(types.float64, low)
    signature = types.void(held, n_events, low, begin, n)

    def generate(context, builder, signed, values):
        held, n_events, low, begin, n = values
        held, low = _data(context, builder, signed.args[:3:2], (held, low))

        def body(at, lanes):
            kind = _typed(_DOUBLE, lanes)
            there = [builder.add(begin, builder.add(at, builder.mul(n, ir.Constant(_INDEX, p)))) for p in range(4)]
            sums = [cgutils.alloca_once(builder, kind) for _ in there]
            for own, place in zip(sums, there, strict=True):
                builder.store(_load(builder, low, place, lanes), own)
            with cgutils.for_range(builder, n_events) as loop:
                at_event = builder.add(builder.mul(loop.index, n), at)
                r = builder.fpext(_load(builder, held, at_event, lanes), kind)
                square = builder.fmul(r, r)
                for own, power in zip(
                    sums, (r, square, builder.fmul(square, r), builder.fmul(square, square)), strict=True
                ):
                    builder.store(builder.fadd(builder.load(own), power), own)
            for own, place in zip(sums, there, strict=True):
                _store(builder, builder.load(own), low, place, lanes)

        _for_lanes(builder, n, body)
        return context.get_dummy_value()

    return signature, generate

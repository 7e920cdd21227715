"""Loops over the spectra of a pair or an event, sixteen or eight at a time.

Arrays may overlap for all a compiler knows, so it takes the spectra one by one. Here they are written as vectors of the
intermediate language, which every processor has instructions for. What lies beyond the last eight is done singly, in
the same order.
"""

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.errors import TypingError
from numba.extending import intrinsic

N_WIDTHS = 5
"""Widths of the point spread that a pair has weights for."""
_LANES = 16, 8, 1
_LINE = 64
"""Bytes of a line of the cache."""
_DOUBLE, _INDEX = ir.DoubleType(), ir.IntType(64)


def _for_lanes(builder: ir.IRBuilder, n: ir.Value, body: Callable[[ir.Value, int], None]) -> None:
    """`body` at every number below `n`: sixteen at a time, then eight, then singly."""
    begin = ir.Constant(_INDEX, 0)
    for lanes in _LANES:
        end = builder.and_(n, ir.Constant(_INDEX, -lanes))
        with cgutils.for_range_slice(builder, begin, end, ir.Constant(_INDEX, lanes)) as (at, _):
            body(at, lanes)
        begin = end


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


def _added(builder: ir.IRBuilder, a: ir.Value, b: ir.Value, c: ir.Value) -> ir.Value:
    """a b + c, rounded once where the processor can."""
    return builder.fadd(builder.fmul(a, b, flags=["contract"]), c, flags=["contract"])


def _data(context: Any, builder: ir.IRBuilder, kinds: Sequence[Any], values: Sequence[ir.Value]) -> list[ir.Value]:
    """Where the data of arrays begin."""
    return [context.make_array(kind)(context, builder, value).data for kind, value in zip(kinds, values, strict=True)]


def _check(dtype: types.Type, *arrays: types.Type) -> None:
    for array in arrays:
        if not isinstance(array, types.Array) or array.layout != "C" or array.dtype != dtype:
            raise TypingError(f"numbers are counted in a C-ordered array of {dtype}, not in {array}")


@intrinsic
def sum_pairs(_, held, first, density, rows, share, owns, weight, begin, end, n, limit):
    """Set held[first + g] to the sum over the pairs begin <= p < end of

        share[owns[p] + g] (weight[0, p] density[rows[p] + g] + weight[1, p] density[rows[p] + n + g] + ...)

    for g below n, and return whether any is `limit` or more, or no number. `held`, `density`, `share` and `weight`
    (5, at least `end`) are C-ordered float32 arrays that `first`, `rows` and `owns` count the numbers of.
    """
    _check(types.float32, held, density, share, weight)
    _check(types.int64, rows, owns)
    signature = types.boolean(held, first, density, rows, share, owns, weight, begin, end, n, limit)

    def generate(context, builder, signed, values):
        held, first, density, rows, share, owns, weight, begin, end, n, limit = values
        n_pairs = builder.extract_value(context.make_array(signed.args[6])(context, builder, weight).shape, 1)
        kinds = [signed.args[i] for i in (0, 2, 3, 4, 5, 6)]
        held, density, rows, share, owns, weight = _data(
            context, builder, kinds, (held, density, rows, share, owns, weight)
        )
        found = cgutils.alloca_once_value(builder, cgutils.false_bit)
        one = ir.Constant(_INDEX, 1)

        def body(at, lanes):
            kind = _typed(ir.FloatType(), lanes)
            total = cgutils.alloca_once(builder, kind)
            builder.store(ir.Constant(kind, None), total)
            with cgutils.for_range_slice(builder, begin, end, one) as (p, _):
                row = builder.add(builder.load(builder.gep(rows, [p])), at)
                own = builder.add(builder.load(builder.gep(owns, [p])), at)
                term, at_weight = ir.Constant(kind, None), p
                for _ in range(N_WIDTHS):
                    factor = _filled(builder, builder.load(builder.gep(weight, [at_weight])), lanes)
                    term = _added(builder, factor, _load(builder, density, row, lanes), term)
                    row, at_weight = builder.add(row, n), builder.add(at_weight, n_pairs)
                builder.store(_added(builder, _load(builder, share, own, lanes), term, builder.load(total)), total)
            value = builder.load(total)
            _store(builder, value, held, builder.add(first, at), lanes)
            large = builder.fcmp_unordered(">=", value, _filled(builder, limit, lanes))
            if lanes > 1:
                bits = ir.IntType(lanes)
                large = builder.icmp_unsigned("!=", builder.bitcast(large, bits), ir.Constant(bits, 0))
            builder.store(builder.or_(builder.load(found), large), found)

        _for_lanes(builder, n, body)
        return builder.load(found)

    return signature, generate


@intrinsic
def fetch(_, values, first, n):
    """Ask for the items `first` ... `first + n - 1` of a C-ordered array to come near, and go on meanwhile."""
    if not isinstance(values, types.Array) or values.layout != "C":
        raise TypingError(f"items are counted in a C-ordered array, not in {values}")
    signature = types.void(values, first, n)

    def generate(context, builder, signed, given):
        values, first, n = given
        item = context.get_abi_sizeof(context.get_data_type(signed.args[0].dtype))
        (values,) = _data(context, builder, signed.args[:1], (values,))
        kinds = [ir.IntType(8).as_pointer(), *[ir.IntType(32)] * 3]
        name = "llvm.prefetch.p0i8"
        function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(ir.VoidType(), kinds), name)
        how = [ir.Constant(ir.IntType(32), number) for number in (0, 3, 1)]  # to be read, to the first cache, data
        step = ir.Constant(_INDEX, max(_LINE // item, 1))
        with cgutils.for_range_slice(builder, first, builder.add(first, n), step) as (at, _):
            builder.call(function, [builder.bitcast(builder.gep(values, [at]), kinds[0]), *how])
        return context.get_dummy_value()

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

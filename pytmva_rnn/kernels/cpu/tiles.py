"""Register tiles of matrix products, some with a recurrent cell's equations behind the sums, as Numba intrinsics.

A block's activations are [row][LANES]; a tile keeps rows x vectors of sums in registers, so that each number that is
read serves several multiply-adds. Addresses are integers in bytes, strides are counted in floats.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from numba import types

from pytmva_rnn.kernels.cpu.simd import INT64, INTP, LANES, VECTORS, WIDTH, Emitter, Vector, intrinsic

__all__ = ["fused_row_tile", "fused_tile", "matrix_tile"]


def matrix_tile(rows: int, vectors: int, *, rows_adjacent: bool) -> Any:
    """A block of a matrix product, `C[r][v] (+)= sum over t < n, k < count of A_t[r][k] B_t[k][v]`, for `rows` r and
    `vectors*WIDTH` columns v.

    Returns a function (a, a_stride, a_next, b, b_stride, b_next, count, n, c, c_stride, accumulate), where `a_next` and
    `b_next` lead from A_t to A_{t+1} and B_t to B_{t+1}, and A[r][k] lies at `a + k*a_stride + r` if `rows_adjacent`,
    else at `a + r*a_stride + k`.
    """

    @intrinsic
    def tile(_: Any, a, a_stride, a_next, b, b_stride, b_next, count, n, c, c_stride, accumulate):
        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            a, a_stride, a_next, b, b_stride, b_next, count, n, c, c_stride, accumulate = arguments
            e = Emitter(builder)
            a, b, c = e.pointer(a), e.pointer(b), e.pointer(c)
            slots = e.accumulators(rows, vectors)
            places = [[e.offset(c, e.times(c_stride, r), v * WIDTH) for v in range(vectors)] for r in range(rows)]
            with builder.if_then(builder.icmp_signed("!=", accumulate, INT64(0))):
                for slot_row, place_row in zip(slots, places, strict=True):
                    for slot, place in zip(slot_row, place_row, strict=True):
                        builder.store(e.load(place).value, slot)
            a_row, a_step = (1, a_stride) if rows_adjacent else (a_stride, 1)
            with e.loop(n) as t:
                a_t, b_t = e.offset(a, e.times(t, a_next)), e.offset(b, e.times(t, b_next))
                e.multiply_add(slots, a_t, a_row, a_step, b_t, b_stride, count)
            for slot_row, place_row in zip(slots, places, strict=True):
                for slot, place in zip(slot_row, place_row, strict=True):
                    e.store(Vector(builder, builder.load(slot)), place)
            return context.get_dummy_value()

        return types.void(*[INTP] * 11), emit

    return tile


def fused_tile(
    equations: Callable[..., Sequence[Vector]],
    units: int,
    x_rows: Sequence[int],
    h_rows: Sequence[int],
    inputs: int,
    outputs: int,
) -> Any:
    """`units` hidden units of a recurrent step for a block of lanes: gate sums in registers, then the cell's equations.

    Accumulator q of a unit collects the x part if q is in `x_rows` and the h part if it is in `h_rows`; then
    `equations(*sums, *inputs) -> outputs` for each unit and vector.

    Returns a function (wx, x, nx, wh, h, nh, inputs, outputs): `wx` weights packed [k][gate*units + unit] for the nx
    rows of x, `wh` the same for the nh rows of h, `inputs` and `outputs` tuples of addresses of [unit][LANES].
    """
    rows = max(*x_rows, *h_rows) + 1

    @intrinsic
    def tile(_: Any, wx, x, nx, wh, h, nh, given, made):
        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            wx, x, nx, wh, h, nh, given, made = arguments
            e = Emitter(builder)
            slots = e.accumulators(rows * units, VECTORS)
            for w, b, count, which in ((wx, x, nx, x_rows), (wh, h, nh, h_rows)):
                chosen = [slots[q * units + u] for q in which for u in range(units)]
                e.multiply_add(chosen, e.pointer(w), 1, len(chosen), e.pointer(b), LANES, count)
            sources = [e.pointer(builder.extract_value(given, j)) for j in range(inputs)]
            targets = [e.pointer(builder.extract_value(made, j)) for j in range(outputs)]
            for u in range(units):
                for v in range(VECTORS):
                    place = u * LANES + v * WIDTH
                    sums = [Vector(builder, builder.load(slots[q * units + u][v])) for q in range(rows)]
                    values = equations(*sums, *(e.load(e.offset(p, place)) for p in sources))
                    for value, target in zip(values, targets, strict=True):
                        e.store(value, e.offset(target, place))
            return context.get_dummy_value()

        return types.void(*[INTP] * 6, given, made), emit

    return tile


def fused_row_tile(
    equations: Callable[..., Sequence[Vector]],
    vectors: int,
    x_rows: Sequence[int],
    h_rows: Sequence[int],
    inputs: int,
    outputs: int,
) -> Any:
    """A recurrent step of one event for `vectors*WIDTH` units: here the units are the lanes.

    As `fused_tile`, but the weights lie unpacked, [k][gate*H + unit], and the bias is the row behind those of x.

    Returns a function (H, wx, x_stride, x, nx, wh, h_stride, h, nh, inputs, outputs), `inputs` and `outputs` tuples of
    addresses of [unit]. Units beyond the last one are computed and stored too, from what happens to lie there.
    """
    rows = max(*x_rows, *h_rows) + 1
    chains = max(1, 8 // (rows * vectors))  # independent sums, to hide the latency of a multiply-add

    @intrinsic
    def tile(_: Any, H, wx, x_stride, x, nx, wh, h_stride, h, nh, given, made):
        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            H, wx, x_stride, x, nx, wh, h_stride, h, nh, given, made = arguments
            e = Emitter(builder)
            wx, x, wh, h = e.pointer(wx), e.pointer(x), e.pointer(wh), e.pointer(h)
            sums = [e.accumulators(rows, vectors) for _ in range(chains)]

            def add(slots: list[list[Any]], which: Sequence[int], row: Any, factor: Vector | None) -> None:
                for column, q in enumerate(which):
                    gate = e.offset(row, e.times(H, column))
                    for v, slot in enumerate(slots[q]):
                        weight = e.load(e.offset(gate, v * WIDTH))
                        sum_ = Vector(builder, builder.load(slot))
                        builder.store((weight if factor is None else sum_ + factor * weight).value, slot)

            add(sums[0], x_rows, e.offset(wx, e.times(nx, x_stride)), None)
            for w, stride, b, count, which in ((wx, x_stride, x, nx, x_rows), (wh, h_stride, h, nh, h_rows)):
                rounds = builder.udiv(count, INT64(chains))
                with e.loop(rounds) as k:
                    first = e.times(k, chains)
                    for c, slots in enumerate(sums):
                        at = builder.add(first, INT64(c))
                        add(slots, which, e.offset(w, e.times(at, stride)), e.broadcast(e.offset(b, at)))
                done = e.times(rounds, chains)
                with e.loop(builder.sub(count, done)) as k:
                    at = builder.add(done, k)
                    add(sums[0], which, e.offset(w, e.times(at, stride)), e.broadcast(e.offset(b, at)))
            sources = [e.pointer(builder.extract_value(given, j)) for j in range(inputs)]
            targets = [e.pointer(builder.extract_value(made, j)) for j in range(outputs)]
            for v in range(vectors):
                totals = []
                for q in range(rows):
                    total = Vector(builder, builder.load(sums[0][q][v]))
                    for slots in sums[1:]:
                        total = total + Vector(builder, builder.load(slots[q][v]))
                    totals.append(total)
                values = equations(*totals, *(e.load(e.offset(p, v * WIDTH)) for p in sources))
                for value, target in zip(values, targets, strict=True):
                    e.store(value, e.offset(target, v * WIDTH))
            return context.get_dummy_value()

        return types.void(*[INTP] * 9, given, made), emit

    return tile

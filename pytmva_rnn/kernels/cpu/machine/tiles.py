"""Matrix products cut into register tiles, some with a recurrent cell's equations behind the sums, as intrinsics.

A tile keeps rows x vectors of sums in registers, so that each number that is read serves several multiply-adds.
Addresses are integers in bytes, strides count floats.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pytmva_rnn.compile import intrinsic
from pytmva_rnn.kernels.cpu.machine.lanes import LANES, VECTORS, WIDTH
from pytmva_rnn.kernels.cpu.machine.simd import INT64, Emitter
from pytmva_rnn.kernels.cpu.machine.vector import Vector

__all__ = ["matrix_product", "recurrent_step"]

Equations = Callable[..., Sequence[Vector]]

_AT_ONCE = 8
"""Sums that are added to in turns: of fewer each would wait for itself."""

_ROOM = 512
"""Floats of sums that wait for the equations: long chains of instructions, which overlap for several units."""


def _tiles(e: Emitter, total: Any, sizes: Sequence[int]) -> Iterator[tuple[int, Any]]:
    """Cover `total` by tiles, the largest first: yields (size, first) inside the loop that is emitted for each size."""
    done: Any = INT64(0)
    for size in sizes:
        count = e.builder.udiv(e.builder.sub(total, done), INT64(size))
        with e.loop(count) as k:
            yield size, e.builder.add(done, e.times(k, size))
        done = e.builder.add(done, e.times(count, size))


def _even_tiles(e: Emitter, total: Any, largest: int) -> Iterator[tuple[int, Any]]:
    """The same with as few tiles as `largest` allows, of sizes that differ by one at most.

    That takes some divisions, and spares the small tile at the end, which would wait for its sums.
    """
    b = e.builder
    tiles = b.udiv(b.add(total, INT64(largest - 1)), INT64(largest))
    tiles = b.select(b.icmp_signed("==", tiles, INT64(0)), INT64(1), tiles)
    small, larger = b.udiv(total, tiles), b.urem(total, tiles)
    for size in range(largest, 0, -1):
        is_small, is_larger = (b.icmp_signed("==", small, INT64(s)) for s in (size, size - 1))
        count = b.select(is_larger, larger, b.select(is_small, b.sub(tiles, larger), INT64(0)))
        start = b.select(is_larger, INT64(0), e.times(larger, size + 1))
        with e.loop(count) as k:
            yield size, b.add(start, e.times(k, size))


def matrix_product(tile_rows: int, tile_vectors: int, *, rows_adjacent: bool) -> Any:
    """`C (+)= sum over t < n of A_t B_t` for A_t [rows][count] and B_t [count][vectors*WIDTH].

    Returns a function (rows, vectors, a, a_stride, a_next, b, b_stride, b_next, count, n, c, c_stride, accumulate),
    where `a_next` and `b_next` lead from A_t to A_{t+1} and B_t to B_{t+1}, and A[r][k] lies at `a + k*a_stride + r` if
    `rows_adjacent`, else at `a + r*a_stride + k`. A tile is of `tile_rows` x `tile_vectors` at most; of one vector
    it has more rows, or the sums would wait for each other.
    """
    of_one_vector = [_AT_ONCE >> k for k in range(_AT_ONCE.bit_length())]

    @intrinsic
    def product(
        builder: Any, rows, vectors, a, a_stride, a_next, b, b_stride, b_next, count, n, c, c_stride, accumulate
    ):
        e = Emitter(builder)
        a, b, c = e.pointer(a), e.pointer(b), e.pointer(c)
        a_row, a_step = (1, a_stride) if rows_adjacent else (a_stride, 1)
        adding = builder.icmp_signed("!=", accumulate, INT64(0))
        for width, column in _tiles(e, vectors, range(tile_vectors, 0, -1)):
            first_column = e.times(column, WIDTH)
            heights = _tiles(e, rows, of_one_vector) if width == 1 else _even_tiles(e, rows, tile_rows)
            for height, row in heights:
                slots = e.accumulators(height, width)
                corner = e.offset(c, e.times(row, c_stride), first_column)
                places = [
                    (slot, e.offset(corner, e.times(c_stride, r), v * WIDTH))
                    for r, row_slots in enumerate(slots)
                    for v, slot in enumerate(row_slots)
                ]
                with builder.if_then(adding):
                    for slot, place in places:
                        builder.store(e.load(place).value, slot)
                with e.loop(n) as t:
                    a_t = e.offset(a, e.times(t, a_next), e.times(row, a_row))
                    b_t = e.offset(b, e.times(t, b_next), first_column)
                    e.multiply_add(slots, [a_t], a_row, a_step, b_t, b_stride, count)
                for slot, place in places:
                    e.store(Vector(builder, builder.load(slot)), place)

    return product


def _pointers(e: Emitter, addresses: Any, count: int) -> list[Any]:
    return [e.pointer(addresses[j]) for j in range(count)]


def recurrent_step(
    stages: Sequence[Equations], units: int, x_sums: Sequence[int], h_sums: Sequence[int], inputs: int, outputs: int
) -> Any:
    """A recurrent step of a block of lanes: the gates' sums in registers, then the cell's equations.

    Sum q of a unit collects the x part if q is in `x_sums` and the h part if it is in `h_sums`. When the sums of some
    units are there, the equations follow, for each unit and vector, in stages: each but the last makes of the sums what
    takes their places, and the last is `equations(*sums, *inputs) -> outputs`. A processor looks only so many
    instructions ahead, and a stage goes through all of those units before the next one begins: an activation function
    of what another one gives belongs into a later stage, so that it need not be waited for.

    Returns a function (H, vectors, wx, x, nx, wh, h, nh, inputs, outputs): `wx` the weights of nx rows of x, packed in
    tiles of `units` and its halves, [tile][k][gate*units + unit] (`recurrent.pack_tiles`); `wh` those of the H rows of
    h, of which nh count; `inputs` and `outputs` tuples of addresses of [unit][LANES].
    """
    sums = max(*x_sums, *h_sums) + 1
    sizes = [units >> k for k in range(units.bit_length())]
    of_unit = sums * LANES
    group = max(1, _ROOM // of_unit // units) * units

    def made_together(width: int) -> list[int]:
        """Units whose sums are made together, of several tiles where the sums of one would wait for each other."""
        most = max(1, _AT_ONCE // (sums * units * width))
        return [*(units << k for k in reversed(range(most.bit_length()))), *sizes[1:]]

    @intrinsic
    def step(builder: Any, H, vectors, wx, x, nx, wh, h, nh, given, made):
        e = Emitter(builder)
        wx, x, wh, h = (e.pointer(address) for address in (wx, x, wh, h))
        sources, targets = _pointers(e, given, inputs), _pointers(e, made, outputs)
        buffer = e.room(group * of_unit)
        with e.loop(builder.udiv(builder.add(H, INT64(group - 1)), INT64(group))) as number:
            before = e.times(number, group)
            left = builder.sub(H, before)
            members = builder.select(builder.icmp_signed("<", left, INT64(group)), left, INT64(group))
            for width, vector in _tiles(e, vectors, range(VECTORS, 0, -1)):
                lane = e.times(vector, WIDTH)
                for together, first in _tiles(e, members, made_together(width)):
                    size = min(units, together)
                    firsts = [builder.add(builder.add(before, first), INT64(u)) for u in range(0, together, size)]
                    slots = [e.accumulators(sums * size, width) for _ in firsts]
                    for w, rows, b, count, which in ((wx, nx, x, nx, x_sums), (wh, H, h, nh, h_sums)):
                        chosen = [tile[q * size + u] for tile in slots for q in which for u in range(size)]
                        tiles = [e.offset(w, e.times(e.times(unit, rows), len(which))) for unit in firsts]
                        e.multiply_add(chosen, tiles, 1, len(which) * size, e.offset(b, lane), LANES, count)
                    for u in range(together):
                        kept = e.offset(buffer, e.times(first, of_unit), u * of_unit, lane)
                        for q in range(sums):
                            for v, slot in enumerate(slots[u // size][q * size + u % size]):
                                e.store(Vector(builder, builder.load(slot)), e.offset(kept, q * LANES + v * WIDTH))
            for stage in stages:
                with e.loop(members) as u, e.loop(vectors) as v:
                    lane = e.times(v, WIDTH)
                    kept = e.offset(buffer, e.times(u, of_unit), lane)
                    places = [e.offset(kept, q * LANES) for q in range(sums)]
                    of = [e.load(place) for place in places]
                    if stage is stages[-1]:
                        corner = builder.add(e.times(builder.add(before, u), LANES), lane)
                        of += [e.load(e.offset(source, corner)) for source in sources]
                        places = [e.offset(target, corner) for target in targets]
                    for value, place in zip(stage(*of), places, strict=True):
                        e.store(value, place)

    return step

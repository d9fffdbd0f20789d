"""Products of weights with one event, whose lanes are the columns of the weights, as intrinsics.

A tile keeps as many vectors of sums in registers as there are, so that each input that is read serves them all.
Addresses are integers in bytes, strides count floats.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir

from pytmva_rnn.compile import intrinsic
from pytmva_rnn.compile.quick import stored
from pytmva_rnn.kernels.cpu.machine.lanes import WIDTH
from pytmva_rnn.kernels.cpu.machine.simd import INT64, Emitter
from pytmva_rnn.kernels.cpu.machine.vector import Vector, multiply_add

__all__ = ["affine_product"]

_ROUNDS = {8: (2, 1), 7: (2, 1), 6: (4, 2), 5: (4, 2), 4: (4, 2), 3: (4, 2), 2: (4, 4), 1: (8, 8)}
"""Of tiles of so many vectors: rows of a round, and how many times the sums are made, of rows in turn.

A few sums that each row is added to would wait for one to be ready; more than 16 registers hold would go to memory.
"""


def _tile(e: Emitter, width: int, start: Any, parts: Sequence[tuple[Any, Any, Any, Any]], y: Any) -> None:
    """A tile of `width` vectors of what `affine_product` makes, of two parts (weights, stride, inputs, rows)."""
    b = e.builder
    rows, times = _ROUNDS[width]
    chains = [e.accumulators(1, width)[0] for _ in range(times)]
    for v, slot in enumerate(chains[0]):
        b.store(e.load(e.offset(start, v * WIDTH)).value, slot)
    first, second = parts
    w, stride, x, n = (stored(b, value) for value in first)
    left = stored(b, b.icmp_signed(">", second[-1], INT64(0)))

    def add(count: int) -> None:
        weights, inputs, distance = b.load(w), b.load(x), b.load(stride)
        for k in range(count):
            factor = e.broadcast(e.offset(inputs, k)).value
            for v, slot in enumerate(chains[k % times]):
                weight = e.load(e.offset(weights, v * WIDTH)).value
                b.store(multiply_add(b, weight, factor, b.load(slot)).value, slot)
            weights = e.offset(weights, distance)
        b.store(weights, w)
        b.store(e.offset(inputs, count), x)

    part, done = b.append_basic_block("part"), b.append_basic_block("summed")
    b.branch(part)
    b.position_at_end(part)
    count = b.load(n)
    with e.loop(b.udiv(count, INT64(rows))):
        add(rows)
    while rows > 1:
        rows //= 2
        with b.if_then(b.icmp_signed("!=", b.and_(count, INT64(rows)), INT64(0))):
            add(rows)
    another = b.load(left)
    for value, slot in zip((*second, ir.Constant(another.type, 0)), (w, stride, x, n, left), strict=True):
        b.store(value, slot)
    b.cbranch(another, part, done)
    b.position_at_end(done)
    sums = [[Vector(b, b.load(slot)) for slot in chain] for chain in chains]
    while len(sums) > 1:
        sums = [[a + other for a, other in zip(*pair, strict=True)] for pair in zip(sums[::2], sums[1::2], strict=True)]
    for v, total in enumerate(sums[0]):
        e.store(total, e.offset(y, v * WIDTH))


@intrinsic
def affine_product(builder: Any, vectors, start, w, w_stride, x, n, u, u_stride, h, m, y, backwards):
    """`y = start + x W + h U` for W [n][vectors*WIDTH] and U of m rows: of one event the columns are the lanes.

    Its tiles come from the first to the last, or `backwards`: of weights that are met again and again, but too many for
    the first cache, it still has those that came last.
    """
    e = Emitter(builder)
    largest = max(_ROUNDS)
    x, h = e.pointer(x), e.pointer(h)
    places = [e.pointer(address) for address in (start, w, u, y)]
    last_first = builder.icmp_signed("!=", backwards, INT64(0))
    left = stored(builder, vectors)
    head, choice, end = (builder.append_basic_block(name) for name in ("tiles", "choice", "tiled"))
    builder.branch(head)
    builder.position_at_end(head)
    count = builder.load(left)
    builder.cbranch(builder.icmp_signed(">", count, INT64(0)), choice, end)
    builder.position_at_end(choice)
    # two even ones at the end: a small one would wait for its sums
    half = builder.lshr(builder.add(count, INT64(1)), INT64(1))
    several = builder.select(builder.icmp_signed("<", count, INT64(2 * largest)), half, INT64(largest))
    one = builder.icmp_signed("<=", count, INT64(largest))
    chosen = builder.switch(builder.select(one, count, several), end)
    for width in sorted(_ROUNDS):
        block = builder.append_basic_block(f"tile_of_{width}")
        chosen.add_case(INT64(width), block)
        builder.position_at_end(block)
        rest = builder.sub(count, INT64(width))
        first = builder.select(last_first, rest, builder.sub(vectors, count))
        now = [e.offset(place, e.times(first, WIDTH)) for place in places]
        _tile(e, width, now[0], ((now[1], w_stride, x, n), (now[2], u_stride, h, m)), now[3])
        builder.store(rest, left)
        builder.branch(head)
    builder.position_at_end(end)

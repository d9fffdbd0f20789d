"""Products of weights with one event, whose lanes are the columns of the weights, as intrinsics.

A tile keeps as many vectors of sums in registers as there are, so that each input that is read serves them all.
Addresses are integers in bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir

from pytmva_rnn.compile import intrinsic
from pytmva_rnn.compile.quick import stored
from pytmva_rnn.kernels.cpu.machine.lanes import WIDTH
from pytmva_rnn.kernels.cpu.machine.panels import MOST
from pytmva_rnn.kernels.cpu.machine.simd import INT64, Emitter
from pytmva_rnn.kernels.cpu.machine.vector import Vector, multiply_add

__all__ = ["affine_product"]

_ROUNDS = {8: (2, 1), 7: (2, 1), 6: (4, 2), 5: (4, 2), 4: (4, 2), 3: (4, 2), 2: (4, 4), 1: (8, 8)}
"""Of tiles of so many vectors: rows of a round, and how many times the sums are made, of rows in turn.

A few sums that each row is added to would wait for one to be ready; more than 16 registers hold would go to memory.
"""


def _tile(e: Emitter, width: int, panel: Any, parts: Sequence[tuple[Any, Any]], y: Any) -> None:
    """A tile of `width` vectors of what `affine_product` makes, of two parts (inputs, rows)."""
    b = e.builder
    rows, times = _ROUNDS[width]
    row = width * WIDTH
    chains = [e.accumulators(1, width)[0] for _ in range(times)]
    for v, slot in enumerate(chains[0]):
        b.store(e.load(e.offset(panel, v * WIDTH)).value, slot)
    first, second = parts
    w, x, n = (stored(b, value) for value in (e.offset(panel, row), *first))
    left = stored(b, b.icmp_signed(">", second[-1], INT64(0)))

    def add(count: int) -> None:
        weights, inputs = b.load(w), b.load(x)
        for k in range(count):
            factor = e.broadcast(e.offset(inputs, k)).value
            for v, slot in enumerate(chains[k % times]):
                weight = e.load(e.offset(weights, k * row + v * WIDTH))
                b.store(multiply_add(b, weight.value, factor, b.load(slot)).value, slot)
        b.store(e.offset(weights, count * row), w)
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
    for value, slot in zip((*second, ir.Constant(another.type, 0)), (x, n, left), strict=True):
        b.store(value, slot)
    b.cbranch(another, part, done)
    b.position_at_end(done)
    sums = [[Vector(b, b.load(slot)) for slot in chain] for chain in chains]
    while len(sums) > 1:
        sums = [[a + other for a, other in zip(*pair, strict=True)] for pair in zip(sums[::2], sums[1::2], strict=True)]
    for v, total in enumerate(sums[0]):
        e.store(total, e.offset(y, v * WIDTH))


@intrinsic
def affine_product(builder: Any, vectors, panels, rows, x, n, h, m, y, backwards):
    """`y = b + x W + h U` for b [vectors*WIDTH], W of n rows and U of m: of one event the columns are the lanes.

    The weights are panels (see the module of that name) of so many rows: b, W, U and what else there may be.
    Its tiles come from the first to the last, or `backwards`: of weights that are met again and again, but too many for
    the first cache, it still has those that came last.
    """
    e = Emitter(builder)
    x, h, panels, y = (e.pointer(address) for address in (x, h, panels, y))
    last_first = builder.icmp_signed("!=", backwards, INT64(0))
    # as `panel_widths` has them: whole ones up to `wide`, then one, or two even ones
    wide = builder.mul(builder.udiv(builder.sub(vectors, INT64(MOST)), INT64(MOST)), INT64(MOST))
    wide = builder.select(builder.icmp_signed("<", vectors, INT64(2 * MOST)), INT64(0), wide)
    rest = builder.sub(vectors, wide)
    half = builder.sub(rest, builder.lshr(rest, INT64(1)))
    middle = builder.select(builder.icmp_signed(">", rest, INT64(MOST)), half, rest)
    end = builder.sub(rest, middle)
    left = stored(builder, vectors)
    head, choice, tiled = (builder.append_basic_block(name) for name in ("tiles", "choice", "tiled"))
    builder.branch(head)
    builder.position_at_end(head)
    count = builder.load(left)
    builder.cbranch(builder.icmp_signed(">", count, INT64(0)), choice, tiled)
    builder.position_at_end(choice)
    # where the tile begins, or backwards where it ends, and where the middle one does
    place = builder.select(last_first, count, builder.sub(vectors, count))
    at_middle = builder.select(last_first, builder.add(wide, middle), wide)
    beyond = builder.select(builder.icmp_signed("==", place, at_middle), middle, end)
    chosen = builder.switch(builder.select(builder.icmp_signed("<", place, at_middle), INT64(MOST), beyond), tiled)
    for width in sorted(_ROUNDS):
        block = builder.append_basic_block(f"tile_of_{width}")
        chosen.add_case(INT64(width), block)
        builder.position_at_end(block)
        first = e.times(builder.select(last_first, builder.sub(place, INT64(width)), place), WIDTH)
        _tile(e, width, e.offset(panels, e.times(first, rows)), ((x, n), (h, m)), e.offset(y, first))
        builder.store(builder.sub(count, INT64(width)), left)
        builder.branch(head)
    builder.position_at_end(tiled)

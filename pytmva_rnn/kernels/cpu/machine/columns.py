"""Products of weights with one event, whose lanes are the columns of the weights, as intrinsics.

A tile keeps as many vectors of sums in registers as there are, so that each input that is read serves them all. A sum
has its terms in the order in which blocks of events add them up, and so the same bits.
Addresses are integers in bytes.
"""

from __future__ import annotations

from typing import Any

from pytmva_rnn.compile import intrinsic
from pytmva_rnn.compile.quick import stored
from pytmva_rnn.kernels.cpu.machine.lanes import WIDTH
from pytmva_rnn.kernels.cpu.machine.panels import MOST
from pytmva_rnn.kernels.cpu.machine.simd import INT64, Emitter
from pytmva_rnn.kernels.cpu.machine.vector import Vector, multiply_add

__all__ = ["affine_product"]

_UNROLLED = 4
"""Rows of a round."""


def _tile(e: Emitter, width: int, start: Any, panel: Any, x: Any, n: Any, y: Any) -> None:
    """A tile of `width` vectors of what `affine_product` makes."""
    b = e.builder
    row = width * WIDTH
    first = [[e.load(e.offset(place, v * WIDTH)) for place in (start, panel)] for v in range(width)]
    sums = [stored(b, (part + bias).value) for part, bias in first]
    w, inputs = stored(b, e.offset(panel, row)), stored(b, x)

    def add(rows: int) -> None:
        weights, factors = b.load(w), b.load(inputs)
        for k in range(rows):
            factor = e.broadcast(e.offset(factors, k)).value
            for v, slot in enumerate(sums):
                weight = e.load(e.offset(weights, k * row + v * WIDTH))
                b.store(multiply_add(b, weight.value, factor, b.load(slot)).value, slot)
        b.store(e.offset(weights, rows * row), w)
        b.store(e.offset(factors, rows), inputs)

    with e.loop(b.udiv(n, INT64(_UNROLLED))):
        add(_UNROLLED)
    with e.loop(b.urem(n, INT64(_UNROLLED))):
        add(1)
    for v, slot in enumerate(sums):
        e.store(Vector(b, b.load(slot)), e.offset(y, v * WIDTH))


@intrinsic
def affine_product(builder: Any, vectors, start, panels, rows, x, n, y, backwards):
    """`y = start + b + x W` for b [vectors*WIDTH] and W of n rows: of one event the columns are the lanes.

    The weights are panels (see the module of that name) of so many rows: b, W and what else there may be.
    Its tiles come from the first to the last, or `backwards`: of weights that are met again and again, but too many for
    the first cache, it still has those that came last.
    """
    e = Emitter(builder)
    start, panels, x, y = (e.pointer(address) for address in (start, panels, x, y))
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
    for width in range(1, MOST + 1):
        block = builder.append_basic_block(f"tile_of_{width}")
        chosen.add_case(INT64(width), block)
        builder.position_at_end(block)
        first = e.times(builder.select(last_first, builder.sub(place, INT64(width)), place), WIDTH)
        panel = e.offset(panels, e.times(first, rows))
        _tile(e, width, e.offset(start, first), panel, x, n, e.offset(y, first))
        builder.store(builder.sub(count, INT64(width)), left)
        builder.branch(head)
    builder.position_at_end(tiled)

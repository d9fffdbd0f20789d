"""What a layer is to the one kernel of a small network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import numpy as np

from pytmva_rnn.kernels.cuda.machine.device import device
from pytmva_rnn.kernels.cuda.machine.weights import DeviceWeights
from pytmva_rnn.kernels.cuda.small.room import EventRows, Room, WeightMatrix, constant, unsigned

Function: TypeAlias = Any
"""A device function."""


class NotFitting(ValueError):
    """A network is none for one kernel."""


@dataclass(frozen=True)
class Block:
    """What all layers of a kernel share.

    Attributes
    ----------
    events : int
        That a block works on at once, a power of two.
    threads : int
    training : bool
        Whether there is a backward pass.
    room : Room
        The block's shared memory.
    """

    events: int
    threads: int
    training: bool
    room: Room = field(default_factory=Room)


class SmallPart:
    """A layer in the kernel of a small network.

    Parameters
    ----------
    layer : layer description
    number : int
        Its place in the network.
    weights : DeviceWeights
    block : Block
    x : EventRows
        Its input.
    dx : EventRows or None
        Where the gradient of the input goes, if anything needs it; shaped as `x`.

    Attributes
    ----------
    y : EventRows
        Its output.
    dy : EventRows
        The gradient of the output, in training.
    matrices : sequence of WeightMatrix
        Its weights.
    """

    y: EventRows
    dy: EventRows
    matrices: Sequence[WeightMatrix]

    def __init__(
        self, layer: Any, number: int, weights: DeviceWeights, block: Block, x: EventRows, dx: EventRows | None
    ) -> None:
        self.number, self.block, self.x, self.dx = number, block, x, dx
        self.starts = weights.starts[number]
        self.plan(layer, weights)

    def plan(self, layer: Any, weights: DeviceWeights) -> None:
        """Take places in the block's memory.

        Raises
        ------
        NotFitting
            If the layer cannot be computed by one block.
        """
        raise NotImplementedError

    def forward(self) -> Function:
        """A device function of (shared, thread) that makes y of x; it ends with a barrier."""
        raise NotImplementedError

    def backward(self) -> Function:
        """A device function of (shared, gradient, fresh, thread), which ends with a barrier.

        It makes dx of dy, which it may overwrite, and adds the block's sum of the weights' gradients to `gradient`,
        which is flat as all weights are; with `fresh` it writes the sum there.
        """
        raise NotImplementedError


class MakeSmallPart(Protocol):
    """Makes a layer's part, see `SmallPart`: one of its classes, or a function; None where nothing has to be done."""

    def __call__(
        self, layer: Any, number: int, weights: DeviceWeights, block: Block, x: EventRows, dx: EventRows | None
    ) -> SmallPart | None: ...


def bias_gradient(rows: EventRows, events: int, threads: int, start: int) -> Function:
    """The sums of the events' rows as the gradient of a bias that lies among all weights from `start` on.

    Returns
    -------
    device function of (shared, gradient, fresh, thread)
        See `product.into_gradient`.
    """
    of, (count, begin, step) = constant(rows), unsigned(events, start, threads)

    @device
    def add(shared, gradient, fresh, thread):
        add_rows(shared, gradient, fresh, thread, step, of, count, begin)

    return add


@device
def add_rows(shared, gradient, fresh, thread, step, rows, count, begin):
    """Add the sums over `count` rows to the gradient."""
    n = thread
    while n < rows.size:
        total = np.float32(0)
        for e in range(count):
            total += shared[rows.start + e * rows.pitch + n]
        gradient[begin + n] = total if fresh else gradient[begin + n] + total
        n += step


def in_turn(functions: Sequence[Function]) -> Function:
    """A device function that calls others, one after another, with the arguments that it gets."""
    first, *rest = functions or [_nothing]
    if not rest:
        return first
    others = in_turn(rest)

    @device
    def both(*arguments):
        first(*arguments)
        others(*arguments)

    return both


@device
def _nothing(*arguments):
    pass

"""The kernels of `steps.py` for 33 to 128 hidden units, with the recurrent weights at hand for all steps.

They are too many for shared memory alone and take too long to come from the caches in every step. So each thread keeps
some in registers, `near`, and the others lie in shared memory, of which a block then asks for more than every GPU
grants. The number of units is known when a kernel is compiled.

A block has `each` events. Going forward, thread (x, y) makes the products of unit x, all its gates, with half y of the
states; backward, thread x + y*units has `OUTPUTS` units and an eighth of the gradients. The halves, or eighths, of a
sum come together in shared memory, always in the same order, and the unit's equations are worked out by thread (x, y)
for half y of the events. States lie there as [unit][event], from where four events come at once.

What a step reads from global memory is asked for before the products of the step, or backward before those of the step
after it, and is there when they are done.
"""

from __future__ import annotations

from dataclasses import dataclass

from pytmva_rnn.kernels.cuda.machine.device import SIMULATED, multiprocessors
from pytmva_rnn.kernels.cuda.machine.equations import Equations
from pytmva_rnn.kernels.cuda.machine.registers import GROUP
from pytmva_rnn.kernels.cuda.machine.vectors import WIDTH

SIZES = (4, 5) if SIMULATED else (33, 128)
"""The smallest and the largest number of hidden units."""

HALVES = 2
"""Threads that share the sums of a unit going forward, and its events."""

OUTPUTS = 4
"""Units whose sums a thread makes going backward."""

PARTS = HALVES * OUTPUTS
"""Threads that share the sums of a unit going backward."""

_WARP = 4 if SIMULATED else 32

_REGISTERS = 8 if SIMULATED else 128
"""At most so many weights are kept by a thread."""


@dataclass(frozen=True)
class Shape:
    """What a kernel is compiled for, beside the equations.

    Attributes
    ----------
    size : int
        Hidden units.
    each : int
        Events of a block, a multiple of four.
    """

    cell: Equations
    size: int
    each: int

    def blocks(self, events: int) -> int:
        """How many of them a number of events takes."""
        return -(-events // self.each)

    @property
    def units(self) -> int:
        """Hidden units, filled up to whole warps."""
        return -(-self.size // _WARP) * _WARP

    @property
    def threads(self) -> tuple[int, int]:
        """Of a block."""
        return self.units, HALVES

    @property
    def half(self) -> int:
        """States whose products a thread makes going forward."""
        return -(-self.size // HALVES)

    @property
    def eighth(self) -> int:
        """Units with whose gradients a thread multiplies going backward."""
        return -(-self.size // PARTS)

    @property
    def forward_near(self) -> int:
        """So many of the `half`, with all gates, a thread keeps the weights of."""
        return _near_of(self.half, _REGISTERS // self.cell.count)

    @property
    def backward_near(self) -> int:
        """So many of the `eighth`, with all gates, a thread keeps the weights of."""
        return _near_of(self.eighth, _REGISTERS // (self.cell.count * OUTPUTS))

    @property
    def forward_floats(self) -> int:
        """Shared memory: weights, states, those of the reset, and halves of sums."""
        far = (self.half - self.forward_near) * self.cell.count * self.units * HALVES
        states = (1 + (self.cell.reset is not None)) * self.units * self.each
        return far + states + self.cell.count * self.each * self.units

    @property
    def backward_floats(self) -> int:
        """Shared memory: weights, gradients of the gates' arguments, and eighths of sums."""
        far = (self.eighth - self.backward_near) * self.cell.count * self.units * PARTS
        return far + self.cell.count * PARTS * self.eighth * self.each + PARTS * self.each * self.units


def shape(cell: Equations, size: int, events: int) -> Shape | None:
    """What to compile for a number of hidden units and events; None for what is left to the kernels of `steps.py`."""
    if not SIZES[0] <= size <= SIZES[1]:
        return None
    # first there are blocks for all multiprocessors, then come more events in a block
    return Shape(cell, size, WIDTH if events <= WIDTH * multiprocessors() else 2 * WIDTH)


def _near_of(count: int, most: int) -> int:
    """Of so many weights, how many are kept in registers."""
    return count if count <= most else max(0, count - -(-(count - most) // GROUP) * GROUP)

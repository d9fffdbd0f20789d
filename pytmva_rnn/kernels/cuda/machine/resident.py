"""The kernels of `steps.py` for up to 128 hidden units, with the recurrent weights at hand for all steps.

To read them again for every step, from shared memory or through the caches, takes longer than the products. So each
thread keeps some in registers, `near`, and those that it has no room for lie in shared memory, of which a block may
then ask for more than every GPU grants. The number of units is known when a kernel is compiled.

Up to `ALONE` units, a thread has all weights of a unit, and a block as many groups of `each` events as it has room for.
Of more units, two threads have a unit, and a block one group. Going forward, thread (x, y) makes the products of unit
x, all its gates, with half y of the states; backward, thread x + y*units makes those of `OUTPUTS` units with an eighth
of the gradients. The halves, or eighths, of a sum come together in shared memory, always in the same order, and the
unit's equations are worked out by thread (x, y) for half y of the events.

States lie in shared memory as [unit][event], from where four events come at once. What a step reads from global memory
is asked for before the products of that step, or of the step before, and is there when they are done.
"""

from __future__ import annotations

from dataclasses import dataclass

from pytmva_rnn.kernels.cuda.machine.device import SIMULATED, multiprocessors
from pytmva_rnn.kernels.cuda.machine.equations import Equations
from pytmva_rnn.kernels.cuda.machine.registers import GROUP
from pytmva_rnn.kernels.cuda.machine.vectors import WIDTH

LARGEST = 5 if SIMULATED else 128
"""At most so many hidden units."""

ALONE = 2 if SIMULATED else 32
"""Up to so many, a thread has a unit for itself."""

HALVES = 2
"""Threads that share the sums of a unit of more, going forward, and its events."""

OUTPUTS = 4
"""Units whose sums such a thread makes going backward."""

_WARP = 4 if SIMULATED else 32

_THREADS = 8 if SIMULATED else 128
"""At most so many threads of a block with groups."""

_FEW = 48
"""With at most so many weights in a thread's registers, there is room for four blocks."""

REGISTERS = 8 if SIMULATED else 128
"""At most so many weights are kept by a thread."""


@dataclass(frozen=True)
class Shape:
    """What a kernel is compiled for, beside the equations.

    Attributes
    ----------
    size : int
        Hidden units.
    each : int
        Events of a group, a multiple of four.
    """

    cell: Equations
    size: int
    each: int

    @property
    def slices(self) -> int:
        """Threads that share the sums of a unit going forward, and its events."""
        return 1 if self.size <= ALONE else HALVES

    @property
    def outputs(self) -> int:
        """Units whose sums a thread makes going backward."""
        return 1 if self.size <= ALONE else OUTPUTS

    @property
    def parts(self) -> int:
        """Threads that share the sums of a unit going backward."""
        return self.slices * self.outputs

    @property
    def units(self) -> int:
        """Hidden units, filled up to whole warps where threads share them."""
        return self.size if self.size <= ALONE else -(-self.size // _WARP) * _WARP

    @property
    def half(self) -> int:
        """States whose products a thread makes going forward."""
        return -(-self.size // self.slices)

    @property
    def eighth(self) -> int:
        """Units with whose gradients a thread multiplies going backward."""
        return -(-self.size // self.parts)

    @property
    def forward_near(self) -> int:
        """So many of the `half`, with all gates, a thread keeps the weights of."""
        return _near(self.half, REGISTERS // self.cell.count)

    @property
    def backward_near(self) -> int:
        """So many of the `eighth`, with all gates, a thread keeps the weights of."""
        return _near(self.eighth, REGISTERS // (self.cell.count * self.outputs))

    @property
    def forward_states(self) -> int:
        """Floats of shared memory for a group's states, those of the reset, and halves of sums."""
        states = (1 + (self.cell.reset is not None)) * self.units * self.each
        return states + (self.cell.count * self.each * self.units if self.slices > 1 else 0)

    @property
    def backward_states(self) -> int:
        """Floats of shared memory for a group's gradients of the gates' arguments, and eighths of sums."""
        gradients = self.cell.count * self.parts * self.eighth * self.each
        return gradients + (self.parts * self.each * self.units if self.slices > 1 else 0)

    @property
    def bounds(self) -> tuple[int, int] | None:
        """Threads of a block, and blocks that a multiprocessor is to have room for, where that takes few registers."""
        return (_THREADS, 4) if self.slices == 1 and self.cell.count * self.size <= _FEW else None

    def groups(self, events: int) -> int:
        """How many groups of events a block has."""
        if self.slices > 1:
            return 1
        # warps are filled, then there are blocks for all multiprocessors, and then come many events in a block
        warp = max(1, _WARP // self.units)
        wanted = -(-events // (self.each * 4 * warp * multiprocessors())) * warp
        return max(1, min(wanted, _THREADS // self.units, -(-events // self.each)))

    def threads(self, events: int) -> tuple[int, int]:
        """Of a block: along the units, and along their sums' slices and the groups of events."""
        return self.units, self.slices * self.groups(events)

    def blocks(self, events: int) -> int:
        """How many of them a number of events takes."""
        return -(-events // (self.each * self.groups(events)))

    def forward_bytes(self, events: int) -> int:
        """Shared memory of a block."""
        far = (self.half - self.forward_near) * self.cell.count * self.units * self.slices
        return 4 * (far + self.groups(events) * self.forward_states)

    def backward_bytes(self, events: int) -> int:
        """Shared memory of a block."""
        far = (self.eighth - self.backward_near) * self.cell.count * self.units * self.parts
        return 4 * (far + self.groups(events) * self.backward_states)


def shape(cell: Equations, size: int, events: int) -> Shape | None:
    """What to compile for a number of hidden units and events; None for what is left to the kernels of `steps.py`.

    Those have a thread for each of few events, whose steps are shorter then.
    """
    if size > LARGEST or (size <= ALONE and events <= multiprocessors()):
        return None
    # first there are blocks for all multiprocessors, then come more events in a block
    many = size > ALONE and events > WIDTH * multiprocessors()
    return Shape(cell, size, 2 * WIDTH if many else WIDTH)


def _near(count: int, most: int) -> int:
    """Of so many weights, how many are kept in registers."""
    return count if count <= most else max(0, count - -(-(count - most) // GROUP) * GROUP)

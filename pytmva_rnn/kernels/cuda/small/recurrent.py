"""Layers whose states go from step to step; a layer's file gives the equations, see `machine.equations`.

The inputs of all steps are one product, and the gradients after the steps back are products too. In the steps a thread
has a hidden unit of one or a few events: their states, and if they are few the weights of the unit, stay in its
registers. A step has one barrier, after which all units' states are known.

Of each event lie in shared memory, step by step, a (T, G*H), first `W x + b`, then the gates, then the gradients of
their arguments; h (T, H), the states after each step; and kept (T, H), what the backward pass needs besides.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

from numba import cuda

from pytmva_rnn.kernels.cuda.machine.device import device
from pytmva_rnn.kernels.cuda.machine.equations import Equations
from pytmva_rnn.kernels.cuda.machine.weights import DeviceWeights
from pytmva_rnn.kernels.cuda.small.part import Function, NotFitting, SmallPart, bias_gradient, in_turn
from pytmva_rnn.kernels.cuda.small.product import Depth, Factor, Target, busy_threads, into_gradient, into_shared
from pytmva_rnn.kernels.cuda.small.room import EventRows, constant
from pytmva_rnn.kernels.cuda.small.steps import StepSizes, backward_steps, forward_steps

REGISTERS = 64
"""At most so many weights of a unit stay in a thread's registers."""

FEW = 2
"""Where a thread has more events than this, a weight that it loads serves them all."""


class SmallRecurrent(SmallPart):
    """Everything but the equations; see `part.SmallPart`."""

    cell: Equations

    def plan(self, layer: Any, weights: DeviceWeights) -> None:
        block, cell = self.block, self.cell
        room, events = block.room, block.events
        self.T, self.H, self.D, self.sequence = (
            layer.time_steps,
            layer.state_size,
            layer.input_size,
            layer.return_sequence,
        )
        T, H, gates = self.T, self.H, cell.count * self.H
        if block.threads < H:
            raise NotFitting(f"layer {self.number} has {H} units, and a block {block.threads} threads")
        # those of a unit are so many that all of the block's find a thread
        self.each = next(n for n in _powers() if events // n * H <= block.threads)
        self.lanes = events // self.each
        W, U, b = (cell.named(letter) for letter in "WUb")
        for names in (W, U, b):
            # one after another
            weights.matrix(self.number, *names)
        self.W = room.matrix(self.starts[W[0]], gates, self.D)
        self.U = room.matrix(self.starts[U[0]], gates, H)
        self.b = room.matrix(self.starts[b[0]], 1, gates)
        self.matrices = self.W, self.U, self.b
        self.a = room.rows(events, T * gates)
        self.h = room.rows(events, T * H)
        self.kept = self.h
        if cell.reset is not None or (block.training and cell.saves):
            self.kept = room.rows(events, T * H)
        self.y = self.h if self.sequence else self.h._replace(start=self.h.start + (T - 1) * H, size=H)
        if block.training:
            self.db = room.rows(self.lanes, gates)
            self.dy = room.rows(events, self.y.size)

    def forward(self) -> Function:
        product, steps = self._inputs(), self._steps()

        @device
        def forward(shared, thread):
            product(shared, thread)
            cuda.syncthreads()
            steps(shared, thread)

        return forward

    def backward(self) -> Function:
        steps, gradients, input_gradient = self._steps_back(), in_turn(self._gradients()), self._input_gradient()

        @device
        def backward(shared, gradient, fresh, thread):
            steps(shared, thread)
            gradients(shared, gradient, fresh, thread)
            input_gradient(shared, thread)
            cuda.syncthreads()

        return backward

    def _of_steps(self, rows: EventRows, width: int) -> Factor:
        """The rows of `width` numbers of all steps of all events, those of a step of all events one after another."""
        return Factor(rows.start, self.T * self.block.events, rows.pitch, 1, self.block.events, width)

    def _over_steps(self, rows: EventRows, width: int, first: int, count: int, since: int) -> Factor:
        """Columns of such rows, `count` from `first` on, as vectors of all events' steps from step `since` on."""
        start = rows.start + since * width + first
        return Factor(start, count, 1, rows.pitch, over=width)

    def _inputs(self) -> Function:
        """A device function that computes `a = W x + b` for all steps."""
        a, gates = self.a, self.cell.count * self.H
        return into_shared(
            self._of_steps(self.x, self.D),
            Factor(self.W.start, gates, self.W.pitch, 1),
            Depth(self.D),
            self.block.threads,
            Target(a.start, a.pitch, self.block.events, gates, self.b.start, True),
        )

    def _input_gradient(self) -> Function:
        """A device function that computes `dx = da W` for all steps, if it is needed."""
        dx, gates = self.dx, self.cell.count * self.H
        if dx is None:
            return in_turn([])
        return into_shared(
            self._of_steps(self.a, gates),
            Factor(self.W.start, self.D, 1, self.W.pitch),
            Depth(gates),
            self.block.threads,
            Target(dx.start, dx.pitch, self.block.events, self.D),
        )

    def _gradients(self) -> list[Function]:
        """Device functions for the gradients of W, U and b, from those of the gates' arguments."""
        cell, T, H, D, U = self.cell, self.T, self.H, self.D, self.U
        gates, plain, threads, events = cell.count * H, cell.plain * H, self.block.threads, self.block.events
        later, before = Depth(events, T - 1), self._over_steps(self.h, H, 0, H, 0)
        last = U.source + plain * H

        def arguments(first: int, count: int, since: int) -> Factor:
            return self._over_steps(self.a, gates, first, count, since)

        x = self._over_steps(self.x, D, 0, D, 0)
        products = [(arguments(0, gates, 0), x, Depth(events, T), self.W.source)]
        if plain:
            products.append((arguments(0, plain, 1), before, later, U.source))
        if cell.apart:
            # the last gate's U stands in a product of its own
            products.append((self._over_steps(self.kept, H, 0, H, 1), before, later, last))
        if cell.reset is not None:
            # or is multiplied with the state after the reset
            products.append((arguments(plain, H, 1), self._over_steps(self.kept, H, 0, H, 1), later, last))
        parts, after = [bias_gradient(self.db, self.lanes, threads, self.b.source)], 0
        for left, right, depth, source in products:
            parts.append(into_gradient(left, right, depth, threads, source, after))
            after += busy_threads(left, right, threads)
        return parts

    def _steps(self) -> Function:
        """A device function of (shared, thread) from `a = W x + b` to the states h."""
        steps, sizes = forward_steps(self.cell, self.each, self._held, self.block.training), self._sizes()

        @device
        def forward(shared, thread):
            steps(shared, thread, sizes)

        return forward

    def _steps_back(self) -> Function:
        """A device function of (shared, thread) from the gradients of the states to those of the gates' arguments."""
        steps, sizes = backward_steps(self.cell, self.each, self._held, self.sequence), self._sizes()

        @device
        def backward(shared, thread):
            steps(shared, thread, sizes)

        return backward

    @property
    def _held(self) -> int:
        """How many of a unit's recurrent weights stay in a thread's registers."""
        weights = self.cell.count * self.H
        return weights if weights <= REGISTERS and self.each <= FEW else 0

    def _sizes(self) -> StepSizes:
        """As the compiled steps need them."""
        a, h, kept, U = self.a, self.h, self.kept, self.U
        # the forward pass has no gradients
        db, dy = (self.db, self.dy) if self.block.training else (h, h)
        places = [number for rows in (a, h, kept, db, dy, U) for number in (rows.start, rows.pitch)]
        return constant(StepSizes(self.T, self.H, self.lanes, *places))


def _powers() -> Iterator[int]:
    """Powers of two."""
    return (1 << k for k in count())

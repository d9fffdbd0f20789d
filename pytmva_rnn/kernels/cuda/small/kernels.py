"""The kernels of a small network: one for a training batch, one for the loss of a sample, one for outputs.

A block brings all weights into its shared memory and takes group after group of events through the network there. In
training it sums the gradients of all its groups in its row of the partial sums, which the optimizer adds up.

A group that lacks events at the end of the batch is filled with copies of the last one, which count nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from typing import Any

import numba
import numpy as np
from numba import cuda
from numpy.typing import NDArray

from pytmva_rnn.kernels.cuda.layers import SMALL_LAYERS
from pytmva_rnn.kernels.cuda.losses import event_loss
from pytmva_rnn.kernels.cuda.machine.device import SIMULATED, device, float32, kernel
from pytmva_rnn.kernels.cuda.machine.weights import DeviceWeights
from pytmva_rnn.kernels.cuda.small.part import Block, Function, NotFitting, SmallPart, in_turn
from pytmva_rnn.kernels.cuda.small.room import EventRows, unsigned

_ALIGNMENT = 16
"""Bytes: four floats are loaded at once. The simulator knows none."""

_TOGETHER = 1 if SIMULATED else 8
"""Numbers that a thread asks for before it waits for any."""


class SmallNetwork:
    """A network laid out in a block's shared memory.

    Parameters
    ----------
    layers : sequence of layer descriptions
    weights : DeviceWeights
    numbers : int
        Of an event, T*D.
    block : Block

    Attributes
    ----------
    key : hashable
        The same for networks whose kernels are the same.
    shared, needs : int
        Bytes of shared memory that a launch asks for, and that a block has with its sums of losses.
    numbers, outputs : int
        Of an event.

    Raises
    ------
    NotFitting
        If one of the layers has no part in such a kernel, or none has anything to do.
    """

    def __init__(self, layers: Sequence[Any], weights: DeviceWeights, numbers: int, block: Block) -> None:
        self.block, self.numbers = block, numbers
        self._x = block.room.rows(block.events, numbers)
        self._parts: list[SmallPart] = []
        x, dx = self._x, None
        key: list[Any] = [numbers, block.events, block.threads, block.training]
        for number, layer in enumerate(layers):
            if layer.kind not in SMALL_LAYERS or layer.remembers:
                raise NotFitting(f"layer {number} ({layer.kind})")
            made_by = SMALL_LAYERS.find(layer.kind)
            part = made_by(layer, number, weights, block, x, dx)
            key.append((made_by, *layer.settings().items()))
            if part is not None:
                self._parts.append(part)
                x, dx = part.y, part.dy if block.training else None
        if not self._parts:
            raise NotFitting("no layer has weights")
        self._weights = sum(rows * columns for layer in layers for rows, columns in layer.weight_shapes().values())
        self._out = x
        self.outputs = x.size
        self.key = tuple(key)

    def places(self) -> NDArray[np.int32]:
        """Where each of all weights lies in shared memory, as they lie one after another."""
        matrices = sorted((each for part in self._parts for each in part.matrices), key=lambda each: each.source)
        ends = [each.source + each.rows * each.columns for each in matrices]
        if [each.source for each in matrices] != [0, *ends[:-1]] or ends[-1] != self._weights:
            raise ValueError("the parts of one kernel bring other weights than the network's, or not all of them")
        return np.concatenate([each.places().ravel() for each in matrices])

    @property
    def shared(self) -> int:
        return 4 * self.block.room.floats

    @property
    def needs(self) -> int:
        return self.shared + 8 * self.block.events

    def learning(self, loss: int) -> Any:
        """The kernel of a training batch.

        Its arguments are X (n, T*D), y (n, O) and w (n,); order (batches, events), the events of each batch, and now,
        see `schedule.Schedule`; weights, flat, and places, where each lies in shared memory; partials (blocks,
        weights), of which a block writes its row; sums, to which it adds its loss; and the number of events.
        """
        load, gather, forward = bringing(self.block.threads), self._gather(), self._forward()
        backward = in_turn([part.backward() for part in reversed(self._parts)])
        loss_of, add_up = self._loss(loss, training=True), self._add_up()
        each, bounded = self.block.events, self._bounded()
        count = np.uint64(each)

        @bounded
        def learn(X, y, w, order, now, weights, places, partials, sums, events):
            shared = cuda.shared.array(0, float32) if SIMULATED else cuda.shared.array(0, float32, _ALIGNMENT)
            losses = cuda.shared.array(each, numba.float64)
            thread, block, end = np.uint64(cuda.threadIdx.x), np.uint64(cuda.blockIdx.x), np.uint64(events)
            chosen = order[min(now[0], order.shape[0] - 1)]
            if block == 0 and thread == 0:
                now[1] = now[0]
            load(shared, weights, places, thread)
            mine = 0.0
            group = block
            while group * count < end:
                gather(shared, X, chosen, group * count, end, thread)
                forward(shared, thread)
                if thread < count:
                    n = group * count + thread
                    mine += loss_of(shared, y, w, chosen, thread, n, n < end, events)
                cuda.syncthreads()
                backward(shared, partials[block], group == block, thread)
                group += np.uint64(cuda.gridDim.x)
            add_up(losses, mine, sums, thread)

        return learn

    def losses(self, loss: int) -> Any:
        """The kernel of a sample's loss.

        Its arguments are X (n, T*D), y (n, O) and w (n,); weights and places, as before; sums, to which a block adds
        its loss; the number of events, and that of those which the mean is over.
        """
        load, gather, forward = bringing(self.block.threads), self._gather(ordered=False), self._forward()
        loss_of, add_up = self._loss(loss, training=False), self._add_up()
        each, bounded = self.block.events, self._bounded()
        count = np.uint64(each)

        @bounded
        def add_loss(X, y, w, weights, places, sums, events, total):
            shared = cuda.shared.array(0, float32) if SIMULATED else cuda.shared.array(0, float32, _ALIGNMENT)
            losses = cuda.shared.array(each, numba.float64)
            thread, block, end = np.uint64(cuda.threadIdx.x), np.uint64(cuda.blockIdx.x), np.uint64(events)
            load(shared, weights, places, thread)
            mine = 0.0
            group = block
            while group * count < end:
                gather(shared, X, X, group * count, end, thread)
                forward(shared, thread)
                if thread < count:
                    n = group * count + thread
                    mine += loss_of(shared, y, w, w, thread, n, n < end, total)
                cuda.syncthreads()
                group += np.uint64(cuda.gridDim.x)
            add_up(losses, mine, sums, thread)

        return add_loss

    def scoring(self) -> Any:
        """The kernel of raw outputs.

        Its arguments are X (n, T*D); weights and places, as before; out (n, outputs); and the number of events.
        """
        load, gather, forward = bringing(self.block.threads), self._gather(ordered=False), self._forward()
        bounded = self._bounded()
        count, size, step = unsigned(self.block.events, self.block.events * self.outputs, self.block.threads)
        width, first, down = unsigned(self.outputs, self._out.start, self._out.pitch)

        @bounded
        def score(X, weights, places, out, events):
            shared = cuda.shared.array(0, float32) if SIMULATED else cuda.shared.array(0, float32, _ALIGNMENT)
            thread, end = np.uint64(cuda.threadIdx.x), np.uint64(events)
            load(shared, weights, places, thread)
            group = np.uint64(cuda.blockIdx.x)
            while group * count < end:
                gather(shared, X, X, group * count, end, thread)
                forward(shared, thread)
                k = thread
                while k < size:
                    n = group * count + k // width
                    if n < end:
                        out[n, k % width] = shared[first + k // width * down + k % width]
                    k += step
                cuda.syncthreads()
                group += np.uint64(cuda.gridDim.x)

        return score

    def _bounded(self) -> Any:
        """What compiles a kernel, two blocks of which find room on a multiprocessor."""
        return partial(kernel, bounds=(self.block.threads, 2))

    def _forward(self) -> Function:
        return in_turn([part.forward() for part in self._parts])

    def _gather(self, *, ordered: bool = True) -> Function:
        """A device function of (shared, X, order, first, end, thread) that brings a group's inputs.

        The group's events are those from `first` on, before `end`, of the order or of X itself. It ends with a barrier.
        """
        pick = picked if ordered else itself
        together = _TOGETHER
        size, start, down = unsigned(self._x.size, self._x.start, self._x.pitch)
        numbers, step, bundle = unsigned(
            self.block.events * self._x.size, self.block.threads, self.block.threads * together
        )

        @device
        def gather(shared, X, order, first, end, thread):
            values = cuda.local.array(together, float32)
            n = thread
            while n < numbers:
                for k in range(together):
                    at = n + np.uint64(k) * step
                    if at < numbers:
                        event = min(first + at // size, end - np.uint64(1))
                        values[k] = X[pick(order, event), at % size]
                for k in range(together):
                    at = n + np.uint64(k) * step
                    if at < numbers:
                        shared[start + at // size * down + at % size] = values[k]
                n += bundle
            cuda.syncthreads()

        return gather

    def _loss(self, loss: int, *, training: bool) -> Function:
        """A device function of (shared, y, w, order, slot, n, inside, total): the loss of the n-th event.

        The event is in the block's place `slot`; one that is not `inside` the batch has no loss, and its outputs no
        gradient.
        """
        pick = picked if training else itself
        width, out, down = (int(number) for number in (self.outputs, self._out.start, self._out.pitch))
        gradient: EventRows = self._parts[-1].dy if training else self._out
        slopes, slopes_down = gradient.start, gradient.pitch

        @device
        def loss_of(shared, y, w, order, slot, n, inside, total):
            first, second = out + np.int64(slot) * down, slopes + np.int64(slot) * slopes_down
            mine, of_outputs = shared[first : first + width], shared[second : second + width]
            if inside:
                event = pick(order, n)
                return event_loss(loss, mine, y[event], of_outputs, numba.float64(w[event]) / total, training)
            if training:
                for j in range(width):
                    of_outputs[j] = np.float32(0)
            return 0.0

        return loss_of

    def _add_up(self) -> Function:
        """A device function of (losses, mine, sums, thread) that adds the losses of all threads to the block's sum."""
        each = self.block.events
        count = np.uint64(each)

        @device
        def add_up(losses, mine, sums, thread):
            if thread < count:
                losses[thread] = mine
            cuda.syncthreads()
            if thread == 0:
                total = 0.0
                for e in range(each):
                    total += losses[e]
                sums[cuda.blockIdx.x] += total

        return add_up


@cache
def bringing(threads: int) -> Function:
    """A device function of (shared, weights, places, thread) that brings all weights, without a barrier."""
    together = _TOGETHER
    step, bundle = unsigned(threads, threads * together)

    @device
    def bring(shared, weights, places, thread):
        values = cuda.local.array(together, float32)
        targets = cuda.local.array(together, numba.int32)
        n, size = thread, np.uint64(len(weights))
        while n < size:
            for k in range(together):
                at = n + np.uint64(k) * step
                if at < size:
                    values[k], targets[k] = weights[at], places[at]
            for k in range(together):
                if n + np.uint64(k) * step < size:
                    shared[np.uint64(targets[k])] = values[k]
            n += bundle

    return bring


@device
def picked(order, n):
    """The n-th event of an order."""
    return np.uint64(order[n])


@device
def itself(order, n):
    """The n-th event."""
    return n

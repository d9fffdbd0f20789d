"""What the recurrent layers share: one product for the inputs of all steps, one launch for the steps, and memory."""

from __future__ import annotations

from typing import Any, NamedTuple

from pytmva_rnn.kernels.cuda.machine import (
    products,
    resident,
    resident_backward,
    resident_forward,
    steps,
    tensor_backward,
    tensor_cores,
    tensor_forward,
    tensor_steps,
)
from pytmva_rnn.kernels.cuda.machine.device import (
    EVENTS,
    SHARED_FLOATS,
    SIMULATED,
    THREADS,
    grant_shared,
    multiprocessors,
    shared_bytes,
)
from pytmva_rnn.kernels.cuda.machine.equations import Equations
from pytmva_rnn.kernels.cuda.machine.layer import Memory, Part, Run
from pytmva_rnn.kernels.cuda.machine.weights import DeviceWeights

_UNITS = 2 if SIMULATED else 256
"""At most so many threads of a block lie along the hidden units."""

_WARP = 4 if SIMULATED else 32


class Blocks(NamedTuple):
    """Blocks of a launch.

    Attributes
    ----------
    form : (events of a thread, weights in shared memory, states in shared memory)
        What the kernel is compiled for.
    grid : int
    threads : (along the units, along the events)
    shared : int
        Bytes of shared memory.
    """

    form: tuple[int, bool, bool]
    grid: int
    threads: tuple[int, int]
    shared: int


def blocks(events: int, H: int, weights: int, floats: int) -> Blocks:
    """How to divide events over blocks.

    Parameters
    ----------
    events, H : int
    weights : int
        Floats of the recurrent weights.
    floats : int
        Floats that the steps of an event pass on.
    """
    units = min(H, _UNITS)
    shares = EVENTS * floats <= SHARED_FLOATS
    staged = _staged(weights, floats)
    # few events are worth a thread each, whose steps are shorter then; not if they read the weights from afar
    each = 1 if staged and events <= multiprocessors() else EVENTS
    # a warp is filled, then there are blocks for all multiprocessors, and then come many events in a block
    lanes = max(_WARP // units, -(-events // (each * 2 * multiprocessors())))
    most = max(1, min(lanes, THREADS // units, -(-events // each)))
    room = SHARED_FLOATS - (weights if staged else 0)
    lanes = min(most, room // (each * floats)) if shares else 1
    shared = 4 * ((weights if staged else 0) + (lanes * each * floats if shares else 0))
    return Blocks((each, staged, shares), -(-events // (lanes * each)), (units, lanes), shared)


def _staged(weights: int, floats: int) -> bool:
    """Whether the recurrent weights lie in shared memory, beside what the steps of some events pass on."""
    return weights + EVENTS * floats <= SHARED_FLOATS


class RecurrentPart(Part):
    """Layers whose states go from step to step: everything but their equations.

    The layer has matrices W (H, D) and U (H, H) and a bias b of each gate.
    """

    cell: Equations
    finishes = True

    def plan(self, layer: Any, weights: DeviceWeights, memory: Memory, x: Any) -> None:
        T, H, D, G = layer.time_steps, layer.state_size, layer.input_size, self.cell.count
        self.T, self.H, self.sequence, self.remember = T, H, layer.return_sequence, layer.remembers
        if layer.state_widths != (H,) * (1 + self.cell.carries):
            raise ValueError(
                f"layer {self.number} ({layer.kind}) declares states of the widths {layer.state_widths}; its equations "
                f"pass on {1 + self.cell.carries} of {H}"
            )
        W, U, b = (self.cell.named(letter) for letter in "WUb")
        self.starts = self.start[W[0]], self.start[U[0]], self.start[b[0]]
        self.W, self.U = weights.matrix(self.number, *W), weights.matrix(self.number, *U)
        self.U_rows, self.b = weights.vector(self.number, *U), weights.vector(self.number, *b)
        self.x = x.reshape(memory.events * T, D)
        self.a = memory.matrix(T, G * H)
        self.y = memory.matrix(T if self.sequence else 1, H)
        size = G * H * H
        # tensor cores make the products with weights that are read in every step
        tensor = tensor_cores.wanted()
        self.tensor_forward = tensor and not _staged(size, self.cell.forward_floats * H)
        self.tensor_backward = tensor and self.training and not _staged(size, self.cell.backward_floats * H)
        tensor = self.tensor_forward or self.tensor_backward
        # U transposed, for kernels that read it so, or as tensor cores do
        self.U_columns = memory.vector(G * tensor_steps.filled(H) ** 2 if tensor else size)
        self.before = memory.matrix(T, H) if self.training else self.y
        self.saved = memory.matrix(T, H) if self.training and self.cell.saves else self.y
        self.chunks = products.chunks(memory.most * T, G * H, D + 1 + H)
        if self.training and self.wanted:
            self.dx = memory.matrix(T, D)
        floats = self._floats_beyond_shared()
        self.scratch = memory.tiles(floats, tensor_steps.FILLED if tensor else EVENTS) if floats else self.U_columns

    def _floats_beyond_shared(self) -> int:
        """What the steps of an event pass on where it is too much for shared memory, else 0."""
        H, cell, most = self.H, self.cell, 0
        for tensor, rows, floats in (
            (self.tensor_forward, tensor_steps.forward_rows(cell, H), cell.forward_floats * H),
            (self.tensor_backward, tensor_steps.backward_rows(cell, H), cell.backward_floats * H * self.training),
        ):
            if tensor and tensor_steps.beyond_shared(rows):
                most = max(most, rows.floats)
            elif not tensor and EVENTS * floats > SHARED_FLOATS:
                most = max(most, floats)
        return most

    def forward(self, run: Run) -> None:
        rows, H, cell = run.events * self.T, self.H, self.cell
        products.forward(run, self.x, self.W, self.b, self.a, self.a, rows)
        one_by_one = run.one_by_one and self.remember
        shape = None if one_by_one else resident.shape(cell, H, run.events)
        if shape is not None and shape.forward_bytes(run.events) <= shared_bytes():
            self._resident_forward(run, shape)
            return
        events, length = (1, rows) if one_by_one else (run.events, self.T)
        kept = self.y, self.before, self.saved, *self._states(run), self.scratch
        sizes = events, length, self.T, H, self.sequence, self.training, self.remember
        if self.tensor_forward:
            tensor_steps.arrange(run, self.U, self.U_columns, backward=False)
            tiles = tensor_steps.tensor_blocks(events, tensor_steps.forward_rows(cell, H))
            kernel = tensor_forward.forward_kernel(cell, *tiles.form)
            tensor_steps.launch(run, kernel, tiles, (self.a, self.U_columns, *kept, *sizes))
            return
        chosen = blocks(events, H, cell.count * H * H, cell.forward_floats * H)
        U, staged = self.U_rows, chosen.form[1]
        if not staged:
            products.transpose(run, self.U, self.U_columns)
            U = self.U_columns
        kernel = steps.forward_kernel(cell, *chosen.form)
        kernel[chosen.grid, chosen.threads, run.stream, chosen.shared](self.a, U, *kept, *sizes)

    def _states(self, run: Run) -> tuple[Any, Any]:
        """The remembered states, h and what is carried."""
        h0, *more = run.states[self.number]
        return h0, more[0] if self.cell.carries else h0

    def _resident_forward(self, run: Run, shape: resident.Shape) -> None:
        products.transpose(run, self.U, self.U_columns)
        arrays = self.a, self.U_columns, self.y, self.before, self.saved, *self._states(run)
        arguments = *arrays, run.events, self.T, self.sequence, self.training, self.remember
        kernel, size = resident_forward.forward_kernel(shape), shape.forward_bytes(run.events)
        grant_shared(kernel, arguments, size)
        kernel[shape.blocks(run.events), shape.threads(run.events), run.stream, size](*arguments)

    def _resident_backward(self, run: Run, shape: resident.Shape) -> None:
        arrays = self.a, self.U_rows, self.dy, self.before, self.saved
        arguments = *arrays, run.events, self.T, self.sequence
        kernel, size = resident_backward.backward_kernel(shape), shape.backward_bytes(run.events)
        grant_shared(kernel, arguments, size)
        kernel[shape.blocks(run.events), shape.threads(run.events), run.stream, size](*arguments)

    def backward(self, run: Run) -> None:
        shape = resident.shape(self.cell, self.H, run.events)
        if shape is not None and shape.backward_bytes(run.events) <= shared_bytes():
            self._resident_backward(run, shape)
        else:
            self._general_backward(run)
        rows = run.events * self.T
        self._weight_gradients(run, rows)
        if self.wanted:
            products.input_gradient(run, self.a, self.W, self.dx, rows, self.below)

    def _general_backward(self, run: Run) -> None:
        H, cell = self.H, self.cell
        others = self.dy, self.before, self.saved, self.scratch, run.events, self.T, H, self.sequence
        if self.tensor_backward:
            tensor_steps.arrange(run, self.U, self.U_columns, backward=True)
            tiles = tensor_steps.tensor_blocks(run.events, tensor_steps.backward_rows(cell, H))
            kernel = tensor_backward.backward_kernel(cell, *tiles.form)
            tensor_steps.launch(run, kernel, tiles, (self.a, self.U_columns, *others))
            return
        chosen = blocks(run.events, H, cell.count * H * H, cell.backward_floats * H)
        kernel = steps.backward_kernel(cell, *chosen.form)
        kernel[chosen.grid, chosen.threads, run.stream, chosen.shared](self.a, self.U_rows, *others)

    def _weight_gradients(self, run: Run, rows: int) -> None:
        """Partial sums of the gradients of W, b and U."""
        H, cell = self.H, self.cell
        W, U, b = self.starts
        count, plain = cell.count * H, cell.plain * H
        products.weight_gradient(run, self.partials, self.a, 0, count, self.x, W, rows, b, (self.before, plain, U))
        if plain < count:
            # the last gate's U stands in a product of its own, with the state, or else its argument has the reset state
            gradient, first, factor = (self.saved, 0, self.before) if cell.apart else (self.a, plain, self.saved)
            start = self.start[cell.named("U")[-1]]
            products.weight_gradient(run, self.partials, gradient, first, H, factor, start, rows)

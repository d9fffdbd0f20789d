"""A network laid out in the device's memory for a number of events."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Protocol

from pytmva_rnn.kernels.cuda.dropout import DropoutPart
from pytmva_rnn.kernels.cuda.layers import LAYERS
from pytmva_rnn.kernels.cuda.losses import DeviceLoss
from pytmva_rnn.kernels.cuda.machine.copies import fill
from pytmva_rnn.kernels.cuda.machine.device import free_memory, zeros
from pytmva_rnn.kernels.cuda.machine.gather import gather
from pytmva_rnn.kernels.cuda.machine.layer import Counted, Memory, OnDevice, Part, Run
from pytmva_rnn.kernels.cuda.machine.partials import Partials, bytes_of_partials
from pytmva_rnn.kernels.cuda.machine.weights import DeviceWeights


def _make_parts(
    layers: Sequence[Any],
    weights: DeviceWeights,
    memory: Memory,
    x: Any,
    drop: Sequence[float],
    *,
    training: bool,
    input_gradient: bool,
) -> list[Part]:
    """The layers one after another, those that drop inputs after what does so."""
    parts: list[Part] = []
    wanted = input_gradient
    for number, layer in enumerate(layers):
        options = {"training": training, "wanted": training and wanted}
        probability = drop[number] if layer.drops_inputs and number < len(drop) else 0.0
        if training and probability > 0:
            parts.append(DropoutPart(probability, layer, number, weights, memory, x, **options))
            x = parts[-1].y
        part = LAYERS.find(layer.kind)(layer, number, weights, memory, x, **options)
        if part is not None:
            parts.append(part)
            x = part.y
            wanted = True
    return parts


def _end(parts: Sequence[Part], x: Any) -> Any:
    """The output of the last part, or what goes in where there is none."""
    return parts[-1].y if parts else x


class NetworkWorkspace(Protocol):
    """A network on the device for batches of up to `events` events.

    Attributes
    ----------
    events : int
    x : (events, steps*inputs)
    out : (events, outputs)
        Raw outputs.
    outputs : int
    partials : Partials
        Of training.
    """

    events: int
    outputs: int
    partials: Any

    @property
    def x(self) -> Any: ...

    @property
    def out(self) -> Any: ...

    def learn(self, run: Run, data: tuple[Any, ...], order: Any, sums: Any) -> None:
        """Compute the partial sums of the gradients of the batch at hand, and add its loss to the sums.

        Its events are those of X (n, T*D), y (n, O) and w (n,) that `order` (batches, events) has.
        """

    def add_loss(self, run: Run, data: tuple[Any, ...], sums: Any, total: int) -> None:
        """Add the loss of events X, y and w, of the host or the device, to the sums; the mean is over `total`."""

    def forward(self, run: Run) -> None:
        """Compute `out` from `x`."""


class DeviceWorkspace:
    """The memory of a network for batches of up to `events` events; see `NetworkWorkspace`.

    Parameters
    ----------
    layers : sequence of layer descriptions
    weights : DeviceWeights
    steps, inputs : T and D of an event
    loss : letter of the loss
    events : int
    training : bool
    input_gradient : bool
        Whether backward gives that of the inputs.
    drop : each layer's probability to drop an input

    Attributes
    ----------
    x : (events, steps*inputs)
    out : (events, outputs)
        Raw outputs.
    inputs : x, and the loss's y (events, outputs) and w (events,)
        Where events go.
    outputs : int

    Raises
    ------
    MemoryError
        If the device has too little memory; says how many events would fit.
    """

    def __init__(
        self,
        layers: Sequence[Any],
        weights: DeviceWeights,
        steps: int,
        inputs: int,
        loss: str,
        events: int,
        *,
        training: bool = False,
        input_gradient: bool = False,
        drop: Sequence[float] = (),
    ) -> None:
        self.events = events
        options = {"training": training, "input_gradient": input_gradient}
        per_event, fixed = bytes_of(layers, weights, steps, inputs, drop, **options)
        fitting = affordable(per_event, fixed)
        if events > fitting:
            raise MemoryError(_too_many(events, per_event, fixed, fitting))
        try:
            memory = OnDevice(events)
            self.x = memory.matrix(1, steps * inputs)
            self._parts = _make_parts(layers, weights, memory, self.x.reshape(events * steps, inputs), drop, **options)
            last = _end(self._parts, self.x)
            self.outputs = last.size // events
            self.out = last.reshape(events, self.outputs)
            self.loss = DeviceLoss(loss, events, self.outputs, training=training)
            self.inputs = self.x, self.loss.y, self.loss.w
            if training:
                self.partials = Partials(self._parts, weights)
                gradient = self.loss.gradient
                for part in reversed(self._parts):
                    if gradient is not None:
                        part.connect(gradient)
                    gradient = part.dx
                self.dx = gradient
                for below, part in pairwise(self._parts):
                    if below.leaves and part.finishes:
                        below.finish_in(part)
        except MemoryError:
            # memory in pieces, or another program's
            raise MemoryError(_too_many(events, per_event, fixed, min(fitting, events) // 2)) from None

    def learn(self, run: Run, data: tuple[Any, ...], order: Any, sums: Any) -> None:
        gather(run, data, order, self.inputs)
        self.forward(run)
        self.loss.add(run, self.out, sums, run.events)
        self.backward(run)

    def add_loss(self, run: Run, data: tuple[Any, ...], sums: Any, total: int) -> None:
        for target, source in zip(self.inputs, data, strict=True):
            fill(target, source, run.stream)
        self.forward(run)
        self.loss.add(run, self.out, sums, total)

    def forward(self, run: Run) -> None:
        for part in self._parts:
            part.forward(run)

    def backward(self, run: Run) -> None:
        """Compute the partial sums of the weights' gradients, and `dx` where wanted, from the loss's gradient."""
        for part in reversed(self._parts):
            if part.dy is not None:
                part.backward(run)


def bytes_of(
    layers: Sequence[Any],
    weights: DeviceWeights,
    steps: int,
    inputs: int,
    drop: Sequence[float] = (),
    *,
    training: bool,
    input_gradient: bool,
) -> tuple[int, int]:
    """Bytes of a workspace that each event takes, and those that it takes for any number of events."""
    counted = Counted()
    x = counted.matrix(steps, inputs)
    parts = _make_parts(layers, weights, counted, x, drop, training=training, input_gradient=input_gradient)
    outputs = _end(parts, x).size
    partials = bytes_of_partials(parts, weights) if training else 0
    return counted.bytes + 4 * outputs * (1 + training) + 4, counted.fixed + partials


def affordable(per_event: int, fixed: int) -> int:
    """How many events fit into the device's free memory, of which a tenth is left alone."""
    return max(0, free_memory() * 9 // 10 - fixed) // per_event


def _too_many(events: int, per_event: int, fixed: int, fitting: int) -> str:
    return (
        f"the GPU has {free_memory() / 2**20:,.0f} MiB free, and {events:,} events at once need "
        f"{(events * per_event + fixed) / 2**20:,.0f} MiB; up to {fitting:,} would fit"
    )


def zero_states(layers: Sequence[Any], events: int) -> list[tuple[Any, ...]]:
    """Remembered states of zero; layers that remember nothing share one row."""
    return [tuple(zeros((events if layer.remembers else 1, width)) for width in layer.state_widths) for layer in layers]

"""What the layers share: where their memory comes from, and what a pass tells them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from pytmva_rnn.kernels.cuda.machine.device import EVENTS, empty
from pytmva_rnn.kernels.cuda.machine.weights import DeviceWeights

Below = tuple[int, Any, Any]
"""An activation's number, its argument a and its value y."""


class Memory(Protocol):
    """Where a network's activations come from, for a number of events."""

    events: int
    most: int
    """Events that a batch may have: what does not grow with them evenly is laid out for so many."""

    def matrix(self, rows: int, columns: int) -> Any:
        """float32, `rows` rows of `columns` for each event."""

    def tiles(self, columns: int, filled: int = EVENTS) -> Any:
        """float32, flat, `columns` for each event and for those that would fill up the last `filled`."""

    def vector(self, size: int, dtype: Any = np.float32) -> Any:
        """The same for any number of events."""


class Counted:
    """One event's memory on the host, to know its size before anything is asked of the device.

    Attributes
    ----------
    bytes : int
        Of each event.
    fixed : int
        Bytes whatever the number of events.
    """

    events = 1
    most = 1 << 40

    def __init__(self) -> None:
        self.bytes = 0
        self.fixed = 0

    def matrix(self, rows: int, columns: int) -> Any:
        self.bytes += 4 * rows * columns
        return np.empty((rows, columns), np.float32)

    def tiles(self, columns: int, filled: int = EVENTS) -> Any:
        self.fixed += 4 * (filled - 1) * columns
        return self.matrix(1, columns)[0]

    def vector(self, size: int, dtype: Any = np.float32) -> Any:
        array = np.empty(size, dtype)
        self.fixed += array.nbytes
        return array


class OnDevice:
    """Memory of the device."""

    def __init__(self, events: int) -> None:
        self.events = self.most = events

    def matrix(self, rows: int, columns: int) -> Any:
        return empty((self.events * rows, columns))

    def tiles(self, columns: int, filled: int = EVENTS) -> Any:
        return self.vector(-(-self.events // filled) * filled * columns)

    def vector(self, size: int, dtype: Any = np.float32) -> Any:
        return empty(size, dtype)


@dataclass
class Run:
    """One pass of a batch through a network. In training it is the same for all batches of an epoch.

    Attributes
    ----------
    events : int
    states : list of tuples of (events, H)
        Each layer's remembered states.
    one_by_one : bool
        Whether remembered states pass from event to event, not from batch to batch.
    partials : Partials
        Partial sums of the weights' gradients.
    schedule : Schedule
        What differs from batch to batch of a training.
    stream : CUDA stream
        Where kernels are launched; 0 for the default.
    """

    events: int
    states: list[tuple[Any, ...]]
    one_by_one: bool = False
    partials: Any = None
    schedule: Any = None
    stream: Any = 0


class Part:
    """A layer of a network that is laid out for some events.

    Parameters
    ----------
    layer : layer description
    number : int
        Its place in the network.
    weights : DeviceWeights
    memory : Memory
    x : (events*rows, columns)
        The output of what is before it.
    training : bool
        Whether there will be a backward pass.
    wanted : bool
        Whether anything needs the gradient of x.
    """

    y: Any
    """Output."""
    dx: Any = None
    """Gradient of the input."""
    dy: Any = None
    """Gradient of the output, in the shape of y."""
    finishes: bool = False
    """Whether backward multiplies dx with the derivative of the activation `below`, if it is given one."""
    below: Below | None = None
    chunks: int = 1
    """How many partial sums of each weight's gradient backward makes; 0 for what has no weights of its own."""
    partials: Any = None
    """Where they go, (chunks, weights of the layer), in training."""
    leaves: bool = False
    """Whether it has an activation whose derivative it may leave to a part above that `finishes`."""

    def __init__(
        self, layer: Any, number: int, weights: DeviceWeights, memory: Memory, x: Any, *, training: bool, wanted: bool
    ) -> None:
        self.number = number
        self.training = training
        self.wanted = wanted
        first, _ = weights.span(number)
        self.start = {name: start - first for name, start in weights.starts[number].items()}
        """Where each trained array begins in the layer's weights."""
        self.plan(layer, weights, memory, x)

    def plan(self, layer: Any, weights: DeviceWeights, memory: Memory, x: Any) -> None:
        """Ask for memory and keep views of x and the weights."""
        raise NotImplementedError

    def connect(self, dy: Any) -> None:
        """Take the next layer's gradient of its input as that of this output."""
        self.dy = dy.reshape(*self.y.shape)

    def finish_in(self, above: Part) -> None:
        """Leave the activation's derivative to the part above; asked of parts that have `leaves`."""
        raise NotImplementedError

    def forward(self, run: Run) -> None:
        """Compute y."""
        raise NotImplementedError

    def backward(self, run: Run) -> None:
        """Compute dx and partial sums of the weights' gradients; may overwrite dy."""
        raise NotImplementedError


class MakePart(Protocol):
    """Lays out a layer, see `Part`: one of its classes, or a function; None where nothing has to be done."""

    def __call__(
        self, layer: Any, number: int, weights: DeviceWeights, memory: Memory, x: Any, *, training: bool, wanted: bool
    ) -> Part | None: ...

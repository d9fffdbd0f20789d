"""What the layers share: places in the flat weights, where their memory comes from, and what a pass tells them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.kernels.cuda.machine.device import EVENTS, empty, upload

Shapes = Sequence[Mapping[str, tuple[int, int]]]


Below = tuple[int, Any, Any]
"""An activation's number, its argument a and its value y."""


class Memory(Protocol):
    """Where a network's activations come from, for a number of events."""

    events: int

    def matrix(self, rows: int, columns: int) -> Any:
        """float32, `rows` rows of `columns` for each event."""

    def tiles(self, columns: int) -> Any:
        """float32, flat, `columns` for each event and for those that would fill up the last `EVENTS`."""

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

    def __init__(self) -> None:
        self.bytes = 0
        self.fixed = 0

    def matrix(self, rows: int, columns: int) -> Any:
        self.bytes += 4 * rows * columns
        return np.empty((rows, columns), np.float32)

    def tiles(self, columns: int) -> Any:
        self.fixed += 4 * (EVENTS - 1) * columns
        return self.matrix(1, columns)[0]

    def vector(self, size: int, dtype: Any = np.float32) -> Any:
        array = np.empty(size, dtype)
        self.fixed += array.nbytes
        return array


class OnDevice:
    """Memory of the device."""

    def __init__(self, events: int) -> None:
        self.events = events

    def matrix(self, rows: int, columns: int) -> Any:
        return empty((self.events * rows, columns))

    def tiles(self, columns: int) -> Any:
        return self.vector(-(-self.events // EVENTS) * EVENTS * columns)

    def vector(self, size: int, dtype: Any = np.float32) -> Any:
        return empty(size, dtype)


class DeviceWeights:
    """All trained arrays on the device, one after another as the layers declare them; the statistics likewise.

    Parameters
    ----------
    layers : sequence of layer descriptions
    arrays : each layer's arrays by name

    Attributes
    ----------
    flat : float32
    statistics : float64
    starts : list of dict
        Where each layer's trained arrays begin in `flat`.
    """

    def __init__(self, layers: Sequence[Any], arrays: Sequence[Mapping[str, Any]]) -> None:
        self._trained = [layer.weight_shapes() for layer in layers]
        self._kept = [layer.statistic_shapes() for layer in layers]
        self.starts, self._statistic_starts = places(self._trained), places(self._kept)
        self.flat: Any = upload(packed(arrays, self._trained, np.float32))
        self.statistics: Any = upload(packed(arrays, self._kept, np.float64), np.float64)

    def matrix(self, number: int, *names: str) -> Any:
        """The named matrices of layer `number` as one, above one another.

        Raises
        ------
        ValueError
            If they do not follow one another in what the layer declares.
        """
        shapes, starts = self._trained[number], self.starts[number]
        first, columns = starts[names[0]], shapes[names[0]][1]
        rows = 0
        for name in names:
            if starts[name] != first + rows * columns or shapes[name][1] != columns:
                raise ValueError(
                    f"layer {number} declares its arrays in the order {', '.join(shapes)}, but the CUDA backend needs "
                    f"{', '.join(names)} one after another, with as many columns each"
                )
            rows += shapes[name][0]
        return self.flat[first : first + rows * columns].reshape(rows, columns)

    def vector(self, number: int, *names: str) -> Any:
        """The same, flat."""
        matrix = self.matrix(number, *names)
        return matrix.reshape(matrix.size)

    def statistic(self, number: int, name: str) -> Any:
        """A running statistic, flat."""
        start, (rows, columns) = self._statistic_starts[number][name], self._kept[number][name]
        return self.statistics[start : start + rows * columns]

    def on_host(self) -> list[dict[str, NDArray[Any]]]:
        """Copies of all arrays of each layer, float32."""
        trained = self.by_name(self.flat.copy_to_host())
        kept = unpacked(self.statistics.copy_to_host(), self._kept)
        return [{**mine, **more} for mine, more in zip(trained, kept, strict=True)]

    def by_name(self, flat: NDArray[Any]) -> list[dict[str, NDArray[Any]]]:
        """What lies as `flat` does, as copies by layer and name."""
        return unpacked(flat, self._trained)


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
    partials : (CHUNKS, weights)
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
    leaves: bool = False
    """Whether it has an activation whose derivative it may leave to a part above that `finishes`."""

    def __init__(
        self, layer: Any, number: int, weights: DeviceWeights, memory: Memory, x: Any, *, training: bool, wanted: bool
    ) -> None:
        self.number = number
        self.training = training
        self.wanted = wanted
        self.start = weights.starts[number]
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


def places(shapes: Shapes) -> list[dict[str, int]]:
    """Where each array starts."""
    starts: list[dict[str, int]] = []
    position = 0
    for each in shapes:
        starts.append({})
        for name, (rows, columns) in each.items():
            starts[-1][name] = position
            position += rows * columns
    return starts


def packed(arrays: Sequence[Mapping[str, Any]], shapes: Shapes, dtype: Any) -> NDArray[Any]:
    """Arrays one after another; at least one value, since the device has no empty arrays."""
    values = [np.ravel(given[name]) for given, each in zip(arrays, shapes, strict=True) for name in each]
    return np.concatenate(values).astype(dtype) if values else np.zeros(1, dtype)


def unpacked(flat: NDArray[Any], shapes: Shapes) -> list[dict[str, NDArray[Any]]]:
    """The named arrays of a flat one, as float32 copies."""
    return [
        {
            name: flat[start[name] : start[name] + rows * columns].reshape(rows, columns).astype(np.float32)
            for name, (rows, columns) in each.items()
        }
        for start, each in zip(places(shapes), shapes, strict=True)
    ]

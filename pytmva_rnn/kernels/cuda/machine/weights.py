"""The arrays of all layers on the device, and where each has its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.kernels.cuda.machine.copies import fill, read
from pytmva_rnn.kernels.cuda.machine.device import upload

_Shapes = Sequence[Mapping[str, tuple[int, int]]]


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
        self.starts, self._statistic_starts = _places(self._trained), _places(self._kept)
        self.flat: Any = upload(_packed(arrays, self._trained, np.float32))
        self.statistics: Any = upload(_packed(arrays, self._kept, np.float64), np.float64)

    def span(self, number: int) -> tuple[int, int]:
        """Where layer `number` begins in `flat`, and how many weights it has."""
        size = sum(rows * columns for rows, columns in self._trained[number].values())
        return min(self.starts[number].values(), default=0), size

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

    def on_host(self, statistics: Any = np.float32) -> list[dict[str, NDArray[Any]]]:
        """Copies of all arrays of each layer: float32, the statistics of the type that is given."""
        trained = self.by_name(read(self.flat))
        kept = _unpacked(read(self.statistics), self._kept, statistics)
        return [{**mine, **more} for mine, more in zip(trained, kept, strict=True)]

    def set(self, arrays: Sequence[Mapping[str, Any]]) -> None:
        """Take over what `on_host` gave, with statistics in float64."""
        fill(self.flat, self.packed(arrays))
        fill(self.statistics, _packed(arrays, self._kept, np.float64))

    def packed(self, arrays: Sequence[Mapping[str, Any]]) -> NDArray[np.float32]:
        """What `by_name` gave, as `flat` lies."""
        return _packed(arrays, self._trained, np.float32)

    def by_name(self, flat: NDArray[Any]) -> list[dict[str, NDArray[Any]]]:
        """What lies as `flat` does, as copies by layer and name."""
        return _unpacked(flat, self._trained, np.float32)


def _places(shapes: _Shapes) -> list[dict[str, int]]:
    """Where each array starts."""
    starts: list[dict[str, int]] = []
    position = 0
    for each in shapes:
        starts.append({})
        for name, (rows, columns) in each.items():
            starts[-1][name] = position
            position += rows * columns
    return starts


def _packed(arrays: Sequence[Mapping[str, Any]], shapes: _Shapes, dtype: Any) -> NDArray[Any]:
    """Arrays one after another; at least one value, since the device has no empty arrays."""
    values = [np.ravel(given[name]) for given, each in zip(arrays, shapes, strict=True) for name in each]
    return np.concatenate(values).astype(dtype) if values else np.zeros(1, dtype)


def _unpacked(flat: NDArray[Any], shapes: _Shapes, dtype: Any) -> list[dict[str, NDArray[Any]]]:
    """The named arrays of a flat one, as copies."""
    return [
        {
            name: flat[start[name] : start[name] + rows * columns].reshape(rows, columns).astype(dtype)
            for name, (rows, columns) in each.items()
        }
        for start, each in zip(_places(shapes), shapes, strict=True)
    ]

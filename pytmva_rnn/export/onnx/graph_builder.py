"""Collects the nodes and constants of an ONNX graph, and knows how the values between layers lie in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from pytmva_rnn import extras
from pytmva_rnn.errors import DataError

__all__ = ["Activations", "GraphBuilder"]


@dataclass(frozen=True)
class Activations:
    """What one layer hands to the next.

    Attributes
    ----------
    name : str
        Of the value in the graph.
    steps, width : int
        S and W of one event.
    flat : bool
        Whether the value has the shape (N, S*W), else (N, S, W).
    """

    name: str
    steps: int
    width: int
    flat: bool = True


class GraphBuilder:
    """A graph that grows node by node.

    Parameters
    ----------
    real : dtype
        float32 or float64, of the network's own arithmetic.
    batch : int, optional
        Fixed number of events; None for any.
    """

    def __init__(self, real: DTypeLike, batch: int | None = None) -> None:
        self._onnx = extras.onnx()
        self.real = np.dtype(real)
        self.batch = batch
        self.nodes: list[Any] = []
        self.there = ""  # which steps are there, (N, T) of truth values, where some may not be
        self._within = ""  # what names of nodes begin with
        self.constants: list[Any] = []
        self._names: dict[tuple[Any, ...], str] = {}

    def constant(self, value: ArrayLike, dtype: DTypeLike | None = None) -> str:
        """The name of a constant, of the network's own precision if nothing else is said."""
        array = np.asarray(value, self.real if dtype is None else dtype)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._names:
            self._names[key] = self._initializer(f"constant{len(self._names)}", array)
        return self._names[key]

    def weights(self, name: str, values: ArrayLike) -> str:
        """Enter an array under a name of its own.

        Raises
        ------
        DataError
            If float32 cannot hold it.
        """
        with np.errstate(over="ignore"):
            array = np.asarray(values, self.real)
        if not np.isfinite(array).all():
            raise DataError(f"{name}: expected numbers that {self.real} can hold, found others")
        return self._initializer(name, array)

    def _initializer(self, name: str, array: NDArray[Any]) -> str:
        self.constants.append(self._onnx.numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def add(self, operator: str, *inputs: str, wanted: int = 0, **attributes: Any) -> str:
        """Apply an operator; returns the name of its result, of the output with the number `wanted`."""
        name = f"{self._within}{operator}_{len(self.nodes)}"
        outputs = [f"{name}_{number}" for number in range(wanted)] + [name]
        self.nodes.append(self._onnx.helper.make_node(operator, list(inputs), outputs, name=name, **attributes))
        return name

    def cast(self, value: str, dtype: DTypeLike) -> str:
        """The value in another type."""
        return self.add("Cast", value, to=self.tensor_type(dtype))

    def tensor_type(self, dtype: DTypeLike | None = None) -> int:
        """ONNX's number of a type; of the network's own, if nothing else is said."""
        return int(self._onnx.helper.np_dtype_to_tensor_dtype(np.dtype(self.real if dtype is None else dtype)))

    def reshape(self, value: str, *sizes: int) -> str:
        """The value of each event in another shape."""
        return self.add("Reshape", value, self.constant([self.batch or -1, *sizes], np.int64))

    def flattened(self, x: Activations) -> Activations:
        """In the shape (N, S*W)."""
        if x.flat:
            return x
        return replace(x, name=self.reshape(x.name, x.steps * x.width), flat=True)

    def in_steps(self, x: Activations, steps: int, width: int) -> Activations:
        """In the shape (N, steps, width), whatever the shape before."""
        if not x.flat and (x.steps, x.width) == (steps, width):
            return x
        return Activations(self.reshape(x.name, steps, width), steps, width, flat=False)

    def there_only(self, x: Activations) -> Activations:
        """Steps (N, T, W) that are 0 where they are not there."""
        marks = self.add("Unsqueeze", self.there, self.constant([-1], np.int64))
        steps = x if not x.flat else self.in_steps(x, x.steps, x.width)
        return replace(steps, name=self.add("Where", marks, steps.name, self.constant(0)))

    def scan(
        self,
        step: Callable[[Sequence[str], str, str], tuple[Sequence[str], str]],
        states: Sequence[str],
        sequence: str,
        width: int,
    ) -> tuple[str, str]:
        """Run a step on each of a sequence (T, N, D), with states (1, N, W) from one to the next.

        Parameters
        ----------
        step : callable
            Of the names of the states before, of the step's inputs (N, D) and of which events have it (N, 1): adds
            nodes, and returns the names of the states after, and of what is collected, (N, W).
        states : sequence of str
            The first ones.
        sequence : str
        width : int
            W.

        Returns
        -------
        last, every : str
            The last of the first state, (1, N, W), and what was collected, (T, N, W).
        """
        helper = self._onnx.helper
        marks = self.add("Unsqueeze", self.add("Transpose", self.there, perm=[1, 0]), self.constant([-1], np.int64))
        place = f"Scan_{len(self.nodes)}"
        outer, self.nodes, self._within = self.nodes, [], f"{place}."
        before, x, there = [f"{place}.state{k}" for k in range(len(states))], f"{place}.x", f"{place}.there"
        after, collected = step(before, x, there)
        free = [None] * 3
        given = [helper.make_tensor_value_info(name, self.tensor_type(), free) for name in before]
        given += [helper.make_tensor_value_info(x, self.tensor_type(), free[:2])]
        given += [helper.make_tensor_value_info(there, self.tensor_type(np.bool_), free[:2])]
        made = [helper.make_tensor_value_info(name, self.tensor_type(), free) for name in after]
        made += [helper.make_tensor_value_info(collected, self.tensor_type(), [None, width])]
        body = helper.make_graph(self.nodes, place, given, made)
        self.nodes, self._within = outer, ""
        outputs = [f"{place}_{k}" for k in range(len(states) + 1)]
        node = helper.make_node("Scan", [*states, sequence, marks], outputs, name=place, body=body, num_scan_inputs=2)
        self.nodes.append(node)
        return outputs[0], outputs[-1]

    def zero_states(self, sequence: str, width: int) -> str:
        """Initial states (1, N, width) of zero for a sequence (T, N, D)."""
        if self.batch is not None:
            return self.constant(np.zeros((1, self.batch, width)))
        events = self.add("Shape", sequence, start=1, end=2)
        shape = self.add("Concat", self.constant([1], np.int64), events, self.constant([width], np.int64), axis=0)
        zero = self._onnx.helper.make_tensor("value", self.tensor_type(), [1], [0.0])
        return self.add("ConstantOfShape", shape, value=zero)

"""An ONNX graph as TMVA's layers: node by node, with numbers in place of what flows between the layers.

What exporters write around their layers differs from version to version. It is evaluated, and never matched: each layer
has to be given what `traced_value` can tell from the numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn import extras
from pytmva_rnn.description import Layer, OutputFunction, Recurrent, Reshape
from pytmva_rnn.errors import DataError
from pytmva_rnn.export.folding import with_activation
from pytmva_rnn.export.foreign import ForeignNetwork
from pytmva_rnn.export.onnx.glue import passed
from pytmva_rnn.export.onnx.layer_readers import attributes, read_batch_norm, read_dense, read_recurrent
from pytmva_rnn.export.onnx.running import evaluate_node
from pytmva_rnn.export.onnx.traced_value import POINTS_OF_CURVES, Stage, Traced, activation_of

__all__ = ["trace"]

_WITH_GRAPHS = {"If", "Loop", "Scan", "SequenceMap"}


def trace(model: Any, events: int, axis: int, shape: tuple[int, ...], source: str) -> ForeignNetwork:
    """The network of a graph with one input of floating-point numbers.

    Parameters
    ----------
    model : onnx.ModelProto
        Checked, without functions.
    events : int
        How many the input is given.
    axis : int
        Of the input along which they stand.
    shape : tuple of int
        Of the input of one event.
    source : str
        What errors call the file.

    Raises
    ------
    DataError
        For whatever TMVA has no layer for.
    """
    return _Tracer(model, events, axis, shape, source).network()


class _Tracer:
    def __init__(self, model: Any, events: int, axis: int, shape: tuple[int, ...], source: str) -> None:
        self.model, self.events, self.source = model, events, source
        self.onnx = extras.onnx()
        self.opset = next(each.version for each in model.opset_import if each.domain in ("", "ai.onnx"))
        self.layers: list[Layer] = []
        self.event_shape: tuple[int, int] | None = None
        self.ending: OutputFunction = "I"
        self.open_bias = False  # whether the last layer is a product to which a bias may be added
        size = int(np.prod(shape))
        self.stage = Stage(0, "the network's input", 1, size)
        numbers: NDArray[np.float64] = 1.0 + np.arange(events * size, dtype=np.float64).reshape(events, *shape)
        constants = {each.name: self.onnx.numpy_helper.to_array(each) for each in model.graph.initializer}
        self.values: dict[str, Any] = dict(constants)
        name = next(each.name for each in model.graph.input if each.name not in constants)
        self.values[name] = Traced(np.moveaxis(numbers, 0, axis), self.stage, POINTS_OF_CURVES)

    def network(self) -> ForeignNetwork:
        for number, node in enumerate(self.model.graph.node):
            place = f"{self.source}: {node.name or f'node {number}'} ({node.op_type})"
            values = [self._value(name, place) for name in node.input]
            results = self._results(node, values, place)
            self.values.update((name, result) for name, result in zip(node.output, results, strict=False) if name)
        end = f"{self.source}: the output"
        self._end(self._value(self.model.graph.output[0].name, end), end)
        if self.event_shape is None:
            raise DataError(f"{self.source}: expected a network of RNN, LSTM, GRU and dense layers, found none of them")
        return ForeignNetwork(self.source, self.layers, self.event_shape, self.ending)

    def _value(self, name: str, place: str) -> Any:
        if name and name not in self.values:
            raise DataError(f"{place}: expected a value {name!r} that comes from a node before, found none")
        return self.values[name] if name else None

    def _results(self, node: Any, values: list[Any], place: str) -> list[Any]:
        operator = node.op_type
        if node.domain not in ("", "ai.onnx"):
            raise DataError(f"{place}: expected operators of ONNX's own, found one of {node.domain}")
        traced = [value for value in values if isinstance(value, Traced)]
        if operator in _WITH_GRAPHS:
            raise DataError(
                f"{place}: a network written out as {operator} cannot be read; of Keras read the .keras or .h5 file, "
                "of PyTorch the module"
            )
        if operator in ("Shape", "Size"):
            values = [value.numbers if isinstance(value, Traced) else value for value in values]
            return evaluate_node(node, values, self.opset, place)
        if not traced:
            return evaluate_node(node, values, self.opset, place)
        if any(value.stage is not self.stage for value in traced):
            late = next(value for value in traced if value.stage is not self.stage)
            raise DataError(
                f"{place}: it takes what comes of {late.stage.name} past {self.stage.name}; TMVA's layers form a "
                "chain, without branches and loops"
            )
        if operator in _LAYERS:
            return _LAYERS[operator](self, node, values, place)
        if operator == "Add" and self.open_bias and self._add_bias(values, place):
            return [self._outputs(traced[0].numbers)]
        return passed(node, values, self.opset, place)

    # layers

    def _close(self, value: Any, places: NDArray[np.int64] | None, place: str) -> None:
        """Let the last layer end as the next one, or the output, takes it."""
        if not isinstance(value, Traced):
            raise DataError(f"{place}: expected outputs of {self.stage.name}, found constants")
        part = value.part(places)
        if part is None or (part == "last" and not self.layers):
            raise DataError(f"{place}: it takes {value.misfit(places)}")
        self._apply(value, place)
        if self.layers and isinstance(self.layers[-1], Recurrent) and (part == "last" or self.stage.steps == 1):
            self.layers[-1] = replace(self.layers[-1], return_sequence=False)
            self.stage = replace(self.stage, steps=1)

    def _apply(self, value: Traced, place: str) -> None:
        activation = activation_of(value.curve)
        done = ", ".join(value.operators)
        if activation is None:
            raise DataError(f"{place}: what it is given went through {done}, which is none of TMVA's activations")
        if activation != "LINEAR" and not self.layers:
            raise DataError(f"{place}: the network's input goes through {done}; TMVA's first layer takes it as it is")
        if self.layers:
            self.layers = with_activation(self.layers, activation, f"{self.source}: {self.stage.name}, {done}")

    def _flat(self, value: Traced, width: int, place: str) -> tuple[int, ...]:
        """The shape of a value of `width` numbers for each event, and no more; the last layer ends so."""
        if self.ending == "M":
            raise DataError(f"{place}: expected the softmax at the end of the network, found more after it")
        rows = value.numbers.reshape(-1, width) if value.numbers.size % width == 0 else value.numbers
        if value.numbers.shape[-1:] != (width,) or len(rows) != self.events:
            each = "; TMVA's dense layers do not work on every step of a sequence"
            if not self.layers:
                each += ", and an RNN that the exporter wrote out step by step is not read: export it with dynamo=False"
            raise DataError(
                f"{place}: expected {width} numbers for each event, found the shape {value.numbers.shape} of "
                f"{self.events} events{each}"
            )
        self._close(value, replace(value, numbers=rows).of_event(self.events), place)
        if self.event_shape is None:
            self.event_shape = (1, width)
        elif self.stage.steps > 1:
            self.layers.append(Reshape(1, 1, width, flat=True))
        return value.numbers.shape

    def _begin(self, layer: Layer, steps: int, width: int, place: str) -> None:
        self.layers.append(layer)
        name = place.removeprefix(f"{self.source}: ")
        self.stage = Stage(self.stage.number + 1, name, steps, width)
        self.open_bias = False

    def _outputs(self, numbers: NDArray[Any]) -> Traced:
        return Traced(np.asarray(numbers, np.float64), self.stage, POINTS_OF_CURVES)

    def _recurrent(self, node: Any, values: list[Any], place: str) -> list[Any]:
        value, *constants = values
        if self.ending == "M" or not isinstance(value, Traced) or any(isinstance(each, Traced) for each in constants):
            raise DataError(f"{place}: expected constant weights and states, found some that depend on the input")
        if value.numbers.ndim != 3:
            raise DataError(f"{place}: expected a sequence (T, N, D), found the shape {value.numbers.shape}")
        places = value.of_event(self.events, axis=1)
        self._close(value, places, place)
        steps, _, width = value.numbers.shape
        if self.event_shape is None:
            self.event_shape = (steps, width)
        elif (self.stage.steps, self.stage.width) != (steps, width):
            self.layers.append(Reshape(steps, 1, width))
        given = attributes(self.onnx, node)
        layer = read_recurrent(node.op_type, given, constants, (steps, width), self.model.producer_name, place)
        H = layer.state_size
        self._begin(layer, steps, H, place)
        n, t, h = np.ogrid[: self.events, :steps, :H]
        sequence = (1.0 + (n * steps + t) * H + h).transpose(1, 0, 2)  # (T, N, H)
        results = (sequence[:, np.newaxis], sequence[-1:], -sequence[-1:])  # the last is an LSTM's cell
        return [self._outputs(each) for each in results]

    def _gemm(self, node: Any, values: list[Any], place: str) -> list[Any]:
        given = attributes(self.onnx, node)
        A, B, *more = values
        if isinstance(B, Traced) or any(isinstance(each, Traced) for each in more) or given.get("transA", 0):
            raise DataError(f"{place}: expected outputs of {self.stage.name} times constant weights, found otherwise")
        B = np.asarray(B)
        W = (B if given.get("transB", 0) else B.T) * B.dtype.type(given.get("alpha", 1.0))
        C = more[0] if more and more[0] is not None else None
        bias = None if C is None else np.asarray(C) * B.dtype.type(given.get("beta", 1.0))
        return self._dense(A, W, bias, place)

    def _matmul(self, node: Any, values: list[Any], place: str) -> list[Any]:
        A, B = values
        if isinstance(B, Traced):
            raise DataError(f"{place}: expected outputs of {self.stage.name} times constant weights, found otherwise")
        return self._dense(A, np.asarray(B).T, None, place)

    def _dense(self, value: Traced, W: NDArray[Any], bias: NDArray[Any] | None, place: str) -> list[Any]:
        layer = read_dense(W, bias, place)
        shape = self._flat(value, layer.input_size, place)
        self._begin(layer, 1, layer.width, place)
        self.open_bias = bias is None
        return [self._outputs(1.0 + np.arange(self.events * layer.width).reshape(*shape[:-1], layer.width))]

    def _add_bias(self, values: list[Any], place: str) -> bool:
        """Whether an Add is the bias of the product before it, which then has it."""
        traced = [each for each in values if isinstance(each, Traced)]
        constants = [np.asarray(each) for each in values if not isinstance(each, Traced)]
        in_order = 1 + np.arange(self.events * self.stage.width)
        if len(traced) != 1 or traced[0].operators or not np.array_equal(traced[0].numbers.reshape(-1), in_order):
            return False
        if traced[0].numbers.shape[-1] != self.stage.width:
            return False
        if constants[0].size not in (1, *constants[0].shape[-1:]):  # one for each unit, not for each event
            return False
        self.layers[-1] = read_dense(np.asarray(self.layers[-1].weights["W"]), constants[0].reshape(-1), place)
        self.stage = replace(self.stage, number=self.stage.number + 1)
        self.open_bias = False
        return True

    def _batch_norm(self, node: Any, values: list[Any], place: str) -> list[Any]:
        value, *constants = values
        if not isinstance(value, Traced) or any(isinstance(each, Traced) for each in constants):
            raise DataError(f"{place}: expected constant statistics, found some that depend on the input")
        layer = read_batch_norm(attributes(self.onnx, node), constants, place)
        shape = self._flat(value, layer.size, place)
        self._begin(layer, 1, layer.size, place)
        return [self._outputs(1.0 + np.arange(self.events * layer.size).reshape(shape))]

    def _softmax(self, node: Any, values: list[Any], place: str) -> list[Any]:
        (value,) = values
        axis = attributes(self.onnx, node).get("axis", -1 if self.opset >= 13 else 1)
        width = value.numbers.shape[-1]
        if axis not in (-1, value.numbers.ndim - 1) or width != self.stage.width:
            raise DataError(f"{place}: expected a softmax over the outputs of {self.stage.name}, found another")
        shape = self._flat(value, width, place)
        self.stage = replace(self.stage, number=self.stage.number + 1, name="the softmax")
        self.ending = "M"
        return [self._outputs(value.numbers.reshape(shape))]

    def _end(self, value: Any, place: str) -> None:
        if not isinstance(value, Traced) or value.stage is not self.stage:
            raise DataError(f"{place}: expected what {self.stage.name} gives, found something else")
        if self.ending == "I" and self.layers and activation_of(value.curve) == "SIGMOID":
            self.ending = "S"
            value = replace(value, curve=POINTS_OF_CURVES)
        if self.ending == "M" and value.operators:
            raise DataError(f"{place}: expected the softmax itself, found {', '.join(value.operators)} of it")
        rows = value.numbers.reshape(self.events, -1) if value.numbers.size % self.events == 0 else value.numbers
        self._close(value, replace(value, numbers=rows).of_event(self.events), place)


_LAYERS: dict[str, Callable[[_Tracer, Any, list[Any], str], list[Any]]] = {
    "RNN": _Tracer._recurrent,
    "LSTM": _Tracer._recurrent,
    "GRU": _Tracer._recurrent,
    "Gemm": _Tracer._gemm,
    "MatMul": _Tracer._matmul,
    "BatchNormalization": _Tracer._batch_norm,
    "Softmax": _Tracer._softmax,
}

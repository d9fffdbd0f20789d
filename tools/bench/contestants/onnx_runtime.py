"""The same networks in ONNX Runtime, from a graph with its own recurrent operators."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np

from bench.cases import CaseData
from bench.contestants.base import Contestant, gate_names
from pytmva_rnn import extras
from pytmva_rnn.description import Layer, Recurrent
from pytmva_rnn.model import Model

__all__ = ["OnnxRuntime", "graph"]

_GATES = {"LSTM": "iofc", "GRU": "zrc", "RNN": ""}
_OPSET, _IR_VERSION = 17, 9


class OnnxRuntime(Contestant):
    """The CPU provider of ONNX Runtime; it does not train."""

    name = "ONNX Runtime"
    does = ("infer", "one")

    def __init__(self, problem: CaseData, threads: int) -> None:
        super().__init__(problem, threads)
        runtime = extras.onnxruntime()
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self._session = runtime.InferenceSession(
            graph(problem.model).SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

    @classmethod
    def version(cls) -> str:
        extras.onnx()
        return str(extras.onnxruntime().__version__)

    def call(self, what: str) -> Callable[[], Any]:
        X = self.problem.X if what == "infer" else self.problem.X[:1]
        return partial(self._session.run, None, {"x": X})

    def losses(self, steps: int) -> None:
        return None


class _Graph:
    """Collects nodes and constants."""

    def __init__(self, onnx: ModuleType) -> None:
        self._onnx = onnx
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.last = "x"

    def constant(self, value: Any) -> str:
        """Add a constant; returns its name."""
        name = f"constant{len(self.constants)}"
        self.constants.append(self._onnx.numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def add(self, operator: str, *more: str, outputs: int = 1, **attributes: Any) -> None:
        """Apply an operator to the last result and further inputs; the last of its outputs is the new result."""
        names = [f"{operator}{len(self.nodes)}_{k}" for k in range(outputs)]
        self.nodes.append(self._onnx.helper.make_node(operator, [self.last, *more], names, **attributes))
        self.last = names[-1]


def graph(model: Model) -> Any:
    """The ONNX model of one recurrent layer and dense layers, tanh between them and a sigmoid at the end.

    Input "x" has the shape (n, T, D), the output (n, 1).
    """
    onnx = extras.onnx()
    g = _Graph(onnx)
    g.add("Transpose", perm=[1, 0, 2])
    recurrent = next(layer for layer in model.layers if isinstance(layer, Recurrent))
    _recurrent(g, recurrent)
    dense = [layer for layer in model.layers if layer.kind == "DENSE"]
    for layer in dense:
        g.add("Gemm", g.constant(layer.weights["W"]), g.constant(layer.weights["b"].reshape(-1)), transB=1)
        g.add("Sigmoid" if layer is dense[-1] else "Tanh")
    real, helper = onnx.TensorProto.FLOAT, onnx.helper
    shape = ["n", recurrent.time_steps, recurrent.input_size]
    whole = helper.make_graph(
        g.nodes,
        "network",
        [helper.make_tensor_value_info("x", real, shape)],
        [helper.make_tensor_value_info(g.last, real, ["n", 1])],
        g.constants,
    )
    made = helper.make_model(whole, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)
    onnx.checker.check_model(made)
    return made


def _recurrent(g: _Graph, layer: Recurrent) -> None:
    """The recurrent operator, which takes and gives time first, and the flat features of each event."""

    def stacked(matrix: str, layer: Layer = layer) -> Any:
        return np.concatenate([layer.weights[name] for name in gate_names(layer, matrix, _GATES[layer.kind])])

    bias = stacked("b").reshape(-1)
    biases = np.concatenate([bias, np.zeros_like(bias)])
    attributes: dict[str, Any] = {"linear_before_reset": 1} if layer.kind == "GRU" else {}
    arrays = [g.constant(array[np.newaxis]) for array in (stacked("W"), stacked("U"), biases)]
    # the operator gives the states of all steps, (T, 1, n, H), and then the last states, (1, n, H)
    sequence = layer.return_sequence
    g.add(layer.kind, *arrays, outputs=1 if sequence else 2, hidden_size=layer.state_size, **attributes)
    g.add("Squeeze", g.constant(np.array([1 if sequence else 0], np.int64)))
    if sequence:
        g.add("Transpose", perm=[1, 0, 2])
        g.add("Reshape", g.constant(np.array([-1, layer.time_steps * layer.state_size], np.int64)))

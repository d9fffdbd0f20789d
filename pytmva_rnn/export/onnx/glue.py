"""What may stand between the layers of an ONNX graph: what moves numbers, and what changes each number by itself.

Both are evaluated: the first on the numbers of outputs, the second on the points of a curve.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn import extras
from pytmva_rnn.errors import DataError
from pytmva_rnn.export.onnx.layer_readers import attributes
from pytmva_rnn.export.onnx.running import evaluate_node
from pytmva_rnn.export.onnx.traced_value import Traced

__all__ = ["passed"]

_MOVING = {
    *("Concat", "Dropout", "Expand", "Flatten", "Gather", "Identity", "Reshape", "Slice", "Split", "Squeeze"),
    *("Transpose", "Unsqueeze"),
}
_CHANGING = {
    *("Abs", "Add", "Celu", "Clip", "Div", "Elu", "Erf", "Exp", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu", "Max"),
    *("Min", "Mish", "Mul", "Neg", "Pow", "Reciprocal", "Relu", "Selu", "Sigmoid", "Softplus", "Softsign", "Sqrt"),
    *("Sub", "Tanh", "ThresholdedRelu"),
}


def passed(node: Any, values: list[Any], opset: int, place: str) -> list[Any]:
    """What comes of a layer's outputs in one node.

    Parameters
    ----------
    node : onnx.NodeProto
    values : list
        Its inputs: Traced, all of one stage, arrays, and None for what is left out.
    opset : int
    place : str
        What errors call the node.

    Returns
    -------
    list of Traced

    Raises
    ------
    DataError
        For an operator that is neither, and for what mixes outputs with each other or with constants.
    """
    operator = node.op_type
    if operator == "Cast":
        return [_cast(node, values[0], place)]
    if operator in _MOVING:
        return _moved(node, values, opset, place)
    if operator in _CHANGING:
        return [_changed(node, values, opset, place)]
    raise DataError(f"{place}: TMVA has no layer that does this")


def _cast(node: Any, value: Traced, place: str) -> Traced:
    onnx = extras.onnx()
    if attributes(onnx, node).get("to") not in (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE):
        raise DataError(f"{place}: expected real numbers of 32 or 64 bits, found a conversion into another type")
    return value


def _moved(node: Any, values: list[Any], opset: int, place: str) -> list[Any]:
    if node.op_type == "Dropout" and len(values) > 2 and values[2] is not None and np.any(values[2]):
        raise DataError(f"{place}: expected a file for evaluation, found a dropout in training mode")
    first, *others = [value for value in values if isinstance(value, Traced)]
    whole = len(others) == len(values) - 1 if node.op_type == "Concat" else not others
    if not whole or not isinstance(values[0], Traced) or any(other.curve is not first.curve for other in others):
        raise DataError(f"{place}: it mixes outputs of {first.stage.name} with other numbers")
    given = [value.numbers if isinstance(value, Traced) else value for value in values]
    results = evaluate_node(node, given, opset, place)
    return [replace(first, numbers=np.asarray(result, np.float64)) for result in results]


def _changed(node: Any, values: list[Any], opset: int, place: str) -> Traced:
    first = next(value for value in values if isinstance(value, Traced))
    curves: list[NDArray[Any] | None] = []
    for value in values:
        if isinstance(value, Traced):
            if not np.array_equal(value.numbers, first.numbers):
                raise DataError(f"{place}: it combines different outputs of {first.stage.name}")
            curves.append(value.curve)
        elif value is not None and (np.size(value) == 0 or np.ptp(value) != 0):
            raise DataError(
                f"{place}: it combines the outputs of {first.stage.name} with several constants; TMVA's layers do this "
                "only as part of a dense layer or a batch normalisation"
            )
        else:
            curves.append(None if value is None else np.asarray(value).reshape(-1)[:1].reshape(()))
    constants = [each.dtype for each in curves if each is not None and not each.ndim and each.dtype.kind == "f"]
    dtype = constants[0] if constants else np.dtype(np.float64)
    given = [each.astype(dtype) if each is not None and each.ndim else each for each in curves]
    (curve,) = evaluate_node(node, given, opset, place)
    return replace(first, curve=np.asarray(curve, np.float64), operators=(*first.operators, node.op_type))

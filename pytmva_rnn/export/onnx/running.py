"""ONNX's evaluators: one node at a time, and whole files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn import extras
from pytmva_rnn.errors import DataError, MissingExtraError, first_line

__all__ = ["evaluate_node", "network_runner"]

_LARGEST = 1 << 26
"""Elements of a value that a node may make while a file is read."""
_OPSET = 13
"""From which on ONNX's evaluator knows all operators that move numbers; before, sizes were attributes of them."""
_BY_SHAPE = ("ConstantOfShape", "Expand", "Range", "Tile")
"""Operators whose results may be of any size, however small what they are given is."""


def evaluate_node(node: Any, values: list[Any], opset: int, place: str) -> list[Any]:
    """The outputs of one node, by ONNX's own evaluator.

    Parameters
    ----------
    node : onnx.NodeProto
        Without graphs inside.
    values : list
        Its inputs; None for one that is left out.
    opset : int
    place : str
        What errors call the node.

    Raises
    ------
    DataError
        If the node cannot be evaluated.
    """
    if node.op_type in _BY_SHAPE and _size(node.op_type, values) > _LARGEST:
        raise DataError(f"{place}: expected a value of a network's size, found one of more than {_LARGEST} numbers")
    given = {name: value for name, value in zip(node.input, values, strict=True) if name}
    try:
        evaluator = extras.onnx().reference.ReferenceEvaluator(node, opsets={"": opset})
        with np.errstate(all="ignore"):
            results: list[Any] = evaluator.run(None, given)
    except Exception as error:  # whatever the evaluator finds wrong with a node
        old = f"; the file has operators of opset {opset}, export it with {_OPSET} or above" if opset < _OPSET else ""
        raise DataError(f"{place}: it cannot be evaluated: {first_line(error)}{old}") from error
    if any(getattr(result, "size", 0) > _LARGEST for result in results):
        raise DataError(f"{place}: expected a value of a network's size, found one of more than {_LARGEST} numbers")
    return results


def _size(operator: str, values: list[Any]) -> float:
    numbers = [np.asarray(value, np.float64).reshape(-1) for value in values if value is not None]
    if operator == "Range":
        start, limit, delta = (float(each[0]) for each in numbers)
        return abs(limit - start) / abs(delta) if delta else np.inf
    times = numbers[0].size if operator == "Tile" else 1
    return float(times * np.prod(np.maximum(1, np.abs(numbers[-1]))))


def network_runner(model: Any, source: str) -> tuple[str, Callable[[NDArray[Any]], NDArray[Any]]]:
    """Who runs a file, and a function from its input to its first output.

    That is ONNX Runtime, or where it can't, ONNX's evaluator.

    Parameters
    ----------
    model : onnx.ModelProto
        Checked, with one input.
    source : str
        What errors call the file.

    Raises
    ------
    DataError
        If neither takes the file; from the function, if it fails.
    """
    constants = {each.name for each in model.graph.initializer}
    (given,) = (each for each in model.graph.input if each.name not in constants)
    # ONNX Runtime has no recurrent operators in double precision, and says so when they are to run
    single = given.type.tensor_type.elem_type == extras.onnx().TensorProto.FLOAT
    in_runtime = _in_runtime(model, given.name) if single else None
    run = in_runtime or _in_evaluator(model, given.name, source)

    def ask(x: NDArray[Any]) -> NDArray[Any]:
        try:
            with np.errstate(all="ignore"):
                return np.asarray(run(x))
        except Exception as error:  # of a runtime that finds a shape or a value wrong
            raise DataError(f"{source}: it cannot be run on events {x.shape}: {first_line(error)}") from error

    return (f"ONNX Runtime {extras.onnxruntime().__version__}" if in_runtime else "onnx.reference"), ask


def _in_runtime(model: Any, name: str) -> Callable[[NDArray[Any]], Any] | None:
    try:
        runtime = extras.onnxruntime()
    except MissingExtraError:
        return None
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = runtime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception:  # of a type or an operator that it has not
        return None
    return lambda x: session.run(None, {name: x})[0]


def _in_evaluator(model: Any, name: str, source: str) -> Callable[[NDArray[Any]], Any]:
    try:
        evaluator = extras.onnx().reference.ReferenceEvaluator(model)
    except Exception as error:
        raise DataError(f"{source}: it cannot be run: {first_line(error)}") from error
    return lambda x: evaluator.run(None, {name: x})[0]

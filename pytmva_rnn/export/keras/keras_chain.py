"""The layers of a Keras model one after another, from its configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytmva_rnn.errors import DataError
from pytmva_rnn.export.keras.keras_files import KerasFile

__all__ = ["chain_of", "input_sizes"]

_MODELS = ("Sequential", "Functional", "Model")


def chain_of(file: KerasFile) -> list[dict[str, Any]]:
    """The configurations of the layers in the order in which an event passes them.

    Raises
    ------
    DataError
        For a model that is more than a chain: several inputs or outputs, branches, layers used twice, layers that
        behave as in a training.
    """
    kind = file.config.get("class_name")
    if kind not in _MODELS:
        raise DataError(
            f"{file.path}: expected a Sequential or Functional model, found {kind}; its layers are not known"
        )
    layers = file.layer_configs()
    names = [str(layer["config"].get("name")) for layer in layers]
    if len(set(names)) < len(names):
        raise DataError(f"{file.path}: expected layers of different names, found {', '.join(names)}")
    return layers if kind == "Sequential" else _functional(file, dict(zip(names, layers, strict=True)))


def _functional(file: KerasFile, layers: Mapping[str, dict[str, Any]]) -> list[dict[str, Any]]:
    config = file.config["config"]
    ends = {}
    for what in ("input_layers", "output_layers"):
        found = _references(config.get(what))
        if len(found) != 1 or found[0] not in layers:
            raise DataError(f"{file.path}: expected a model with one input and one output, found {len(found)} {what}")
        ends[what] = found[0]
    chain = [ends["output_layers"]]
    while chain[-1] != ends["input_layers"]:
        before = _before(file, chain[-1], layers)
        if before in chain or before not in layers:
            raise DataError(f"{file.path}, {chain[-1]}: expected a layer before it, found {before}")
        chain.append(before)
    unused = [name for name in layers if name not in chain]
    if unused:
        raise DataError(f"{file.path}: expected layers one after another, found {', '.join(unused)} beside them")
    return [layers[name] for name in reversed(chain)]


def _references(value: Any) -> list[str]:
    """Names in `["dense", 0, 0]` or in a list or table of such."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if not isinstance(value, list):
        return []
    if len(value) == 3 and isinstance(value[0], str):
        return [value[0]]
    return [name for each in value for name in _references(each)]


def _before(file: KerasFile, name: str, layers: Mapping[str, dict[str, Any]]) -> str:
    """The one layer whose output a layer takes."""
    nodes = layers[name].get("inbound_nodes")
    if not isinstance(nodes, list) or len(nodes) != 1:
        raise DataError(f"{file.path}, {name}: expected a layer that is called once, found another")
    node = nodes[0]
    if isinstance(node, Mapping):  # Keras 3
        tensors = [*_tensors(node.get("args")), *_tensors(node.get("kwargs"))]
        options = {key: value for key, value in dict(node.get("kwargs") or {}).items() if not _tensors(value)}
    else:
        # `[["lstm", 0, 0, {}]]`, or where there is but one `["lstm", 0, 0, {}]`
        inputs = [node] if node and isinstance(node[0], str) else list(node)
        tensors = [each[0] for each in inputs]
        options = {key: value for each in inputs if len(each) > 3 for key, value in each[3].items()}
    if len(tensors) != 1:
        raise DataError(
            f"{file.path}, {name}: expected one input, found {len(tensors)}; TMVA's layers take the output of one "
            "layer, and start from states of zero"
        )
    for key, value in options.items():
        if value not in (None, False):
            raise DataError(f"{file.path}, {name}: it is called with {key}={value!r}, which TMVA's layers have not")
    return str(tensors[0])


def _tensors(value: Any) -> list[str]:
    """Names of the layers whose outputs stand in arguments of Keras 3."""
    if isinstance(value, Mapping):
        if value.get("class_name") == "__keras_tensor__":
            return [str(value["config"]["keras_history"][0])]
        return [name for each in value.values() for name in _tensors(each)]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [name for each in value for name in _tensors(each)]
    return []


def input_sizes(file: KerasFile, chain: Sequence[Mapping[str, Any]]) -> list[int | None]:
    """Sizes of an event: [T, D] or [NVar]; None for a number of steps that is left open.

    Raises
    ------
    DataError
        If the model does not say them.
    """
    first = chain[0]["config"] if chain else {}
    found = next(
        (
            shape
            for shape in (
                first.get("batch_shape"),
                first.get("batch_input_shape"),
                file.config["config"].get("build_input_shape"),
            )
            if shape is not None
        ),
        None,
    )
    if isinstance(found, Mapping):  # a tuple, as some releases write it
        found = found.get("items")
    sizes = found[1:] if isinstance(found, list) else []
    if len(sizes) not in (1, 2) or not all(size is None or (isinstance(size, int) and size > 0) for size in sizes):
        raise DataError(f"{file.path}: expected events of the shape (steps, inputs) or (inputs), found {found}")
    if sizes[-1] is None:
        raise DataError(f"{file.path}: the number of inputs is left open; TMVA's networks have a fixed one")
    return list(sizes)

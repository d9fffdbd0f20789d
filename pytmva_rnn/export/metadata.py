"""All that a model says beside its weights, as text that files of other formats carry along.

A network in such a file is complete without it, for whoever runs it there; with it a Model comes back to the digit.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

from pytmva_rnn._version import __version__
from pytmva_rnn.description import Description, Layer, LayerWeights, Shape, Transformation, check_chain
from pytmva_rnn.errors import DataError
from pytmva_rnn.export.digits import lost_digits, with_digits
from pytmva_rnn.model import Model
from pytmva_rnn.weightfile.stored_history import HISTORY

__all__ = [
    "METADATA",
    "as_asked",
    "carried_layers",
    "carried_shape",
    "carried_text",
    "model_from",
    "refuse_said_twice",
    "retrained",
    "weights_digest",
]

log = logging.getLogger("pytmva_rnn")

METADATA = "pytmva_rnn"
"""Under this key files keep the text."""

_RELEASE, _DIGEST, _DIGITS = "release", "weights", "digits"
_MASK = "mask_padding"
_POLYMORPHIC = (Layer, Transformation)
T = TypeVar("T")


def carried_text(model: Description) -> str:
    """All of a model but its layers' arrays, with a digest of these and the digits that float32 has not, as JSON.

    Parameters
    ----------
    model : Model or Description

    Returns
    -------
    str
        The same for the same model.
    """
    values = {item.name: _plain(getattr(model, item.name)) for item in fields(Description)}
    if not model.mask_padding:
        del values[_MASK]  # what TMVA has not is there only where it says something
    of_arrays = {_DIGEST: weights_digest(model.layers), _DIGITS: lost_digits(model.layers)}
    return json.dumps({_RELEASE: __version__, **of_arrays, **values})


def carried_layers(text: str) -> tuple[Layer, ...]:
    """The layers, without arrays, that a text of `carried_text` describes.

    Raises
    ------
    DataError
        If the text is none of `carried_text`, or the layers do not fit each other.
    """
    layers: tuple[Layer, ...] = _decoded(tuple[Layer, ...], _table(text).get("layers"), "layers")
    shape = carried_shape(text)
    try:
        check_chain(layers, shape)
    except DataError as error:
        raise DataError(f"metadata: {error}") from None
    return layers


def carried_shape(text: str) -> Shape:
    """The (depth, height, width) of an event, from a text of `carried_text`; errors as of `carried_layers`."""
    shape: Shape = _decoded(Shape, _table(text).get("input_layout"), "input_layout")
    return shape


def model_from(text: str, weights: Sequence[LayerWeights]) -> tuple[Model, bool]:
    """The model of a text and of the arrays beside it.

    Parameters
    ----------
    text : str
        Of `carried_text`.
    weights : sequence of mappings
        Arrays of each layer, under their mathematical names.

    Returns
    -------
    model : Model
        Checked; see `Description.check`.
    same : bool
        Whether the arrays are, in float32, those with which the text was written. After a training elsewhere they
        are not.

    Raises
    ------
    DataError
        If the text is none of `carried_text`, or does not fit the arrays.
    """
    table = _table(text)
    hints = get_type_hints(Description)
    layers = carried_layers(text)
    if len(layers) != len(weights):
        raise DataError(f"metadata: expected arrays of {len(layers)} layers, found those of {len(weights)}")
    values: dict[str, Any] = {}
    for item in fields(Description):
        if item.name == _MASK and _MASK not in table:
            continue
        if item.name not in table:
            raise DataError(f"metadata: expected an entry {item.name!r}, found none")
        values[item.name] = _decoded(hints[item.name], table[item.name], item.name)
    exact = with_digits(weights, table.get(_DIGITS, []))
    values["layers"] = tuple(_with_weights(layer, each) for layer, each in zip(layers, exact, strict=True))
    model = Model(**values)
    model.check()
    return model, table.get(_DIGEST) == weights_digest(model.layers)


def retrained(model: Model, source: str) -> Model:
    """The model without what is no longer so of other weights: the distributions of its scores, and its history.

    Parameters
    ----------
    model : Model
        Of `model_from`, where its arrays were not the same.
    source : str
        What messages call the file.
    """
    log.info("%s: the weights are others than when the network was written", source)
    if model.mva_pdfs:
        log.warning("%s: the distributions of the scores (CreateMVAPdfs) were those of other weights; left out", source)
    return replace(model, mva_pdfs=(), info=tuple(entry for entry in model.info if entry[0] != HISTORY))


def refuse_said_twice(source: str, given: Mapping[str, Any]) -> None:
    """Make sure that of a file that says it itself nothing is said by arguments too, which are None then.

    Raises
    ------
    DataError
        Naming the first that is not.
    """
    for name, value in given.items():
        if value is not None:
            verb = "is" if name in ("analysis", "layout", "order") else "are"
            raise DataError(f"{source}: it says itself what {name} {verb}; leave that out")


def as_asked(model: Model, source: str, *, title: str | None, steps: int | None) -> Model:
    """The model with what may be said of it though the file says the rest itself.

    Parameters
    ----------
    model : Model
        Of `model_from`.
    source : str
        What errors call the file.
    title : str, optional
    steps : int, optional
        T.

    Raises
    ------
    DataError
        For another number of steps than it has.
    """
    if steps not in (None, model.event_shape[0]):
        raise DataError(f"{source}: expected {model.event_shape[0]} steps, found steps={steps}")
    return model if title is None else replace(model, title=title)


def weights_digest(layers: Iterable[Layer]) -> str:
    """A text that tells apart arrays which differ in float32."""
    digest = hashlib.sha256()
    for layer in layers:
        for name in layer.arrays():
            values = layer.weights.get(name)
            with np.errstate(over="ignore"):
                digest.update(b"" if values is None else np.ascontiguousarray(values, "<f4").tobytes())
    return digest.hexdigest()[:16]


def _with_weights(layer: Layer, weights: LayerWeights) -> Layer:
    values = {item.name: getattr(layer, item.name) for item in fields(layer)}
    return type(layer)(**{**values, "weights": weights})


def _table(text: str) -> dict[str, Any]:
    try:
        table = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"metadata: expected JSON of pytmva_rnn, found what is none: {error}") from error
    if not isinstance(table, dict):
        raise DataError(f"metadata: expected a table of pytmva_rnn, found {str(table)[:60]}")
    return table


def _plain(value: Any) -> Any:
    """What JSON can hold."""
    if isinstance(value, np.ndarray):  # as bytes: a text would lose the sign of NaN, which TMVA writes
        content = np.ascontiguousarray(value, "<f8").tobytes()
        return {"shape": list(value.shape), "float64": base64.b64encode(content).decode("ascii")}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if is_dataclass(value):
        kind = {"kind": value.kind} if isinstance(value, _POLYMORPHIC) else {}
        names = [item.name for item in fields(value) if not (isinstance(value, Layer) and item.name == "weights")]
        return kind | {name: _plain(getattr(value, name)) for name in names}
    return value


def _decoded(hint: Any, value: Any, place: str) -> Any:
    """A value of JSON as what the hint of a field says."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        if value not in arguments:
            raise _problem(place, f"one of {', '.join(map(str, arguments))}", value)
        return value
    if origin in (Union, UnionType):
        if value is None and type(None) in arguments:
            return None
        return _decoded(next(each for each in arguments if each is not type(None)), value, place)
    if origin is np.ndarray:
        return _array(value, place)
    if origin is tuple:
        return _tuple(arguments, value, place)
    if isinstance(hint, type) and is_dataclass(hint):
        return _record(hint, value, place)
    wanted = (int, float) if hint is float else hint
    if not isinstance(value, wanted) or (isinstance(value, bool) and hint is not bool):
        raise _problem(place, f"a value of type {hint.__name__}", value)
    if hint is not float:
        return value
    try:
        return float(value)
    except OverflowError:
        raise _problem(place, "a number", value) from None


def _array(value: Any, place: str) -> Any:
    try:
        content = base64.b64decode(value["float64"], validate=True)
        return np.frombuffer(content, "<f8").astype(np.float64).reshape(value["shape"])
    except (KeyError, OverflowError, TypeError, ValueError):
        raise _problem(place, "an array, its shape and its bytes in base64", value) from None


def _tuple(arguments: tuple[Any, ...], value: Any, place: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise _problem(place, "a list", value)
    hints = [arguments[0]] * len(value) if arguments[-1] is Ellipsis else list(arguments)
    if len(hints) != len(value):
        raise _problem(place, f"a list of {len(hints)}", value)
    return tuple(_decoded(hint, each, f"{place}[{n}]") for n, (hint, each) in enumerate(zip(hints, value, strict=True)))


def _record(kind: type[Any], value: Any, place: str) -> Any:
    if not isinstance(value, Mapping):
        raise _problem(place, f"a table of {kind.__name__}", value)
    if kind in _POLYMORPHIC:
        known = {each.kind: each for each in _descendants(kind)}
        name = value.get("kind")
        if not isinstance(name, str) or name not in known:
            raise _problem(f"{place}, kind", f"one of {', '.join(known)}", name)
        kind = known[name]
    hints = get_type_hints(kind)
    names = [item.name for item in fields(kind) if not (issubclass(kind, Layer) and item.name == "weights")]
    if missing := [name for name in names if name not in value]:
        raise _problem(place, f"a table with {missing[0]!r}", value)
    return kind(**{name: _decoded(hints[name], value[name], f"{place}.{name}") for name in names})


def _descendants(kind: type[T]) -> list[type[T]]:
    """Classes that are made of, with a kind of their own."""
    found = [each for child in kind.__subclasses__() for each in (child, *_descendants(child))]
    return [each for each in found if hasattr(each, "kind")]


def _problem(place: str, expected: str, found: Any) -> DataError:
    shown = repr(found)
    return DataError(
        f"metadata, {place}: expected {expected}, found {shown[:57] + '...' if len(shown) > 60 else shown}"
    )

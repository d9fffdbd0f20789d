"""Checks a training sample against the options, and brings both into the form that the loop works on."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pytmva_rnn.data.finished_arrays import described_names
from pytmva_rnn.data.labels import class_numbers
from pytmva_rnn.data.storage import Storage
from pytmva_rnn.description import (
    LOSSES,
    OUTPUT_FUNCTIONS,
    Analysis,
    Layer,
    Loss,
    OutputFunction,
    Shape,
    Transformation,
    Variable,
    analysis_of,
)
from pytmva_rnn.description.arrays import all_finite, numbers
from pytmva_rnn.description.padded_steps import bad_events, mark_again, padded_steps
from pytmva_rnn.errors import DataError, OptionError, TrainingError
from pytmva_rnn.options import MethodOptions
from pytmva_rnn.options.layout import build_layers
from pytmva_rnn.options.vartransform import parse_var_transform
from pytmva_rnn.suggestions import check_keys
from pytmva_rnn.training.ranks import Ranks
from pytmva_rnn.training.shared_learning import described_together, learned_together
from pytmva_rnn.training.training_events import Events, check_samples, divided, without_negative
from pytmva_rnn.transformations import Chain, compile_chain, learn_transformations

__all__ = ["Problem", "make_problem"]

log = logging.getLogger("pytmva_rnn")


@dataclass(frozen=True)
class Problem:
    """What is to be learned from which events by which layers."""

    training: Events
    validation: Events
    layers: tuple[Layer, ...]
    input_layout: Shape
    analysis: Analysis
    loss: Loss
    output_function: OutputFunction
    variables: tuple[Variable, ...]
    classes: tuple[str, ...]
    targets: tuple[Variable, ...]
    transformations: tuple[Transformation, ...]
    mask_padding: bool = False


def make_problem(
    X: ArrayLike,
    y: ArrayLike,
    options: MethodOptions,
    *,
    analysis: str,
    sample_weight: ArrayLike | None,
    variables: Sequence[Variable | str] | None,
    classes: Sequence[str] | None,
    targets: Sequence[Variable],
    validation: Sequence[ArrayLike] | None = None,
    allow_nan: bool = False,
    entries: NDArray[np.int64] | None = None,
    storage: Storage | None = None,
    ranks: Ranks | None = None,
    class_weights: Mapping[str, float] | None = None,
    mask_padding: bool = False,
) -> Problem:
    """Check and arrange; see `pytmva_rnn.train`.

    `validation` is X and y, or X, y and weights. With `allow_nan` only the transformed inputs have to be numbers.
    `entries` (n,) tells which events, one after the other, are not to be parted. `storage` takes transformed inputs
    that do not fit into memory. With `ranks` the events are those of one process of several, and what is learned of
    them is learned of all. `class_weights` multiply the
    weights of events by class, once the transformations are learned. With `mask_padding` X is (n, T, D), and steps are
    left out that are NaN in all their inputs.
    """
    ranks = ranks or Ranks()
    kind = analysis_of(analysis)
    events, flat, labels, class_index, names, weights = _checked(
        X, y, sample_weight, kind, classes, allow_nan, mask_padding
    )
    factors = _class_factors(class_weights or {}, names, kind)
    if variables is not None and len(variables) != flat.shape[1]:
        raise DataError(f"{len(variables)} variables are described, but an event has {flat.shape[1]}")
    described = described_together(_described_variables(variables, flat, events.shape), ranks)
    described_targets = tuple(targets) or (_default_targets(labels) if kind == "Regression" else ())
    described_targets = described_together(described_targets, ranks)
    shape = options.input_shape(flat.shape[1])
    described_by = mask_padding or any(options.input_layout)  # else X is a flat event, whatever its shape
    if events.ndim == 3 and described_by and (shape[0] * shape[1], shape[2]) != events.shape[1:]:
        sizes = "|".join(map(str, options.input_layout))
        hint = f": InputLayout={events.shape[1]}|{events.shape[2]} does" if mask_padding else ""
        raise DataError(f"X has the shape {events.shape}, which InputLayout={sizes} does not describe{hint}")
    layers = build_layers(options.layout, shape, flat.shape[1], labels.shape[1])
    marked = shape[0] * shape[1] if mask_padding else 0
    given = (
        None
        if validation is None
        else _validation(validation, events.shape, kind, names, labels.shape[1], allow_nan, factors, mask_padding)
    )
    empty = np.empty if storage is None else storage.empty

    def learned(X: Any, of_class: Any, y: Any, w: Any) -> tuple[Transformation, ...]:
        given = (options.var_transform, X, of_class, described, names, described_targets, y, w)
        return learn_transformations(*given, allow_nan=allow_nan, empty=empty, marked=marked)

    asked = parse_var_transform(options.var_transform)
    if asked and storage is not None and ranks.count > 1:
        raise OptionError(
            f"VarTransform={options.var_transform} brings the events of several processes together in one, which a "
            "limit of memory does not allow: leave one of them out"
        )
    transformations = learned_together(learned, (flat, class_index, labels, weights), ranks) if asked else ()
    if class_weights:
        weights = weights * factors[class_index]
    del class_index  # before the memory of the transformed events is taken
    # what was converted is nobody else's
    own = None if np.may_share_memory(flat, events) else flat
    chain = compile_chain(transformations, described)
    target_chain = compile_chain(transformations, described_targets, "Target") if described_targets else None
    steps, width = shape[0] * shape[1], shape[2]

    def arranged(flat: NDArray[np.float32], labels: NDArray[np.float32], weights: NDArray[np.float32]) -> Events:
        if allow_nan:
            _check_transformed(flat, described, options.var_transform, marked)
        labels = labels if target_chain is None else target_chain(labels)
        return Events(flat.reshape(-1, steps, width), labels, weights, storage)

    sample = arranged(_transformed(chain, flat, own, storage, marked), labels, weights)
    if given is None:
        kept = without_negative(sample, options)
        if entries is not None and len(kept) < len(sample):
            entries = entries[sample.w >= 0]
        training, validating = divided(kept, options, entries)
    else:
        flat, labels, weights = given
        training = without_negative(sample, options)
        flat = _transformed(chain, flat, None, storage, marked)
        validating = without_negative(arranged(flat, labels, weights), options)
    check_samples(training, validating, names, options, parted=given is None)
    return Problem(
        training,
        validating,
        layers,
        shape,
        kind,
        _loss(kind, options),
        OUTPUT_FUNCTIONS[kind],
        described,
        names,
        described_targets,
        transformations,
        mask_padding,
    )


def _transformed(
    chain: Chain, flat: NDArray[np.float32], own: NDArray[np.float32] | None, storage: Storage | None, marked: int
) -> NDArray[np.float32]:
    """Inputs as the network is given them; into `own` memory, or where the storage has some.

    With a number of `marked` steps those that are not there stay NaN.
    """
    if storage is None:
        if not (marked and chain):
            return chain(flat, out=own)
        made = chain(flat)
        mark_again(made, flat, marked)
        return made
    if not chain and flat.nbytes > storage.share:
        return flat
    out = storage.empty(flat.shape)
    rows = storage.rows(flat)
    for first in range(0, len(flat), rows):
        block = flat[first : first + rows]
        chain(block, out=out[first : first + rows])
        if marked and chain:
            mark_again(out[first : first + rows], block, marked)
    return out


def _checked(
    X: ArrayLike,
    y: ArrayLike,
    sample_weight: ArrayLike | None,
    kind: Analysis,
    classes: Sequence[str] | None,
    allow_nan: bool,
    mask_padding: bool,
    what: str = "the training sample",
) -> tuple[
    NDArray[Any],
    NDArray[np.float32],
    NDArray[np.float32],
    NDArray[np.int64],
    tuple[str, ...],
    NDArray[np.float32],
]:
    """Events as given and flat, what to train for, classes of the events and their names, and weights."""
    events = numbers(X, "X")
    if events.ndim not in (2, 3) or 0 in events.shape:
        raise DataError(f"X has the shape {events.shape}; expected (n, NVar) or (n, T, D) with at least one event")
    flat: NDArray[np.float32] = _float32(events).reshape(len(events), -1)
    labels, class_index, names = class_numbers(y, kind, len(events), classes, what)
    weights = _weights(sample_weight, len(events))
    if mask_padding and events.ndim != 3:
        raise DataError(f"X has the shape {events.shape}; to leave out steps that are not there, give it as (n, T, D)")
    _check_finite(None if allow_nan else flat, labels, weights, events.shape[1] if mask_padding else 0)
    return events, flat, labels, class_index, names, weights


def _validation(
    given: Sequence[ArrayLike],
    shape: tuple[int, ...],
    kind: Analysis,
    classes: tuple[str, ...],
    outputs: int,
    allow_nan: bool,
    factors: NDArray[np.float32],
    mask_padding: bool,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Events to validate with, flat, in the form of those to train with."""
    try:
        X, y, *others = given
        (sample_weight,) = others or (None,)
    except (TypeError, ValueError) as error:
        raise DataError("validation is (X, y), (X, y, weights) or a Dataset") from error
    try:
        events, flat, labels, class_index, _, weights = _checked(
            X, y, sample_weight, kind, classes, allow_nan, mask_padding, "the validation sample"
        )
    except (DataError, TrainingError) as error:
        raise type(error)(f"validation: {error}") from error
    if flat.shape[1] != math.prod(shape[1:]) or (events.ndim == len(shape) == 3 and events.shape[1:] != shape[1:]):
        raise DataError(f"validation: X has the shape {events.shape}, but the events to train with have {shape}")
    if labels.shape[1] != outputs:
        raise DataError(f"validation: y has {labels.shape[1]} columns, but that of the training {outputs}")
    return flat, labels, weights * factors[class_index]


def _class_factors(given: Mapping[str, float], names: tuple[str, ...], kind: Analysis) -> NDArray[np.float32]:
    """Of each class, 1 where nothing is said."""
    if given and kind == "Regression":
        raise OptionError("class_weights are for classes, not for a regression")
    check_keys(given, names, "class_weights: there is no class", OptionError)
    return np.array([given.get(name, 1.0) for name in names], np.float32)


def _loss(kind: Analysis, options: MethodOptions) -> Loss:
    strategy = options.error_strategy
    if kind == "Regression" and strategy != "SUMOFSQUARES":
        if "ErrorStrategy" in options.text:
            log.warning("for regression only ErrorStrategy=SUMOFSQUARES is valid; using it in place of %s", strategy)
        strategy = "SUMOFSQUARES"
    if kind == "Classification" and strategy == "MUTUALEXCLUSIVE":
        raise OptionError("ErrorStrategy=MUTUALEXCLUSIVE is for multiclass; use CROSSENTROPY to tell two classes apart")
    return LOSSES[strategy]


def _float32(values: NDArray[Any]) -> NDArray[np.float32]:
    """Contiguous; what is too large becomes infinite, which `_check_finite` reports."""
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(values, np.float32)


def _weights(sample_weight: ArrayLike | None, n: int) -> NDArray[np.float32]:
    weights = np.ones(n, np.float32) if sample_weight is None else _float32(numbers(sample_weight, "sample_weight"))
    if weights.shape not in ((n,), (n, 1)):
        raise DataError(f"sample_weight has the shape {weights.shape}; expected ({n},)")
    if not weights.any():
        raise TrainingError("all event weights are zero")
    return weights.reshape(n)


def _check_finite(X: NDArray[np.float32] | None, y: NDArray[np.float32], w: NDArray[np.float32], marked: int) -> None:
    """Refuse NaN and infinity, but for steps that are marked as not there."""
    for name, array in (("X", X), ("y", y), ("sample_weight", w)):
        if array is not None and not all_finite(array):
            count, first = bad_events(array.reshape(len(array), -1), marked if array is X else 0)
            if count:
                raise DataError(f"{name} has a NaN or infinity in {count} event(s), first in event {first}")


def _check_transformed(X: NDArray[np.float32], variables: Sequence[Variable], var_transform: str, marked: int) -> None:
    """Refuse what nothing can be learned from: NaN and infinity in what the network is given."""
    if not all_finite(X) and bad_events(X, marked)[0]:
        bad = ~np.isfinite(X)
        if marked:
            bad &= ~np.repeat(padded_steps(X.reshape(len(X), marked, -1)), X.shape[1] // marked, axis=1)
        event, column = (int(i) for i in np.argwhere(bad)[0])
        raise DataError(
            f"variable {variables[column].label} is {X[event, column]} in event {event}, and {bad.any(1).sum()} events "
            f"have such values, also after VarTransform={var_transform}; U and G make numbers of them, or write "
            "where(isnan(x), 0, x) or where(isfinite(x), x, 0)"
        )


def _described_variables(
    given: Sequence[Variable | str] | None, X: NDArray[np.float32], shape: tuple[int, ...]
) -> tuple[Variable, ...]:
    if given is None and len(shape) == 3:
        given = [f"x_t{t}_d{d}" for t in range(shape[1]) for d in range(shape[2])]
    elif given is None:
        given = [f"x{k}" for k in range(X.shape[1])]
    if any(isinstance(each, str) for each in given):
        named = described_names([each if isinstance(each, str) else each.label for each in given], X)
        given = [by_name if isinstance(each, str) else each for each, by_name in zip(given, named, strict=True)]
    return tuple(each for each in given if isinstance(each, Variable))


def _default_targets(y: NDArray[np.float32]) -> tuple[Variable, ...]:
    return described_names([f"target{k}" for k in range(y.shape[1])], y)

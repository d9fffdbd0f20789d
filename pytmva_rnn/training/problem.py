"""Checks a training sample against the options, and brings both into the form that the loop works on."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pytmva_rnn.description import (
    ANALYSES,
    LOSSES,
    OUTPUT_FUNCTIONS,
    Analysis,
    Layer,
    Loss,
    OutputFunction,
    Shape,
    Transformation,
    Variable,
)
from pytmva_rnn.errors import DataError, OptionError, TrainingError
from pytmva_rnn.network.events import numbers
from pytmva_rnn.options import MethodOptions
from pytmva_rnn.options.layout import build_layers
from pytmva_rnn.transformations import compile_chain, learn_transformations

__all__ = ["Events", "Problem", "make_problem"]

log = logging.getLogger("pytmva_rnn")


@dataclass(frozen=True)
class Events:
    """Events: X (n, T, D), y (n, O) and w (n,), float32."""

    X: NDArray[np.float32]
    y: NDArray[np.float32]
    w: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.X)


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


def make_problem(
    X: ArrayLike,
    y: ArrayLike,
    options: MethodOptions,
    *,
    analysis: str,
    sample_weight: ArrayLike | None,
    variables: Sequence[Variable] | None,
    classes: Sequence[str] | None,
    targets: Sequence[Variable],
) -> Problem:
    """Check and arrange; see `pytmva_rnn.train`."""
    kind = _analysis(analysis)
    events = numbers(X, "X")
    if events.ndim not in (2, 3) or 0 in events.shape:
        raise DataError(f"X has the shape {events.shape}; expected (n, NVar) or (n, T, D) with at least one event")
    flat: NDArray[np.float32] = _float32(events).reshape(len(events), -1)
    labels, class_index, names = _labels(y, kind, len(events), classes)
    weights = _weights(sample_weight, len(events))
    _check_finite(flat, labels, weights)
    if variables is not None and len(variables) != flat.shape[1]:
        raise DataError(f"{len(variables)} variables are described, but an event has {flat.shape[1]}")
    described = tuple(variables) if variables is not None else _default_variables(flat, events.shape)
    described_targets = tuple(targets) or (_default_targets(labels) if kind == "Regression" else ())
    shape = options.input_shape(flat.shape[1])
    if events.ndim == 3 and any(options.input_layout) and (shape[0] * shape[1], shape[2]) != events.shape[1:]:
        sizes = "|".join(map(str, options.input_layout))
        raise DataError(f"X has the shape {events.shape}, which InputLayout={sizes} does not describe")
    layers = build_layers(options.layout, shape, flat.shape[1], labels.shape[1])
    transformations = learn_transformations(
        options.var_transform, flat, class_index, described, names, described_targets, labels, weights
    )
    del class_index  # before the memory of the transformed events is taken
    # what was converted is nobody else's
    own = None if np.may_share_memory(flat, events) else flat
    flat = compile_chain(transformations, described)(flat, out=own)
    if described_targets:
        labels = compile_chain(transformations, described_targets, "Target")(labels)
    steps, width = shape[0] * shape[1], shape[2]
    sample = Events(flat.reshape(-1, steps, width), labels, weights)
    training, validation = _split(sample, options)
    return Problem(
        training,
        validation,
        layers,
        shape,
        kind,
        _loss(kind, options),
        OUTPUT_FUNCTIONS[kind],
        described,
        names,
        described_targets,
        transformations,
    )


def _analysis(text: str) -> Analysis:
    for kind in ANALYSES:
        if kind.lower() == text.lower():
            return kind
    raise OptionError(f"unknown analysis {text!r}; choose one of {', '.join(ANALYSES).lower()}")


def _loss(kind: Analysis, options: MethodOptions) -> Loss:
    strategy = options.error_strategy
    if kind == "Regression" and strategy != "SUMOFSQUARES":
        if "ErrorStrategy" in options.text:
            log.warning("for regression only ErrorStrategy=SUMOFSQUARES is valid; using it in place of %s", strategy)
        strategy = "SUMOFSQUARES"
    if kind == "Classification" and strategy == "MUTUALEXCLUSIVE":
        raise OptionError("ErrorStrategy=MUTUALEXCLUSIVE is for multiclass; use CROSSENTROPY to tell two classes apart")
    return LOSSES[strategy]


def _labels(
    y: ArrayLike, kind: Analysis, n: int, classes: Sequence[str] | None
) -> tuple[NDArray[np.float32], NDArray[np.int64], tuple[str, ...]]:
    """Targets (n, O), class of each event and the classes' names."""
    labels = numbers(y, "y")
    if labels.ndim not in (1, 2) or len(labels) != n or 0 in labels.shape:
        raise DataError(f"y has the shape {labels.shape}; expected ({n},) or ({n}, O), as many events as X")
    if kind == "Multiclass" and (labels.ndim == 1 or labels.shape[1] == 1):
        index = labels.reshape(-1)
        if not np.all(np.isfinite(index)) or np.any(index != np.floor(index)) or index.min() < 0:
            raise DataError("y of a multiclass analysis must be class numbers 0, 1, 2 ... or one-hot rows")
        labels = np.eye(max(int(index.max()) + 1, len(classes or ())))[index.astype(int)]
    labels = _float32(labels).reshape(n, -1)
    if kind == "Regression":
        return labels, np.zeros(n, np.int64), tuple(classes or ("Regression",))
    _check_binary(labels, kind)
    if kind == "Classification":
        if labels.shape[1] != 1:
            raise DataError(f"y of a classification has one column (signal 1, background 0), not {labels.shape[1]}")
        names = tuple(classes or ("Signal", "Background"))
        class_index: NDArray[np.int64] = np.where(labels[:, 0] > 0.5, 0, 1)
    else:
        names = tuple(classes or (f"Class{k}" for k in range(labels.shape[1])))
        class_index = labels.argmax(1)
    if len(names) != max(2, labels.shape[1]):
        raise DataError(f"{len(names)} class names for {max(2, labels.shape[1])} classes: {', '.join(names)}")
    empty = [
        name for name, count in zip(names, np.bincount(class_index, minlength=len(names)), strict=True) if not count
    ]
    if empty:
        raise TrainingError(f"no events of the class {' or '.join(empty)} in the training sample")
    return labels, class_index.astype(np.int64), names


def _check_binary(labels: NDArray[np.float32], kind: Analysis) -> None:
    """Labels must be 0 and 1, one-hot for several classes."""
    wrong = ((labels != 0) & (labels != 1)).any(1)
    if kind == "Multiclass":
        wrong |= labels.sum(1) != 1
    if wrong.any():
        first = int(wrong.argmax())
        wanted = "one-hot rows" if kind == "Multiclass" else "1 for signal and 0 for background"
        raise DataError(f"y of a {kind.lower()} must be {wanted}, but event {first} has {labels[first].tolist()}")


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


def _check_finite(X: NDArray[np.float32], y: NDArray[np.float32], w: NDArray[np.float32]) -> None:
    for name, array in (("X", X), ("y", y), ("sample_weight", w)):
        # the extremes take no memory beside a large sample
        if not (np.isfinite(array.min()) and np.isfinite(array.max())):
            bad = ~np.isfinite(array).reshape(len(array), -1).all(1)
            raise DataError(f"{name} has a NaN or infinity in {bad.sum()} event(s), first in event {bad.argmax()}")


def _default_variables(X: NDArray[np.float32], shape: tuple[int, ...]) -> tuple[Variable, ...]:
    if len(shape) == 3:
        names = [f"x_t{t}_d{d}" for t in range(shape[1]) for d in range(shape[2])]
    else:
        names = [f"x{k}" for k in range(X.shape[1])]
    return _described(names, X)


def _default_targets(y: NDArray[np.float32]) -> tuple[Variable, ...]:
    return _described([f"target{k}" for k in range(y.shape[1])], y)


def _described(names: Sequence[str], values: NDArray[np.float32]) -> tuple[Variable, ...]:
    limits = zip(names, values.min(0), values.max(0), strict=True)
    return tuple(Variable(n, n, n, internal=n, min=float(low), max=float(high)) for n, low, high in limits)


def _split(sample: Events, options: MethodOptions) -> tuple[Events, Events]:
    """The last events validate; with IgnoreNegWeightsInTraining events of negative weight take no part."""
    if options.ignore_neg_weights_in_training and (sample.w < 0).any():
        keep = sample.w >= 0
        log.info("ignoring %d events with negative weights", int((~keep).sum()))
        sample = Events(sample.X[keep], sample.y[keep], sample.w[keep])
    size = options.validation_size.events(len(sample))
    if not 0 < size < len(sample):
        raise TrainingError(
            f"ValidationSize={options.validation_size} takes {size} of {len(sample)} events; "
            "both samples need events: give a fraction between 0 and 1, or a smaller number of events"
        )
    cut = len(sample) - size
    for number, phase in enumerate(options.training_strategy, 1):
        if phase.batch_size > min(cut, size):
            raise TrainingError(
                f"BatchSize={phase.batch_size} of phase {number} is larger than the sample to "
                f"{'train' if cut < size else 'validate'} with ({cut} events train, {size} validate); "
                "use smaller batches or more events"
            )
    parts: list[Any] = [Events(sample.X[s], sample.y[s], sample.w[s]) for s in (slice(cut), slice(cut, None))]
    return parts[0], parts[1]

"""Learns a chain of transformations from a training sample."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from pytmva_rnn.description import Identity, Known, Transformation, Variable, columns_of
from pytmva_rnn.description.arrays import all_finite
from pytmva_rnn.description.padded_steps import mark_again
from pytmva_rnn.errors import OptionError, TrainingError
from pytmva_rnn.options.vartransform import TransformStep, parse_var_transform
from pytmva_rnn.transformations.chain import compile_chain
from pytmva_rnn.transformations.registry import BY_NAME, METHODS
from pytmva_rnn.transformations.selection import select
from pytmva_rnn.transformations.transformer import ClassSample, Lesson, Transformer

__all__ = ["learn_transformations"]

log = logging.getLogger("pytmva_rnn")

_MOST_INPUTS_OF_TMVA = 200

_ROWS = 100_000
"""Transformed at a time."""


def learn_transformations(
    text: str,
    X: NDArray[np.floating],
    classes: NDArray[np.int64],
    variables: Sequence[Variable],
    class_names: Sequence[str],
    targets: Sequence[Variable] = (),
    y: NDArray[np.floating] | None = None,
    weights: NDArray[np.floating] | None = None,
    *,
    allow_nan: bool = False,
    empty: Callable[[tuple[int, ...], DTypeLike], NDArray[Any]] = np.empty,
    marked: int = 0,
) -> tuple[Transformation, ...]:
    """Learn what an option `VarTransform` asks for. Each transformation learns from what those before it make.

    Parameters
    ----------
    text : str
        `None`, or transformations separated by commas: `N` (Normalize), `D` (Decorrelation), `P` (PCA), `U` (Uniform),
        `G` (Gauss), `I` (nothing). Each may carry a class, `D_Signal`, and a selection, `G(x,y)`. Without a selection
        `N` and `U` take variables and targets, the others variables alone.
    X : array, shape (n, NVar)
        The training sample; float32 counts, as in TMVA.
    classes : array of int, shape (n,)
        Class of each event.
    variables, class_names : what the weight file says of them
    targets, y : regression targets, shape (n, O)
    weights : array, shape (n,), optional
        Event weights, which `D`, `U` and `G` respect; 1 if not given.
    allow_nan : bool
        Let `N`, `U` and `G` learn from those values of a variable that are numbers.
    empty : callable
        Of a shape and a type: an array for what a transformation makes, from which the next one of the chain learns.

    marked : int
        Number of steps T where some are not there, NaN in all their inputs: nothing is learned from them.

    Raises
    ------
    OptionError
        For an option that cannot be understood, or names what is not there.
    TrainingError
        For a sample from which a transformation cannot be learned: a variable that is constant or NaN, a singular
        covariance, a class without events.
    """
    steps = parse_var_transform(text)
    if not steps:
        return ()
    known = {"Variable": variables, "Target": targets}
    parts = {"Variable": np.asarray(X, np.float32)}
    parts["Target"] = np.empty((len(X), 0), np.float32) if y is None or not targets else np.asarray(y, np.float32)
    if not len(X):
        raise TrainingError("VarTransform: there are no events to learn from")
    _check_finite({"Target": parts["Target"]} if allow_nan or marked else parts, known)
    event_weights = np.ones(len(X), np.float32) if weights is None else np.asarray(weights, np.float32)
    learned: list[Transformation] = []
    for number, step in enumerate(steps, 1):
        if step.is_identity:
            learned.append(Identity())
            continue
        method = _method(step, text)
        inputs, outputs = select(step, method.defaults, known, text)
        if marked and not method.transformation.by_column and any(item.type == "Variable" for item in inputs):
            raise OptionError(
                f"VarTransform, {step.text}: with mask_padding, steps are not there that it would mix in; N, U and G "
                "take each variable by itself",
                text,
                step.position,
            )
        if not method.transformation.by_column and len({item.type for item in inputs}) > 1:
            raise OptionError(
                f"VarTransform, {step.text}: variables and targets cannot be mixed; select one of them",
                text,
                step.position,
            )
        if not method.transformation.by_column and len(inputs) > _MOST_INPUTS_OF_TMVA:
            log.warning("VarTransform, %s: C++ TMVA refuses more than %d inputs", step.text, _MOST_INPUTS_OF_TMVA)
        columns = {
            place: parts[kind][:, column] for kind in parts for place, column in columns_of(inputs, kind, known[kind])
        }
        if not method.transformation.by_column:
            _check_finite({kind: parts[kind] for kind in {item.type for item in inputs}}, known)
        samples = _samples([columns[place] for place in range(len(inputs))], classes, event_weights, class_names)
        reference = _reference(step, class_names, text)
        learned.append(method.learn(Lesson(step.text, inputs, outputs, samples, reference)))
        if number < len(steps):
            # what the next one learns from is float32 again, as TMVA's events are
            for kind, values in parts.items():
                chain = compile_chain(learned[-1:], known[kind], kind)
                if not chain:
                    continue
                made = empty(values.shape, np.float32)
                for first in range(0, len(values), _ROWS):
                    rows = slice(first, first + _ROWS)
                    chain(values[rows], out=made[rows])
                    if marked and kind == "Variable":
                        mark_again(made[rows], values[rows], marked)
                parts[kind] = made
    of_targets = [step.text for step, each in zip(steps, learned, strict=True) if _has_targets(each)]
    if len(of_targets) > 1:
        log.warning(
            "VarTransform=%s: of the transformations of the targets, %s, predictions undo the first only, as in C++ "
            "TMVA: they will not be on the targets' scale; let one take the targets, and give the others the "
            "variables, as in N,G(_V_)",
            text,
            ", ".join(of_targets),
        )
    return tuple(learned)


def _has_targets(transformation: Transformation) -> bool:
    return any(item.type == "Target" for item in transformation.inputs)


def _method(step: TransformStep, text: str) -> Transformer[Any]:
    if step.name not in BY_NAME:
        names = ", ".join(f"{method.names[0]} ({method.names[-1]})" for method in METHODS)
        raise OptionError(
            f"VarTransform: there is no transformation {step.name!r}; there are {names}", text, step.position
        )
    return BY_NAME[step.name]


def _reference(step: TransformStep, class_names: Sequence[str], text: str) -> int | None:
    if step.class_name is None:
        return None
    if step.class_name not in class_names:
        names = ", ".join([*class_names, "AllClasses"])
        raise OptionError(
            f"VarTransform, {step.text}: there is no class {step.class_name!r}; there are {names}", text, step.position
        )
    log.warning(
        "VarTransform, %s: C++ TMVA's Reader will use all classes together in place of class %s, which it forgets",
        step.text,
        step.class_name,
    )
    return list(class_names).index(step.class_name)


def _samples(
    columns: Sequence[NDArray[np.float32]],
    classes: NDArray[np.int64],
    weights: NDArray[np.float32],
    class_names: Sequence[str],
) -> tuple[ClassSample, ...]:
    everything = ClassSample("the training sample", tuple(columns), None, weights)
    if len(class_names) <= 1:
        return (everything,)
    samples = [
        ClassSample(f"class {name}", tuple(columns), classes == number, weights)
        for number, name in enumerate(class_names)
    ]
    empty = [sample.name for sample in samples if not len(sample.weights)]
    if empty:
        raise TrainingError(f"VarTransform: no events of {' or '.join(empty)} in the training sample")
    return (*samples, everything)


def _check_finite(parts: dict[str, NDArray[np.float32]], known: Known) -> None:
    for kind, values in parts.items():
        if not all_finite(values):
            event, column = np.argwhere(~np.isfinite(values))[0]
            label = known[kind][column].label
            raise TrainingError(f"VarTransform: {kind.lower()} {label} is {values[event, column]} in event {event}")

"""Variable transformations: learned from the training sample, applied to variables, mapped back for targets.

So far `N` (Normalize) of tmva's `VarTransform`. Transformations apply in order; evaluation uses all classes together.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.errors import OptionError, TrainingError
from pytmva_rnn.model import Normalize, Transformation, TransformInput, Variable

__all__ = ["apply_transformations", "invert_targets", "learn_transformations"]


def _columns(transformation: Transformation, kind: str) -> list[int]:
    """Positions, within a transformation's inputs, of those of one type (Variable, Target)."""
    return [k for k, each in enumerate(transformation.inputs) if each.type == kind]


def _limits(transformation: Normalize, kind: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    ranges = transformation.ranges[-1, _columns(transformation, kind)]
    return ranges[:, 0], ranges[:, 1]


def _forward(transformation: Transformation, values: NDArray[np.float64], kind: str) -> NDArray[np.float64]:
    assert isinstance(transformation, Normalize)
    low, high = _limits(transformation, kind)
    return 2 * (values - low) / (high - low) - 1 if len(low) else values


def apply_transformations(
    transformations: Sequence[Transformation], values: NDArray[np.floating], kind: str = "Variable"
) -> NDArray[np.floating]:
    """Transform variables (or, with kind "Target", regression targets), shape (n, k), in the order of the file.

    Normalize maps x to `2 (x - min)/(max - min) - 1` (tmva's VariableNormalizeTransform).
    """
    for transformation in transformations:
        values = _forward(transformation, np.asarray(values, np.float64), kind)
    return values


def invert_targets(transformations: Sequence[Transformation], values: NDArray[np.floating]) -> NDArray[np.floating]:
    """Map a network's regression outputs, shape (n, O), back to the scale of the targets."""
    for transformation in reversed(transformations):
        assert isinstance(transformation, Normalize)
        low, high = _limits(transformation, "Target")
        if len(low):
            values = (np.asarray(values, np.float64) + 1) / 2 * (high - low) + low
    return values


def learn_transformations(
    text: str,
    X: NDArray[np.floating],
    classes: NDArray[np.int64],
    variables: Sequence[Variable],
    class_names: Sequence[str],
    targets: Sequence[Variable] = (),
    y: NDArray[np.floating] | None = None,
) -> tuple[Transformation, ...]:
    """Learn what an option `VarTransform` asks for.

    Parameters
    ----------
    text : str
        `None` or a chain such as `N`, with an optional class: `N_Signal`, `N_AllClasses`.
    X : array, shape (n, NVar)
        The training sample.
    classes : array of int, shape (n,)
        Class of each event.
    variables, class_names : what the weight file says of them
    targets, y : regression targets, shape (n, O), which are transformed too

    Raises
    ------
    OptionError
        For a transformation that is not supported.
    TrainingError
        For a variable that is constant over the sample.
    """
    if text.upper() == "NONE" or not text:
        return ()
    learned: list[Transformation] = []
    values = np.concatenate([X, y], axis=1) if targets and y is not None else X
    inputs = tuple(
        [TransformInput("Variable", v.label, v.expression) for v in variables]
        + [TransformInput("Target", t.label, t.expression) for t in targets]
    )
    for part in text.split(","):
        match = re.fullmatch(r"N(?:orm(?:alize)?)?(?:_(\w+))?", part.strip(), re.IGNORECASE)
        if match is None:
            raise OptionError(f"VarTransform={text}: {part.strip()!r} is not supported; N (Normalize) is")
        if match[1] and match[1].upper() not in ("ALLCLASSES",):
            raise OptionError(f"VarTransform={text}: use N or N_AllClasses; transformations of one class are not supported")
        learned.append(_learn_normalize(values, classes, inputs, len(class_names)))
        values = _forward_all(learned[-1], values)
    return tuple(learned)


def _forward_all(transformation: Transformation, values: NDArray[np.floating]) -> NDArray[np.float64]:
    k = len(_columns(transformation, "Variable"))
    parts = [_forward(transformation, values[:, :k], "Variable"), _forward(transformation, values[:, k:], "Target")]
    return np.concatenate(parts, axis=1)


def _learn_normalize(
    values: NDArray[np.floating], classes: NDArray[np.int64], inputs: tuple[TransformInput, ...], n_classes: int
) -> Normalize:
    samples = [values[classes == k] for k in range(n_classes)] if n_classes > 1 else []
    ranges = np.array([np.stack([sample.min(0), sample.max(0)], 1) for sample in [*samples, values]], np.float64)
    constant = np.flatnonzero(ranges[-1, :, 0] >= ranges[-1, :, 1])
    if len(constant):
        name = inputs[constant[0]].label
        raise TrainingError(f"VarTransform=N: {name} has the same value in all events; remove it from the inputs")
    return Normalize(inputs, inputs, ranges=ranges)

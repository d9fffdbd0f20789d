"""Labels as users have them (texts, booleans, 0 and 1, -1 and 1) -> numbers to train for and names of classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pytmva_rnn.data.limits import MOST_CLASSES, check_at_most
from pytmva_rnn.description import Analysis
from pytmva_rnn.description.arrays import check_unmasked, numbers
from pytmva_rnn.errors import DataError, TrainingError
from pytmva_rnn.packages import is_awkward
from pytmva_rnn.suggestions import near

__all__ = ["class_numbers", "names_of_columns", "read_labels", "signal_first"]


def signal_first(names: Sequence[str]) -> tuple[str, ...]:
    """The class called "Signal" or "signal" before the others, which keep their order."""
    return tuple(sorted(names, key=lambda name: name.casefold() != "signal"))


def names_of_columns(X: Any) -> tuple[str, ...] | None:
    """The names of the columns of a DataFrame; None for what has none."""
    if not (hasattr(X, "iloc") and hasattr(X, "columns")):
        return None
    names = tuple(X.columns)
    return names if all(isinstance(name, str) for name in names) else None


def read_labels(
    y: Any, analysis: str | None = None, classes: Sequence[str] | None = None
) -> tuple[NDArray[Any], str, tuple[str, ...] | None]:
    """Understand labels, and leave all other numbers as they are.

    Parameters
    ----------
    y : array, shape (n,) or (n, O)
        Texts, booleans (true is signal), 0 and 1, -1 and 1, class numbers, one-hot rows, or targets of a regression.
    analysis : str, optional
        "classification", "multiclass" or "regression"; if None, texts tell it, and numbers are of a classification.
    classes : sequence of str, optional
        Names of the classes; class 0 is the signal.

    Returns
    -------
    y : array
        Signal 1 and background 0 for two classes of text, boolean, or -1 and 1; class numbers for more.
    analysis : str
    classes : tuple of str, optional

    Raises
    ------
    DataError
        For labels of mixed types, texts that are none of `classes`, two classes of which neither is called signal
        where `classes` does not tell either, and texts for a regression.
    """
    if isinstance(classes, str):
        raise DataError(f"classes are a list of names, not {classes!r}")
    names = None if classes is None else tuple(classes)
    if names is not None and len(set(names)) < len(names):
        raise DataError(f"two classes have one name: {', '.join(names)}")
    labels = _plain(y)
    if labels.dtype.kind in "US":
        return _of_texts(labels.astype(str), analysis, names)
    analysis = analysis or "classification"
    if labels.dtype.kind == "b" and analysis.lower() != "multiclass":
        return labels.astype(np.float32), analysis, names
    if analysis.lower() == "classification" and labels.dtype.kind in "if" and labels.size:
        found = np.unique(labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels)
        if labels.ndim <= 2 and found[0] == -1 and np.isin(found, (-1, 1)).all():
            return np.asarray(labels == 1, np.float32), analysis, names
    return labels, analysis, names


def _plain(y: Any) -> NDArray[Any]:
    """An array of numbers or texts; objects, as DataFrames have them, are texts if all are."""
    check_unmasked(y, "y")
    try:
        labels = np.asarray(y.to_list() if is_awkward(y) else y)
    except ValueError as error:
        raise DataError(f"y is not an array of labels: {error}") from error
    if labels.dtype.kind in "OT":
        kinds = {type(label) for label in labels.ravel()}
        if kinds == {str}:
            return labels.astype(str)
        if kinds <= {bool, np.bool_}:
            return labels.astype(bool)
        first = next(number for number, label in enumerate(labels.ravel()) if type(label) is not str)
        raise DataError(
            f"y is not an array of numbers, texts or booleans but of objects: label {first} is "
            f"{labels.ravel()[first]!r}"
        )
    return labels


def _of_texts(
    labels: NDArray[np.str_], analysis: str | None, classes: tuple[str, ...] | None
) -> tuple[NDArray[Any], str, tuple[str, ...]]:
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise DataError(f"y holds texts in the shape {labels.shape}; expected one label per event")
    if analysis is not None and analysis.lower() == "regression":
        raise DataError("y holds texts; a regression learns numbers")
    found, index = np.unique(labels, return_inverse=True)
    named = tuple(str(name) for name in found)
    if classes is None:
        classes = _told_by_names(named, analysis)
    for name in named:
        if name not in classes:
            event = int(np.argmax(labels == name))
            raise DataError(
                f"the label of event {event} is {name!r}, which is none of the classes; {near(name, classes)}"
            )
    several = len(classes) > 2 or (analysis or "").lower() == "multiclass"
    place = np.array([classes.index(name) for name in named])[index]
    return (
        (place, "multiclass", classes) if several else (np.asarray(place == 0, np.float32), "classification", classes)
    )


def _told_by_names(names: tuple[str, ...], analysis: str | None) -> tuple[str, ...]:
    if len(names) < 2:
        raise DataError(f"y holds one class only, {', '.join(map(repr, names)) or 'none'}; two are needed")
    signals = [name for name in names if name.casefold() == "signal"]
    if len(signals) > 1:
        raise DataError(f"the labels {' and '.join(map(repr, signals))} both could be the signal; name the classes")
    if not signals and len(names) == 2 and (analysis or "classification").lower() == "classification":
        first, second = names
        raise DataError(
            f"the labels are {first!r} and {second!r}: which is the signal? Name it first, "
            f"classes=({first!r}, {second!r}) or classes=({second!r}, {first!r})"
        )
    if len(names) > 2 and analysis is not None and analysis.lower() == "classification":
        raise DataError(f"a classification has two classes, but y has {len(names)}; use analysis='multiclass'")
    return signal_first(names)


def class_numbers(
    y: ArrayLike, kind: Analysis, n: int, classes: Sequence[str] | None, what: str = "the training sample"
) -> tuple[NDArray[np.float32], NDArray[np.int64], tuple[str, ...]]:
    """What to train for, the class of each event, and the names of the classes.

    Parameters
    ----------
    y : array, shape (n,) or (n, O)
        1 for signal and 0 for background; class numbers or one-hot rows; targets.
    kind : "Classification", "Multiclass" or "Regression"
    n : int
        Events.
    classes : sequence of str, optional
    what : str
        What messages call the events.

    Returns
    -------
    (n, O) float32, (n,) int64, tuple of str

    Raises
    ------
    DataError
        For labels that are none.
    TrainingError
        For a class without events.
    """
    labels = numbers(y, "y")
    if labels.ndim not in (1, 2) or len(labels) != n or 0 in labels.shape:
        raise DataError(f"y has the shape {labels.shape}; expected ({n},) or ({n}, O), as many events as X")
    if kind == "Multiclass" and (labels.ndim == 1 or labels.shape[1] == 1):
        index = labels.reshape(-1)
        if not np.all(np.isfinite(index)) or np.any(index != np.floor(index)) or index.min() < 0:
            raise DataError("y of a multiclass analysis must be class numbers 0, 1, 2 ... or one-hot rows")
        count = max(int(index.max()) + 1, len(classes or ()))
        check_at_most(count, MOST_CLASSES, "y counts {} classes, from 0 to its largest number")
        labels = index[:, np.newaxis] == np.arange(count)
    with np.errstate(over="ignore"):  # what is too large becomes infinite, which is reported as such
        targets: NDArray[np.float32] = np.ascontiguousarray(labels, np.float32).reshape(n, -1)
    if kind == "Regression":
        return targets, np.zeros(n, np.int64), tuple(classes or ("Regression",))
    _check_binary(targets, kind)
    if kind == "Classification":
        if targets.shape[1] != 1:
            raise DataError(f"y of a classification has one column (signal 1, background 0), not {targets.shape[1]}")
        names = tuple(classes or ("Signal", "Background"))
        class_index: NDArray[np.int64] = np.where(targets[:, 0] > 0.5, 0, 1)
    else:
        names = tuple(classes or (f"Class{k}" for k in range(targets.shape[1])))
        class_index = targets.argmax(1)
    if len(names) != max(2, targets.shape[1]):
        raise DataError(f"{len(names)} class names for {max(2, targets.shape[1])} classes: {', '.join(names)}")
    counts = np.bincount(class_index, minlength=len(names))
    empty = [name for name, count in zip(names, counts, strict=True) if not count]
    if empty:
        raise TrainingError(f"no events of the class {' or '.join(empty)} in {what}")
    return targets, class_index.astype(np.int64), names


def _check_binary(labels: NDArray[np.float32], kind: Analysis) -> None:
    """Labels must be 0 and 1, one-hot for several classes."""
    wrong = ((labels != 0) & (labels != 1)).any(1)
    if kind == "Multiclass":
        wrong |= labels.sum(1) != 1
    if wrong.any():
        first = int(wrong.argmax())
        wanted = "one-hot rows" if kind == "Multiclass" else "1 for signal and 0 for background"
        others = (
            ""
            if kind == "Multiclass"
            else "; more classes and other numbers need analysis='multiclass' or 'regression'"
        )
        raise DataError(
            f"y of a {kind.lower()} must be {wanted}, but event {first} has {labels[first].tolist()}{others}"
        )

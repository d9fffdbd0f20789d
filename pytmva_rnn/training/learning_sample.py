"""What `train` is given, arrays or a Dataset -> arrays to learn from, and what the weight file says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pytmva_rnn.data import Dataset, Steps
from pytmva_rnn.data.entry_units import units_of
from pytmva_rnn.data.labels import class_numbers, names_of_columns, read_labels
from pytmva_rnn.data.storage import Storage
from pytmva_rnn.data.sums_of_weights import report_negative
from pytmva_rnn.data.weighting import weighted
from pytmva_rnn.description import Variable, analysis_of, mark_padding
from pytmva_rnn.description.arrays import numbers
from pytmva_rnn.description.padded_steps import check_marked
from pytmva_rnn.errors import DataError, OptionError
from pytmva_rnn.options import MethodOptions
from pytmva_rnn.weightfile.stored_recipe import TREE, recipe_info

__all__ = ["LearningSample", "sample_of_arrays", "sample_of_dataset", "with_input_layout"]


@dataclass(frozen=True, eq=False)
class LearningSample:
    """Arrays to learn from and what the weight file says of them; `pytmva_rnn.train` describes the attributes."""

    X: ArrayLike
    y: ArrayLike
    weights: ArrayLike | None
    validation: Sequence[Any] | None
    analysis: str
    classes: Sequence[str] | None
    variables: Sequence[Variable | str] | None
    spectators: Sequence[Variable]
    targets: Sequence[Variable]
    info: tuple[tuple[str, str], ...]
    allow_nan: bool = False
    entries: NDArray[np.int64] | None = None
    """Numbers of the entries that the events are made of, where several of one entry must not be parted."""
    storage: Storage | None = None
    """Where arrays go that do not fit into memory."""
    mask_padding: bool = False
    """Whether steps are left out that are not there, which are NaN in all their inputs."""


def sample_of_arrays(
    X: ArrayLike,
    y: ArrayLike,
    weights: ArrayLike | None,
    validation: Any,
    analysis: str | None,
    classes: Sequence[str] | None,
    variables: Sequence[Variable | str] | None,
    spectators: Sequence[Variable],
    targets: Sequence[Variable],
    info: Sequence[tuple[str, str]],
    mask: ArrayLike | None = None,
    lengths: ArrayLike | None = None,
) -> LearningSample:
    """Of arrays; the labels are understood, everything else is checked later."""
    labels, analysis, classes = read_labels(y, analysis, classes)
    masks = mask is not None or lengths is not None
    if isinstance(validation, str):
        raise DataError(f"validation is (X, y), (X, y, weights) or a Dataset, not {validation!r}")
    if isinstance(validation, Dataset):
        raise DataError("validation is a Dataset, but the events to train with are arrays; give it as (X, y, weights)")
    if validation is not None:
        validation = _understood(validation, names_of_columns(X), analysis, classes, masks)
    variables = names_of_columns(X) if variables is None else variables
    if weights is not None:
        of_events = numbers(weights, "sample_weight").reshape(-1)
        if len(of_events) == len(labels) and (of_events < 0).any():
            _, class_index, names = class_numbers(labels, analysis_of(analysis), len(labels), classes)
            report_negative(of_events, class_index, names)
    return LearningSample(
        mark_padding(X, mask=mask, lengths=lengths) if masks else X,
        labels,
        weights,
        validation,
        analysis,
        classes,
        variables,
        spectators,
        targets,
        tuple(info),
        mask_padding=masks,
    )


def sample_of_dataset(
    data: Dataset,
    validation: Any,
    variables: Sequence[Variable | str] | None,
    spectators: Sequence[Variable],
    targets: Sequence[Variable],
    info: Sequence[tuple[str, str]],
) -> LearningSample:
    """Of a Dataset, with all that it knows.

    Raises
    ------
    DataError
        For a validation sample of other classes or inputs, and what reweighting raises.
    """
    if isinstance(validation, Dataset):
        _check_alike(data, validation)
        data, other = weighted(data, validation)
        validation = (other.X, other.y, other.comparable_weights)
    else:
        (data,) = weighted(data)
        if validation is not None:
            validation = _understood(validation, data.variables, data.analysis, data.classes, data.mask_padding)
    entries = None
    if validation is None and len(data) and data.repetition.max() > 0:
        # The last events will validate: those of one entry are brought together, and stay so.
        entries = units_of(data)
        order = np.argsort(entries, kind="stable")
        data, entries = data.take(order), entries[order]
    known: tuple[tuple[str, str], ...] = ()
    if data.recipe is not None:
        known = (recipe_info(data.recipe),) if data.tree is None else (recipe_info(data.recipe), (TREE, data.tree))
    return LearningSample(
        data.X,
        data.y,
        data.weights,
        validation,
        data.analysis,
        data.classes,
        data.variable_table() if variables is None else variables,
        spectators or data.spectator_table(),
        targets or data.target_table(),
        (*known, *info),
        allow_nan=data.recipe is not None and data.recipe.allow_nan,
        entries=entries,
        storage=data.storage,
        mask_padding=data.mask_padding,
    )


def _understood(
    validation: Any, names: Sequence[str] | None, analysis: str, classes: Sequence[str] | None, mask_padding: bool
) -> tuple[Any, ...]:
    """Arrays to validate with, their labels read as those of the training sample."""
    given = tuple(validation)
    if len(given) < 2:  # which is refused later
        return given
    _check_columns(names, given[0])
    if mask_padding:
        events = numbers(given[0], "X")
        if events.ndim != 3:
            raise DataError(f"validation: X has the shape {events.shape}; expected (n, T, D), as mark_padding makes it")
        try:
            check_marked(events)
        except DataError as error:
            raise DataError(f"validation: {error}") from None
    return (given[0], read_labels(given[1], analysis, classes)[0], *given[2:])


def _check_columns(names: Sequence[str] | None, X: Any) -> None:
    """Refuse a DataFrame to validate with whose columns are others, or in another order."""
    found = names_of_columns(X)
    if names and found is not None and found != tuple(names):
        raise DataError(
            f"the columns of the validation sample, {', '.join(found)}, are not those of the training sample, "
            f"{', '.join(names)}"
        )


def with_input_layout(options: MethodOptions, data: Dataset) -> MethodOptions:
    """For sequences: the options with InputLayout as the recipe has it, where they do not give it.

    Raises
    ------
    OptionError
        If they give another.
    """
    if data.recipe is None or not isinstance(data.recipe.inputs, Steps):
        return options
    if not any(options.input_layout):
        return replace(options, input_layout=data.recipe.shape)
    steps, inputs = data.recipe.shape
    if options.input_layout not in ((steps, inputs), (steps, 1, inputs)):
        given = "|".join(map(str, options.input_layout))
        raise OptionError(
            f"InputLayout={given} does not fit the sequence of {steps} steps with {inputs} inputs: "
            f"write InputLayout={steps}|{inputs} or leave it out"
        )
    return options


def _check_alike(data: Dataset, validation: Dataset) -> None:
    for what, mine, other in (
        ("classes", data.classes, validation.classes),
        ("variables", data.variables, validation.variables),
        ("targets", [t.name for t in data.targets], [t.name for t in validation.targets]),
        ("shape of an event", data.X.shape[1:], validation.X.shape[1:]),
        ("mask_padding", data.mask_padding, validation.mask_padding),
    ):
        if mine != other:
            raise DataError(
                f"the {what} of the validation sample, {other}, are not those of the training sample, {mine}"
            )
    if data.weighting != validation.weighting:
        raise DataError(
            "reweight and balance of the validation sample are not those of the training sample, from which their "
            "factors are learned: give load the same for both, or take both from one divide()"
        )

"""Which sample an event belongs to, as its source or expressions over its entry say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.data.rows import Rows
from pytmva_rnn.data.same_numbers import same
from pytmva_rnn.errors import DataError
from pytmva_rnn.formula import Columns, Formula
from pytmva_rnn.options.split import SplitOptions
from pytmva_rnn.packages import ak

if TYPE_CHECKING:
    from pytmva_rnn.data.dataset import Dataset

__all__ = ["FREE", "TEST", "TRAINING", "VALIDATION", "Sampling", "fold_numbers", "placed"]

FREE, TRAINING, TEST, VALIDATION = 0, 1, 2, 3
"""Where an event is; FREE where the split decides."""

_CODES = {None: FREE, "training": TRAINING, "validation": VALIDATION, "test": TEST}


@dataclass(frozen=True)
class Sampling:
    """What says where the events of a source go.

    Attributes
    ----------
    source : int
        FREE, TRAINING, TEST or VALIDATION, for all its events.
    test, validation : Formula, optional
        True for the events of these samples, where the source leaves it open.
    fold_by : Formula, optional
        A whole number that tells the fold.
    """

    source: int = FREE
    test: Formula | None = None
    validation: Formula | None = None
    fold_by: Formula | None = None

    @classmethod
    def of(cls, sample: str | None, options: SplitOptions, parsed: Callable[[str], Formula]) -> Sampling:
        """From the sample that a source names and the expressions of the split."""

        test, validation, fold_by = (
            None if text is None else parsed(text) for text in (*options.formulas_of_samples, options.fold_by)
        )
        return cls(_CODES[sample], test, validation, fold_by)

    def formulas(self) -> list[Formula]:
        """All that must be read."""
        return [formula for formula in (self.test, self.validation, self.fold_by) if formula is not None]

    def build(self, columns: Columns, rows: Rows) -> dict[str, NDArray[np.int64]]:
        """For each of m events, as attributes of a Dataset: where its source, and where the expressions put it, and the
        number that tells its fold (0 without `fold_by`).

        Raises
        ------
        DataError
            For an event of two samples, and a fold that is no whole number.
        """
        nothing = same(0, len(rows))
        expressed = fold = nothing
        if self.source == FREE and (self.test or self.validation):
            of_test, of_validation = (
                None if formula is None else rows.truth(formula, columns) for formula in (self.test, self.validation)
            )
            expressed = _codes(of_test, of_validation, lambda row: rows.event(row, columns))
        if self.fold_by is not None:
            values = rows.numbers(self.fold_by, columns)
            fold = _whole(values, self.fold_by.text, lambda row: rows.event(row, columns))
        return {"sample": same(self.source, len(rows)), "sample_by_split": expressed, "fold_values": fold}


def placed(dataset: Dataset, options: SplitOptions) -> NDArray[np.int64]:
    """Where each event is, (n,): as its source says, or else the expressions of the options.

    Raises
    ------
    DataError
        For expressions that were not read with the events and need more than their spectators, an event of two
        samples, and expressions that decide about no event.
    """
    texts = options.formulas_of_samples
    free = dataset.sample == FREE
    if texts == (None, None):
        return dataset.sample
    if not free.any():
        raise DataError("test and validation say nothing: each source names the sample of its events")
    if texts == dataset.read_for.formulas_of_samples:
        expressed = dataset.sample_by_split
    else:
        of_test, of_validation = (
            None if text is None else np.asarray(_of_spectators(dataset, text, key) != 0) & free
            for key, text in zip(("test", "validation"), texts, strict=True)
        )
        expressed = _codes(of_test, of_validation, lambda row: event_words(dataset, row))
    return np.where(free, expressed, dataset.sample)


def fold_numbers(dataset: Dataset, by: str | NDArray[Any] | None) -> NDArray[np.int64]:
    """A whole number for each event, (n,), which modulo the number of folds is its fold.

    Parameters
    ----------
    dataset : Dataset
    by : str or array (n,), optional
        An expression, as it was read with the events or over their spectators; the number of the entry by default.

    Raises
    ------
    DataError
        For what is no whole number, and an expression that is not known.
    """
    if by is None:
        return dataset.entries
    if isinstance(by, str):
        if by == dataset.read_for.fold_by:
            return dataset.fold_values
        values, text = _of_spectators(dataset, by, "fold_by"), by
    else:
        values, text = np.asarray(by), "by"
        if values.shape != (len(dataset),):
            raise DataError(f"by has the shape {values.shape}; one number for each of {len(dataset)} events is needed")
    return _whole(values, text, lambda row: event_words(dataset, row))


def event_words(dataset: Dataset, row: int) -> str:
    """Words that name an event in a message."""
    place = f" of {dataset.files[dataset.file_index[row]]}" if dataset.files else ""
    return f"event {dataset.entries[row]}{place}"


def _codes(
    of_test: NDArray[np.bool_] | None, of_validation: NDArray[np.bool_] | None, words: Callable[[int], str]
) -> NDArray[np.int64]:
    """Where events are; with an expression for the test, what is neither trains."""
    some = of_test if of_test is not None else of_validation
    assert some is not None
    code = np.full(len(some), FREE if of_test is None else TRAINING, np.int64)
    if of_test is not None and of_validation is not None and (both := of_test & of_validation).any():
        raise DataError(
            f"{words(int(np.argmax(both)))} is in the test and in the validation sample: the expressions test and "
            "validation must exclude each other"
        )
    if of_validation is not None:
        code[of_validation] = VALIDATION
    if of_test is not None:
        code[of_test] = TEST
    return code


def _whole(values: NDArray[Any], text: str, words: Callable[[int], str]) -> NDArray[np.int64]:
    if values.dtype.kind not in "biuf":
        raise DataError(f"the fold's expression {text!r} gives no numbers; a whole number is needed")
    if values.dtype.kind == "f":
        wrong = ~(np.isfinite(values) & (values == np.rint(values)) & (np.abs(values) <= 2.0**53))
    else:
        wrong = values > np.iinfo(np.int64).max if values.dtype.kind == "u" else np.zeros(len(values), bool)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(f"the fold's expression {text!r} is {values[row]} in {words(row)}; a whole number is needed")
    return values.astype(np.int64)


def _of_spectators(dataset: Dataset, text: str, key: str) -> NDArray[Any]:
    """An expression over the spectators of the events and `entry`."""
    recipe = dataset.recipe
    names = [] if recipe is None else [column.name for column in recipe.spectators]
    arrays = {name: dataset.spectators[:, number] for number, name in enumerate(names)}
    arrays["entry"] = dataset.entries
    formula = Formula.parse(text)
    missing = [name for name in formula.names if name not in arrays]
    if missing:
        raise DataError(
            f"{key} = {text!r} needs {', '.join(missing)}, which was not read with the events: give the split to "
            f"load(..., split=...), or make it a spectator"
        )
    columns = Columns({name: ak.Array(arrays[name]) for name in formula.names}, dataset.entries)
    return formula.per_event(columns)

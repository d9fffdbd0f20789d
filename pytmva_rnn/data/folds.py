"""Cross validation: each part of the events tests once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.data.dataset import Dataset
from pytmva_rnn.data.sampling import FREE, TEST, TRAINING, fold_numbers
from pytmva_rnn.data.splitting import split
from pytmva_rnn.errors import DataError
from pytmva_rnn.options.split import SplitOptions

__all__ = ["kfold"]


def kfold(
    dataset: Dataset,
    folds: int,
    *,
    by: str | NDArray[Any] | None = None,
    options: SplitOptions | str | Mapping[str, Any] = "",
) -> Iterator[tuple[Dataset, Dataset]]:
    """Training and test sample of each fold: an event is in the test sample of one, and trains in the others.

    Parameters
    ----------
    dataset : Dataset
    folds : int
        At least 2.
    by : str or array (n,), optional
        A whole number for each event, which modulo `folds` is its fold: a formula over the spectators, `entry`, or what
        `load(..., split={"folds": 5, "fold_by": ...})` has read; the number of the entry in its file by default.
    options : SplitOptions, str or mapping, optional
        NormMode and MixMode of the samples, and SplitSeed.

    Yields
    ------
    training, test : Dataset
        As `split` gives them.

    Raises
    ------
    DataError
        For a fold without events of a class, events of one entry in different folds, a number that is not whole, and
        sources that name a sample.
    OptionError
        For options that say what the test sample is.

    Examples
    --------
    >>> for training, test in kfold(data, 5, by="event"):  # doctest: +SKIP
    ...     result = train(training, options)
    """
    chosen = options if isinstance(options, SplitOptions) else SplitOptions.parse(options)
    replace(chosen, folds=folds, fold_by=None)  # checks them
    if (dataset.sample != FREE).any():
        raise DataError("folds divide all events, but sources name the sample of theirs: give one or the other")
    numbers = fold_numbers(dataset, by) % folds
    for fold in range(folds):
        yield split(dataset, chosen, assigned=np.where(numbers == fold, TEST, TRAINING))

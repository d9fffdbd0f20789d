"""TMVA's CvSplitKFolds: the events of the training sample divided into folds, each of which tests once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.data import Dataset
from pytmva_rnn.description import Variable
from pytmva_rnn.errors import DataError
from pytmva_rnn.tmva.arguments import text_of
from pytmva_rnn.tmva.enums import ETreeType
from pytmva_rnn.tmva.explained import Explained
from pytmva_rnn.tmva.samples import Samples
from pytmva_rnn.tmva.split_expression import SplitExpression
from pytmva_rnn.trandom import TRandom3, shuffle

__all__ = ["CvSplitKFolds"]


class CvSplitKFolds(Explained):
    """How events are divided into folds; events and their order in each fold are those of C++ TMVA.

    Parameters
    ----------
    numFolds : int
        At least 2.
    splitExpr : str
        Formula of spectators for the number of the fold; see `SplitExpression`. By chance if it is empty.
    stratified : bool
        By chance within each class, so that each fold has its share of each; otherwise over all events.
    seed : int
        Of the chance.

    Raises
    ------
    DataError
        For fewer than two folds.
    """

    def __init__(self, numFolds: int, splitExpr: Any = "", stratified: bool = True, seed: int = 100) -> None:
        if numFolds < 2:
            raise DataError(f"a cross validation has at least 2 folds, not {numFolds}")
        self._folds = int(numFolds)
        self._text = text_of(splitExpr).strip()
        self._stratified = stratified
        self._seed = seed
        self._parts: dict[ETreeType, tuple[Dataset, list[NDArray[np.int64]]]] = {}

    def GetNumFolds(self) -> int:
        """Number of folds."""
        return self._folds

    def divide(self, samples: Samples, spectators: Sequence[Variable]) -> None:
        """Divide both samples; what `DataLoader.MakeKFoldDataSet` does.

        Raises
        ------
        DataError
            For an expression that cannot be computed, and for a fold without training events.
        """
        expression = SplitExpression(self._text, spectators) if self._text else None
        training, test = self._divided(samples.training, expression), self._divided(samples.test, expression)
        for number, events in enumerate(training):
            if not len(events):
                raise DataError(
                    f"fold {number} of {self._folds} has none of the {len(samples.training)} training events; take "
                    "fewer folds or another SplitExpr"
                )
        self._parts = {ETreeType.kTraining: (samples.training, training), ETreeType.kTesting: (samples.test, test)}

    def prepared(self, samples: Samples, fold: int, sample: Any = ETreeType.kTraining) -> Samples:
        """All folds but one to train with, and that one to test.

        Parameters
        ----------
        samples : Samples
            Whose recipe goes along.
        fold : int
            From 0 on.
        sample : Types.ETreeType
            Which of the samples that were divided, `kTraining` or `kTesting`.
        """
        data, parts = self._part(sample)
        if not 0 <= fold < self._folds:
            raise DataError(f"there is no fold {fold}; the folds are 0 to {self._folds - 1}")
        others = [events for number, events in enumerate(parts) if number != fold]
        return replace(samples, training=data.take(np.concatenate(others)), test=data.take(parts[fold]))

    def recombined(self, samples: Samples, sample: Any = ETreeType.kTraining) -> Samples:
        """All folds one after the other, both to train with and to test."""
        data, parts = self._part(sample)
        both = data.take(np.concatenate(parts))
        return replace(samples, training=both, test=both)

    def fold_numbers(self) -> NDArray[np.int64]:
        """The fold of each event of `recombined`."""
        _, parts = self._part(ETreeType.kTraining)
        return np.repeat(np.arange(self._folds), [len(events) for events in parts])

    def _part(self, sample: Any) -> tuple[Dataset, list[NDArray[np.int64]]]:
        if not self._parts:
            raise DataError("the events are not divided yet: call MakeKFoldDataSet first")
        if sample not in self._parts:
            raise DataError(f"folds are made of the sample kTraining or kTesting, not of {sample!r}")
        return self._parts[sample]

    def _divided(self, data: Dataset, expression: SplitExpression | None) -> list[NDArray[np.int64]]:
        """The events of each fold, in their order."""
        if expression is not None:
            numbers = expression.folds(data.spectators, self._folds)
            return [np.flatnonzero(numbers == fold) for fold in range(self._folds)]
        if not self._stratified:
            numbers = self._by_chance(len(data))
            return [np.flatnonzero(numbers == fold) for fold in range(self._folds)]
        parts: list[list[NDArray[np.int64]]] = [[] for _ in range(self._folds)]
        for number in range(len(data.classes)):
            events = np.flatnonzero(data.class_index == number)
            shuffle(events, TRandom3(self._seed))
            numbers = self._by_chance(len(events))
            for fold, part in enumerate(parts):
                part.append(events[numbers == fold])
        return [np.concatenate(part) for part in parts]

    def _by_chance(self, n: int) -> NDArray[np.int64]:
        numbers = np.arange(n) % self._folds
        shuffle(numbers, TRandom3(self._seed))
        return numbers

"""How many events of each class are asked for, to train and to test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.data.sampling import FREE, TEST, TRAINING, VALIDATION
from pytmva_rnn.errors import DataError
from pytmva_rnn.options.split import SplitOptions
from pytmva_rnn.suggestions import near

if TYPE_CHECKING:
    from pytmva_rnn.data.dataset import Dataset

__all__ = ["requested", "scales"]

N = TypeVar("N", int, float)


def scales(dataset: Dataset) -> Sequence[float]:
    if len(dataset.efficiencies) != len(dataset.classes):
        raise DataError(
            "ScaleWithPreselEff needs for each class the fraction of its entries that passed the selection; "
            f"the dataset has {len(dataset.efficiencies)} efficiencies for {len(dataset.classes)} classes"
        )
    return dataset.efficiencies


def requested(dataset: Dataset, options: SplitOptions, place: NDArray[np.int64]) -> tuple[list[int], list[int]]:
    """For training and for testing, how many events of each class are asked for."""
    training = _by_class("nTrain", options.nTrain, dataset, 0)
    test = _by_class("nTest", options.nTest, dataset, 0)
    fractions = _by_class("TrainTestSplit", options.TrainTestSplit, dataset, 0.0)
    if isinstance(options.test, float):
        return _of_fraction(dataset, options.test, place)
    counts = np.bincount(dataset.class_index[place != VALIDATION], minlength=len(dataset.classes))
    for c, fraction in enumerate(fractions):
        if fraction > 0:
            # TMVA multiplies in single precision: 0.29 of 100 events are 29, where double precision has 28.999...
            training[c], test[c] = int(np.float32(fraction) * np.float32(counts[c])), 0
            if training[c] == 0:
                name = dataset.classes[c]
                raise DataError(f"TrainTestSplit_{name}={fraction:g} of {counts[c]} events leaves none for training")
    return training, test


def _of_fraction(dataset: Dataset, fraction: float, place: NDArray[np.int64]) -> tuple[list[int], list[int]]:
    """Of the events of each class that no source places, the fraction for the test and the others for the training."""
    if (place == TEST).any():
        raise DataError(f"test = {fraction:g} chooses test events, but sources name theirs: give one or the other")
    training, test = [], []
    for c, name in enumerate(dataset.classes):
        free, trains = (int(((dataset.class_index == c) & (place == k)).sum()) for k in (FREE, TRAINING))
        test.append(round(fraction * free))
        training.append(trains + free - test[-1])
        if test[-1] == 0 or training[-1] == 0:
            raise DataError(f"test = {fraction:g} of the {free} events of class {name!r} leaves a sample empty")
    return training, test


def _by_class(kind: str, given: Mapping[str, N], dataset: Dataset, absent: N) -> list[N]:
    lower = [name.lower() for name in dataset.classes]
    result = [absent] * len(lower)
    for name, number in given.items():
        if name.lower() not in lower:
            raise DataError(f"{kind}_{name}: there is no class {name!r}; {near(name, dataset.classes)}")
        result[lower.index(name.lower())] = number
    return result

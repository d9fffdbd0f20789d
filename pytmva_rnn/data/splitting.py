"""Training and test samples as TMVA's DataLoader::PrepareTrainingAndTestTree makes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.errors import DataError
from pytmva_rnn.options.split import SplitOptions
from pytmva_rnn.suggestions import near
from pytmva_rnn.trandom import TRandom3, shuffle

if TYPE_CHECKING:
    from pytmva_rnn.data.dataset import Dataset

__all__ = ["FREE", "TEST", "TRAINING", "split"]

N = TypeVar("N", int, float)

FREE, TRAINING, TEST = 0, 1, 2
"""Where `split` may put an event."""


def split(
    dataset: Dataset,
    options: SplitOptions | str | Mapping[str, Any] = "",
    *,
    assigned: NDArray[np.integer[Any]] | None = None,
) -> tuple[Dataset, Dataset]:
    """Divide events into a training and a test sample.

    The same events are chosen, in the same order, as by C++ TMVA (built with libstdc++) on the same events of each
    class: class by class they are shuffled (SplitMode=Random) with one TRandom3 stream, divided, joined class after
    class, and shuffled again (MixMode=Random).

    Parameters
    ----------
    dataset : Dataset
        n events; within a class their order matters.
    options : SplitOptions, str or mapping, optional
        TMVA's string, `nTrain_Signal=1000:SplitMode=Random`, or its names and values one by one.
    assigned : (n,) int, optional
        TRAINING or TEST for events whose sample is given, else FREE. TMVA calls this the type of their tree.

    Returns
    -------
    training, test : Dataset
        NormMode's factors are in the training weights; the test sample has them as `class_factors`. With nothing
        requested and an odd number of events in a class, its last event (after shuffling) is in neither, as in TMVA.

    Raises
    ------
    DataError
        When more events are requested than a class has, a requested class does not exist, a sample would be empty, the
        weights of a class do not add up to something positive, or ScaleWithPreselEff is asked for and the dataset does
        not tell the efficiencies.
    OptionError
        For an unknown option or a wrong value.
    """
    if not isinstance(options, SplitOptions):
        options = SplitOptions.parse(options)
    scales = _scales(dataset) if options.ScaleWithPreselEff else [1.0] * len(dataset.classes)
    numbers = _requested(dataset, options)
    random = TRandom3(options.SplitSeed)
    place = np.full(len(dataset), FREE) if assigned is None else np.asarray(assigned)
    of_class, given = [], []
    for c in range(len(dataset.classes)):
        free, *others = (np.flatnonzero((dataset.class_index == c) & (place == k)) for k in (FREE, TRAINING, TEST))
        of_class.append(free)
        given.append((others[0], others[1]))
    if options.SplitMode == "Random":
        for events in of_class:
            shuffle(events, random)
    training, test = [], []
    for c, events in enumerate(of_class):
        wanted = int(numbers[0][c] * scales[c]), int(numbers[1][c] * scales[c])
        train_events, test_events = _divide(events, given[c], *wanted, options.SplitMode, random, dataset.classes[c])
        training.append(train_events)
        test.append(test_events)
    factors = _factors(dataset, training, options.NormMode)
    mix = options.SplitMode if options.MixMode == "SameAsSplitMode" else options.MixMode
    train_order, test_order = _mix(training, mix), _mix(test, mix)
    if mix == "Random":
        shuffle(train_order, random)
        shuffle(test_order, random)
    normalised = replace(dataset, weights=dataset.weights * np.asarray(factors)[dataset.class_index])
    return normalised.take(train_order), replace(dataset, class_factors=factors).take(test_order)


def _scales(dataset: Dataset) -> Sequence[float]:
    if len(dataset.efficiencies) != len(dataset.classes):
        raise DataError(
            "ScaleWithPreselEff needs for each class the fraction of its entries that passed the selection; "
            f"the dataset has {len(dataset.efficiencies)} efficiencies for {len(dataset.classes)} classes"
        )
    return dataset.efficiencies


def _requested(dataset: Dataset, options: SplitOptions) -> tuple[list[int], list[int]]:
    """For training and for testing, how many events of each class are asked for."""
    training = _by_class("nTrain", options.nTrain, dataset, 0)
    test = _by_class("nTest", options.nTest, dataset, 0)
    fractions = _by_class("TrainTestSplit", options.TrainTestSplit, dataset, 0.0)
    counts = np.bincount(dataset.class_index, minlength=len(dataset.classes))
    for c, fraction in enumerate(fractions):
        if fraction > 0:
            # TMVA multiplies in single precision: 0.29 of 100 events are 29, where double precision has 28.999...
            training[c], test[c] = int(np.float32(fraction) * np.float32(counts[c])), 0
            if training[c] == 0:
                name = dataset.classes[c]
                raise DataError(f"TrainTestSplit_{name}={fraction:g} of {counts[c]} events leaves none for training")
    return training, test


def _by_class(kind: str, given: Mapping[str, N], dataset: Dataset, absent: N) -> list[N]:
    lower = [name.lower() for name in dataset.classes]
    result = [absent] * len(lower)
    for name, number in given.items():
        if name.lower() not in lower:
            raise DataError(f"{kind}_{name}: there is no class {name!r}; {near(name, dataset.classes)}")
        result[lower.index(name.lower())] = number
    return result


def _divide(
    events: NDArray[np.int64],
    given: tuple[NDArray[np.int64], NDArray[np.int64]],
    n_train: int,
    n_test: int,
    mode: str,
    random: TRandom3,
    name: str,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Training and test events of one class: those `given` to each sample, then of `events`, which may go to either."""
    free, trains, tests = len(events), len(given[0]), len(given[1])
    n = free + trains + tests
    if n_train + n_test > n:
        raise DataError(
            f"class {name!r} has {n} events, too few for the {n_train} requested for training and {n_test} for testing"
        )
    # The first `pool` events are there to choose training events from, the others to choose test events from.
    if n_train == 0 and n_test == 0:
        # Equal samples, as far as the free events suffice for that.
        pool = max(0, min(free, (free + tests - trains) // 2))
        test_pool = max(0, min(free, (free + trains - tests) // 2))
        n_train, n_test = trains + pool, tests + test_pool
        events = events[: pool + test_pool] if mode != "Alternate" else events
    elif n_test == 0:
        pool = max(n_train - trains, 0)
        n_test = n - max(n_train, trains)
    elif n_train == 0:
        pool = n - max(n_test, tests) - trains
        n_train = trains + pool
    else:
        needed = max(n_train - trains, 0)
        pool = needed + max(free - needed - max(n_test - tests, 0), 0) // 2
    if n_train > trains + free or n_test > tests + free:
        raise DataError(
            f"class {name!r} has {trains} events given for training, {tests} for testing and {free} others, which does "
            f"not suffice for the {n_train} requested for training and {n_test} for testing"
        )
    if n_train == 0 or n_test == 0:
        raise DataError(
            f"class {name!r} has {n} events, which leaves {n_train} for training and {n_test} for testing; request "
            f"fewer with nTrain_{name} or nTest_{name}"
        )
    if mode == "Alternate":
        taken = max(n_train - trains, 0)
        if taken > (free + 1) // 2:
            raise DataError(
                f"class {name!r}: SplitMode=Alternate takes at most every second of its {free} events for training, "
                f"not {taken}"
            )
        is_training = np.zeros(free, dtype=bool)
        is_training[: 2 * taken : 2] = True
        training, test = events[is_training], events[~is_training]
    else:
        training, test = events[:pool], events[pool:]
    training, test = np.append(given[0], training), np.append(given[1], test)
    if mode == "Random":
        return _shortened(training, n_train, random), _shortened(test, n_test, random)
    return training[:n_train], test[:n_test]


def _shortened(events: NDArray[np.int64], n: int, random: TRandom3) -> NDArray[np.int64]:
    """`n` of the events in their order, the others being chosen by chance; no numbers are drawn when all stay."""
    if len(events) <= n:
        return events
    order = np.arange(len(events))
    shuffle(order, random)
    return np.delete(events, order[: len(events) - n])


def _factors(dataset: Dataset, training: list[NDArray[np.int64]], mode: str) -> tuple[float, ...]:
    """NormMode's factor on the weights of the training events of each class."""
    if mode == "None":
        return (1.0,) * len(training)
    factors = []
    for name, events in zip(dataset.classes, training, strict=True):
        total = float(dataset.weights[events].sum())
        if not total > 0:
            raise DataError(
                f"the weights of the training events of class {name!r} add up to {total:g}, which NormMode={mode} "
                "cannot scale; use NormMode=None"
            )
        factors.append(len(events if mode == "NumEvents" else training[0]) / total)
    return tuple(factors)


def _mix(of_class: list[NDArray[np.int64]], mode: str) -> NDArray[np.int64]:
    """Events of all classes: in turn (Alternate) as far as they last, else class after class."""
    if mode != "Alternate":
        return np.concatenate(of_class)
    mixed, *others = of_class
    for c, events in enumerate(others, start=1):
        alternating = min(len(events), len(mixed) // c)
        places = c * np.arange(1, alternating + 1)
        mixed = np.append(np.insert(mixed, places, events[:alternating]), events[alternating:])
    return mixed

"""Training and test samples as TMVA's DataLoader::PrepareTrainingAndTestTree makes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.data.entry_units import check_overlap, last_entries, place_entries, units_of
from pytmva_rnn.data.sampling import FREE, TEST, TRAINING, VALIDATION, fold_numbers, placed
from pytmva_rnn.data.sums_of_weights import REMEDY
from pytmva_rnn.data.weighting import weighted
from pytmva_rnn.errors import DataError
from pytmva_rnn.options.split import SplitOptions
from pytmva_rnn.suggestions import near
from pytmva_rnn.trandom import TRandom3, shuffle

if TYPE_CHECKING:
    from pytmva_rnn.data.dataset import Dataset

__all__ = ["FREE", "TEST", "TRAINING", "Division", "divide", "split"]

N = TypeVar("N", int, float)


@dataclass(frozen=True, eq=False)
class Division:
    """Samples of one dataset.

    Attributes
    ----------
    training : Dataset
        NormMode's factors are in its weights.
    test : Dataset
        It has the training sample's factors as `class_factors`.
    validation : Dataset, optional
        With NormMode's factors for its own events in its weights. None where TMVA's training takes the last
        ValidationSize of the training sample.
    """

    training: Dataset
    test: Dataset
    validation: Dataset | None = None


def split(
    dataset: Dataset,
    options: SplitOptions | str | Mapping[str, Any] | None = None,
    *,
    assigned: NDArray[np.integer[Any]] | None = None,
) -> tuple[Dataset, Dataset]:
    """Divide events into a training and a test sample; see `divide`, which may give a validation sample too.

    Raises
    ------
    DataError
        As `divide`, and where there is a validation sample of its own.
    OptionError
        For an unknown option or a wrong value.
    """
    parts = divide(dataset, options, assigned=assigned)
    if parts.validation is not None:
        raise DataError("the events have a validation sample too, and split gives training and test: use divide")
    return parts.training, parts.test


def divide(
    dataset: Dataset,
    options: SplitOptions | str | Mapping[str, Any] | None = None,
    *,
    assigned: NDArray[np.integer[Any]] | None = None,
) -> Division:
    """Divide events into samples.

    The same events are chosen, in the same order, as by C++ TMVA (built with libstdc++) on the same events of each
    class: class by class they are shuffled (SplitMode=Random) with one TRandom3 stream, divided, joined class after
    class, and shuffled again (MixMode=Random).

    Where a recipe's `for_each` makes several events of an entry, whole entries are chosen, shuffled together and not
    class by class, so that each sample has the numbers of events that are requested or, where entries do not allow
    that, a few less.

    Parameters
    ----------
    dataset : Dataset
        n events; within a class their order matters.
    options : SplitOptions, str or mapping, optional
        TMVA's string, `nTrain_Signal=1000:SplitMode=Random`, or its names and values one by one; and what is not
        TMVA's, `{"test": "event % 2 == 1", "validation": 0.2}`. None: what the events were read for.
    assigned : (n,) int, optional
        TRAINING, TEST or VALIDATION for events whose sample is given, else FREE: by default what the sources and the
        expressions of the options say. TMVA calls this the type of their tree.

    Returns
    -------
    Division
        With nothing requested and an odd number of events in a class, its last event (after shuffling) is in neither
        sample, as in TMVA.

    Raises
    ------
    DataError
        When more events are requested than a class has, a requested class does not exist, a sample would be empty, an
        entry would be in two samples, the weights of a class do not add up to something positive, ScaleWithPreselEff is
        asked for and the dataset does not tell the efficiencies, or an expression needs what was not read.
    OptionError
        For an unknown option or a wrong value.
    """
    if options is None:
        options = dataset.read_for
    if not isinstance(options, SplitOptions):
        options = SplitOptions.parse(options)
    place = _places(dataset, options) if assigned is None else np.asarray(assigned, np.int64)
    check_overlap(dataset, place)
    units = units_of(dataset) if _has_units(dataset) else None
    random = TRandom3(options.SplitSeed)
    training, test = _chosen(dataset, options, place, units, random)
    validation = [np.flatnonzero((dataset.class_index == c) & (place == VALIDATION)) for c in _classes(dataset)]
    if isinstance(options.validation, float):
        training, validation = _cut(dataset, options.validation, training, validation, units)
    _check_validation(dataset, validation, options)
    if dataset.weighting is not None:
        _, dataset = weighted(dataset.take(np.concatenate(training)), dataset)
    factors = _factors(dataset, training, options.NormMode, "training")
    mix = options.SplitMode if options.MixMode == "SameAsSplitMode" else options.MixMode
    orders = [_mix(events, mix) for events in (training, test, validation)]
    if mix == "Random":
        for order in orders:
            if len(order):
                shuffle(order, random)
    own: Dataset | None = None
    if len(orders[2]):
        own = _weighted(dataset, _factors(dataset, validation, options.NormMode, "validation")).take(orders[2])
    return Division(
        _weighted(dataset, factors).take(orders[0]), replace(dataset, class_factors=factors).take(orders[1]), own
    )


def _classes(dataset: Dataset) -> range:
    return range(len(dataset.classes))


def _weighted(dataset: Dataset, factors: tuple[float, ...]) -> Dataset:
    return replace(dataset, weights=dataset.weights * np.asarray(factors)[dataset.class_index])


def _has_units(dataset: Dataset) -> bool:
    """Whether a `for_each` makes several events of some entries."""
    return bool(len(dataset)) and bool(dataset.repetition.max() > 0)


def _places(dataset: Dataset, options: SplitOptions) -> NDArray[np.int64]:
    """Where each event is that the split is not to place."""
    place = placed(dataset, options)
    if options.folds is None:
        return place
    if options.fold is None:
        raise DataError(
            f"folds = {options.folds}: fold says which of them tests, 0 to {options.folds - 1}; kfold gives all in turn"
        )
    if ((place == TRAINING) | (place == TEST)).any():
        raise DataError("folds divide all events, but sources name the sample of theirs: give one or the other")
    is_test = fold_numbers(dataset, options.fold_by) % options.folds == options.fold
    return np.where(place == FREE, np.where(is_test, TEST, TRAINING), place)


def _chosen(
    dataset: Dataset,
    options: SplitOptions,
    place: NDArray[np.int64],
    units: NDArray[np.int64] | None,
    random: TRandom3,
) -> tuple[list[NDArray[np.int64]], list[NDArray[np.int64]]]:
    """Training and test events of each class."""
    scales = _scales(dataset) if options.ScaleWithPreselEff else [1.0] * len(dataset.classes)
    asked_training, asked_test = _requested(dataset, options, place)
    wanted = [(int(asked_training[c] * scales[c]), int(asked_test[c] * scales[c])) for c in _classes(dataset)]
    if units is not None and (place == FREE).any():
        place = place_entries(dataset, place, units, wanted, options.SplitMode, random)
        wanted = [(0, 0)] * len(wanted)
    of_class, given = [], []
    for c in _classes(dataset):
        free, *others = (np.flatnonzero((dataset.class_index == c) & (place == k)) for k in (FREE, TRAINING, TEST))
        of_class.append(free)
        given.append((others[0], others[1]))
    if options.SplitMode == "Random":
        for events in of_class:
            shuffle(events, random)
    training, test = [], []
    for c, events in enumerate(of_class):
        train_events, test_events = _divide(events, given[c], *wanted[c], options.SplitMode, random, dataset.classes[c])
        training.append(train_events)
        test.append(test_events)
    return training, test


def _cut(
    dataset: Dataset,
    fraction: float,
    training: list[NDArray[np.int64]],
    validation: list[NDArray[np.int64]],
    units: NDArray[np.int64] | None,
) -> tuple[list[NDArray[np.int64]], list[NDArray[np.int64]]]:
    """A fraction of each class's training events, the last ones, for the validation."""
    if any(len(events) for events in validation):
        raise DataError(
            f"validation = {fraction:g} takes from the training sample, but sources give events to validate"
        )
    counts = [round(fraction * len(events)) for events in training]
    if units is None:
        cuts = [len(events) - count for events, count in zip(training, counts, strict=True)]
        return (
            [events[:cut] for events, cut in zip(training, cuts, strict=True)],
            [events[cut:] for events, cut in zip(training, cuts, strict=True)],
        )
    chosen = last_entries(dataset, np.concatenate(training), units, counts)
    return [events[~chosen[events]] for events in training], [events[chosen[events]] for events in training]


def _check_validation(dataset: Dataset, validation: list[NDArray[np.int64]], options: SplitOptions) -> None:
    some = any(len(events) for events in validation)
    for name, events in zip(dataset.classes, validation, strict=True):
        if not len(events) and (some or options.validation is not None):
            said = "" if options.validation is None else f" by validation = {options.validation!r}"
            raise DataError(f"class {name!r} has no events to validate with{said}; each class needs some, or none")


def _scales(dataset: Dataset) -> Sequence[float]:
    if len(dataset.efficiencies) != len(dataset.classes):
        raise DataError(
            "ScaleWithPreselEff needs for each class the fraction of its entries that passed the selection; "
            f"the dataset has {len(dataset.efficiencies)} efficiencies for {len(dataset.classes)} classes"
        )
    return dataset.efficiencies


def _requested(dataset: Dataset, options: SplitOptions, place: NDArray[np.int64]) -> tuple[list[int], list[int]]:
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
            f"class {name!r} has {n} events, which leaves {n_train} for training and {n_test} for testing; "
            + (f"request fewer with nTrain_{name} or nTest_{name}" if free else "each sample needs some of every class")
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


def _factors(dataset: Dataset, events_of: list[NDArray[np.int64]], mode: str, sample: str) -> tuple[float, ...]:
    """NormMode's factor on the weights of the events of each class in a sample."""
    if mode == "None":
        return (1.0,) * len(events_of)
    factors = []
    for name, events in zip(dataset.classes, events_of, strict=True):
        total = float(dataset.weights[events].sum())
        if not total > 0:
            raise DataError(
                f"the weights of the {sample} events of class {name!r} add up to {total:g}, which NormMode={mode} "
                f"cannot scale; {REMEDY}"
            )
        factors.append(len(events if mode == "NumEvents" else events_of[0]) / total)
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

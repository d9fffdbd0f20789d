"""Training and test samples as TMVA's DataLoader::PrepareTrainingAndTestTree makes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.data.class_division import divided_class, mixed_classes
from pytmva_rnn.data.entry_units import check_overlap, last_entries, place_entries, units_of
from pytmva_rnn.data.requested_numbers import requested, scales
from pytmva_rnn.data.sampling import FREE, TEST, TRAINING, VALIDATION, fold_numbers, placed
from pytmva_rnn.data.sums_of_weights import REMEDY
from pytmva_rnn.data.weighting import weighted
from pytmva_rnn.errors import DataError
from pytmva_rnn.options.split import SplitOptions
from pytmva_rnn.trandom import TRandom3, shuffle

if TYPE_CHECKING:
    from pytmva_rnn.data.dataset import Dataset

__all__ = ["FREE", "TEST", "TRAINING", "Division", "divide", "norm_factors", "split"]


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
        # the factors do not depend on the inputs
        light = replace(dataset, X=np.empty((len(dataset), 0), np.float32))
        _, light = weighted(light.take(np.concatenate(training)), light)
        dataset = replace(light, X=dataset.X)
    factors = _factors(dataset, training, options.NormMode, "training")
    factors_of_validation = None
    if any(len(events) for events in validation):
        factors_of_validation = _factors(dataset, validation, options.NormMode, "validation")
    mix = options.SplitMode if options.MixMode == "SameAsSplitMode" else options.MixMode
    orders = []
    for events in (training, test, validation):
        orders.append(mixed_classes(events, mix))
        events.clear()  # a large sample's numbers take memory
    if mix == "Random":
        for order in orders:
            if len(order):
                shuffle(order, random)
    own = None if factors_of_validation is None else _weighted(dataset.take(orders[2]), factors_of_validation)
    return Division(
        _weighted(dataset.take(orders[0]), factors), replace(dataset, class_factors=factors).take(orders[1]), own
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
    factors = scales(dataset) if options.ScaleWithPreselEff else [1.0] * len(dataset.classes)
    asked_training, asked_test = requested(dataset, options, place)
    wanted = [(int(asked_training[c] * factors[c]), int(asked_test[c] * factors[c])) for c in _classes(dataset)]
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
        train_events, test_events = divided_class(
            events, given[c], *wanted[c], options.SplitMode, random, dataset.classes[c]
        )
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


def _factors(dataset: Dataset, events_of: list[NDArray[np.int64]], mode: str, sample: str) -> tuple[float, ...]:
    """NormMode's factor on the weights of the events of each class in a sample."""
    if mode == "None":
        return (1.0,) * len(events_of)
    sums = [float(dataset.weights[events].sum()) for events in events_of]
    return norm_factors([len(events) for events in events_of], sums, dataset.classes, mode, sample)


def norm_factors(
    counts: Sequence[int], sums: Sequence[float], classes: Sequence[str], mode: str, sample: str
) -> tuple[float, ...]:
    """NormMode's factor for each class, from its number of events and the sum of their weights.

    Raises
    ------
    DataError
        For a sum that is not positive.
    """
    factors = []
    for name, count, total in zip(classes, counts, sums, strict=True):
        if not total > 0:
            raise DataError(
                f"the weights of the {sample} events of class {name!r} add up to {total:g}, which NormMode={mode} "
                f"cannot scale; {REMEDY}"
            )
        factors.append((count if mode == "NumEvents" else counts[0]) / total)
    return tuple(factors)

"""Training and test samples as TMVA's DataLoader::PrepareTrainingAndTestTree makes them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.data._names import near
from pytmva_rnn.data.dataset import Dataset
from pytmva_rnn.errors import DataError, OptionError
from pytmva_rnn.training.trandom import TRandom3, shuffle

__all__ = ["FREE", "TEST", "TRAINING", "SplitOptions", "split"]

FREE, TRAINING, TEST = 0, 1, 2
"""Where `split` may put an event."""

_CHOICES = {
    "SplitMode": ("Random", "Alternate", "Block"),
    "MixMode": ("SameAsSplitMode", "Random", "Alternate", "Block"),
    "NormMode": ("EqualNumEvents", "NumEvents", "None"),
    "VerboseLevel": ("Info", "Debug", "Verbose"),
}
_FLAGS = ("V", "ScaleWithPreselEff")


@dataclass(frozen=True)
class SplitOptions:
    """TMVA's options of the split, under TMVA's names.

    Attributes
    ----------
    SplitMode : "Random", "Alternate" or "Block"
        How the events of each class are divided.
    MixMode : "SameAsSplitMode", "Random", "Alternate" or "Block"
        How the classes are then mixed.
    SplitSeed : int
        Seed of the random numbers; 0 is different every time.
    NormMode : "EqualNumEvents", "NumEvents" or "None"
        Factor on the training weights of each class: (events of class 0)/(sum of the class's weights), (events of the
        class)/(sum of its weights), or none.
    nTrain, nTest : mapping of class name -> int
        Numbers of events, `nTrain_<Class>` and `nTest_<Class>` in the string. 0 or absent: with both 0, half of the
        events train and half test; otherwise what the other leaves.
    ScaleWithPreselEff : bool
        Multiply these numbers by the fraction of events that passed the selection.
    V, VerboseLevel
        How much TMVA prints; without effect here.
    """

    SplitMode: str = "Random"
    MixMode: str = "SameAsSplitMode"
    SplitSeed: int = 100
    NormMode: str = "EqualNumEvents"
    nTrain: Mapping[str, int] = field(default_factory=dict)
    nTest: Mapping[str, int] = field(default_factory=dict)
    ScaleWithPreselEff: bool = False
    V: bool = False
    VerboseLevel: str = "Info"

    @classmethod
    def parse(cls, text: str) -> SplitOptions:
        """From TMVA's string, e.g. `nTrain_Signal=1000:SplitMode=Random:NormMode=NumEvents:!V`.

        Names and values are case-insensitive, but for the names of classes.

        Raises
        ------
        OptionError
            For an unknown option (naming the near ones) or a wrong value, with its place in the string.
        """
        given: dict[str, Any] = {"nTrain": {}, "nTest": {}}
        for name, value, position in _settings(text):
            per_class = re.fullmatch(r"(?i)(nTrain|nTest)_(.+)", name)
            if per_class:
                kind = "nTrain" if per_class[1].lower() == "ntrain" else "nTest"
                given[kind][per_class[2]] = _count(name, value, text, position)
                continue
            known = next((f.name for f in fields(cls) if f.name.lower() == name.lower()), None)
            if known is None or known in ("nTrain", "nTest"):
                names = [f"{f.name}_<Class>" if f.name.startswith("n") else f.name for f in fields(cls)]
                raise OptionError(f"unknown option {name!r} of the split; {near(name, names)}", text, position)
            given[known] = _value(known, value, text, position)
        return cls(**given)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> SplitOptions:
        """From plain data: the option names with numbers, booleans and texts as values, checked as `parse` does."""
        return cls.parse(":".join(f"{name}={value}" for name, value in values.items()))

    def to_dict(self) -> dict[str, Any]:
        """What differs from the defaults, as plain data; `from_dict` takes it back."""
        values: dict[str, Any] = {}
        for f in fields(self):
            value = getattr(self, f.name)
            if f.name in ("nTrain", "nTest"):
                values |= {f"{f.name}_{name}": count for name, count in value.items()}
            elif value != f.default:
                values[f.name] = value
        return values

    def __str__(self) -> str:
        """TMVA's string of what differs from the defaults."""
        flag = {True: "", False: "!"}
        return ":".join(
            f"{flag[value]}{name}" if isinstance(value, bool) else f"{name}={value}"
            for name, value in self.to_dict().items()
        )


def split(
    dataset: Dataset, options: SplitOptions | str | None = None, *, assigned: NDArray[np.integer[Any]] | None = None
) -> tuple[Dataset, Dataset]:
    """Divide events into a training and a test sample.

    The same events are chosen, in the same order, as by C++ TMVA (built with libstdc++) on the same events of each
    class: class by class they are shuffled (SplitMode=Random) with one TRandom3 stream, divided, joined class after
    class, and shuffled again (MixMode=Random).

    Parameters
    ----------
    dataset : Dataset
        n events; within a class their order matters.
    options : SplitOptions or str, optional
    assigned : (n,) int, optional
        TRAINING or TEST for events whose sample is given, else FREE. TMVA calls this the type of their tree.

    Returns
    -------
    training, test : Dataset
        NormMode's factors are in the training weights. With nothing requested and an odd number of events in a class,
        its last event (after shuffling) is in neither, as in TMVA.

    Raises
    ------
    DataError
        When more events are requested than a class has, a requested class does not exist, a sample would be empty, or
        the weights of a class do not add up to something positive.
    """
    if not isinstance(options, SplitOptions):
        options = SplitOptions.parse(options or "")
    requested = {
        kind: _by_class(kind, counts, dataset)
        for kind, counts in (("nTrain", options.nTrain), ("nTest", options.nTest))
    }
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
        scale = dataset.efficiencies[c] if options.ScaleWithPreselEff else 1.0
        wanted = int(requested["nTrain"][c] * scale), int(requested["nTest"][c] * scale)
        train_events, test_events = _divide(events, given[c], *wanted, options.SplitMode, random, dataset.classes[c])
        training.append(train_events)
        test.append(test_events)
    weights = _normalised(dataset, training, options.NormMode)
    mix = options.SplitMode if options.MixMode == "SameAsSplitMode" else options.MixMode
    train_order, test_order = _mix(training, mix), _mix(test, mix)
    if mix == "Random":
        shuffle(train_order, random)
        shuffle(test_order, random)
    return replace(dataset, weights=weights).take(train_order), dataset.take(test_order)


def _settings(text: str) -> Iterator[tuple[str, str, int]]:
    """Name, value and position of each option; `!Flag` and `Flag` have the values False and True."""
    position = 0
    for part in text.split(":"):
        name, equals, value = part.partition("=")
        if name.strip():
            negated = name.strip().startswith("!")
            if negated and equals:
                raise OptionError(f"{part.strip()!r}: an option with a value cannot be negated", text, position)
            bare = name.strip().removeprefix("!")
            yield bare, value.strip() if equals else str(not negated), position
        elif equals:
            raise OptionError(f"{part!r}: a value without an option", text, position)
        position += len(part) + 1


def _value(name: str, value: str, text: str, position: int) -> Any:
    if name == "SplitSeed":
        return _count(name, value, text, position)
    if name in _FLAGS:
        if value.lower() not in ("true", "false", "t", "f", "1", "0"):
            raise OptionError(f"{name} is True or False, not {value!r}", text, position)
        return value.lower() in ("true", "t", "1")
    for choice in _CHOICES[name]:
        if choice.lower() == value.lower():
            return choice
    raise OptionError(f"{name} is one of {', '.join(_CHOICES[name])}; not {value!r}", text, position)


def _count(name: str, value: str, text: str, position: int) -> int:
    if not re.fullmatch(r"\d+", value) or int(value) >= 2**32:
        raise OptionError(f"{name} is a whole number from 0 on, not {value!r}", text, position)
    return int(value)


def _by_class(kind: str, counts: Mapping[str, int], dataset: Dataset) -> list[int]:
    lower = [name.lower() for name in dataset.classes]
    result = [0] * len(lower)
    for name, count in counts.items():
        if name.lower() not in lower:
            raise DataError(f"{kind}_{name}: there is no class {name!r}; {near(name, dataset.classes)}")
        result[lower.index(name.lower())] = count
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


def _normalised(dataset: Dataset, training: list[NDArray[np.int64]], mode: str) -> NDArray[np.float64]:
    """All weights with the factors of NormMode on those of the training events."""
    weights = dataset.weights.copy()
    if mode == "None":
        return weights
    for name, events in zip(dataset.classes, training, strict=True):
        total = dataset.weights[events].sum()
        if not total > 0:
            raise DataError(
                f"the weights of the training events of class {name!r} add up to {total:g}, which NormMode={mode} "
                "cannot scale; use NormMode=None"
            )
        weights[events] *= len(events if mode == "NumEvents" else training[0]) / total
    return weights


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

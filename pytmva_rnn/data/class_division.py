"""The events of one class divided, and those of all classes mixed, as TMVA's DataSetFactory does."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.errors import DataError
from pytmva_rnn.trandom import TRandom3, shuffle

__all__ = ["divided_class", "mixed_classes"]


def divided_class(
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


def mixed_classes(of_class: list[NDArray[np.int64]], mode: str) -> NDArray[np.int64]:
    """Events of all classes: in turn (Alternate) as far as they last, else class after class."""
    if mode != "Alternate":
        return np.concatenate(of_class)
    mixed, *others = of_class
    for c, events in enumerate(others, start=1):
        alternating = min(len(events), len(mixed) // c)
        places = c * np.arange(1, alternating + 1)
        mixed = np.append(np.insert(mixed, places, events[:alternating]), events[alternating:])
    return mixed

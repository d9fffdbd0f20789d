"""Entries of trees as units that stay together, and those that are there twice."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.data.same_numbers import is_same
from pytmva_rnn.data.sampling import FREE, TEST, TRAINING, event_words
from pytmva_rnn.errors import DataError
from pytmva_rnn.trandom import TRandom3, shuffle

if TYPE_CHECKING:
    from pytmva_rnn.data.dataset import Dataset

__all__ = ["check_overlap", "check_repeated", "last_entries", "place_entries", "units_of"]

NOWHERE = -1

_WORDS = {1: "training", 2: "test", 3: "validation"}


def units_of(dataset: Dataset) -> NDArray[np.int64]:
    """For each event the number of its entry, (n,), counted from 0 through all files in the order of the events."""
    if not len(dataset):
        return np.empty(0, np.int64)
    numbers: dict[str, int] = {}
    of_files = [numbers.setdefault(_canonical(place), len(numbers)) for place in dataset.files]
    file = np.array(of_files or [0], np.int64)[dataset.file_index]
    span = int(dataset.entries.max()) + 1
    _, first, inverse = np.unique(file * span + dataset.entries, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return np.asarray(rank[inverse.reshape(-1)])


def check_overlap(dataset: Dataset, place: NDArray[np.int64]) -> None:
    """Refuse entries that are in two samples.

    Raises
    ------
    DataError
        Naming the first such entry.
    """
    given = np.flatnonzero(place > FREE)
    if not len(given) or (place[given] == place[given[0]]).all():
        return
    units = units_of(dataset)[given]
    low, high = (np.full(units.max() + 1, start, np.int64) for start in (9, 0))
    np.minimum.at(low, units, place[given])
    np.maximum.at(high, units, place[given])
    both = np.flatnonzero((low != high) & (high > 0))
    if len(both):
        unit = int(both[0])
        row = int(given[np.argmax(units == unit)])
        raise DataError(
            f"{event_words(dataset, row)} is in the {_WORDS[int(low[unit])]} and in the {_WORDS[int(high[unit])]} "
            f"sample, as {len(both)} entries are: all events of an entry go to one sample, and no file or tree to two "
            "unless their selections exclude each other"
        )


def place_entries(
    dataset: Dataset,
    place: NDArray[np.int64],
    units: NDArray[np.int64],
    wanted: list[tuple[int, int]],
    mode: str,
    random: TRandom3,
) -> NDArray[np.int64]:
    """Where each event goes when whole entries are divided, (n,); NOWHERE for those that no sample has room for.

    Entry by entry, in an order by chance (Random), in that of the files (Block) or of every second one and then the
    others (Alternate), all its events train as long as no class gets more than wanted, and else test. Where only test
    events are requested, the last entries test and the others train.

    Parameters
    ----------
    dataset : Dataset
    place : (n,)
        Those that are not FREE stay.
    units : (n,)
        The entry of each event.
    wanted : list of (int, int)
        Training and test events of each class in all; both 0: half, and one 0: what is left.
    mode : str
        SplitMode.
    random : TRandom3
    """
    free = np.flatnonzero(place == FREE)
    counts = _counts(dataset, free, units)
    order = np.unique(units[free])
    if mode == "Random":
        shuffle(order, random)
    elif mode == "Alternate":
        order = np.concatenate([order[::2], order[1::2]])
    room = {TRAINING: [0.0] * len(dataset.classes), TEST: [0.0] * len(dataset.classes)}
    test_first = all(n_train == 0 and n_test > 0 for n_train, n_test in wanted)
    for c, (n_train, n_test) in enumerate(wanted):
        own = dataset.class_index == c
        left, trains, tests = (int((own & (place == k)).sum()) for k in (FREE, TRAINING, TEST))
        if n_train + n_test > left + trains + tests:
            raise DataError(
                f"class {dataset.classes[c]!r} has {left + trains + tests} events, too few for the {n_train} requested "
                f"for training and {n_test} for testing"
            )
        half = max(0, min(left, (left + tests - trains) // 2))
        room[TRAINING][c] = max(n_train - trains, 0) if n_train else (math.inf if n_test else half)
        room[TEST][c] = max(n_test - tests, 0) if n_test else math.inf
        if n_test and not n_train and not test_first:  # beside a class with requested training events
            room[TRAINING][c] = left - room[TEST][c]
    first, second = (TEST, TRAINING) if test_first else (TRAINING, TEST)
    of_unit = np.full(int(units.max()) + 1, NOWHERE)
    for unit in (order[::-1] if test_first else order).tolist():
        for sample in (first, second):
            left_in = room[sample]
            if all(left_in[c] >= count for c, count in counts[unit]):
                of_unit[unit] = sample
                for c, count in counts[unit]:
                    left_in[c] -= count
                break
    result = place.copy()
    result[free] = of_unit[units[free]]
    return result


def last_entries(
    dataset: Dataset, events: NDArray[np.int64], units: NDArray[np.int64], wanted: list[int]
) -> NDArray[np.bool_]:
    """Which of all events, (n,), belong to the last entries of `events` that have not more than `wanted` of a class."""
    counts = _counts(dataset, events, units)
    _, first = np.unique(units[events], return_index=True)
    order = units[events][np.sort(first)]
    room = list(wanted)
    chosen = np.zeros(int(units.max()) + 1, bool)
    for unit in order[::-1].tolist():
        if all(room[c] >= count for c, count in counts[unit]):
            chosen[unit] = True
            for c, count in counts[unit]:
                room[c] -= count
    mine = np.zeros(len(units), bool)
    mine[events] = True
    return np.asarray(chosen[units] & mine)


def _counts(dataset: Dataset, events: NDArray[np.int64], units: NDArray[np.int64]) -> dict[int, list[tuple[int, int]]]:
    """For each unit the classes of its events, with their numbers."""
    classes = len(dataset.classes)
    keys, numbers = np.unique(units[events] * classes + dataset.class_index[events], return_counts=True)
    counts: dict[int, list[tuple[int, int]]] = {}
    for key, number in zip(keys.tolist(), numbers.tolist(), strict=True):
        counts.setdefault(key // classes, []).append((key % classes, number))
    return counts


def check_repeated(dataset: Dataset) -> None:
    """Refuse events that were read twice for one class.

    Raises
    ------
    DataError
        Naming the first such event.
    """
    if not _may_repeat(dataset):
        return
    key = units_of(dataset)
    for part in (dataset.class_index, dataset.repetition, dataset.elements):
        key = key * (int(part.max(initial=0)) + 1) + part
    _, first, count = np.unique(key, return_index=True, return_counts=True)
    if (count > 1).any():
        row = int(first[count > 1].min())
        raise DataError(
            f"{event_words(dataset, row)} is twice in class {dataset.classes[dataset.class_index[row]]!r}: a file or "
            "tree is named more than once; name it once, or give its sources selections that exclude each other"
        )


_MOST_RUNS = 100_000
_MOST_LOOKS = 10_000_000
"""Pairs of runs of one file, which grow with the square of the runs."""


def _may_repeat(dataset: Dataset) -> bool:
    """Whether some event could be there twice, by the runs in which events stand as they were read.

    Within a run no event is there twice, and two runs have none in common unless a class of a file is in both at
    entries between which they both are. To know that takes little memory; to look at each event takes much.
    """
    if len(dataset) < 2:
        return False
    ends = np.zeros(len(dataset) - 1, bool)
    for part in (dataset.file_index, dataset.repetition, dataset.source):
        if not is_same(part):
            ends |= part[1:] != part[:-1]
    entries, elements = dataset.entries, dataset.elements
    ends |= entries[1:] < entries[:-1]
    ends |= (entries[1:] == entries[:-1]) & (elements[1:] <= elements[:-1])
    starts = np.concatenate([[0], np.flatnonzero(ends) + 1])
    if len(starts) > _MOST_RUNS:
        return True
    files = [_canonical(place) for place in dataset.files]
    looks = 0
    seen: dict[Any, list[tuple[int, int, NDArray[np.bool_]]]] = {}
    for start, stop in pairwise([*starts.tolist(), len(dataset)]):
        file = files[dataset.file_index[start]] if files else ""
        classes = np.bincount(dataset.class_index[start:stop], minlength=len(dataset.classes)) > 0
        run = int(entries[start]), int(entries[stop - 1]), classes
        others = seen.setdefault((file, int(dataset.repetition[start])), [])
        looks += len(others)
        if looks > _MOST_LOOKS:
            return True
        if any(run[0] <= last and first <= run[1] and (classes & of).any() for first, last, of in others):
            return True
        others.append(run)
    return False


def _canonical(place: str) -> str:
    """`file:tree` with the file's real path."""
    file, colon, tree = place.rpartition(":")
    if "://" in place or not colon or not Path(file).exists():
        return place
    return f"{Path(file).resolve()}:{tree}"

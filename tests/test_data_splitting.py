"""The split into training and test events, against C++ (std::shuffle of libstdc++ with ROOT's TRandom3)."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytmva_rnn.data import Column, Dataset, split
from pytmva_rnn.data.splitting import FREE, TEST, TRAINING
from pytmva_rnn.errors import DataError
from pytmva_rnn.options import SplitOptions


def dataset(*sizes: int, weights: object = 1.0, efficiencies: tuple[float, ...] = ()) -> Dataset:
    n = sum(sizes)
    names = ("Signal", "Background", "Other")[: len(sizes)] if len(sizes) > 1 else ("Regression",)
    return Dataset(
        X=np.arange(n, dtype=np.float32)[:, None],
        class_index=np.repeat(np.arange(len(sizes)), sizes),
        weights=np.ones(n) * weights,
        classes=names,
        target_values=np.zeros((n, int(len(sizes) == 1)), np.float32),
        targets=() if len(sizes) > 1 else (Column("t"),),
        spectators=np.zeros((n, 0), np.float32),
        entries=np.arange(n),
        efficiencies=efficiencies or (1.0,) * len(sizes),
    )


CPP = [  # signal 0 to 6, background 7 to 17, SplitSeed 100
    ("", [16, 12, 7, 9, 3, 2, 8, 5], [10, 13, 17, 14, 15, 1, 4, 6]),
    (
        "nTrain_Signal=3:nTrain_Background=4:nTest_Signal=2:nTest_Background=3",
        [4, 2, 16, 12, 5, 8, 9],
        [10, 6, 11, 14, 1],
    ),
    (
        "nTrain_Signal=5:nTrain_Background=2",
        [8, 2, 5, 6, 3, 16, 4],
        [0, 15, 12, 7, 13, 11, 10, 17, 9, 1, 14],
    ),
    (
        "nTest_Signal=3:nTest_Background=2",
        [16, 12, 10, 8, 7, 9, 14, 15, 3, 4, 2, 5, 17],
        [6, 13, 1, 0, 11],
    ),
]


def test_a_fraction_of_a_class_trains() -> None:
    data = dataset(100, 10)
    a, b = split(data, "TrainTestSplit_Signal=0.29:TrainTestSplit_Background=0.5:nTrain_Signal=7:nTest_Signal=9")
    assert [np.bincount(part.class_index).tolist() for part in (a, b)] == [[29, 5], [71, 5]]
    again, _ = split(data, "nTrain_Signal=29:nTrain_Background=5")
    np.testing.assert_array_equal(a.entries, again.entries)
    with pytest.raises(DataError, match=r"TrainTestSplit_Background=0.05 of 10 events leaves none for training"):
        split(data, {"TrainTestSplit": {"background": 0.05}})
    with pytest.raises(DataError, match="TrainTestSplit_Odd: there is no class 'Odd'"):
        split(data, "TrainTestSplit_Odd=0.5")


@pytest.mark.parametrize(("options", "training", "test"), CPP)
def test_random_is_cpps(options: str, training: list[int], test: list[int]) -> None:
    a, b = split(dataset(7, 11), options)
    assert a.entries.tolist() == training
    assert b.entries.tolist() == test
    np.testing.assert_array_equal(a.X[:, 0], a.entries)


def test_seeds() -> None:
    data = dataset(500, 500)
    first, _ = split(data, "SplitSeed=5")
    again, _ = split(data, "SplitSeed=5")
    other, _ = split(data, "SplitSeed=6")
    assert first.entries.tolist() == again.entries.tolist() != other.entries.tolist()
    assert split(data, "SplitSeed=0")[0].entries.tolist() != split(data, "SplitSeed=0")[0].entries.tolist()


def test_block() -> None:
    a, b = split(dataset(4, 6), "SplitMode=Block")
    assert a.entries.tolist() == [0, 1, 4, 5, 6]
    assert b.entries.tolist() == [2, 3, 7, 8, 9]
    # Events that nobody asked for are shared between the pools from which the samples are taken.
    a, b = split(dataset(10, 4), "SplitMode=Block:nTrain_Signal=2:nTest_Signal=3")
    assert a.entries.tolist() == [0, 1, 10, 11]
    assert b.entries.tolist() == [4, 5, 6, 12, 13]


def test_alternate() -> None:
    a, b = split(dataset(5, 4), "SplitMode=Alternate")
    assert a.entries.tolist() == [0, 5, 2, 7]
    assert b.entries.tolist() == [1, 6, 3, 8]
    a, b = split(dataset(6, 4), "SplitMode=Alternate:MixMode=Block:nTrain_Signal=1")
    assert a.entries.tolist() == [0, 6, 8]
    assert b.entries.tolist() == [1, 2, 3, 4, 5, 7, 9]
    with pytest.raises(DataError, match="takes at most every second of its 6 events for training, not 4"):
        split(dataset(6, 4), "SplitMode=Alternate:nTrain_Signal=4")


def test_mixing_in_turn_goes_on_when_a_class_ends() -> None:
    a, _ = split(dataset(8, 8, 12), "SplitMode=Block:MixMode=Alternate")
    assert a.entries.tolist() == [0, 8, 16, 1, 9, 17, 2, 10, 18, 3, 11, 19, 20, 21]  # as C++ does
    a, _ = split(dataset(14, 4, 6), "SplitMode=Block:MixMode=Alternate")
    assert a.entries.tolist() == [0, 14, 18, 1, 15, 19, 2, 3, 20, 4, 5, 6]


def test_mixing_at_random_keeps_the_choice() -> None:
    a, b = split(dataset(40, 60), "SplitMode=Block:MixMode=Random")
    assert sorted(a.entries) == [*range(20), *range(40, 70)]
    assert a.entries.tolist() != sorted(a.entries)
    assert b.entries.tolist() != sorted(b.entries)


def test_numbers_are_scaled_with_the_efficiency_of_the_selection() -> None:
    data = dataset(10, 10, efficiencies=(0.5, 1.0))
    a, _ = split(data, "nTrain_Signal=8:nTrain_Background=8:ScaleWithPreselEff")
    assert np.bincount(a.class_index).tolist() == [4, 8]
    a, _ = split(data, "nTrain_Signal=8:nTrain_Background=8")
    assert np.bincount(a.class_index).tolist() == [8, 8]


@pytest.mark.parametrize(("mode", "sums"), [("None", [6.0, 32.0]), ("NumEvents", [2, 4]), ("EqualNumEvents", [2, 2])])
def test_normalisation_of_the_training_weights(mode: str, sums: list[float]) -> None:
    data = dataset(4, 8, weights=np.array([2.0, 4, 1, 1, 8, 8, 8, 8, 1, 1, 1, 1]))
    a, b = split(data, f"SplitMode=Block:NormMode={mode}")
    assert [a.weights[a.class_index == c].sum() for c in (0, 1)] == pytest.approx(sums)
    assert a.weights[0] / a.weights[1] == 0.5
    assert b.weights.tolist() == [1] * 6
    assert data.weights[0] == 2.0


def test_regression_is_one_class() -> None:
    a, b = split(dataset(10), "nTrain_Regression=7")
    assert (len(a), len(b)) == (7, 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("nTrain_Signal=8", "class 'Signal' has 7 events, too few for the 8 requested for training and 0"),
        ("nTrain_Signal=4:nTest_Signal=4", "too few for the 4 requested for training and 4 for testing"),
        ("nTrain_Signal=7", "leaves 7 for training and 0 for testing"),
        ("nTest_Background=11", "leaves 0 for training and 11 for testing"),
        ("nTrain_Signl=4", "there is no class 'Signl'; near names: Signal"),
    ],
)
def test_wrong_numbers(options: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        split(dataset(7, 11), options)


def test_weights_that_cannot_be_scaled() -> None:
    with pytest.raises(DataError, match=r"training events of class 'Background' add up to -4.*take their absolute"):
        split(dataset(8, 8, weights=np.repeat([1.0, -1.0], 8)))
    split(dataset(8, 8, weights=np.repeat([1.0, -1.0], 8)), "NormMode=None")


def test_options_are_a_string_or_values() -> None:
    every: list[Any] = ["SplitMode=Block", {"SplitMode": "block"}, SplitOptions(SplitMode="Block")]
    a, b, c = (split(dataset(9, 9), options)[0].entries.tolist() for options in every)
    assert a == b == c


def test_efficiencies_that_nobody_told() -> None:
    data = dataclasses.replace(dataset(8, 8), efficiencies=())
    split(data, "nTrain_Signal=5")
    with pytest.raises(DataError, match=r"ScaleWithPreselEff needs .*; the dataset has 0 efficiencies for 2 classes"):
        split(data, "nTrain_Signal=5:ScaleWithPreselEff")


@given(st.integers(4, 40), st.integers(4, 40), st.sampled_from(["Random", "Alternate", "Block"]), st.integers(1, 99))
def test_no_event_twice(n_signal: int, n_background: int, mode: str, seed: int) -> None:
    a, b = split(dataset(n_signal, n_background), f"SplitMode={mode}:SplitSeed={seed}")
    together = np.concatenate([a.entries, b.entries])
    assert len(np.unique(together)) == len(together)
    assert np.bincount(a.class_index).tolist() == np.bincount(b.class_index).tolist()
    assert np.bincount(a.class_index).tolist() == [n_signal // 2, n_background // 2]


GIVEN = [  # training and test events given, others free; what is requested; what comes out
    ((3, 5, 0), "", (3, 5)),
    ((2, 0, 6), "", (4, 4)),
    ((0, 2, 6), "", (4, 4)),
    ((6, 0, 2), "", (6, 2)),
    ((1, 7, 2), "", (3, 7)),
    ((2, 2, 6), "nTrain_Signal=4", (4, 6)),
    ((4, 2, 4), "nTrain_Signal=3", (3, 6)),
    ((2, 2, 6), "nTest_Signal=3", (7, 3)),
    ((2, 2, 6), "nTrain_Signal=3:nTest_Signal=4", (3, 4)),
]


@pytest.mark.parametrize("mode", ["Random", "Block", "Alternate"])
@pytest.mark.parametrize(("sizes", "options", "expected"), GIVEN)
def test_events_whose_sample_is_given_stay_in_it(
    sizes: tuple[int, int, int], options: str, expected: tuple[int, int], mode: str
) -> None:
    trains, tests, free = sizes
    if mode == "Alternate" and expected[0] - trains > (free + 1) // 2:
        pytest.skip("no mode in which every second event is enough")
    place = np.repeat([TRAINING, TEST, FREE, FREE], [trains, tests, free, 4])
    training, test = split(dataset(sum(sizes), 4), f"{options}:SplitMode={mode}", assigned=place)
    of_signal = [part.entries[part.class_index == 0] for part in (training, test)]
    assert tuple(map(len, of_signal)) == expected
    assert not set(of_signal[0]) & set(of_signal[1])
    assert not set(of_signal[0]) & set(range(trains, trains + tests))
    assert not set(of_signal[1]) & set(range(trains))


def test_more_than_the_free_events_cannot_be_moved() -> None:
    place = np.repeat([TRAINING, TEST, FREE], [2, 6, 4])
    with pytest.raises(DataError, match="2 events given for training, 6 for testing and 0 others"):
        split(dataset(8, 4), "nTrain_Signal=5", assigned=place)

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
from pytmva_rnn.errors import DataError, OptionError
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
    with pytest.raises(DataError, match=r"training events of class 'Background' add up to -4.*use NormMode=None"):
        split(dataset(8, 8, weights=np.repeat([1.0, -1.0], 8)))
    split(dataset(8, 8, weights=np.repeat([1.0, -1.0], 8)), "NormMode=None")


def test_tmvas_string() -> None:
    options = SplitOptions.parse(
        "nTrain_Signal=1000:nTest_Background=0:SplitMode=random:mixmode=BLOCK:NormMode=NumEvents:SplitSeed=0:!V"
    )
    assert options == SplitOptions(
        MixMode="Block", SplitSeed=0, NormMode="NumEvents", nTrain={"Signal": 1000}, nTest={"Background": 0}
    )
    assert SplitOptions.parse("") == SplitOptions()
    assert SplitOptions.parse("V:ScaleWithPreselEff=T:VerboseLevel=debug") == SplitOptions(
        V=True, ScaleWithPreselEff=True, VerboseLevel="Debug"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SplitMod=Random", "unknown option of the split 'SplitMod'; did you mean SplitMode"),
        ("nTrainSignal=5", "known: SplitMode, .*, nTrain_<Class>, nTest_<Class>"),
        ("nTrain=5", "unknown option of the split 'nTrain'"),
        ("SplitMode=Odd", "SplitMode: 'Odd' is not one of Random, Alternate, Block"),
        ("NormMode", "option NormMode has no value"),
        ("SplitSeed=1e3", "SplitSeed: '1e3' is not an integer"),
        ("SplitSeed=-1", "SplitSeed: -1 is out of range: it must be at least 0"),
        ("SplitSeed=4294967296", "SplitSeed: 4294967296 is out of range: it must be at most 4294967295"),
        ("nTrain_Signal=10nTest_Signal=3", "nTrain_Signal: '10nTest_Signal=3' is not an integer; is a comma"),
        ("V=maybe", "V: 'maybe' is not True or False"),
        ("!V=False", "!V cannot have a value"),
        ("=3", "a value without the name of an option"),
    ],
)
def test_wrong_strings_show_the_place(text: str, message: str) -> None:
    with pytest.raises(OptionError, match=message) as error:
        SplitOptions.parse(f"SplitMode=Block:{text}")
    *_, shown, mark = str(error.value).splitlines()
    assert shown[mark.index("^") :] == (text.partition("=")[2] if " is " in message else text)


def test_values_of_python() -> None:
    wanted = SplitOptions.parse("SplitMode=Alternate:SplitSeed=3:nTrain_Signal=5:nTest_b=2:V")
    given: dict[str, Any] = {"SplitMode": "alternate", "SplitSeed": np.int64(3), "V": np.True_}
    counts: dict[str, Any] = {"nTrain": {"Signal": np.int32(5)}, "nTest": {"b": "2"}}
    assert SplitOptions(**given, **counts) == wanted
    assert SplitOptions.parse({**given, "ntrain_Signal": 5, "nTest": {"b": 2}}) == wanted
    a, b = (split(dataset(9, 9), options)[0] for options in ("SplitMode=Block", {"SplitMode": "block"}))
    assert a.entries.tolist() == b.entries.tolist()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"SplitMode": "Randon"}, "SplitMode: 'Randon' is not one of Random, Alternate, Block"),
        ({"NormMode": None}, 'NormMode: None is no value; .* or write "None"'),
        ({"SplitSeed": 1.5}, "SplitSeed: '1.5' is not an integer"),
        ({"SplitSeed": "1" * 5000}, "SplitSeed: '111.* is too large: an integer has at most 18 digits"),
        ({"nTrain": {"Signal": -1}}, "nTrain_Signal: -1 is out of range"),
        ({"nTrain": {"Signal": 2.0}}, "nTrain_Signal: '2.0' is not an integer"),
        ({"nTrain": {"a:V": 1}}, "nTrain: 'a:V' cannot be the name of a class"),
        ({"nTest": 3}, "nTest is a mapping of names of classes to numbers of events, not 3"),
    ],
)
def test_wrong_values_of_python_are_named(given: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        SplitOptions(**given)


def test_efficiencies_that_nobody_told() -> None:
    data = dataclasses.replace(dataset(8, 8), efficiencies=())
    split(data, "nTrain_Signal=5")
    with pytest.raises(DataError, match=r"ScaleWithPreselEff needs .*; the dataset has 0 efficiencies for 2 classes"):
        split(data, "nTrain_Signal=5:ScaleWithPreselEff")


OPTIONS = st.builds(
    SplitOptions,
    SplitMode=st.sampled_from(["Random", "Alternate", "Block"]),
    MixMode=st.sampled_from(["SameAsSplitMode", "Random", "Alternate", "Block"]),
    SplitSeed=st.integers(0, 2**32 - 1),
    NormMode=st.sampled_from(["EqualNumEvents", "NumEvents", "None"]),
    nTrain=st.dictionaries(st.sampled_from(["Signal", "Background"]), st.integers(0, 1000)),
    nTest=st.dictionaries(st.sampled_from(["Signal", "Background"]), st.integers(0, 1000)),
    ScaleWithPreselEff=st.booleans(),
    V=st.booleans(),
    VerboseLevel=st.sampled_from(["Info", "Debug", "Verbose"]),
)


@given(OPTIONS)
def test_there_and_back(options: SplitOptions) -> None:
    assert SplitOptions.parse(str(options)) == options
    assert SplitOptions.parse(options.to_dict()) == options


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

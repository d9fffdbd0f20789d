"""Options of the split: TMVA's string, values of Python, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytmva_rnn.errors import OptionError
from pytmva_rnn.options import SplitOptions


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
        ("nTrainSignal=5", "known: SplitMode, .*, nTrain_<Class>, nTest_<Class>, TrainTestSplit_<Class>"),
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
        ({"nTest": 3}, "nTest is a mapping of names of classes to numbers, not 3"),
        (
            {"TrainTestSplit": {"Signal": 1.0}},
            "TrainTestSplit_Signal: 1.0 is out of range: a fraction .* between 0 and 1",
        ),
    ],
)
def test_wrong_values_of_python_are_named(given: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        SplitOptions(**given)


OPTIONS = st.builds(
    SplitOptions,
    SplitMode=st.sampled_from(["Random", "Alternate", "Block"]),
    MixMode=st.sampled_from(["SameAsSplitMode", "Random", "Alternate", "Block"]),
    SplitSeed=st.integers(0, 2**32 - 1),
    NormMode=st.sampled_from(["EqualNumEvents", "NumEvents", "None"]),
    nTrain=st.dictionaries(st.sampled_from(["Signal", "Background"]), st.integers(0, 1000)),
    nTest=st.dictionaries(st.sampled_from(["Signal", "Background"]), st.integers(0, 1000)),
    TrainTestSplit=st.dictionaries(st.just("Signal"), st.floats(0, 1, exclude_max=True)),
    ScaleWithPreselEff=st.booleans(),
    V=st.booleans(),
    VerboseLevel=st.sampled_from(["Info", "Debug", "Verbose"]),
)


@given(OPTIONS)
def test_there_and_back(options: SplitOptions) -> None:
    assert SplitOptions.parse(str(options)) == options
    assert SplitOptions.parse(options.to_dict()) == options

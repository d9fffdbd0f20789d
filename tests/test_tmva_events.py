"""Events that are given to the data loader one by one, and copies of data loaders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import awkward as ak
import numpy as np
import pytest

from pytmva_rnn import tmva as TMVA
from pytmva_rnn.errors import DataError, OptionError


def loader() -> TMVA.DataLoader:
    made = TMVA.DataLoader("dataset")
    made.AddVariable("sum := x + y")
    made.AddVariablesArray("v", 2)
    made.AddSpectator("id")
    return made


def test_events_go_where_they_are_sent() -> None:
    made = loader()
    for i in range(4):
        made.AddSignalTrainingEvent([i, 10 + i, 20 + i, 2**40 + i], 2.0)
        made.AddBackgroundTrainingEvent(np.array([-i, 1, 2, 3]), weight=0.5)
    made.AddSignalTestEvent((7, 8, 9, 10))
    made.AddBackgroundTestEvent([1, 1, 1, 1], 3.0)
    made.AddTrainingEvent("Signal", [100, 0, 0, 0], 1.0)
    made.AddTestEvent("Background", [5, 5, 5, 5], 4.0)
    made.AddEvent("Background", TMVA.Types.kTesting, [6, 6, 6, 6], 5.0)
    made.PrepareTrainingAndTestTree("", "", "SplitMode=Block:NormMode=None")
    training, test = made.samples().training, made.samples().test
    assert training.X.tolist() == [
        *[[i, 10 + i, 20 + i] for i in range(4)],
        [100, 0, 0],
        *[[-i, 1, 2] for i in range(4)],
    ]
    assert training.spectators[:4, 0].tolist() == [2**40 + i for i in range(4)]
    assert training.weights.tolist() == [2, 2, 2, 2, 1, 0.5, 0.5, 0.5, 0.5]
    assert (test.X[:, 0].tolist(), test.weights.tolist()) == ([7, 1, 5, 6], [1, 3, 4, 5])
    assert made.UserAssignEvents(1)


def test_events_and_trees_go_together() -> None:
    made = TMVA.DataLoader("dataset")
    made.AddVariable("x")
    made.AddVariable("y")
    made.AddSignalTree({"x": np.arange(4.0), "y": np.zeros(4), "w": np.full(4, 7.0)}, 0.5, "Train")
    for i in range(6):
        made.AddSignalTestEvent([i, 0])
        made.AddBackgroundTrainingEvent([i, 0], 2.0)
        made.AddBackgroundTestEvent([i, 0], 2.0)
    made.SetSignalWeightExpression("w")
    made.PrepareTrainingAndTestTree("x > 1", "SplitMode=Block:NormMode=None")
    training, test = made.samples().training, made.samples().test
    assert (training.X[:, 0].tolist(), training.weights.tolist()) == ([2, 3, 2, 3, 4, 5], [3.5, 3.5, 2, 2, 2, 2])
    assert test.weights.tolist() == [1] * 4 + [2] * 4
    assert training.efficiencies == (pytest.approx(6 / 10), pytest.approx(8 / 12))


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ([1, 2, 3], "variables, targets and spectators in a row, here 4 numbers, not 3"),
        ([1, 2, 3, np.nan], "event 0 added to class 'Signal': a value is NaN"),
        (["a", 2, 3, 4], "an event is a list of numbers"),
        (5, "an event is a list of numbers, not 5"),
    ],
)
def test_wrong_events_are_named(event: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        loader().AddSignalTrainingEvent(event)


def test_what_does_not_fit_the_events_is_named() -> None:
    made = loader()
    with pytest.raises(DataError, match="a weight is NaN"):
        made.AddSignalTrainingEvent([1, 2, 3, 4], float("inf"))
    with pytest.raises(DataError, match="kTraining or kTesting"):
        made.AddEvent("Signal", TMVA.Types.kMaxTreeType, [1, 2, 3, 4])
    made.AddSignalTrainingEvent([1, 2, 3, 4])
    made.AddBackgroundTestEvent([1, 2, 3, 4])
    made.AddCut("x > 0")
    with pytest.raises(DataError, match="no branch 'x' in the events added to class 'Signal'"):
        made.samples()
    made.SetCut("")
    made.AddVariable("z")
    with pytest.raises(
        DataError, match="have 4 numbers each, but 5 variables, targets and spectators are declared now"
    ):
        made.samples()


def test_one_tree_of_both_classes() -> None:
    made = TMVA.DataLoader("dataset")
    made.SetInputVariables(["x", "y"])
    made.SetInputTrees({"x": np.arange(10.0), "y": np.zeros(10)}, "x < 4", "x >= 4")
    made.PrepareTrainingAndTestTree("", "SplitMode=Block")
    assert np.bincount(made.samples().training.class_index).tolist() == [2, 3]


def test_a_copy_is_a_data_loader_of_its_own() -> None:
    made = loader()
    made.AddSignalTrainingEvent([1, 2, 3, 4])
    copied = made.MakeCopy("other")
    copied.AddSignalTrainingEvent([1, 2, 3, 4])
    copied.AddCut("id > 0", "Signal")
    copied.AddSpectator("more")
    assert (made.GetName(), copied.GetName()) == ("dataset", "other")
    assert made.GetDataSetInfo().GetNSpectators() == 1
    assert not made.GetDataSetInfo().HasCuts()
    assert [len(each) for each in made._events.values()] == [1]


def test_what_the_data_set_info_tells() -> None:
    made = loader()
    made.AddSignalTrainingEvent([1, 2, 3, 4])
    made.AddBackgroundTrainingEvent([1, 2, 3, 4])
    made.AddCut("id > 0")
    made.AddCut("id < 9", "Background")
    made.SetWeightExpression("w", "Signal")
    made.PrepareTrainingAndTestTree("", "TrainTestSplit_Signal=0.5")
    info = made.GetDataSetInfo()
    infos: Sequence[Any] = info.GetVariableInfos()
    assert [(v.GetExpression(), v.GetLabel(), v.GetTitle(), v.GetName()) for v in infos] == [
        ("x+y", "sum", "sum", "sum"),
        ("v", "v", "[0]", "v[0]"),
        ("v", "v", "[1]", "v[1]"),
    ]
    assert (info.GetVarArraySize("v"), info.GetVarArraySize("x+y"), info.IsVariableFromArray(2)) == (2, -1, True)
    assert (info.FindVarIndex("sum"), info.FindVarIndex("x")) == (0, -1)
    assert (info.GetCut("Background"), info.GetCut(0)) == ("(id > 0) && (id < 9)", "id > 0")
    assert (info.GetWeightExpression(0), info.GetClassInfo(1).GetWeight()) == ("w", "")
    assert (info.GetSignalClassIndex(), info.GetSplitOptions()) == (0, "TrainTestSplit_Signal=0.5")
    with pytest.raises(DataError, match="there is no class 'Odd'; there are: Signal, Background"):
        info.GetClassInfo("Odd")
    with pytest.raises(DataError, match="there is no variable 3; there are 3"):
        info.GetVariableInfo(3)


def test_events_that_come_twice_are_named() -> None:
    def made() -> TMVA.DataLoader:
        loader = TMVA.DataLoader("dataset")
        loader.AddVariable("x")
        return loader

    signal, background = {"x": np.arange(8.0)}, {"x": np.arange(8.0)}
    both = made()
    for tree, name in ((signal, "Signal"), (background, "Background")):
        for sample in ("Train", "Test"):
            both.AddTree(tree, name, 1.0, "", sample)
    with pytest.raises(DataError, match="is in the training and in the test sample, as 16 entries are"):
        both.samples()
    apart = made()
    for tree, name in ((signal, "Signal"), (background, "Background")):
        apart.AddTree(tree, name, 1.0, "x < 4", "Train")
        apart.AddTree(tree, name, 1.0, "x >= 4", "Test")
    assert len(apart.samples().training) == len(apart.samples().test) == 8
    twice = made()
    twice.SetInputTrees(signal, background)
    twice.AddSignalTree(signal, 0.5)
    with pytest.raises(DataError, match="is twice in class 'Signal'"):
        twice.samples()
    same = made()
    same.AddVariable("x")
    same.SetInputTrees(signal, background)
    with pytest.raises(DataError, match="variable 'x' is there twice"):
        same.samples()
    alone = made()
    alone.AddSignalTree(signal)
    with pytest.raises(DataError, match="two classes or more, here there is 'Signal' only: add another tree, or"):
        alone.samples()
    with pytest.raises(OptionError, match=r"test is an option of pytmva_rnn\.data\.divide, not of TMVA's split"):
        alone.PrepareTrainingAndTestTree("", test="x > 4")


def test_lists_make_an_event_of_each_element() -> None:
    made = TMVA.DataLoader("dataset")
    made.AddVariable("pt")
    made.AddVariable("met")
    pt = ak.Array([[1.0, 5.0], [3.0], []])
    made.AddTree({"pt": pt, "met": np.arange(3)}, "Signal", 1.0, "pt > 2", "Train")
    made.AddTree({"pt": pt, "met": np.arange(3)}, "Signal", 1.0, "pt < 2", "Test")
    made.AddBackgroundTree({"pt": pt[:2], "met": np.arange(10, 12)})
    made.PrepareTrainingAndTestTree("", "SplitMode=Block:nTrain_Background=1")
    assert made.samples().training.X[:2].tolist() == [[5, 0], [3, 1]]
    assert made.samples().test.X.tolist() == [[1, 0], [5, 10], [3, 11]]

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pytmva_rnn import tmva as TMVA
from pytmva_rnn.errors import DataError, OptionError


def events(n: int, start: float = 0.0, **more: Any) -> dict[str, Any]:
    x = start + np.arange(n)
    return {"x": x, "y": 2 * x, "w": np.full(n, 2.0), "v": np.stack([x, -x], axis=1)} | more


def loader(*variables: str) -> TMVA.DataLoader:
    made = TMVA.DataLoader("dataset")
    for variable in variables or ("x",):
        made.AddVariable(variable)
    return made


def test_variables_as_the_weight_file_describes_them() -> None:
    made = TMVA.DataLoader("dataset")
    made.AddVariable("x", "Title", "GeV", "F", 0, 1)
    made.AddVariable("y", "I")
    made.AddVariable("sum := x + !y")
    made.AddVariable("!y")
    made.AddVariablesArray("v", 2)
    made.AddSpectator("w", "weight", "")
    made.AddSignalTree(events(4))
    made.AddBackgroundTree(events(4, 10))
    variables, spectators, targets = made.tables()
    assert [(v.expression, v.label, v.title, v.unit, v.internal, v.type) for v in variables] == [
        ("x", "x", "Title", "GeV", "x", "F"),
        ("y", "y", "y", "", "y", "I"),
        ("x+!y", "sum", "sum", "", "sum", "F"),
        ("!y", "!y", "!y", "", "_y", "F"),
        ("v", "v", "[0]", "", "v[0]", "F[]"),
        ("v", "v", "[1]", "", "v[1]", "F[]"),
    ]
    assert [(s.expression, s.title, s.min, s.max) for s in spectators] == [("w", "weight", 2, 2)]
    assert targets == ()
    both = np.concatenate([made.samples().training.X, made.samples().test.X])
    assert sorted(both[:, 2].tolist()) == [1, 1, 2, 3, 10, 11, 12, 13]
    info = made.GetDataSetInfo()
    assert list(info.GetListOfVariables()) == ["x", "y", "x+!y", "!y", "v", "v"]
    assert info.GetListOfVariables().size() == info.GetNVariables() == 6
    assert (info.GetNClasses(), info.GetNSpectators(), info.GetNTargets()) == (2, 1, 0)


@pytest.mark.parametrize(
    ("arguments", "keywords", "training", "test"),
    [
        (("x > 1", "nTrain_Signal=3:nTrain_Background=4:SplitMode=Block"), {}, (3, 4), (5, 4)),
        (("x > 1", "x > 104", "SplitMode=Block:!V:!CalcCorrelations"), {}, (4, 2), (4, 2)),
        (
            ("", ""),
            {"nTrain_Signal": 0.5 * 8, "nTest_Signal": 1, "V": False, "CalcCorrelations": False},
            (4, 5),
            (1, 5),
        ),
        (("x > 1",), {"SplitMode": "Alternate", "NormMode": None}, (4, 4), (4, 4)),
        (("", 3, 2), {}, (3, 3), (2, 2)),
        (("", 3), {}, (3, 3), (7, 7)),
        (("", 3, 4, 2, -1, "SplitMode=Block"), {}, (3, 4), (2, 6)),
        ((), {}, (5, 5), (5, 5)),
    ],
)
def test_every_form_of_preparing(
    arguments: tuple[Any, ...], keywords: dict[str, Any], training: tuple[int, int], test: tuple[int, int]
) -> None:
    made = loader()
    made.AddSignalTree(events(10))
    made.AddBackgroundTree({"x": np.array([0.0, 0.0, *range(101, 109)])})
    made.PrepareTrainingAndTestTree(*arguments, **keywords)
    samples = made.samples()
    for sample, counts in ((samples.training, training), (samples.test, test)):
        assert tuple(np.bincount(sample.class_index)) == counts


def test_wrong_forms_of_preparing() -> None:
    made = loader()
    with pytest.raises(TypeError, match=r"takes \(cut, options\)"):
        made.PrepareTrainingAndTestTree("", "", "", "")
    with pytest.raises(OptionError, match="SplitMode"):
        made.PrepareTrainingAndTestTree("", "SplitMod=Random")


def test_weights_of_trees_events_and_classes() -> None:
    made = loader()
    made.AddTree(events(4), "Signal", 3.0)
    made.AddTree(events(4, 10), "Signal", 0.5)
    made.AddTree(events(4, 20), "Background", -1.0)
    made.SetWeightExpression("w")
    made.SetBackgroundWeightExpression("w * x / 10")
    made.PrepareTrainingAndTestTree("", "NormMode=None:SplitMode=Block:nTrain_Signal=6:nTrain_Background=2")
    samples = made.samples()
    assert samples.training.weights.tolist() == [6, 6, 6, 6, 1, 1, -4, -4.2]
    assert samples.test.weights.tolist() == [1, 1, -4.4, -4.6]


def test_norm_mode_multiplies_the_training_weights() -> None:
    made = loader()
    made.AddSignalTree(events(8), 5.0)
    made.AddBackgroundTree(events(4))
    made.PrepareTrainingAndTestTree("", "NormMode=EqualNumEvents")
    training, test = made.samples().training, made.samples().test
    assert [training.weights[training.class_index == c].sum() for c in (0, 1)] == pytest.approx([4, 4])
    assert test.weights[test.class_index == 0].tolist() == [5] * 4


def test_cuts_of_trees_and_classes_add_up() -> None:
    made = loader()
    made.AddTree(events(10), "A", 1.0, "x < 8")
    made.AddTree(events(10), "B")
    made.AddCut("x > 1")
    made.AddCut("x != 5", "A")
    made.AddCut("x < 3", "B")
    made.SetCut("!(x < 3)", "B")
    samples = made.samples()
    kept = [np.concatenate([s.X[s.class_index == c, 0] for s in (samples.training, samples.test)]) for c in (0, 1)]
    assert set(kept[0]) <= {2, 3, 4, 6, 7}
    assert set(kept[1]) <= {3, 4, 5, 6, 7, 8, 9}
    assert samples.training.efficiencies == (0.5, 0.7)


def test_given_training_and_test_trees() -> None:
    made = loader()
    made.AddSignalTree(events(3), 1.0, "Train")
    made.AddSignalTree(events(5, 10), 1.0, TMVA.Types.kTesting)
    made.AddTree(events(4, 20), "Background", 1.0, "", "test")
    made.AddTree(events(6, 30), "Background", 1.0, "", TMVA.Types.kTraining)
    made.AddTree(events(2, 40), "Background", 1.0, "", "Train and Test")
    samples = made.samples()
    assert sorted(samples.training.X[:, 0].tolist()) == [0, 1, 2, 30, 31, 32, 33, 34, 35]
    assert sorted(samples.test.X[:, 0].tolist()) == [10, 11, 12, 13, 14, 20, 21, 22, 23, 40, 41]
    with pytest.raises(DataError, match="'Train' or 'Test', not 'both'"):
        made.AddSignalTree(events(3), 1.0, "both")


def test_spectators_go_along() -> None:
    made = loader()
    made.AddSpectator("y")
    made.SetInputTrees(events(6), events(6, 10))
    for sample in (made.samples().training, made.samples().test):
        np.testing.assert_array_equal(sample.spectators[:, 0], 2 * sample.X[:, 0])


def test_the_signal_is_class_0_whatever_is_added_first() -> None:
    made = loader()
    made.SetBackgroundTree(events(4))
    made.SetSignalTree(events(4))
    assert made.samples().training.classes == ("Signal", "Background")


def test_what_changes_is_read_again() -> None:
    made = loader()
    made.SetInputTrees(events(6), events(6))
    first = made.samples()
    assert made.samples() is first
    made.AddVariable("y")
    assert made.samples().training.X.shape == (6, 2)


def test_what_is_missing_is_named() -> None:
    made = TMVA.DataLoader("dataset")
    with pytest.raises(DataError, match="no variables: call AddVariable"):
        made.samples()
    made.AddVariable("x")
    with pytest.raises(DataError, match="no trees: call AddSignalTree"):
        made.samples()
    made.SetInputTrees(events(6), events(6))
    made.AddCut("x < 0", "Signal")
    with pytest.raises(DataError, match="class 'Signal' has no events: none of 6 passes the cuts"):
        made.samples()
    made.SetCut("", "Signal")
    made.AddCut("x > 0", "signal")
    with pytest.raises(DataError, match="a cut is given for the class 'signal', but trees only for Signal, Background"):
        made.samples()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("a :=",), "expression is missing"), (("x", "t", "u", "D"), "'F' or 'I', not 'D'"), (("x +",), "not understood")],
)
def test_wrong_variables(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(DataError, match=message):
        TMVA.DataLoader().AddVariable(*arguments)


def test_an_array_has_elements() -> None:
    with pytest.raises(DataError, match="at least one element, not 0"):
        TMVA.DataLoader().AddVariablesArray("v", 0)


def test_lists_are_events_of_each_element_as_in_cpp_tmva() -> None:
    lists = {"pt": [[5.0, 3.0], [], [2.0], [4.0, 6.0, 1.0]], "met": [1.0, 2.0, 3.0, 4.0]}
    made = loader("pt", "met")
    made.AddSignalTree(lists)
    made.AddBackgroundTree(lists)
    made.SetWeightExpression("pt * met")
    made.PrepareTrainingAndTestTree("pt > 1.5", "SplitMode=Block:NormMode=None")
    samples = made.samples()
    assert samples.training.X.tolist() == [[5, 1], [3, 1]] * 2
    assert samples.test.X.tolist() == [[2, 3], [4, 4]] * 2
    assert samples.test.weights.tolist() == [6, 16] * 2
    assert samples.training.efficiencies == (pytest.approx(5 / 6),) * 2

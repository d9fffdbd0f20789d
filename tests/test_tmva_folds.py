"""Folds as C++ TMVA makes them (std::shuffle of libstdc++ with ROOT's TRandom3)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pytmva_rnn import tmva as TMVA
from pytmva_rnn.errors import DataError


def loader(n: int, **columns: Any) -> TMVA.DataLoader:
    """All events but one of each class in the training sample, in their order, signal first."""
    made = TMVA.DataLoader("dataset")
    made.AddVariable("x")
    made.AddSpectator("eventID := id % 1024")
    x = np.arange(n)
    of_signal = x % 2 == 0
    for name, member in (("Signal", of_signal), ("Background", ~of_signal)):
        made.AddTree({"x": x[member], "id": x[member] + 2048} | columns, name, 1.0, "", "Train")
        made.AddTree({"x": np.array([100.0]), "id": np.array([100])}, name, 1.0, "", "Test")
    made.PrepareTrainingAndTestTree("", "SplitMode=Block:NormMode=None")
    return made


def folds(split: TMVA.CvSplitKFolds, data: TMVA.DataLoader) -> list[list[float]]:
    data.MakeKFoldDataSet(split)
    found = []
    for fold in range(split.GetNumFolds()):
        data.PrepareFoldDataSet(split, fold)
        samples = data.samples()
        found.append(samples.test.X[:, 0].tolist())
        others = [e for g in range(split.GetNumFolds()) if g != fold for e in samples.training.X[:, 0]]
        assert len(others) == (split.GetNumFolds() - 1) * len(samples.training)
        assert not set(found[-1]) & set(samples.training.X[:, 0].tolist())
    return found


def test_folds_by_chance_are_cpps() -> None:
    # C++: 2 2 1 1 0 1 0 1 0 0 2 for eleven events and three folds
    data = loader(11)
    order = data.samples().training.X[:, 0]
    mapping = np.array([2, 2, 1, 1, 0, 1, 0, 1, 0, 0, 2])
    wanted = [order[mapping == fold].tolist() for fold in range(3)]
    assert folds(TMVA.CvSplitKFolds(3, "", False), data) == wanted


def test_folds_within_classes_are_cpps() -> None:
    # C++, of seven events: 3 6 0, 4 1, 2 5; of five: 3 0, 1 4, 2
    data = loader(12)
    data.AddTree({"x": np.array([50.0]), "id": np.array([50])}, "Signal", 1.0, "", "Train")
    signal, background = [0.0, 2, 4, 6, 8, 10, 50], [1.0, 3, 5, 7, 9]
    data.AddCut("x != 11")
    wanted = [
        [signal[i] for i in s] + [background[i] for i in b]
        for s, b in (((3, 6, 0), (3, 0)), ((4, 1), (1, 4)), ((2, 5), (2,)))
    ]
    assert folds(TMVA.CvSplitKFolds(3), data) == wanted
    split = TMVA.CvSplitKFolds(3)
    data.PrepareTrainingAndTestTree("", "SplitMode=Block:NormMode=None")
    data.MakeKFoldDataSet(split)
    data.RecombineKFoldDataSet(split)
    assert data.samples().training is data.samples().test
    assert data.samples().test.X[:, 0].tolist() == [x for part in wanted for x in part]
    data.PrepareTrainingAndTestTree("", "SplitMode=Block:NormMode=None")
    assert len(data.samples().test) == 2


def test_folds_by_an_expression() -> None:
    data = loader(12)
    order = data.samples().training.X[:, 0]
    wanted = [order[order % 5 == fold].tolist() for fold in range(5)]
    assert folds(TMVA.CvSplitKFolds(5, "int(fabs([eventID]))%int([NumFolds])"), data) == wanted
    halves = folds(TMVA.CvSplitKFolds(2, "[eventID] < 6 ? 0.49 : 0.5"), data)
    assert [set(half) for half in halves] == [set(range(6)), set(range(6, 12))]


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ((5, "[number]%5"), "there is no spectator 'number', call AddSpectator; there are: eventID"),
        ((5, "eventID%5"), r"write spectators in brackets, \[eventID\]"),
        ((2, "[eventID]"), "event 1 has the value 2, but it must be one of 0 to 1"),
        ((2, "[eventID] - 1"), "event 0 has the value -1"),
        ((3, "[eventID]%2"), "fold 2 of 3 has none of the 12 training events"),
        ((2, "[eventID"), "SplitExpr|expression"),
    ],
)
def test_wrong_folds_are_named(split: tuple[int, str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        loader(12).MakeKFoldDataSet(TMVA.CvSplitKFolds(*split))


def test_wrong_use_of_folds() -> None:
    data, split = loader(8), TMVA.CvSplitKFolds(2)
    with pytest.raises(DataError, match="at least 2 folds, not 1"):
        TMVA.CvSplitKFolds(1)
    with pytest.raises(DataError, match="call MakeKFoldDataSet first"):
        data.PrepareFoldDataSet(split, 0)
    with pytest.raises(TypeError, match=r"takes a TMVA.CvSplitKFolds, CvSplitKFolds\(5\)"):
        data.MakeKFoldDataSet(5)  # type: ignore[arg-type]
    data.MakeKFoldDataSet(split)
    with pytest.raises(DataError, match="no fold 2; the folds are 0 to 1"):
        data.PrepareFoldDataSet(split, 2)
    with pytest.raises(DataError, match="kTraining or kTesting"):
        data.PrepareFoldDataSet(split, 1, TMVA.Types.kValidation)
    data.PrepareFoldDataSet(split, 1, TMVA.Types.kTesting)

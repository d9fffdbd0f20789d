"""TMVA's test of MethodDL with recurrent layers: from the DataLoader through the Factory to the Reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pytmva_rnn import tmva as TMVA
from pytmva_rnn.trandom import TRandom3

NTIME, NINPUT, EVENTS = 5, 4, 400


def make_events(label: int, random: TRandom3) -> dict[str, NDArray[np.float32]]:
    """The class shows in how the mean changes with time, as in TestFullRNN."""
    mean = np.full(NTIME, 4.0) if label == 0 else 2.0 * np.arange(NTIME)
    X = mean[None, :, None] + random.gaus(EVENTS * NTIME * NINPUT).reshape(EVENTS, NTIME, NINPUT)
    return {f"vars_time{j}": X[:, j].astype(np.float32) for j in range(NTIME)} | {"id": np.arange(EVENTS)}


@pytest.mark.parametrize("recurrent", ["RNN", "LSTM", "GRU"])
def test_method_dl(recurrent: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    TMVA.Tools.Instance()
    factory = TMVA.Factory("RNNClassification", "TMVA.root", "!V:!Silent:!DrawProgressBar:AnalysisType=Classification")
    loader = TMVA.DataLoader("dataset")
    for j in range(NTIME):
        loader.AddVariablesArray(f"vars_time{j}", NINPUT)
    loader.AddSpectator("id")
    random = TRandom3(111)
    trees: dict[str, Any] = {"Signal": make_events(1, random), "Background": make_events(0, random)}
    loader.AddSignalTree(trees["Signal"], 1.0)
    loader.AddBackgroundTree(trees["Background"], 1.0)
    loader.PrepareTrainingAndTestTree("", "nTrain_Signal=300:nTrain_Background=300:NormMode=NumEvents:!V")
    title = f"TMVA_{recurrent}"
    factory.BookMethod(
        loader,
        TMVA.Types.kDL,
        title,
        f"!H:V:RandomSeed=111:InputLayout={NTIME}|{NINPUT}:Layout={recurrent}|6|{NINPUT}|{NTIME}|0|1,RESHAPE|FLAT,"
        "DENSE|10|TANH,LINEAR:TrainingStrategy=LearningRate=1e-2,BatchSize=30,MaxEpochs=15,TestRepetitions=1,"
        "Optimizer=ADAM:Architecture=CPU",
    )
    factory.TrainAllMethods()
    factory.TestAllMethods()
    factory.EvaluateAllMethods()
    assert factory.GetROCIntegral(loader, title) > 0.95

    reader = TMVA.Reader("!Color:!Silent")
    values = [np.zeros(NINPUT, np.float32) for _ in range(NTIME)]
    for j in range(NTIME):
        reader.AddVariable(f"vars_time{j}", values[j])
    reader.AddSpectator("id", np.zeros(1, np.int32))
    reader.BookMVA(title, f"dataset/weights/RNNClassification_{title}.weights.xml")
    efficiencies = {}
    for name, tree in trees.items():
        scores = []
        for event in range(50):
            for j in range(NTIME):
                values[j][:] = tree[f"vars_time{j}"][event]
            scores.append(reader.EvaluateMVA(title))
        np.testing.assert_allclose(reader.evaluate(tree, title)[:50], scores, rtol=1e-5)
        efficiencies[name] = np.mean(np.array(scores) > 0.5)
    print(f"{title}: efficiencies {efficiencies}")
    assert efficiencies["Signal"] > 0.9
    assert efficiencies["Background"] < 0.1

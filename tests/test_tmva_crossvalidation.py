from __future__ import annotations

import re
from array import array
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot

from pytmva_rnn import read_weights
from pytmva_rnn import tmva as TMVA
from pytmva_rnn.errors import DataError, OptionError, TrainingError, WeightFileError
from pytmva_rnn.report import roc_integral
from pytmva_rnn.tmva.folded_model import FoldedModel
from pytmva_rnn.weightfile.folds_file import read_folds

DENSE = (
    "!H:RandomSeed=7:Layout=DENSE|6|TANH,LINEAR:"
    "TrainingStrategy=LearningRate=1e-2,MaxEpochs=4,BatchSize=20,TestRepetitions=1,Optimizer=ADAM"
)
EXPRESSION = "int(fabs([eventID]))%int([NumFolds])"


def events(n: int, mean: float, seed: int) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    x, y = random.normal(mean, 1.0, (2, n))
    return {"x": x, "y": y, "id": random.permutation(n)}


@pytest.fixture
def loader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TMVA.DataLoader:
    monkeypatch.chdir(tmp_path)
    made = TMVA.DataLoader("datasetcv")
    made.AddVariable("x")
    made.AddVariable("y")
    made.AddSpectator("eventID := id % 4096")
    made.AddSignalTree(events(150, 1, 1))
    made.AddBackgroundTree(events(151, -1, 2))
    made.PrepareTrainingAndTestTree("", "nTest_Signal=1:nTest_Background=1:NormMode=NumEvents:!V")
    return made


def test_each_fold_is_tested_by_a_network_that_has_not_seen_it(
    loader: TMVA.DataLoader, capsys: pytest.CaptureFixture[str]
) -> None:
    options = (
        f"!V:!DrawProgressBar:SplitType=Deterministic:NumFolds=3:SplitExpr={EXPRESSION}:FoldFileOutput:NumWorkerProcs=4"
    )
    cv = TMVA.CrossValidation("Job", loader, "cv.root", options + ":AnalysisType=Classification")
    cv.BookMethod(TMVA.Types.kDL, "DL", DENSE)
    assert [(m.GetValue("MethodName"), m.GetValue("MethodTitle")) for m in cv.GetMethods()] == [("DL", "DL")]
    with pytest.raises(TrainingError, match="call Evaluate first"):
        cv.GetResults()
    cv.Evaluate()
    (result,) = cv.GetResults()

    models = [read_weights(f"datasetcv/weights/Job_DL_fold{i}.weights.xml") for i in (1, 2, 3)]
    data = loader.samples().training
    fold = data.spectators[:, 0] % 3
    assert dict(models[0].info)["Training events"] == str((fold != 0).sum())
    for number, model in enumerate(models):
        own = data.take(np.flatnonzero(fold == number))
        area = roc_integral(own.y, model.predict(own.X), own.weights)
        assert result.GetROCValues()[number] == pytest.approx(area)
    values = list(result.GetROCValues().values())
    assert result.GetROCAverage() == pytest.approx(np.mean(values))
    assert result.GetROCAverage() > 0.85
    assert result.GetROCStandardDeviation() == pytest.approx(np.std(values, ddof=1))
    assert all(0.5 < value < 4 for value in result.GetSigValues())
    for found in (result.GetSepValues(), result.GetEff10Values(), result.GetTrainEff30Values()):
        assert len(found) == 3
        assert all(0 < value <= 1 for value in found)
    assert result.GetEff01Values() <= result.GetEff30Values()
    assert result.GetEffAreaValues() == pytest.approx(values, abs=0.02)

    capsys.readouterr()
    result.Print()
    shown = capsys.readouterr().out
    assert re.search(rf"Fold  2 ROC-Int : {values[2]:.4f}\n +: -+\n +: Average ROC-Int : {np.mean(values):.4f}", shown)
    curve = result.GetAvgROCCurve(11)
    assert (curve.GetN(), curve.GetPointX(5), curve.GetPointY(0)) == (11, 0.5, 1.0)
    assert curve.Eval(0.5) == pytest.approx(np.mean([c.Eval(0.5) for c in result.GetROCCurves().curves]))
    assert len(result.DrawAvgROCCurve(True).axes[0].lines) == 5

    with uproot.open("cv.root") as file:
        tree = file["datasetcv/TestTree"]
        assert tree.num_entries == len(data)
        fold, x, y = (tree[name].array(library="np") for name in ("eventID", "x", "y"))
        scores = tree["DL"].array(library="np")
        assert "datasetcv/Method_CrossValidation/DL/MVA_DL_S" in file
    X = np.stack([x, y], axis=1)
    own = np.select([fold % 3 == number for number in range(3)], [model.predict(X) for model in models])
    np.testing.assert_allclose(scores, own, rtol=1e-6)
    assert uproot.open("DL_fold2.root:datasetcv/TestTree").num_entries == np.sum(fold % 3 == 1)
    assert len(loader.samples().test) == 2  # as it was

    reader = TMVA.Reader()
    values_of = {name: array("f", [0.0]) for name in "xy"}
    number = array("i", [0])
    for name, value in values_of.items():
        reader.AddVariable(name, value)
    reader.AddSpectator("eventID := id % 4096", number)
    reader.BookMVA("DL", "datasetcv/weights/Job_DL.weights.xml")
    for i in range(9):
        values_of["x"][0], values_of["y"][0], number[0] = x[i], y[i], int(fold[i])
        assert reader.EvaluateMVA("DL") == pytest.approx(scores[i], rel=1e-6)
    columns = {"x": x, "y": y, "id": fold}
    np.testing.assert_allclose(reader.evaluate(columns, "DL"), scores, rtol=1e-6)
    with pytest.raises(DataError, match="its spectators tell the fold"):
        reader.evaluate(X, "DL")
    with pytest.raises(DataError, match="no distributions of its scores"):
        reader.GetProba("DL")
    with pytest.raises(DataError, match=r"use TMVA\.Reader"):
        TMVA.Experimental.RReader("datasetcv/weights/Job_DL.weights.xml")
    with pytest.raises(WeightFileError, match="this is a CrossValidation weight file"):
        read_weights("datasetcv/weights/Job_DL.weights.xml")


def test_the_mean_of_all_networks(loader: TMVA.DataLoader) -> None:
    cv = TMVA.CrossValidation("Job", loader, "Silent", NumFolds=2, OutputEnsembling="Avg", SplitType="Random")
    cv.BookMethod("DL", "A", DENSE)
    cv.BookMethod("DL", "B", DENSE.replace("|6|", "|4|"))
    cv.Evaluate()
    first, second = cv.GetResults()
    assert first.GetROCValues() != second.GetROCValues()
    assert cv.GetFactory().HasMethod("datasetcv", "B_fold2")
    path = "datasetcv/weights/Job_A.weights.xml"
    content = read_folds(path)
    assert content is not None
    assert (content.title, content.folds, content.expression, content.ensembling) == ("A", 2, "", "Avg")
    X = np.random.default_rng(1).normal(size=(20, 2)).astype(np.float32)
    scores = [read_weights(content.of_fold(path, fold)).predict(X) for fold in (0, 1)]
    reader = TMVA.Experimental.RReader(path)
    np.testing.assert_allclose(reader.Compute(X), np.mean(scores, axis=0), rtol=1e-6)
    np.testing.assert_allclose(reader.Compute(list(X[3])), np.mean(scores, axis=0)[3:4], rtol=1e-6)
    assert (reader.GetVariableNames(), reader.GetSpectatorNames()) == (["x", "y"], ["eventID"])

    text = Path(path).read_text()
    Path(path).write_text(text.replace('OutputEnsembling="Avg"', 'OutputEnsembling="None"'))
    with pytest.raises(WeightFileError, match="the folds were made by chance"):
        TMVA.Experimental.RReader(path)


def test_several_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    loader = TMVA.DataLoader("many")
    for name in "xy":
        loader.AddVariable(name)
    for number, name in enumerate(("Signal", "bg0", "bg1")):
        loader.AddTree(events(80, 3.0 * number, number), name)
    loader.PrepareTrainingAndTestTree("", "nTest_Signal=1:nTest_bg0=1:nTest_bg1=1")
    cv = TMVA.CrossValidation("Job", loader, ModelPersistence=False, SplitType="Random")
    cv.BookMethod("DL", "DL", DENSE + ":ErrorStrategy=MUTUALEXCLUSIVE")
    cv.Evaluate()
    (result,) = cv.GetResults()
    assert len(result.GetROCValues()) == cv.GetNumFolds() == 2
    assert np.isnan(result.GetSigValues()).all()
    assert not Path("many").exists()
    assert "1-vs-rest performance" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("NumFold=3", "unknown option 'NumFold' of the CrossValidation; near names: NumFolds"),
        ("SplitType=Odd", "SplitType is one of Deterministic, Random, RandomStratified; not 'Odd'"),
        ("SplitType=Deterministic", "needs SplitExpr, such as"),
        ("NumFolds=two", "NumFolds is a whole number, not 'two'"),
        ("OutputEnsembling=Max", "OutputEnsembling is one of None, Avg"),
        ("FoldFileOutput", "FoldFileOutput needs an output file"),
        ("AnalysisType=Odd", "AnalysisType is one of"),
    ],
)
def test_wrong_options_are_named(options: str, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        TMVA.CrossValidation("Job", TMVA.DataLoader(), options)


def test_what_cannot_be_evaluated_is_said_before_any_training(loader: TMVA.DataLoader) -> None:
    with pytest.raises(DataError, match="at least 2 folds, not 1"):
        TMVA.CrossValidation("Job", loader, "NumFolds=1")
    cv = TMVA.CrossValidation("Job", loader, "NumFolds=3:Silent")
    with pytest.raises(DataError, match="call BookMethod first"):
        cv.Evaluate()
    with pytest.raises(OptionError, match="kBDT are not part"):
        cv.BookMethod(TMVA.Types.kBDT, "BDT")
    cv.BookMethod("DL", "A", DENSE)
    with pytest.raises(DataError, match="there is a method 'A' already"):
        cv.BookMethod("DL", "A", DENSE)
    cv.SetSplitExpr("[number]%2")
    assert cv.GetSplitExpr() == "[number]%2"
    with pytest.raises(DataError, match="no spectator 'number'"):
        cv.Evaluate()
    cv.SetSplitExpr("")
    stratified = TMVA.CrossValidation("Job", loader, "NumFolds=2:Silent:SplitType=RandomStratified")
    stratified.BookMethod("DL", "A", DENSE)
    with pytest.raises(
        OptionError, match=r"the last 29 of 149 events of a fold validate .*: take SplitType=Random, or"
    ):
        stratified.Evaluate()
    cv.BookMethod("DL", "B", DENSE + ":InputLayout=3|2")
    with pytest.raises(OptionError, match="InputLayout=3"):
        cv.Evaluate()
    assert not Path("datasetcv").exists()


def test_a_file_that_does_not_fit_its_folds(loader: TMVA.DataLoader) -> None:
    cv = TMVA.CrossValidation("Job", loader, "Silent:OutputEnsembling=Avg")
    cv.BookMethod("DL", "DL", DENSE)
    cv.Evaluate()
    path = Path("datasetcv/weights/Job_DL.weights.xml")
    text = path.read_text()
    for old, new, message in (
        ('NumFolds="2"', 'NumFolds="3"', "Job_DL_fold3"),
        ('NumFolds="2"', 'NumFolds="1"', "NumFolds: expected at least 2, found 1"),
        ('NumFolds="2"', 'NumFolds="100000"', "NumFolds: expected at most 10000"),
        ('TypeName="DL"', 'TypeName="BDT"', "EncapsulatedMethodTypeName: expected one of DL"),
        ('JobName="Job"', 'JobName="../Job"', "JobName: expected a name without slashes"),
        ('Expression="x"', 'Expression="z"', "does not have the variables or the analysis of"),
    ):
        path.write_text(text.replace(old, new))
        with pytest.raises((WeightFileError, FileNotFoundError), match=message):
            TMVA.Experimental.RReader(path)
    path.write_text(text)
    assert isinstance(TMVA.Experimental.RReader(path)._model, FoldedModel)

from __future__ import annotations

import logging
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot

from pytmva_rnn import read_weights
from pytmva_rnn import tmva as TMVA
from pytmva_rnn.cli import main
from pytmva_rnn.errors import DataError, MissingExtraError, OptionError, OutputError, TrainingError
from pytmva_rnn.report import roc_integral
from pytmva_rnn.tmva.arguments import file_and_options
from pytmva_rnn.training.progress import EpochTable

STRATEGY = "LearningRate=1e-2,MaxEpochs=6,BatchSize=20,TestRepetitions=1,Optimizer=ADAM"
DENSE = f"!H:RandomSeed=7:Layout=DENSE|6|TANH,LINEAR:TrainingStrategy={STRATEGY}"


def events(n: int, mean: float, seed: int) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    x, y = random.normal(mean, 1.0, (2, n))
    return {"x": x, "y": y, "w": random.uniform(0.5, 1.5, n), "id": np.arange(n), "v": random.normal(mean, 1, (n, 3))}


@pytest.fixture
def loader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TMVA.DataLoader:
    monkeypatch.chdir(tmp_path)
    made = TMVA.DataLoader("dataset")
    made.AddVariable("x")
    made.AddVariable("sum := x + y")
    made.AddSpectator("id")
    made.AddSignalTree(events(200, 1, 1))
    made.AddBackgroundTree(events(240, -1, 2))
    made.SetWeightExpression("w")
    return made


def without_times(path: Path) -> str:
    return re.sub(r'<Info name="(Date|TrainingTime)" value="[^"]*"/>', "", path.read_text())


def test_names_that_no_output_file_can_hold_are_refused_before_a_training(loader: TMVA.DataLoader) -> None:
    other = loader.MakeCopy("a/b")
    message = "'a/b' cannot be the name of a folder in a ROOT file; leave out / and ;"
    with pytest.raises(DataError, match=message):
        TMVA.Factory("job", "out.root").BookMethod(other, TMVA.Types.kDL, "DL", DENSE)
    with pytest.raises(DataError, match=message):
        TMVA.CrossValidation("job", other, "cv.root").BookMethod(TMVA.Types.kDL, "DL", DENSE)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="only Linux has a folder in which no file can be made")
def test_files_that_cannot_be_written_are_found_before_a_training(loader: TMVA.DataLoader) -> None:
    with uproot.recreate("in.root") as file:
        file["t"] = {"x": np.arange(9.0), "y": np.arange(9.0), "id": np.arange(9), "w": np.ones(9)}
    loader.AddBackgroundTree("in.root:t")
    for target, message in (("/proc/x/out.root", "no file can be made in /proc"), ("in.root", "is also an input file")):
        factory = TMVA.Factory("job", target, Silent=True)
        factory.BookMethod(loader, TMVA.Types.kDL, "DL", DENSE)
        with pytest.raises(OutputError, match=message):
            factory.TrainAllMethods()
        validation = TMVA.CrossValidation("job", loader, target, "Silent:NumFolds=2:SplitType=Random")
        validation.BookMethod(TMVA.Types.kDL, "DL", DENSE)
        with pytest.raises(OutputError, match=message):
            validation.Evaluate()
    assert [path.name for path in Path().iterdir()] == ["in.root"]


def test_the_same_file_as_from_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with uproot.recreate("events.root") as file:
        for name, mean in (("sgn", 0.5), ("bkg", -0.5)):
            columns = events(300, mean, len(name))
            file.mktree(name, {key: np.dtype((np.float64, value.shape[1:])) for key, value in columns.items()})
            file[name].extend(columns)
    options = (
        "!H:V:VarTransform=N:RandomSeed=3:InputLayout=3|2:Layout=RNN|4|2|3|0|0,RESHAPE|FLAT,LINEAR:"
        f"TrainingStrategy={STRATEGY}"
    )
    split = "nTrain_Signal=200:nTrain_Background=180:SplitSeed=5:NormMode=NumEvents:!V"
    Path("c.toml").write_text(
        f"""
variables = ["x", {{expression = "y", title = "Y", unit = "GeV"}}, "r := sqrt(x*x + y*y)", "v[3]"]
spectators = ["id"]
split = "{split}"
[input]
files = "events.root"
weight = "w"
[input.Signal]
tree = "sgn"
selection = "x > -2 && y < 5"
tree_weight = 2.0
[input.Background]
tree = "bkg"
[method]
title = "TMVA_RNN"
options = "{options}"
"""
    )
    assert main(["train", "c.toml", "-o", "cli"]) == 0

    factory = TMVA.Factory("TMVAClassification", "!V:Silent:AnalysisType=Classification")
    loader = TMVA.DataLoader("dataset")
    loader.AddVariable("x", "F")
    loader.AddVariable("y", "Y", "GeV", "F")
    loader.AddVariable("r := sqrt(x*x + y*y)")
    loader.AddVariablesArray("v", 3)
    loader.AddSpectator("id")
    loader.AddSignalTree("events.root:sgn", 2.0)
    loader.AddBackgroundTree("events.root:bkg")
    loader.SetWeightExpression("w")
    loader.PrepareTrainingAndTestTree("x > -2 && y < 5", "", split)
    factory.BookMethod(loader, TMVA.Types.kDL, "TMVA_RNN", options)
    capsys.readouterr()
    factory.TrainAllMethods()
    # nothing but that C++ TMVA's Reader mistakes the elements of an array variable that is transformed
    said = [
        line for line in capsys.readouterr().out.splitlines() if "transforms all elements of v as the first" not in line
    ]
    assert said == []

    name = "dataset/weights/TMVAClassification_TMVA_RNN.weights.xml"
    assert without_times(tmp_path / name) == without_times(tmp_path / "cli" / name)
    assert 'value="Classification"' in without_times(tmp_path / name)


def test_classification(loader: TMVA.DataLoader, capsys: pytest.CaptureFixture[str]) -> None:
    factory = TMVA.Factory(
        "Job", "out.root", V=False, DrawProgressBar=False, Transformations="I;N", AnalysisType="Classification"
    )
    method = factory.BookMethod(
        loader,
        TMVA.Types.kDL,
        "A",
        H=False,
        V=True,
        VarTransform=None,
        RandomSeed=7,
        Layout="DENSE|6|TANH,LINEAR",
        TrainingStrategy=STRATEGY,
    )
    factory.BookMethod(loader, "DL", "B", DENSE)
    with pytest.raises(TrainingError, match="A is not trained yet: call TrainAllMethods"):
        factory.TestAllMethods()
    factory.TrainAllMethods()
    factory.TestAllMethods()
    factory.EvaluateAllMethods()
    shown = capsys.readouterr().out
    assert re.search(r"Factory +: Train method: A for Classification\n +: 220 events in the training sample", shown)
    assert re.search(r"\n +: +6 \| +0\.\d+ \| +0\.\d+ \|", shown)
    assert re.search(r"\n +: Creating xml weight file: dataset/weights/Job_B\.weights\.xml\n", shown)

    test = loader.samples().test
    area = roc_integral(test.y, method.model.predict(test.X), test.weights)
    assert area > 0.9
    assert re.search(rf": dataset +A +: {area:.3f}\n", shown)
    assert factory.GetROCIntegral(loader, "A") == factory.GetROCIntegral("dataset", "A") == area
    # The networks are the same, and from the background's side the ROC curve has the same area.
    assert factory.GetROCIntegral(loader, "B") == area
    assert factory.GetROCIntegral(loader, "A", 1) == pytest.approx(area)
    of_training = factory.GetROCIntegral(loader, "A", 0, TMVA.Types.kTraining)
    training = loader.samples().training
    assert of_training == roc_integral(training.y, method.model.predict(training.X), training.weights) != area

    assert factory.GetMethod("dataset", "A") is method
    assert read_weights(method.GetWeightFileName()).title == method.GetName() == method.GetMethodName() == "A"
    assert method.GetMethodTypeName() == "DL"
    assert "RandomSeed=7" in method.GetOptions()
    with uproot.open("out.root") as file:
        tree = file["dataset/TestTree"]
        np.testing.assert_array_equal(tree["A"].array(library="np"), method.model.predict(test.X))
        np.testing.assert_array_equal(tree["id"].array(library="np"), test.spectators[:, 0])
        np.testing.assert_allclose(tree["weight"].array(library="np"), test.weights, rtol=1e-6)
        assert "dataset/Method_DL/B/MVA_B_S" in file
        assert any(key.startswith("dataset/InputVariables_Norm") for key in file)
    assert logging.getLogger("pytmva_rnn").handlers == []


def test_a_weight_file_is_tested_beside_the_others(loader: TMVA.DataLoader, capsys: pytest.CaptureFixture[str]) -> None:
    first = TMVA.Factory("First", "Silent")
    trained = first.BookMethod(loader, "DL", "A", DENSE)
    first.TrainAllMethods()
    factory = TMVA.Factory("Second", "out.root", DrawProgressBar=False)
    given = factory.BookMethodWeightfile(loader, TMVA.Types.kDL, trained.GetWeightFileName())
    factory.BookMethod(loader, "DL", "B", DENSE.replace("|6|", "|3|"))
    assert factory.HasMethod("dataset", "A")
    assert not factory.HasMethod("dataset", "C")
    assert not factory.HasMethod("other", "A")
    factory.TrainAllMethods()
    factory.TestAllMethods()
    factory.EvaluateAllMethods()
    shown = capsys.readouterr().out
    assert "Method A is trained already: its weight file was booked" in shown
    assert re.search(r"dataset +A +: 0\.\d+", shown)
    assert factory.GetROCIntegral(loader, "A") == pytest.approx(first.GetROCIntegral(loader, "A"), abs=1e-6)
    assert str(given.options) == str(trained.options)
    assert not Path("dataset/weights/Second_A.weights.xml").exists()
    with uproot.open("out.root") as file:
        assert "dataset/Method_DL/A/MVA_A_S" in file
    with pytest.raises(DataError, match="there is a method 'A' for 'dataset' already"):
        factory.BookMethodWeightfile(loader, "DL", trained.GetWeightFileName())
    with pytest.raises(OptionError, match="kBDT are not part"):
        factory.BookMethodWeightfile(loader, TMVA.Types.kBDT, trained.GetWeightFileName())
    other = TMVA.DataLoader("other")
    other.AddVariable("x")
    other.AddVariable("y")
    with pytest.raises(DataError, match=r"variable 1 is declared as 'y', but in .* it is 'x\+y'"):
        factory.BookMethodWeightfile(other, "DL", trained.GetWeightFileName())


def test_what_a_method_tells_of_itself(loader: TMVA.DataLoader) -> None:
    factory = TMVA.Factory("Job", "Silent")
    method = factory.BookMethod(loader, "DL", "A", DENSE)
    factory.TrainAllMethodsForClassification()
    assert (method.GetJobName(), method.GetTestvarName(), method.GetMethodType()) == ("Job", "MVA_A", TMVA.Types.kDL)
    assert (method.GetNvar(), method.GetNTargets(), method.GetInputVar(1), method.GetInputLabel(0)) == (
        2,
        0,
        "sum",
        "x",
    )
    assert method.GetTrainTime() > 0
    assert (
        method.GetEfficiency("") == method.GetROCIntegral() == pytest.approx(factory.GetROCIntegral(loader, "A"), 0.01)
    )
    assert 0 < method.GetEfficiency("Efficiency:0.01") < method.GetEfficiency("Efficiency:0.30") <= 1
    assert method.GetTrainingEfficiency("Efficiency:0.10") != method.GetEfficiency("Efficiency:0.10")
    assert not method.HasMVAPdfs()
    scores, data = method.output.test_scores, loader.samples().test
    of_signal, of_background = scores[data.class_index == 0], scores[data.class_index == 1]
    w_signal, w_background = data.weights[data.class_index == 0], data.weights[data.class_index == 1]
    means = [np.average(s, weights=w) for s, w in ((of_signal, w_signal), (of_background, w_background))]
    spreads = [
        np.average((s - m) ** 2, weights=w)
        for s, m, w in zip((of_signal, of_background), means, (w_signal, w_background), strict=True)
    ]
    assert method.GetSignificance() == pytest.approx(abs(means[0] - means[1]) / np.sqrt(sum(spreads)), rel=1e-4)
    assert 0.3 < method.GetSeparation() < 1


def test_what_each_variable_is_worth(loader: TMVA.DataLoader, capsys: pytest.CaptureFixture[str]) -> None:
    loader.AddVariable("noise := id % 7")
    factory = TMVA.Factory("Job", DrawProgressBar=False)
    every = factory.EvaluateImportance(loader, TMVA.kAll, TMVA.Types.kDL, "A", DENSE)
    short = factory.EvaluateImportance(loader, TMVA.VIType.kShort, "DL", "A", DENSE)
    for found in (every, short):
        assert [found.GetXaxis().GetBinLabel(i + 1) for i in range(found.GetNbinsX())] == ["x", "x+y", "id%7"]
        assert sum(found.GetBinContent(i + 1) for i in range(3)) == pytest.approx(100)
    assert abs(every.GetBinContent(3)) < every.GetBinContent(2)
    assert re.search(r"x\+y = [\d.]+ %", capsys.readouterr().out)
    assert loader.GetDataSetInfo().GetNVariables() == 3
    assert not Path("dataset").exists()
    with pytest.raises(DataError, match="kRandom is for more than 10 variables"):
        factory.EvaluateImportance(loader, TMVA.kRandom, "DL", "A", DENSE)
    loader.AddVariablesArray("v", 3)
    with pytest.raises(DataError, match="declare those of an array one by one"):
        factory.EvaluateImportance(loader, TMVA.kShort, "DL", "A", DENSE)


def test_roc_curves_draw_themselves(loader: TMVA.DataLoader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    factory = TMVA.Factory("Job", "Silent")
    for title in ("A", "B"):
        factory.BookMethod(loader, TMVA.Types.kDL, title, DENSE)
    factory.TrainAllMethods()
    curve = factory.GetROCCurve(loader, "A")
    x, y = curve.GetX(), curve.GetY()
    assert curve.GetN() == len(x) == len(y) > 100
    assert (x[0], y[0], x[-1], y[-1]) == pytest.approx((0, 1, 1, 0))
    assert curve.integral == factory.GetROCIntegral(loader, "A")
    plot = factory.GetROCCurve(loader)
    assert [each.title for each in plot.curves] == ["A", "B"]
    labels = [line.get_label() for line in plot.Draw("AL").axes[0].lines]
    assert labels[0] == f"A {curve.integral:.3f}"
    plot.Print(tmp_path / "roc.png")
    curve.SaveAs(tmp_path / "roc.pdf")
    curve.Print(str(tmp_path / "roc.picture"), "png")
    assert (tmp_path / "roc.picture").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(OptionError, match=r"written as png, pdf, .*; not as 'c' \(.*roc.C\)"):
        plot.Print(tmp_path / "roc.C")
    assert not (tmp_path / "roc.C").exists()
    assert curve.Eval(x[50]) == pytest.approx(y[50], abs=0.05)
    assert factory.GetROCCurve(loader, 0, TMVA.Types.kTraining).curves[0].integral != curve.integral
    assert (tmp_path / "roc.png").read_bytes().startswith(b"\x89PNG")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match="Matplotlib"):
        curve.Draw()


def test_multiclass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    loader = TMVA.DataLoader("many")
    for variable in ("x", "y"):
        loader.AddVariable(variable)
    trees = {name: events(150, 3.0 * number, number) for number, name in enumerate(("Signal", "bg0", "bg1"))}
    for name, tree in trees.items():
        loader.AddTree(tree, name)
    loader.PrepareTrainingAndTestTree("", SplitMode="Random", NormMode="NumEvents")
    factory = TMVA.Factory("TMVAMulticlass", uproot.recreate("out.root"), AnalysisType="multiclass", Silent=True)
    options = DENSE + ":ErrorStrategy=MUTUALEXCLUSIVE"
    factory.BookMethod(loader, TMVA.Types.kDL, "DL", options.replace("MaxEpochs=6", "MaxEpochs=40"))
    factory.TrainAllMethods()
    factory.TestAllMethods()
    factory.EvaluateAllMethods()
    assert capsys.readouterr().out == ""
    assert factory.GetROCIntegral(loader, "DL", 2) > 0.95

    reader = TMVA.Reader()
    x, y = np.zeros(1, np.float32), np.zeros(1, np.float32)
    reader.AddVariable("x", x)
    reader.AddVariable("y", y)
    reader.BookMVA("DL", "many/weights/TMVAMulticlass_DL.weights.xml")
    for number, tree in enumerate(trees.values()):
        scores = reader.evaluate(tree, "DL")
        assert scores.shape == (150, 3)
        assert np.mean(scores.argmax(axis=1) == number) > 0.8
        x[0], y[0] = tree["x"][4], tree["y"][4]
        np.testing.assert_allclose(reader.EvaluateMulticlass("DL"), scores[4], rtol=1e-5)
        assert reader.EvaluateMulticlass(number, "DL") == pytest.approx(scores[4, number], rel=1e-5)
    with pytest.raises(DataError, match="is a multiclass: call EvaluateMulticlass"):
        reader.EvaluateMVA("DL")
    with uproot.open("out.root") as file:
        assert "many/TestTree" in file


def test_regression(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    loader = TMVA.DataLoader("reg")
    loader.AddVariable("x")
    loader.AddVariable("y")
    loader.AddTarget("total := x + y", "Sum", "GeV")
    loader.AddTarget("!id")
    tree = events(600, 0.0, 1)
    loader.AddRegressionTree(tree)
    loader.PrepareTrainingAndTestTree("", "nTrain_Regression=500:SplitMode=Random:NormMode=NumEvents:!V")
    factory = TMVA.Factory("TMVARegression", "reg.root", "!V:!DrawProgressBar:AnalysisType=Regression")
    options = DENSE.replace("MaxEpochs=6", "MaxEpochs=60") + ":VarTransform=N"
    factory.BookMethod(loader, TMVA.Types.kDL, "DL", options)
    factory.TrainAllMethods()
    factory.TestAllMethods()
    factory.EvaluateAllMethods()
    assert "total" in capsys.readouterr().out
    with pytest.raises(DataError, match="a regression has no ROC curve"):
        factory.GetROCIntegral(loader, "DL")

    model = read_weights("reg/weights/TMVARegression_DL.weights.xml")
    assert [(t.expression, t.label, t.title, t.unit) for t in model.targets] == [
        ("x+y", "total", "Sum", "GeV"),  # without blanks, as C++ writes it
        ("!id", "!id", "!id", ""),
    ]
    reader = TMVA.Reader("!Color")
    values = np.zeros(1, np.float32), np.zeros(1, np.float32)
    for name, value in zip("xy", values, strict=True):
        reader.AddVariable(name, value)
    reader.BookMVA("DL", "reg/weights/TMVARegression_DL.weights.xml")
    predicted = reader.evaluate(tree, "DL")
    assert np.std(predicted[:, 0] - tree["x"] - tree["y"]) < 0.5
    values[0][0], values[1][0] = tree["x"][9], tree["y"][9]
    np.testing.assert_allclose(reader.EvaluateRegression("DL"), predicted[9], rtol=1e-4)
    assert reader.EvaluateRegression(1, "DL") == pytest.approx(predicted[9, 1], rel=1e-4)
    assert reader.EvaluateRegression([tree["x"][9], tree["y"][9]], "DL")[0] == pytest.approx(predicted[9, 0], rel=1e-4)
    with uproot.open("reg.root") as file:
        np.testing.assert_allclose(
            file["reg/TestTree"]["total"].array(library="np"), loader.samples().test.target_values[:, 0]
        )


def test_negative_weights_can_be_left_out_of_the_training(
    loader: TMVA.DataLoader, capsys: pytest.CaptureFixture[str]
) -> None:
    loader.SetWeightExpression("w - 0.7")
    factory = TMVA.Factory("Job", "!DrawProgressBar", ModelPersistence=False)
    method = factory.BookMethod(loader, TMVA.Types.kDL, "A", DENSE + ":IgnoreNegWeightsInTraining")
    factory.TrainAllMethods()
    (ignored,) = re.findall(r"ignoring (\d+) events with negative weights", capsys.readouterr().out)
    negative = int((loader.samples().training.weights < 0).sum())
    assert int(ignored) == negative > 0
    assert dict(method.model.info)["Training events"] == str(220 - negative)
    assert not Path("dataset").exists()
    assert (loader.samples().test.weights < 0).any()


def test_two_data_loaders_share_an_output_file(loader: TMVA.DataLoader) -> None:
    other = TMVA.DataLoader("other")
    other.AddVariable("y")
    other.SetInputTrees(events(80, 1, 1), events(80, -1, 2))
    Path("out.root").write_text("something old")
    factory = TMVA.Factory("Job", Path("out.root"), Silent=True)
    factory.BookMethod(loader, TMVA.Types.kDL, "A", DENSE)
    factory.BookMethod(other, TMVA.Types.kDL, "A", DENSE.replace("BatchSize=20", "BatchSize=10"))
    factory.TrainAllMethods()
    factory.TestAllMethods()
    factory.EvaluateAllMethods()
    with uproot.open("out.root") as file:
        assert {"dataset/TestTree", "other/TestTree"} <= set(file.keys(cycle=False))
    factory.DeleteAllMethods()
    with pytest.raises(DataError, match="no methods are booked"):
        factory.TrainAllMethods()


def test_weight_files_go_where_gconfig_says(loader: TMVA.DataLoader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TMVA.gConfig().GetIONames(), "fWeightFileDir", "here")
    monkeypatch.setattr(TMVA.gConfig().GetIONames(), "fWeightFileDirPrefix", "results")
    factory = TMVA.Factory("Job")
    method = factory.BookMethod(loader, TMVA.Types.kDL, "A", DENSE)
    assert method.GetWeightFileName() == "results/dataset/here/Job_A.weights.xml"


def test_first_arguments() -> None:
    file = object()
    assert file_and_options((), "Factory takes a name") == (None, "")
    assert file_and_options((file,), "Factory takes a name") == (file, "")
    assert file_and_options((None,), "Factory takes a name") == (None, "")
    assert file_and_options(("out.root",), "Factory takes a name") == ("out.root", "")
    assert file_and_options(("!V:AnalysisType=Auto",), "Factory takes a name") == (None, "!V:AnalysisType=Auto")
    assert file_and_options((file, "V"), "Factory takes a name") == (file, "V")
    with pytest.raises(TypeError, match="3 arguments are too many"):
        file_and_options((1, 2, 3), "Factory takes a name")


def test_what_is_wrong_is_said_when_it_is_booked(loader: TMVA.DataLoader) -> None:
    with pytest.raises(OptionError, match=r"unknown option 'Analysis' of the Factory; near names: AnalysisType"):
        TMVA.Factory("Job", "Analysis=Classification")
    with pytest.raises(OptionError, match="AnalysisType is one of"):
        TMVA.Factory("Job", AnalysisType="Clustering")
    with pytest.raises(DataError, match="int is no output file"):
        TMVA.Factory("Job", 3, "V")
    factory = TMVA.Factory("Job", "Silent:AnalysisType=Multiclass")
    with pytest.raises(OptionError, match="Layuot"):
        factory.BookMethod(loader, TMVA.Types.kDL, "A", "Layuot=LINEAR")
    with pytest.raises(OptionError, match="MaxEpochs"):
        factory.BookMethod(loader, TMVA.Types.kDL, "A", TrainingStrategy="MaxEpochs=10Optimizer=ADAM")
    with pytest.raises(OptionError, match="kBDT are not part of pytmva_rnn"):
        factory.BookMethod(loader, TMVA.Types.kBDT, "BDTG", NTrees=100)
    with pytest.raises(DataError, match="without slashes"):
        factory.BookMethod(loader, TMVA.Types.kDL, "a/b", DENSE)
    factory.BookMethod(loader, TMVA.Types.kDL, "A", DENSE)
    with pytest.raises(DataError, match="'A' for 'dataset' already"):
        factory.BookMethod(loader, TMVA.Types.kDL, "A", DENSE)
    with pytest.raises(DataError, match="no method 'B' is booked for 'dataset'; there are: A of dataset"):
        factory.GetMethod("dataset", "B")
    with pytest.raises(OptionError, match=r"AnalysisType=Multiclass does not fit .* make a classification"):
        factory.TrainAllMethods()
    with pytest.raises(DataError, match="no class 2"):
        factory.GetROCIntegral(loader, "A", 2)


def test_a_layout_that_does_not_fit_stops_before_any_training(loader: TMVA.DataLoader) -> None:
    factory = TMVA.Factory("Job", "Silent")
    first = factory.BookMethod(loader, TMVA.Types.kDL, "A", DENSE)
    factory.BookMethod(loader, TMVA.Types.kDL, "B", DENSE + ":InputLayout=3|2")
    with pytest.raises(OptionError, match="InputLayout=3"):
        factory.TrainAllMethods()
    assert first.result is None


def test_a_script_that_was_interrupted_comes_to_its_own_end(
    loader: TMVA.DataLoader, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def script(**how: bool) -> TMVA.Factory:
        factory = TMVA.Factory("job", Silent=True)
        for title in ("A", "B"):
            factory.BookMethod(loader, TMVA.Types.kDL, title, DENSE.replace("=7", "=8") if title == "B" else DENSE)
        factory.TrainAllMethods(**how)
        return factory

    whole = script().GetMethod("dataset", "B")
    made: list[int] = []

    def stop(self: EpochTable, epoch: int, *_: Any) -> None:
        made.append(epoch)
        if len(made) == 9:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(EpochTable, "row", stop)
        with pytest.raises(KeyboardInterrupt):
            script(resume=True)
        made.clear()
        again = script(resume=True).GetMethod("dataset", "B")
    assert len(made) <= 6  # of B alone
    assert made[-1] == 6
    assert again.result.history == whole.result.history
    files = sorted(path.name for path in Path("dataset/weights").iterdir())
    assert files == [f"job_{title}.{what}" for title in "AB" for what in ("checkpoint.npz", "weights.xml")]

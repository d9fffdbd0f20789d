"""TMVA's output file, read back."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot

from pytmva_rnn.data import Column, Dataset
from pytmva_rnn.description import HistoryRow, Normalize, Variable
from pytmva_rnn.errors import DataError
from pytmva_rnn.report import roc_curve
from pytmva_rnn.tmva.output import MethodOutput, write_output
from pytmva_rnn.tmva.output.histograms import Axis, filled, filled_2d
from pytmva_rnn.tmva.output.responses import Response
from pytmva_rnn.transformations import apply_transformations, learn_transformations

HISTORY = (HistoryRow(1, 2, 0.7, 0.6), HistoryRow(1, 4, 0.5, 0.4), HistoryRow(2, 2, 0.3, 0.35))


def dataset(
    n: int, seed: int, classes: tuple[str, ...] = ("Signal", "Background"), targets: tuple[str, ...] = ()
) -> Dataset:
    """Sequences of 2 steps with 3 inputs."""
    random = np.random.default_rng(seed)
    class_index = random.integers(0, len(classes), n)
    return Dataset(
        X=(random.normal(size=(n, 2, 3)) + class_index[:, None, None]).astype(np.float32),
        class_index=class_index,
        weights=random.uniform(-0.2, 2, n),
        classes=classes,
        target_values=random.normal(size=(n, len(targets))).astype(np.float32),
        targets=tuple(Column(name, unit="GeV") for name in targets),
        spectators=random.integers(0, 9, (n, 1)).astype(np.float32),
        entries=np.arange(n),
        efficiencies=(1.0,) * len(classes),
    )


def method(title: str, training: Dataset, test: Dataset, **others: Any) -> MethodOutput:
    scores = []
    for data in (training, test):
        noise = np.random.default_rng(len(title)).normal(size=data.y.shape)
        raw = data.target_values + 0.1 * noise if data.targets else 1 / (1 + np.exp(-data.y - noise))
        scores.append(raw.astype(np.float32))
    return MethodOutput(title, *scores, history=HISTORY, **others)


def described(*columns: Column) -> tuple[Variable, ...]:
    return tuple(variable for column in columns for variable in column.describe())


VARIABLES = described(*(Column(f"x{i} * 2", f"x{i}", f"title {i}", "GeV") for i in range(6)))
SPECTATORS = described(Column("run-1"))
TRAINING, TEST = dataset(700, 1), dataset(500, 2)
METHODS = [method("TMVA_LSTM", TRAINING, TEST), method("GRU", TRAINING, TEST)]


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("output") / "TMVA.root"
    write_output(path, "dataset", TRAINING, TEST, METHODS, variables=VARIABLES, spectators=SPECTATORS)
    return path


def weighted(values: Any, axis: Any, weights: Any) -> Any:
    return np.histogram(values, axis.edges(), weights=weights)[0]


@pytest.mark.parametrize(("name", "data"), [("TrainTree", TRAINING), ("TestTree", TEST)])
def test_the_trees_hold_the_events_and_what_the_methods_say(output: Path, name: str, data: Dataset) -> None:
    with uproot.open(output) as file:
        tree = file[f"dataset/{name}"]
        variables = [f"x{i}" for i in range(6)]
        assert tree.keys() == ["classID", "className", *variables, "run_M_1", "weight", "TMVA_LSTM", "GRU"]
        assert {key: str(tree[key].interpretation) for key in ("classID", "className", "weight", "GRU")} == {
            "classID": "AsDtype('>i4')",
            "className": "AsStrings()",
            "weight": "AsDtype('>f4')",
            "GRU": "AsDtype('>f4')",
        }
        assert tree.title == name
        columns = tree.arrays(library="np")
    np.testing.assert_array_equal(columns["classID"], data.class_index)
    assert columns["className"].tolist() == [data.classes[index] for index in data.class_index]
    np.testing.assert_array_equal(np.stack([columns[v] for v in variables], axis=1), data.X.reshape(len(data), -1))
    np.testing.assert_array_equal(columns["run_M_1"], data.spectators[:, 0])
    np.testing.assert_array_equal(columns["weight"], data.weights.astype(np.float32))
    for given in METHODS:
        scores = given.train_scores if data is TRAINING else given.test_scores
        np.testing.assert_array_equal(columns[given.title], scores)


def test_the_folder_of_a_method_has_tmvas_histograms(output: Path) -> None:
    with uproot.open(output) as file:
        folder = file["dataset/Method_DL/TMVA_LSTM"]
        names = set(folder.keys(cycle=False))
        bins = {name.removeprefix("MVA_TMVA_LSTM_"): folder[name].axis().member("fNbins") for name in names}
    assert {key: value for key, value in bins.items() if not key.startswith(("x", "Training"))} == {
        **dict.fromkeys(("S", "B", "Train_S", "Train_B"), 40),
        **dict.fromkeys(("S_high", "B_high", "effS", "effB", "trainingEffS", "trainingEffB"), 10_000),
        **dict.fromkeys(("effBvsS", "rejBvsS", "invBeffvsSeff", "trainingEffBvsS", "trainingRejBvsS"), 100),
    }
    assert {name for name in names if name.startswith("x")} == {
        f"x{i}__{name}" for i in range(6) for name in TRAINING.classes
    }


@pytest.mark.parametrize(
    ("name", "data", "of_signal"),
    [("S", TEST, True), ("B", TEST, False), ("Train_S", TRAINING, True), ("Train_B", TRAINING, False)],
)
def test_the_response_is_a_weighted_density(output: Path, name: str, data: Dataset, of_signal: bool) -> None:
    member = (data.class_index == 0) == of_signal
    scores = METHODS[0].test_scores if data is TEST else METHODS[0].train_scores
    with uproot.open(output) as file:
        histogram = file[f"dataset/Method_DL/TMVA_LSTM/MVA_TMVA_LSTM_{name}"]
        assert histogram.classname == "TH1D"
        assert histogram.title == f"MVA_TMVA_LSTM_{name}"
        axis = histogram.axis()
        assert axis.low == METHODS[0].test_scores.min()
        assert axis.high == pytest.approx(METHODS[0].test_scores.max() + 1e-5, abs=1e-12)
        contents = weighted(scores[member].astype(float), axis, data.weights[member])
        factor = 1 / (contents.sum() * axis.width)
        np.testing.assert_allclose(histogram.values(), contents * factor)
        squares = weighted(scores[member].astype(float), axis, data.weights[member] ** 2)
        np.testing.assert_allclose(histogram.variances(), squares * factor**2)
        assert histogram.member("fEntries") == member.sum()
        inside = member & (scores >= axis.low) & (scores < axis.high)
        x, w = scores[inside].astype(float), data.weights[inside]
        moments = [histogram.member(f"fTsumw{of}") for of in ("", "2", "x", "x2")]
        expected = [factor * w.sum(), factor**2 * (w**2).sum(), factor * w @ x, factor * w @ x**2]
        assert moments == pytest.approx(expected)


def test_the_range_of_the_response_leaves_out_what_is_ten_rms_away(tmp_path: Path) -> None:
    test = TEST.take(np.arange(len(TEST)))
    test.weights[:] = 1
    scores = np.clip(METHODS[0].test_scores, 0.2, 0.8)
    scores[0] = 1e6
    rms = {name: Response(MethodOutput("a", METHODS[0].train_scores, scores), TRAINING, test) for name in "a"}
    axis = rms["a"].histograms()["MVA_a_S"].member("fXaxis")
    own = test.class_index == test.class_index[0]
    assert axis.member("fXmin") == scores.min()
    assert axis.member("fXmax") == pytest.approx(scores[own].mean() + 10 * scores[own].astype(float).std(), rel=1e-6)


def test_efficiencies_and_the_roc_curve(output: Path) -> None:
    signal = TEST.class_index == 0
    scores = METHODS[0].test_scores.astype(float)
    with uproot.open(output) as file:
        folder = file["dataset/Method_DL/TMVA_LSTM"]
        of_signal = folder["MVA_TMVA_LSTM_effS"]
        assert of_signal.title == "MVA_TMVA_LSTM (signal)"
        edges = of_signal.axis().edges()
        fraction = np.array([TEST.weights[signal & (scores >= edge)].sum() for edge in edges[:-1]])
        np.testing.assert_allclose(of_signal.values(), fraction / fraction.max(), atol=2e-3)
        rejection = folder["MVA_TMVA_LSTM_rejBvsS"]
        assert [rejection.member(f"f{axis}axis").member("fTitle") for axis in "XY"] == [
            "Signal eff",
            "Backgr rejection (1-eff)",
        ]
        _, at, exact = roc_curve(signal, scores, TEST.weights)
        np.testing.assert_allclose(rejection.values(), np.interp(rejection.axis().centers(), at, exact), atol=0.03)
        np.testing.assert_allclose(folder["MVA_TMVA_LSTM_effBvsS"].values(), 1 - rejection.values(), atol=1e-12)
        inverse = folder["MVA_TMVA_LSTM_invBeffvsSeff"].values()
        np.testing.assert_allclose(inverse[50:], 1 / (1 - rejection.values()[50:]))


def test_the_training_history_puts_phases_one_after_the_other(output: Path) -> None:
    with uproot.open(output) as file:
        for name, values in (("trainingError", [0.7, 0.5, 0.3]), ("valError", [0.6, 0.4, 0.35])):
            histogram = file[f"dataset/Method_DL/GRU/TrainingHistory_GRU_{name}"]
            assert histogram.values().tolist() == values
            assert histogram.axis().edges().tolist() == [1, 3, 5, 7]
            assert histogram.title == f"TrainingHistory_GRU_{name}"


def test_the_variables_of_the_training_sample(output: Path) -> None:
    signal = TRAINING.class_index == 0
    values = TRAINING.X.reshape(len(TRAINING), -1)[:, 4].astype(float)
    with uproot.open(output) as file:
        folder = file["dataset/InputVariables_Id"]
        assert set(folder.keys(cycle=False)) == {f"x{i}__{name}_Id" for i in range(6) for name in TRAINING.classes}
        histogram = folder["x4__Signal_Id"]
        axis = histogram.axis()
        assert (histogram.classname, histogram.title, axis.member("fNbins")) == ("TH1F", "title 4", 40)
        assert axis.member("fTitle") == "title 4  [GeV]"
        assert histogram.member("fYaxis").member("fTitle") == f"dN_{{ }}/^{{ }}{axis.width:.3g} GeV"
        assert axis.low == values.min()
        assert axis.high == pytest.approx(values.max() + (values.max() - values.min()) / 40)
        expected = weighted(values[signal], axis, TRAINING.weights[signal])
        np.testing.assert_allclose(histogram.values(), expected, rtol=1e-6)


def test_correlations_in_per_cent(output: Path) -> None:
    member = TRAINING.class_index == 1
    values = TRAINING.X.reshape(len(TRAINING), -1)[member]
    mean = TRAINING.weights[member] @ values / TRAINING.weights[member].sum()
    weighted_covariance = np.einsum("n,ni,nj", TRAINING.weights[member], values - mean, values - mean)
    spread = np.sqrt(weighted_covariance.diagonal())
    with uproot.open(output) as file:
        matrix = file["dataset/CorrelationMatrixB"]
        assert (matrix.classname, matrix.title) == ("TH2F", "Correlation Matrix (background)")
        expected = 100 * weighted_covariance / np.outer(spread, spread)
        np.testing.assert_array_equal(matrix.values(), np.trunc(expected + 1e-6 * np.sign(expected)))
        assert (matrix.values() != np.round(expected)).any()
        assert matrix.values().diagonal().tolist() == [100] * 6
        for axis in "xy":
            assert list(matrix.axis(axis).labels()) == [f"title {i}" for i in range(6)]
            texts = matrix.axis(axis).member("fLabels")
            assert [text.member("@fUniqueID") for text in texts] == [1, 2, 3, 4, 5, 6]
        assert (matrix.member("fMinimum"), matrix.member("fMaximum")) == (-100, 100)


def test_transformed_variables_have_folders_of_their_own(tmp_path: Path) -> None:
    flat = TRAINING.X.reshape(len(TRAINING), -1)
    chain = learn_transformations("N,P", flat, TRAINING.class_index, VARIABLES, TRAINING.classes)
    assert isinstance(chain[0], Normalize)
    given = method("LSTM", TRAINING, TEST, transformations=chain)
    write_output(
        tmp_path / "a.root",
        "dataset",
        TRAINING,
        TEST,
        [given],
        variables=VARIABLES,
        spectators=SPECTATORS,
        transformations=[chain[:1], chain],
    )
    signal = TRAINING.class_index == 0
    with uproot.open(tmp_path / "a.root") as file:
        assert "x0__Background_Norm" in file["dataset/InputVariables_Norm"].keys(cycle=False)
        histogram = file["dataset/InputVariables_Norm_PCA/x1__Signal_Norm_PCA"]
        values = apply_transformations(chain, flat, VARIABLES)[:, 1].astype(np.float32)
        expected = weighted(values[signal], histogram.axis(), TRAINING.weights[signal])
        np.testing.assert_allclose(histogram.values(), expected, atol=1e-5)
        assert histogram.axis().member("fTitle") == "title 1 (Norm_PCA)  [GeV]"
        values = apply_transformations(chain, TEST.X.reshape(len(TEST), -1), VARIABLES)[:, 1].astype(np.float32)
        histogram = file["dataset/Method_DL/LSTM/x1__Signal"]
        expected = weighted(values[TEST.class_index == 0], histogram.axis(), TEST.weights[TEST.class_index == 0])
        np.testing.assert_allclose(histogram.values(), expected, atol=1e-5)


def test_arrays_stay_arrays(tmp_path: Path) -> None:
    variables = described(Column("vars_time0", size=3), Column("vars_time1", size=3))
    write_output(tmp_path / "a.root", "d", TRAINING, TEST, [], variables=variables, spectators=SPECTATORS)
    with uproot.open(tmp_path / "a.root") as file:
        np.testing.assert_array_equal(file["d/TestTree/vars_time1"].array(library="np"), TEST.X[:, 1])
        assert "vars_time1[2]__Signal_Id" in file["d/InputVariables_Id"].keys(cycle=False)


def test_multiclass(tmp_path: Path) -> None:
    classes = ("Signal", "bg0", "bg1")
    training, test = dataset(300, 3, classes), dataset(200, 4, classes)
    given = method("LSTM", training, test)
    write_output(tmp_path / "a.root", "dataset", training, test, [given], variables=VARIABLES, spectators=SPECTATORS)
    with uproot.open(tmp_path / "a.root") as file:
        tree = file["dataset/TestTree"]
        assert tree.keys()[-3:] == ["LSTM.Signal", "LSTM.bg0", "LSTM.bg1"]
        np.testing.assert_array_equal(tree["LSTM.bg0"].array(library="np"), given.test_scores[:, 1])
        assert {f"CorrelationMatrix{name}" for name in classes} < set(
            file["dataset"].keys(recursive=False, cycle=False)
        )
        folder = file["dataset/Method_DL/LSTM"]
        histogram = folder["MVA_LSTM_Test_bg0_prob_for_Signal"]
        assert (histogram.classname, histogram.axis().edges()[[0, -1]].tolist()) == ("TH1F", [-0.0002, 1.0002])
        own = test.class_index == 0
        contents = weighted(given.test_scores[own, 1], histogram.axis(), test.weights[own])
        np.testing.assert_allclose(
            histogram.values(), contents / (contents.sum() * histogram.axis().width), rtol=1e-5, atol=1e-6
        )
        _, at, exact = roc_curve(training.class_index == 2, given.train_scores[:, 2], training.weights)
        rejection = folder["MVA_LSTM_Train_rejBvsS_bg1"]
        np.testing.assert_allclose(rejection.values(), np.interp(rejection.axis().centers(), at, exact))
        pair = test.class_index != 0
        _, at, exact = roc_curve(test.class_index[pair] == 1, given.test_scores[pair, 1], test.weights[pair])
        rejection = folder["MVA_LSTM_Test_1v1rejBvsS_bg0_vs_bg1"]
        np.testing.assert_allclose(rejection.values(), np.interp(rejection.axis().centers(), at, exact))


def test_regression(tmp_path: Path) -> None:
    names = ("energy", "p/m")
    training, test = dataset(300, 3, ("Regression",), names), dataset(200, 4, ("Regression",), names)
    training.weights[:] = np.abs(training.weights)
    given = method("LSTM", training, test)
    write_output(tmp_path / "a.root", "dataset", training, test, [given], variables=VARIABLES, spectators=SPECTATORS)
    with uproot.open(tmp_path / "a.root") as file:
        tree = file["dataset/TestTree"]
        for i, name in enumerate(("energy", "p_D_m")):
            np.testing.assert_array_equal(tree[name].array(library="np"), test.target_values[:, i])
            np.testing.assert_array_equal(tree[f"LSTM.{name}"].array(library="np"), given.test_scores[:, i])
        assert "CorrelationMatrix" in file["dataset"].keys(recursive=False, cycle=False)
        assert "p_D_m__Regression_Id" in file["dataset/InputVariables_Id"].keys(cycle=False)
        folder = file["dataset/Method_DL/LSTM"]
        difference = (given.train_scores - training.target_values).astype(float)
        histogram = folder["MVA_LSTMtrain_reg_var4_rtgt1"]
        x = training.X.reshape(300, 6)[:, 4]
        edges = [histogram.axis(axis).edges() for axis in "xy"]
        np.testing.assert_array_equal(histogram.values(), np.histogram2d(x, difference[:, 1], edges)[0])
        assert histogram.values().sum() == 300
        assert histogram.axis("y").member("fTitle") == "p/m_{regression} - p/m_{true}"
        assert folder["MVA_LSTMtest_reg_tgt0_rtgt1"].values().sum() == 200
        square = difference[:, 0] ** 2
        histogram = folder["MVA_LSTMtrain_Quadr_Deviation_target_0_"]
        assert histogram.axis().edges()[[0, -1]].tolist() == pytest.approx([0, 1.1 * square.max()], rel=1e-5)
        np.testing.assert_allclose(histogram.values().sum(), training.weights.sum(), rtol=1e-5)
        best = folder["MVA_LSTMtrain_Quadr_Dev_best90perc_target_0_"]
        assert best.values().sum() == pytest.approx(0.9 * training.weights.sum(), rel=0.02)


def test_one_target_is_one_branch(tmp_path: Path) -> None:
    training = dataset(50, 3, ("Regression",), ("energy",))
    training.weights[:] = 1
    given = method("LSTM", training, training)
    write_output(
        tmp_path / "a.root", "dataset", training, training, [given], variables=VARIABLES, spectators=SPECTATORS
    )
    with uproot.open(tmp_path / "a.root") as file:
        assert file["dataset/TrainTree"].keys()[-3:] == ["run_M_1", "weight", "LSTM"]
        assert "energy__Regression_target_Id" in file["dataset/InputVariables_Id"].keys(cycle=False)


def test_whole_numbers_have_a_bin_each(tmp_path: Path) -> None:
    training = TRAINING.take(np.arange(len(TRAINING)))
    training.X[:] = np.arange(len(training))[:, None, None] % 5
    variables = [Variable(v.expression, v.label, v.title, v.unit, v.internal, "I") for v in VARIABLES]
    write_output(tmp_path / "a.root", "d", training, TEST, [], variables=variables, spectators=SPECTATORS)
    with uproot.open(tmp_path / "a.root") as file:
        assert file["d/InputVariables_Id/x0__Signal_Id"].axis().edges().tolist() == [0, 1, 2, 3, 4, 5]
        # a variable that does not vary besides is correlated with nothing but itself
        assert file["d/CorrelationMatrixS"].values()[0].tolist() == [100] * 6


def test_constant_variables(tmp_path: Path) -> None:
    training = TRAINING.take(np.arange(len(TRAINING)))
    training.X[:, 0, 0] = 3
    training.X[:, 0, 1] = 0
    write_output(tmp_path / "a.root", "d", training, TEST, [], variables=VARIABLES, spectators=SPECTATORS)
    with uproot.open(tmp_path / "a.root") as file:
        assert file["d/InputVariables_Id/x0__Signal_Id"].axis().edges()[[0, -1]].tolist() == pytest.approx([3, 3.3075])
        assert file["d/InputVariables_Id/x1__Signal_Id"].axis().edges()[[0, -1]].tolist() == pytest.approx([0, 1.025])
        assert file["d/CorrelationMatrixS"].values()[0].tolist() == [100, 0, 0, 0, 0, 0]


def test_a_second_dataset_is_added_or_replaces_the_file(output: Path, tmp_path: Path) -> None:
    path = tmp_path / "both.root"
    path.write_bytes(output.read_bytes())
    write_output(path, "more", TRAINING, TEST, METHODS[:1], variables=VARIABLES, spectators=SPECTATORS, update=True)
    with uproot.open(path) as file:
        assert file.keys(recursive=False, cycle=False) == ["dataset", "more"]
        assert file["dataset/TestTree"].num_entries == file["more/TestTree"].num_entries == len(TEST)
    before = path.read_bytes()
    with pytest.raises(DataError, match="has a dataset 'more' already"):
        write_output(path, "more", TRAINING, TEST, [], variables=VARIABLES, spectators=SPECTATORS, update=True)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["both.root"]
    write_output(path, "new", TRAINING, TEST, [], variables=VARIABLES, spectators=SPECTATORS)
    with uproot.open(path) as file:
        assert file.keys(recursive=False, cycle=False) == ["new"]


@pytest.mark.parametrize(
    ("name", "methods", "variables", "message"),
    [
        ("a/b", [], VARIABLES, "'a/b' cannot be the name of a folder"),
        ("d", [method("LSTM;1", TRAINING, TEST)], VARIABLES, "'LSTM;1' cannot be the name of a folder"),
        ("d", [], VARIABLES[:5], "5 variables are declared, but the events have 6"),
        ("d", [method("x3", TRAINING, TEST)], VARIABLES, "two branches of the output trees would be called 'x3'"),
        ("d", [], VARIABLES[:5] + VARIABLES[:1], "would be called 'x0'"),
    ],
)
def test_what_cannot_be_written(
    tmp_path: Path, name: str, methods: list[MethodOutput], variables: tuple[Variable, ...], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        write_output(tmp_path / "a.root", name, TRAINING, TEST, methods, variables=variables, spectators=SPECTATORS)
    assert not list(tmp_path.iterdir())


@pytest.fixture
def root() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its Python package warns of being young
        return pytest.importorskip("ROOT", reason="ROOT is not installed")


def test_root_fills_a_histogram_alike(root: Any, tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    values, weights = np.append(random.normal(size=500), [-1.5, 1.5, np.inf]), random.normal(1, 1, 503)
    axis = Axis(37, -1.5, 1.5)
    with uproot.recreate(tmp_path / "a.root") as file:
        file["h"] = filled("title", axis, values, weights)
        file["h2"] = filled_2d("title", axis, Axis(5, 0, 1), values, weights)
    opened = root.TFile.Open(str(tmp_path / "a.root"))
    ours, theirs = opened.Get("h"), root.TH1D("theirs", "title", 37, -1.5, 1.5)
    theirs.Sumw2()
    theirs_2d = root.TH2F("theirs2", "title", 37, -1.5, 1.5, 5, 0, 1)
    for value, weight in zip(values, weights, strict=True):
        theirs.Fill(value, weight)
        theirs_2d.Fill(value, weight)
    for bin_number in range(39):
        assert ours.GetBinContent(bin_number) == pytest.approx(theirs.GetBinContent(bin_number))
        assert ours.GetBinError(bin_number) == pytest.approx(theirs.GetBinError(bin_number))
    for question in ("GetMean", "GetStdDev", "GetEntries", "GetEffectiveEntries", "GetSumOfWeights"):
        assert getattr(ours, question)() == pytest.approx(getattr(theirs, question)())
    ours_2d = opened.Get("h2")
    for bin_number in range(39 * 7):
        assert ours_2d.GetBinContent(bin_number) == theirs_2d.GetBinContent(bin_number)
    for question in ("GetMean", "GetStdDev", "GetCorrelationFactor"):
        for axes in ((1, 2),) if question == "GetCorrelationFactor" else ((1,), (2,)):
            assert getattr(ours_2d, question)(*axes) == pytest.approx(getattr(theirs_2d, question)(*axes))
    opened.Close()


def test_root_reads_the_file(root: Any, output: Path) -> None:
    opened = root.TFile.Open(str(output))
    tree = opened.Get("dataset/TestTree")
    signal = int((TEST.class_index == 0).sum())
    assert tree.GetEntries('className=="Signal"') == tree.GetEntries("classID==0") == signal
    assert tree.GetEntries("TMVA_LSTM>0.5") == (METHODS[0].test_scores > 0.5).sum()
    matrix = opened.Get("dataset/CorrelationMatrixS")
    assert matrix.ClassName() == "TH2F"
    assert matrix.GetXaxis().FindBin("title 3") == 4
    assert matrix.GetYaxis().GetBinLabel(6) == "title 5"
    assert opened.Get("dataset/Method_DL/GRU/MVA_GRU_S").Integral("width") == pytest.approx(1)
    assert opened.Get("dataset/Method_DL/GRU/MVA_GRU_effS").GetNbinsX() == 10_000
    assert opened.Get("dataset/InputVariables_Id/x2__Background_Id").ClassName() == "TH1F"
    opened.Close()

"""Training on a Dataset: what the weight file says, samples to validate with, and what is made of events then."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from pytmva_rnn import Dataset, Model, Recipe, Reweight, Source, evaluate, load, load_config, score, train
from pytmva_rnn.cli import main
from pytmva_rnn.errors import DataError, OptionError, TrainingError
from pytmva_rnn.report import roc_integral

CONFIG = """
spectators = ["e"]
[input]
[input.Signal]
files = "events.root:sgn"
[input.Background]
files = "events.root"
tree = "bkg"
weight = "w"
[sequence]
steps = 2
inputs = { a = "scaled[]", b = "x * e" }
[define]
scaled = "x / 2"
[split]
NormMode = "NumEvents"
[method]
options = "Layout=RNN|3|2|2,RESHAPE|FLAT,LINEAR:RandomSeed=3:TrainingStrategy=LearningRate=1e-2,MaxEpochs=4,\
BatchSize=10,TestRepetitions=1"
"""
RECIPE = Recipe.from_dict(
    {
        "sequence": {"steps": 2, "inputs": {"a": "scaled", "b": "x * e"}},
        "spectators": ["e"],
        "define": {"scaled": "x / 2"},
    }
)
OPTIONS = (
    "Layout=RNN|3|2|2,RESHAPE|FLAT,LINEAR:RandomSeed=3:"
    "TrainingStrategy=LearningRate=1e-2,MaxEpochs=4,BatchSize=10,TestRepetitions=1"
)
FLAT = "Layout=DENSE|4|TANH,LINEAR:RandomSeed=3:TrainingStrategy=MaxEpochs=2,BatchSize=10,TestRepetitions=1"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("analysis")
    random = np.random.default_rng(5)
    with uproot.recreate(path / "events.root") as file:
        for tree, mean in (("sgn", 1), ("bkg", -1)):
            counts = random.integers(1, 5, 120)
            x = ak.unflatten(random.normal(mean, 1, counts.sum()).astype(np.float32), counts)
            file.mktree(tree, {"x": "var * float32", "w": "float64", "e": "int32"})
            file[tree].extend({"x": x, "w": random.random(120) + 0.5, "e": np.arange(120, dtype=np.int32) % 7 + 1})
    (path / "c.toml").write_text(CONFIG.replace("scaled[]", "scaled"))
    return path


def sources(folder: Path) -> dict[str, Any]:
    file = f"{folder}/events.root"
    return {"Signal": f"{file}:sgn", "Background": Source((file,), "bkg", weight="w")}


@pytest.fixture(scope="module")
def model(folder: Path) -> Model:
    training, _ = load(RECIPE, sources(folder)).split("NormMode=NumEvents")
    return train(training, OPTIONS, backend="reference").model


def moments(path: Path) -> str:
    """A weight file without what names the moment."""
    return re.sub(r'(name="(?:Date|TrainingTime)" value=)"[^"]*"', r"\1", path.read_text())


def test_python_and_the_command_write_the_same_file(
    folder: Path, model: Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", str(folder / "c.toml"), "-o", str(tmp_path), "--backend=reference"]) == 0
    written = moments(tmp_path / "dataset/weights/TMVAClassification_DL.weights.xml")
    config = load_config(folder / "c.toml")
    config.train(backend="reference").model.save(tmp_path / "config.xml")
    assert moments(tmp_path / "config.xml") == written
    file = f"{folder}/events.root"
    training, _ = load(
        RECIPE, {"Signal": Source((f"{file}:sgn",)), "Background": Source((file,), "bkg", weight="w")}
    ).split("NormMode=NumEvents")
    train(training, OPTIONS, backend="reference").model.save(tmp_path / "python.xml")
    assert moments(tmp_path / "python.xml") == written


def test_what_python_wrote_can_be_evaluated(
    folder: Path, model: Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model.save(tmp_path / "net.xml")
    output = tmp_path / "scores.root"
    assert main(["evaluate", str(tmp_path / "net.xml"), f"{folder}/events.root:sgn", "-o", str(output)]) == 0
    with uproot.open(f"{output}:scores") as tree:
        scores = tree["DL"].array(library="np")
    loaded = Model.load(tmp_path / "net.xml")
    file = f"{folder}/events.root:sgn"
    np.testing.assert_array_equal(loaded.predict(file), scores)
    np.testing.assert_array_equal(loaded.predict(Source((f"{folder}/events.root",), "sgn")), scores)
    data = load(RECIPE, sources(folder))
    np.testing.assert_array_equal(loaded.predict(data)[data.class_index == 0], scores)
    with uproot.open(file) as tree:
        columns = tree.arrays()
    np.testing.assert_array_equal(loaded.predict(columns), scores)
    np.testing.assert_array_equal(loaded.predict({name: columns[name] for name in columns.fields}), scores)
    frame = pytest.importorskip("pandas").DataFrame({"x": columns["x"].to_list(), "e": columns["e"].to_numpy()})
    np.testing.assert_array_equal(loaded.predict(frame), scores)


@pytest.mark.parametrize("library", ["ak", "pd"])
def test_a_table_of_scores(library: Any, folder: Path, model: Model) -> None:
    if library == "pd":
        pytest.importorskip("pandas")
    files = [f"{folder}/events.root:bkg", f"{folder}/events.root:sgn"]
    table = score(model, files, library=library, backend="reference")
    assert list(table.fields if library == "ak" else table.columns) == ["file", "entry", "e", "DL"]
    assert len(table) == 240
    assert list(table["file"][[0, 119, 120]]) == [files[0], files[0], files[1]]
    assert list(table["entry"][[119, 120]]) == [119, 0]
    assert list(table["e"][[0, 1, 8]]) == [1, 2, 2]
    expected = np.concatenate([model.predict(file, backend="reference") for file in files])
    np.testing.assert_array_equal(np.asarray(table["DL"]), expected)


def test_a_table_of_repetitions() -> None:
    columns = {"x": np.arange(40.0), "y": np.arange(40) % 2, "n": np.arange(40)}
    recipe = Recipe.from_dict(
        {"variables": ["v := x + {k}"], "spectators": ["n", "m := n * {k}"], "for_each": {"k": [1, 2]}}
    )
    data = load(recipe, columns, classes={"Signal": "y == 1", "b": "y == 0"})
    model = train(data, FLAT, backend="reference").model
    table = score(model, columns, backend="reference")
    assert table.fields == ["file", "entry", "n", "m_k1", "m_k2", "DL_k1", "DL_k2"]
    assert table["m_k2"].to_list() == (2 * np.arange(40)).tolist()
    for k in (1, 2):
        expected = model.predict(columns["x"][:, None] + k, backend="reference")
        np.testing.assert_allclose(table[f"DL_k{k}"], expected)
    with pytest.raises(DataError, match="reads every entry once for each k of 1, 2: use score"):
        model.predict(columns)


def test_a_table_of_elements() -> None:
    columns = {"v": ak.Array([[1.0, 2.0], [], [3.0]] * 20), "n": np.arange(60)}
    recipe = Recipe.from_dict({"variables": ["v"], "spectators": ["n"]})
    data = load(recipe, columns, classes={"Signal": "v > 1.5", "b": "v < 1.5"})
    model = train(data.take(np.argsort(np.arange(60) % 7, kind="stable")), FLAT, backend="reference").model
    table = score(model, columns, backend="reference")
    assert table.fields == ["file", "entry", "element", "n", "DL"]
    assert table[["entry", "element", "n"]][:4].to_list() == [
        {"entry": entry, "element": element, "n": entry} for entry, element in ((0, 0), (0, 1), (2, 0), (3, 0))
    ]
    bare = score(model, {"v": columns["v"]}, spectators=False, backend="reference")
    assert bare["DL"].to_list() == table["DL"].to_list()
    with pytest.raises(DataError, match="no branch 'n'"):
        score(model, {"v": columns["v"]})


def test_columns_that_could_be_variables_or_branches() -> None:
    columns = {"x": np.arange(60.0) + 1, "y": np.arange(60) % 2}
    recipe = Recipe.from_dict({"variables": ["x := log(x)"]})
    model = train(load(recipe, columns, classes={"Signal": "y == 1", "b": "y == 0"}), FLAT, backend="reference").model
    with pytest.raises(DataError, match=r"could be the variables \(x\) or what their formulas need \(x\)"):
        model.predict(columns)
    others = Dataset.from_arrays(columns["x"][:, None], columns["y"], variables=["z"])
    with pytest.raises(DataError, match="the Dataset has the variables z, but the network was trained with x"):
        model.predict(others)


def test_factors_on_the_weights_that_are_not_learned_yet(folder: Path, model: Model) -> None:
    plain, balanced = (load(RECIPE, sources(folder), balance=balance) for balance in (False, True))
    reweighted = [load(RECIPE, sources(folder), reweight=Reweight(text, 2)) for text in ("e", "e % 3")]
    for training, validation in ((plain, balanced), (balanced, plain), (reweighted[0], plain), tuple(reweighted)):
        with pytest.raises(DataError, match="reweight and balance of the validation sample are not those"):
            train(training, options=OPTIONS, validation=validation)
    with pytest.raises(DataError, match="the weights of this Dataset are not known yet"):
        evaluate(model, balanced)


def test_arrays_with_names_are_scored_by_name() -> None:
    pandas = pytest.importorskip("pandas")
    random = np.random.default_rng(1)
    frame = pandas.DataFrame({"p": random.normal(size=60), "q": random.normal(size=60)})
    y = np.where(np.arange(60) % 2, "signal", "other")
    model = train(frame, y, FLAT, backend="reference").model
    assert [v.label for v in model.variables] == ["p", "q"]
    assert model.classes == ("signal", "other")
    expected = model.predict(frame.to_numpy(), backend="reference")
    np.testing.assert_allclose(model.predict(frame[["q", "p"]], backend="reference"), expected, rtol=1e-6)
    for data in ((frame, y), (Dataset.from_arrays(frame, y),)):
        with pytest.raises(DataError, match=r"the columns of the validation sample, q, p, are not .*, p, q"):
            train(*data, options=FLAT, validation=(frame[["q", "p"]], y), backend="reference")


def test_how_well_it_does(folder: Path, model: Model) -> None:
    _, test = load(RECIPE, sources(folder)).split("NormMode=NumEvents")
    found = evaluate(model, test, backend="reference")
    assert found.roc_integral == pytest.approx(
        roc_integral(test.y, model.predict(test, backend="reference"), test.weights)
    )
    assert 0.01 < found.roc_uncertainty < 0.06
    assert "Signal: ROC integral 0." in str(found)
    assert 0 < found.separations[0].separation < 1
    with pytest.raises(DataError, match="the classes of the Dataset, Background, Signal, are not those of the model"):
        evaluate(model, Dataset.from_arrays(test.X, test.y, classes=("Background", "Signal")))
    with pytest.raises(DataError, match="is of a classification, but the Dataset of a regression"):
        evaluate(model, Dataset.from_arrays(test.X, test.y, targets=["t"]))


# --- samples to validate with


def arrays(n: int = 60) -> tuple[Any, Any]:
    random = np.random.default_rng(2)
    y = np.arange(n) % 2
    return random.normal(size=(n, 2)) + y[:, None], y


def test_a_sample_to_validate_with_is_as_good_as_the_last_events() -> None:
    X, y = arrays()
    w = np.linspace(0.5, 1.5, 60)
    expected = train(X, y, FLAT, sample_weight=w, backend="reference")
    parts = (X[:48], y[:48]), (X[48:], y[48:], w[48:])
    given = train(*parts[0], FLAT, sample_weight=w[:48], validation=parts[1], backend="reference")
    assert given.history == expected.history
    datasets = [Dataset.from_arrays(X[s], y[s], weights=w[s]) for s in (slice(48), slice(48, None))]
    assert train(datasets[0], FLAT, validation=datasets[1], backend="reference").history == expected.history
    texts = np.where(y == 1, "Signal", "Background")
    mixed = train(
        X[:48], texts[:48], FLAT, sample_weight=w[:48], validation=(X[48:], texts[48:], w[48:]), backend="reference"
    )
    assert mixed.history == expected.history


def test_a_test_sample_validates_with_the_weights_of_the_training() -> None:
    X, y = arrays(120)
    data = Dataset.from_arrays(X, y, weights=np.where(y == 1, 1.0, 7.0))
    training, test = data.split("SplitMode=Block")
    given = (test.X, test.y, np.ones(len(test)))
    expected = train(training, FLAT, validation=given, backend="reference").history
    assert train(training, FLAT, validation=test, backend="reference").history == expected


@pytest.mark.parametrize(
    ("validation", "options", "message"),
    [
        (lambda X, y: (X, y), FLAT + ":ValidationSize=10", "ValidationSize divides the events, but a sample"),
        (lambda X, y: (X[:, :1], y), FLAT, r"validation: X has the shape \(60, 1\), but .* have \(60, 2\)"),
        (lambda X, y: (X, y[:3]), FLAT, "validation: y has the shape"),
        (lambda X, y: (X, 0 * y), FLAT, "validation: no events of the class Signal"),
        (lambda X, y: (X,), FLAT, r"validation is \(X, y\)"),
        (lambda X, y: (X[:8], y[:8]), FLAT, "larger than the sample to validate with"),
        (lambda X, y: (X, y, -1.0 * y), FLAT, "events of class Signal to validate with add up to -30"),
        (Dataset.from_arrays, FLAT, "validation is a Dataset, but"),
    ],
)
def test_samples_that_cannot_validate(validation: Any, options: str, message: str) -> None:
    X, y = arrays()
    with pytest.raises((DataError, OptionError, TrainingError), match=message):
        train(X, y, options, validation=validation(X, y), backend="reference")


def test_datasets_that_do_not_belong_together() -> None:
    X, y = arrays()
    data = Dataset.from_arrays(X, y)
    with pytest.raises(DataError, match=r"the classes of the validation sample, .* are not those of the training"):
        train(data, FLAT, validation=Dataset.from_arrays(X, y, classes=("b", "a")))
    with pytest.raises(DataError, match="a Dataset tells y"):
        train(data, y, FLAT)  # type: ignore[call-overload]
    with pytest.raises(DataError, match="train takes a Dataset and options, or X, y and options"):
        train(X, y)  # type: ignore[call-overload]


def test_sorted_arrays_are_an_error_with_the_remedy() -> None:
    X, y = arrays()
    order = np.argsort(y, kind="stable")
    with pytest.raises(
        TrainingError, match=r"no events of the class Background are among those to validate .* mix them"
    ):
        train(X[order], y[order], FLAT, backend="reference")
    with pytest.raises(TrainingError, match=r"among those to train with.*validation=\(X, y\)"):
        train(X[order], y[order], FLAT + ":ValidationSize=40", backend="reference")


def test_weights_of_a_class_to_train_with() -> None:
    X, y = arrays()
    w = np.ones(60)
    w[(y == 1) & (np.arange(60) < 40)] = -0.4
    with pytest.raises(
        TrainingError, match=r"24 events of class Signal to train with add up to -4.*take their absolute"
    ):
        train(X, y, FLAT, sample_weight=w, backend="reference")
    train(X, y, FLAT + ":IgnoreNegWeightsInTraining:ValidationSize=12", sample_weight=w, backend="reference")


def test_negative_weights_of_arrays_are_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    X, y = arrays()
    train(X, y, FLAT, sample_weight=np.where(np.arange(60) % 10 == 3, -0.5, 1), backend="reference")
    assert "class Signal: 6 of 30 events have negative weights" in caplog.text


def test_a_training_that_never_improves_writes_nothing(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (folder / "c.toml").read_text().replace("MaxEpochs=4", "MaxEpochs=0")
    (folder / "worse.toml").write_text(text)
    weights = tmp_path / "dataset/weights/TMVAClassification_DL.weights.xml"
    weights.parent.mkdir(parents=True)
    weights.write_text('<?xml version="1.0"?>\n<MethodSetup Method="DL::DL"/>\n')
    code = main(["train", str(folder / "worse.toml"), "-o", str(tmp_path), "--backend=reference"])
    shown = capsys.readouterr()
    assert code == 1, shown
    assert "the validation error never fell below its start" in shown.err
    assert weights.read_text() == '<?xml version="1.0"?>\n<MethodSetup Method="DL::DL"/>\n'
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dataset"]


def test_samples_of_one_kind_are_weighted_alike(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """NormMode makes classes of very different cross sections count alike: in both rows of the table, or in none."""
    random = np.random.default_rng(4)
    with uproot.recreate(tmp_path / "e.root") as file:
        for number, name in enumerate(("Signal", "a", "b", "c")):
            file.mktree(name, {"x": "float64", "y": "float64"})
            angle = number * np.pi / 2
            x, y = (random.normal(f(angle), 0.8, 400) for f in (np.cos, np.sin))
            file[name].extend({"x": x, "y": y})
    inputs = "\n".join(
        f'[input.{name}]\ntree = "{name}"\nweight = {weight}'
        for name, weight in (("Signal", 1), ("a", 0.01), ("b", 50), ("c", 1))
    )
    (tmp_path / "c.toml").write_text(
        f'variables = ["x", "y"]\n[input]\nfiles = "e.root"\n{inputs}\n[method]\noptions = "Layout=DENSE|16|TANH,'
        'DENSE|4|LINEAR:RandomSeed=1:TrainingStrategy=LearningRate=1e-2,MaxEpochs=8,BatchSize=40,TestRepetitions=1"\n'
    )
    assert main(["train", str(tmp_path / "c.toml"), "-o", str(tmp_path), "--backend=reference"]) == 0
    rows = re.findall(r"DL, (\w+) +(test|training) +([\d.]+) ± ([\d.]+)", capsys.readouterr().out)
    assert len(rows) == 8
    for (_, _, test, error), (_, _, training, _) in zip(rows[::2], rows[1::2], strict=True):
        assert float(test) == pytest.approx(float(training), abs=4 * float(error))
        assert float(test) > 0.85
    config = load_config(tmp_path / "c.toml")
    model = Model.load(tmp_path / config.weights)
    parts = config.divide()
    for name, part in (("test", parts.test), ("training", parts.training)):
        found = evaluate(model, part, backend="reference").separations
        assert [f"{row.roc_integral:.4f}" for row in found] == [area for _, which, area, _ in rows if which == name]

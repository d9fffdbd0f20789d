"""The PyROOT bridge, with the ROOT that is there."""

from __future__ import annotations

import math
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from pytmva_rnn import Model, extras, read_weights, train, write_weights
from pytmva_rnn.data import Column, Recipe, Source, Steps, Variables, load, load_inputs
from pytmva_rnn.errors import DataError, MissingExtraError
from pytmva_rnn.formula import Columns
from pytmva_rnn.formula.functions import FUNCTIONS
from pytmva_rnn.pyroot import compare_with_tmva, compiled, define, register, to_arrays
from pytmva_rnn.pyroot import train as train_frames
from pytmva_rnn.report import roc_integral
from pytmva_rnn.weightfile.stored_recipe import recipe_info, stored_recipe
from tests.reference import CASES, FOLDER, Case, quickly

pytestmark = pytest.mark.slow  # ROOT's interpreter compiles in each of them

REPOSITORY = Path(__file__).parents[1]
OPTIONS = (
    "InputLayout=4|2:Layout=LSTM|5|2|4|0|0,RESHAPE|FLAT,LINEAR:RandomSeed=7:"
    "TrainingStrategy=LearningRate=1e-2,BatchSize=50,MaxEpochs={},TestRepetitions=1,Optimizer=ADAM"
)
TRACKS = Steps({"ratio": "pt / jet_pt", "charge": "charge"}, 4, sort_by="pt")


@pytest.fixture(scope="session")
def ROOT() -> Any:
    try:
        return extras.root()
    except MissingExtraError as error:
        pytest.skip(f"ROOT is not installed: {error}")


@pytest.fixture(params=[1, 2], ids=["1 thread", "2 threads"])
def threads(ROOT: Any, request: pytest.FixtureRequest) -> Iterator[int]:
    if request.param > 1:
        ROOT.EnableImplicitMT(request.param)
    yield request.param
    if request.param > 1:
        ROOT.DisableImplicitMT()


def column(frame: Any, name: str) -> np.ndarray[Any, Any]:
    """Values of a column in the order of the column `number`, as several threads give rows in any order."""
    found = frame.AsNumpy([name, "number"])
    values = found[name]
    values = np.array([np.asarray(v) for v in values]) if values.dtype == object else values
    return np.asarray(values[np.argsort(found["number"])])


def write(path: Path, types: dict[str, Any], *columns: dict[str, Any], tree: str = "t") -> str:
    """A ROOT file with a basket for each of `columns`."""
    with uproot.recreate(path) as file:
        file.mktree(tree, types)
        for each in columns:
            file[tree].extend(each)
    return str(path)


def toy(seed: int, n: int = 400) -> dict[str, Any]:
    """Events with no, fewer, and more than 4 tracks."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 8, n)
    counts[:3] = 0, 1, 7
    tracks = int(counts.sum())
    return {
        "number": np.arange(n, dtype=np.int32) + n * seed,
        "jet_pt": rng.uniform(20, 50, n).astype(np.float32),
        "pt": ak.unflatten(rng.integers(1, 40, tracks).astype(np.float32) / 2, counts),
        "charge": ak.unflatten(rng.choice([-1, 1], tracks).astype(np.int32), counts),
        "fixed": rng.normal(size=(n, 3)).astype(np.float32),
    }


TYPES = {
    "number": "int32",
    "jet_pt": "float32",
    "pt": "var * float32",
    "charge": "var * int32",
    "fixed": np.dtype((np.float32, (3,))),
}


@pytest.fixture
def file(tmp_path: Path) -> str:
    return write(tmp_path / "toy.root", TYPES, toy(0))


@pytest.fixture(scope="session")
def trained() -> Model:
    data = toy(5)
    X = TRACKS.build(arrays_of(data))
    y = (X[:, :, 0].sum(axis=1) > 0.6).astype(np.float32)
    recipe = Recipe(TRACKS)
    return train(X, y, OPTIONS.format(3), variables=recipe.variable_table(X), info=[recipe_info(recipe)]).model


def arrays_of(data: dict[str, Any]) -> Columns:
    return Columns({name: ak.Array(values) for name, values in data.items()}, np.arange(len(data["number"])))


@pytest.mark.parametrize("name", quickly(CASES, "remember_state"))
@pytest.mark.parametrize("threads", [1, pytest.param(2, marks=pytest.mark.slow)], indirect=True)
def test_reference_cases(name: str, ROOT: Any, threads: int, tmp_path: Path) -> None:
    case = Case(name)
    X = case.data["X"].reshape(len(case.data["X"]), -1)
    names = [variable.expression for variable in case.model.variables]
    columns = {**dict(zip(names, X.T, strict=True)), "number": np.arange(len(X))}
    path = write(tmp_path / "x.root", {**dict.fromkeys(names, "float32"), "number": "int64"}, columns)
    frame = ROOT.RDataFrame("t", path)
    expected = case.model.predict(case.data["X"])
    if name == "remember_state":
        with pytest.raises(DataError, match="RememberState scores an event by those before it"):
            define(frame, "score", case.model)
        inputs = to_arrays(frame, stored_recipe(case.model)).X
        np.testing.assert_allclose(case.model.predict(inputs), expected, rtol=0, atol=2e-6)
        return
    given = FOLDER / name / "weights.xml" if name == "lstm_last" else case.model
    scored = define(frame, "score", given)
    np.testing.assert_allclose(column(scored, "score"), expected, rtol=0, atol=2e-6)
    if expected.ndim == 2:
        for number, of_output in enumerate(expected.T):
            np.testing.assert_allclose(column(scored, f"score_{number}"), of_output, rtol=0, atol=2e-6)


@pytest.fixture(scope="session")
def quark_gluon() -> tuple[Model, Source]:
    """The example's network, after two epochs."""
    spec = spec_from_file_location("quark_gluon", REPOSITORY / "examples" / "quark_gluon.py")
    assert spec is not None
    assert spec.loader is not None
    example = module_from_spec(spec)
    spec.loader.exec_module(example)
    recipe = example.RECIPE
    source = Source((extras.skhep_testdata().data_path("uproot-issue96.root"),), "tree")
    data = load(recipe, source, classes=example.CLASSES)
    order = np.random.default_rng(1).permutation(len(data))[:3000]
    options = re.sub(r"MaxEpochs=\d+", "MaxEpochs=2", example.OPTIONS)
    model = train(data.X[order], data.y[order], options, info=[recipe_info(recipe)]).model
    return model, source


@pytest.mark.slow
def test_quark_and_gluon_jets(quark_gluon: tuple[Model, Source], ROOT: Any, threads: int) -> None:
    model, source = quark_gluon
    frame = ROOT.RDataFrame("tree", source.files[0]).Alias("number", "EventNumber")
    scored = define(frame, "score", model).AsNumpy(["score_jet1", "score_jet2", "EventNumber"])
    order = np.argsort(scored["EventNumber"], kind="stable")
    with uproot.open(f"{source.files[0]}:tree") as tree:
        of_file = np.argsort(tree["EventNumber"].array(library="np"), kind="stable")
    for jet in (1, 2):
        expected = model.predict(load_inputs(stored_recipe(model), source, {"jet": jet}).X)
        assert len(expected) == 13_607
        np.testing.assert_allclose(scored[f"score_jet{jet}"][order], expected[of_file], rtol=0, atol=2e-6)


@pytest.mark.parametrize("pad_side", ["end", "start"])
def test_sequences_of_any_length(pad_side: Any, trained: Model, ROOT: Any, threads: int, file: str) -> None:
    """Padded and cut as in training: empty, shorter, longer; vectors, and columns made in C++."""
    sequence = replace(TRACKS, pad_side=pad_side, pad_value=-1.0)
    expected = trained.predict(sequence.build(arrays_of(toy(0))))
    frame = ROOT.RDataFrame("t", file)
    assert trained.predict(load_inputs(Recipe(sequence), Source(file)).X) == pytest.approx(expected, abs=0)
    scored = define(frame, "score", trained, sequence)
    np.testing.assert_allclose(column(scored, "score"), expected, rtol=0, atol=2e-6)
    made = frame.Define("copy", "std::vector<double>(pt.begin(), pt.end())").Define("unit", "charge * 1.")
    other = replace(sequence, inputs={"ratio": "copy / jet_pt", "charge": "unit"}, sort_by="copy")
    np.testing.assert_allclose(column(define(made, "score", trained, other), "score"), expected, rtol=0, atol=2e-6)


def test_recipe_of_the_weight_file_and_snapshot(
    trained: Model, ROOT: Any, threads: int, file: str, tmp_path: Path
) -> None:
    write_weights(trained, tmp_path / "w.xml")
    model = read_weights(tmp_path / "w.xml")
    scored = define(ROOT.RDataFrame("t", file), "score", model)
    scored.Snapshot("t", str(tmp_path / "scored.root"), ["number", "pt", "score"])
    with uproot.open(f"{tmp_path}/scored.root:t") as tree:
        found = tree.arrays()
    found = found[np.argsort(np.asarray(found["number"]))]
    expected = model.predict(TRACKS.build(arrays_of(toy(0))))
    np.testing.assert_allclose(np.asarray(found["score"]), expected, rtol=0, atol=2e-6)
    assert ak.all(found["pt"] == toy(0)["pt"])


def test_lists_as_variables(trained: Model, ROOT: Any, file: str) -> None:
    """An array of the file and a vector from C++ as flat variables, time-major."""
    frame = ROOT.RDataFrame("t", file).Define("more", "ROOT::RVec<double>{1, jet_pt, 3, 4}")
    data = toy(0)
    more = np.stack([np.full(400, x) if x else data["jet_pt"] for x in (1, 0, 3, 4)], axis=1)
    X = np.concatenate([data["jet_pt"][:, None], data["fixed"], more], axis=1).astype(np.float32)
    for columns in (["jet_pt", "fixed", "more[4]"], ["jet_pt", "fixed[3]", "more"]):
        scored = define(frame, "score", trained, columns)
        np.testing.assert_allclose(column(scored, "score"), trained.predict(X), rtol=0, atol=2e-6)


EXPRESSIONS = [
    *(f"{name}(x)" for name, function in FUNCTIONS.items() if function.kind == "elements" and function.fewest == 1),
    *(f"{name}(x, y)" for name, function in FUNCTIONS.items() if function.kind == "elements" and function.fewest == 2),
    "min(x, y, 0.3) + max(x, 1)",
    "clip(x, -0.5, y) + TMath::Range(-0.5, y, x) + TMath::Gaus(x, y, 2, 1)",
    "where(i > 2, x, -y)",
    "sum(v) + num(v) * 2 - count(v) + sum(v > 0.5)",
    "any(v > 0.5) + 2 * all(v > -0.5) + any(v)",
    "where(num(v) > 0, mean(v), 9)",
    "clip(min(v), -99, 99) - clip(max(v), -99, 99)",
    "x / 0 + x % 3 + i % (-3) + (-i) % 4 + 7 % 4 * 2",
    "i ^ 2 + x ^ 3 + 2 ^ -1 + 2 ^ 3 ^ 2",
    "(i & 3) + (abs(i) | 4) + (1 << (i & 3)) + (9 >> 1) + ((i > 2) & (x < 1)) + ((i == 1) | b)",
    "-x + +y + !b + (b && i > 1) + (i || x) + (0 < x && x <= 1)",
    "sum(select(v, abs(v) > 0.2)) + sum(hypot(v, x) * w)",
    "(Length$(v) > 0 ? 1 : 0) * pi",
    "fixed[0] + fixed[i & 1] * 1e3 + fixed[1 + 1]",
    "TMath::Abs(x) + TMath::Power(y, 2) + (x > 0 && b || i != 1)",
    "true + 0.1 + x",
    "Sum$(v) + Length$(v) + Max$(v) - Min$(v) + MaxIf$(v, v < 0.5) + MinIf$(v, w > 100) + v.size() + @w.size()",
    "Alt$(v[2], x) + Alt$(first(v), -1) + Sum$(v[0]) + Length$(v[1])",
    "num(v) > 1 && v[1] > 0",
    "num(v) <= 1 || v[1] > 0",
    "num(v) > 1 ? v[1] : -1",
    "Sum$(v * Iteration$) + Sum$(Alt$(v, 5) + fixed) + Alt$(v, -9) + Sum$(v + Length$)",
    "Sum$(v[w * 0]) + Sum$(select(w, v > 0)[0])",
    "int(x * 3) + (int)y + delta_phi(5 * x, y)",
    "big == 9007199254740993",
    "big % 10 + (big & 7)",
]


@pytest.mark.slow
def test_expressions_are_the_same_in_cpp(ROOT: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    counts = rng.integers(0, 4, 300)
    data = {
        "x": rng.normal(size=300),
        "y": rng.normal(size=300).astype(np.float32),
        "i": rng.integers(-3, 6, 300).astype(np.int32),
        "b": rng.random(300) > 0.5,
        "v": ak.unflatten(rng.normal(size=counts.sum()).astype(np.float32), counts),
        "w": ak.unflatten(rng.integers(0, 200, counts.sum()).astype(np.uint8), counts),
        "fixed": rng.normal(size=(300, 3)),
        "big": 2**53 + np.arange(300),
    }
    types = {
        "big": "int64",
        "x": "float64",
        "y": "float32",
        "i": "int32",
        "b": "bool",
        "v": "var * float32",
        "w": "var * uint8",
        "fixed": np.dtype((np.float64, (3,))),
    }
    path = write(tmp_path / "e.root", types, data)
    used = set(re.findall(r"([\w:$]+)\(", " ".join(EXPRESSIONS)))
    assert set(FUNCTIONS) - {"Entry$", "LocalEntry$", "Iteration$"} <= used
    recipe = Recipe(Variables(tuple(Column(text) for text in EXPRESSIONS)), allow_nan=True)
    expected = load_inputs(recipe, Source(path, "t")).X
    found = to_arrays(ROOT.RDataFrame("t", path).Filter("true"), recipe).X
    for text, ours, theirs in zip(EXPRESSIONS, found.T, expected.T, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=3e-7, atol=3e-7, err_msg=text)


def test_names_of_columns_have_no_effect(ROOT: Any, tmp_path: Path) -> None:
    """ROOT's own C++ calls its columns var0, var1 ...; and names that C++ or the generated code has."""
    names = [
        *(f"var{n}" for n in range(10)),
        "x1",
        "lambda",
        "f",
        "int",
        "class",
        "return",
        "fill",
        "row",
        "out",
        "a0",
        "v0",
    ]
    values = np.random.default_rng(3).normal(size=(len(names), 50))
    path = write(tmp_path / "v.root", dict.fromkeys(names, "float64"), dict(zip(names, values, strict=True)))
    columns = [Column(f"2*{name}") for name in reversed(names)]
    found = to_arrays(ROOT.RDataFrame("t", path).Filter("true"), Recipe(Variables(tuple(columns)))).X
    np.testing.assert_array_equal(found, (2 * values[::-1].T).astype(np.float32))
    model = train(
        found[:, :4],
        found[:, 0] > 0,
        "Layout=DENSE|3|TANH,LINEAR:RandomSeed=1:TrainingStrategy=MaxEpochs=1,BatchSize=5",
    ).model
    scored = define(ROOT.RDataFrame("t", path), "var4_score", model, ["var4", "var3", "var2", "var1"])
    expected = model.predict(values[[4, 3, 2, 1]].T.astype(np.float32))
    np.testing.assert_allclose(scored.AsNumpy(["var4_score"])["var4_score"], expected, rtol=0, atol=2e-6)


def test_nan_sorts_as_in_training(ROOT: Any, tmp_path: Path) -> None:
    values = ak.Array([[math.nan, 1.0, 3.0, 2.0], [2.0, math.nan, 2.5], [math.nan], []])
    path = write(tmp_path / "n.root", {"v": "var * float64"}, {"v": values})
    for descending in (True, False):
        recipe = Recipe(Steps({"v": "v"}, 4, "v", descending=descending))
        expected = load_inputs(recipe, Source(path)).X
        np.testing.assert_array_equal(to_arrays(ROOT.RDataFrame("t", path).Filter("true"), recipe).X, expected)


@pytest.fixture
def clusters(ROOT: Any, tmp_path: Path) -> list[str]:
    """Three files of ten clusters; the second has its tree in a folder."""
    options = ROOT.RDF.RSnapshotOptions()
    options.fAutoFlush = 300
    files = []
    for k, tree in enumerate(("t", "folder/t", "t")):
        files.append(str(tmp_path / f"{9 - k}.root"))
        ROOT.RDataFrame(3000).Define("x", f"(int)rdfentry_ + {3000 * k}").Snapshot(tree, files[-1], ["x"], options)
    return files


def chain(ROOT: Any, files: list[str]) -> Any:
    made = ROOT.TChain()
    for k, name in enumerate(files):
        made.Add(f"{name}?#{'folder/t' if k == 1 else 't'}")
    return made


def test_order_of_the_files_is_kept(ROOT: Any, clusters: list[str]) -> None:
    """The first events of each task take longer, so that tasks overtake each other."""
    ROOT.EnableImplicitMT(4)
    try:
        tree = chain(ROOT, clusters)
        frame = ROOT.RDataFrame(tree)
        slow = "double s = 0; for (int i = 0; i < (x % 300 == 3 ? 1000000 : 1); ++i) s += std::sin(i); return s > -1e9;"
        found = to_arrays(frame.Filter(slow).Filter("x % 7 != 0"), ["x"])
    finally:
        ROOT.DisableImplicitMT()
    x = np.arange(9000)
    np.testing.assert_array_equal(found.X[:, 0], x[x % 7 != 0])
    np.testing.assert_array_equal(found.entries, np.arange(len(found.X)))


def test_plain_files_are_read_without_an_event_loop_for_the_columns(
    ROOT: Any, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(sys.modules["pytmva_rnn.pyroot.to_arrays"], "_through_root")
    frame = ROOT.RDataFrame("t", file)
    expected = TRACKS.build(arrays_of(toy(0)))
    opened = ROOT.TFile.Open(file)
    loop = frame.Define("other", "1")
    for data in (frame, loop, opened.Get("t")):
        np.testing.assert_array_equal(to_arrays(data, TRACKS).X, expected)


@pytest.mark.slow
def test_what_only_root_can_read(ROOT: Any, clusters: list[str], tmp_path: Path) -> None:
    def x_of(data: Any, name: str = "x") -> list[float]:
        return [float(value) for value in to_arrays(data, [name]).X[:, 0]]

    frame = ROOT.RDataFrame("t", clusters[0])
    assert x_of(frame.Range(10, 13)) == [10, 11, 12]
    assert x_of(frame.Redefine("x", "x * 2").Range(3)) == [0, 2, 4]
    assert x_of(frame.Alias("z", "x"), "z") == list(range(3000))
    assert x_of(frame.Filter("x > 2997")) == [2998, 2999]
    spec = ROOT.RDF.Experimental.RDatasetSpec()
    spec.AddSample(("first", "t", clusters[0])).WithGlobalRange((100, 103))
    assert x_of(ROOT.RDataFrame(spec)) == [100, 101, 102]
    assert x_of(ROOT.RDataFrame(4).Define("x", "rdfentry_ * 1.")) == [0, 1, 2, 3]

    opened = ROOT.TFile.Open(clusters[0])
    tree = opened.Get("t")
    tree.AddFriend("t", clusters[2]).SetTitle("friend")
    assert x_of(tree, "x")[:3] == [0, 1, 2]
    ROOT.gROOT.cd()
    in_memory = ROOT.RDataFrame(3).Define("x", "rdfentry_ + 5.")
    assert x_of(in_memory) == [5, 6, 7]


def test_threads_compile_a_text_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second time it would not compile."""
    together, texts = threading.Barrier(2), []

    class Interpreter:
        def Declare(self, text: str) -> bool:
            with suppress(threading.BrokenBarrierError):
                together.wait(0.2)
            texts.append(text)
            return texts.count(text) == 1

    monkeypatch.setattr(compiled, "_interpreter", Interpreter)
    text = "// of two threads"
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda _: compiled.compile_once(text, "this"), range(2))) == [None, None]
    assert texts == [text]


def test_each_network_is_compiled_once(trained: Model, ROOT: Any, file: str) -> None:
    frame = ROOT.RDataFrame("t", file)
    define(frame, "score", trained)
    before = compiled._compile.cache_info().misses
    define(define(frame.Filter("number > 3"), "a", trained), "b", replace(trained))
    assert compiled._compile.cache_info().misses == before


def test_training_on_frames(ROOT: Any, tmp_path: Path) -> None:
    files = [write(tmp_path / f"{seed}.root", TYPES, toy(seed, 600)) for seed in (1, 2)]
    frame = ROOT.RDataFrame("t", files)
    signal, background = (frame.Filter(f"{negate}(jet_pt > 35)") for negate in ("", "!"))
    recipe = Recipe(Steps({"jet_pt": "jet_pt / 10 - 3.5", "charge": "charge"}, 4), (Column("number"),))
    result = train_frames(
        signal, background, recipe, OPTIONS.format(30), weight="2 * (number > -1)", title="Toy", progress=False
    )
    model = result.model
    assert model.title == "Toy"
    assert model.classes == ("Signal", "Background")
    assert model.spectators[0].max == 1799
    assert stored_recipe(model) == recipe
    scores = np.concatenate([define(f, "s", model).AsNumpy(["s"])["s"] for f in (signal, background)])
    truth = np.repeat([1, 0], [signal.Count().GetValue(), background.Count().GetValue()])
    assert roc_integral(truth, scores) > 0.9
    # what is trained is what the arrays of all events give, with weights that add up to the signal's events
    again = train_frames(signal, background, recipe, OPTIONS.format(2), seed=3, progress=False)
    other = train_frames(signal, background, recipe, OPTIONS.format(2), seed=4, progress=False)
    same = train_frames(signal, background, recipe, OPTIONS.format(2), seed=3, weight="5", progress=False)
    assert again.history != other.history
    np.testing.assert_allclose(np.array(again.history), np.array(same.history), rtol=1e-6)
    with pytest.raises(DataError, match=r"weights of the .* events of class 'Signal' add up to 0"):
        train_frames(signal, background, recipe, OPTIONS.format(2), weight="0 * jet_pt")


def test_wrong_columns_are_refused(trained: Model, ROOT: Any, file: str, capfd: pytest.CaptureFixture[str]) -> None:
    frame = ROOT.RDataFrame("t", file).Define("name", 'std::string("x")')
    define(frame, "score", trained)  # some ROOT ends the process if what does not compile comes first
    for columns, message in (
        (["jet_pt", "fixed", "jet_p", "number[4]"], "no branch 'jet_p' in the RDataFrame; near names: jet_pt"),
        (["jet_pt"], "make 1 variables, but the network takes 8"),
        (replace(TRACKS, inputs={"a": "pt"}, per_event={"b": "jet_pt"}), "per_event, collections and steps_from"),
        (["fixed", "pt", "charge"], "8 variables are left for 3 lists of equal length"),
        (["name", "jet_pt[7]"], r"column 'name' holds text \(.*string\)"),
        (["number", "jet_pt[7]"], r"columns do not fit the expressions of the inputs \(number \(Int_t\)"),
        (replace(TRACKS, inputs={"a": "pt.fX", "b": "pt"}), "'pt.fX': the column holds ROOT::VecOps::RVec"),
    ):
        with pytest.raises(DataError, match=message):
            define(frame, "score", trained, columns)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="has a column 'pt' already"):
        define(frame, "pt", trained)
    with pytest.raises(FileNotFoundError, match=r"file\.xml"):
        define(frame, "s", "file.xml")
    with pytest.raises(DataError, match="the column 'a-b': use letters"):
        define(frame, "a-b", trained)
    with pytest.raises(DataError, match="int is neither an RDataFrame nor a TTree"):
        to_arrays(3, ["x"])
    capfd.readouterr()  # the compiler's messages


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (Steps({"a": "pt", "b": "fixed"}, 4), "different numbers of elements in an event: 0 and 3"),
        (["pt[0] + 1"], r"expression 'pt\[0\]\+1': an event lacks an element"),
        (["pt[4]"], r"variable pt\[4\]: an event has 0 elements"),
    ],
)
def test_wrong_events_are_named(
    inputs: Any, message: str, ROOT: Any, file: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(DataError, match=message):
        to_arrays(ROOT.RDataFrame("t", file).Filter("true"), inputs)
    capfd.readouterr()  # ROOT says that the event loop ended


def run(code: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *options, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPOSITORY)


@pytest.mark.slow
def test_warning_of_the_import_does_no_harm(ROOT: Any) -> None:
    done = run("from pytmva_rnn import extras; print(extras.root().RDataFrame(3).Count().GetValue())", "-W", "error")
    assert (done.stdout, done.stderr, done.returncode) == ("3\n", "", 0)


def test_root_is_not_loaded_before_it_is_needed() -> None:
    done = run("import sys, pytmva_rnn, pytmva_rnn.pyroot; print('ROOT' in sys.modules)")
    assert done.stdout == "False\n", done.stderr


def test_without_root_the_command_that_installs_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ROOT", None)
    with pytest.raises(MissingExtraError, match=r'pip install "[^"]+\[root\]"'):
        register(FOLDER / "lstm_last" / "weights.xml")


def test_without_tmva_register_says_so(ROOT: Any) -> None:
    if hasattr(ROOT, "TMVA"):
        pytest.skip("this ROOT has TMVA")
    with pytest.raises(MissingExtraError, match=r"this ROOT, 6\.\S+, has no TMVA .* conda install -c conda-forge root"):
        compare_with_tmva(FOLDER / "lstm_last" / "weights.xml", "x.root")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lstm_last", "regression", "multiclass_softmax"])
def test_beside_tmva(name: str, ROOT: Any, tmp_path: Path) -> None:
    """In a ROOT with TMVA beside the real Reader, else beside one that has its calls and our exported network."""
    case = Case(name)
    X = case.data["X"].reshape(len(case.data["X"]), -1)
    names = [variable.expression for variable in case.model.variables]
    path = write(tmp_path / "x.root", dict.fromkeys(names, "float32"), dict(zip(names, X.T, strict=True)))
    code = f"""
import ROOT, numpy as np
from pytmva_rnn import read_weights
from pytmva_rnn.export.cpp import generate
from pytmva_rnn.pyroot import compare_with_tmva
weights = {str(FOLDER / name / "weights.xml")!r}
if not hasattr(ROOT, "TMVA"):
    model = read_weights(weights)
    assert ROOT.gInterpreter.Declare(generate(model, "Net") + '''
namespace TMVA {{ class Reader {{
  std::vector<float*> x; std::vector<float> out = std::vector<float>(Net::outputs); Net net; int n = 0;
  const std::vector<float>& run(const TString& tag) {{
    if (tag != "method") throw std::runtime_error("tag");
    std::vector<float> v; for (float* p : x) v.push_back(*p);
    net.evaluate(v.data(), 1, out.data());
    if (n++ == 17) out.back() += 0.25;
    return out;
  }}
public:
  Reader(const TString& options) {{ if (options != "!Color:Silent") throw std::runtime_error("options"); }}
  void AddVariable(const TString& e, float* p) {{ x.push_back(p); }}
  void AddSpectator(const TString& e, float* p) {{}}
  void* BookMVA(const TString& tag, const TString& file) {{ return this; }}
  double EvaluateMVA(const TString& tag, double aux = 0) {{ return run(tag)[0]; }}
  const std::vector<float>& EvaluateRegression(const TString& tag, double aux = 0) {{ return run(tag); }}
  const std::vector<float>& EvaluateMulticlass(const TString& tag, double aux = 0) {{ return run(tag); }}
}}; }}''')
found = compare_with_tmva(weights, {path + ":t"!r})
print(found)
print(found.event, found.largest_difference, found.tmva.shape == found.ours.shape)
print(np.sort(abs(found.tmva - found.ours).ravel())[-2])
"""
    done = run(code)
    assert done.returncode == 0, done.stderr
    shown, numbers, second = done.stdout.splitlines()
    assert float(second) < 2e-6
    if not hasattr(ROOT, "TMVA"):
        event, difference, same_shape = numbers.split()
        assert (event, same_shape) == ("17", "True")
        assert float(difference) == pytest.approx(0.25, abs=1e-5)
        assert re.fullmatch(rf"{len(X)} events: .* differ by at most 0\.25 \(event 17\)", shown)


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 2])
def test_example(threads: int, ROOT: Any, tmp_path: Path) -> None:
    script = REPOSITORY / "examples" / "rdataframe.py"
    command = [
        sys.executable,
        str(script),
        f"--folder={tmp_path}",
        "--events=1500",
        "--epochs=4",
        f"--threads={threads}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPOSITORY)
    assert done.returncode == 0, done.stderr
    numbers = dict(re.findall(r"^(.*): (\S+)$", done.stdout, re.MULTILINE))
    assert float(numbers["ROC integral"]) > 0.7
    assert float(numbers["largest difference between RDataFrame and Model.predict"]) < 2e-6
    with uproot.open(f"{tmp_path}/scored.root:jets") as tree:
        assert tree.num_entries == 1500


def test_steps_that_are_not_there_are_left_out_of_plain_files_and_refused_otherwise(ROOT: Any, tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    files = [str(tmp_path / f"{name}.root") for name in ("signal", "background")]
    for number, path in enumerate(files):
        with uproot.recreate(path) as file:
            lengths = random.integers(0, 4, 200)
            file.mktree("t", {"x": "var * float64"}).extend(
                {"x": ak.unflatten(ak.Array(random.normal(number, 1, lengths.sum())), lengths)}
            )
    steps = Steps({"x": "x"}, 3, mask_padding=True)
    options = (
        "InputLayout=3|1:Layout=RNN|4|1|3|0|0,LINEAR:RandomSeed=7:"
        "TrainingStrategy=BatchSize=50,MaxEpochs=1,TestRepetitions=1,Optimizer=ADAM"
    )
    frames = [ROOT.RDataFrame("t", path) for path in files]
    assert train_frames(*frames, steps, options).model.mask_padding
    with pytest.raises(DataError, match="in an RDataFrame steps that are not there"):
        train_frames(*(frame.Filter("true") for frame in frames), steps, options)

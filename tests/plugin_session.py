"""What a user does with the plugin, in a process of its own: ROOT with the TMVA of `standin_tmva`, or its own."""

from __future__ import annotations

import ctypes
import re
import runpy
import shutil
import subprocess
import sys
from array import array
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pytmva_rnn import extras, write_weights
from pytmva_rnn.description import Variable
from pytmva_rnn.model import Model
from pytmva_rnn.options import MethodOptions
from pytmva_rnn.pyroot import install
from pytmva_rnn.pyroot.plugin.hooks import results
from pytmva_rnn.pyroot.plugin.method_header import evaluator
from pytmva_rnn.training import train

STANDIN = Path(__file__).parent / "standin_tmva"
STEPS, INPUTS = 4, 2
NAMES = [f"x{number}" for number in range(STEPS * INPUTS)]
OPTIONS = (
    "!H:!V:VarTransform={transform}:InputLayout=4|2:RandomSeed=7:Layout={layout}:"
    "TrainingStrategy=LearningRate=1e-2,BatchSize=50,MaxEpochs=3,TestRepetitions=1,Optimizer=ADAM"
)
LSTM = "LSTM|5|2|4|0|0,RESHAPE|FLAT,LINEAR"


def root_with(generation: int) -> Any:
    """ROOT, with the stand-in of TMVA where it has none."""
    root = extras.root()
    if not hasattr(root, "TMVA"):
        root.gInterpreter.AddIncludePath(str(STANDIN))
        root.gInterpreter.Declare(
            f'#define TMVA_STANDIN_GENERATION {generation}\n#include "TMVA/Reader.h"\n#include "TMVA/Factory.h"'
        )
    return root


def toy(seed: int, events: int = 400) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(events, len(NAMES))).astype(np.float32)


X = toy(1)
"""Events to train with; every second one is also a test event."""
SUMS = X[:, ::2].sum(axis=1)


def fill(root: Any, name: str, analysis: str, negative: int | None = None) -> Any:
    """A loader of the events; every `negative`-th has a negative weight."""
    loader = root.TMVA.DataLoader(name)
    for variable in NAMES:
        loader.AddVariable(variable)
    if analysis == "Regression":
        for target in ("t0", "t1"):
            loader.AddTarget(target)
    vector = root.std.vector["double"]
    for number, (event, total) in enumerate(zip(X, SUMS, strict=True)):
        values = [*event, 3 * total, 100 + total] if analysis == "Regression" else event
        kind = "Regression"
        if analysis == "Multiclass":
            kind = f"class{min(2, max(0, int(total + 1.5)))}" if number > 2 else f"class{number}"
        elif analysis == "Classification":
            kind = "Signal" if number == 0 or (number > 1 and total > 0) else "Background"
        loader.AddTrainingEvent(kind, vector(values), -1.5 if negative and number % negative == 2 else 1.5)
        if number % 2 == 0:
            loader.AddTestEvent(kind, vector(values), 1.0)
    loader.PrepareTrainingAndTestTree(root.TCut(""), "!V")
    return loader


def trained(root: Any, analysis: str, transform: str, layout: str = LSTM, method: str = "PyTMVARNN") -> Any:
    """The loader and the factory, trained and tested, in a folder of the analysis' name."""
    title = f"{analysis}_{transform}"
    output = root.TFile(f"{title}.root", "RECREATE")
    factory = root.TMVA.Factory("job", output, f"!V:AnalysisType={analysis}")
    loader = fill(root, title, analysis)
    booked = factory.BookMethod(loader, method, title, OPTIONS.format(transform=transform, layout=layout))
    booked.InitIPythonInteractive()
    factory.TrainAllMethods()
    factory.TestAllMethods()
    output.Close()
    return loader, factory


def reader_scores(root: Any, file: str, events: NDArray[np.float32], call: str = "EvaluateMVA") -> NDArray[np.float32]:
    reader = root.TMVA.Reader("!Color:Silent")
    places = [array("f", [0.0]) for _ in NAMES]
    for name, place in zip(NAMES, places, strict=True):
        reader.AddVariable(name, place)
    reader.BookMVA("net", file)
    scores = []
    for event in events:
        for place, value in zip(places, event, strict=True):
            place[0] = value
        found = getattr(reader, call)("net")
        scores.append(found if isinstance(found, float) else list(found))
    return np.array(scores, np.float32)


def weights_node(text: str) -> str:
    return text[text.index("  <Weights") : text.index("</Weights>")]


def scaled(values: NDArray[Any]) -> NDArray[np.float32]:
    low, high = values.min(axis=0).astype(np.float64), values.max(axis=0).astype(np.float64)
    return np.asarray((values - low) * (2 / (high - low)) - 1, np.float32)


def close(found: Any, expected: Any, atol: float = 2e-6) -> None:
    np.testing.assert_allclose(found, expected, rtol=0, atol=atol)


def classification(root: Any) -> None:
    """Training, testing, the file, the history, the Reader."""
    _, factory = trained(root, "Classification", "None")
    result = results["Classification_None"]
    model = result.model
    close(factory.test_scores[0], model.predict(X[::2]))
    close(factory.GetMethod(0).training_scores, model.predict(X))

    path = Path("Classification_None/weights/job_Classification_None.weights.xml")
    text = path.read_text()
    write_weights(model, "ours.weights.xml")
    assert weights_node(text) == weights_node(Path("ours.weights.xml").read_text())
    assert '<MethodSetup Method="DL::Classification_None">' in text
    written = re.findall(r'<Option name="(\w+)" modified="(\w+)">([^<]*)<', text)
    given = {"VarTransform", "InputLayout", "RandomSeed", "Layout", "TrainingStrategy", "H", "V"}
    defaults = {option.name: option.value for option in MethodOptions().to_model_options()}
    assert [name for name, _, _ in written] == list(defaults)
    for name, modified, value in written:
        assert (modified == "Yes") == (name in given), name
        assert name in given or value == defaults[name], name
    loaded = Model.load(path)
    assert loaded.variables[1] == Variable("x1", "x1", "x1", internal="x1", max=1.0)

    values = factory.GetMethod(0).fTrainHistory.values
    for name, column in (("trainingError", 1), ("valError", 2)):
        found = [(point.first, point.second) for point in values[name]]
        assert found == [(row[0], row[column]) for row in result.history]
    file = root.TFile.Open("Classification_None.root")
    graph = file.Get("valError")
    assert [graph.GetPointY(point) for point in range(3)] == [row[2] for row in result.history]
    file.Close()

    install(replace_dl=True)
    install(replace_dl=True)
    events = np.concatenate([toy(5, 20), np.full((1, len(NAMES)), np.nan, np.float32)])
    close(reader_scores(root, str(path), events), loaded.predict(events))


def others(root: Any) -> None:
    """Transformations, targets, classes."""
    _, factory = trained(root, "Classification", "N", method="DL")
    model = results["Classification_N"].model
    close(factory.test_scores[0], model.predict(scaled(X)[::2]))

    trained(root, "Regression", "N", LSTM)
    targets = np.stack([3 * SUMS, 100 + SUMS], axis=1).astype(np.float32)
    low, high = targets.min(axis=0), targets.max(axis=0)
    expected = (results["Regression_N"].model.predict(scaled(X)[:20]) + 1) * (high - low) / 2 + low
    file = "Regression_N/weights/job_Regression_N.weights.xml"
    close(reader_scores(root, file, X[:20], "EvaluateRegression"), expected, 3e-5)

    trained(root, "Multiclass", "None", "GRU|5|2|4|0|1,RESHAPE|FLAT,BNORM,DENSE|6|RELU,LINEAR")
    file = "Multiclass_None/weights/job_Multiclass_None.weights.xml"
    close(reader_scores(root, file, X[:20], "EvaluateMulticlass"), results["Multiclass_None"].model.predict(X[:20]))


def negative_weights(root: Any) -> None:
    """TMVA leaves it to its methods to ignore them, and tells only the method whether to."""
    factory = root.TMVA.Factory("job", "AnalysisType=Classification")
    options = OPTIONS.format(transform="None", layout=LSTM) + ":IgnoreNegWeightsInTraining"
    loader = fill(root, "negative", "Classification", 5)  # which the factory does not keep
    factory.BookMethod(loader, "PyTMVARNN", "negative", options)
    factory.TrainAllMethods()
    kept = np.arange(len(X)) % 5 != 2
    y = SUMS > 0
    y[:2] = True, False
    alone = train(X[kept], y[kept], options, sample_weight=np.full(int(kept.sum()), 1.5))
    assert results["negative"].history == alone.history


def mistakes(root: Any) -> None:
    """What is wrong is said in the exception and in TMVA's log."""
    factory = root.TMVA.Factory("job", "AnalysisType=Classification")
    loader = fill(root, "mistakes", "Classification")
    for layout, message in (
        ("LSTM|5|2|4|1|0,RESHAPE|FLAT,LINEAR", "with RememberState an event's score depends on the events before"),
        ("LSTM|5|3|4|0|0,RESHAPE|FLAT,LINEAR", "LSTM"),
        ("LSTM|5|2|4|0|0,RESHAPE|FLAT,DENSE|3|LINEAR", "1 output(s) are needed"),
    ):
        with pytest.raises(Exception, match=re.escape(message)):
            factory.BookMethod(loader, "PyTMVARNN", "wrong", OPTIONS.format(transform="None", layout=layout))
    text = Path("Classification_None/weights/job_Classification_None.weights.xml").read_text()
    Path("damaged.weights.xml").write_text(re.sub(r'TimeSteps="\d+"', 'TimeSteps="5"', text))
    with pytest.raises(Exception, match=re.escape("<LSTMLayer> (layer 0): expected 5 time steps")):
        reader_scores(root, "damaged.weights.xml", X[:1])
    for analysis, call, message in (
        ("Regression_N", "EvaluateMVA", "and this is a regression: call EvaluateRegression"),
        ("Multiclass_None", "EvaluateMVA", "and this is a multiclass classification: call EvaluateMulticlass"),
        (
            "Classification_None",
            "EvaluateRegression",
            "and this is a classification with two classes: call EvaluateMVA",
        ),
    ):
        with pytest.raises(Exception, match=message):
            reader_scores(root, f"{analysis}/weights/job_{analysis}.weights.xml", X[:1], call)


def processes(root: Any) -> None:
    """Training in processes that TMVA forks, after Numba has had threads in this one."""
    results["Classification_None"].model.predict(np.repeat(X, 100, axis=0))
    factory = root.TMVA.Factory("job", "AnalysisType=Classification")
    loader = fill(root, "processes", "Classification")
    for title in ("one", "two"):
        factory.BookMethod(loader, "PyTMVARNN", title, OPTIONS.format(transform="None", layout=LSTM))
    assert factory.TrainInProcesses() == 0
    files = [Path(f"processes/weights/job_{title}.weights.xml").read_text() for title in ("one", "two")]
    ours = weights_node(Path("ours.weights.xml").read_text())
    assert [weights_node(text) for text in files] == [ours, ours]


def compilers(root: Any) -> None:
    """The system's compiler and ROOT's interpreter give the same bits."""
    if shutil.which("g++") is None:
        return
    source = f'{evaluator()}\nextern "C" auto best() {{ return pytmva_rnn::machines().front().run; }}\n'
    Path("layers.cxx").write_text(source)
    subprocess.run(["g++", "-std=c++17", "-O1", "-shared", "-fPIC", "layers.cxx", "-o", "layers.so"], check=True)
    best = ctypes.CDLL("./layers.so").best
    best.restype = ctypes.c_size_t
    root.gInterpreter.Declare(
        """
std::vector<float> scores_of(TMVA::Factory &factory, unsigned long long run) {
  pytmva_rnn::Network network = dynamic_cast<pytmva_rnn::Method *>(factory.GetMethod(0))->network();
  if (run)
    network.machine.run = reinterpret_cast<decltype(pytmva_rnn::Machine::run)>(run);
  auto work = network.work();
  std::vector<float> x(network.variables), out(200 * network.outputs);
  for (int i = 0; i < 200; ++i) {
    for (std::size_t k = 0; k < x.size(); ++k)
      x[k] = std::sin(0.1f * i + k);
    network.score(x.data(), &out[i * network.outputs], work);
  }
  return out;
}"""
    )
    _, factory = trained(root, "Classification", "None")
    first, second = (np.array(root.scores_of(factory, run)) for run in (0, best()))
    np.testing.assert_array_equal(first, second)


def example() -> None:
    sys.argv = ["tmva_plugin.py", "--events=400", "--epochs=15", "--transform=None"]
    runpy.run_path(str(Path(__file__).parents[1] / "examples" / "tmva_plugin.py"), run_name="__main__")


def main(generation: int) -> None:
    """All of it with one generation of the stand-in; with the others the class compiles, and TMVA takes it."""
    root = root_with(generation)
    install()
    if generation == 630:
        classification(root)
        others(root)
        negative_weights(root)
        mistakes(root)
        compilers(root)
        processes(root)
        example()
    print("done")


if __name__ == "__main__":
    main(int(sys.argv[1]))

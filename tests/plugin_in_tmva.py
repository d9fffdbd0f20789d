"""What a user does with the plugin in a real TMVA; the marked test runs it in an empty folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import uproot
from numpy.typing import NDArray

from pytmva_rnn import read_weights, write_weights
from pytmva_rnn.extras import root
from pytmva_rnn.pyroot import install
from pytmva_rnn.pyroot.plugin.hooks import results
from tests.plugin_session import LSTM, NAMES, OPTIONS, reader_scores

TRANSFORM = "N"
TOLERANCE = 1e-5
"""TMVA computes N in float32, pytmva_rnn in double."""
KINDS = {"Classification": ("Signal", "Background"), "Multiclass": ("a", "b", "c"), "Regression": ("Regression",)}


def tree(ROOT: Any, kind: str, shift: float) -> Any:
    """Events of a class, with two targets, from a file of their own."""
    random = np.random.default_rng(len(kind) + int(10 * shift))
    columns = {name: random.normal(shift, 1, 600).astype(np.float32) for name in NAMES}
    total = np.sum([columns[name] for name in NAMES[::2]], axis=0)
    columns |= {"t0": 3 * total, "t1": 100 + total}
    with uproot.recreate(f"{kind}.root") as file:
        file["t"] = columns
    opened = ROOT.TFile.Open(f"{kind}.root")
    ROOT.SetOwnership(opened, False)
    return opened.Get("t")


def loader_of(ROOT: Any, name: str, analysis: str) -> Any:
    loader = ROOT.TMVA.DataLoader(name)
    for variable in NAMES:
        loader.AddVariable(variable, "F")
    for number, kind in enumerate(KINDS[analysis]):
        events = tree(ROOT, kind, 0.4 * number)
        if analysis == "Regression":
            for target in ("t0", "t1"):
                loader.AddTarget(target)
            loader.AddRegressionTree(events, 1.0)
        else:
            loader.AddTree(events, kind, 1.0)
    loader.PrepareTrainingAndTestTree(ROOT.TCut(""), "SplitMode=Random:SplitSeed=7:NormMode=EqualNumEvents:!V")
    return loader


def trained(ROOT: Any, analysis: str, beside: tuple[str, str] | None) -> tuple[Path, dict[str, NDArray[Any]]]:
    """The weight file, and the columns of TMVA's TestTree."""
    output = ROOT.TFile(f"{analysis}.output.root", "RECREATE")
    options = f"!V:Silent:!Color:!DrawProgressBar:AnalysisType={analysis}"
    factory = ROOT.TMVA.Factory("job", output, options)
    loader = loader_of(ROOT, f"{analysis}_data", analysis)
    factory.BookMethod(loader, "PyTMVARNN", "LSTM", OPTIONS.format(transform=TRANSFORM, layout=LSTM))
    if beside:
        factory.BookMethod(loader, beside[0], beside[0], beside[1])
    factory.TrainAllMethods()
    factory.TestAllMethods()
    factory.EvaluateAllMethods()
    output.Close()
    with uproot.open(f"{analysis}.output.root") as file:
        assert any("TrainingHistory" in key and "valError" in key for key in file.keys(recursive=True))
        columns = file[f"{analysis}_data/TestTree"].arrays(library="np")
    return Path(f"{analysis}_data/weights/job_LSTM.weights.xml"), columns


def check(analysis: str, path: Path, columns: dict[str, NDArray[Any]]) -> None:
    """Scores and the file are ours."""
    model = read_weights(path)
    X = np.stack([columns[name] for name in NAMES], axis=1)
    expected = model.predict(X).reshape(len(X), -1)
    found = [columns["LSTM"]] if analysis == "Classification" else list(_leaves(columns))
    scale = np.abs(expected).max()
    np.testing.assert_allclose(np.stack(found, axis=1), expected, rtol=0, atol=TOLERANCE * max(1, scale))
    write_weights(model, "again.weights.xml")
    assert Path("again.weights.xml").read_bytes() == path.read_bytes()
    for layer, trained_layer in zip(model.layers, results["LSTM"].model.layers, strict=True):
        for name, values in layer.weights.items():
            np.testing.assert_allclose(values, trained_layer.weights[name], rtol=1e-6)


def _leaves(columns: dict[str, NDArray[Any]]) -> list[NDArray[Any]]:
    """Of the branch LSTM, one for each output: fields of its own, or columns with its name before theirs."""
    whole = columns.get("LSTM")
    if whole is not None and whole.dtype.names:
        return [whole[name] for name in whole.dtype.names]
    return [values for name, values in columns.items() if name.startswith(("LSTM.", "LSTM/"))]


def folds(ROOT: Any) -> None:
    """TMVA's CrossValidation, each fold in a process that it forks."""
    output = ROOT.TFile("folds.output.root", "RECREATE")
    options = "!V:Silent:!Color:!DrawProgressBar:AnalysisType=Classification:NumFolds=2:NumWorkerProcs=2"
    validation = ROOT.TMVA.CrossValidation("cv", loader_of(ROOT, "folds_data", "Classification"), output, options)
    validation.BookMethod("PyTMVARNN", "LSTM", OPTIONS.format(transform="None", layout=LSTM))
    validation.Evaluate()
    integrals = [float(value) for value in validation.GetResults()[0].GetROCValues()]
    assert len(integrals) == 2, integrals
    assert min(integrals) > 0.5, integrals
    output.Close()


def main() -> None:
    """Everything, and `done` at the end."""
    ROOT = root()
    install()
    files = {}
    for analysis, beside in (
        ("Classification", ("BDT", "NTrees=50:MaxDepth=2")),
        ("Regression", None),
        ("Multiclass", ("BDT", "NTrees=20:BoostType=Grad")),
    ):
        files[analysis], columns = trained(ROOT, analysis, beside)
        check(analysis, files[analysis], columns)
    install(replace_dl=True)
    X = np.random.default_rng(3).normal(size=(20, len(NAMES))).astype(np.float32)
    for analysis, call in (("Classification", "MVA"), ("Regression", "Regression"), ("Multiclass", "Multiclass")):
        found, expected = reader_scores(ROOT, str(files[analysis]), X, f"Evaluate{call}"), read_weights(files[analysis])
        np.testing.assert_allclose(found, expected.predict(X), rtol=1e-5, atol=TOLERANCE)
    folds(ROOT)
    print("done")


if __name__ == "__main__":
    sys.exit(main())

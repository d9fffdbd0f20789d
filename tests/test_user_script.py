"""A script as users write it: every public name in use, and right by the strictest type check."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import uproot

import pytmva_rnn

ROOT = Path(__file__).parents[1]
CONFIG = """
variables = ["x"]
[input]
files = "events.root"
Signal = { tree = "sgn" }
Background = { tree = "bkg" }
[method]
options = "Layout=LINEAR:RandomSeed=1:TrainingStrategy=MaxEpochs=1,BatchSize=20,TestRepetitions=1"
"""
SCRIPT = """
from __future__ import annotations

import numpy as np

import pytmva_rnn as tmva

OPTIONS = (
    "Layout=DENSE|4|TANH,LINEAR:RandomSeed=3:"
    "TrainingStrategy=LearningRate=1e-2,MaxEpochs=3,BatchSize=20,TestRepetitions=1"
)


def table(seed: int, mean: float) -> dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    random = np.random.default_rng(seed)
    return {
        "x": random.normal(mean, 1, 200),
        "pt": random.exponential(20, 200),
        "number": np.arange(200.0),
        "w": np.where(np.arange(200) % 10 == 3, -0.2, 1.0),
    }


def main() -> None:
    recipe = tmva.Recipe(tmva.Variables((tmva.Column("x"), tmva.Column("y", "log_pt"))), define={"y": "log(pt)"})
    again = tmva.Recipe.from_dict({"variables": ["x", "log_pt := log(pt)"], "spectators": ["number"]})
    events = {"Signal": table(1, 1.0), "Background": [table(2, -1.0), table(3, 0.0)]}
    reweight = tmva.Reweight(("pt",), (4,), "Signal")
    data: tmva.Dataset = tmva.load(again, events, reweight=reweight, balance=True, negative_weights="keep")
    training, test = data.split("SplitMode=Random:NormMode=NumEvents")
    result: tmva.Result = tmva.train(training, OPTIONS, title="net", backend="reference", validation=test)
    assert result.improved
    result.model.save("net.weights.xml")
    model = tmva.Model.load("net.weights.xml")
    scores = model.predict(test, backend="reference")
    assert model.predict(table(4, 0.0), backend="reference").shape == (200,)
    print(scores.mean(), tmva.score(model, table(4, 0.0), library="ak", backend="reference").fields)
    found: tmva.Performance = tmva.evaluate(model, test, backend="reference")
    print(f"{found.roc_integral:.3f} +- {found.roc_uncertainty:.3f}", found)
    for part, rest in tmva.kfold(data, 2, by="entry"):
        print(len(part), len(rest))
    division = tmva.divide(data, {"validation": 0.2})
    assert division.validation is not None

    X = np.column_stack([table(5, 0.5)["x"], table(6, -0.5)["x"]])
    labels = np.where(np.arange(200) % 2 == 0, "Signal", "Background")
    options: tmva.MethodOptions = tmva.parse_options(OPTIONS)
    small = tmva.Dataset.from_arrays(X, labels, variables=["a", "b"])
    other = tmva.train(X, labels, options, validation=(X, labels), variables=["a", "b"], backend="reference")
    same = tmva.train(small, options, validation=small, backend="reference")
    assert [row.validation_error for row in other.history] == [row.validation_error for row in same.history]
    tmva.write_weights(tmva.read_weights("net.weights.xml"), "copy.weights.xml")
    config = tmva.load_config("c.toml")
    print(config.load().split(config.split)[1].y.sum(), config.train(backend="reference").model.outputs)
    both = tmva.Steps({}, 3, collections=(tmva.Collection({"pt": "e_pt"}), tmva.Collection({"pt": "m_pt"})))
    print(both.names)
    steps = tmva.Steps({"pt": "track_pt"}, steps=3)
    source = tmva.Source(("file.root",), "tree", weight="w")
    print(steps.names, source.files, tmva.SplitOptions(SplitMode="Block"), recipe.shape, tmva.__version__)
    several = (tmva.vary, tmva.train_many, tmva.Trainings, tmva.Ensemble)
    files = (tmva.score_files, tmva.ScoredFiles, tmva.ScoredFile, tmva.clear_cache)
    print(several, files, tmva.make_report, tmva.Report, tmva.ReportOptions())
    print(tmva.mark_padding(np.ones((2, 3, 1)), lengths=[3, 1]).shape)
    print(tmva.Additions(clip_norm=1.0), tmva.Checkpoint("net.npz", every_epochs=1))


if __name__ == "__main__":
    main()
"""


def python(folder: Path, *arguments: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MYPYPATH": str(ROOT)}
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_a_script_with_every_public_name_is_typed(tmp_path: Path) -> None:
    pytest.importorskip("mypy", reason="mypy is one of the linters")
    (tmp_path / "script.py").write_text(SCRIPT)
    assert [name for name in pytmva_rnn.__all__ if f"tmva.{name}" not in SCRIPT] == []
    cache = str(tmp_path / "cache")
    python(tmp_path, "-m", "mypy", "--strict", "--follow-imports=silent", "--cache-dir", cache, "script.py")


@pytest.mark.slow
def test_a_script_with_every_public_name_runs(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "c.toml").write_text(CONFIG)
    with uproot.recreate(tmp_path / "events.root") as file:
        for tree in ("sgn", "bkg"):
            file[tree] = {"x": np.linspace(-1, 1, 200)}
    python(tmp_path, "script.py")

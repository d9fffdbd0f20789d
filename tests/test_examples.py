"""The examples, run as their users run them."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import uproot

from pytmva_rnn import extras, read_weights
from pytmva_rnn.cli import main
from pytmva_rnn.config import load_config
from pytmva_rnn.data import Source, load_inputs
from pytmva_rnn.options import parse_options
from pytmva_rnn.report import roc_integral
from pytmva_rnn.weightfile.provenance import provenance
from pytmva_rnn.weightfile.stored_history import stored_history
from pytmva_rnn.weightfile.stored_recipe import stored_recipe

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", [path.stem for path in EXAMPLES.glob("*.toml")])
def test_script_and_configuration_say_the_same(name: str) -> None:
    config, module = load_config(EXAMPLES / f"{name}.toml"), script(name)
    assert config.method.options == parse_options(module.OPTIONS)
    scripts = {path.stem for path in EXAMPLES.glob("*.py")}
    assert scripts - {
        "pytorch",
        "rdataframe",
        "coffea_scores",
        "tmva_classification",
        "tmva_plugin",
        "four_classes_tmva",
    } == {path.stem for path in EXAMPLES.glob("*.toml")}


def _moments(path: Path) -> str:
    """A weight file without what names the moment."""
    return re.sub(r'(name="(?:Date|TrainingTime)" value=)"[^"]*"', r"\1", path.read_text())


@pytest.mark.slow
def test_a_network_of_pytorch_in_the_reader(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    integral, difference = script("pytorch").run(tmp_path, 1000, 6)
    assert integral > 0.8
    assert difference <= 2e-6


@pytest.mark.slow
def test_quark_and_gluon_jets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(EXAMPLES / "quark_gluon.toml"), "-o", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "27,210 events" in shown
    (test,) = re.findall(r"LSTM +test +(0\.\d+)", shown)
    assert float(test) >= 0.75
    assert (tmp_path / "dataset" / "plots" / "quark_gluon.png").is_file()

    weights = tmp_path / "dataset" / "weights" / "TMVAClassification_LSTM.weights.xml"
    data = extras.skhep_testdata().data_path("uproot-issue96.root")
    assert main(["evaluate", str(weights), f"{data}:tree", "-o", str(tmp_path / "scores.root")]) == 0
    with uproot.open(f"{tmp_path}/scores.root:scores") as tree:
        scores = tree.arrays(library="np")
    with uproot.open(f"{data}:tree") as tree:
        flavour = tree.arrays(["jet1ID", "jet2ID"], library="np")
    assert len(scores["LSTM_jet1"]) == len(flavour["jet1ID"]) == 13_607
    for jet in (1, 2):
        known = flavour[f"jet{jet}ID"] > 0
        assert roc_integral(flavour[f"jet{jet}ID"][known] != 21, scores[f"LSTM_jet{jet}"][known]) > 0.74

    result, found = script("quark_gluon").run(tmp_path / "again.xml")
    assert f"{found.roc_integral:.4f}" == test
    assert _moments(tmp_path / "again.xml") == _moments(weights)
    history = [tuple(row) for row in result.history]
    np.testing.assert_allclose(np.array(history), np.array(stored_history(read_weights(weights))), rtol=1e-5)
    made = stored_recipe(read_weights(weights)).inputs.names
    assert [variable.label for variable in result.model.variables] == made


@pytest.mark.slow
def test_toy_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The validation error at epoch 20 that C++ TMVA reaches with the same options on such data is 0.42."""
    result, performance = script("time_data").run(tmp_path)
    assert len(result.history) == 20
    assert 0.37 <= result.history[-1].validation_error <= 0.43
    assert performance.roc_integral > 0.87

    (tmp_path / "examples").mkdir()
    shutil.copy(EXAMPLES / "time_data.toml", tmp_path / "examples")
    assert main(["train", str(tmp_path / "examples" / "time_data.toml"), "-o", str(tmp_path)]) == 0
    assert re.search(rf"TMVA_LSTM +test +{performance.roc_integral:.4f}", capsys.readouterr().out)
    model = read_weights(tmp_path / "dataset" / "weights" / "TMVAClassification_TMVA_LSTM.weights.xml")
    np.testing.assert_allclose(np.array(stored_history(model)), np.array(result.history), rtol=1e-5)
    assert dict(model.info)["Training events"] == "16000"
    assert next(o.value for o in model.options if o.name == "TrainingStrategy") in script("time_data").OPTIONS


@pytest.mark.slow
def test_tmvas_own_vocabulary(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, EXAMPLES / "tmva_classification.py", f"--folder={tmp_path}", "--events=500", "--epochs=3"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    (integral,) = re.findall(r"ROC integral of LSTM: (0\.\d+)", done.stdout)
    assert re.search(rf"dataset +TMVA_LSTM +: {float(integral):.3f}", done.stdout)
    model = read_weights(tmp_path / "dataset" / "weights" / "TMVAClassification_TMVA_LSTM.weights.xml")
    with uproot.open(tmp_path / "time_data_t10_d30.root") as file:
        events = [file[name].arrays(library="np") for name in ("sgn", "bkg")]
    of_signal, of_background = (
        model.predict(np.concatenate([columns[f"vars_time{i}"] for i in range(10)], axis=1)) for columns in events
    )
    assert f"score of the first signal event: {of_signal[0]:.4f}" in done.stdout
    assert f"mean score of the background: {of_background.mean():.4f}" in done.stdout
    with uproot.open(tmp_path / "data_RNN_CPU.root") as file:
        assert file["dataset/TestTree"].num_entries == 200


@pytest.mark.slow
def test_an_analysis_gives_the_same_file_three_ways(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """To the byte, when the moment of the training stands still; user, host and folder are the same anyway."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(time, "asctime", lambda *_: "Thu Nov 26 00:00:00 2026")
    training = importlib.import_module("pytmva_rnn.training.train")
    monkeypatch.setattr(training, "provenance", lambda analysis, trained: provenance(analysis, (trained[0], 0.0)))

    _, integrals = script("four_classes").run(tmp_path, 1000)
    name = "dataset/weights/FourClasses_LSTM.weights.xml"
    of_python = Path(name).read_bytes()
    assert integrals["Signal"] > 0.8
    assert min(integrals.values()) > 0.7

    Path(name).unlink()
    by_tmva = script("four_classes_tmva").run(1000)
    assert Path(name).read_bytes() == of_python
    assert by_tmva == pytest.approx(integrals)
    assert re.search(rf"Signal +{integrals['Signal']:.3f} \(", capsys.readouterr().out)
    with uproot.open("four_classes_output.root:dataset/TestTree") as tree:
        assert set(tree["event"].array(library="np") % 2) == {1}
        assert (tree["weight"].array(library="np") < 0).any()

    (tmp_path / "examples").mkdir()
    text = (EXAMPLES / "four_classes.toml").read_text()
    (tmp_path / "examples" / "four_classes.toml").write_text(text.replace("/ 4000", "/ 1000"))
    assert main(["train", "examples/four_classes.toml", "-o", "toml"]) == 0
    assert (tmp_path / "toml" / name).read_bytes() == of_python

    friend = "btag = four_classes/top_btag.root:btag"
    command = ["evaluate", f"toml/{name}", "four_classes/top.root", "-o", "scores.root"]
    assert main([*command, "--friend", friend, "--spectators"]) == 0
    source = Source(("four_classes/top.root",), "events", friends=(friend,))
    model = read_weights(name)
    inputs = load_inputs(stored_recipe(model), source)
    with uproot.open("scores.root:scores") as tree:
        scores = np.stack([tree[f"LSTM_{of}"].array(library="np") for of in model.classes], axis=1)
        np.testing.assert_allclose(scores, model.predict(inputs.X), rtol=1e-5)
        np.testing.assert_array_equal(tree["event"].array(library="np"), inputs.spectators[:, 0])
    assert main(["evaluate", f"toml/{name}", "four_classes/w*.root", "-o", "s.root", "--friend", friend]) == 1
    assert "--friend goes along with one file, and there are 4" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_scripts_tell_how_to_be_run(path: Path) -> None:
    # they derive a class from another package's
    if package := {"pytorch": "torch", "coffea_scores": "coffea"}.get(path.stem):
        pytest.importorskip(package)
    command = [sys.executable, str(path), "--help"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert "usage: " in done.stdout

"""ROOT's own tutorial TMVA_RNN_Classification.py, with its TMVA replaced by pytmva_rnn's."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import uproot

from pytmva_rnn import read_weights

ROOT = Path(__file__).parents[1]


def tutorial() -> Path:
    spec = find_spec("ROOT")
    if spec is None or spec.origin is None:
        pytest.skip("ROOT is not installed")
    path = Path(spec.origin).parent / "tutorials" / "machine_learning" / "TMVA_RNN_Classification.py"
    if not path.is_file():
        pytest.skip("this ROOT has no tutorials")
    return path


def edited(text: str) -> str:
    """The script with pytmva_rnn's TMVA, its missing commas mended, without Keras and trees, and quick."""

    def replaced(pattern: str, by: str, *, flags: re.RegexFlag = re.NOFLAG) -> None:
        nonlocal text
        text, count = re.subn(pattern, by, text, flags=flags)
        assert count == 1, pattern

    replaced(r"TMVA = ROOT\.TMVA", "from pytmva_rnn import tmva as TMVA")
    replaced(r'"Optimizer=ADAM,DropConfig', '",Optimizer=ADAM,DropConfig')
    replaced(r'MaxEpochs=20"\n', 'MaxEpochs=20,"\n')
    replaced(r'Optimizer=ADAM:"', 'Optimizer=ADAM"')
    replaced(r"    trainingString1\.Append\(archString\)\n", "")
    replaced(r"## Book Keras recurrent models.*(?=## Train all methods)", "", flags=re.DOTALL)
    # Its events differ from run to run, and of so few some are not enough to make anything better.
    replaced(r"gRandom\.SetSeed\(0\)", "gRandom.SetSeed(7)")
    replaced(r"RandomSeed=0", "RandomSeed=5")
    replaced(r"maxepochs = 10", "maxepochs = 20")
    # ROOT without Intel's or NVIDIA's libraries has no networks of its own.
    replaced(r'useTMVA_RNN = \("tmva-cpu".*', "useTMVA_RNN = True")
    replaced(r"nTotEvts = 2000", "nTotEvts = 800")
    return text


@pytest.mark.slow
def test_the_tutorial_runs(tmp_path: Path) -> None:
    script = tmp_path / "tutorial.py"
    script.write_text(edited(tutorial().read_text(encoding="utf-8")), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error:::pytmva_rnn", str(script)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        timeout=500,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "number of variables is 300" in done.stdout
    assert re.search(r"dataset +TMVA_LSTM +: 0\.\d+", done.stdout)
    for title in ("TMVA_LSTM", "TMVA_DNN"):
        model = read_weights(tmp_path / "dataset" / "weights" / f"TMVAClassification_{title}.weights.xml")
        assert dict(model.info)["Training events"] == "1280"
    with uproot.open(tmp_path / "data_RNN_CPU.root") as file:
        tree = file["dataset/TestTree"]
        assert tree.num_entries == 320
        of_signal, scores = tree["classID"].array(library="np") == 0, tree["TMVA_LSTM"].array(library="np")
        assert of_signal.sum() == 160
        assert np.all((scores > 0) & (scores < 1))
        assert file["dataset/Method_DL/TMVA_LSTM/MVA_TMVA_LSTM_S"].values().sum() > 0
        assert 2 <= file["dataset/Method_DL/TMVA_DNN/TrainingHistory_TMVA_DNN_valError"].values().size <= 20

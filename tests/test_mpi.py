"""Training and scoring with `mpiexec -n 2`: real processes, where mpi4py and an mpiexec are installed."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import uproot

from pytmva_rnn import Recipe, read_weights, write_weights
from tests.test_cli_evaluate import model
from tests.test_cli_train import CONFIG, write_events
from tests.test_scores_scored_events import write

ROOT = Path(__file__).parents[1]
MPIEXEC = shutil.which("mpiexec", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
TRAINED = "dataset/weights/TMVAClassification_T.weights.xml"
CASE = CONFIG.replace('scores = "out/scores.root"\nplot = "picture.png"', "").replace("MaxEpochs=30", "MaxEpochs=3")

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pytest.importorskip("mpi4py", reason="mpi4py is not installed")
    if MPIEXEC is None:
        pytest.skip("there is no mpiexec")
    for number in range(2):
        with uproot.recreate(tmp_path / f"events{number}.root") as file:
            write_events(file, 120)
    (tmp_path / "c.toml").write_text(CASE.replace('files = "events.root"', 'files = "events*.root"'))
    return tmp_path


def start(folder: Path, *arguments: str, count: int = 2) -> subprocess.Popen[str]:
    assert MPIEXEC is not None
    command = [MPIEXEC, "-n", str(count), sys.executable, "-m", "pytmva_rnn", "train", "c.toml", "--backend=reference"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [*command, *arguments], cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def finished(process: subprocess.Popen[str]) -> tuple[int, str]:
    try:
        shown, _ = process.communicate(timeout=120)
    finally:
        process.kill()
    return process.returncode, shown


def test_each_reads_its_files_and_the_first_writes(folder: Path) -> None:
    code, shown = finished(start(folder, "--output=out"))
    assert code == 0, shown
    assert "480 events, each a sequence of 3 steps" in shown
    assert re.search(r"Signal +240 +240 +120 +120", shown)
    assert shown.count("Training phase 1 of 1") == 1
    assert "19 batches of 10 events an epoch" in shown
    assert re.search(r"T +test +0\.\d{4} ± ", shown)
    model = read_weights(folder / "out" / TRAINED)
    assert dict(model.info)["Training events"] == "240"
    assert [path.name for path in (folder / "out/dataset/weights").iterdir()] == [Path(TRAINED).name]
    assert np.isfinite(model.predict(np.zeros((1, 3, 2)))).all()


def test_an_error_of_one_process_ends_all_with_its_words(folder: Path) -> None:
    (folder / "events1.root").write_bytes(b"root, and then nothing")
    code, shown = finished(start(folder))
    assert code != 0
    assert "pytmva-rnn: error: process 1 of 2: events1.root" in shown.replace(f"{folder}/", "")
    assert not (folder / TRAINED).exists()


SCORING = """
from mpi4py.futures import MPIPoolExecutor
from pytmva_rnn import score_files

if __name__ == "__main__":
    with MPIPoolExecutor() as executor:
        result = score_files("w.xml", "events*.root", "scores", executor, tree="t", backend="reference")
    print(*(file.status for file in result.files), result.events)
"""


def test_an_executor_of_mpi_scores_files(tmp_path: Path) -> None:
    pytest.importorskip("mpi4py", reason="mpi4py is not installed")
    if MPIEXEC is None:
        pytest.skip("there is no mpiexec")
    write_weights(model(Recipe.from_dict({"variables": ["x", "y1"]})), tmp_path / "w.xml")
    for n in (5, 8, 3):
        write(tmp_path / f"events{n}.root", n)
    (tmp_path / "script.py").write_text(SCORING)
    command = [MPIEXEC, "-n", "2", sys.executable, "-m", "mpi4py.futures", "script.py"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    code, shown = finished(process)
    assert code == 0, shown
    assert "scored scored scored 16" in shown
    for n in (5, 8, 3):
        with uproot.open(tmp_path / "scores" / f"events{n}.root")["scores"] as tree:
            assert tree["entry"].array().to_list() == list(range(n))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_process_ends_all(folder: Path, number: signal.Signals) -> None:
    """SIGTERM in order, with the best weights so far."""
    (folder / "c.toml").write_text((folder / "c.toml").read_text().replace("MaxEpochs=3", "MaxEpochs=100000"))
    process = start(folder)
    assert process.stdout is not None
    shown = ""
    for line in process.stdout:
        shown += line
        if re.match(r" +5 \|", line):
            break
    assert "Initial validation error" in shown
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if not children.exists():
        process.kill()
        pytest.skip("there is no /proc")
    proxy = children.read_text().split()[0]
    ranks = Path(f"/proc/{proxy}/task/{proxy}/children").read_text().split()
    os.kill(int(ranks[1]), number)
    begun = time.monotonic()
    code, rest = finished(process)
    assert time.monotonic() - begun < 60
    assert code != 0
    if number == signal.SIGTERM:
        assert "interrupted: the best weights so far" in rest
        assert (folder / TRAINED).exists()
    else:
        assert not (folder / TRAINED).exists()
        assert "KILLED" in rest.upper()

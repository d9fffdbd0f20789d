"""The job files of batch systems: that they are well formed, and that what they run is a command of ours."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from pytmva_rnn import write_weights
from pytmva_rnn.cli import main
from tests.test_cli_evaluate import model
from tests.test_distributed_score_files import RECIPE
from tests.test_scores_scored_events import write

BATCH = Path(__file__).parents[1] / "examples" / "batch"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_weights(model(RECIPE), tmp_path / "lstm.weights.xml")
    names = [write(tmp_path / f"{name}.root", n, event=np.arange(n)) for name, n in (("a", 5), ("b", 3))]
    Path("files.txt").write_text("\n".join(names))
    return tmp_path


def test_htcondor(folder: Path) -> None:
    """As HTCondor understands it: macros, and arguments in double quotes that are divided at blanks."""
    lines = [line for line in (BATCH / "htcondor.sub").read_text().splitlines() if line and not line.startswith("#")]
    assert lines[-1] == "queue $(jobs)"
    given = dict(re.fullmatch(r"(\w+)\s*=\s*(.*)", line).groups() for line in lines[:-1])  # type: ignore[union-attr]
    for process in range(int(given["jobs"])):
        shard = int(given["shard"].replace("$(Process)", str(process)).split(" + ")[0]) + 1
        text = given["arguments"].replace("$INT(shard)", str(shard))
        text = re.sub(r"\$\((\w+)\)", lambda found: given[found[1]], text)
        assert "$" not in text
        (arguments,) = re.fullmatch(r'"([^"]*)"', text).groups()  # type: ignore[union-attr]
        program, *rest = arguments.split()
        assert program == "pytmva-rnn"
        if process < 3:
            assert main([*rest, "--backend=reference"]) == 0
    assert sorted(path.name for path in (folder / "scores").iterdir()) == ["a.root", "b.root"]


@pytest.mark.skipif(os.name != "posix" or shutil.which("bash") is None, reason="there is no bash")
def test_slurm(folder: Path) -> None:
    """The script itself, with a program of our name that writes down what it is called with."""
    script = BATCH / "slurm.sh"
    subprocess.run(["bash", "-n", script], check=True)
    options = dict(re.findall(r"^#SBATCH --([\w-]+)=(.*)$", script.read_text(), re.MULTILINE))
    assert options["array"] == "1-" + re.search(r"^jobs=(\d+)", script.read_text(), re.MULTILINE)[1]  # type: ignore[index]
    called = folder / "bin" / "pytmva-rnn"
    called.parent.mkdir()
    called.write_text('#!/bin/sh\nprintf "%s\\n" "$PYTMVA_RNN_THREADS" "$@"\n')
    called.chmod(0o755)
    path = f"{called.parent}{os.pathsep}{os.environ['PATH']}"
    for task in (1, 2):
        job = {"SLURM_ARRAY_TASK_ID": str(task), "SLURM_CPUS_PER_TASK": options["cpus-per-task"], "PATH": path}
        done = subprocess.run(["bash", script], env=os.environ | job, check=True, capture_output=True, text=True)
        threads, *arguments = done.stdout.splitlines()
        assert threads == options["cpus-per-task"]
        assert arguments[arguments.index("--shard") + 1] == f"{task}/50"
        assert main([*arguments, "--backend=reference"]) == 0, shlex.join(arguments)
    assert sorted(path.name for path in (folder / "scores").iterdir()) == ["a.root", "b.root"]

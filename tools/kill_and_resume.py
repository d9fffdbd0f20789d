"""Kill a training at random moments, again and again, and go on with it each time: its end is that without a break.

    python tools/kill_and_resume.py --kills 60

Each kill is a SIGKILL, or one of the signals that are named, of `pytmva-rnn train --resume` in a process of its own.
After each, one of the checkpoints has to be whole, and tell of no less training and of no worse model than the last
one; what is left in the end are the outputs and the checkpoint that is marked as done, and weights and history are, to
the last bit, those of a training that nobody has killed.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import uproot
from faults.workbench import ROOT, write_events

from pytmva_rnn.description import HistoryRow
from pytmva_rnn.errors import CheckpointError
from pytmva_rnn.model import Model, read_weights
from pytmva_rnn.training.checkpoint_file import previous, read_parts
from pytmva_rnn.weightfile.stored_history import stored_history

CONFIG = """
sequence = {{ steps = 4, inputs = {{ x = "x" }} }}
input = {{ files = "events.root", classes = {{ Signal = "y > 0", Background = "y <= 0" }} }}

[method]
options = \"\"\"Layout=LSTM|8|1|4|0|1,RESHAPE|FLAT,BNORM,DENSE|16|TANH,LINEAR:RandomSeed=1:TrainingStrategy=\
LearningRate=3e-3,MaxEpochs={epochs},BatchSize=32,TestRepetitions=1,ConvergenceSteps=1000,DropConfig=0+0+0+0.2|\
LearningRate=3e-4,MaxEpochs={epochs},BatchSize=50,TestRepetitions=2,ConvergenceSteps=1000,Optimizer=SGD,Momentum=0.5\"\"\"

[output]
weights = "weights.xml"
scores = "scores.root"

[checkpoint]
every_epochs = 3
file = "state.npz"
"""
STATE = "state.npz"


def prepare(folder: Path, epochs: int) -> None:
    """Events and a configuration."""
    write_events(folder / "events.root", 1, 4000)
    (folder / "config.toml").write_text(CONFIG.format(epochs=epochs))


def start(folder: Path, output: Path) -> subprocess.Popen[str]:
    """The training, in a process of its own."""
    command = [sys.executable, "-m", "pytmva_rnn", "train", "config.toml", "--resume", f"--output={output}"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=folder, env=environment, **pipes)


def reached(output: Path) -> tuple[tuple[int, int], float] | None:
    """Phase and epoch, and the lowest validation error, of the newest checkpoint that is whole; None without any.

    Raises
    ------
    CheckpointError
        If there are checkpoints, but none is whole.
    """
    files = [file for file in (output / STATE, previous(output / STATE)) if file.exists()]
    for number, file in enumerate(files, 1):
        try:
            header, arrays = read_parts(file, 1 << 30)
        except CheckpointError:
            if number == len(files):
                raise
            continue
        state = header["state"]
        at = (99, 0) if state["done"] else (state["phase"], state["epoch"])
        return at, float(np.min(arrays["history"][:, 3], initial=state["initial_error"]))
    return None


def same(model: Model, other: Model) -> bool:
    """Whether two models have the same weights and history, to the last bit."""
    pairs = zip(model.layers, other.layers, strict=True)
    weights = all(np.array_equal(a.weights[name], b.weights[name]) for a, b in pairs for name in a.weights)
    return weights and stored_history(model) == stored_history(other)


def killed(folder: Path, output: Path, number: signal.Signals, after: float) -> tuple[bool, bool, list[str]]:
    """Train for some seconds at most; whether it was killed, whether it had got further, and what is wrong."""
    before = reached(output)
    process = start(folder, output)
    try:
        process.communicate(timeout=after)
        ended = True
    except subprocess.TimeoutExpired:
        ended = False
        process.send_signal(number)
        process.communicate(timeout=120)
    wrong = []
    if process.returncode not in ((0,) if ended else (0, -number, 128 + number)):
        wrong.append(f"exit code {process.returncode}")
    try:
        now = reached(output)
    except CheckpointError as error:
        return not ended, False, [*wrong, str(error)]
    if before is not None and now is None:
        wrong.append("the checkpoint is gone")
    elif before is not None and now is not None and (now[0] < before[0] or now[1] > before[1]):
        wrong.append(f"the checkpoint went back from {before} to {now}")
    return not ended, now != before, wrong


def final_faults(output: Path, expected: Model) -> list[str]:
    """What is wrong with a training that came to its end."""
    wrong = []
    model = read_weights(output / "weights.xml")
    if not same(model, expected):
        rows: list[HistoryRow] = stored_history(model)
        wrong.append(f"the end is another: {rows[-1]} after {len(rows)} tests")
    with uproot.open(output / "scores.root") as file:
        if {name.split(";")[0] for name in file} != {"TestTree", "TrainTree", "pytmva_rnn"}:
            wrong.append("the scores are not whole")
    if others := {path.name for path in output.iterdir()} - {"weights.xml", "scores.root", STATE}:
        wrong.append(f"{', '.join(sorted(others))} is left")
    if (end := reached(output)) is None or end[0] != (99, 0):
        wrong.append("the checkpoint is not marked as done")
    return wrong


def main() -> int:
    """Kill, go on, compare, and count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=60, help="how many (60)")
    parser.add_argument("--signals", nargs="+", default=["SIGKILL"], help="which, at random (SIGKILL)")
    parser.add_argument("--epochs", type=int, default=120, help="of each of the two phases (120)")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    signals = [signal.Signals[name] for name in given.signals]
    generator, faults, kills, within, trainings = random.Random(given.seed), 0, 0, 0, 0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        prepare(folder, given.epochs)
        for number in range(2):  # the first compiles
            begun = time.monotonic()
            _, said = start(folder, folder / f"whole{number}").communicate()
            seconds = time.monotonic() - begun
        if said or not (folder / "whole1" / "weights.xml").exists():
            print(f"the training fails by itself: {said}")
            return 2
        expected = read_weights(folder / "whole1" / "weights.xml")
        while kills < given.kills:
            trainings += 1
            output, more = folder / f"run{trainings}", True
            while more:
                last = kills >= given.kills  # which may end in peace
                name, after = generator.choice(signals), 600.0 if last else generator.uniform(0, 0.9 * seconds)
                more, further, wrong = killed(folder, output, name, after)
                kills, within = kills + more, within + (more and further)
                faults += len(wrong)
                for text in wrong:
                    print(f"training {trainings}, kill {kills} by {name.name} after {after:.2f} s: {text}", flush=True)
            wrong = final_faults(output, expected)
            faults += len(wrong)
            for text in wrong:
                print(f"training {trainings}: {text}", flush=True)
    print(
        f"{kills} kills, {within} of them after a further checkpoint, in {trainings} trainings of {seconds:.1f} s: "
        f"{faults} faults"
    )
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

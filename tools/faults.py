"""Kill the commands at random moments, again and again: what they wrote is whole, and nothing else is left behind.

    python tools/faults.py --kills 200

Each kill is of `train`, `evaluate` or `convert` in a process of its own, by SIGKILL, SIGTERM, SIGINT or SIGHUP, at a
moment within the time that the command takes. Then every output is the old one or a whole new one, no temporary file is
left (after SIGKILL: none after the next run), and the exit code says which signal it was.
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
from collections import Counter
from pathlib import Path

import numpy as np
import uproot

ROOT = Path(__file__).resolve().parents[1]
CONFIG = r'''
[sequence]
inputs = { x = "x" }
steps = 4

[input]
files = "events.root"

[input.Signal]
selection = "y > 0"

[input.Background]
selection = "y <= 0"

[method]
options = """Layout=LSTM|4|1|4|0|0,LINEAR:InputLayout=4|1:RandomSeed=1:\
TrainingStrategy=LearningRate=1e-2,MaxEpochs=30,BatchSize=50,TestRepetitions=1"""

[output]
weights = "weights.xml"
scores = "scores.root"
'''
COMMANDS = {
    "train": ["train", "config.toml"],
    "evaluate": ["evaluate", "given.xml", "events.root", "-o", "out.root"],
    "convert": ["convert", "given.xml", "out.hxx"],
}
OUTPUTS = {"train": ("weights.xml", "scores.root"), "evaluate": ("out.root",), "convert": ("out.hxx",)}
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, *((signal.SIGHUP,) if hasattr(signal, "SIGHUP") else ()))


def prepare(folder: Path) -> None:
    """Events and a configuration."""
    import awkward as ak

    generator = np.random.default_rng(1)
    lengths = generator.integers(1, 6, 600)
    y = generator.normal(size=600).astype(np.float32)
    x = (generator.normal(size=int(lengths.sum())) + np.repeat(np.sign(y), lengths)).astype(np.float32)
    with uproot.recreate(folder / "events.root") as file:
        file["t"] = {"x": ak.unflatten(ak.Array(x), lengths), "y": y}
    (folder / "config.toml").write_text(CONFIG)


def start(name: str, folder: Path) -> subprocess.Popen[str]:
    """A command in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "pytmva_rnn", *COMMANDS[name]]
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def whole(path: Path) -> bool:
    """Whether an output is a complete file of its kind."""
    if path.suffix == ".root":
        with uproot.open(path) as file:
            return all(int(file[name].num_entries) > 0 for name in file.keys(cycle=False, filter_classname="TTree"))
    text = path.read_text(encoding="utf-8")
    return text.rstrip().endswith("</MethodSetup>" if path.suffix == ".xml" else "#endif")


def kill_once(name: str, number: signal.Signals, after: float, folder: Path) -> list[str]:
    """Kill a command after some seconds; what is wrong then."""
    before = {path: path.read_bytes() for path in folder.iterdir()}
    process = start(name, folder)
    try:
        _, said = process.communicate(timeout=after)
        ended = True
    except subprocess.TimeoutExpired:
        ended = False
        process.send_signal(number)
        _, said = process.communicate(timeout=120)
    wrong = []
    allowed = (0,) if ended else (0, -number, 128 + number)
    # Python itself was still starting
    starting = number == signal.SIGINT and "KeyboardInterrupt" in said and "pytmva_rnn" not in said
    if process.returncode not in allowed and not starting:
        wrong.append(f"exit code {process.returncode}: {said[-300:]}")
    if "Traceback" in said and not (number == signal.SIGINT and not ended):
        wrong.append(f"a traceback: {said[-300:]}")
    for path in folder.iterdir():
        if path.name in OUTPUTS[name]:
            if path.read_bytes() != before.get(path) and not whole(path):
                wrong.append(f"{path.name} is not whole")
        elif path not in before and number != signal.SIGKILL:
            wrong.append(f"{path.name} is left")
    wrong += [f"{path.name} is gone" for path in before if not path.exists()]
    return wrong


def main() -> int:
    """Kill, tell what went wrong, and count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200, help="how many (200)")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    generator, counted, faults = random.Random(given.seed), Counter[str](), 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        seconds = {}
        for command in COMMANDS:
            for _ in range(2):  # the first compiles
                begun = time.monotonic()
                process = start(command, folder)
                _, said = process.communicate()
                if process.returncode:
                    print(f"{command} fails by itself: {said}")
                    return 2
                seconds[command] = time.monotonic() - begun
            if command == "train":
                (folder / "given.xml").write_bytes((folder / "weights.xml").read_bytes())
        for kill in range(given.kills):
            command, number = generator.choice(list(COMMANDS)), generator.choice(SIGNALS)
            after = generator.uniform(0, 1.1 * seconds[command])
            for wrong in kill_once(command, number, after, folder):
                faults += 1
                print(f"kill {kill}, {command} by {number.name} after {after:.2f} s: {wrong}", flush=True)
            counted[f"{command} {number.name}"] += 1
        for command in COMMANDS:  # the next run removes what SIGKILL left
            start(command, folder).communicate()
        known = {"events.root", "config.toml", "given.xml", *(name for names in OUTPUTS.values() for name in names)}
        for path in folder.iterdir():
            if path.name not in known:
                faults += 1
                print(f"{path.name} is left in the end")
    listed = ", ".join(f"{name} {count}" for name, count in sorted(counted.items()))
    print(f"{given.kills} kills ({listed}): {faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

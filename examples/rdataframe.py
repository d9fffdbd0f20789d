"""Train on RDataFrames, add the network's score as a column, write it with Snapshot; all inside ROOT.

Run it with `python examples/rdataframe.py`, after `pip install ".[root]"` or with the ROOT of your experiment. The data
are a toy: jets with a varying number of tracks, whose momenta fall more steeply in the background.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import awkward as ak
import numpy as np
import uproot

from pytmva_rnn import Result, read_weights, write_weights
from pytmva_rnn.data import Steps
from pytmva_rnn.extras import root
from pytmva_rnn.pyroot import define, to_arrays, train
from pytmva_rnn.report import roc_integral

# Up to eight tracks, the hardest first; jets with fewer are padded with zeros.
TRACKS = Steps(
    steps=8,
    sort_by="track_pt",
    inputs={"fraction": "track_pt / jet_pt", "distance": "hypot(track_eta, track_phi)", "log_pt": "log(track_pt)"},
)
OPTIONS = (
    "InputLayout=8|3:Layout=GRU|16|3|8|0|0,RESHAPE|FLAT,LINEAR:RandomSeed=1234:"
    "TrainingStrategy=LearningRate=5e-3,BatchSize=100,MaxEpochs={epochs},TestRepetitions=1,Optimizer=ADAM"
)


def write_toy(path: Path, events: int, seed: int = 1) -> None:
    """A tree `jets` with as many jets of each kind; `is_signal` tells them apart, odd `number`s are for tests."""
    rng = np.random.default_rng(seed)
    is_signal = rng.permutation(np.arange(2 * events) % 2 == 0)
    counts = rng.poisson(np.where(is_signal, 6, 5))
    of_signal = np.repeat(is_signal, counts)
    pt = rng.exponential(np.where(of_signal, 8.0, 5.0)) + 0.5
    width = np.where(of_signal, 0.1, 0.15)
    tracks = {name: rng.normal(0, width) for name in ("track_eta", "track_phi")}
    columns = {name: ak.unflatten(values.astype(np.float32), counts) for name, values in tracks.items()}
    columns["track_pt"] = ak.unflatten(pt.astype(np.float32), counts)
    scalars = {
        "jet_pt": np.asarray(ak.sum(columns["track_pt"], axis=1) * 1.5 + 1, np.float32),
        "is_signal": is_signal,
        "number": np.arange(2 * events, dtype=np.int32),
    }
    with uproot.recreate(path) as file:
        types = {"track_eta": "var * float32", "track_phi": "var * float32", "track_pt": "var * float32"}
        file.mktree("jets", {**types, "jet_pt": "float32", "is_signal": "bool", "number": "int32"})
        file["jets"].extend({**columns, **scalars})


def run(folder: Path, events: int, epochs: int, threads: int) -> tuple[Result, float, float]:
    """Train, score, write; the result, the ROC integral, and the largest difference to `Model.predict`."""
    ROOT = root()
    if threads > 1:
        ROOT.EnableImplicitMT(threads)
    data, weights, scored = (folder / name for name in ("jets.root", "gru.weights.xml", "scored.root"))
    write_toy(data, events)

    jets = ROOT.RDataFrame("jets", str(data))
    training, test = jets.Filter("number % 2 == 0"), jets.Filter("number % 2 == 1")
    options = OPTIONS.format(epochs=epochs)
    result = train(training.Filter("is_signal"), training.Filter("!is_signal"), TRACKS, options, title="GRU")
    write_weights(result.model, weights)

    # The weight file knows what the network reads: no columns need be named.
    model = read_weights(weights)
    define(test, "score", model).Snapshot("jets", str(scored), ["number", "is_signal", "score"])

    with uproot.open(f"{scored}:jets") as tree:
        columns = tree.arrays(library="np")
    order = np.argsort(columns["number"])  # several threads write events in any order
    score, is_signal = columns["score"][order], columns["is_signal"][order]
    difference = float(np.abs(score - model.predict(to_arrays(test, TRACKS).X)).max())
    return result, roc_integral(is_signal, score), difference


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--folder", type=Path, default=Path(), help="where to write (default: the current one)")
    parser.add_argument("--events", type=int, default=5000, help="jets of each kind (default: 5000)")
    parser.add_argument("--epochs", type=int, default=10, help="default: 10")
    parser.add_argument("--threads", type=int, default=2, help="threads of RDataFrame (default: 2)")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    _, integral, difference = run(given.folder, given.events, given.epochs, given.threads)
    print(f"ROC integral: {integral:.4f}")
    print(f"largest difference between RDataFrame and Model.predict: {difference:.1g}")
    print(given.folder / "scored.root")


if __name__ == "__main__":
    main()

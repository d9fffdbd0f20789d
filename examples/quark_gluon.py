"""An LSTM that tells quark jets from gluon jets in real dijet events: `examples/quark_gluon.toml` from Python.

Run it with `python examples/quark_gluon.py`, after `pip install ".[examples]"`.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from pytmva_rnn import Performance, Recipe, Result, Source, Steps, evaluate, load, train

# Both jets of an event are read: {jet} becomes 1, then 2. Momenta are TLorentzVectors.
DEFINE = {
    "track": "jet{jet}TrksP4",
    "axis": "jet{jet}P4",
    "part": "track.Pt() / axis.Pt()",
    "d_eta": "track.Eta() - axis.Eta()",
    "d_phi": "delta_phi(track.Phi(), axis.Phi())",
}
TRACKS = Steps(
    steps=6,
    sort_by="track.Pt()",
    descending=True,
    inputs={
        "pt_rel": "clip(part, 0, 1)",
        "delta_eta": "d_eta",
        "delta_phi": "d_phi",
        "charge": "jet{jet}TrksChg",
        "log_pt_rel": "log(clip(part, 0.001, 1))",
        "log_delta_r": "log(max(0.001, hypot(d_eta, d_phi)))",
    },
)
RECIPE = Recipe(TRACKS, for_each={"jet": (1, 2)}, define=DEFINE)
CLASSES = {"Signal": "1 <= jet{jet}ID && jet{jet}ID <= 5", "Background": "jet{jet}ID == 21"}
PHASE = "ConvergenceSteps=8,TestRepetitions=1,Optimizer=ADAM"
OPTIONS = (
    "InputLayout=6|6:Layout=LSTM|32|6|6|0|0,RESHAPE|FLAT,DENSE|32|RELU,LINEAR:WeightInitialization=XAVIERUNIFORM:"
    f"RandomSeed=1234:TrainingStrategy=LearningRate=0.003,BatchSize=100,MaxEpochs=40,{PHASE}"
    f"|LearningRate=0.0003,BatchSize=100,MaxEpochs=20,{PHASE}"
)


def run(weights: Path) -> tuple[Result, Performance]:
    """Read, train, write the weight file; the result, and how well it does on the test sample."""
    source = Source(("package://skhep_testdata/data/uproot-issue96.root",), "tree")
    events = load(RECIPE, source, classes=CLASSES)
    training, test = events.split("nTest_Signal=4000:nTest_Background=4000")
    result = train(training, OPTIONS, title="LSTM")
    result.model.save(weights)
    return result, evaluate(result.model, test)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("weights", nargs="?", type=Path, default=Path("quark_gluon.weights.xml"), help="file to write")
    weights = parser.parse_args().weights
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    _, performance = run(weights)
    print(performance)
    print(f"score events with it: pytmva-rnn evaluate {weights} FILES -o scores.root")


if __name__ == "__main__":
    main()

"""An LSTM that tells quark jets from gluon jets in real dijet events: `examples/quark_gluon.toml` from Python.

Run it with `python examples/quark_gluon.py`, after `pip install ".[examples]"`.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from pytmva_rnn import Result, train, write_weights
from pytmva_rnn.data import Recipe, Source, Steps, load, split
from pytmva_rnn.report import roc_integral, signal_efficiency

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
PHASE = "BatchSize=100,ConvergenceSteps=8,TestRepetitions=1,Optimizer=ADAM"
OPTIONS = (
    "InputLayout=6|6:Layout=LSTM|32|6|6|0|0,RESHAPE|FLAT,DENSE|32|RELU,LINEAR:WeightInitialization=XAVIERUNIFORM:"
    f"RandomSeed=1234:TrainingStrategy=LearningRate=3e-3,MaxEpochs=40,{PHASE}|LearningRate=3e-4,MaxEpochs=20,{PHASE}"
)


def run(weights: Path) -> tuple[Result, dict[str, float]]:
    """Read, train, write the weight file; the result, and the numbers measured on the test sample."""
    source = Source(("package://skhep_testdata/data/uproot-issue96.root",), "tree")
    events = load(RECIPE, source, classes=CLASSES)
    training, test = split(events, "nTest_Signal=4000:nTest_Background=4000")

    result = train(
        training.X,
        training.y,
        OPTIONS,
        sample_weight=training.weights,
        variables=RECIPE.variable_table(training.X),
        title="LSTM",
    )
    write_weights(result.model, weights)
    scores = result.model.predict(test.X)
    return result, {
        "ROC integral": roc_integral(test.y, scores),
        "quark efficiency at 10% of gluons": signal_efficiency(test.y, scores, 0.10),
        "quark efficiency at 30% of gluons": signal_efficiency(test.y, scores, 0.30),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("weights", nargs="?", type=Path, default=Path("quark_gluon.weights.xml"), help="file to write")
    weights = parser.parse_args().weights
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    _, numbers = run(weights)
    for name, value in numbers.items():
        print(f"{name}: {value:.4f}")
    print(weights)


if __name__ == "__main__":
    main()

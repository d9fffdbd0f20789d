"""An analysis with four classes, slices, friends and negative weights: `examples/four_classes.toml` from Python.

Run it with `python examples/four_classes.py`. The samples are made first, in the folder `four_classes` below the
current one or below that given by `--folder`, where the weight file goes too.
"""

from __future__ import annotations

import argparse
import logging
import runpy
from pathlib import Path

from pytmva_rnn import Result, Source, load, train
from pytmva_rnn.data import Recipe, Variables
from pytmva_rnn.report import roc_integral

TOOL = Path(__file__).resolve().parents[1] / "tools" / "make_four_classes.py"
WEIGHTS = "dataset/weights/FourClasses_LSTM.weights.xml"

# The four hardest jets, one after the other: three numbers each, which are 0 (and -1) where there is no such jet.
VARIABLES = [
    variable
    for jet in range(4)
    for variable in (
        f"jet{jet}_pt := log(1 + Alt$(jet_pt[{jet}], 0))",
        f"jet{jet}_eta := Alt$(jet_eta[{jet}], 0)",
        f"jet{jet}_btag := Alt$(btag.jet_btag[{jet}], -1)",
    )
]
# Cross sections in fb of the samples of each class.
CLASSES = {
    "Signal": {"signal": 120},
    "Top": {"top": 9000},
    "W": {"w_low": 60000, "w_high": 4000},
    "Multijet": {"multijet": 250000},
}
SPLIT = {"test": "event % 2 == 1", "NormMode": "EqualNumEvents"}
OPTIONS = (
    "!H:!V:ErrorStrategy=MUTUALEXCLUSIVE:VarTransform=None:WeightInitialization=XAVIERUNIFORM:RandomSeed=1234:"
    "InputLayout=4|3:Layout=LSTM|12|3|4|0|0,RESHAPE|FLAT,DENSE|16|RELU,LINEAR:"
    "TrainingStrategy=LearningRate=3e-3,BatchSize=100,ConvergenceSteps=10,MaxEpochs=30,TestRepetitions=1,Optimizer=ADAM"
)


def source(folder: Path, sample: str, cross_section: float, events: int) -> Source:
    """A sample with its friend; every event stands for luminosity times cross section over generated events."""
    return Source(
        (str(folder / f"{sample}.root"),),
        "events",
        selection="jet_pt[1] > 25 && met > 5",
        weight="weight * btag.sf",
        tree_weight=59.7 * cross_section / events,
        friends=(f"btag = {folder / f'{sample}_btag.root'}:btag",),
    )


def run(folder: Path, events: int = 4000) -> tuple[Result, dict[str, float]]:
    """Make the samples, train and write the weight file; the result, and the ROC integral of each class."""
    samples = folder / "four_classes"
    runpy.run_path(str(TOOL))["write_four_classes"](samples, events, 1234)

    sources = {
        name: [source(samples, sample, cross_section, events) for sample, cross_section in parts.items()]
        for name, parts in CLASSES.items()
    }
    data = load(Recipe(Variables(tuple(VARIABLES)), spectators=("event", "met")), sources, split=SPLIT)
    training, test = data.split(SPLIT)

    result = train(training, OPTIONS, title="LSTM")
    (folder / WEIGHTS).parent.mkdir(parents=True, exist_ok=True)
    result.model.save(folder / WEIGHTS)
    scores = result.model.predict(test.X)
    weights = test.comparable_weights
    return result, {
        name: roc_integral(test.class_index == number, scores[:, number], weights)
        for number, name in enumerate(test.classes)
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--folder", type=Path, default=Path(), help="to write to (default: the current one)")
    parser.add_argument("--events", type=int, default=4000, help="events of each sample (default: %(default)s)")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    _, integrals = run(given.folder, given.events)
    for name, integral in integrals.items():
        print(f"ROC integral of {name} against the rest: {integral:.4f}")
    print(given.folder / WEIGHTS)


if __name__ == "__main__":
    main()

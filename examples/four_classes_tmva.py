"""An analysis with four classes, slices, friends and negative weights: `examples/four_classes.py` in TMVA's own calls.

Run it with `python examples/four_classes_tmva.py`. The samples are made first, in the folder `four_classes`; everything
is written to the current folder, or to the one given by `--folder`.
"""

from __future__ import annotations

import argparse
import os
import runpy
from pathlib import Path

from pytmva_rnn import Source
from pytmva_rnn import tmva as TMVA

TOOL = Path(__file__).resolve().parents[1] / "tools" / "make_four_classes.py"

# Cross sections in fb of the samples of each class.
CLASSES = {
    "Signal": {"signal": 120},
    "Top": {"top": 9000},
    "W": {"w_low": 60000, "w_high": 4000},
    "Multijet": {"multijet": 250000},
}


def run(events: int = 4000) -> dict[str, float]:
    """Make the samples, train, test and evaluate; the ROC integral of each class."""
    runpy.run_path(str(TOOL))["write_four_classes"]("four_classes", events, 1234)

    factory = TMVA.Factory(
        "FourClasses",
        "four_classes_output.root",
        V=False,
        DrawProgressBar=False,
        Transformations="I",
        AnalysisType="Multiclass",
    )
    loader = TMVA.DataLoader("dataset")
    for jet in range(4):
        loader.AddVariable(f"jet{jet}_pt := log(1 + Alt$(jet_pt[{jet}], 0))")
        loader.AddVariable(f"jet{jet}_eta := Alt$(jet_eta[{jet}], 0)")
        loader.AddVariable(f"jet{jet}_btag := Alt$(btag.jet_btag[{jet}], -1)")
    loader.AddSpectator("event")
    loader.AddSpectator("met")

    for name, samples in CLASSES.items():
        for sample, cross_section in samples.items():
            # with PyROOT: a TTree and its AddFriend("btag = btag", ...)
            friend = f"btag = four_classes/{sample}_btag.root:btag"
            tree = Source((f"four_classes/{sample}.root",), "events", friends=(friend,))
            weight = 59.7 * cross_section / events
            loader.AddTree(tree, name, weight, "event % 2 == 0", TMVA.Types.kTraining)
            loader.AddTree(tree, name, weight, "event % 2 == 1", TMVA.Types.kTesting)
    loader.SetWeightExpression("weight * btag.sf")
    loader.PrepareTrainingAndTestTree("jet_pt[1] > 25 && met > 5", "SplitMode=Random:NormMode=EqualNumEvents:!V")

    factory.BookMethod(
        loader,
        TMVA.Types.kDL,
        "LSTM",
        H=False,
        V=False,
        ErrorStrategy="MUTUALEXCLUSIVE",
        VarTransform=None,
        WeightInitialization="XAVIERUNIFORM",
        RandomSeed=1234,
        InputLayout="4|3",
        Layout="LSTM|12|3|4|0|0,RESHAPE|FLAT,DENSE|16|RELU,LINEAR",
        TrainingStrategy="LearningRate=3e-3,BatchSize=100,ConvergenceSteps=10,MaxEpochs=30,TestRepetitions=1,"
        "Optimizer=ADAM",
    )
    factory.TrainAllMethods()
    factory.TestAllMethods()
    factory.EvaluateAllMethods()
    return {name: factory.GetROCIntegral(loader, "LSTM", number) for number, name in enumerate(CLASSES)}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--folder", type=Path, default=Path(), help="folder to write to (default: the current one)")
    parser.add_argument("--events", type=int, default=4000, help="events of each sample (default: %(default)s)")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    os.chdir(given.folder)
    for name, integral in run(given.events).items():
        print(f"ROC integral of {name} against the rest: {integral:.4f}")


if __name__ == "__main__":
    main()

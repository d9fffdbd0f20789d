"""An LSTM of pytmva_rnn inside TMVA::Factory and TMVA::Reader, beside TMVA's own methods.

Run it with `python examples/tmva_plugin.py` in a ROOT that has TMVA, such as that of `conda install -c conda-forge
root`. The data are a toy: sequences that wander (signal) or do not (background).
"""

from __future__ import annotations

import argparse
import logging
from array import array
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn import read_weights
from pytmva_rnn.extras import root
from pytmva_rnn.pyroot import install

STEPS, INPUTS = 6, 3
NAMES = [f"x{number}" for number in range(STEPS * INPUTS)]
OPTIONS = (
    "!H:!V:VarTransform={transform}:"
    f"InputLayout={STEPS}|{INPUTS}:RandomSeed=42:ValidationSize=20%:Architecture=CPU:"
    f"Layout=LSTM|16|{INPUTS}|{STEPS}|0|1,RESHAPE|FLAT,DENSE|16|TANH,LINEAR:TrainingStrategy=LearningRate=5e-3,"
    "BatchSize=50,MaxEpochs={epochs},TestRepetitions=1,Optimizer=ADAM"
)


def toy(signal: bool, events: int) -> NDArray[np.float64]:
    """Events, shape (events, STEPS * INPUTS), time-major."""
    random = np.random.default_rng(1 + signal)
    x = random.normal(size=(events, STEPS, INPUTS))
    x = np.cumsum(0.75 * x, axis=1) + 0.1 if signal else 1.2 * x
    return x.reshape(events, -1)


def train(events: int, epochs: int, transform: str) -> tuple[str, float]:
    """Train and test in a Factory; the weight file, and TMVA's ROC integral."""
    ROOT = root()
    TMVA = ROOT.TMVA
    output = ROOT.TFile("tmva_plugin.root", "RECREATE")
    factory = TMVA.Factory("plugin", output, "!V:Silent:!Color:!DrawProgressBar:AnalysisType=Classification")
    loader = TMVA.DataLoader("dataset")
    for name in NAMES:
        loader.AddVariable(name, "F")
    for number, (wanders, stays) in enumerate(zip(toy(True, events), toy(False, events), strict=True)):
        sample = "Test" if number % 2 else "Training"
        getattr(loader, f"AddSignal{sample}Event")(ROOT.std.vector["double"](wanders))
        getattr(loader, f"AddBackground{sample}Event")(ROOT.std.vector["double"](stays))
    loader.PrepareTrainingAndTestTree(ROOT.TCut(""), "SplitMode=Random:NormMode=EqualNumEvents:!V")
    factory.BookMethod(loader, "PyTMVARNN", "LSTM", OPTIONS.format(epochs=epochs, transform=transform))
    if hasattr(TMVA, "MethodBDT"):
        factory.BookMethod(loader, "BDT", "BDT", "!H:!V:NTrees=100:MaxDepth=3")
    factory.TrainAllMethods()
    factory.TestAllMethods()
    factory.EvaluateAllMethods()
    integral = factory.GetROCIntegral(loader, "LSTM")
    output.Close()
    return "dataset/weights/plugin_LSTM.weights.xml", integral


def largest_difference(weights: str, events: int) -> float:
    """Between TMVA::Reader and `Model.predict`."""
    places = [array("f", [0.0]) for _ in NAMES]
    reader: Any = root().TMVA.Reader("!Color:Silent")
    for name, place in zip(NAMES, places, strict=True):
        reader.AddVariable(name, place)
    reader.BookMVA("LSTM", weights)
    X = np.concatenate([toy(signal, events) for signal in (True, False)]).astype(np.float32)
    scores = []
    for event in X:
        for place, value in zip(places, event, strict=True):
            place[0] = value
        scores.append(reader.EvaluateMVA("LSTM"))
    return float(np.abs(read_weights(weights).predict(X) - np.array(scores, np.float32)).max())


def main() -> None:
    """Run the example with the arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--events", type=int, default=4000, help="of each class, half of them for tests")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--transform", default="N", help="TMVA's VarTransform; default: %(default)s")
    given = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    install()
    weights, integral = train(given.events, given.epochs, given.transform)
    print(f"ROC integral: {integral:.4f}")
    install(replace_dl=True)  # the Reader's DL is pytmva_rnn from here on
    print(f"largest difference between TMVA::Reader and Model.predict: {largest_difference(weights, 50):.2g}")


if __name__ == "__main__":
    main()

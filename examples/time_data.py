"""The toy data of ROOT's tutorial TMVA_RNN_Classification, trained with the tutorial's options.

Run it with `python examples/time_data.py`. The data, two trees with 10,000 events each, are made first, in a
temporary folder or in the one given by `--folder`, which also keeps the weight file.
"""

from __future__ import annotations

import argparse
import logging
import runpy
import tempfile
from pathlib import Path

from pytmva_rnn import Performance, Recipe, Result, Source, evaluate, load, train

OPTIONS = (
    "!H:V:ErrorStrategy=CROSSENTROPY:VarTransform=None:WeightInitialization=XAVIERUNIFORM:ValidationSize=0.2:"
    "RandomSeed=1234:InputLayout=10|30:Layout=LSTM|10|30|10|0|1,RESHAPE|FLAT,DENSE|64|TANH,LINEAR:"
    "TrainingStrategy=LearningRate=1e-3,Momentum=0.0,Repetitions=1,ConvergenceSteps=5,BatchSize=100,TestRepetitions=1,"
    "WeightDecay=1e-2,Regularization=None,MaxEpochs=20,Optimizer=ADAM,DropConfig=0.0+0.+0.+0.:Architecture=CPU"
)
TOOL = Path(__file__).parents[1] / "tools" / "make_time_data.py"


def run(folder: Path) -> tuple[Result, Performance]:
    """Make the data in `folder`, train, write the weight file there; the result, and how well it does."""
    file = folder / "time_data_t10_d30.root"
    runpy.run_path(str(TOOL))["write_time_data"](file, 10_000, 10, 30, 1234)

    recipe = Recipe.from_dict({"variables": ["vars_time{0..9}[30]"]})
    sources = {"Signal": Source((str(file),), "sgn"), "Background": Source((str(file),), "bkg")}
    training, test = load(recipe, sources).split(
        "nTrain_Signal=8000:nTrain_Background=8000:SplitMode=Random:NormMode=NumEvents:!V"
    )
    result = train(training, OPTIONS, title="TMVA_LSTM")
    result.model.save(folder / "TMVAClassification_TMVA_LSTM.weights.xml")
    return result, evaluate(result.model, test)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--folder", type=Path, help="where data and weight file stay (default: nowhere)")
    folder = parser.parse_args().folder
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with tempfile.TemporaryDirectory() as temporary:
        result, performance = run(folder or Path(temporary))
    print(f"validation error after epoch {result.history[-1].epoch}: {result.history[-1].validation_error:.4f}")
    print(f"on the test sample, {performance}")


if __name__ == "__main__":
    main()

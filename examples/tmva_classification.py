"""ROOT's tutorial TMVA_RNN_Classification in TMVA's own vocabulary, but without ROOT.

Run it with `python examples/tmva_classification.py`. As in the tutorial, everything is written to the current folder,
or to the one given by `--folder`: the data, the output file and the weight files under `dataset/weights`.
"""

from __future__ import annotations

import argparse
import os
import runpy
from array import array
from pathlib import Path

import uproot

from pytmva_rnn import tmva as TMVA

TOOL = Path(__file__).resolve().parents[1] / "tools" / "make_time_data.py"

NTIME, NINPUT = 10, 30


def run(events: int = 10_000, epochs: int = 20, networks: tuple[str, ...] = ("LSTM",)) -> dict[str, float]:
    """Make the data, train, test and evaluate; the ROC integral of each network."""
    file_name = f"time_data_t{NTIME}_d{NINPUT}.root"
    runpy.run_path(str(TOOL))["write_time_data"](file_name, events, NTIME, NINPUT, 1234)

    factory = TMVA.Factory(
        "TMVAClassification",
        "data_RNN_CPU.root",
        V=False,
        Silent=False,
        Color=True,
        DrawProgressBar=True,
        Transformations=None,
        Correlations=False,
        AnalysisType="Classification",
        ModelPersistence=True,
    )
    dataloader = TMVA.DataLoader("dataset")
    for i in range(NTIME):
        dataloader.AddVariablesArray(f"vars_time{i}", NINPUT)

    input_file = uproot.open(file_name)
    dataloader.AddSignalTree(input_file["sgn"], 1.0)
    dataloader.AddBackgroundTree(input_file["bkg"], 1.0)
    dataloader.PrepareTrainingAndTestTree(
        "",
        "",
        nTrain_Signal=0.8 * events,
        nTrain_Background=0.8 * events,
        SplitMode="Random",
        SplitSeed=100,
        NormMode="NumEvents",
        V=False,
        CalcCorrelations=False,
    )

    for network in networks:
        factory.BookMethod(
            dataloader,
            TMVA.Types.kDL,
            f"TMVA_{network}",
            H=False,
            V=True,
            ErrorStrategy="CROSSENTROPY",
            VarTransform=None,
            WeightInitialization="XAVIERUNIFORM",
            ValidationSize=0.2,
            RandomSeed=1234,
            InputLayout=f"{NTIME}|{NINPUT}",
            Layout=f"{network}|10|{NINPUT}|{NTIME}|0|1,RESHAPE|FLAT,DENSE|64|TANH,LINEAR",
            TrainingStrategy="LearningRate=1e-3,Momentum=0.0,Repetitions=1,ConvergenceSteps=5,BatchSize=100,"
            f"TestRepetitions=1,WeightDecay=1e-2,Regularization=None,MaxEpochs={epochs},Optimizer=ADAM,"
            "DropConfig=0.0+0.+0.+0.",
            Architecture="CPU",
        )

    factory.TrainAllMethods()
    factory.TestAllMethods()
    factory.EvaluateAllMethods()

    # A Reader scores events elsewhere: one by one, from arrays that the script fills ...
    reader = TMVA.Reader("!Color:!Silent")
    values = [array("f", NINPUT * [0.0]) for _ in range(NTIME)]
    for i in range(NTIME):
        reader.AddVariable(f"vars_time{i}", values[i])
    for network in networks:
        reader.BookMVA(network, f"dataset/weights/TMVAClassification_TMVA_{network}.weights.xml")
    first = input_file["sgn"].arrays(entry_stop=1)[0]
    for i in range(NTIME):
        values[i][:] = array("f", first[f"vars_time{i}"])
    print(f"score of the first signal event: {reader.EvaluateMVA(networks[0]):.4f}")
    # ... or a whole tree at once.
    print(f"mean score of the background: {reader.evaluate(input_file['bkg'], networks[0]).mean():.4f}")

    return {network: factory.GetROCIntegral(dataloader, f"TMVA_{network}") for network in networks}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--folder", type=Path, default=Path(), help="folder to write to (default: the current one)")
    parser.add_argument("--events", type=int, default=10_000, help="events of each class (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=20, help="epochs at most (default: %(default)s)")
    parser.add_argument("networks", nargs="*", default=["LSTM"], help="among RNN, LSTM and GRU (default: LSTM)")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    os.chdir(given.folder)
    for network, integral in run(given.events, given.epochs, tuple(given.networks)).items():
        print(f"ROC integral of {network}: {integral:.4f}")


if __name__ == "__main__":
    main()

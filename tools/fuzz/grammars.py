"""Texts that are nearly right: made by the rules of a language, so that they get beyond its first check."""

from __future__ import annotations

import random

from pytmva_rnn.formula import functions

__all__ = ["NAMES", "OPERATORS", "formula", "options"]

NAMES = (
    "x",
    "y",
    "v",
    "w",
    "n",
    "Entry$",
    "Length$",
    "Iteration$",
    "nothing",
    "x.y",
    "v[0]",
    "v[1]",
    "w[0][1]",
    "w[][1]",
    "`v`",
    "v.Pt()",
    "w{1}",
)
FUNCTIONS = [*functions.FUNCTIONS]
OPERATORS = [
    "+",
    "-",
    "*",
    "/",
    "%",
    "<",
    ">",
    "<=",
    ">=",
    "==",
    "!=",
    "&&",
    "||",
    "&",
    "|",
    "^",
    "<<",
    ">>",
    "?",
    ":",
    "!",
    "~",
    "**",
    ",",
    ".",
    "=",
]


def formula(random: random.Random, depth: int = 0) -> str:
    """An expression of TTree::Draw's language."""
    if depth > 5 or random.random() < 0.25:
        return random.choice((*NAMES, "1", "2.5", "-3", "0", "1e300", '"text"', "true", "0x1F"))
    inner = formula(random, depth + 1)
    match random.randrange(8):
        case 0 | 1 | 2:
            return f"{inner} {random.choice(OPERATORS[:20])} {formula(random, depth + 1)}"
        case 3:
            arguments = ", ".join(formula(random, depth + 2) for _ in range(random.choice((0, 1, 1, 2, 3))))
            return f"{random.choice(FUNCTIONS)}({arguments})"
        case 4:
            return f"({inner})"
        case 5:
            return f"{random.choice('+-!~')}{inner}"
        case 6:
            return f"{random.choice(NAMES)}[{inner}]"
    return f"{inner} ? {formula(random, depth + 1)} : {formula(random, depth + 1)}"


KEYS = [
    "LearningRate=1e-3",
    "Momentum=0.5",
    "ConvergenceSteps=10",
    "BatchSize=30",
    "MaxEpochs=5",
    "TestRepetitions=1",
    "WeightDecay=0.01",
    "Regularization=L2",
    "Optimizer=ADAM",
    "DropConfig=0.1+0.2",
    "ADAM_beta1=0.9",
    "Repetitions=1",
    "Multithreading=True",
]
LAYERS = [
    "LSTM|10|30|10|0|1",
    "GRU|4|3|2|0|1|1",
    "RNN|8|4|3|0|0",
    "DENSE|64|TANH",
    "DENSE|(N+100)*2|RELU",
    "LINEAR",
    "RESHAPE|FLAT",
    "BNORM|0.9|1e-4",
    "RESHAPE|1|10|30",
    "TANH|8",
    "CONV|3|3",
    "DENSE|2**N|GAUSS",
    "DENSE",
]
METHOD = [
    "H",
    "!H",
    "V",
    "!V",
    "VarTransform=N,D_Signal,G(x)",
    "ErrorStrategy=CROSSENTROPY",
    "WeightInitialization=XAVIER",
    "RandomSeed=1234",
    "ValidationSize=0.2",
    "ValidationSize=20%",
    "InputLayout=10|30",
    "BatchLayout=100|10|30",
    "Architecture=CPU",
    "CreateMVAPdfs",
]
TRANSFORMATIONS = [
    "N",
    "D",
    "P",
    "U",
    "G",
    "I",
    "N_Signal",
    "D_AllClasses",
    "G(x,y)",
    "U(x)_Signal",
    "P_1",
    "None",
    "Norm",
    "(x)",
    "N(_V0_,_V1_)",
]
SPLIT = [
    "SplitMode=Random",
    "MixMode=Block",
    "SplitSeed=100",
    "NormMode=NumEvents",
    "nTrain_Signal=100",
    "nTest_Background=0",
    "V",
    "TrainTestSplit_Signal=0.5",
    "ScaleWithPreselEff",
]


def options(random: random.Random, which: str = "") -> str:
    """Options of a method or a split, of a given kind or any; the first line says which reader gets them."""
    kinds = ("method", "method", "layout", "strategy", "split", "transform", "width")
    match which or random.choice(kinds):
        case "method":
            strategy = ",".join(random.sample(KEYS, random.randrange(1, 8)))
            layout = ",".join(random.choice(LAYERS) for _ in range(random.randrange(1, 5)))
            parts = [*random.sample(METHOD, random.randrange(1, 8)), f"Layout={layout}", f"TrainingStrategy={strategy}"]
            random.shuffle(parts)
            return "method\n" + ":".join(parts)
        case "layout":
            return "layout\n" + ",".join(random.choice(LAYERS) for _ in range(random.randrange(1, 8)))
        case "strategy":
            return "strategy\n" + random.choice(",|").join(random.choice(KEYS) for _ in range(random.randrange(1, 9)))
        case "split":
            return "split\n" + ":".join(random.sample(SPLIT, random.randrange(1, 7)))
        case "transform":
            parts = [random.choice(TRANSFORMATIONS) for _ in range(random.randrange(1, 5))]
            return "transform\n" + random.choice(",+;").join(parts)
    return "width\n" + "".join(
        random.choice(("N", "100", "(", ")", "+", "*", "^", "-", "/", "2", "**", " ")) for _ in range(9)
    )

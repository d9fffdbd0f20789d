"""The networks that are timed, with events and initial weights that all contestants share."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.description import Variable
from pytmva_rnn.model import Model
from pytmva_rnn.options import MethodOptions, parse_options
from pytmva_rnn.options.layout import build_layers

__all__ = ["CALLS", "CASES", "GOALS", "LAYERS", "SHARE_GOALS", "USUAL", "Case", "CaseData", "make_problem"]

LAYERS = ("LSTM", "GRU", "RNN")
"""Of the GRU the variant with the reset gate after the product, the one that PyTorch has."""

CALLS = ("train", "infer", "one")
"""A training step, scores of a batch, the score of one event."""

_ADAM = "Optimizer=ADAM,LearningRate=1e-3,ADAM_eps=1e-8"
"""A tiny epsilon, because TMVA and PyTorch scale it differently with the step's number."""


@dataclass(frozen=True)
class Case:
    """Sizes of a network: T steps of D inputs, a recurrent layer with H states, perhaps a hidden layer, one output.

    Attributes
    ----------
    batch : int
        Events in a batch.
    steps, inputs, state : int
        T, D and H.
    sequence : bool
        Whether the dense layers see the states of all steps, or of the last only.
    dense : int
        Width of a hidden layer with tanh; 0 for none.
    """

    name: str
    batch: int
    steps: int
    inputs: int
    state: int
    sequence: bool
    dense: int

    def layout(self, layer: str) -> str:
        """TMVA's layout string with the recurrent layer `layer`, one of `LAYERS`."""
        flags = f"0|{int(self.sequence)}" + ("|1" if layer == "GRU" else "")
        hidden = f"DENSE|{self.dense}|TANH," if self.dense else ""
        return f"{layer}|{self.state}|{self.inputs}|{self.steps}|{flags},RESHAPE|FLAT,{hidden}LINEAR"

    def describe(self) -> str:
        """The sizes in words."""
        states = "all states" if self.sequence else "last state"
        hidden = f", dense {self.dense} tanh" if self.dense else ""
        return f"batch {self.batch}, {self.steps} steps of {self.inputs}, state {self.state}, {states}{hidden}, dense 1"


CASES = {
    case.name: case
    for case in (
        Case("1", 100, 10, 30, 10, True, 64),
        Case("2", 256, 20, 8, 64, False, 32),
        Case("3", 512, 50, 16, 128, False, 0),
        Case("4", 512, 50, 16, 256, False, 0),
    )
}
"""Case 4 has more states than a GPU keeps the recurrent weights of at hand."""

USUAL = ("1", "2", "3")
"""Those that are timed on a CPU where none are named."""

GOALS: dict[tuple[str, str], dict[str, tuple[float, float, float]]] = {
    ("train", "PyTorch"): {"LSTM": (12, 2.8, 3), "GRU": (17, 6, 2.8), "RNN": (20, 8, 3)},
    ("infer", "ONNX Runtime"): {"LSTM": (4, 1.7, 1.7), "GRU": (4, 3, 2.8), "RNN": (5, 10, 8)},
    ("one", "ONNX Runtime"): {"LSTM": (7, 2, 1.2), "GRU": (7, 2, 1.2), "RNN": (6, 4, 2)},
}
"""How many times faster than a contestant the project means to be, in cases 1, 2 and 3."""

SHARE_GOALS = {"train": {"2": 0.70, "3": 0.78}, "infer": {"2": 0.75, "3": 0.80}}
"""What part of a core's peak rate all operations of a call are to reach, by case."""


@dataclass(frozen=True, eq=False)
class CaseData:
    """What every contestant gets.

    Attributes
    ----------
    model : Model
        The network with its initial weights.
    X : (batch, T, D) float32
    y : (batch, 1) float32
        Between 0 and 1, so that the loss and its gradients stay away from zero however many steps are timed.
    options : MethodOptions
        The layout, and the optimizer's settings in its one training phase.
    """

    case: Case
    layer: str
    model: Model
    X: NDArray[np.float32]
    y: NDArray[np.float32]
    options: MethodOptions

    @property
    def title(self) -> str:
        """The case, the layer and the batch."""
        return f"case {self.case.name} {self.layer}, batch {self.case.batch:,}"


def make_problem(case: Case, layer: str, seed: int = 1) -> CaseData:
    """Draw normal events, targets and uniform weights, biases too; the same for the same seed."""
    random = np.random.default_rng(seed)
    variables = case.steps * case.inputs
    shape = (case.steps, 1, case.inputs)
    options = parse_options(
        f"InputLayout={case.steps}|{case.inputs}:Layout={case.layout(layer)}:"
        f"TrainingStrategy={_ADAM},BatchSize={case.batch}"
    )
    layers = []
    for untrained in build_layers(options.layout, shape, variables, 1):
        # the scale that PyTorch uses: one over the root of the states, or of a dense layer's inputs
        limit = max(getattr(untrained, "state_size", 0) or getattr(untrained, "input_size", 1), 1) ** -0.5
        weights = {
            name: random.uniform(-limit, limit, size).astype(np.float32)
            for name, size in untrained.weight_shapes().items()
        }
        layers.append(replace(untrained, weights=weights))
    model = Model(
        tuple(layers),
        tuple(Variable(name, name, name, internal=name) for name in (f"x{k}" for k in range(variables))),
        shape,
        (case.batch, case.steps, case.inputs),
    )
    X = random.standard_normal((case.batch, case.steps, case.inputs), dtype=np.float32)
    y = random.uniform(0.1, 0.9, (case.batch, 1)).astype(np.float32)
    return CaseData(case, layer, model, X, y, options)

"""The reference cases of C++ TMVA, as tests want them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pytmva_rnn import Model, read_weights

FOLDER = Path(__file__).parent / "data" / "reference"
CASES = sorted(path.name for path in FOLDER.iterdir() if path.is_dir())
QUICK = ("batch_norm", "dense_activations", "gru_after_last", "gru_before_sequence", "multiclass_softmax", "stacked")
"""Between them every kind of layer, and more than one output."""


def quickly(cases: Sequence[str], *more: str) -> list[Any]:
    """Cases as parameters of a test that takes long with each: all but QUICK, and the ones named, are slow."""
    return [pytest.param(case, marks=[] if case in (*QUICK, *more) else [pytest.mark.slow]) for case in cases]


# the weight tags as TMVA misnames them -> what they hold
NAMES = {
    "RNNLayer": {"InputWeights": "W", "StateWeights": "U", "Biases": "b"},
    "LSTMLayer": {
        "InputWeights": "W_i",
        "InputStateWeights": "W_f",
        "ForgetWeights": "W_c",
        "ForgetStateWeights": "W_o",
        "CandidateWeights": "U_i",
        "CandidateStateWeights": "U_f",
        "OuputWeights": "U_c",
        "OutputStateWeights": "U_o",
        "InputBiases": "b_i",
        "ForgetBiases": "b_f",
        "CandidateBiases": "b_c",
        "OutputBiases": "b_o",
    },
    "GRULayer": {
        "ResetWeights": "W_r",
        "ResetStateWeights": "W_z",
        "UpdateWeights": "W_c",
        "UpdateStateWeights": "U_r",
        "CandidateWeights": "U_z",
        "CandidateStateWeights": "U_c",
        "ResetBiases": "b_r",
        "UpdateBiases": "b_z",
        "CandidateBiases": "b_c",
    },
    "DenseLayer": {"Weights": "W", "Biases": "b"},
    "BatchNormLayer": {"Gamma": "gamma", "Beta": "beta"},
}


@dataclass(frozen=True)
class Case:
    """One folder of tests/data/reference."""

    name: str

    @cached_property
    def data(self) -> dict[str, NDArray[Any]]:
        return dict(np.load(FOLDER / self.name / "data.npz"))

    @cached_property
    def training(self) -> dict[str, Any]:
        settings: dict[str, Any] = json.loads((FOLDER / self.name / "training.json").read_text())
        return settings

    @cached_property
    def initial(self) -> Model:
        return read_weights(FOLDER / self.name / "initial.xml")

    @cached_property
    def model(self) -> Model:
        return read_weights(FOLDER / self.name / "weights.xml")

    @cached_property
    def gradients(self) -> dict[tuple[int, str], NDArray[np.float64]]:
        """Gradients by layer number and mathematical name (running statistics have none)."""
        found = {}
        for key, value in self.raw_gradients.items():
            if key.count("/") == 2:
                number, layer, tag = key.split("/")
                if tag in NAMES[layer]:
                    found[int(number), NAMES[layer][tag]] = value
        return found

    @cached_property
    def raw_gradients(self) -> dict[str, NDArray[Any]]:
        return dict(np.load(FOLDER / self.name / "gradients.npz"))

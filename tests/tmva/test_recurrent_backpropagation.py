"""TMVA's TestRecurrentBackpropagation: every gradient against a numerical derivative by Richardson's extrapolation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pytmva_rnn.description import Variable
from pytmva_rnn.kernels import Computation
from pytmva_rnn.kernels.reference.engine import Engine
from pytmva_rnn.model import Model
from pytmva_rnn.network.network import Network
from pytmva_rnn.options.layout import build_layers, parse_layout
from pytmva_rnn.training.initialization import initial_weights

LAYERS = {"RNN": ("RNN", ""), "LSTM": ("LSTM", ""), "GRU": ("GRU", "|0"), "GRU, reset gate after": ("GRU", "|1")}
# time steps, batch, state, inputs, and what stands above the recurrent layer
SHAPES = {
    "1x2, state 1": (1, 2, 1, 2, "flat"),
    "1x2, state 3": (1, 2, 3, 2, "flat"),
    "2x3, state 4": (2, 3, 4, 5, "flat"),
    "4x2, state 10": (4, 2, 10, 5, "flat"),
    "5x64, state 10": (5, 64, 10, 5, "flat"),
    "fixed input": (3, 1, 10, 5, "fixed"),
    "dense layer": (4, 32, 10, 20, "dense"),
    "second recurrent layer": (4, 32, 10, 5, "recurrent"),
}

ALL_LAYERS = pytest.mark.parametrize("recurrent", LAYERS.values(), ids=LAYERS)
LONG = ("5x64, state 10", "dense layer", "second recurrent layer")
"""Shapes with many weights or events, of which each weight takes four passes."""


def make(recurrent: tuple[str, str], shape: tuple[int, int, int, int, str]) -> tuple[Model, NDArray[Any], NDArray[Any]]:
    kind, flag = recurrent
    T, B, H, D, above = shape
    layout = f"{kind}|{H}|{D}|{T}|0|1{flag},"
    layout += {"dense": "RESHAPE|FLAT,DENSE|12|TANH,", "recurrent": f"{kind}|{H}|{H}|{T}|0|0{flag},"}.get(
        above, "RESHAPE|FLAT,"
    )
    layers = build_layers(parse_layout(layout + "DENSE|2|LINEAR"), (T, 1, D), T * D, 2)
    weights = initial_weights(layers, "GAUSS", 1)
    random = np.random.default_rng(2)
    model = Model(
        tuple(
            replace(layer, weights={n: w + 0.1 * random.normal(size=w.shape) for n, w in each.items()})
            for layer, each in zip(layers, weights, strict=True)
        ),
        variables=(Variable("x", "x", "x"),) * (T * D),
        input_layout=(T, 1, D),
        batch_layout=(B, T, D),
        analysis="Regression",
        targets=(Variable("t", "t", "t"),) * 2,
        loss="R",
    )
    X = np.full((B, T, D), 0.5) if above == "fixed" else random.normal(size=(B, T, D))
    return model, X, random.normal(size=(B, 2))


def derivative(loss: Callable[[], float], array: NDArray[Any], place: tuple[int, ...]) -> float:
    """Richardson's extrapolation of central differences: error of the order of h^4."""
    value = array[place]

    def shifted(h: float) -> float:
        array[place] = value + h
        return loss()

    d = [(shifted(h) - shifted(-h)) / (2 * h) for h in (1e-2, 5e-3)]
    array[place] = value
    return float((4 * d[1] - d[0]) / 3)


@ALL_LAYERS
@pytest.mark.parametrize(
    "shape", [pytest.param(SHAPES[name], marks=[pytest.mark.slow] * (name in LONG), id=name) for name in SHAPES]
)
def test_against_numerical_derivative(recurrent: tuple[str, str], shape: tuple[int, int, int, int, str]) -> None:
    model, X, y = make(recurrent, shape)
    _, gradients = Network(model, "reference").loss_and_gradients(X, y)
    weights = [layer.weights for layer in model.layers]
    engine = Engine(Computation(model.layers, weights, *model.event_shape, model.loss))
    w, worst = np.ones(len(X)), 0.0
    for number, each in gradients.items():
        for name, gradient in each.items():
            for place in np.ndindex(gradient.shape):
                numerical = derivative(lambda: engine.loss(X, y, w), engine._p[number][name], place)
                worst = max(worst, abs(gradient[place] - numerical) / max(1.0, abs(numerical)))
    print(f"{recurrent[0]}{recurrent[1]} {shape}: largest deviation {worst:.2g}")
    assert worst < 1e-6


@ALL_LAYERS
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_cpu_backend(recurrent: tuple[str, str], shape: tuple[int, int, int, int, str]) -> None:
    model, X, y = make(recurrent, shape)
    loss, expected = Network(model, "reference").loss_and_gradients(X, y)
    cpu_loss, gradients = Network(model, "cpu").loss_and_gradients(X, y)
    assert cpu_loss == pytest.approx(loss, rel=1e-6)
    largest = max(np.abs(g).max() for each in expected.values() for g in each.values())
    for number, each in expected.items():
        for name, gradient in each.items():
            np.testing.assert_allclose(gradients[number][name], gradient, rtol=0, atol=2e-6 * largest)

"""TMVA's TestRecurrentBackpropagation: every gradient against a numerical derivative by Richardson's extrapolation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

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

pytestmark = [
    pytest.mark.parametrize("recurrent", LAYERS.values(), ids=LAYERS),
    pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES),
]


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
        variables=(),
        input_layout=(T, 1, D),
        batch_layout=(B, T, D),
        loss="R",
    )
    X = np.full((B, T, D), 0.5) if above == "fixed" else random.normal(size=(B, T, D))
    return model, X, random.normal(size=(B, 2))


def derivative(model: Model, X: NDArray[Any], y: NDArray[Any], number: int, name: str, place: tuple[int, ...]) -> float:
    """Richardson's extrapolation of central differences: error of the order of h^6."""
    layer = model.layers[number]

    def loss(shift: float) -> float:
        changed = layer.weights[name].copy()
        changed[place] += shift
        layers = list(model.layers)
        layers[number] = replace(layer, weights={**layer.weights, name: changed})
        return Network(replace(model, layers=tuple(layers)), "reference").loss(X, y)

    d = [(loss(h) - loss(-h)) / (2 * h) for h in (4e-2, 2e-2, 1e-2)]
    once = [(4 * d[1] - d[0]) / 3, (4 * d[2] - d[1]) / 3]
    return (16 * once[1] - once[0]) / 15


def test_against_numerical_derivative(recurrent: tuple[str, str], shape: tuple[int, int, int, int, str]) -> None:
    model, X, y = make(recurrent, shape)
    _, gradients = Network(model, "reference").loss_and_gradients(X, y)
    worst = 0.0
    for number, each in gradients.items():
        for name, gradient in each.items():
            for place in np.ndindex(gradient.shape):
                numerical = derivative(model, X, y, number, name, place)
                worst = max(worst, abs(gradient[place] - numerical) / max(1.0, abs(numerical)))
    print(f"{recurrent[0]}{recurrent[1]} {shape}: largest deviation {worst:.2g}")
    assert worst < 1e-6


def test_cpu_backend(recurrent: tuple[str, str], shape: tuple[int, int, int, int, str]) -> None:
    model, X, y = make(recurrent, shape)
    loss, expected = Network(model, "reference").loss_and_gradients(X, y)
    cpu_loss, gradients = Network(model, "cpu").loss_and_gradients(X, y)
    assert cpu_loss == pytest.approx(loss, rel=1e-6)
    largest = max(np.abs(g).max() for each in expected.values() for g in each.values())
    for number, each in expected.items():
        for name, gradient in each.items():
            np.testing.assert_allclose(gradients[number][name], gradient, rtol=0, atol=2e-6 * largest)

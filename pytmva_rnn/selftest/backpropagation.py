"""TMVA's TestRecurrentBackpropagation: every gradient against a numerical derivative by Richardson's extrapolation.

That is of the backend "reference", in float64; the other backends' gradients are compared with its.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.description import Variable
from pytmva_rnn.kernels import Computation, engine_class
from pytmva_rnn.model import Model
from pytmva_rnn.network.network import Network
from pytmva_rnn.options.layout import build_layers, parse_layout
from pytmva_rnn.selftest.trial import Trial
from pytmva_rnn.training.initialization import initial_weights

__all__ = ["LONG", "SHAPES", "against_derivative", "against_reference"]

Shape = tuple[int, int, int, int, str]

SHAPES: dict[str, Shape] = {
    "1x2, state 1": (1, 2, 1, 2, "flat"),
    "1x2, state 3": (1, 2, 3, 2, "flat"),
    "2x3, state 4": (2, 3, 4, 5, "flat"),
    "4x2, state 10": (4, 2, 10, 5, "flat"),
    "5x64, state 10": (5, 64, 10, 5, "flat"),
    "fixed input": (3, 1, 10, 5, "fixed"),
    "dense layer": (4, 32, 10, 20, "dense"),
    "second recurrent layer": (4, 32, 10, 5, "recurrent"),
}
"""Time steps, batch, state, inputs, and what stands above the recurrent layer."""

LONG = ("5x64, state 10", "dense layer", "second recurrent layer")
"""Shapes with many weights or events, of which each weight takes four passes."""

_DERIVATIVE, _FLOAT32 = 1e-6, 2e-6
"""The largest deviation: of the numerical derivative, and of float32 relative to the largest gradient."""


def against_derivative(recurrent: str, name: str) -> Trial:
    """The reference's gradients of all weights beside numerical derivatives, `(4 d(h/2) - d(h)) / 3` of central
    differences d: the error is of the order of h^4.

    Parameters
    ----------
    recurrent : str
        A recurrent layer as the option Layout has it, with {} in place of its sizes.
    name : str
        Of `SHAPES`.
    """
    model, X, y = _network(recurrent, SHAPES[name])
    _, gradients = Network(model, "reference").loss_and_gradients(X, y)
    trained = [{key: np.array(value, float) for key, value in layer.weights.items()} for layer in model.layers]
    w, worst = np.ones(len(X)), 0.0

    def loss() -> float:
        engine = engine_class("reference")(Computation(model.layers, trained, *model.event_shape, model.loss))
        return engine.loss(X, y, w)

    for number, each in gradients.items():
        for key, gradient in each.items():
            for place in np.ndindex(gradient.shape):
                numerical = _derivative(loss, trained[number][key], place)
                worst = max(worst, float(abs(gradient[place] - numerical) / max(1.0, abs(numerical))))
    found = f"largest deviation from the numerical derivative {worst:.2g}, at most {_DERIVATIVE:.0e}"
    return Trial(_named(recurrent, name), found, worst < _DERIVATIVE)


def against_reference(recurrent: str, name: str, backend: str) -> Trial:
    """A backend's loss and gradients beside the reference's; parameters are those of `against_derivative`."""
    model, X, y = _network(recurrent, SHAPES[name])
    loss, expected = Network(model, "reference").loss_and_gradients(X, y)
    own_loss, gradients = Network(model, backend).loss_and_gradients(X, y)
    largest = max(float(np.abs(g).max()) for each in expected.values() for g in each.values())
    apart = max(
        float(np.abs(gradients[number][key] - gradient).max())
        for number, each in expected.items()
        for key, gradient in each.items()
    )
    apart, losses = apart / largest, abs(own_loss - loss) / abs(loss)
    found = f"largest deviation of {backend} {apart:.2g}, of its loss {losses:.2g}, at most {_FLOAT32:.0e}"
    return Trial(_named(recurrent, name), found, apart <= _FLOAT32 and losses <= _FLOAT32)


def _named(recurrent: str, name: str) -> str:
    return f"TestRecurrentBackpropagation {recurrent.replace('|{}', '')} {name}"


def _network(recurrent: str, shape: Shape) -> tuple[Model, NDArray[Any], NDArray[Any]]:
    T, B, H, D, above = shape
    layout = recurrent.format(f"{H}|{D}|{T}|0|1") + ","
    layout += {"dense": "RESHAPE|FLAT,DENSE|12|TANH,", "recurrent": recurrent.format(f"{H}|{H}|{T}|0|0") + ","}.get(
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


def _derivative(loss: Callable[[], float], array: NDArray[Any], place: tuple[int, ...]) -> float:
    value = array[place]

    def shifted(h: float) -> float:
        array[place] = value + h
        return loss()

    d = [(shifted(h) - shifted(-h)) / (2 * h) for h in (1e-2, 5e-3)]
    array[place] = value
    return float((4 * d[1] - d[0]) / 3)

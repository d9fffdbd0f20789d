"""The bounds of float32 that the page on trust states, held by random networks on inputs of all magnitudes."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pytmva_rnn.kernels.cpu.engine import Engine
from pytmva_rnn.kernels.cpu.machine.lanes import LANES
from pytmva_rnn.kernels.reference.engine import Engine as Reference
from tests.test_kernels_cpu import ALL_LAYERS, Net, recurrent

BOUND = 1e-5
"""Of a score's error, as a part of what its terms add up to without their signs; or the score is so sensitive that a
change of inputs and weights in their seventh digit moves it as far."""

BOUNDED = ("SIGMOID", "TANH", "SOFTSIGN", "GAUSS", "FTANH")
UNBOUNDED = ("LINEAR", "RELU", "SYMMRELU")


def any_size(random: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Numbers of all magnitudes from denormals to 1e30, events of one magnitude and mixed ones, and zeros."""
    powers = random.uniform(-30, 30, (shape[0], *(1 for _ in shape[1:])))
    mixed = random.random(shape[0]) < 0.3
    powers = np.where(mixed.reshape(powers.shape), random.uniform(-30, 30, shape), powers)
    x = random.normal(size=shape) * 10.0**powers
    x[random.random(shape) < 0.05] = 0
    x[random.random(shape) < 0.05] *= 1e-15  # down to denormals
    with np.errstate(under="ignore"):
        return x.astype(np.float32)


def any_net(random: np.random.Generator, most_steps: int, largest: int) -> Net:
    size = [int(n) for n in np.exp(random.uniform(0, np.log(largest), 4))]
    steps = int(np.exp(random.uniform(0, np.log(most_steps))))
    kind = random.choice(["RNN", "LSTM", "GRU", "GRU after", "dense", "norm"])
    function = random.choice(BOUNDED + UNBOUNDED)
    if kind in ("dense", "norm"):
        first = "BNORM," if kind == "norm" else ""
        layout, shape = f"{first}DENSE|{size[1]}|{function},LINEAR", (1, 1, size[0])
    else:
        lower, upper = recurrent(kind, size[1], size[0], steps), recurrent(kind, size[2], size[1], steps, sequence=0)
        layout, shape = f"{lower},{upper},DENSE|{size[3]}|{function},LINEAR", (steps, 1, size[0])
    net = Net(layout, shape, int(random.integers(1, 2 * LANES)), seed=int(random.integers(1 << 30)))
    net.X = any_size(random, net.X.shape)
    return net


def magnitude(net: Net) -> NDArray[np.float64]:
    """What the terms of each output add up to without their signs, at most: (n, O)."""
    x = np.abs(net.X.astype(np.float64)).reshape(len(net.X), -1)
    for layer, weights in zip(net.layers, net.weights, strict=True):
        p = {name: np.abs(value.astype(np.float64)) for name, value in weights.items()}
        match layer.kind:
            case "DENSE":
                x = x @ p["W"].T + p["b"][:, 0]
                if layer.activation in BOUNDED:  # type: ignore[attr-defined]
                    x = np.ones_like(x)
            case "BNORM":
                x = p["gamma"] * (x + p["mu"]) / np.sqrt(p["variance"]) + p["beta"]
            case _:
                x = np.ones((len(x), layer.state_widths[0] if layer.state_widths else x.shape[1]))
    return x


def moved(net: Net, function: Callable[[Any, Net], list[Any]]) -> list[Any]:
    """How far results of the reference move when inputs and weights change in their seventh digit, at most."""
    random, exact = np.random.default_rng(1), function(net.engine(Reference), net)
    most = [np.zeros_like(each) for each in exact]
    for _ in range(8):
        other = copy.copy(net)
        other.X = net.X * (1 + 1e-6 * random.uniform(-1, 1, net.X.shape))
        other.weights = [
            {name: w * (1 + 1e-6 * random.uniform(-1, 1, w.shape)) for name, w in each.items()} for each in net.weights
        ]
        for largest, now, before in zip(most, function(other.engine(Reference), other), exact, strict=True):
            np.maximum(largest, np.abs(now - before), out=largest)
    return most


def outputs(engine: Any, net: Net) -> list[Any]:
    return [engine.outputs(net.X)]


def gradients(engine: Any, net: Net) -> list[Any]:
    _, of_weights, of_inputs = engine.gradients(*net.batch)
    return [*(each[name] for each in of_weights for name in sorted(each)), of_inputs]


def check(net: Net) -> None:
    expected, scores = net.engine(Reference).outputs(net.X), net.engine(Engine).outputs(net.X)
    evaluate = net.engine(Engine).single()
    one_by_one = np.array([[evaluate(x.ravel())] for x in net.X])
    error = np.maximum(np.abs(scores - expected), np.abs(one_by_one - expected))
    allowed = BOUND * (1 + magnitude(net))
    assert np.all((error <= allowed) | (error <= allowed + 4 * moved(net, outputs)[0]))
    with np.errstate(all="ignore"):
        exact, found = gradients(net.engine(Reference), net), gradients(net.engine(Engine), net)
        size = 10 * BOUND * max(1.0, *(float(np.abs(g).max()) for g in exact[:-1]))
        if any(np.abs(mine - right).max() > size for mine, right in zip(found, exact, strict=True)):
            spread = moved(net, gradients)
            for mine, right, more in zip(found, exact, spread, strict=True):
                assert np.all(np.abs(mine - right) <= size + 4 * more.max())


@pytest.mark.parametrize(
    ("networks", "steps", "size"), [(25, 20, 40), pytest.param(120, 2000, 130, marks=pytest.mark.thorough)]
)
def test_random_networks(networks: int, steps: int, size: int) -> None:
    for seed in range(networks):
        net = any_net(np.random.default_rng(seed), steps, size)
        try:
            check(net)
        except AssertionError as error:
            raise AssertionError(f"network {seed}: {net.layers}") from error


@ALL_LAYERS
def test_nan_and_infinity_stay_in_their_event(kind: str) -> None:
    net = Net(f"{recurrent(kind, 7, 5, 3, sequence=0)},DENSE|9|RELU,LINEAR", (3, 1, 5), LANES + 3)
    expected = net.engine(Engine).outputs(net.X)
    for value in (np.nan, np.inf, -np.inf, 3e38):
        net.X[4, 1, 2] = value
        engine = net.engine(Engine)
        scores = engine.outputs(net.X)
        np.testing.assert_array_equal(np.delete(scores, 4, 0), np.delete(expected, 4, 0))
        assert np.isnan(scores[4, 0]) == np.isnan(value)
        np.testing.assert_allclose(engine.single()(net.X[4].ravel()), scores[4, 0], rtol=1e-5)


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_a_saturated_network_has_no_gradient(kind: str) -> None:
    net = Net(f"{recurrent(kind, 7, 5, 1, sequence=0)},LINEAR", (1, 1, 5), 40)
    net.X = np.full_like(net.X, 1e30)
    _, gradients, x_gradient = net.engine(Engine).gradients(*net.batch)
    for name, gradient in gradients[0].items():
        assert not gradient.any(), name
    assert not x_gradient.any()


@pytest.mark.parametrize("activation", BOUNDED + UNBOUNDED)
@pytest.mark.parametrize("scale", [1e30, 1e38, 3e38])
def test_overflow_is_the_same_for_one_event(activation: str, scale: float) -> None:
    net = Net(f"DENSE|33|{activation},DENSE|9|{activation},LINEAR", (1, 1, 40), 37)
    largest = np.finfo(np.float32).max
    with np.errstate(over="ignore"):
        net.X = np.clip(net.X * scale, -largest, largest).astype(np.float32)
    net.X[3, 0, 2], net.X[5, 0, 3], net.X[7, 0, 4:6] = np.inf, np.nan, (np.inf, -np.inf)
    engine = net.engine(Engine)
    evaluate = engine.single()
    np.testing.assert_allclose([[evaluate(x.ravel())] for x in net.X], engine.outputs(net.X), rtol=1e-4, atol=1e-5)


def test_a_sum_that_overflows_on_the_way_is_right() -> None:
    net = Net("LINEAR", (1, 1, 40), LANES)
    net.weights[0]["W"][:] = 1
    net.X[:, 0] = np.repeat([3e38, -3e38], 20)
    net.X[:, 0, 7] = 1e38
    engine: Any = net.engine(Engine)
    expected = np.float32(np.float64(np.float32(1e38)) - np.float64(np.float32(3e38)))
    np.testing.assert_allclose(engine.outputs(net.X)[:, 0], expected, rtol=1e-6)
    np.testing.assert_allclose(engine.single()(net.X[0].ravel()), expected, rtol=1e-6)


@pytest.mark.parametrize("offset", [0, 1e4, 1e5, -1e6])
@pytest.mark.parametrize("batch", [LANES, 3 * LANES + 5])
def test_batch_normalisation_far_from_zero(offset: float, batch: int) -> None:
    net = Net("BNORM,DENSE|5|TANH,LINEAR", (1, 1, 4), batch)
    net.X += np.float32(offset)
    mine, reference = net.engine(Engine), net.engine(Reference)
    (loss, gradients, _), (exact_loss, exact, _) = mine.gradients(*net.batch), reference.gradients(*net.batch)
    assert loss == pytest.approx(exact_loss, rel=2e-6)
    for each, right in zip(gradients, exact, strict=True):
        for name, value in right.items():
            np.testing.assert_allclose(each[name], value, rtol=0, atol=1e-5 * np.abs(value).max())
    # by the running statistics, which that batch has set
    np.testing.assert_allclose(mine.outputs(net.X), reference.outputs(net.X), rtol=0, atol=2e-6)
    np.testing.assert_allclose(mine.single()(net.X[0].ravel()), reference.outputs(net.X[:1])[0, 0], atol=2e-6)

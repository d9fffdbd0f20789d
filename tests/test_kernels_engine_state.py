"""The state of an engine, and an engine that goes on from it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pytmva_rnn.kernels import BACKENDS, engine_class
from pytmva_rnn.options import TrainingPhase
from tests.test_kernels_cpu import Net

LAYOUT = "LSTM|3|2|3|1|1,RESHAPE|FLAT,BNORM,DENSE|3|TANH,LINEAR"
ON_CPU = [backend for backend in BACKENDS if backend != "cuda"]


def fresh(net: Net, cls: type[Any], optimizer: str = "ADAM") -> Any:
    """An engine that trains with dropout and a penalty."""
    settings = TrainingPhase(optimizer=optimizer, drop_config=(0, 0, 0, 0.3), learning_rate=0.05)
    return net.engine(cls, settings=settings, regularization="2", weight_decay=0.01)


def trained(net: Net, cls: type[Any], optimizer: str = "ADAM") -> Any:
    """The same after a validation and two steps."""
    engine = fresh(net, cls, optimizer)
    engine.loss(net.X, net.y, net.w)
    steps(net, engine, 1, 2)
    return engine


def steps(net: Net, engine: Any, *keys: int) -> list[float]:
    order = np.random.default_rng(1).permutation(len(net.X))
    return [engine.step(net.X, net.y, net.w, np.roll(order, key), key) for key in keys]


def assert_goes_on(cls: type[Any], optimizer: str = "ADAM") -> None:
    """To the last bit: losses, weights, moments, statistics and remembered states."""
    net = Net(LAYOUT, (3, 1, 2), 9)
    one, other = trained(net, cls, optimizer), fresh(net, cls, optimizer)
    state = one.state()
    other.restore(state)
    assert steps(net, other, 3, 4) == steps(net, one, 3, 4)
    assert other.loss(net.X, net.y, net.w) == one.loss(net.X, net.y, net.w)
    later = other.state()
    assert later.keys() == state.keys()
    for name, array in one.state().items():
        np.testing.assert_array_equal(later[name], array, err_msg=name)
    assert not np.array_equal(later["3/W/v"], state["3/W/v"])  # which is a copy
    for mine, theirs in zip(one.weights(), other.weights(), strict=True):
        assert all(np.array_equal(mine[name], theirs[name]) for name in mine)


@pytest.mark.parametrize("optimizer", ["SGD", "ADAM", "RMSPROP"])
@pytest.mark.parametrize("backend", ON_CPU)
def test_an_engine_goes_on(backend: str, optimizer: str) -> None:
    assert_goes_on(engine_class(backend), optimizer)


@pytest.mark.parametrize("backend", ON_CPU)
def test_a_state_of_another_network_is_refused(backend: str) -> None:
    cls = engine_class(backend)
    net = Net(LAYOUT, (3, 1, 2), 9)
    engine = trained(net, cls)
    state = engine.state()
    for name, array, message in (
        ("3/W", np.zeros((2, 2), state["3/W"].dtype), "3/W is float"),
        ("2/mu", state["2/mu"].astype(np.float16), "2/mu is float16"),
        ("counts", -state["counts"], "one of its counts is -"),
        ("more", state["3/W"], "'more' is none of its arrays"),
    ):
        with pytest.raises(ValueError, match=message):
            engine.restore({**state, name: array})
    with pytest.raises(ValueError, match="there is no array '3/W'"):
        engine.restore({name: array for name, array in state.items() if name != "3/W"})
    np.testing.assert_array_equal(engine.state()["3/W"], state["3/W"])


def test_as_many_threads_as_pay_are_those_of_the_first_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    from pytmva_rnn.kernels.cpu import engine as module

    monkeypatch.setattr(module, "_LEAST_WORK", 1)
    monkeypatch.setattr(module, "available_threads", lambda: 3)
    net = Net(LAYOUT, (3, 1, 2), 150)
    one = trained(net, module.Engine)
    state = one.state()
    expected = steps(net, one, 3, 4), one.state()
    monkeypatch.setattr(module, "available_threads", lambda: 1)
    other = trained(net, module.Engine)
    other.restore(state)
    assert steps(net, other, 3, 4) == expected[0]
    for name, array in expected[1].items():
        np.testing.assert_array_equal(other.state()[name], array, err_msg=name)

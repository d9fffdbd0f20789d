"""A layer that is not ours on the GPU: one file with its equations, registered, and no other place."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

from pytmva_rnn.description.layers import Recurrent
from pytmva_rnn.kernels import Computation
from pytmva_rnn.kernels.reference.engine import Engine as Reference
from pytmva_rnn.options import TrainingPhase
from tests.test_kernels_cpu import Net

pytestmark = pytest.mark.gpu


@dataclass(frozen=True, eq=False)
class UpdateUnit(Recurrent):
    """A GRU whose reset gate is always open."""

    kind: ClassVar[str] = "UPDATE"
    gates: ClassVar[str] = "zc"


@pytest.fixture
def registered() -> Iterator[None]:
    from pytmva_rnn.kernels.cuda.layers import LAYERS, SMALL_LAYERS, register_layer
    from pytmva_rnn.kernels.cuda.machine.activations import sigmoid
    from pytmva_rnn.kernels.cuda.machine.device import device
    from pytmva_rnn.kernels.cuda.machine.equations import Equations
    from pytmva_rnn.kernels.cuda.machine.recurrent import RecurrentPart
    from pytmva_rnn.kernels.cuda.small.recurrent import SmallRecurrent

    @device
    def step(gates, e, h, extra):  # type: ignore[no-untyped-def]
        z, g = sigmoid(gates[0, e]), math.tanh(gates[1, e])
        gates[0, e], gates[1, e] = z, g
        return z * h + (np.float32(1) - z) * g, extra

    @device
    def gradient(gates, dh, dextra, h, kept, earlier):  # type: ignore[no-untyped-def]
        one = np.float32(1)
        z, g = gates[0], gates[1]
        gates[0], gates[1] = dh * (h - g) * z * (one - z), dh * (one - z) * (one - g * g)
        return dh * z, dextra

    class UpdatePart(RecurrentPart):
        cell = Equations("zc", step, gradient)

    class SmallUpdate(SmallRecurrent):
        cell = UpdatePart.cell

    register_layer("UPDATE", UpdatePart, SmallUpdate)
    yield
    LAYERS.remove("UPDATE")
    SMALL_LAYERS.remove("UPDATE")


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("one_kernel", [False, True])
def test_an_added_layer_trains(one_kernel: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    from pytmva_rnn.kernels.cuda.engine import Engine
    from pytmva_rnn.kernels.cuda.small import choice
    from pytmva_rnn.kernels.cuda.small.workspace import SmallWorkspace

    monkeypatch.setenv(choice.VARIABLE, str(int(one_kernel)))
    monkeypatch.setattr(choice, "FEWEST_TRAINED", 1)
    # which remembers its states, unless that takes the general path
    remember = not one_kernel
    net = Net(f"GRU|3|2|2|{int(remember)}|1|1,RESHAPE|FLAT,DENSE|2|TANH,LINEAR", (2, 1, 2), 5)
    for letter, value in (("W", 0), ("U", 0), ("b", 50)):
        net.weights[0][f"{letter}_r"][:] = value
    layers = [UpdateUnit(3, 2, 2, remember, True), *net.layers[1:]]
    weights = [{n: w for n, w in net.weights[0].items() if not n.endswith("_r")}, *net.weights[1:]]
    options = {"settings": TrainingPhase(learning_rate=0.1), "regularization": "2", "weight_decay": 0.1}
    mine, gru = Engine(Computation(layers, weights, 2, 2, "C", **options)), net.engine(Reference, **options)
    np.testing.assert_allclose(mine.outputs(net.X), gru.outputs(net.X), rtol=2e-6)
    for _ in range(2):
        loss = mine.step(*net.batch, np.arange(4), 1)
        assert loss == pytest.approx(gru.step(*net.batch, np.arange(4), 1), rel=2e-6)
    assert isinstance(mine._reserve._workspaces["training"], SmallWorkspace) == one_kernel
    assert mine.penalty() == pytest.approx(gru.penalty(), rel=1e-5)
    for each, expected in zip(mine.weights(), gru.weights(), strict=True):
        for name, value in each.items():
            np.testing.assert_allclose(value, expected[name], atol=1e-5, err_msg=name)


@pytest.mark.usefixtures("registered")
def test_states_that_the_equations_do_not_pass_on() -> None:
    from pytmva_rnn.kernels.cuda.engine import Engine

    class WithCell(UpdateUnit):
        @property
        def state_widths(self) -> tuple[int, ...]:
            return (self.state_size, self.state_size)

    layer = WithCell(3, 2, 2)
    weights = {name: np.zeros(shape, np.float32) for name, shape in layer.weight_shapes().items()}
    engine = Engine(Computation([layer], [weights], 2, 2, "C"))
    with pytest.raises(
        ValueError, match=r"layer 0 \(UPDATE\) declares states of the widths \(3, 3\); its equations pass"
    ):
        engine.outputs(np.zeros((1, 2, 2), np.float32))


def test_a_layer_that_nobody_registered() -> None:
    from pytmva_rnn.kernels.cuda.engine import Engine

    layer = UpdateUnit(3, 2, 2)
    with pytest.raises(ValueError, match="there is no layer of the CUDA backend UPDATE; there are RNN, LSTM, GRU,"):
        Engine(Computation([layer], [{}], 2, 2, "C"))


def test_more_gates_than_the_kernels_have_room_for() -> None:
    from pytmva_rnn.kernels.cuda.machine.equations import Equations

    def nothing(*arguments: Any) -> None: ...

    with pytest.raises(ValueError, match="5 arguments of a unit; the kernels of the steps have 4"):
        Equations("ifco", nothing, nothing, apart=True)


def test_gates_in_another_order_than_the_equations() -> None:
    from pytmva_rnn.kernels.cuda.machine.weights import DeviceWeights

    net = Net("LSTM|2|2|2|0|0,LINEAR", (2, 1, 2), 1)
    weights = DeviceWeights(net.layers, net.weights)
    stacked = weights.matrix(0, "U_i", "U_f", "U_c", "U_o").copy_to_host()
    np.testing.assert_array_equal(stacked, np.concatenate([net.weights[0][f"U_{gate}"] for gate in "ifco"]))
    with pytest.raises(ValueError, match=r"layer 0 declares its arrays in the order W_i, .* needs U_f, U_i one after"):
        weights.matrix(0, "U_f", "U_i")

"""A layer that is not ours, added through the public registrations alone: a minimal gated unit.

f = sigmoid(W_f x + U_f h + b_f)
g = tanh(W_c x + U_c (f*h) + b_c)
h' = (1 - f)*h + f*g

(Zhou, Wu, Zhang and Zhou 2016.) What stands here is what `.github/CONTRIBUTING.md` asks of a new layer, and no more.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from pytmva_rnn import read_weights, train
from pytmva_rnn.compile import array_at, kernel, operation
from pytmva_rnn.description import Layer, Recurrent, Shape
from pytmva_rnn.errors import OptionError
from pytmva_rnn.kernels.cpu import layers as cpu
from pytmva_rnn.kernels.cpu.engine import Engine as CPU
from pytmva_rnn.kernels.cpu.machine.intrinsics import record_at
from pytmva_rnn.kernels.cpu.machine.lanes import LANES, WIDTH
from pytmva_rnn.kernels.cpu.machine.op import FRAME, OP, input_step, output_step, record_type, row_of, step_of
from pytmva_rnn.kernels.cpu.machine.plan import Plan, View
from pytmva_rnn.kernels.cpu.machine.steps import as_steps
from pytmva_rnn.kernels.reference import layers as reference
from pytmva_rnn.kernels.reference.engine import Engine as Reference
from pytmva_rnn.kernels.reference.machine.recurrent import finish, initial, returned_gradient, sigmoid
from pytmva_rnn.options import TrainingPhase, layer_specs
from pytmva_rnn.options.layer_specs import Context, LayerSpec
from pytmva_rnn.weightfile import layer_nodes
from pytmva_rnn.weightfile.layer_nodes import LayerFormat
from pytmva_rnn.weightfile.nodes import Node
from tests.test_kernels_cpu import Net, assert_same

# --- description


@dataclass(frozen=True, eq=False)
class MinimalUnit(Recurrent):
    """Minimal gated unit with the gate f (forget) and c (candidate)."""

    kind: ClassVar[str] = "MGU"
    gates: ClassVar[str] = "fc"


# --- options


@dataclass(frozen=True)
class MinimalSpec(LayerSpec):
    """`MGU|state size|return sequence`."""

    state_size: int
    return_sequence: bool

    @classmethod
    def parse(cls, name: str, fields: list[str]) -> MinimalSpec:
        if len(fields) != 2 or not fields[0].isdecimal():
            raise OptionError(f"{name} takes a state size and whether it returns the sequence, as in {name}|10|0")
        return cls(int(fields[0]), fields[1] == "1")

    def __str__(self) -> str:
        return f"MGU|{self.state_size}|{int(self.return_sequence)}"

    def build(self, context: Context) -> Layer:
        depth, height, width = context.shape
        return MinimalUnit(self.state_size, width, depth * height, return_sequence=self.return_sequence)


# --- weight file


def read_unit(node: Node, shape: Shape) -> MinimalUnit:
    depth, height, width = shape
    size = node.integer("StateSize", minimum=1)
    return MinimalUnit(size, width, depth * height, return_sequence=node.flag("ReturnSequence"))


def unit_attributes(layer: MinimalUnit, shape: Shape) -> dict[str, str | int]:
    return {"StateSize": layer.state_size, "ReturnSequence": int(layer.return_sequence)}


MATRICES = tuple((name.replace("_", ""), name) for name in ("W_f", "U_f", "b_f", "W_c", "U_c", "b_c"))
FORMAT = LayerFormat("MGULayer", MinimalUnit, read_unit, unit_attributes, MATRICES)


# --- reference backend


class Equations:
    """The definition."""

    @staticmethod
    def forward(layer: Any, p: Any, x: Any, memory: Any, training: bool) -> Any:
        B, T, _ = x.shape
        h, f, g = np.empty((B, T + 1, layer.state_size)), *np.empty((2, B, T, layer.state_size))
        h[:, 0] = initial(layer, memory, "h", B)
        for t in range(T):
            xt, ht = x[:, t], h[:, t]
            f[:, t] = sigmoid(xt @ p["W_f"].T + ht @ p["U_f"].T + p["b_f"][:, 0])
            g[:, t] = np.tanh(xt @ p["W_c"].T + (f[:, t] * ht) @ p["U_c"].T + p["b_c"][:, 0])
            h[:, t + 1] = (1 - f[:, t]) * ht + f[:, t] * g[:, t]
        return finish(layer, h), {"x": x, "h": h, "f": f, "g": g}

    @staticmethod
    def backward(layer: Any, p: Any, cache: Any, dy: Any) -> Any:
        x, dx, dy = cache["x"], np.empty_like(cache["x"]), returned_gradient(layer, dy)
        gradients = {name: np.zeros_like(value) for name, value in p.items()}
        dh = np.zeros_like(dy[:, 0])
        for t in reversed(range(layer.time_steps)):
            f, g, h = cache["f"][:, t], cache["g"][:, t], cache["h"][:, t]
            dh = dh + dy[:, t]
            dc = dh * f * (1 - g**2)
            dfh = dc @ p["U_c"]
            df = (dh * (g - h) + dfh * h) * f * (1 - f)
            dh = dh * (1 - f) + dfh * f + df @ p["U_f"]
            dx[:, t] = df @ p["W_f"] + dc @ p["W_c"]
            for gate, d, state in (("f", df, h), ("c", dc, f * h)):
                gradients[f"W_{gate}"] += d.T @ x[:, t]
                gradients[f"U_{gate}"] += d.T @ state
                gradients[f"b_{gate}"][:, 0] += d.sum(0)
        return dx, gradients


# --- CPU backend


MGU = record_type("sequence", "w", "u", "u_c", "stride", "f", "g", "kept_step", "dh", "df", "dc")


def plan(layer: Any, plan: Plan, number: int) -> None:
    D, H, T = layer.input_size, layer.state_size, layer.time_steps
    as_steps(plan, number, T, D)
    op = plan.add(number, forward=forward, forward_one=forward_one, backward=backward, record=MGU)
    W, U, U_c = plan.matrix(2 * D + 2, H), plan.matrix(H, H), plan.matrix(H, H)
    plan.place(number, "W_f", W)
    plan.place(number, "W_c", W, row=D)
    plan.place(number, "b_f", W, row=2 * D)
    plan.place(number, "b_c", W, row=2 * D + 1)
    plan.place(number, "U_f", U)
    plan.place(number, "U_c", U_c)
    op.own |= {"w": W.place, "u": U.place, "u_c": U_c.place, "stride": W.stride, "kept_step": plan.rows(H)}
    op.own |= {name: plan.scratch(T * plan.rows(H)) for name in "fg"}
    if plan.training:
        op.own |= {name: plan.scratch(H * LANES) for name in ("dh", "df", "dc")}
    steps, step, first = (T, plan.step(H), 1) if layer.return_sequence else (1, plan.step(H), T)
    states = plan.activations(T + 1, H)
    gradient = plan.gradient(steps * H * LANES)
    plan.output(op, View(steps, H, states + 4 * first * step, step, gradient))
    op.fields["y"] = states
    op.own["sequence"] = int(layer.return_sequence)


@kernel
def matrix(address, rows, columns):  # type: ignore[no-untyped-def]
    return array_at(address, (rows, columns), np.float32)


@kernel
def run_steps(op, frame, lanes):  # type: ignore[no-untyped-def]
    """All steps; `lanes` events lie side by side."""
    own, D, H = record_at(op.own, MGU), op.D, op.H
    w, u, u_c = (
        matrix(frame.weights + own.w, 2 * D + 2, own.stride),
        matrix(frame.weights + own.u, H, own.stride),
        matrix(frame.weights + own.u_c, H, own.stride),
    )
    matrix(output_step(op, frame, 0), H, lanes)[:] = 0
    for t in range(op.T):
        x, h = matrix(input_step(op, frame, t), D, lanes), matrix(output_step(op, frame, t), H, lanes)
        f = matrix(step_of(frame.scratch + own.f, own.kept_step, t), H, lanes)
        g = matrix(step_of(frame.scratch + own.g, own.kept_step, t), H, lanes)
        h_new = matrix(output_step(op, frame, t + 1), H, lanes)
        for lane in range(lanes):
            for j in range(H):
                a = w[2 * D, j]
                for k in range(D):
                    a += w[k, j] * x[k, lane]
                for k in range(H):
                    a += u[k, j] * h[k, lane]
                f[j, lane] = 0.5 * math.tanh(0.5 * a) + 0.5
            for j in range(H):
                a = w[2 * D + 1, j]
                for k in range(D):
                    a += w[D + k, j] * x[k, lane]
                for k in range(H):
                    a += u_c[k, j] * f[k, lane] * h[k, lane]
                g[j, lane] = math.tanh(a)
                h_new[j, lane] = (1 - f[j, lane]) * h[j, lane] + f[j, lane] * g[j, lane]


@operation
def forward(op_address: Any, frame_address: Any) -> None:
    run_steps(record_at(op_address, OP), record_at(frame_address, FRAME), LANES)


@operation
def forward_one(op_address: Any, frame_address: Any) -> None:
    run_steps(record_at(op_address, OP), record_at(frame_address, FRAME), 1)


@operation
def backward(op_address: Any, frame_address: Any) -> None:
    op, frame = record_at(op_address, OP), record_at(frame_address, FRAME)
    own, D, H = record_at(op.own, MGU), op.D, op.H
    at, weights, gradient = frame.scratch, frame.weights, frame.gradient
    w, dw = matrix(weights + own.w, 2 * D + 2, own.stride), matrix(gradient + own.w, 2 * D + 2, own.stride)
    u, du = matrix(weights + own.u, H, own.stride), matrix(gradient + own.u, H, own.stride)
    u_c, du_c = matrix(weights + own.u_c, H, own.stride), matrix(gradient + own.u_c, H, own.stride)
    dh, df, dc = matrix(at + own.dh, H, LANES), matrix(at + own.df, H, LANES), matrix(at + own.dc, H, LANES)
    dh[:] = 0
    for t in range(op.T - 1, -1, -1):
        x, h = matrix(input_step(op, frame, t), D, LANES), matrix(output_step(op, frame, t), H, LANES)
        f = matrix(step_of(at + own.f, own.kept_step, t), H, LANES)
        g = matrix(step_of(at + own.g, own.kept_step, t), H, LANES)
        dy = matrix(row_of(at + op.dy, t * H if own.sequence else 0), H, LANES)
        dx = matrix(row_of(at + op.dx, t * D), D, LANES)
        # lanes without an event have a gradient of zero, and those beyond the block's vectors are never read
        for lane in range(frame.vectors * WIDTH):
            for j in range(H):
                if own.sequence or t == op.T - 1:
                    dh[j, lane] += dy[j, lane]
                dc[j, lane] = dh[j, lane] * f[j, lane] * (1 - g[j, lane] ** 2)
            for k in range(H):
                dfh = np.float32(0)
                for j in range(H):
                    dfh += u_c[k, j] * dc[j, lane]
                    du_c[k, j] += dc[j, lane] * f[k, lane] * h[k, lane]
                slope = dh[k, lane] * (g[k, lane] - h[k, lane]) + dfh * h[k, lane]
                df[k, lane] = slope * f[k, lane] * (1 - f[k, lane])
                dh[k, lane] = dh[k, lane] * (1 - f[k, lane]) + dfh * f[k, lane]
            for j in range(H):
                dw[2 * D, j] += df[j, lane]
                dw[2 * D + 1, j] += dc[j, lane]
                for k in range(H):
                    dh[k, lane] += u[k, j] * df[j, lane]
                    du[k, j] += df[j, lane] * h[k, lane]
                for k in range(D):
                    dw[k, j] += df[j, lane] * x[k, lane]
                    dw[D + k, j] += dc[j, lane] * x[k, lane]
            if op.dx >= 0:
                for k in range(D):
                    total = np.float32(0)
                    for j in range(H):
                        total += w[k, j] * df[j, lane] + w[D + k, j] * dc[j, lane]
                    dx[k, lane] = total


# --- tests


@pytest.fixture(autouse=True)
def added() -> Iterator[None]:
    """The layer's registrations, as long as a test runs."""
    layer_specs.register_layer("MGU", MinimalSpec.parse)
    layer_nodes.register_layer(FORMAT)
    reference.register_layer("MGU", Equations)
    cpu.register_layer("MGU", plan)
    yield
    for table, key in (
        (layer_specs.LAYERS, "MGU"),
        (layer_nodes.FORMATS, "MGULayer"),
        (reference.LAYERS, "MGU"),
        (cpu.LAYERS, "MGU"),
    ):
        table.remove(key)


def test_gradients() -> None:
    """Those of the reference are the differences of its loss, and those of the CPU are the reference's."""
    net = Net("MGU|4|1,MGU|2|0,DENSE|3|TANH,LINEAR", (3, 1, 5), LANES + 3)
    assert_same(net)
    engine = net.engine(Reference)
    _, gradients, _ = engine.gradients(*net.batch)
    for name in ("W_f", "U_f", "b_f", "W_c", "U_c", "b_c"):
        kept, losses = net.weights[0][name], []
        for step in (1e-3, -1e-3):
            moved = kept.astype(np.float64)
            moved[1, 0] += step
            net.weights[0][name] = moved  # type: ignore[assignment]
            losses.append(net.engine(Reference).loss(*net.batch))
        net.weights[0][name] = kept
        assert gradients[0][name][1, 0] == pytest.approx((losses[0] - losses[1]) / 2e-3, rel=1e-4, abs=1e-8)


def test_steps_of_the_optimizer() -> None:
    """The penalty and dropout are those that the layer's arrays, and the dense layer behind it, ask for."""
    net = Net("MGU|4|1,RESHAPE|FLAT,DENSE|3|TANH,LINEAR", (3, 1, 5), 40)
    phase = TrainingPhase(learning_rate=1e-2, optimizer="SGD", momentum=0.5, drop_config=(0.5, 0.0, 0.3))
    options = {"settings": phase, "regularization": "2", "weight_decay": 0.1}
    mine, expected = net.engine(CPU, **options), net.engine(Reference, **options)
    for key in (1, 2):
        assert mine.step(*net.batch, np.arange(32), key) == pytest.approx(
            expected.step(*net.batch, np.arange(32), key), rel=1e-5
        )
        assert mine.penalty() == pytest.approx(expected.penalty(), rel=1e-5)


def test_training_writing_and_reading(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    X = random.normal(size=(300, 15)).astype(np.float32)
    y = (X[:, 10] + X[:, 3] > 0).astype(np.float32)
    options = (
        "InputLayout=3|1|5:Layout=MGU|6|0,DENSE|4|TANH,LINEAR:RandomSeed=4:"
        "TrainingStrategy=LearningRate=2e-2,MaxEpochs=8,TestRepetitions=1,BatchSize=20"
    )
    results = [train(X, y, options, backend=backend) for backend in ("cpu", "reference")]
    model = results[0].model
    assert [layer.kind for layer in model.layers] == ["MGU", "DENSE", "DENSE"]
    assert results[0].history[-1].validation_error < 0.6 * results[0].initial_validation_error
    for mine, expected in zip(*(result.history for result in results), strict=True):
        assert mine.training_error == pytest.approx(expected.training_error, rel=1e-3)
    model.save(tmp_path / "mgu.weights.xml")
    read = read_weights(tmp_path / "mgu.weights.xml")
    scores = read.predict(X[:40])
    np.testing.assert_allclose(scores, model.predict(X[:40]), atol=2e-6)  # the file has six digits
    np.testing.assert_allclose(scores, read.predict(X[:40], backend="reference"), atol=1e-6)
    np.testing.assert_allclose(scores, [read.predict_one(x) for x in X[:40]], atol=1e-6)


def test_a_layer_is_registered_once_and_can_be_removed() -> None:
    with pytest.raises(ValueError, match="there is a layer of the CPU backend MGU already; remove it first"):
        cpu.register_layer("MGU", plan)
    net = Net("MGU|2|0,LINEAR", (3, 1, 5), 2)
    cpu.LAYERS.remove("MGU")
    with pytest.raises(ValueError, match="there is no layer of the CPU backend MGU; there are RNN, LSTM, GRU"):
        net.engine(CPU)
    cpu.register_layer("MGU", plan)

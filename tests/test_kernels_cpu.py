"""The CPU kernels against the reference kernels: sizes that are no multiple of anything, odd batches, threads."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pytmva_rnn.description import Layer
from pytmva_rnn.kernels import Computation
from pytmva_rnn.kernels.cpu import engine as engine_module
from pytmva_rnn.kernels.cpu.engine import Engine
from pytmva_rnn.kernels.cpu.machine.lanes import LANES, WIDTH
from pytmva_rnn.kernels.reference.engine import Engine as Reference
from pytmva_rnn.options import TrainingPhase
from pytmva_rnn.options.layout import build_layers, parse_layout

RECURRENT = {"RNN": "", "LSTM": "", "GRU": "|0", "GRU after": "|1"}
ALL_LAYERS = pytest.mark.parametrize("kind", RECURRENT)


def recurrent(kind: str, H: int, D: int, T: int, *, remember: int = 0, sequence: int = 1) -> str:
    return f"{kind.split(maxsplit=1)[0]}|{H}|{D}|{T}|{remember}|{sequence}{RECURRENT[kind]}"


class Net:
    """Layers with random weights, and random events, for both backends."""

    def __init__(
        self, layout: str, shape: tuple[int, int, int], batch: int, *, outputs: int = 1, loss: str = "C", seed: int = 1
    ) -> None:
        random = np.random.default_rng(seed)
        inputs = int(np.prod(shape))
        self.layers: tuple[Layer, ...] = build_layers(parse_layout(layout), shape, inputs, outputs)
        self.weights = [
            {
                name: random.uniform(0.5, 1.5, s)
                if name in ("variance", "gamma")
                else random.normal(0, 0.7 / np.sqrt(s[-1]), s)
                for name, s in {**layer.weight_shapes(), **layer.statistic_shapes()}.items()
            }
            for layer in self.layers
        ]
        # both backends are to see the same numbers
        self.weights = [{n: w.astype(np.float32) for n, w in each.items()} for each in self.weights]
        self.steps, self.inputs = shape[0] * shape[1], shape[2]
        self.X = random.normal(size=(batch, self.steps, self.inputs)).astype(np.float32)
        y = random.integers(0, 2, (batch, outputs)) if loss == "C" else random.normal(size=(batch, outputs))
        if loss == "S":
            y = np.eye(outputs)[random.integers(0, outputs, batch)]
        self.y = y.astype(np.float32)
        self.w = random.uniform(-0.2, 2, batch).astype(np.float32)
        self.loss = loss

    def engine(self, cls: type[Any], **options: Any) -> Any:
        return cls(Computation(self.layers, self.weights, self.steps, self.inputs, self.loss, **options))

    @property
    def batch(self) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        return self.X, self.y, self.w


def assert_same(net: Net, engine: type[Any] = Engine, *, threads: int | None = None, tolerance: float = 3e-6) -> None:
    """Outputs, loss, all gradients of an engine, that of the CPU if not told, and of the reference."""
    mine, reference = net.engine(engine, threads=threads), net.engine(Reference)
    np.testing.assert_allclose(mine.outputs(net.X), reference.outputs(net.X), rtol=2e-6, atol=2e-6)
    loss, gradients, x_gradient = mine.gradients(*net.batch)
    expected_loss, expected, expected_x = reference.gradients(*net.batch)
    assert loss == pytest.approx(expected_loss, rel=2e-6, abs=1e-7)
    largest = max((np.abs(g).max() for each in expected for g in each.values()), default=1.0)
    for number, each in enumerate(expected):
        assert gradients[number].keys() == each.keys()
        for name, value in each.items():
            np.testing.assert_allclose(
                gradients[number][name], value, rtol=0, atol=tolerance * largest, err_msg=f"layer {number}, {name}"
            )
    np.testing.assert_allclose(x_gradient, expected_x, rtol=0, atol=tolerance * max(np.abs(expected_x).max(), 1e-3))


@ALL_LAYERS
@pytest.mark.parametrize(
    ("H", "sequence"),
    [
        *[(H, sequence) for H in (1, 2, 3, 7, 17) for sequence in (0, 1)],
        (130, 1),
        pytest.param(130, 0, marks=pytest.mark.slow),
    ],
)
def test_state_sizes(kind: str, H: int, sequence: int) -> None:
    assert_same(Net(f"{recurrent(kind, H, 5, 3, sequence=sequence)},RESHAPE|FLAT,DENSE|9|TANH,LINEAR", (3, 1, 5), 40))


@ALL_LAYERS
@pytest.mark.parametrize("D", [1, 3, 17, 130])
@pytest.mark.parametrize("T", [1, 2, 11])
def test_input_sizes(kind: str, D: int, T: int) -> None:
    assert_same(Net(f"{recurrent(kind, 6, D, T)},RESHAPE|FLAT,LINEAR", (T, 1, D), 33))


@ALL_LAYERS
@pytest.mark.parametrize("batch", [1, 2, WIDTH, WIDTH + 1, LANES - 1, LANES, LANES + 1, 3 * LANES + 5])
@pytest.mark.parametrize("threads", [1, 2])
def test_batch_sizes(kind: str, batch: int, threads: int) -> None:
    assert_same(Net(f"{recurrent(kind, 5, 4, 3)},RESHAPE|FLAT,DENSE|3|TANH,LINEAR", (3, 1, 4), batch), threads=threads)


@pytest.mark.parametrize("width", [1, 3, 17, 130])
@pytest.mark.parametrize("activation", ["LINEAR", "RELU", "SIGMOID", "TANH", "SYMMRELU", "SOFTSIGN", "GAUSS", "FTANH"])
def test_dense(width: int, activation: str) -> None:
    assert_same(Net(f"DENSE|{width}|{activation},LINEAR", (1, 1, 19), 45))


@pytest.mark.parametrize(("loss", "outputs"), [("C", 1), ("C", 3), ("R", 1), ("R", 2), ("S", 2), ("S", 5)])
def test_losses(loss: str, outputs: int) -> None:
    net = Net(f"LSTM|5|4|3|0|0,DENSE|6|TANH,DENSE|{outputs}|LINEAR", (3, 1, 4), 50, outputs=outputs, loss=loss)
    assert_same(net)
    assert net.engine(Engine).loss(*net.batch) == pytest.approx(net.engine(Reference).loss(*net.batch), rel=2e-6)


@pytest.mark.parametrize("layout", ["RESHAPE|FLAT", "RNN|4|4|3|0|1,RESHAPE|FLAT", "RNN|4|4|3|0|1,RESHAPE|1|1|12"])
def test_a_sequence_as_the_output(layout: str) -> None:
    net = Net(layout, (3, 1, 4), 21, outputs=12, loss="R")
    assert_same(net)
    evaluate, outputs = net.engine(Engine).single(), net.engine(Reference).outputs(net.X)
    np.testing.assert_allclose([evaluate(x).copy() for x in net.X], outputs, rtol=2e-6, atol=2e-6)


def test_derivatives_at_zero() -> None:
    """RELU's derivative at 0 is 1, SYMMRELU's is +1: TMVA's choice."""
    for activation in ("RELU", "SYMMRELU"):
        net = Net(f"DENSE|4|{activation},LINEAR", (1, 1, 3), 2)
        net.X[:] = 0
        net.weights[0]["b"][:] = 0
        assert_same(net)
        _, gradients, _ = net.engine(Engine).gradients(*net.batch)
        assert np.all(gradients[0]["b"] != 0)


@ALL_LAYERS
def test_stacked(kind: str) -> None:
    lower, upper = recurrent(kind, 7, 5, 4), recurrent("LSTM", 5, 7, 4)
    assert_same(Net(f"{lower},{upper},{recurrent(kind, 6, 5, 4, sequence=0)},DENSE|3|SOFTSIGN,LINEAR", (4, 1, 5), 37))


@ALL_LAYERS
def test_steps_beyond_a_chunk(kind: str) -> None:
    """The gradients of the gates are multiplied into those of the weights in chunks of steps."""
    assert_same(Net(f"{recurrent(kind, 70, 3, 40, sequence=0)},LINEAR", (40, 1, 3), 34), tolerance=1e-5)


@pytest.mark.parametrize(
    "layout",
    [
        "RESHAPE|6|1|5,LSTM|4|5|6|0|1,RESHAPE|FLAT,LINEAR",
        "RESHAPE|1|6|5,GRU|4|5|6|0|1,RESHAPE|1|1|24,DENSE|5|TANH,LINEAR",
        "RESHAPE|6|1|5,RNN|4|5|6|0|1,RESHAPE|3|1|8,LSTM|4|8|3|0|0,LINEAR",
        "RESHAPE|6|1|5,RNN|4|5|6|0|1,RESHAPE|FLAT,BNORM,RESHAPE|3|1|8,LSTM|4|8|3|0|0,LINEAR",
        "DENSE|12|TANH,RESHAPE|3|1|4,RNN|4|4|3|0|0,LINEAR",
    ],
)
def test_reshape(layout: str) -> None:
    assert_same(Net(layout, (1, 1, 30), 41))


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    "layout",
    [
        "BNORM,LINEAR",
        "DENSE|16|LINEAR,BNORM|0.9|0.001,DENSE|12|TANH,BNORM,LINEAR",
        "RESHAPE|6|1|5,LSTM|4|5|6|0|1,RESHAPE|FLAT,BNORM,DENSE|7|TANH,BNORM|0.5|0.1,DENSE|1|LINEAR,BNORM",
    ],
)
def test_batch_normalisation(layout: str, threads: int) -> None:
    net = Net(layout, (1, 1, 30), 77)
    assert_same(net, threads=threads, tolerance=1e-5)
    cpu, reference = net.engine(Engine, threads=threads), net.engine(Reference)
    for engine in (cpu, reference):
        # statistics move in training, and start over after inference
        for _ in range(3):
            engine.gradients(*net.batch)
        engine.outputs(net.X)
        engine.gradients(net.X[:40], net.y[:40], net.w[:40])
    for mine, theirs in zip(cpu.weights(), reference.weights(), strict=True):
        for name in {"mu", "variance"} & theirs.keys():
            np.testing.assert_allclose(mine[name], theirs[name], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(cpu.outputs(net.X), reference.outputs(net.X), rtol=1e-5, atol=1e-5)


@ALL_LAYERS
def test_remembered_states(kind: str) -> None:
    net = Net(f"{recurrent(kind, 5, 4, 3, remember=1)},RESHAPE|FLAT,LINEAR", (3, 1, 4), 70)
    cpu, reference = net.engine(Engine, threads=2), net.engine(Reference)
    # scored one by one, the state passing on
    np.testing.assert_allclose(cpu.outputs(net.X), reference.outputs(net.X), atol=2e-6)
    apart = np.concatenate([net.engine(Engine).outputs(net.X[k : k + 1]) for k in range(70)])
    assert np.abs(apart - cpu.outputs(net.X)).max() > 1e-3
    # a batch starts where the one before it ended; rows that were not in it start at zero
    for rows in (40, 40, 70, 33, 64, 66):
        part = net.X[:rows], net.y[:rows], net.w[:rows]
        loss, gradients, _ = cpu.gradients(*part)
        expected_loss, expected, _ = reference.gradients(*part)
        assert loss == pytest.approx(expected_loss, rel=2e-6)
        for mine, theirs in zip(gradients, expected, strict=True):
            for name, value in theirs.items():
                np.testing.assert_allclose(mine[name], value, atol=2e-6)
    assert cpu.loss(*net.batch) == pytest.approx(reference.loss(*net.batch), rel=2e-6)


def test_lanes_do_not_leak() -> None:
    """An event's output is its own, to the bit, whatever stands beside it; a NaN stays where it is."""
    net = Net("LSTM|6|5|4|0|1,GRU|5|6|4|0|0|1,DENSE|3|GAUSS,LINEAR", (4, 1, 5), 50)
    engine = net.engine(Engine)
    together = engine.outputs(net.X)
    alone = np.concatenate([engine.outputs(net.X[k : k + 1]) for k in range(50)])
    np.testing.assert_array_equal(together, alone)
    net.X[7, 2, 3] = np.nan
    spoilt = engine.outputs(net.X)
    assert np.isnan(spoilt[7, 0])
    np.testing.assert_array_equal(np.delete(spoilt, 7), np.delete(together, 7))


def test_nothing_is_left_of_a_spoilt_batch() -> None:
    """Lanes that a small last block leaves out hold what an earlier block put there, which must not matter."""
    net = Net(
        "LSTM|6|5|4|0|1,GRU|5|6|4|0|1|0,RNN|4|5|4|0|1,RESHAPE|FLAT,DENSE|8|GAUSS,DENSE|3|TANH,LINEAR",
        (4, 1, 5),
        LANES + 3,
    )
    expected = net.engine(Engine, threads=1).gradients(*net.batch)
    engine = net.engine(Engine, threads=1)
    engine.gradients(np.full_like(net.X, np.nan), net.y, net.w)
    loss, gradients, x_gradient = engine.gradients(*net.batch)
    assert loss == expected[0]
    np.testing.assert_array_equal(x_gradient, expected[2])
    for found, each in zip(gradients, expected[1], strict=True):
        for name, value in each.items():
            np.testing.assert_array_equal(found[name], value)


def test_threads_and_repetition(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "_LEAST_WORK", 1)  # else one does the work of several
    net = Net("LSTM|6|5|4|0|1,RESHAPE|FLAT,DENSE|8|TANH,LINEAR", (4, 1, 5), 200)
    results = {threads: net.engine(Engine, threads=threads).gradients(*net.batch) for threads in (1, 2, 3)}
    again = net.engine(Engine, threads=2).gradients(*net.batch)
    for mine, same, one in zip(results[2][1], again[1], results[1][1], strict=True):
        for name in mine:
            np.testing.assert_array_equal(mine[name], same[name])
            np.testing.assert_allclose(mine[name], one[name], rtol=0, atol=1e-6)
    assert results[2][0] == again[0]
    np.testing.assert_array_equal(
        net.engine(Engine, threads=1).outputs(net.X), net.engine(Engine, threads=3).outputs(net.X)
    )


OPTIMIZERS = ["SGD", "ADAM", "ADAGRAD", "RMSPROP", "ADADELTA"]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("regularization", ["0", "1", "2"])
def test_steps(optimizer: str, regularization: str) -> None:
    """A few steps with dropout, momentum and penalty: every weight goes the same way."""
    layout = "LSTM|6|5|4|0|1,RESHAPE|FLAT,DENSE|17|TANH,BNORM,DENSE|8|RELU,LINEAR"
    net = Net(layout, (4, 1, 5), 100)
    phase = TrainingPhase(learning_rate=1e-2, momentum=0.7, optimizer=optimizer, drop_config=(0.5, 0.0, 0.3, 0.0, 0.2))
    options = {"settings": phase, "regularization": regularization, "weight_decay": 1e-2}
    cpu, reference = net.engine(Engine, **options), net.engine(Reference, **options)
    random = np.random.default_rng(3)
    for key in (5, 2**31 - 1, 77):
        events = random.permutation(100)[:60]
        loss = cpu.step(*net.batch, events, key)
        assert loss == pytest.approx(reference.step(*net.batch, events, key), rel=1e-5)
        assert cpu.penalty() == pytest.approx(reference.penalty(), rel=1e-5)
    for mine, theirs in zip(cpu.weights(), reference.weights(), strict=True):
        for name, value in theirs.items():
            np.testing.assert_allclose(mine[name], value, rtol=2e-4, atol=5e-5, err_msg=name)


@pytest.mark.parametrize("remember", [0, 1])
@pytest.mark.parametrize(("much", "calls"), [(1, 5), (10**12, 1)])
def test_an_epoch_is_its_steps(remember: int, much: int, calls: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the bit, in one call into compiled code or in several."""
    monkeypatch.setattr(engine_module, "_MUCH_WORK", much)
    monkeypatch.setattr(engine_module, "_LEAST_WORK", 1)
    net = Net(f"GRU|6|5|4|{remember}|1,RESHAPE|FLAT,DENSE|17|TANH,BNORM,LINEAR", (4, 1, 5), 300)
    phase = TrainingPhase(learning_rate=1e-2, optimizer="ADAM", drop_config=(0.0, 0.0, 0.3, 0.0, 0.2))
    whole, stepwise = (net.engine(Engine, settings=phase, threads=2) for _ in range(2))
    random = np.random.default_rng(3)
    batches, keys = random.permutation(300).reshape(5, 60), random.integers(2**31, size=5)
    called: list[int] = []
    mean = whole.epoch(*net.batch, batches, keys, lambda: called.append(1))
    losses = [stepwise.step(*net.batch, events, int(key)) for events, key in zip(batches, keys, strict=True)]
    assert mean == pytest.approx(np.mean(losses), rel=1e-14)
    assert len(called) == (5 if remember else calls)
    for mine, theirs in zip(whole.weights(), stepwise.weights(), strict=True):
        for name, value in theirs.items():
            np.testing.assert_array_equal(mine[name], value)


def test_dropout_drops_the_given_fraction() -> None:
    """Inputs of dense layers only, and the entries count all layers."""
    net = Net("RESHAPE|20|1|10,RNN|3|10|20|0|1,RESHAPE|FLAT,DENSE|50|LINEAR,LINEAR", (1, 1, 200), 64)
    losses = {}
    for drop in [(), (0.9, 0.9, 0.9), (0.0, 0.0, 0.0, 0.5)]:
        engine = net.engine(Engine, settings=TrainingPhase(learning_rate=1e-9, drop_config=drop))
        losses[drop] = [engine.step(*net.batch, np.arange(64), key) for key in (1, 2)]
    assert losses[()][0] == pytest.approx(losses[()][1], abs=1e-6)
    assert losses[(0.9, 0.9, 0.9)] == pytest.approx(losses[()], abs=1e-6)
    first, second = losses[(0.0, 0.0, 0.0, 0.5)]
    assert abs(first - second) > 1e-4


def test_events_are_gathered() -> None:
    net = Net("GRU|6|5|4|0|0|0,LINEAR", (4, 1, 5), 90)
    events = np.random.default_rng(4).permutation(90)[:50]
    phase = TrainingPhase(learning_rate=1e-2)
    gathered, copied = net.engine(Engine, settings=phase), net.engine(Engine, settings=phase)
    assert gathered.step(*net.batch, events, 0) == copied.step(*(a[events] for a in net.batch), np.arange(50), 0)
    for mine, theirs in zip(gathered.weights(), copied.weights(), strict=True):
        for name, value in theirs.items():
            np.testing.assert_array_equal(mine[name], value)


def test_weights_come_back() -> None:
    net = Net("LSTM|6|5|4|0|1,GRU|3|6|4|0|1|1,GRU|3|3|4|0|1|0,RNN|2|3|4|0|1,RESHAPE|FLAT,BNORM,LINEAR", (4, 1, 5), 3)
    for mine, given in zip(net.engine(Engine).weights(), net.weights, strict=True):
        assert mine.keys() == given.keys()
        for name, value in given.items():
            np.testing.assert_array_equal(mine[name], value)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot be forked here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_process_scores_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads do not survive a fork: it has to have its own."""
    monkeypatch.setattr(engine_module, "_LEAST_WORK", 1)
    net = Net("LSTM|6|5|4|0|1,RESHAPE|FLAT,LINEAR", (4, 1, 5), 200)
    expected = net.engine(Engine, threads=2).outputs(net.X)
    process = os.fork()
    if process == 0:
        same = np.array_equal(net.engine(Engine, threads=2).outputs(net.X), expected)
        os._exit(0 if same else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("width", "features"),
    [
        (8, "+sse,+sse2,+sse3,+ssse3,+sse4.1,+sse4.2,+popcnt,+avx,+avx2,+fma,+cmov,+cx8,+fxsr"),
        (4, "+sse,+sse2,+cmov,+cx8,+fxsr"),
    ],
)
def test_narrower_vectors(width: int, features: str) -> None:
    """The same kernels for a CPU without AVX-512: vectors of 8, or 4, floats."""
    if not sys.platform.startswith("linux") or os.uname().machine != "x86_64":
        pytest.skip("the features are those of x86-64")
    program = (
        "import tests.test_kernels_cpu as t; from pytmva_rnn.kernels.cpu.machine.lanes import WIDTH; "
        f"assert WIDTH == {width};"
        "net = t.Net('LSTM|7|5|4|0|1,GRU|5|7|4|0|1|0,RNN|11|5|4|0|1,RESHAPE|FLAT,DENSE|9|TANH,LINEAR', (4, 1, 5), 43);"
        "t.assert_same(net, threads=1);"
        "import tests.test_kernels_small_batches as small; small.assert_same_bits(net)"
    )
    environment = {**os.environ, "NUMBA_CPU_NAME": "x86-64", "NUMBA_CPU_FEATURES": features}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)


def test_model_layers_are_only_read() -> None:
    net = Net("LSTM|6|5|4|0|0,LINEAR", (4, 1, 5), 40)
    layers = tuple(replace(layer, weights=each) for layer, each in zip(net.layers, net.weights, strict=True))
    before = [{n: w.copy() for n, w in each.items()} for each in net.weights]
    engine = Engine(Computation(layers, net.weights, 4, 5, "C", settings=TrainingPhase(learning_rate=0.1)))
    engine.step(*net.batch, np.arange(40), 0)
    for layer, kept in zip(layers, before, strict=True):
        for name, value in kept.items():
            np.testing.assert_array_equal(layer.weights[name], value)

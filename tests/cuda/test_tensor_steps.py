"""The products with the state on tensor cores; under the simulator Python does what these do."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import pytest
from numba import cuda

from pytmva_rnn.kernels.reference.engine import Engine as Reference
from pytmva_rnn.network.devices import simulated
from tests.test_kernels_cpu import RECURRENT, Net, assert_same, recurrent

ALL_LAYERS = pytest.mark.parametrize("kind", RECURRENT)
SIZES = [3, 18] if simulated() else [130, 256, 300]
"""Beside those that fill a tile, and those with more units than a block works on at once."""

BOUND = 2.6e-6
"""Of the largest gradient: how far those of three products of TF32 may be from those in float64."""


@pytest.fixture(name="Engine")
def engine_class() -> type[Any]:
    from pytmva_rnn.kernels.cuda.engine import Engine

    return Engine


@pytest.fixture(name="forms")
def switched_on(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, bool]]:
    """The kernels that were launched; under the simulator of small states, as if their weights did not fit anywhere."""
    from pytmva_rnn.kernels.cuda.machine import recurrent as module
    from pytmva_rnn.kernels.cuda.machine import tensor_backward, tensor_cores, tensor_forward, tensor_steps

    monkeypatch.setenv("PYTMVA_RNN_CUDA_TF32", "1")
    if not tensor_cores.wanted():
        pytest.skip("the GPU has no tensor cores for TF32")
    if simulated():
        monkeypatch.setattr(module, "shared_bytes", lambda: 0)
        monkeypatch.setattr(module, "SHARED_FLOATS", 2)
        # blocks for eight events each
        monkeypatch.setattr(tensor_steps, "multiprocessors", lambda: 100)
    launched: list[tuple[str, int, bool]] = []
    forward, backward = tensor_forward.forward_kernel, tensor_backward.backward_kernel
    monkeypatch.setattr(
        tensor_forward, "forward_kernel", lambda *of: launched.append(("forward", *of[1:])) or forward(*of)
    )
    monkeypatch.setattr(
        tensor_backward, "backward_kernel", lambda *of: launched.append(("backward", *of[1:])) or backward(*of)
    )
    return launched


@pytest.mark.gpu
@ALL_LAYERS
@pytest.mark.parametrize("H", SIZES)
def test_gradients(kind: str, H: int, Engine: type[Any], forms: list[Any]) -> None:
    """The last block has few events; where there are few states, these are two blocks under the simulator."""
    layout = f"{recurrent(kind, H, 2, 2, sequence=int(SIZES[0] == H))},RESHAPE|FLAT,LINEAR"
    events = (9 if H < 8 else 2) if simulated() else 1001
    assert_same(Net(layout, (2, 1, 2), events), Engine, tolerance=BOUND)
    assert {way for way, *_ in forms} == {"forward", "backward"}
    assert all(shares for *_, shares in forms)


@pytest.mark.gpu
@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_many_events_beyond_shared_memory(
    kind: str, Engine: type[Any], forms: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from pytmva_rnn.kernels.cuda.machine import tensor_steps

    monkeypatch.setattr(tensor_steps, "beyond_shared", lambda rows: True)
    monkeypatch.setattr(tensor_steps, "multiprocessors", lambda: 2)
    net = Net(f"{recurrent(kind, SIZES[0], 2, 2)},RESHAPE|FLAT,LINEAR", (2, 1, 2), 9 if simulated() else 1001)
    assert_same(net, Engine, tolerance=BOUND)
    assert {each[1:] for each in forms} == {(2 if simulated() else 4, False)}


@pytest.mark.gpu
@ALL_LAYERS
def test_states_that_are_remembered(kind: str, Engine: type[Any], forms: list[Any]) -> None:
    """A batch starts where the one before it ended; rows that were not in it start at zero."""
    net = Net(f"{recurrent(kind, SIZES[0], 2, 1, remember=1)},RESHAPE|FLAT,LINEAR", (1, 1, 2), 4)
    mine, reference = net.engine(Engine), net.engine(Reference)
    for rows in (3, 4, 2):
        part = net.X[:rows], net.y[:rows], net.w[:rows]
        loss, gradients, _ = mine.gradients(*part)
        expected_loss, expected, _ = reference.gradients(*part)
        assert loss == pytest.approx(expected_loss, rel=3e-6)
        for each, theirs in zip(gradients, expected, strict=True):
            for name, value in theirs.items():
                np.testing.assert_allclose(each[name], value, atol=BOUND)
    launched = len(forms)
    # from event to event, one step after another
    np.testing.assert_allclose(mine.outputs(net.X), reference.outputs(net.X), atol=BOUND)
    assert len(forms) > launched >= 6


@pytest.mark.gpu
def test_events_do_not_depend_on_others(Engine: type[Any], forms: list[Any]) -> None:
    """Whatever an event comes with, and a NaN stays with its own."""
    net = Net(f"GRU|{SIZES[0]}|2|2|0|0|1,LINEAR", (2, 1, 2), 9 if simulated() else 1000)
    engine = net.engine(Engine)
    together = engine.outputs(net.X)
    np.testing.assert_array_equal(engine.outputs(net.X[:3]), together[:3])
    net.X[3, 0, 1] = np.nan
    spoilt = engine.outputs(net.X)
    assert forms
    assert np.isnan(spoilt[3, 0])
    np.testing.assert_array_equal(np.delete(spoilt, 3), np.delete(together, 3))


@pytest.mark.gpu
def test_without_the_switch_they_are_not_there(
    Engine: type[Any], forms: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    net = Net(f"LSTM|{SIZES[0]}|2|2|0|0,LINEAR", (2, 1, 2), 3)
    on = net.engine(Engine).gradients(*net.batch)[1]
    launched = len(forms)
    monkeypatch.setenv("PYTMVA_RNN_CUDA_TF32", "0")
    off = net.engine(Engine).gradients(*net.batch)[1]
    assert len(forms) == launched == 2
    largest = max(np.abs(value).max() for each in off for value in each.values())
    for mine, theirs in zip(on, off, strict=True):
        for name, value in theirs.items():
            np.testing.assert_allclose(mine[name], value, rtol=0, atol=BOUND * largest, err_msg=name)


@pytest.mark.gpu
@pytest.mark.skipif(not simulated(), reason="on a GPU the products' tests have it")
@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_a_tile_of_slabs() -> None:
    """The products of two slabs, by two warps, to the last bits of float32, and infinity."""
    from pytmva_rnn.kernels.cuda.machine import tensor_cores
    from pytmva_rnn.kernels.cuda.machine.device import float32, kernel

    @kernel
    def product(slabs, tile):
        shared = cuda.shared.array((64 * 64,), float32)
        sums = cuda.local.array((8, 8), float32)
        a, a_rest = cuda.local.array(8, float32), cuda.local.array(8, float32)
        for k in range(cuda.threadIdx.x, slabs.size, cuda.blockDim.x):
            shared[k] = slabs[k]
        for j in range(8):
            for k in range(8):
                sums[j, k] = np.float32(0)
        cuda.syncthreads()
        tensor_cores.multiply(shared, 0, 8 * 64, 64, sums, a, a_rest)
        cuda.syncthreads()
        tensor_cores.spread(shared, 64, sums)
        for k in range(cuda.threadIdx.x, tile.size, cuda.blockDim.x):
            tile[k] = shared[k]

    left, right = np.random.default_rng(1).normal(size=(2, 8, 64)).astype(np.float32)
    left[5, 7] = np.inf
    tile = np.zeros(64 * 64, np.float32)
    product[1, 64](np.concatenate([left, right]).reshape(-1), tile)
    found = tile.reshape(64, 64)
    expected = left.T.astype(np.float64) @ right
    assert np.isnan(found[7]).all()
    # sums of about 10; of one product of TF32 for each they would differ by 5e-3
    np.testing.assert_allclose(np.delete(found, 7, 0), np.delete(expected, 7, 0), rtol=0, atol=5e-6)


@pytest.mark.skipif(importlib.util.find_spec("numba_cuda") is None, reason="numba-cuda is not installed")
@pytest.mark.skipif(simulated(), reason="the simulator has other sizes")
@pytest.mark.parametrize("kilobytes", [99, 163, 227])
def test_any_size_gets_blocks(kilobytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What GPUs of compute capabilities 8.6, 8.0 and 9.0 grant a block."""
    from pytmva_rnn.kernels.cuda.layers.gru import AFTER, BEFORE
    from pytmva_rnn.kernels.cuda.layers.lstm import LSTMPart
    from pytmva_rnn.kernels.cuda.layers.rnn import RNNPart
    from pytmva_rnn.kernels.cuda.machine import tensor_steps

    monkeypatch.setattr(tensor_steps, "multiprocessors", lambda: 100)
    monkeypatch.setattr(tensor_steps, "shared_bytes", lambda: kilobytes * 1024)
    for cell in (AFTER, BEFORE, LSTMPart.cell, RNNPart.cell):
        for H in (56, 128, 129, 256, 300, 511, 1024, 4096, 100_000):
            for rows in (tensor_steps.forward_rows(cell, H), tensor_steps.backward_rows(cell, H)):
                # halves of tiles belong together, also those of a gate alone
                assert rows.gates * rows.spans % 2 == 0
                assert cell.reset is None or rows.spans % 2 == 0
                # events begin where four floats come at once, in other banks
                assert rows.exchange % 32 == 4
                assert tensor_steps.filled(H) >= H
                for events in (1, 8, 100, 1000, 65536):
                    (wide, shares), grid, shared = tensor_steps.tensor_blocks(events, rows)
                    assert shared <= kilobytes * 1024
                    assert wide in (1, 2, 4)
                    assert events <= grid * 8 * wide < events + 8 * wide
                    assert shares != tensor_steps.beyond_shared(rows)
        # 256 states need no memory beyond
        assert not tensor_steps.beyond_shared(tensor_steps.backward_rows(cell, 256))

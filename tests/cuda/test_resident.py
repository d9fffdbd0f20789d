"""The steps with the recurrent weights at hand, which up to 128 states get, against the reference kernels."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import pytest

from pytmva_rnn.kernels.reference.engine import Engine as Reference
from pytmva_rnn.network.devices import simulated
from tests.test_kernels_cpu import RECURRENT, Net, assert_same, recurrent

ALL_LAYERS = pytest.mark.parametrize("kind", RECURRENT)
SIZES = [2, 5] if simulated() else [10, 32, 33, 64, 100, 128]
MANY = 9 if simulated() else 1000


@pytest.fixture(name="Engine")
def engine_class() -> type[Any]:
    from pytmva_rnn.kernels.cuda.engine import Engine

    return Engine


@pytest.fixture
def shapes(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Those whose kernels were launched."""
    from pytmva_rnn.kernels.cuda.machine import resident_backward, resident_forward

    launched: list[Any] = []
    for module, name in ((resident_forward, "forward_kernel"), (resident_backward, "backward_kernel")):
        whole = getattr(module, name)
        monkeypatch.setattr(module, name, lambda shape, whole=whole: launched.append(shape) or whole(shape))
    return launched


@pytest.mark.gpu
@ALL_LAYERS
@pytest.mark.parametrize("H", SIZES)
def test_few_events_and_many(kind: str, H: int, Engine: type[Any], shapes: list[Any]) -> None:
    from pytmva_rnn.kernels.cuda.machine import resident

    layout = f"{recurrent(kind, H, 2, 3, sequence=1)},RESHAPE|FLAT,LINEAR"
    few, many = Net(layout, (3, 1, 2), 3), Net(layout, (3, 1, 2), MANY)
    assert_same(few, Engine)
    assert_same(many, Engine, tolerance=1e-5)
    assert {shape.each for shape in shapes} == ({4, 8} if H > resident.ALONE else {4})
    # whatever an event comes with; those that come alone may have other kernels
    engine = few.engine(Engine)
    together = engine.outputs(many.X)
    for count in (1, 3):
        np.testing.assert_array_equal(engine.outputs(many.X[:count]), together[:count])


@pytest.mark.gpu
@ALL_LAYERS
def test_states_that_are_remembered(kind: str, Engine: type[Any], shapes: list[Any]) -> None:
    """A batch starts where the one before it ended; rows that were not in it start at zero."""
    net = Net(f"{recurrent(kind, SIZES[-1], 2, 2, remember=1)},RESHAPE|FLAT,LINEAR", (2, 1, 2), 6)
    mine, reference = net.engine(Engine), net.engine(Reference)
    for rows in (4, 6, 3):
        part = net.X[:rows], net.y[:rows], net.w[:rows]
        loss, gradients, _ = mine.gradients(*part)
        expected_loss, expected, _ = reference.gradients(*part)
        assert loss == pytest.approx(expected_loss, rel=2e-6)
        for each, theirs in zip(gradients, expected, strict=True):
            for name, value in theirs.items():
                np.testing.assert_allclose(each[name], value, atol=2e-6)
    assert len(shapes) == 6
    # from event to event, one step after another
    np.testing.assert_allclose(mine.outputs(net.X), reference.outputs(net.X), atol=2e-6)
    assert len(shapes) == 6


@pytest.mark.gpu
def test_a_card_with_less_shared_memory(Engine: type[Any], shapes: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the other kernels do it, and nothing but the order of sums is different."""
    from pytmva_rnn.kernels.cuda.machine import recurrent as module

    net = Net(f"LSTM|{SIZES[-1]}|2|3|0|0,LINEAR", (3, 1, 2), 5)
    monkeypatch.setattr(module, "shared_bytes", lambda: 100)
    assert_same(net, Engine)
    assert not shapes


@pytest.mark.gpu
def test_a_nan_stays_with_its_event(Engine: type[Any], shapes: list[Any]) -> None:
    net = Net(f"GRU|{SIZES[-1]}|2|2|0|0,LINEAR", (2, 1, 2), MANY)
    together = net.engine(Engine).outputs(net.X)
    net.X[3, 0, 1] = np.nan
    spoilt = net.engine(Engine).outputs(net.X)
    assert shapes
    assert np.isnan(spoilt[3, 0])
    np.testing.assert_array_equal(np.delete(spoilt, 3), np.delete(together, 3))


@pytest.mark.skipif(importlib.util.find_spec("numba_cuda") is None, reason="numba-cuda is not installed")
@pytest.mark.skipif(simulated(), reason="the simulator has other sizes")
def test_all_sizes_fit_into_a_large_card(monkeypatch: pytest.MonkeyPatch) -> None:
    """An H100 grants a block 227 KB of shared memory, and every thread 255 registers."""
    from pytmva_rnn.kernels.cuda.layers.gru import AFTER, BEFORE
    from pytmva_rnn.kernels.cuda.layers.lstm import LSTMPart
    from pytmva_rnn.kernels.cuda.layers.rnn import RNNPart
    from pytmva_rnn.kernels.cuda.machine import registers, resident

    # of an H100
    monkeypatch.setattr(resident, "multiprocessors", lambda: 132)
    for cell in (AFTER, BEFORE, LSTMPart.cell, RNNPart.cell):
        for size in range(1, resident.LARGEST + 1):
            for each in (4, 8):
                for events in (200, 100_000):
                    shape = resident.Shape(cell, size, each)
                    shared = max(shape.forward_bytes(events), shape.backward_bytes(events))
                    # 48 KB, which every GPU grants, suffice for fewer units
                    assert shared <= (227 if size > 64 else 48) * 1024
                    units, rows = shape.threads(events)
                    assert units * rows <= 256
                    assert shape.blocks(events) * rows // shape.slices * each >= events
                    # all states are somebody's, and none is left over from a loop of several
                    assert shape.half * shape.slices >= size
                    assert shape.eighth * shape.parts >= size
                    assert (shape.half - shape.forward_near) % registers.GROUP == 0
                    assert (shape.eighth - shape.backward_near) % registers.GROUP == 0
                    assert cell.count * shape.forward_near <= resident.REGISTERS
                    assert cell.count * shape.outputs * shape.backward_near <= resident.REGISTERS

"""What the engine launches has the types that are compiled without a GPU; so typing errors show there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numba import typeof

from pytmva_rnn.network.devices import simulated
from pytmva_rnn.options import TrainingPhase
from tests.test_kernels_cpu import OPTIMIZERS, Net

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not simulated(), reason="listens to the simulator")]


def test_launched_as_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray
    from numba.cuda.simulator.kernel import FakeCUDAKernel

    from pytmva_rnn.kernels.cuda.engine import Engine
    from pytmva_rnn.kernels.cuda.machine import recurrent
    from tests.cuda.signatures import BACKWARD, FORWARD, KERNELS, RESIDENT_BACKWARD, RESIDENT_FORWARD

    known = {kernel.fn.__code__: signature for kernel, signature in KERNELS.values()}
    steps = {("steps", "forward"): FORWARD, ("steps", "backward"): BACKWARD}
    steps |= {("resident_forward", "forward"): RESIDENT_FORWARD, ("resident_backward", "backward"): RESIDENT_BACKWARD}
    steps |= {("tensor_forward", "forward"): FORWARD, ("tensor_backward", "backward"): BACKWARD}
    launched = set()
    whole = FakeCUDAKernel.__call__

    def checked(self: Any, *arguments: Any) -> Any:
        if not self._device:
            kind = self.fn.__module__.rpartition(".")[2], self.fn.__name__
            signature = known.get(self.fn.__code__) or steps[kind]
            given = tuple(typeof(a._ary if isinstance(a, FakeCUDAArray) else a) for a in arguments)
            assert given == signature, self.fn
            launched.add(self.fn.__code__ if self.fn.__code__ in known else kind)
        return whole(self, *arguments)

    monkeypatch.setattr(FakeCUDAKernel, "__call__", checked)
    layouts = [
        "LSTM|2|2|2|1|1,GRU|2|2|2|0|1,RNN|2|2|2|0|0,BNORM,DENSE|2|RELU,LINEAR",
        "LSTM|5|2|2|0|0,LINEAR",
        "RESHAPE|FLAT,DENSE|4|TANH,RESHAPE|2|1|2,GRU|2|2|2|1|1|1,RESHAPE|FLAT,DENSE|1|SIGMOID",
    ]
    for layout in layouts:
        net = Net(layout, (2, 1, 2), 3)
        for number, optimizer in enumerate(OPTIMIZERS):
            phase = TrainingPhase(optimizer=optimizer, drop_config=(0.3,) * 5)
            penalty: Any = {"regularization": str(number % 3), "weight_decay": 1e-3}
            engine = net.engine(Engine, settings=phase, clip_norm=0.1, **penalty)
            engine.epoch(*net.batch, np.array([[0, 2], [1, 0]]), np.array([1, 2]), lambda: None)
            engine.loss(*net.batch)
        engine.outputs(net.X)
        engine.gradients(*net.batch)
        monkeypatch.setattr(recurrent, "shared_bytes", lambda: 0)
        monkeypatch.setattr(recurrent, "SHARED_FLOATS", 16)
    monkeypatch.setenv("PYTMVA_RNN_CUDA_TF32", "1")
    net = Net("LSTM|2|2|1|0|0,LINEAR", (1, 1, 2), 3)
    net.engine(Engine).gradients(*net.batch)
    assert len(launched) == len(known) + len(steps)

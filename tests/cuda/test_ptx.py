"""The kernels compiled for real GPUs, which needs no GPU: numba-cuda's compiler and NVIDIA's NVVM."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from typing import Any

import pytest

PROGRAM = """
import json, sys, types
from numba import boolean as flag, cuda, float32 as f, float64 as d, int64 as n, uint8
from numba.cuda import dispatcher
from pytmva_rnn.kernels.cuda import (
    batchnorm, dense, dropout, gather, gru, losses, lstm, optimizers, products, rnn,
)

capability = tuple(json.loads(sys.argv[1]))
# functions that kernels call are compiled for the device at hand, and there is none
dispatcher.get_current_device = lambda: types.SimpleNamespace(compute_capability=capability)
v, m, dv, order = f[::1], f[:, ::1], d[::1], n[:, ::1]
kernels = {
    "product": (products._forward, (m, m, v, m, m, n, n)),
    "input gradient": (products._input_gradient, (m, m, m, n)),
    "weight gradient": (products._weight_gradient, (m, n, n, m, m, n, n, n, n)),
    "transpose": (products._transpose, (m, v)),
    "RNN forward": (rnn.forward, (m, v, m, m, m, n, n, n, n, flag, flag, flag, flag)),
    "RNN backward": (rnn.backward, (m, v, m, n, n, n, flag, flag)),
    "LSTM forward": (lstm.forward, (m, v, m, m, m, m, m, n, n, n, n, flag, flag, flag, flag)),
    "LSTM backward": (lstm.backward, (m, v, m, m, n, n, n, flag, flag)),
    "GRU forward": (gru.forward, (m, v, m, m, m, m, n, n, n, n, flag, flag, flag, flag, flag)),
    "GRU backward": (gru.backward, (m, v, m, m, m, n, n, n, flag, flag, flag)),
    "dense backward": (dense.backward, (n, m, m, m, n)),
    "dropout": (dropout.scale, (v, v, n, n, n, f)),
    "batch normalisation forward": (batchnorm.forward, (m, m, m, dv, v, v, dv, dv, n, d, d)),
    "batch normalisation inference": (batchnorm.infer, (m, m, v, v, dv, dv, n, d)),
    "batch normalisation backward": (batchnorm.backward, (m, m, m, dv, v, m, n, n, n)),
    "loss terms": (losses._terms, (n, m, m, v, m, dv, n, n, flag)),
    "loss sum": (losses._add, (dv, n, dv)),
    "gradient sums": (optimizers._sum, (m, v, uint8[::1], v, n, n, f)),
    "update": (optimizers._update, (n, m, v, uint8[::1], m, n, n, f, f, f, f, f)),
    "gather": (gather._gather, (m, m, v, order, n, m, m, v, n)),
}
texts = {}
for name, (kernel, signature) in kernels.items():
    texts[name], _ = cuda.compile_ptx(kernel.py_func, signature, cc=capability)
print(json.dumps(texts))
"""

FLOAT32_ONLY = ["product", "input gradient", "weight gradient", "RNN", "LSTM", "GRU", "dense", "dropout", "update"]


@pytest.mark.parametrize("capability", [(8, 0), (9, 0)], ids=["sm_80", "sm_90"])
def test_kernels_compile_to_ptx(capability: tuple[int, int]) -> None:
    if importlib.util.find_spec("numba_cuda") is None:
        pytest.skip("numba-cuda is not installed; the extra `cuda` brings it")
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_ENABLE_CUDASIM"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(capability)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    texts: dict[str, Any] = json.loads(done.stdout)
    assert len(texts) == 20
    for name, text in texts.items():
        assert f".target sm_{capability[0]}{capability[1]}" in text, name
        # sums that a thread keeps in registers must not end up in local memory
        assert ".local" not in text, name
        if name.startswith(tuple(FLOAT32_ONLY)):
            assert ".f64" not in text, name

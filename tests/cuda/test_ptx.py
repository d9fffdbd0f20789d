"""The kernels compiled for real GPUs, which needs no GPU: numba-cuda's compiler, NVIDIA's NVVM and assembler."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

PROGRAM = """
import json, sys, types
from numba import boolean as flag, cuda, float32 as f, float64 as d, int64 as n, uint8
from numba.cuda import dispatcher
from pytmva_rnn.bench import gpu_peaks
from pytmva_rnn.kernels.cuda import (
    batchnorm, dense, dropout, gather, gru, losses, lstm, optimizers, products, rnn, steps
)

capability = tuple(json.loads(sys.argv[1]))
# functions that kernels call are compiled for the device at hand, and there is none
dispatcher.get_current_device = lambda: types.SimpleNamespace(compute_capability=capability)
v, m, dv, whole = f[::1], f[:, ::1], d[::1], n[::1]
kernels = {
    "product": (products._forward, (m, m, v, m, m, n, n)),
    "input gradient": (products._input_gradient, (m, m, m, n, n, m, m)),
    "weight gradient": (products._weight_gradient, (m, n, n, m, n, n, n, m, n, n, m, n, n)),
    "transpose": (products._transpose, (m, v)),
    "dense backward": (dense.backward, (n, m, m, m, n)),
    "dropout": (dropout.scale, (v, v, n, whole, whole, n, n, f)),
    "batch normalisation forward": (batchnorm.forward, (m, m, m, dv, v, v, dv, dv, n, whole, d, d)),
    "batch normalisation inference": (batchnorm.infer, (m, m, v, v, dv, dv, n, d)),
    "batch normalisation backward": (batchnorm.backward, (m, m, m, dv, v, m, n, n, n)),
    "loss": (losses._loss, (n, m, m, v, m, dv, n, n, flag)),
    "gradient sums": (optimizers._sum, (m, v, uint8[::1], v, n, n, f)),
    "update": (optimizers._update, (n, m, v, uint8[::1], m, n, n, f, v, whole, f, f, f)),
    "multiply-adds": (gpu_peaks.multiply_adds, (v, f, n)),
    "gather": (gather._gather, (m, m, v, n[:, ::1], whole, m, m, v, n)),
}
cells = {"RNN": rnn.RNN.cell, "LSTM": lstm.LSTM.cell, "GRU before": gru.BEFORE, "GRU after": gru.AFTER}
forms = [(1, True, True), (4, True, True), (1, False, True), (4, False, True), (4, False, False)]
for name, cell in cells.items():
    for constants in forms:
        form = "each {}, weights shared {:d}, states shared {:d}".format(*constants)
        forward, backward = steps.forward_kernel(cell, *constants), steps.backward_kernel(cell, *constants)
        kernels[f"{name} forward {form}"] = forward, (m, v, m, m, m, m, m, v, n, n, n, n, flag, flag, flag)
        kernels[f"{name} backward {form}"] = backward, (m, v, m, m, m, v, n, n, n, flag)
texts = {}
for name, (kernel, signature) in kernels.items():
    texts[name], _ = cuda.compile_ptx(kernel.py_func, signature, cc=capability)
print(json.dumps(texts))
"""

FLOAT64 = ("batch normalisation", "loss")
"""The kernels that sum over events in float64."""

THREADS = 256
"""Of the largest block."""


@pytest.fixture(scope="module", params=[(8, 0), (9, 0)], ids=["sm_80", "sm_90"])
def compiled(request: pytest.FixtureRequest) -> tuple[str, dict[str, str]]:
    """The architecture, and the kernels' PTX by name."""
    if importlib.util.find_spec("numba_cuda") is None:
        pytest.skip("numba-cuda is not installed; the extra `cuda` brings it")
    capability = request.param
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_ENABLE_CUDASIM"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(capability)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return f"sm_{capability[0]}{capability[1]}", json.loads(done.stdout)


@pytest.mark.slow
def test_kernels_compile_to_ptx(compiled: tuple[str, dict[str, str]]) -> None:
    architecture, texts = compiled
    assert len(texts) == 54
    for name, text in texts.items():
        assert f".target {architecture}" in text, name
        # sums that a thread keeps in registers must not end up in local memory
        assert ".local" not in text, name
        if name == "multiply-adds":
            assert text.count("fma.rn.f32") >= 8
        if not name.startswith(FLOAT64):
            assert ".f64" not in text, name
        # the order of sums must not depend on which thread comes first
        assert not re.search(r"\b(atom|red)\.", text), name
        if "states shared" in name:
            # the compiler knows which memory each address is in
            assert ("ld.shared" in text) == ("states shared 1" in name), name
            assert not re.search(r"\b(ld|st)\.f32", text), name


@pytest.mark.slow
def test_the_inner_products_are_products(compiled: tuple[str, dict[str, str]]) -> None:
    """The loops over the states have few instructions beside their 16 products and 8 loads."""
    _, texts = compiled
    text = texts["LSTM forward each 4, weights shared 0, states shared 1"]
    bodies = re.findall(r"^(\$L__BB\w+):\n((?:(?!^\$).)*?bra \t?\1;)", text, re.MULTILINE | re.DOTALL)
    lengths = [body.count("\n") for _, body in bodies if body.count("fma.rn.f32") == 16]
    assert lengths
    assert max(lengths) < 50


@pytest.mark.slow
def test_blocks_can_be_launched(compiled: tuple[str, dict[str, str]], tmp_path: Path) -> None:
    """The machine code keeps everything in registers, few enough for the largest block, and little shared memory."""
    architecture, texts = compiled
    found = [*Path(sysconfig.get_path("purelib")).glob("nvidia/*/bin/ptxas"), shutil.which("ptxas")]
    if not found[0]:
        pytest.skip("NVIDIA's assembler ptxas is not installed; nvidia-cuda-nvcc has it")
    for name, text in texts.items():
        source = tmp_path / "kernel.ptx"
        source.write_text(text)
        command = [str(found[0]), "-v", f"-arch={architecture}", str(source), "-o", str(tmp_path / "kernel.cubin")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{name}: {done.stderr}"
        assert "0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads" in done.stderr, name
        registers = re.search(r"Used (\d+) registers", done.stderr)
        assert registers is not None, done.stderr
        # a multiprocessor has 65536, given out eight by eight to each thread
        assert -(-int(registers[1]) // 8) * 8 * THREADS <= 65536, name
        shared = re.search(r"(\d+) bytes smem", done.stderr)
        assert shared is None or int(shared[1]) <= 48 * 1024, name

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
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ARCHITECTURES = ("80", "90")

PROGRAM = """
import gc, json, sys, types
from numba import cuda
from numba.cuda import dispatcher
from numba.cuda.cudadrv import nvvm
from tests.cuda.signatures import all_kernels

part, parts, *architectures = sys.argv[1:]
# all that Numba makes stays: looking for garbage is in vain
gc.disable()
# functions that kernels call are compiled for the device at hand, and there is none
dispatcher.get_current_device = lambda: types.SimpleNamespace(compute_capability=(8, 0))
# what Numba hands to NVIDIA's compiler is the same for all architectures, and takes longer
texts = {architecture: {} for architecture in architectures}
compile_ir = nvvm.compile_ir


def compile_for_all(ir, **options):
    for architecture, text in texts.items():
        made = compile_ir(ir, **{**options, "arch": f"compute_{architecture}"})
        text[name] = made.decode().strip("\\0")
    return made


nvvm.compile_ir = compile_for_all
for name, (kernel, signature) in list(all_kernels().items())[int(part) :: int(parts)]:
    cuda.compile_ptx(kernel.py_func, signature, cc=(8, 0))
print(json.dumps(texts))
"""

PROCESSES = os.cpu_count() or 1

FLOAT64 = ("batch normalisation", "loss", "one kernel, training", "one kernel, loss")
"""The kernels that sum over events in float64."""

THREADS = 256
"""Of the largest block."""


def compile_part(part: int) -> dict[str, dict[str, str]]:
    """One of `PROCESSES` parts of the kernels, by architecture and name."""
    root = Path(__file__).parents[2]
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_ENABLE_CUDASIM"}
    environment["PYTHONPATH"] = os.pathsep.join(
        [str(root), str(root / "tools"), *filter(None, [environment.get("PYTHONPATH")])]
    )
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(part), str(PROCESSES), *ARCHITECTURES],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    texts: dict[str, dict[str, str]] = json.loads(done.stdout)
    return texts


@pytest.fixture(scope="module")
def all_compiled() -> dict[str, dict[str, str]]:
    """The kernels' PTX by architecture and name."""
    if importlib.util.find_spec("numba_cuda") is None:
        pytest.skip("numba-cuda is not installed; the extra `cuda` brings it")
    with ThreadPoolExecutor(PROCESSES) as pool:
        parts = list(pool.map(compile_part, range(PROCESSES)))
    return {name: {k: text for part in parts for k, text in part[name].items()} for name in ARCHITECTURES}


@pytest.fixture(params=ARCHITECTURES, ids="sm_{}".format)
def compiled(request: pytest.FixtureRequest, all_compiled: dict[str, dict[str, str]]) -> tuple[str, dict[str, str]]:
    """The architecture, and the kernels' PTX by name."""
    return f"sm_{request.param}", all_compiled[request.param]


@pytest.mark.slow
def test_kernels_compile_to_ptx(compiled: tuple[str, dict[str, str]]) -> None:
    architecture, texts = compiled
    from tests.cuda.signatures import all_kernels  # it wants numba-cuda

    assert texts.keys() == all_kernels().keys()
    for name, text in texts.items():
        assert f".target {architecture}" in text, name
        # sums that a thread keeps in registers must not end up in local memory
        assert ".local" not in text, name
        if name == "multiply-adds":
            assert text.count("fma.rn.f32") >= 32
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

    def assemble(number: int, text: str) -> subprocess.CompletedProcess[str]:
        source, target = tmp_path / f"{number}.ptx", tmp_path / f"{number}.cubin"
        source.write_text(text)
        command = [str(found[0]), "-v", f"-arch={architecture}", str(source), "-o", str(target)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    with ThreadPoolExecutor(PROCESSES) as pool:
        assembled = list(pool.map(assemble, range(len(texts)), texts.values()))
    for name, done in zip(texts, assembled, strict=True):
        assert done.returncode == 0, f"{name}: {done.stderr}"
        assert "0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads" in done.stderr, name
        registers = re.search(r"Used (\d+) registers", done.stderr)
        assert registers is not None, done.stderr
        # a multiprocessor has 65536, given out eight by eight to each thread
        assert -(-int(registers[1]) // 8) * 8 * THREADS <= 65536, name
        shared = re.search(r"(\d+) bytes smem", done.stderr)
        assert shared is None or int(shared[1]) <= 48 * 1024, name

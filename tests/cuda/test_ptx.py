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
    bounds = kernel.targetoptions.get("launch_bounds")
    cuda.compile_ptx(kernel.py_func, signature, cc=(8, 0), launch_bounds=bounds)
print(json.dumps(texts))
"""

PROCESSES = os.cpu_count() or 1

FLOAT64 = ("batch normalisation", "loss", "one kernel, training", "one kernel, loss", "gradient sums", "clip")
"""The kernels that sum over events, or squares of gradients, in float64."""

THREADS = 256
"""Of the largest block."""


Assembled = dict[str, tuple[Path, str]]


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


@pytest.fixture(scope="module", params=ARCHITECTURES, ids="sm_{}".format)
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
        if "on tensor cores" in name:
            assert "mma.sync.aligned.m16n8k8" in text, name
            assert not re.search(r"\b(ld|st)(\.v4)?\.f32", text), name


@pytest.mark.slow
def test_the_inner_products_are_products(compiled: tuple[str, dict[str, str]]) -> None:
    """The loops over four states have few instructions beside their 64 products and 32 loads."""
    _, texts = compiled
    text = texts["LSTM forward each 4, weights shared 0, states shared 1"]
    bodies = re.findall(r"^(\$L__BB\w+):\n((?:(?!^\$).)*?bra \t?\1;)", text, re.MULTILINE | re.DOTALL)
    lengths = [body.count("\n") for _, body in bodies if body.count("fma.rn.f32") == 64]
    assert lengths
    assert max(lengths) < 150


@pytest.fixture(scope="module")
def assembled(compiled: tuple[str, dict[str, str]], tmp_path_factory: pytest.TempPathFactory) -> Assembled:
    """The kernels' machine code, and what the assembler says of it."""
    architecture, texts = compiled
    command, folder = tool("ptxas", "nvidia-cuda-nvcc"), tmp_path_factory.mktemp(architecture)

    def assemble(number: int, text: str) -> tuple[Path, str]:
        source, target = folder / f"{number}.ptx", folder / f"{number}.cubin"
        source.write_text(text)
        done = run([command, "-v", f"-arch={architecture}", str(source), "-o", str(target)])
        return target, done.stderr

    with ThreadPoolExecutor(PROCESSES) as pool:
        return dict(zip(texts, pool.map(assemble, range(len(texts)), texts.values()), strict=True))


@pytest.mark.slow
def test_blocks_can_be_launched(assembled: Assembled) -> None:
    """The machine code keeps everything in registers, few enough for the largest block, and little shared memory."""
    for name, (_, said) in assembled.items():
        assert "0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads" in said, name
        registers = re.search(r"Used (\d+) registers", said)
        assert registers is not None, said
        # a multiprocessor has 65536, given out eight by eight to each thread
        assert -(-int(registers[1]) // 8) * 8 * THREADS <= 65536, name
        shared = re.search(r"(\d+) bytes smem", said)
        assert shared is None or int(shared[1]) <= 48 * 1024, name


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["product", "input gradient", "weight gradient"])
def test_instructions_of_a_slab(kind: str, assembled: Assembled) -> None:
    """Of 512 products a thread and slab of a matrix product, and of 48 on tensor cores."""
    (slab,) = [loop for loop in loops(assembled[f"{kind} wide"]) if among(loop, "BAR")]
    (two_rows,) = [loop for loop in loops(assembled[f"{kind} wide"]) if among(loop, "FFMA") == 128 and loop != slab]
    # four floats at once, and hardly anything but products
    assert among(two_rows, "LDS") == among(two_rows, r"LDS\.128") == 8
    assert len(two_rows) <= 170
    assert len(slab) - len(two_rows) <= 330
    (on_tensor_cores,) = [loop for loop in loops(assembled[f"{kind} TF32"]) if among(loop, "BAR")]
    assert among(on_tensor_cores, "HMMA") == 48
    assert len(on_tensor_cores) <= 560
    for loop in slab, on_tensor_cores:
        # all loads of the next slab are under way before the first of them is waited for
        loads = [place for place, each in enumerate(loop) if "LDG" in each]
        stores = [place for place, each in enumerate(loop) if "STS" in each]
        assert loads
        assert stores
        assert max(loads) < min(stores)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["forward", "backward"])
@pytest.mark.parametrize("kind", ["LSTM", "GRU before", "GRU after"])
def test_instructions_of_a_step_on_tensor_cores(kind: str, way: str, assembled: Assembled) -> None:
    """The weights come four at once, and the next ones are under way while tensor cores multiply."""
    found = loops(assembled[f"{kind} {way} on tensor cores"])
    assert any(among(loop, "BAR") and among(loop, "HMMA") for loop in found)
    inner = [loop for loop in found if among(loop, "HMMA") and not among(loop, "BAR")]
    # eights of rows that a warp has: of all gates, or of r and z, and then of the last one alone
    rows = {"GRU before": [2, 4], "GRU after": [6]}.get(kind, [4]) if way == "forward" else [4]
    assert sorted({among(loop, "HMMA") for loop in inner}) == [12 * count for count in rows]
    for loop in inner:
        loads = [place for place, each in enumerate(loop) if "LDG" in each]
        products = [place for place, each in enumerate(loop) if "HMMA" in each]
        assert len(loads) == among(loop, r"LDG\.E\.128") == len(products) // 12
        assert among(loop, "LDS") == among(loop, r"LDS\.128") == 4
        assert max(loads) < min(products)
        assert len(loop) <= 8 * len(products) + 60


@pytest.mark.slow
def test_weights_at_hand_are_in_registers(assembled: Assembled) -> None:
    """In a step of 128 states: 32 of a thread's 64 with all four gates, for 8 events; the others come from a loop."""
    for way in "forward", "backward":
        found = loops(assembled[f"LSTM 128 {way} resident"])
        step = max(found, key=len)
        assert among(step, "BAR") >= 2
        assert among(step, "FFMA") >= 32 * 4 * 8
        far = [loop for loop in found if among(loop, "FFMA") == 128 and not among(loop, "BAR")]
        assert min(map(len, far)) <= 180


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    """What a command says, which must not fail."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done


def tool(name: str, package: str) -> str:
    """Where one of NVIDIA's tools is; a test that needs it skips without."""
    found = [*Path(sysconfig.get_path("purelib")).glob(f"nvidia/*/bin/{name}"), shutil.which(name)]
    if not found[0]:
        pytest.skip(f"NVIDIA's {name} is not installed; {package} has it")
    return str(found[0])


def loops(kernel: tuple[Path, str]) -> list[list[str]]:
    """The instructions of each loop of a kernel, from where it branches back to."""
    listing = run([tool("nvdisasm", "nvidia-cuda-nvdisasm"), "-c", str(kernel[0])]).stdout
    labels: dict[str, int] = {}
    code: list[str] = []
    found = []
    for line in listing.splitlines():
        if label := re.match(r"\s*(\.L_x_\d+):", line):
            labels[label[1]] = len(code)
        if instruction := re.search(r"/\*[0-9a-f]{4,}\*/\s+(.*?);", line):
            code.append(instruction[1])
            back = re.search(r"BRA.*(\.L_x_\d+)", code[-1])
            # the last instruction of all is a branch to itself
            if back and labels.get(back[1], len(code)) < len(code) - 1:
                found.append(code[labels[back[1]] :])
    return found


def among(loop: list[str], pattern: str) -> int:
    """How many of a loop's instructions are of a kind."""
    return sum(bool(re.search(rf"\b{pattern}\b", each)) for each in loop)

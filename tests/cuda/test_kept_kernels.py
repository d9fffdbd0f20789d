"""Compiled kernels are kept on disk, those that are made in a function too; without a GPU, whose driver is a stub."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pytmva_rnn.cli import main
from pytmva_rnn.network.devices import simulated

PROGRAM = """
import json
from bench import launching, stub_driver

calls = stub_driver.install()
from numba.cuda.cudadrv import nvvm

compiled = []
compile_ir = nvvm.compile_ir
nvvm.compile_ir = lambda *given, **options: compiled.append(1) or compile_ir(*given, **options)
launching._STEPS, launching._ROUNDS = 20, 1
rows = launching.measure("1", "RNN", 4, calls)

from pytmva_rnn.kernels.cuda.layers.rnn import RNNPart
from pytmva_rnn.kernels.cuda.machine import steps
from pytmva_rnn.kernels.cuda.machine.kept_kernels import _made_of
from pytmva_rnn.network.devices import compiled_kernels
from pytmva_rnn.kernels.cuda.small.part import add_rows, in_turn
from pytmva_rnn.kernels.cuda.small.steps import clear

kernel = steps.forward_kernel(RNNPart.cell, 4, True, True).py_func
other = steps.forward_kernel(RNNPart.cell, 4, False, True).py_func
made_of = [_made_of(each) for each in (kernel, other, lambda: 0)]

# each is told by what it is made of, and not by its name alone
pairs = (add_rows, clear), (clear, add_rows), (clear, clear)
made_of += [_made_of(in_turn([clear, *each]).py_func) for each in pairs]
steps.MOST += 1
made_of.append(_made_of(kernel))
print(json.dumps([len(compiled), compiled_kernels(), made_of, {name: asked for name, _, asked in rows}]))
"""


def ran(folder: Path) -> Any:
    root = Path(__file__).parents[2]
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_ENABLE_CUDASIM"}
    environment["NUMBA_CACHE_DIR"] = str(folder)
    environment["PYTHONPATH"] = os.pathsep.join([str(root), str(root / "tools"), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=environment, check=False, cwd=root
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("numba_cuda") is None, reason="numba-cuda is not installed")
@pytest.mark.skipif(simulated(), reason="the simulator compiles nothing")
def test_the_next_process_compiles_nothing(tmp_path: Path) -> None:
    compiled, kept, made_of, asked = ran(tmp_path)
    assert compiled == sum(kept["9.0"].values()) > 1
    assert kept["9.0"]["steps"] == 2
    form, another_form, of_others, *several, with_another_constant = made_of
    assert of_others is None
    assert len({form, another_form, with_another_constant}) == 3
    assert len(set(several)) == 3
    assert ran(tmp_path)[:2] == [0, kept]
    # nothing else is asked of the driver between an epoch's begin and end
    begin_and_end = "0.05 device_to_device, 0.05 device_to_host, 0.2 host_to_device"
    assert asked["pytmva_rnn: a step of 20 in an epoch"] == f"1 cuGraphLaunch, {begin_and_end}"
    assert asked["pytmva_rnn: loss of a sample"] == "1 cuGraphLaunch, 1 device_to_host"


def test_the_command_shows_what_is_kept(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {"9.0": {"steps": 2, "losses": 1}, "8.0": {"gather": 1}}
    monkeypatch.setattr("pytmva_rnn.cli.inspect_command.compiled_kernels", lambda: kept)
    assert main(["inspect", "--devices"]) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "compiled for GPUs of compute capability 8.0, and kept: 1 of gather",
        "compiled for GPUs of compute capability 9.0, and kept: 1 of losses, 2 of steps",
    ]

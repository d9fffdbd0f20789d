"""What happens where there is no GPU, no driver or no numba-cuda."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from bench.command import main as bench

from pytmva_rnn import train
from pytmva_rnn.cli import main
from pytmva_rnn.errors import BackendError, MissingExtraError, TrainingError
from pytmva_rnn.kernels import engine_class
from pytmva_rnn.network import devices
from pytmva_rnn.network.devices import cuda_devices, cuda_problem, simulated
from pytmva_rnn.training import loop

needs_no_gpu = pytest.mark.skipif(simulated(), reason="the simulator is a GPU")


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    class Cuda:
        is_available = staticmethod(lambda: False)

    monkeypatch.setattr(devices.extras, "numba_cuda", lambda: None)
    monkeypatch.setattr(devices, "_cuda", lambda: Cuda)
    monkeypatch.setattr("pytmva_rnn.cli.inspect_command.compiled_kernels", dict)


@needs_no_gpu
def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numba_cuda", None)
    assert isinstance(cuda_problem(), MissingExtraError)
    with pytest.raises(MissingExtraError, match=r'pip install "[^"]+\[cuda\]"'):
        train(np.zeros((20, 2)), np.arange(20) % 2, "Layout=LINEAR:TrainingStrategy=BatchSize=1", backend="cuda")
    assert cuda_devices() == []


@needs_no_gpu
@pytest.mark.usefixtures("no_gpu")
def test_without_a_gpu() -> None:
    with pytest.raises(BackendError, match=r'no NVIDIA GPU, or no driver for it, was found .* use backend="cpu"'):
        devices.backend_engine("cuda")
    assert cuda_devices() == []


@needs_no_gpu
@pytest.mark.usefixtures("no_gpu")
def test_the_command_shows_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "--devices"]) == 0
    shown = capsys.readouterr().out
    assert "cpu" in shown
    assert "vectors of" in shown
    assert "no cuda: no NVIDIA GPU" in shown
    with pytest.raises(SystemExit, match="2"):
        main(["inspect"])


@needs_no_gpu
@pytest.mark.usefixtures("no_gpu")
def test_commands_say_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench(["--device", "cuda", "-o", str(tmp_path)]) == 1
    assert "no NVIDIA GPU" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_batch_that_does_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(engine_class("reference")):  # type: ignore[misc]
        def step(self, *arguments: object) -> float:
            raise MemoryError("the GPU has 1 MiB free; up to 7 would fit")

    monkeypatch.setattr(loop, "backend_engine", lambda backend, mask_padding: Full)
    options = "Layout=LINEAR:TrainingStrategy=BatchSize=2,MaxEpochs=1:ValidationSize=2"
    with pytest.raises(TrainingError, match="up to 7 would fit; a smaller BatchSize needs less"):
        train(np.random.default_rng(1).normal(size=(8, 2)), np.arange(8) % 2, options)


@pytest.mark.slow
def test_the_cpu_leaves_cuda_alone() -> None:
    code = (
        "import sys, pytmva_rnn.kernels.cpu.engine, pytmva_rnn.training; "
        "print([name for name in sys.modules if name.startswith('pytmva_rnn.kernels.cuda')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["[]"]

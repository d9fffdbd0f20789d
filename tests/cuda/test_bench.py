"""The benchmark on a GPU; under the simulator, which measures no times, all of them are a millisecond.

PyTorch's part then runs on the CPU: all but what only a GPU has, its events and graphs.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from bench import CASES
from bench.cases import Case, make_problem
from bench.contestants.pytorch_gpu import PyTorchOnDevice
from bench.gpu import GpuSettings, as_markdown, run_gpu_suite, write_gpu_report
from numba import cuda

from pytmva_rnn.errors import BenchmarkError, MissingExtraError
from pytmva_rnn.network.devices import simulated

TINY = Case("tiny", 3, 2, 2, 2, True, 0)


class Event:
    """A CUDA event."""

    def record(self) -> None:
        pass

    def synchronize(self) -> None:
        pass

    def elapsed_time(self, later: Event) -> float:
        return 1.0


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> None:
    if simulated():
        monkeypatch.setattr(cuda, "event", Event)


def settings(**changes: Any) -> GpuSettings:
    device = "cpu" if simulated() else "cuda"
    given = {"cases": (TINY,), "layers": ("GRU",), "batches": (2,), "rounds": 1, "calls": 1, "torch_device": device}
    return GpuSettings(**{**given, **changes})


def test_what_is_measured_if_not_told() -> None:
    plain = GpuSettings()
    assert [case.name for case in plain.cases] == ["1", "2", "3"] == list(CASES)
    assert (plain.batches[0], plain.batches[-1], plain.torch_device) == (100, 65536, "cuda")
    assert plain.whats == ("train", "infer")


@pytest.mark.gpu
@pytest.mark.usefixtures("events")
def test_rows_and_report(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    results = run_gpu_suite(settings(layers=("LSTM", "GRU", "RNN")))
    expected = [(layer, what) for layer in ("LSTM", "GRU", "RNN") for what in ("train", "infer")]
    assert [(row["layer"], row["what"]) for row in results["rows"]] == expected
    assert results["left_out"] == []
    for row in results["rows"]:
        graphs = {"PyTorch, CUDA graph"} | ({"pytmva_rnn, CUDA graph"} if row["what"] == "train" else set())
        assert row["seconds"].keys() == {"pytmva_rnn", "PyTorch"} | (set() if simulated() else graphs)
        assert row["floor_of"] in ("bytes", "operations")
        assert row["fraction"]["pytmva_rnn"] == pytest.approx(row["floor"] / row["seconds"]["pytmva_rnn"])
    written = write_gpu_report(results, tmp_path)
    assert json.loads(written[0].read_text())["rows"][0]["case"] == "tiny"
    text = written[1].read_text()
    assert re.search(r"^- 20\d\d-\d\d-\d\dT.*", text, re.MULTILINE)
    assert "simulated: the times mean nothing" in text if simulated() else "compute capability" in text
    assert re.search(r"pytmva_rnn \d.*numba \d.*torch \d", text)
    assert "multiply-adds make" in text


@pytest.mark.gpu
@pytest.mark.usefixtures("events")
def test_what_is_left_out_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*arguments: Any) -> None:
        raise MissingExtraError("no such package")

    monkeypatch.setattr(PyTorchOnDevice, "__init__", missing)
    results = run_gpu_suite(settings())
    assert results["left_out"] == ["PyTorch: no such package"]
    assert results["rows"][0]["seconds"].keys() >= {"pytmva_rnn"}
    monkeypatch.setattr("pytmva_rnn.kernels.cuda.machine.plan.free_memory", lambda: 100)
    results = run_gpu_suite(settings(whats=("train",)))
    assert results["rows"] == []
    assert results["left_out"][0] == "PyTorch: no such package"
    assert re.fullmatch(r"case tiny GRU train, batch 2: the GPU has .*; up to 0 would fit", results["left_out"][1])
    assert "- left out: case tiny GRU train, batch 2: the GPU has" in as_markdown(results)


@pytest.mark.gpu
@pytest.mark.usefixtures("events")
def test_other_computations_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    scores = PyTorchOnDevice.scores
    monkeypatch.setattr(PyTorchOnDevice, "scores", lambda self: scores(self) + 1e-3)
    with pytest.raises(BenchmarkError, match=r"case tiny GRU: scores differ by 0.001, more than 0.0001"):
        run_gpu_suite(settings())


@pytest.mark.gpu
@pytest.mark.usefixtures("events")
def test_a_graph_that_cannot_be_captured_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    make, timer = PyTorchOnDevice.__init__, PyTorchOnDevice.timer

    def refuse(self: PyTorchOnDevice, what: str, *, graph: bool = False) -> Any:
        if graph:
            raise RuntimeError("cuDNN said no")
        return timer(self, what)

    monkeypatch.setattr(PyTorchOnDevice, "__init__", lambda self, problem, device: make(self, problem, "cpu"))
    monkeypatch.setattr(PyTorchOnDevice, "timer", refuse)
    results = run_gpu_suite(settings(whats=("infer",), torch_device="cuda"))
    assert results["rows"][0]["seconds"].keys() == {"pytmva_rnn", "PyTorch"}
    assert results["left_out"] == ["PyTorch in case tiny GRU infer, batch 2: cuDNN said no"]


def test_pytorch_is_timed_call_by_call() -> None:
    torch = pytest.importorskip("torch")
    contestant = PyTorchOnDevice(make_problem(TINY, "LSTM"), "cpu")
    assert 0 < contestant.timer("train")(2) < 10
    assert 0 < contestant.timer("infer")(2) < 10
    assert contestant.versions()["torch"] == torch.__version__
    if not torch.cuda.is_available():
        with pytest.raises(MissingExtraError, match="built without CUDA, or finds no GPU"):
            PyTorchOnDevice(make_problem(TINY, "LSTM"))


def test_the_table() -> None:
    seconds = {"pytmva_rnn": 1e-4, "pytmva_rnn, CUDA graph": 5e-5, "PyTorch": 3e-4, "PyTorch, CUDA graph": 1e-4}
    common = {"case": "1", "layer": "LSTM", "batch": 100, "floor": 1e-6, "floor_of": "bytes"}
    rows = [
        {
            **common,
            "what": what,
            "seconds": times,
            "events_per_second": {name: 100 / value for name, value in times.items()},
            "fraction": {name: 1e-6 / value for name, value in times.items() if name.startswith("pytmva_rnn")},
        }
        for what, times in (("train", seconds), ("infer", {"pytmva_rnn": 1e-4, "PyTorch": 3e-4}))
    ]
    card = {"name": "A card", "capability": "9.0", "multiprocessors": 132, "memory": 80 << 30}
    machine = {"date": "2030-01-01T00:00:00+00:00", "system": "Linux", "python": "3.12", "packages": {"numba": "1"}}
    results = {
        "machine": machine,
        "version": "0",
        "packages": {"numba-cuda": "0.30", "torch": "3", "CUDA of torch": "13.0"},
        "cards": [card],
        "peaks": {"bandwidth": 3e12, "flops": 6e13},
        "left_out": ["case 3"],
        "rows": rows,
    }
    assert as_markdown(results).splitlines()[2:] == [
        "- 2030-01-01T00:00:00+00:00, A card (compute capability 9.0, 132 multiprocessors, 80 GiB), Linux",
        "- pytmva_rnn 0, Python 3.12, numba 1, numba-cuda 0.30, torch 3, CUDA of torch 13.0",
        "- medians of interleaved rounds, CUDA events around many calls; all in float32, TF32 switched off",
        "- train: a step of Adam; infer: pytmva_rnn's loss of events on the device, read back each time, beside "
        "PyTorch's scores, left there",
        "- measured on this card: a copy moves 3,000 GB/s, multiply-adds make 60.0 TFLOP/s; the floor is the longer of "
        "the times that events, weights and the optimizer's moments, and the operations, need at these rates",
        "- left out: case 3",
        "",
        "| call | batch | pytmva_rnn, events/s | pytmva_rnn, CUDA graph, events/s | PyTorch, events/s "
        "| PyTorch, CUDA graph, events/s | PyTorch / pytmva_rnn | PyTorch / pytmva_rnn, CUDA graph "
        "| PyTorch, CUDA graph / pytmva_rnn | PyTorch, CUDA graph / pytmva_rnn, CUDA graph | floor, µs | of "
        "| pytmva_rnn reaches | pytmva_rnn, CUDA graph reaches |",
        "| --- |" + " ---: |" * 13,
        "| 1 LSTM train | 100 | 1,000,000 | 2,000,000 | 333,333 | 1,000,000 | 3.00 | 6.00 | 1.00 | 2.00 | 1.0 | bytes "
        "| 1.0% | 2.0% |",
        "| 1 LSTM infer | 100 | 1,000,000 |  | 333,333 |  | 3.00 |  |  |  | 1.0 | bytes | 1.0% |  |",
    ]

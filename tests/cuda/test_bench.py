"""The benchmark on a GPU; under the simulator, which measures no times, all of them are a millisecond.

PyTorch's part then runs on the CPU: all but what only a GPU has, its events and graphs.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from bench import CASES, Results, Settings, run_suite, write_report
from bench.cases import Case, make_problem
from bench.command import _parser, _settings
from bench.contestants import GPU_CONTESTANTS, OursOnGpu, PyTorchOnGpu
from bench.contestants.ours_gpu import OursOnTensorCores
from bench.contestants.pytorch_gpu import PyTorchCompiled, PyTorchWithGraph
from bench.failures import BenchmarkError
from bench.measure import Timing
from bench.report import as_markdown
from bench.results import CaseResult
from bench.roofline import Peaks, Work
from numba import cuda

from pytmva_rnn.errors import MissingExtraError
from pytmva_rnn.network.devices import simulated

TINY = Case("tiny", 2, 2, 2, 2, True, 0)


class Event:
    """A CUDA event."""

    def record(self, stream: object = 0) -> None:
        pass

    def synchronize(self) -> None:
        pass

    def elapsed_time(self, later: Event) -> float:
        return 1.0


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> None:
    if simulated():
        monkeypatch.setattr(cuda, "event", Event)
        monkeypatch.setattr(PyTorchOnGpu, "device", "cpu")


def measured(**changes: Any) -> Results:
    # PyTorch compiles for half a minute
    quick = tuple(each for each in GPU_CONTESTANTS if each is not PyTorchCompiled)
    contestants = (OursOnGpu, PyTorchOnGpu) if simulated() else quick
    given = {"cases": (TINY,), "layers": ("GRU",), "calls": ("train", "infer"), "rounds": 1, "seconds": 0.0}
    *_, results = run_suite(Settings(**{**given, "contestants": contestants, "threads": (0,), **changes}))
    return results


def names(comparison: CaseResult) -> set[str]:
    return {timing.contestant for timing in comparison.timings}


def test_what_is_measured_if_not_told() -> None:
    plain = _settings(_parser().parse_args(["--device", "cuda"]))
    assert list(dict.fromkeys(case.name for case in plain.cases)) == ["1", "2", "3", "4"] == list(CASES)
    assert CASES["4"].state == 256
    assert [case.batch for case in plain.cases if case.name == "2"] == [100, 1024, 8192, 65536]
    assert plain.calls == ("train", "infer")
    assert plain.contestants == GPU_CONTESTANTS
    assert plain.on_gpu


@pytest.mark.gpu
@pytest.mark.usefixtures("events")
def test_rows_and_report(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    results = measured(layers=("LSTM", "GRU", "RNN"))
    expected = [(layer, what) for layer in ("LSTM", "GRU", "RNN") for what in ("train", "infer")]
    assert [(each.layer, each.what) for each in results.comparisons] == expected
    assert results.left_out == []
    for each in results.comparisons:
        assert names(each) == {kind.name for kind in results.settings.contestants}
    written = write_report(results, tmp_path)
    assert [file.name for file in written] == ["gpu.json", "gpu.md"]
    assert json.loads(written[0].read_text())["comparisons"][0]["case"] == "tiny"
    text = written[1].read_text()
    assert re.search(r"^- 20\d\d-\d\d-\d\dT.*", text, re.MULTILINE)
    assert "simulated: the times mean nothing" in text if simulated() else "compute capability" in text
    assert re.search(r"^- Python \d.*numba \d", text, re.MULTILINE)
    assert re.search(r"^- contestants: pytmva_rnn \d.*PyTorch \d", text, re.MULTILINE)
    assert "multiply-adds make" in text


@pytest.mark.gpu
@pytest.mark.usefixtures("events")
def test_tensor_cores_are_switched_on_for_one_contestant(monkeypatch: pytest.MonkeyPatch) -> None:
    from pytmva_rnn.kernels.cuda.machine import tensor_cores

    if not tensor_cores.able():
        with pytest.raises(MissingExtraError, match=r"compute capability 8\.0"):
            OursOnTensorCores.version()
        pytest.skip("the GPU has no tensor cores for TF32")
    asked: list[bool] = []
    whole = tensor_cores.wanted
    monkeypatch.setattr(tensor_cores, "wanted", lambda: asked.append(whole()) or asked[-1])
    # what the environment says is for neither
    monkeypatch.setenv("PYTMVA_RNN_CUDA_TF32", "1")
    results = measured(contestants=(OursOnGpu, OursOnTensorCores))
    assert names(results.comparisons[0]) == {"pytmva_rnn", "pytmva_rnn, 3xTF32"}
    assert asked == sorted(asked)
    assert set(asked) == {False, True}
    assert os.environ["PYTMVA_RNN_CUDA_TF32"] == "1"
    assert "TF32 switched off, but for pytmva_rnn, 3xTF32: three products of TF32 for one" in as_markdown(results)


@pytest.mark.gpu
@pytest.mark.usefixtures("events")
def test_what_is_left_out_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*arguments: Any) -> str:
        raise MissingExtraError("no such package")

    monkeypatch.setattr(PyTorchOnGpu, "version", missing)
    results = measured(contestants=(OursOnGpu, PyTorchOnGpu))
    assert results.left_out == ["PyTorch: no such package"]
    assert names(results.comparisons[0]) == {"pytmva_rnn"}
    monkeypatch.setattr("pytmva_rnn.kernels.cuda.machine.workspace.free_memory", lambda: 100)
    results = measured(contestants=(OursOnGpu,), calls=("train",))
    assert results.comparisons == []
    assert re.fullmatch(r"case tiny GRU, batch 2: the GPU has .*; up to 0 would fit", results.left_out[0])
    assert "- left out: case tiny GRU, batch 2: the GPU has" in as_markdown(results)


@pytest.mark.gpu
@pytest.mark.usefixtures("events")
def test_other_computations_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    scores = PyTorchOnGpu.scores
    monkeypatch.setattr(PyTorchOnGpu, "scores", lambda self: scores(self) + 1e-3)
    with pytest.raises(BenchmarkError, match=r"case tiny GRU: score of the batch differs by 0.001, more than 0.0001"):
        measured()


@pytest.mark.gpu
@pytest.mark.usefixtures("events")
def test_a_graph_that_cannot_be_captured_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")

    def refuse(self: PyTorchOnGpu, call: Any) -> Any:
        raise RuntimeError("cuDNN said no")

    monkeypatch.setattr(PyTorchWithGraph, "_captured", refuse)
    results = measured(calls=("infer",), contestants=(OursOnGpu, PyTorchOnGpu, PyTorchWithGraph))
    assert names(results.comparisons[0]) == {"pytmva_rnn", "PyTorch"}
    assert results.left_out == ["PyTorch, CUDA graph in case tiny GRU, batch 2: cuDNN said no"]


@pytest.mark.slow
def test_pytorch_is_timed_call_by_call(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        with pytest.raises(MissingExtraError, match="built without CUDA, or finds no GPU"):
            PyTorchOnGpu.version()
    monkeypatch.setattr(PyTorchOnGpu, "device", "cpu")
    contestant = PyTorchOnGpu(make_problem(TINY, "LSTM"))
    assert 0 < contestant.timer("train")(2) < 10
    assert 0 < contestant.timer("infer")(2) < 10
    assert contestant.version().startswith(torch.__version__)


def test_the_table() -> None:
    times = {"pytmva_rnn": 1e-4, "pytmva_rnn, no graph": 5e-5, "PyTorch": 3e-4, "PyTorch, CUDA graph": 1e-4}
    case = CASES["1"]
    comparisons = [
        CaseResult(
            case,
            "LSTM",
            what,
            [Timing(name, 0, (times[name],)) for name in chosen],
            Work(flops=60, bytes=3_000_000),
        )
        for what, chosen in (("train", list(times)), ("infer", ["pytmva_rnn", "PyTorch"]))
    ]
    machine = {"date": "2030-01-01T00:00:00+00:00", "system": "Linux", "python": "3.12", "packages": {"numba": "1"}}
    results = Results(
        {**machine, "cpu": "A processor", "cores": 2, "vector_width": 8, "load": 0.5},
        Settings(cases=(case,), contestants=GPU_CONTESTANTS, threads=(0,)),
        {"pytmva_rnn": "0", "PyTorch": "3, CUDA 13.0"},
        ["case 3"],
        [{"name": "A card", "capability": "9.0", "multiprocessors": 132, "memory": 80 << 30}],
        {0: Peaks(0, bandwidth=3e12, flops=6e13, working_set=1, step=4e-8)},
        comparisons,
    )
    assert as_markdown(results).splitlines()[2:] == [
        "- 2030-01-01T00:00:00+00:00, A processor, 2 core(s) available, vectors of 8 float32, Linux",
        "- A card (compute capability 9.0, 132 multiprocessors, 80 GiB)",
        "- Python 3.12, numba 1; load of the machine at the start 0.5",
        "- contestants: pytmva_rnn 0, PyTorch 3, CUDA 13.0",
        "- left out: case 3",
        "- medians of 9 interleaved rounds; ratios are medians of the ratios within a round, each side at its better "
        "number of threads",
        f"- case 1: {case.describe()}",
        "- CUDA events around many calls, one contestant after another; all in float32, TF32 switched off",
        "- train: a batch is put together out of events on the device, goes forward and back, and a step of Adam moves "
        "the weights; infer: raw outputs of a batch on the device, which stay there",
        "- measured on this card: a copy moves 3,000 GB/s, multiply-adds make 60.0 TFLOP/s, a step that needs the one "
        "before it takes 40 ns; the floor is the longest of the times that the bytes (events, weights and the "
        "optimizer's moments), the operations, and the steps in turn (latency) need at these rates",
        "",
        "| call | batch | pytmva_rnn, events/s | pytmva_rnn, no graph, events/s | PyTorch, events/s "
        "| PyTorch, CUDA graph, events/s | PyTorch / pytmva_rnn | PyTorch / pytmva_rnn, no graph "
        "| PyTorch, CUDA graph / pytmva_rnn | PyTorch, CUDA graph / pytmva_rnn, no graph | floor, µs | of "
        "| pytmva_rnn reaches | pytmva_rnn, no graph reaches |",
        "| --- |" + " ---: |" * 13,
        "| 1 LSTM train | 100 | 1,000,000 | 2,000,000 | 333,333 | 1,000,000 | 3.00 | 6.00 | 1.00 | 2.00 | 1.0 | bytes "
        "| 1.0% | 2.0% |",
        "| 1 LSTM infer | 100 | 1,000,000 |  | 333,333 |  | 3.00 |  |  |  | 1.0 | bytes | 1.0% |  |",
    ]

"""The benchmarks work; nothing here depends on how fast anything is."""

from __future__ import annotations

import gc
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from bench import CASES, Case, Settings, run_suite, suite, write_report
from bench.agreement import check_agreement
from bench.busy import busy_cores
from bench.cases import LAYERS, make_problem
from bench.command import main
from bench.contestants import CONTESTANTS, Contestant, CppTMVA, OnnxRuntime, Ours, PyTorch, available
from bench.contestants import tmva as tmva_module
from bench.contestants.checkout import checkout
from bench.failures import BenchmarkError
from bench.measure import Task, Timing, best, interleave, ratio
from bench.report import write_picture
from bench.results import Results
from bench.roofline import Peaks, Work, highest, measure_peaks, work_of

from pytmva_rnn.errors import DataError
from pytmva_rnn.model import Model
from pytmva_rnn.network.network import Network

pytestmark = pytest.mark.slow  # they start the benchmark, which starts others

SEQUENCE = Case("1", 19, 3, 5, 7, True, 4)
LAST = Case("last", 6, 4, 3, 2, False, 0)
TINY = {"rounds": 1, "seconds": 0.0, "working_set": 3 << 16, "epoch_batches": 4, "threads": (1,)}


def test_cases_have_their_sizes() -> None:
    assert [case.batch for case in CASES.values()] == [100, 256, 512, 512]
    assert [case.name for case in Settings().cases] == ["1", "2", "3"]
    assert CASES["1"].layout("LSTM") == "LSTM|10|30|10|0|1,RESHAPE|FLAT,DENSE|64|TANH,LINEAR"
    assert CASES["3"].layout("GRU") == "GRU|128|16|50|0|0|1,RESHAPE|FLAT,LINEAR"


def test_problems_are_reproducible() -> None:
    first, second = make_problem(SEQUENCE, "LSTM"), make_problem(SEQUENCE, "LSTM")
    np.testing.assert_array_equal(first.X, second.X)
    np.testing.assert_array_equal(first.model.layers[0].weights["W_i"], second.model.layers[0].weights["W_i"])
    assert first.model.layers[0].weights["b_i"].any()


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("case", [SEQUENCE, LAST], ids=["sequence", "last"])
@pytest.mark.parametrize(("other", "packages"), [(PyTorch, ["torch"]), (OnnxRuntime, ["onnx", "onnxruntime"])])
def test_contestants_compute_the_same(other: type[Contestant], packages: list[str], case: Case, layer: str) -> None:
    for package in packages:
        pytest.importorskip(package)
    problem = make_problem(case, layer)
    check_agreement([Ours(problem, 1), other(problem, 1)])


@pytest.mark.parametrize("layer", LAYERS)
def test_ours_is_the_reference_backends(layer: str) -> None:
    problem = make_problem(SEQUENCE, layer)
    expected = Network(problem.model, "reference").predict(problem.X)
    np.testing.assert_allclose(Ours(problem, 1).scores(), expected, atol=1e-5)


@pytest.mark.parametrize("name", ["W_c", "U_f", "b_o"])
def test_different_weights_are_noticed(name: str) -> None:
    problem, other = make_problem(SEQUENCE, "LSTM"), make_problem(SEQUENCE, "LSTM")
    first, *rest = other.model.layers
    changed = first.weights[name].copy()
    changed[0] += 0.5
    first = replace(first, weights={**first.weights, name: changed})
    other = replace(other, model=replace(other.model, layers=(first, *rest)))
    with pytest.raises(BenchmarkError, match="disagrees with pytmva_rnn on case 1 LSTM: score of the batch differs by"):
        check_agreement([Ours(problem, 1), Ours(other, 1)])


def test_a_different_optimizer_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = make_problem(SEQUENCE, "RNN")
    other = Ours(problem, 1)
    monkeypatch.setattr(other, "losses", lambda steps: [0.7] * steps)
    with pytest.raises(BenchmarkError, match="loss of 4 training steps differs by"):
        check_agreement([Ours(problem, 1), other])


def test_different_gradients_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = make_problem(SEQUENCE, "RNN")
    other = Ours(problem, 1)
    gradients = other.gradients()
    gradients[0]["U"] = gradients[0]["U"] * 1.001
    monkeypatch.setattr(other, "gradients", lambda: gradients)
    with pytest.raises(BenchmarkError, match=r"gradient of U of layer 0 differs by 0\.00"):
        check_agreement([Ours(problem, 1), other])


def test_nan_is_no_agreement(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = make_problem(LAST, "RNN")
    other = Ours(problem, 1)
    monkeypatch.setattr(other, "scores", lambda: np.full(LAST.batch, np.nan))
    with pytest.raises(BenchmarkError, match="differs by nan"):
        check_agreement([Ours(problem, 1), other])


def test_tasks_take_turns() -> None:
    order: list[str] = []

    def task(name: str, seconds: float) -> Task:
        def timer(count: int) -> float:
            order.append(name * count)
            return seconds * count

        return Task(name, 1, timer, lambda: order.append(f"prepare {name}"))

    slow, fast = interleave([task("a", 4.0), task("b", 0.5)], rounds=2, seconds=2.0)
    turns = ["prepare a", "a", "prepare b", "b", *"bbbb"]
    assert order[-16:] == turns * 2
    assert slow.rounds == (4.0, 4.0)
    assert fast.rounds == (0.5, 0.5)
    assert ratio(slow, fast) == 8


def test_ratios_are_paired_and_best_is_by_the_median() -> None:
    ours = Timing("ours", 1, (1.0, 2.0, 10.0))
    assert ratio(Timing("x", 1, (3.0, 8.0, 20.0)), ours) == 3
    other = Timing("ours", 2, (0.1, 5.0, 5.0))
    assert best([other, ours], "ours") is ours


def test_a_limit_is_compared_with_the_quickest_part_of_a_round() -> None:
    """What others take of a core lasts for a part of a round, or for some rounds."""
    # three calls before, by which a round has four, each a part of it
    seconds = iter([1.0, 1.0, 1.0, 3.0, 0.5, 3.0, 3.0])
    task = Task("a", 1, lambda count: sum(next(seconds) for _ in range(count)))
    (timing,) = interleave([task], rounds=1, seconds=4.0)
    assert timing.rounds == (9.5 / 4,)
    assert timing.shortest == 0.5


def test_work_counts_the_products() -> None:
    lstm = 4 * 7 * (5 + 7) * 3  # gates, states, inputs and states, steps
    dense = 21 * 4 + 4
    inferred = work_of(make_problem(SEQUENCE, "LSTM"), "infer")
    assert inferred.flops == 2 * 19 * (lstm + dense)
    trained = work_of(make_problem(SEQUENCE, "LSTM"), "train")
    without_input = 2 * lstm - 4 * 7 * 5 * 3
    assert trained.flops == 2 * 19 * (lstm + without_input + 3 * dense)
    assert work_of(make_problem(SEQUENCE, "LSTM"), "one").flops == inferred.flops // 19
    # a state's equations take 3*26 + 2*23 + 4 operations and, back, 22; tanh of the hidden layer 23 and 3
    assert inferred.elementwise == 19 * (3 * 7 * 128 + 4 * 23)
    assert trained.elementwise == 19 * (3 * 7 * 150 + 4 * 26)


def test_roofline_bounds() -> None:
    peaks = highest([Peaks(1, 100.0, 2.0, 1), Peaks(1, 30.0, 10.0, 1)])
    assert peaks == Peaks(1, flops=100.0, bandwidth=10.0, working_set=1)
    assert Work(flops=1000, bytes=10).of_rate(peaks, seconds=20) == 0.5
    assert Work(flops=1000, bytes=10, elementwise=500).of_rate_in_all(peaks, seconds=20) == 0.75
    assert Work(flops=1000, bytes=10).of_bandwidth(peaks, seconds=20) == 0.05


def test_peaks_are_measured_on_each_thread() -> None:
    peaks = measure_peaks(2, working_set=3 << 16, seconds=1e-3, rounds=1)
    assert peaks.threads == 2
    assert peaks.working_set == 3 << 16
    assert peaks.flops > 1e6
    assert peaks.bandwidth > 1e6


def test_report_files(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    *_, results = run_suite(Settings.quick(cases=(SEQUENCE,), layers=("RNN",), contestants=(Ours,), **TINY))
    files = write_report(results, tmp_path / "new") + write_picture(results, tmp_path / "new")
    assert [file.name for file in files] == ["bench.json", "bench.md", "bench.png"]
    values = json.loads(files[0].read_text(encoding="utf-8"))
    assert [comparison["what"] for comparison in values["comparisons"]] == ["train", "infer", "one"]
    assert values["comparisons"][0]["timings"][0]["contestant"] == "pytmva_rnn"
    assert len(values["epochs"]) == 1
    assert values["epochs"][0]["events"] == 4 * 19
    assert values["machine"]["cpu"]
    text = files[1].read_text(encoding="utf-8")
    for title in ("Training step", "Scores of a batch", "Score of one event", "Whole epochs", "Roofline"):
        assert f"## {title}" in text
    assert "| 1 RNN |" in text
    assert files[2].read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("package", ["torch", "onnxruntime", "onnx", "ROOT"])
def test_missing_contestants_are_left_out_with_the_reason(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    versions, missing = available(CONTESTANTS)
    assert Ours.name in versions
    names = {"torch": "PyTorch", "onnxruntime": "ONNX Runtime", "onnx": "ONNX Runtime", "ROOT": "C++ TMVA"}
    (reason,) = (reason for reason in missing if reason.startswith(f"{names[package]}: "))
    assert "pip install" in reason


def test_command_writes_where_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(CASES, "2", LAST)
    for package in ("torch", "onnxruntime", "ROOT"):
        monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setattr(suite, "measure_peaks", lambda threads, **_: Peaks(threads, 1.0, 1.0, 1))
    folder = tmp_path / "out"
    arguments = ["--quick", "--cases", "2", "--layers", "gru", "--what", "one,train", "--rounds", "1", "--threads", "1"]
    assert main([*arguments, "-o", str(folder)]) == 0
    shown = capsys.readouterr().out
    lines = [line for line in shown.splitlines() if line.startswith("case last GRU ")]
    assert [line.partition(",")[0] for line in lines if "events/s" in line] == [
        "case last GRU train",
        "case last GRU one",
    ]
    assert shown.index("events/s") < shown.index("# Benchmarks")
    assert "| last GRU |" in shown
    assert str(folder / "bench.md") in shown
    assert "Scores of a batch" not in (folder / "bench.md").read_text(encoding="utf-8")


class _Broken(Ours):
    """Scores batches, and fails to train."""

    name = "Broken"

    def losses(self, steps: int) -> None:
        return None

    def timer(self, what: str) -> Any:
        if what == "train":
            raise RuntimeError("out of order")
        return super().timer(what)


def test_a_contestant_that_fails_is_left_out() -> None:
    class Unlike(_Broken):
        name = "Unlike"

        def call(self, what: str) -> Any:
            return lambda: np.float32(np.nan)

    settings = {**TINY, "epoch_batches": 0, "cases": (LAST,), "layers": ("RNN",)}
    *_, results = run_suite(Settings(**settings, contestants=(Ours, _Broken), calls=("infer", "train")))
    assert [(each.what, *each.ratios) for each in results.comparisons] == [("infer", "Broken"), ("train",)]
    assert results.left_out == ["Broken in case last RNN, batch 6: out of order"]
    with pytest.raises(BenchmarkError, match="differs by nan"):
        list(run_suite(Settings(**settings, contestants=(Ours, Unlike))))
    with pytest.raises(RuntimeError, match="out of order"):
        list(run_suite(Settings(**settings, contestants=(_Broken, Ours))))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, "disagreement"])
@pytest.mark.usefixtures("interruptible")
def test_what_was_measured_is_kept(
    how: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    measured = suite.run_suite

    def stopped(settings: Settings) -> Iterator[Results]:
        yield next(measured(settings))
        assert "events/s" in capsys.readouterr().out
        if how == "disagreement":
            raise BenchmarkError("no agreement")
        signal.raise_signal(how)

    monkeypatch.setattr(suite, "run_suite", stopped)
    monkeypatch.setattr(suite, "available", lambda contestants: ({Ours.name: "1"}, []))
    monkeypatch.setattr(suite, "measure_peaks", lambda threads, **_: Peaks(threads, 1.0, 1.0, 1))
    monkeypatch.setitem(CASES, "2", LAST)
    arguments = ["--quick", "--cases", "2", "--layers", "RNN", "--what", "infer,one", "--rounds", "1", "--threads", "1"]
    code = {signal.SIGINT: 130, signal.SIGTERM: 143}.get(how, 1)
    assert main([*arguments, "-o", str(tmp_path)]) == code
    shown = capsys.readouterr()
    assert "| last RNN |" in shown.out
    assert shown.err == ("bench: error: no agreement\n" if code == 1 else "bench: interrupted\n")
    assert [each["what"] for each in json.loads((tmp_path / "bench.json").read_text())["comparisons"]] == ["infer"]
    assert "| last RNN |" in (tmp_path / "bench.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_another_checkout_takes_part() -> None:
    other = checkout(Path(__file__).parents[1], "the same")
    settings = {**TINY, "cases": (LAST,), "layers": ("GRU",), "contestants": (Ours, other)}
    running = run_suite(Settings(**settings))
    results = next(running)
    assert results.versions["the same"] == Ours.version()
    next(running)
    other.child._process.kill()
    list(running)
    assert [(each.what, *each.ratios) for each in results.comparisons] == [
        ("train", "the same"),
        ("infer", "the same"),
        ("one",),
    ]
    assert "ended with exit code" in results.left_out[0]


def test_a_folder_without_a_checkout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is no checkout of pytmva_rnn"):
        checkout(tmp_path, "empty")


@pytest.mark.slow
def test_the_folder_runs_as_a_program() -> None:
    """From anywhere, whether the package is installed or not."""
    tool = Path(__file__).parents[1] / "tools" / "bench"
    done = subprocess.run([sys.executable, tool, "--help"], capture_output=True, text=True, check=True, cwd="/")
    assert "examples:\n  python tools/bench --quick" in done.stdout


def test_cores_are_taken_for_as_long_as_they_are_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    start = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda *given: started.append(start(*given)) or started[-1])
    with busy_cores(2):
        assert [process.poll() for process in started] == [None, None]
    assert all(process.returncode for process in started)


@pytest.mark.parametrize(
    "wrong",
    [["--cases", "9"], ["--threads", "0"], ["--rounds", "few"], ["--what", "x"], ["--against", ".", "--device=cuda"]],
)
def test_wrong_arguments_are_refused(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(wrong)
    assert caught.value.code == 2
    assert wrong[-1].lstrip("-").partition("=")[0] in capsys.readouterr().err


class _Vectors:
    """`std::vector[kind]`."""

    def __getitem__(self, kind: str) -> Any:
        return list


class _Root(SimpleNamespace):
    """As much of PyROOT as the contestant uses: it scores with the weight files and logs the trainings."""

    def __init__(self) -> None:
        self.log: list[str] = []
        log = self.log

        class Reader:
            def __init__(self, options: str) -> None:
                self.names: list[str] = []

            def AddVariable(self, name: str, place: Any) -> None:
                self.names.append(name)

            def BookMVA(self, tag: str, file: str) -> None:
                from pytmva_rnn import read_weights

                self.model: Model = read_weights(file)
                assert self.names == [variable.expression for variable in self.model.variables]

            def EvaluateMVA(self, event: list[float], tag: str) -> float:
                return float(self.model.predict(np.array([event], np.float32))[0])

        class Loader:
            def __init__(self, name: str) -> None:
                self.events = {"Training": 0, "Test": 0}

            def __getattr__(self, name: str) -> Any:
                def add(*_: Any) -> None:
                    for kind in self.events:
                        self.events[kind] += name in (f"AddSignal{kind}Event", f"AddBackground{kind}Event")

                return add

        class Factory:
            def __init__(self, *_: str) -> None: ...

            def BookMethod(self, loader: Loader, kind: int, title: str, options: str) -> None:
                from pytmva_rnn import parse_options

                phase = parse_options(options).training_strategy[0]
                log.append(f"{loader.events['Training']} events, {phase.max_epochs} epochs")

            def TrainAllMethods(self) -> None: ...

        super().__init__(
            TMVA=SimpleNamespace(Reader=Reader, DataLoader=Loader, Factory=Factory, Types=SimpleNamespace(kDL=1)),
            gROOT=SimpleNamespace(GetVersion=lambda: "6.99"),
            std=SimpleNamespace(vector=_Vectors()),
            TCut=str,
            EnableImplicitMT=lambda threads: log.append(f"{threads} threads"),
            DisableImplicitMT=lambda: log.append("1 thread"),
        )


def test_tmva_scores_our_weight_file_and_trains_longer_and_shorter(monkeypatch: pytest.MonkeyPatch) -> None:
    root = _Root()
    monkeypatch.setattr(tmva_module.extras, "root", lambda: root)
    assert CppTMVA.version() == "6.99"
    problem = make_problem(LAST, "GRU")
    one, two = CppTMVA(problem, 1), CppTMVA(problem, 2)
    check_agreement([Ours(problem, 1), one])
    before = Path.cwd()
    two.prepare()
    two.timer("train")(25)
    one.prepare()
    two.timer("one")(1)
    assert root.log == ["2 threads", "126 events, 1 epochs", "126 events, 3 epochs", "1 thread"]
    assert Path.cwd() == before
    folder = two._folder
    assert folder.is_dir()
    del two
    gc.collect()
    assert not folder.exists()

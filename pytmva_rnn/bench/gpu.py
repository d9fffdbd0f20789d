"""Training and scores on a GPU beside PyTorch with cuDNN, with and without CUDA graphs, timed with CUDA events."""

from __future__ import annotations

import dataclasses
import importlib
import json
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from pytmva_rnn._files import atomic_path
from pytmva_rnn._version import __version__
from pytmva_rnn.bench.agreement import TOLERANCE
from pytmva_rnn.bench.cases import CASES, LAYERS, Case, Problem, make_problem
from pytmva_rnn.bench.contestants import PyTorch
from pytmva_rnn.bench.machine import describe_machine
from pytmva_rnn.bench.roofline import work_of
from pytmva_rnn.devices import backend_engine, cuda_devices
from pytmva_rnn.errors import BenchmarkError, MissingExtraError
from pytmva_rnn.network import steps_of

__all__ = ["BATCHES", "GpuSettings", "run_gpu_suite", "write_gpu_report"]

log = logging.getLogger("pytmva_rnn")

BATCHES = (100, 1024, 8192, 65536)
_COPIED = 1 << 28
"""Bytes of the copy that the bandwidth is measured with, several times any L2 cache."""

Call = Callable[[int], float]
"""Seconds of one call, from CUDA events around a number of them."""


@dataclass(frozen=True)
class GpuSettings:
    """What to run: cases, layers, kinds of call, batch sizes, rounds in turns and calls in a round."""

    cases: tuple[Case, ...] = tuple(CASES.values())
    layers: tuple[str, ...] = LAYERS
    whats: tuple[str, ...] = ("train", "infer")
    batches: tuple[int, ...] = BATCHES
    rounds: int = 9
    calls: int = 50


def run_gpu_suite(settings: GpuSettings) -> dict[str, Any]:
    """Measure everything, as plain data: the machine, the card, and a row for each case, layer, call and batch size.

    Raises
    ------
    MissingExtraError, BackendError
        Where `backend="cuda"` cannot be used.
    BenchmarkError
        If the contestants do not compute the same.
    """
    backend_engine("cuda")
    cuda = importlib.import_module("numba.cuda")
    bandwidth = _bandwidth(cuda)
    rows = []
    for case in settings.cases:
        for layer in settings.layers:
            for batch in settings.batches:
                problem = make_problem(dataclasses.replace(case, batch=batch), layer)
                for what in settings.whats:
                    log.info("case %s, %s, batch %d: %s", case.name, layer, batch, what)
                    rows.append(_measure(cuda, problem, what, settings, bandwidth))
    cards = [dataclasses.asdict(card) for card in cuda_devices()]
    return {"machine": describe_machine(), "version": __version__, "cards": cards, "bandwidth": bandwidth, "rows": rows}


def _measure(cuda: Any, problem: Problem, what: str, settings: GpuSettings, bandwidth: float) -> dict[str, Any]:
    calls: dict[str, Call] = {"pytmva_rnn": _ours(cuda, problem, what)}
    try:
        torch = _TorchOnGpu(problem)
    except MissingExtraError as error:
        log.info("left out: %s", error)
    else:
        torch.check(_our_scores(problem))
        calls |= {"PyTorch": torch.timer(what), "PyTorch, CUDA graph": torch.timer(what, graph=True)}
    for call in calls.values():
        call(3)  # compiles, chooses algorithms, fills caches
    rounds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(settings.rounds):
        for name, call in calls.items():
            rounds[name].append(call(settings.calls))
    work = work_of(problem, what)
    seconds = {name: median(values) for name, values in rounds.items()}
    return {
        "case": problem.case.name,
        "layer": problem.layer,
        "what": what,
        "batch": problem.case.batch,
        "seconds": seconds,
        "events_per_second": {name: problem.case.batch / value for name, value in seconds.items()},
        "flops": work.flops,
        "bytes": work.bytes,
        "floor_of_bytes": work.bytes / bandwidth,
        "fraction": work.bytes / bandwidth / seconds["pytmva_rnn"],
    }


def _engine(problem: Problem) -> Any:
    model = problem.model
    return backend_engine("cuda")(
        model.layers,
        [layer.weights for layer in model.layers],
        *steps_of(model),
        model.loss,
        settings=problem.options.training_strategy[0],
    )


def _our_scores(problem: Problem) -> Any:
    return _engine(problem).outputs(problem.X)


def _ours(cuda: Any, problem: Problem, what: str) -> Call:
    """An epoch of the engine; in inference a loss, whose events stay on the device as those of PyTorch do."""
    engine = _engine(problem)
    X, y, w = problem.X, problem.y, np.ones(len(problem.X), np.float32)
    order = np.arange(len(X))

    def timed(count: int) -> float:
        start, stop = cuda.event(), cuda.event()
        batches = np.tile(order, (count, 1))
        start.record()
        if what == "train":
            engine.epoch(X, y, w, batches, [0] * count, lambda: None)
        else:
            for _ in range(count):
                engine.loss(X, y, w)
        stop.record()
        stop.synchronize()
        return float(start.elapsed_time(stop)) / 1e3 / count

    return timed


def _bandwidth(cuda: Any) -> float:
    """Bytes a second of a copy on the device, read and written."""
    source = cuda.device_array(_COPIED // 4, np.float32)
    target = cuda.device_array(_COPIED // 4, np.float32)
    times = []
    for _ in range(10):
        start, stop = cuda.event(), cuda.event()
        start.record()
        target.copy_to_device(source)
        stop.record()
        stop.synchronize()
        times.append(float(start.elapsed_time(stop)) / 1e3)
    return 2 * _COPIED / min(times)


class _TorchOnGpu(PyTorch):
    """PyTorch's network on the GPU: cuDNN's recurrent layers, the fused Adam that CUDA graphs can capture."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem, 1)
        if not self._torch.cuda.is_available():
            raise MissingExtraError("this PyTorch was built without CUDA, or finds no GPU")
        self._cell.cuda()
        for linear in self._linear:
            linear.cuda()
        self._X, self._y = self._X.cuda(), self._y.cuda()
        phase = problem.options.training_strategy[0]
        self._optimizer = self._torch.optim.Adam(
            [parameter for parameter, _, _ in self._parameters()],
            lr=phase.learning_rate,
            betas=(phase.adam_beta1, phase.adam_beta2),
            eps=phase.adam_eps,
            fused=True,
            capturable=True,
        )

    def check(self, raw: Any) -> None:
        """Compare scores: times of programs that compute something else are no comparison."""
        scores = 1 / (1 + np.exp(-raw.astype(np.float64)))
        difference = float(np.abs(self._score(self._X).cpu().numpy() - scores).max())
        if not difference <= TOLERANCE:
            raise BenchmarkError(
                f"PyTorch on the GPU disagrees with pytmva_rnn on case {self.problem.case.name} {self.problem.layer}: "
                f"scores differ by {difference:.3g}, more than {TOLERANCE:g}"
            )

    def timer(self, what: str, *, graph: bool = False) -> Call:
        """A timer of calls one by one, or of a captured graph of one call."""
        torch, call = self._torch, self.call(what)
        if graph:
            side = torch.cuda.Stream()
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                for _ in range(3):
                    call()
            torch.cuda.current_stream().wait_stream(side)
            captured = torch.cuda.CUDAGraph()
            with torch.cuda.graph(captured):
                call()
            call = captured.replay

        def timed(count: int) -> float:
            start, stop = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            torch.cuda.synchronize()
            start.record()
            for _ in range(count):
                call()
            stop.record()
            stop.synchronize()
            return float(start.elapsed_time(stop)) / 1e3 / count

        return timed


def as_markdown(results: dict[str, Any]) -> str:
    """The results as text."""
    machine = results["machine"]
    cards = ", ".join(f"{card['name']} (compute capability {card['capability']})" for card in results["cards"])
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    lines = [
        "# Benchmarks on a GPU",
        "",
        f"- {machine['date']}, {cards or 'simulated'}, {machine['system']}",
        f"- pytmva_rnn {results['version']}, {packages}",
        f"- a copy on the device moves {results['bandwidth'] / 1e9:,.0f} GB/s; the floor is the time that events, "
        "weights and the optimizer's moments need at that rate",
        "",
    ]
    names = list(dict.fromkeys(name for row in results["rows"] for name in row["seconds"]))
    columns = ["call", "batch", *(f"{name}, events/s" for name in names), *(f"{name} ratio" for name in names[1:])]
    columns += ["of the floor"]
    lines.append("| " + " | ".join(columns) + " |")
    lines.append("| --- |" + " ---: |" * (len(columns) - 1))
    for row in results["rows"]:
        rates, seconds = row["events_per_second"], row["seconds"]
        cells = [f"{row['case']} {row['layer']} {row['what']}", f"{row['batch']:,}"]
        cells += [f"{rates[name]:,.0f}" if name in rates else "" for name in names]
        cells += [f"{seconds[name] / seconds['pytmva_rnn']:.2f}" if name in seconds else "" for name in names[1:]]
        lines.append("| " + " | ".join([*cells, f"{row['fraction']:.1%}"]) + " |")
    return "\n".join(lines) + "\n"


def write_gpu_report(results: dict[str, Any], folder: str | os.PathLike[str]) -> Sequence[Path]:
    """Write `gpu.json` and `gpu.md`; returns their paths."""
    target = Path(folder)
    texts = {"gpu.json": json.dumps(results, indent=1) + "\n", "gpu.md": as_markdown(results)}
    for name, text in texts.items():
        with atomic_path(target / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return [target / name for name in texts]

"""Training and scores on a GPU beside PyTorch with cuDNN, with and without CUDA graphs, timed with CUDA events."""

from __future__ import annotations

import dataclasses
import importlib
import json
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from bench.agreement import TOLERANCE
from bench.cases import CASES, LAYERS, Case, CaseData, make_problem
from bench.contestants.pytorch_gpu import PyTorchOnDevice
from bench.gpu_peaks import GpuPeaks, measure_peaks
from bench.machine import describe_machine
from bench.roofline import work_of
from pytmva_rnn._version import __version__
from pytmva_rnn.errors import BenchmarkError, MissingExtraError
from pytmva_rnn.files import atomic_path
from pytmva_rnn.network.devices import backend_engine, cuda_devices, simulated

__all__ = ["BATCHES", "GpuSettings", "as_markdown", "run_gpu_suite", "write_gpu_report"]

log = logging.getLogger("pytmva_rnn")

BATCHES = (100, 1024, 8192, 65536)
OURS = "pytmva_rnn"

Call = Callable[[int], float]
"""Seconds of one call, from CUDA events around a number of them."""


@dataclass(frozen=True)
class GpuSettings:
    """What to run: cases, layers, kinds of call, batch sizes, rounds in turns and calls in a round.

    `torch_device` is where PyTorch computes; on "cpu" its code runs where there is no GPU, but times say nothing.
    """

    cases: tuple[Case, ...] = tuple(CASES.values())
    layers: tuple[str, ...] = LAYERS
    whats: tuple[str, ...] = ("train", "infer")
    batches: tuple[int, ...] = BATCHES
    rounds: int = 9
    calls: int = 50
    torch_device: str = "cuda"


def run_gpu_suite(settings: GpuSettings) -> dict[str, Any]:
    """Measure everything, as plain data: the machine, the card, and a row for each case, layer, call and batch size.

    What does not fit into the card's memory, or cannot be captured, is left out and said in `left_out`.

    Raises
    ------
    MissingExtraError, BackendError
        Where `backend="cuda"` cannot be used.
    BenchmarkError
        If the contestants do not compute the same.
    """
    backend_engine("cuda")
    peaks = measure_peaks()
    rows: list[dict[str, Any]] = []
    left_out: list[str] = []
    for case in settings.cases:
        for layer in settings.layers:
            for batch in settings.batches:
                problem = make_problem(dataclasses.replace(case, batch=batch), layer)
                for what in settings.whats:
                    title = f"case {case.name} {layer} {what}, batch {batch:,}"
                    log.info("%s", title)
                    try:
                        rows.append(_measure(problem, what, settings, peaks, title, left_out))
                    except MemoryError as error:
                        left_out.append(f"{title}: {error}")
                    PyTorchOnDevice.free()
    return {
        "machine": describe_machine(),
        "version": __version__,
        "packages": {**_versions("numba-cuda", "cuda-bindings"), **PyTorchOnDevice.versions()},
        "cards": [dataclasses.asdict(card) for card in cuda_devices()],
        "peaks": dataclasses.asdict(peaks),
        "left_out": list(dict.fromkeys(left_out)),
        "rows": rows,
    }


def _measure(
    problem: CaseData, what: str, settings: GpuSettings, peaks: GpuPeaks, title: str, left_out: list[str]
) -> dict[str, Any]:
    calls = {OURS: _ours(problem, what)}
    if what == "train" and not simulated():
        calls[f"{OURS}, CUDA graph"] = _ours(problem, what, graphs=True)
    try:
        torch = PyTorchOnDevice(problem, settings.torch_device)
        _check(problem, torch)
        calls["PyTorch"] = torch.timer(what)
        if settings.torch_device == "cuda":
            calls["PyTorch, CUDA graph"] = torch.timer(what, graph=True)
    except MissingExtraError as error:
        left_out.append(f"PyTorch: {error}")
    except RuntimeError as error:  # PyTorch's errors of memory and of capture
        left_out.append(f"PyTorch in {title}: {error}")
    for name, call in list(calls.items()):
        try:
            call(3)  # compiles, chooses algorithms, fills caches
        except RuntimeError as error:
            if name == OURS:
                raise
            left_out.append(f"{name} in {title}: {error}")
            del calls[name]
    rounds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(settings.rounds):
        for name, call in calls.items():
            rounds[name].append(call(settings.calls))
    work = work_of(problem, what)
    seconds = {name: median(values) for name, values in rounds.items()}
    floors = {"bytes": work.bytes / peaks.bandwidth, "operations": work.flops / peaks.flops}
    floor = max(floors.values())
    return {
        "case": problem.case.name,
        "layer": problem.layer,
        "what": what,
        "batch": problem.case.batch,
        "seconds": seconds,
        "events_per_second": {name: problem.case.batch / value for name, value in seconds.items()},
        "flops": work.flops,
        "bytes": work.bytes,
        "floor": floor,
        "floor_of": max(floors, key=lambda name: floors[name]),
        "fraction": {name: floor / value for name, value in seconds.items() if name.startswith(OURS)},
    }


def _engine(problem: CaseData) -> Any:
    model = problem.model
    return backend_engine("cuda")(
        model.layers,
        [layer.weights for layer in model.layers],
        *model.event_shape,
        model.loss,
        settings=problem.options.training_strategy[0],
    )


def _ours(problem: CaseData, what: str, *, graphs: bool = False) -> Call:
    """An epoch of the engine; in inference a loss, whose events stay on the device as those of PyTorch do."""
    cuda = importlib.import_module("numba.cuda")
    engine = _engine(problem)
    engine.graphs = graphs
    X, y, w = problem.X, problem.y, np.ones(len(problem.X), np.float32)
    order = np.arange(len(X))

    def timed(count: int) -> float:
        start, stop = cuda.event(), cuda.event()
        batches = np.tile(order, (count, 1))
        start.record()
        if what == "train":
            engine.epoch(X, y, w, batches, np.zeros(count, np.int64), lambda: None)
            if graphs and not engine.graphs:
                raise RuntimeError("it could not be captured")
        else:
            for _ in range(count):
                engine.loss(X, y, w)
        stop.record()
        stop.synchronize()
        return float(start.elapsed_time(stop)) / 1e3 / count

    return timed


def _check(problem: CaseData, torch: PyTorchOnDevice) -> None:
    """Compare scores, and losses of a few training steps: times of different computations are no comparison."""
    ours = _engine(problem)
    X, y, w, order = problem.X, problem.y, np.ones(len(problem.X), np.float32), np.arange(len(problem.X))
    scores = 1 / (1 + np.exp(-ours.outputs(X).astype(np.float64).reshape(-1)))
    results = {
        "scores": (torch.scores(), scores),
        "losses of training steps": (
            np.array(torch.losses(3)),
            np.array([ours.step(X, y, w, order, 0) for _ in range(3)]),
        ),
    }
    for what, (theirs, mine) in results.items():
        difference = float(np.abs(theirs - mine).max())
        if not difference <= TOLERANCE:
            raise BenchmarkError(
                f"PyTorch disagrees with pytmva_rnn on the GPU, case {problem.case.name} {problem.layer}: {what} "
                f"differ by {difference:.3g}, more than {TOLERANCE:g}"
            )


def _versions(*packages: str) -> dict[str, str]:
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def as_markdown(results: dict[str, Any]) -> str:
    """The results as text."""
    return "\n".join([*_heading(results), "", *_table(results["rows"])]) + "\n"


def _heading(results: dict[str, Any]) -> Iterator[str]:
    machine, peaks = results["machine"], results["peaks"]
    cards = ", ".join(
        f"{card['name']} (compute capability {card['capability']}, {card['multiprocessors']} multiprocessors, "
        f"{card['memory'] / 2**30:.0f} GiB)"
        for card in results["cards"]
    )
    packages = ", ".join(
        f"{name} {version}" for name, version in {**machine["packages"], **results["packages"]}.items()
    )
    yield "# Benchmarks on a GPU"
    yield ""
    yield f"- {machine['date']}, {cards or 'simulated: the times mean nothing'}, {machine['system']}"
    yield f"- pytmva_rnn {results['version']}, Python {machine['python']}, {packages}"
    yield "- medians of interleaved rounds, CUDA events around many calls; all in float32, TF32 switched off"
    yield (
        "- train: a step of Adam; infer: pytmva_rnn's loss of events on the device, read back each time, beside "
        "PyTorch's scores, left there"
    )
    yield (
        f"- measured on this card: a copy moves {peaks['bandwidth'] / 1e9:,.0f} GB/s, multiply-adds make "
        f"{peaks['flops'] / 1e12:,.1f} TFLOP/s; the floor is the longer of the times that events, weights and the "
        "optimizer's moments, and the operations, need at these rates"
    )
    yield from (f"- left out: {what}" for what in results["left_out"])


def _table(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    names = list(dict.fromkeys(name for row in rows for name in row["seconds"]))
    mine = [name for name in names if name.startswith(OURS)]
    others = [name for name in names if name not in mine]
    columns = ["call", "batch", *(f"{name}, events/s" for name in names)]
    columns += [f"{other} / {name}" for other in others for name in mine]
    columns += ["floor, µs", "of", *(f"{name} reaches" for name in mine)]
    yield "| " + " | ".join(columns) + " |"
    yield "| --- |" + " ---: |" * (len(columns) - 1)
    for row in rows:
        rates, seconds = row["events_per_second"], row["seconds"]
        cells = [f"{row['case']} {row['layer']} {row['what']}", f"{row['batch']:,}"]
        cells += [f"{rates[name]:,.0f}" if name in rates else "" for name in names]
        cells += [
            f"{seconds[other] / seconds[name]:.2f}" if {other, name} <= seconds.keys() else ""
            for other in others
            for name in mine
        ]
        cells += [f"{row['floor'] * 1e6:,.1f}", row["floor_of"]]
        cells += [f"{row['fraction'][name]:.1%}" if name in row["fraction"] else "" for name in mine]
        yield "| " + " | ".join(cells) + " |"


def write_gpu_report(results: dict[str, Any], folder: str | os.PathLike[str]) -> Sequence[Path]:
    """Write `gpu.json` and `gpu.md`; returns their paths."""
    target = Path(folder)
    texts = {"gpu.json": json.dumps(results, indent=1) + "\n", "gpu.md": as_markdown(results)}
    for name, text in texts.items():
        with atomic_path(target / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return [target / name for name in texts]

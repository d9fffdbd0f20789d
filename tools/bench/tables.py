"""The tables of the report, as lines of Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.cases import GOALS, SHARE_GOALS
from bench.contestants.ours_gpu import OursOnTensorCores
from bench.epoch import EPOCH_GOAL, Epochs
from bench.measure import Timing
from bench.results import CaseResult, Results

__all__ = ["TITLES", "cpu_tables", "gpu_tables", "table"]

TITLES = {"train": "Training step", "infer": "Scores of a batch", "one": "Score of one event"}


def cpu_tables(results: Results) -> Iterator[str]:
    """Times of each kind of call, whole epochs, and the roofline."""
    for what in results.settings.calls:
        chosen = [comparison for comparison in results.comparisons if comparison.what == what]
        if chosen:
            yield from ("", f"## {TITLES[what]}", "", *_times(chosen))
    if results.epochs:
        yield from ("", "## Whole epochs of case 1", "", *_epochs(results.epochs))
    yield from ("", "## Roofline", "", *_roofline(results))


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table in Markdown."""
    divider = ["---", *["---:"] * (len(columns) - 1)]
    return ["| " + " | ".join(row) + " |" for row in (columns, divider, *rows)]


def _names(comparisons: Sequence[CaseResult]) -> list[str]:
    return list(dict.fromkeys(timing.contestant for each in comparisons for timing in each.timings))


def _times(comparisons: Sequence[CaseResult]) -> list[str]:
    """Microseconds of each contestant at each number of threads, and the ratios."""
    names = _names(comparisons)
    threads = " / ".join(dict.fromkeys(str(timing.threads) for each in comparisons for timing in each.timings))
    unit = "events/s" if comparisons[0].what != "one" else "one, events/s"
    columns = ["case", *(f"{name}, µs" for name in names), unit, *(f"{name} ratio" for name in names[1:])]
    rows = []
    for each in comparisons:
        cells = [f"{each.case.name} {each.layer}"]
        cells += [" / ".join(_microseconds(t) for t in each.timings if t.contestant == name) for name in names]
        cells.append(f"{each.events / each.ours.seconds:,.0f}")
        cells += [_ratio(each, name) for name in names[1:]]
        rows.append(cells)
    return [f"With {threads} thread(s); in brackets what the project aims at.", "", *table(columns, rows)]


def _microseconds(timing: Timing) -> str:
    value = timing.seconds * 1e6
    return f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def _ratio(comparison: CaseResult, name: str) -> str:
    if name not in comparison.ratios:
        return ""
    goals = GOALS.get((comparison.what, name), {}).get(comparison.layer)
    number = int(comparison.case.name) if comparison.case.name in ("1", "2", "3") else 0
    aim = f" ({goals[number - 1]:g})" if goals and number else ""
    return f"{comparison.ratios[name]:.2f}{aim}"


def _epochs(epochs: Sequence[Epochs]) -> list[str]:
    rows = [
        (
            each.layer,
            str(each.threads),
            f"{each.rate:,.0f}",
            f"{each.kernel_rate:,.0f}",
            f"{each.kept:.3f} ({EPOCH_GOAL:g})",
            f"{each.kept_with_validation:.3f}",
        )
        for each in epochs
    ]
    columns = [
        "layer",
        "threads",
        "`train`, events/s",
        "training steps alone, events/s",
        "kept",
        "of steps + validation",
    ]
    return [f"{epochs[0].events:,} training events, a quarter as many to validate.", "", *table(columns, rows)]


def _roofline(results: Results) -> list[str]:
    """Peaks, and what the kernels reach of them."""
    lines = [
        f"- {threads} thread(s): {peaks.flops / 1e9:.1f} GFLOP/s of float32 multiply-adds "
        f"({peaks.flops / threads / 1e9:.1f} a core), {peaks.bandwidth / 1e9:.1f} GB/s of memory "
        f"({peaks.working_set >> 20} MiB)"
        for threads, peaks in results.peaks.items()
    ]
    rows = []
    for each in results.comparisons:
        for timing in each.timings:
            if timing.contestant == each.ours.contestant:
                work, peaks, seconds = each.work, results.peaks[timing.threads], timing.shortest
                name = f"{each.case.name} {each.layer} {each.what}"
                rate, traffic = work.flops / seconds / 1e9, work.bytes / seconds / 1e9
                goal = SHARE_GOALS.get(each.what, {}).get(each.case.name) if timing.threads == 1 else None
                aim = f" ({goal:.0%})" if goal else ""
                rates = f"{work.of_rate(peaks, seconds):.0%}", f"{work.of_rate_in_all(peaks, seconds):.0%}{aim}"
                share = f"{work.of_bandwidth(peaks, seconds):.0%}"
                rows.append((name, str(timing.threads), f"{rate:.1f}", *rates, f"{traffic:.1f}", share))
    columns = ["kernel", "threads", "GFLOP/s", "of the peak", "all operations", "GB/s", "of the bandwidth"]
    note = (
        "The quickest part of a round of each, over all that it does. GFLOP/s are those of the matrix products alone; "
        "all operations are these and those of cells and activation functions, as they stand in the equations, without "
        "biases, loss and optimizer; in brackets what the project aims at. Bytes are counted as if all came from "
        "memory, though a benchmark that repeats a call finds them in caches."
    )
    return [*lines, "", note, "", *table(columns, rows)]


def gpu_tables(results: Results) -> Iterator[str]:
    """Rates of all contestants, and how near ours come to the floor that the card sets."""
    peaks = results.peaks[0]
    yield "- CUDA events around many calls, one contestant after another; all in float32, TF32 switched off" + (
        f", but for {OursOnTensorCores.name}: three products of TF32 for one"
        if OursOnTensorCores.name in _names(results.comparisons)
        else ""
    )
    yield (
        "- train: a batch is put together out of events on the device, goes forward and back, and a step of Adam moves "
        "the weights; infer: raw outputs of a batch on the device, which stay there"
    )
    yield (
        f"- measured on this card: a copy moves {peaks.bandwidth / 1e9:,.0f} GB/s, multiply-adds make "
        f"{peaks.flops / 1e12:,.1f} TFLOP/s, a step that needs the one before it takes {peaks.step * 1e9:,.0f} ns; the "
        "floor is the longest of the times that the bytes (events, weights and the optimizer's moments), the "
        "operations, and the steps in turn (latency) need at these rates"
    )
    names = _names(results.comparisons)
    mine = [name for name in names if name.startswith(results.settings.contestants[0].name)]
    others = [name for name in names if name not in mine]
    columns = ["call", "batch", *(f"{name}, events/s" for name in names)]
    columns += [f"{other} / {name}" for other in others for name in mine]
    columns += ["floor, µs", "of", *(f"{name} reaches" for name in mine)]
    rows = []
    for each in results.comparisons:
        seconds = {timing.contestant: timing.seconds for timing in each.timings}
        floors = each.work.floors(peaks)
        floor_of = max(floors, key=lambda name: floors[name])
        cells = [f"{each.case.name} {each.layer} {each.what}", f"{each.case.batch:,}"]
        cells += [f"{each.case.batch / seconds[name]:,.0f}" if name in seconds else "" for name in names]
        cells += [
            f"{seconds[other] / seconds[name]:.2f}" if {other, name} <= seconds.keys() else ""
            for other in others
            for name in mine
        ]
        cells += [f"{floors[floor_of] * 1e6:,.1f}", floor_of]
        cells += [f"{floors[floor_of] / seconds[name]:.1%}" if name in seconds else "" for name in mine]
        rows.append(cells)
    yield from ("", *table(columns, rows))

"""Results as JSON, as Markdown and as a picture."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.cases import GOALS
from bench.contestants import CONTESTANTS, Ours
from bench.epoch import EPOCH_GOAL
from bench.measure import Timing, best
from bench.suite import CaseResult, Results
from pytmva_rnn import extras
from pytmva_rnn.errors import MissingExtraError
from pytmva_rnn.files import atomic_path

__all__ = ["as_json", "as_markdown", "write_report"]

_TITLES = {"train": "Training step", "infer": "Scores of a batch", "one": "Score of one event"}
_COLORS = dict(zip([each.name for each in CONTESTANTS], ("#4a4a4a", "#c4472b", "#2166ac", "#3a8a3f"), strict=True))


def write_report(results: Results, folder: str | os.PathLike[str]) -> list[Path]:
    """Write `bench.json`, `bench.md` and, where Matplotlib is installed, `bench.png`.

    Returns
    -------
    list of Path
        The files that were written.
    """
    target = Path(folder)
    written = []
    texts = {"bench.json": json.dumps(as_json(results), indent=1) + "\n", "bench.md": as_markdown(results)}
    for name, text in texts.items():
        with atomic_path(target / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
        written.append(target / name)
    try:
        figure = _picture(results)
    except MissingExtraError:
        return written
    with atomic_path(target / "bench.png") as temporary:
        figure.savefig(temporary, dpi=120)
    return [*written, target / "bench.png"]


def as_json(results: Results) -> dict[str, Any]:
    """Everything as plain data; times are seconds of one call in each round."""
    values = asdict(results)
    for plain, comparison in zip(values["comparisons"], results.comparisons, strict=True):
        plain["case"] = comparison.case.name
        for timing, measured in zip(plain["timings"], comparison.timings, strict=True):
            timing["median"] = measured.seconds
    return values


def as_markdown(results: Results) -> str:
    """The report as text."""
    machine, settings = results.machine, results.settings
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    lines = [
        "# Benchmarks",
        "",
        f"- {machine['date']}, {machine['cpu']}, {machine['cores']} core(s) available, vectors of "
        f"{machine['vector_width']} float32, {machine['system']}",
        f"- Python {machine['python']}, {packages}; load of the machine at the start {machine['load']}",
        "- contestants: " + ", ".join(f"{name} {version}" for name, version in results.versions.items()),
        *(f"- left out: {reason}" for reason in results.missing.values()),
        f"- medians of {settings.rounds} interleaved rounds; ratios are medians of the ratios within a round, each "
        "side at its better number of threads; in brackets what the project aims at",
        *(f"- case {case.name}: {case.describe()}" for case in settings.cases),
    ]
    for what in settings.whats:
        chosen = [comparison for comparison in results.comparisons if comparison.what == what]
        lines += ["", f"## {_TITLES[what]}", "", *_times(chosen, what)]
    if results.epochs:
        lines += ["", "## Whole epochs of case 1", "", *_epochs(results)]
    return "\n".join([*lines, "", "## Roofline", "", *_roofline(results)]) + "\n"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    divider = ["---", *["---:"] * (len(columns) - 1)]
    return ["| " + " | ".join(row) + " |" for row in (columns, divider, *rows)]


def _times(comparisons: Sequence[CaseResult], what: str) -> list[str]:
    """Microseconds of each contestant at each number of threads, and the ratios."""
    names = list(dict.fromkeys(timing.contestant for each in comparisons for timing in each.timings))
    threads = " / ".join(dict.fromkeys(str(timing.threads) for each in comparisons for timing in each.timings))
    unit = "events/s" if what != "one" else "one, events/s"
    columns = ["case", *(f"{name}, µs" for name in names), unit, *(f"{name} ratio" for name in names[1:])]
    rows = []
    for each in comparisons:
        cells = [f"{each.case.name} {each.layer}"]
        cells += [" / ".join(_microseconds(t) for t in each.timings if t.contestant == name) for name in names]
        ours = best(each.timings, Ours.name)
        cells.append(f"{(1 if what == 'one' else each.case.batch) / ours.seconds:,.0f}")
        cells += [_ratio(each, name) for name in names[1:]]
        rows.append(cells)
    return [f"With {threads} thread(s).", "", *_table(columns, rows)]


def _microseconds(timing: Timing) -> str:
    value = timing.seconds * 1e6
    return f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def _ratio(comparison: CaseResult, name: str) -> str:
    goals = GOALS.get((comparison.what, name), {}).get(comparison.layer)
    number = int(comparison.case.name) if comparison.case.name in ("1", "2", "3") else 0
    aim = f" ({goals[number - 1]:g})" if goals and number else ""
    return f"{comparison.ratios[name]:.2f}{aim}"


def _epochs(results: Results) -> list[str]:
    rows = [
        (
            each.layer,
            str(each.threads),
            f"{each.rate:,.0f}",
            f"{each.kernel_rate:,.0f}",
            f"{each.kept:.3f} ({EPOCH_GOAL:g})",
            f"{each.kept_with_validation:.3f}",
        )
        for each in results.epochs
    ]
    columns = [
        "layer",
        "threads",
        "`train`, events/s",
        "training steps alone, events/s",
        "kept",
        "of steps + validation",
    ]
    return [f"{results.epochs[0].events:,} training events, a quarter as many to validate.", "", *_table(columns, rows)]


def _roofline(results: Results) -> list[str]:
    """Peaks, and what the kernels reach of them."""
    lines = [
        f"- {peaks.threads} thread(s): {peaks.flops / 1e9:.1f} GFLOP/s of float32 multiply-adds "
        f"({peaks.flops / peaks.threads / 1e9:.1f} a core), {peaks.bandwidth / 1e9:.1f} GB/s of memory "
        f"({peaks.working_set >> 20} MiB)"
        for peaks in results.peaks
    ]
    by_threads = {peaks.threads: peaks for peaks in results.peaks}
    rows = []
    for each in results.comparisons:
        for timing in each.timings:
            if timing.contestant == Ours.name and timing.threads in by_threads:
                work, peaks, seconds = each.work, by_threads[timing.threads], timing.shortest
                name = f"{each.case.name} {each.layer} {each.what}"
                rate, traffic = work.flops / seconds / 1e9, work.bytes / seconds / 1e9
                parts = f"{work.of_rate(peaks, seconds):.0%}", f"{work.of_bandwidth(peaks, seconds):.0%}"
                rows.append((name, str(timing.threads), f"{rate:.1f}", parts[0], f"{traffic:.1f}", parts[1]))
    columns = ["kernel", "threads", "GFLOP/s", "of the peak", "GB/s", "of the bandwidth"]
    note = (
        "The quickest round of each. Only matrix products are counted, not activations; and bytes as if all came from "
        "memory, though a benchmark that repeats a call finds them in caches."
    )
    return [*lines, "", note, "", *_table(columns, rows)]


def _picture(results: Results) -> Any:
    """Ratios as bars, one panel for each kind of call."""
    whats = results.settings.whats
    figure = extras.matplotlib().figure.Figure(figsize=(4.8 * len(whats), 4.2), layout="constrained")
    for axes, what in zip(figure.subplots(1, len(whats), squeeze=False)[0], whats, strict=True):
        chosen = [comparison for comparison in results.comparisons if comparison.what == what]
        names = [name for name in _COLORS if any(name in each.ratios for each in chosen)]
        for k, name in enumerate(names):
            places = [i + (k - (len(names) - 1) / 2) * 0.8 / len(names) for i in range(len(chosen))]
            heights = [each.ratios.get(name, float("nan")) for each in chosen]
            bars = axes.bar(places, heights, 0.8 / len(names), label=name, color=_COLORS[name])
            axes.bar_label(bars, fmt="%.1f", fontsize=6)
        axes.axhline(1, color="0.3", linewidth=1)
        axes.set_yscale("log")
        axes.set_xticks(range(len(chosen)), [f"{each.layer} {each.case.name}" for each in chosen], rotation=60)
        axes.set_title(_TITLES[what])
        axes.set_ylabel(f"time, in units of {Ours.name}'s")
        if names:
            axes.legend(fontsize=8)
    return figure

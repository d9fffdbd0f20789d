"""Results as JSON, as Markdown and as a picture."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.contestants import CONTESTANTS
from bench.results import Results
from bench.tables import TITLES, cpu_tables, gpu_tables
from pytmva_rnn import extras
from pytmva_rnn.errors import MissingExtraError
from pytmva_rnn.files import atomic_path

__all__ = ["as_json", "as_markdown", "write_picture", "write_report"]

_COLORS = dict(zip([each.name for each in CONTESTANTS], ("#4a4a4a", "#c4472b", "#2166ac", "#3a8a3f"), strict=True))


def write_report(results: Results, folder: str | os.PathLike[str]) -> list[Path]:
    """Write `bench.json` and `bench.md`, or `gpu.json` and `gpu.md`; returns their paths."""
    target, name = Path(folder), "gpu" if results.settings.on_gpu else "bench"
    texts = {f"{name}.json": json.dumps(as_json(results), indent=1) + "\n", f"{name}.md": as_markdown(results)}
    for file, text in texts.items():
        with atomic_path(target / file) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return [target / file for file in texts]


def write_picture(results: Results, folder: str | os.PathLike[str]) -> list[Path]:
    """Write `bench.png`, of the comparisons on the CPU; none where Matplotlib is not installed."""
    if results.settings.on_gpu:
        return []
    try:
        figure = _picture(results)
    except MissingExtraError:
        return []
    with atomic_path(Path(folder) / "bench.png") as temporary:
        figure.savefig(temporary, dpi=120)
    return [Path(folder) / "bench.png"]


def as_json(results: Results) -> dict[str, Any]:
    """Everything as plain data; times are seconds of one call in each round."""
    settings = {**vars(results.settings), "contestants": [each.name for each in results.settings.contestants]}
    values = {
        **vars(results),
        "settings": settings | {"cases": [asdict(case) for case in results.settings.cases]},
        "peaks": [asdict(peaks) for peaks in results.peaks.values()],
        "epochs": [asdict(each) for each in results.epochs],
    }
    values["comparisons"] = [each.as_data() for each in results.comparisons]
    return values


def as_markdown(results: Results) -> str:
    """The report as text."""
    machine, settings = results.machine, results.settings
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    cards = ", ".join(
        f"{card['name']} (compute capability {card['capability']}, {card['multiprocessors']} multiprocessors, "
        f"{card['memory'] / 2**30:.0f} GiB)"
        for card in results.cards
    )
    simulated = settings.on_gpu and not cards
    lines = [
        "# Benchmarks on a GPU" if settings.on_gpu else "# Benchmarks",
        "",
        f"- {machine['date']}, {machine['cpu']}, {machine['cores']} core(s) available, vectors of "
        f"{machine['vector_width']} float32, {machine['system']}",
        *([f"- {'simulated: the times mean nothing' if simulated else cards}"] if settings.on_gpu else []),
        f"- Python {machine['python']}, {packages}; load of the machine at the start {machine['load']}",
        *([f"- {settings.busy} process(es) did nothing but take cores meanwhile"] if settings.busy else []),
        "- contestants: " + ", ".join(f"{name} {version}" for name, version in results.versions.items()),
        *(f"- left out: {reason}" for reason in results.left_out),
        f"- medians of {settings.rounds} interleaved rounds; ratios are medians of the ratios within a round, each "
        "side at its better number of threads",
        *(f"- case {case.name}: {case.describe()}" for case in settings.cases),
    ]
    return "\n".join([*lines, *(gpu_tables(results) if settings.on_gpu else cpu_tables(results))]) + "\n"


def _picture(results: Results) -> Any:
    """Ratios as bars, one panel for each kind of call."""
    calls = results.settings.calls
    figure = extras.matplotlib().figure.Figure(figsize=(4.8 * len(calls), 4.2), layout="constrained")
    for axes, what in zip(figure.subplots(1, len(calls), squeeze=False)[0], calls, strict=True):
        chosen = [comparison for comparison in results.comparisons if comparison.what == what]
        names = list(dict.fromkeys(name for each in chosen for name in each.ratios))
        for k, name in enumerate(names):
            places = [i + (k - (len(names) - 1) / 2) * 0.8 / len(names) for i in range(len(chosen))]
            heights = [each.ratios.get(name, float("nan")) for each in chosen]
            bars = axes.bar(places, heights, 0.8 / len(names), label=name, color=_COLORS.get(name))
            axes.bar_label(bars, fmt="%.1f", fontsize=6)
        axes.axhline(1, color="0.3", linewidth=1)
        axes.set_yscale("log")
        axes.set_xticks(range(len(chosen)), [f"{each.layer} {each.case.name}" for each in chosen], rotation=60)
        axes.set_title(TITLES[what])
        axes.set_ylabel(f"time, in units of {results.settings.contestants[0].name}'s")
        if names:
            axes.legend(fontsize=8)
    return figure

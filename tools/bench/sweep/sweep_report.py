"""What a sweep has found: JSON that `python tools/bench compare` reads, Markdown, and a picture."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.results import CaseResult
from bench.sweep.growth import Curve, cliffs, fit
from pytmva_rnn import extras
from pytmva_rnn.errors import MissingExtraError
from pytmva_rnn.files import atomic_path

__all__ = ["Sweep", "curve_table", "write_sweep"]

_UNITS = {"seconds": ("µs", 1e6), "bytes": ("MiB", 2.0**-20)}


@dataclass
class Sweep:
    """All curves until now.

    Attributes
    ----------
    machine : dict
        What `describe_machine` told.
    versions : dict of str -> str
        Of the program.
    curves : list of Curve
    comparisons : list of CaseResult
        The timings of the curves of time.
    left_out : list of str
        What was not measured, and why.
    """

    machine: dict[str, Any]
    versions: dict[str, str]
    curves: list[Curve] = field(default_factory=list)
    comparisons: list[CaseResult] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def curve_table(curve: Curve) -> list[str]:
    """A curve in Markdown: its points, the fit, and its cliffs."""
    unit, scale = _UNITS[curve.quantity]
    found = fit(curve.points)
    lines = [
        f"### {curve.title}",
        "",
        f"| {curve.axis} | {unit} | floor, {unit} | times the floor | fit, {unit} |",
        "| ---: | ---: | ---: | ---: | ---: |",
    ]
    for point in curve.points:
        numbers = (point.cost * scale, point.floor * scale, point.cost / point.floor)
        expected = (found.fixed + found.times * point.floor) * scale
        lines.append(f"| {point.value:,} | " + " | ".join(_digits(x) for x in (*numbers, expected)) + " |")
    lines += ["", f"Fit: {_digits(found.fixed * scale)} {unit} + {found.times:.2f} times the floor."]
    return [*lines, *(f"- **cliff**: {text}" for text in cliffs(curve))]


def _digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def write_sweep(sweep: Sweep, folder: Path) -> list[Path]:
    """Write `sweep.json`, `sweep.md` and, where Matplotlib is installed, `sweep.png`; returns their paths."""
    texts = {"sweep.json": json.dumps(_as_json(sweep), indent=1) + "\n", "sweep.md": _as_markdown(sweep)}
    for name, text in texts.items():
        with atomic_path(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    written = [folder / name for name in texts]
    if sweep.curves:
        try:
            figure = _picture(sweep.curves)
        except MissingExtraError:
            return written
        with atomic_path(folder / "sweep.png") as temporary:
            figure.savefig(temporary, dpi=120)
        written.append(folder / "sweep.png")
    return written


def _as_json(sweep: Sweep) -> dict[str, Any]:
    return {
        "machine": sweep.machine,
        "versions": sweep.versions,
        "left_out": sweep.left_out,
        "curves": [
            asdict(curve) | {"fit": asdict(fit(curve.points)), "cliffs": cliffs(curve)} for curve in sweep.curves
        ],
        "comparisons": [each.as_data() for each in sweep.comparisons],
    }


def _as_markdown(sweep: Sweep) -> str:
    machine = sweep.machine
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    broken = [text for curve in sweep.curves for text in cliffs(curve)]
    lines = [
        "# How cost grows",
        "",
        f"- {machine['date']}, {machine['cpu']}, {machine['cores']} core(s) available, vectors of "
        f"{machine['vector_width']} float32, {machine['system']}",
        f"- Python {machine['python']}, {packages}; load of the machine at the start {machine['load']}",
        "- one size is varied, the others are those of case 2 of the comparison with other programs; the quickest of "
        "the rounds, in which all points of a curve take turns",
        "- the floor is the longer of what the matrix products, and the bytes of events and weights, take at the "
        "machine's measured rates; of memory, what must be in it",
        *(f"- left out: {reason}" for reason in sweep.left_out),
        "",
        f"## {len(broken)} cliff(s)" if broken else "## No cliffs",
        "",
        *(f"- {text}" for text in broken),
    ]
    for curve in sweep.curves:
        lines += ["", *curve_table(curve)]
    return "\n".join(lines) + "\n"


def _picture(curves: Sequence[Curve]) -> Any:
    """Cost over value, the floor and the fit beside it, one panel for each axis and quantity."""
    panels: dict[tuple[str, str], list[Curve]] = {}
    for curve in curves:
        panels.setdefault((curve.axis, curve.quantity), []).append(curve)
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    figure = extras.matplotlib().figure.Figure(figsize=(5.2 * columns, 4.2 * rows), layout="constrained")
    flat = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in flat[len(panels) :]:
        axes.set_visible(False)
    for axes, ((axis, quantity), group) in zip(flat, panels.items(), strict=False):
        unit, scale = _UNITS[quantity]
        for number, curve in enumerate(group):
            color, found = f"C{number % 10}", fit(curve.points)
            values = [point.value for point in curve.points]
            label = f"{curve.layer} {curve.what}"
            axes.plot(values, [p.cost * scale for p in curve.points], "o", color=color, markersize=3, label=label)
            expected = [(found.fixed + found.times * p.floor) * scale for p in curve.points]
            axes.plot(values, expected, color=color, linewidth=1)
            axes.plot(values, [p.floor * scale for p in curve.points], ":", color=color, linewidth=1)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel(axis)
        axes.set_ylabel(f"{'time' if quantity == 'seconds' else 'memory'}, {unit}; line: fit, dots: floor")
        axes.legend(fontsize=7)
    return figure

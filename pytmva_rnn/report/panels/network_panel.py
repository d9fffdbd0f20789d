"""The network, drawn: its layers from the input down to the score, recurrent ones with their steps."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import shorten
from typing import Any

from pytmva_rnn import extras
from pytmva_rnn.description import OUTPUT_FUNCTION_NAMES, Shape, size_in_words
from pytmva_rnn.report.panels.drawing import INK, MUTED, Panel, color, plain
from pytmva_rnn.report.report_numbers import LayerRow, ReportNumbers

__all__ = ["network_panels"]

_MOST = 14
"""Layers that are drawn; of more, those in the middle are left out."""
_CELLS = ("0", "1", "2", "…", "")
"""Steps that are drawn of a recurrent layer with more of them; the last has its number."""
_WORDS = 58
"""Letters of what is said of a layer."""


def network_panels(report: ReportNumbers) -> list[Panel]:
    """One."""
    parameters = sum(row.parameters for row in report.network)
    chain = ", ".join(f"{row.kind} with output {_size(row.shape)}" for row in report.network)
    alt = f"Layers from an input of {_size(report.input_shape)}: {chain}. {parameters:,} parameters."
    rows = len(_shown(report.network)) + 2
    return [Panel("network", "Network", alt, lambda figure: _draw(figure, report), 0.04 + 0.155 * rows)]


def _size(shape: Shape) -> str:
    return size_in_words(shape, "×")


def _shown(network: tuple[LayerRow, ...]) -> list[LayerRow | None]:
    if len(network) <= _MOST:
        return list(network)
    return [*network[: _MOST // 2], None, *network[-(_MOST // 2) :]]


@dataclass(frozen=True)
class _Box:
    """What is drawn of a layer, and the size of its output."""

    name: str
    words: str
    size: str
    color: str
    steps: int = 1


def _boxes(report: ReportNumbers) -> list[_Box]:
    names = ", ".join(report.inputs.names)
    words = f"{len(report.inputs.names)} inputs: {names}" if report.inputs.steps == 1 else f"a step has {names}"
    boxes = [_Box("input", words, _size(report.input_shape), MUTED)]
    for row in _shown(report.network):
        if row is None:
            boxes.append(_Box("…", f"{len(report.network) - _MOST} more layers", "", MUTED))
            continue
        words = ", ".join([*([row.settings] if row.settings else []), f"{row.parameters:,} parameters"])
        boxes.append(_Box(row.kind, words, _size(row.shape), color(0 if row.steps > 1 else 2), row.steps))
    outputs = report.targets or (report.classes[:1] if len(report.classes) == 2 else report.classes)
    return [*boxes, _Box(OUTPUT_FUNCTION_NAMES[report.output_function], "score of " + ", ".join(outputs), "", color(1))]


def _draw(figure: Any, report: ReportNumbers) -> None:
    axes = figure.subplots()
    axes.set_axis_off()
    boxes = _boxes(report)
    axes.set(xlim=(0, 1), ylim=(len(boxes) - 0.1, -0.1))
    for number, box in enumerate(boxes):
        _draw_box(axes, number, box)
        if number + 1 < len(boxes):
            arrow = {"arrowstyle": "-|>", "color": MUTED}
            axes.annotate("", (0.5, number + 1.03), (0.5, number + 0.73), arrowprops=arrow)
            axes.text(0.53, number + 0.88, box.size, fontsize="small", color=MUTED, va="center")


def _draw_box(axes: Any, number: int, box: _Box) -> None:
    axes.add_patch(
        extras.matplotlib().patches.FancyBboxPatch(
            (0.02, number + 0.04),
            0.96,
            0.68,
            boxstyle="round,pad=0,rounding_size=0.02",
            facecolor=(box.color, 0.14),
            edgecolor=box.color,
            linewidth=1,
            mutation_aspect=len(_CELLS),
        )
    )
    axes.text(0.05, number + 0.23, plain(box.name), weight="bold", va="center", color=INK)
    words = plain(shorten(box.words, _WORDS, placeholder=" …"), _WORDS)
    axes.text(0.05, number + 0.53, words, fontsize="small", va="center", color=INK)
    if box.steps > 1:
        every = range(box.steps)
        cells = list(map(str, every)) if box.steps <= len(_CELLS) else [*_CELLS[:-1], str(box.steps - 1)]
        for place, cell in zip(range(len(cells), 0, -1), cells, strict=True):
            frame = {"boxstyle": "round,pad=0.25", "facecolor": "none", "edgecolor": box.color, "linewidth": 0.8}
            x, y = 0.98 - 0.062 * place, number + 0.23
            axes.text(x, y, cell, fontsize="x-small", ha="center", va="center", color=INK, bbox=frame)

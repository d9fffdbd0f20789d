"""Drawings of the pages, as SVG in light or dark, made of what the package itself says, so that they cannot lag."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from importlib.resources import files
from xml.sax.saxutils import escape, quoteattr

from pytmva_rnn.weightfile.layer_nodes import FORMATS

__all__ = ["DRAWINGS", "block_drawing", "colours", "tags_drawing"]

_FONT = 'font-family="system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif"'


def colours() -> str:
    """The variables of the report's page, light and dark, as a style sheet."""
    sheet = files("pytmva_rnn.report.page").joinpath("page.css").read_text(encoding="utf-8")
    return sheet.partition("\n* {")[0]


def _svg(width: int, height: int, title: str, parts: Iterable[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img" aria-label={quoteattr(title)} {_FONT} font-size="14">'
    )
    surface = '<rect width="100%" height="100%" rx="8" fill="var(--surface)"/>'
    return "\n".join([head, f"<style>\n{colours()}\n</style>", surface, *parts, "</svg>", ""])


def _text(x: float, y: float, words: str, *, anchor: str = "start", ink: str = "ink", size: int = 14) -> str:
    place = f'x="{x:g}" y="{y:g}" text-anchor="{anchor}"'
    return f'<text {place} fill="var(--{ink})" font-size="{size}">{escape(words)}</text>'


def _box(
    x: float, y: float, width: float, height: float, *, edge: str = "muted", fill: str = "none", opacity: float = 1
) -> str:
    inside = fill if fill == "none" else f"var(--{fill})"
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="4" fill="{inside}" '
        f'fill-opacity="{opacity:g}" stroke="var(--{edge})"/>'
    )


def tags_drawing(tag: str, gates: str) -> str:
    """What the tags of a gated layer hold: to the left the tags as the file has them, to the right what they name.

    Parameters
    ----------
    tag : str
        The layer's, `LSTMLayer` or `GRULayer`.
    gates : str
        Its gates' letters in the order of the tags, `ifco`.
    """
    matrices = FORMATS.find(tag).matrices
    named = [f"{kind}_{gate}" for gate in gates for kind in "WUb"]
    row, top, left, right = 34, 62, 30, 520
    parts = [
        _text(left, 36, f"the tag in <{tag}>", ink="muted"),
        _text(right + 60, 36, "the matrix that its name promises", anchor="end", ink="muted"),
    ]
    for place, ((name, held), promised) in enumerate(zip(matrices, named, strict=True)):
        y = top + row * place
        ink = "series-0" if held == promised else "series-1"
        to = top + row * named.index(held)
        parts += [
            f'<path d="M{left + 190} {y + 12} C {left + 320} {y + 12}, {right - 130} {to + 12}, {right - 8} {to + 12}" '
            f'fill="none" stroke="var(--{ink})" stroke-width="2"/>',
            f'<path d="M{right - 8} {to + 7} l8 5 l-8 5 z" fill="var(--{ink})"/>',
            _box(left, y, 190, 24, edge=ink),
            _text(left + 10, y + 17, name),
            _box(right, y, 60, 24),
            _text(right + 30, y + 17, promised, anchor="middle"),
        ]
    bottom = top + row * len(named) + 14
    parts += [
        _text(left, bottom, "holds what its name says", ink="series-0"),
        _text(left + 210, bottom, "holds another matrix: follow the line", ink="series-1"),
    ]
    return _svg(610, bottom + 20, f"What the tags of {tag} hold", parts)


def block_drawing(lanes: int = 16, width: int = 8) -> str:
    """A block of events as the CPU's kernels have it: a lane each, in vectors of `width`.

    Parameters
    ----------
    lanes, width : int
        As `kernels.cpu.machine.lanes` has them on a CPU with AVX2.
    """
    cell, left, top = 22, 120, 92
    right = left + cell * lanes
    parts = [_text(24, 34, "One step of a block"), _text(right + 110, 34, "Its way through the network")]
    parts += [
        _text(left + cell * (width * v + width / 2), 60, f"vector {v}", anchor="middle", ink="muted")
        for v in range(lanes // width)
    ]
    parts += [
        _text(left + cell * (lane + 0.5), 82, str(lane), anchor="middle", ink="muted", size=11) for lane in range(lanes)
    ]
    rows = ("x: pt", "x: eta", "x: phi", "1 (bias)", "h: unit 0", "h: unit 1")
    for number, name in enumerate(rows):
        y = top + cell * number
        parts.append(_text(left - 10, y + 16, name, anchor="end"))
        ink = "series-0" if name.startswith("x") else "series-2" if name.startswith("h") else "series-4"
        parts += [
            _box(left + cell * lane, y, cell, cell, edge="grid", fill=ink, opacity=0.55 if lane == 5 else 0.18)
            for lane in range(lanes)
        ]
    bottom = top + cell * len(rows)
    parts += [
        f'<rect x="{left + cell * width * v:g}" y="{top}" width="{cell * width}" height="{bottom - top}" fill="none" '
        'stroke="var(--ink)" stroke-width="1.5"/>'
        for v in range(lanes // width)
    ]
    parts.append(_text(left + cell * 5.5, bottom + 18, "lane 5: one event", anchor="middle", ink="muted", size=12))
    parts += list(_product(left, bottom + 48, cell, width))
    parts += list(_operations(right + 110, top))
    return _svg(right + 330, bottom + 208, "A block of events in lanes, and its way through the operations", parts)


def _product(left: float, y: float, cell: int, width: int) -> Iterable[str]:
    """What a multiply-add does: one weight, a vector of inputs, a register of sums."""
    span = cell * width
    yield _text(left - 10, y + 16, "input row", anchor="end")
    yield _box(left, y, span, cell, edge="series-0", fill="series-0", opacity=0.18)
    yield _text(left + span + 14, y + 16, "× one weight, in every lane")
    sums = ("i", "f", "g", "o")
    yield _text(left - 10, y + 58, "sums", anchor="end")
    for number, gate in enumerate(sums):
        place = y + 36 + 24 * number
        yield _box(left, place, span, cell, edge="series-1", fill="series-1", opacity=0.18)
        yield _text(left + span / 2, place + 16, gate, anchor="middle")
    yield _text(left + span + 14, y + 58, "+=, in registers until the cell's")
    yield _text(left + span + 14, y + 78, "equations have used them")


def _operations(x: float, y: float) -> Iterable[str]:
    """The table of operations with the ways there and back."""
    names = ("input", "LSTM", "DENSE", "LINEAR", "loss")
    for number, name in enumerate(names):
        place = y + 46 * number
        yield _box(x, place, 110, 30, edge="accent", fill="accent", opacity=0.12)
        yield _text(x + 55, place + 20, name, anchor="middle")
        if number:
            yield _arrow(x + 40, place - 16, "v12 m-4 -5 l4 5 l4 -5", "series-0")
            yield _arrow(x + 70, place - 4, "v-12 m-4 5 l4 -5 l4 5", "series-1")
    end = y + 46 * len(names)
    yield _text(x, end + 6, "forward, ↓", ink="series-0", size=13)
    yield _text(x, end + 26, "and backward, ↑,", ink="series-1", size=13)
    yield _text(x, end + 46, "while it is in the cache", ink="muted", size=13)


def _arrow(x: float, y: float, way: str, ink: str) -> str:
    return f'<path d="M{x:g} {y:g} {way}" fill="none" stroke="var(--{ink})" stroke-width="2"/>'


DRAWINGS: Mapping[str, Callable[[], str]] = {
    "lstm_tags.svg": partial(tags_drawing, "LSTMLayer", "ifco"),
    "gru_tags.svg": partial(tags_drawing, "GRULayer", "rzc"),
    "block.svg": block_drawing,
}
"""By file name."""

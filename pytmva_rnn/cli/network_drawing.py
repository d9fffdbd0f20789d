"""The network drawn in boxes of text, from the input down to the score."""

from __future__ import annotations

from dataclasses import dataclass

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.panel import Panel
from rich.text import Text

from pytmva_rnn.description import OUTPUT_FUNCTION_NAMES, Description, scored, settings_in_words, size_in_words
from pytmva_rnn.errors import shown_text

__all__ = ["NetworkDrawing"]

_WIDTH = 72
_NAMES = 8
"""Inputs that are named."""


@dataclass(frozen=True)
class _Box:
    """A layer, and the size of its output; how often it runs for an event."""

    name: str
    words: str
    size: str = ""
    steps: int = 1
    parameters: str = ""


class NetworkDrawing:
    """Something that rich prints.

    Parameters
    ----------
    model : Description
        Whose parts fit each other.
    inputs : tuple of str
        Names of the inputs of a step, where they are known.
    most : int, optional
        Layers that are drawn; of more, those in the middle are left out.
    """

    def __init__(self, model: Description, inputs: tuple[str, ...] = (), most: int | None = None) -> None:
        self._boxes = _boxes(model, inputs, most)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        down, to = ("v", ">") if options.ascii_only else ("▼", "→")
        dots = "..." if options.ascii_only else "…"
        width = min(options.max_width, _WIDTH)
        for number, each in enumerate(self._boxes):
            if not each.name:
                yield Text(f"{each.words:^{width}}".rstrip(), style="dim")
                continue
            words = Text(each.words, overflow="fold")
            if each.steps > 1:
                words.append(f"\nstep {_steps(each.steps, to, dots)}", style="cyan")
            yield Panel(
                words,
                box=box.ROUNDED,
                title=Text(each.name, style="bold"),
                title_align="left",
                subtitle=Text(each.parameters) if each.parameters else None,
                subtitle_align="right",
                width=width,
            )
            if number + 1 < len(self._boxes):
                yield Text(f"{' ' * (width // 2)}{down} {each.size}", style="dim")
        yield ""


def _boxes(model: Description, inputs: tuple[str, ...], most: int | None) -> list[_Box]:
    steps, width = model.event_shape
    names = inputs or (tuple(variable.label for variable in model.variables) if steps == 1 else ())
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    named = f": {shown_text(', '.join(names[:_NAMES]))}{more}" if names else ""
    count = f"{width} input{'s' if width > 1 else ''}"
    whole = f"{steps} steps of {count}" if steps > 1 else count
    first = _Box("input", whole + named, size_in_words(model.input_layout))
    layers = [
        _Box(
            layer.kind,
            settings_in_words(layer),
            size_in_words(shape),
            layer.steps,
            f"{layer.parameter_count:,} parameters",
        )
        for layer, shape in zip(model.layers, model.shapes()[1:], strict=True)
    ]
    if most is not None and len(layers) > most:
        left_out = _Box("", f"{len(layers) - most} more layers")
        layers = [*layers[: most // 2], left_out, *layers[-(most // 2) :]]
    last = _Box(OUTPUT_FUNCTION_NAMES[model.output_function], f"score of {shown_text(', '.join(scored(model)))}")
    return [first, *layers, last]


def _steps(count: int, to: str, dots: str) -> str:
    """The steps in a row, of many the first and the last."""
    shown = [str(step) for step in range(min(count, 4))]
    if count > 5:
        shown.append(dots)
    return f" {to} ".join([*shown, str(count - 1)] if count > 4 else shown)

"""What a network shows of itself in a notebook."""

from __future__ import annotations

from typing import Any

from pytmva_rnn.description import (
    LOSS_NAMES,
    OUTPUT_FUNCTION_NAMES,
    Description,
    learnt,
    settings_in_words,
    size_in_words,
)
from pytmva_rnn.errors import DataError
from pytmva_rnn.html_elements import element
from pytmva_rnn.notebook import facts, listed, rows, shown

__all__ = ["network_elements", "network_html"]


def network_html(model: Description) -> str:
    """As HTML: what it learns, and its layers."""
    return shown(f"{type(model).__name__} {model.title}", *network_elements(model))


def network_elements(model: Description) -> list[Any]:
    """The same without a heading, or what is wrong where it could not be shown."""
    try:
        model.check_shapes()
    except DataError as error:
        return [element("p", str(error))]
    about = {
        "analysis": f"{model.analysis.lower()} of {listed(learnt(model))}",
        "variables": f"{len(model.variables):,}: {listed(variable.label for variable in model.variables)}",
        "spectators": listed(spectator.label for spectator in model.spectators),
        "transformations": listed(each.kind for each in model.transformations),
        "loss, output function": f"{LOSS_NAMES[model.loss]}, {OUTPUT_FUNCTION_NAMES[model.output_function]}",
        **({"steps that are not there": "left out"} if model.mask_padding else {}),
        "parameters": f"{sum(layer.parameter_count for layer in model.layers):,}",
    }
    shapes = model.shapes()
    cells = [
        ("input", "", size_in_words(shapes[0], "×"), ""),
        *(
            (layer.kind, settings_in_words(layer).replace("_", " "), size_in_words(shape, "×"), f"{count:,}")
            for layer, shape, count in zip(
                model.layers, shapes[1:], [layer.parameter_count for layer in model.layers], strict=True
            )
        ),
    ]
    return [facts(about), rows("Network", ["layer", "settings", "output", "parameters"], cells, texts=2)]

"""What a dataset shows of itself in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pytmva_rnn.data.memory_limit import in_words
from pytmva_rnn.data.sequences import Steps
from pytmva_rnn.notebook import facts, listed, rows, shown

if TYPE_CHECKING:
    from pytmva_rnn.data.dataset import Dataset

__all__ = ["dataset_html"]


def dataset_html(data: Dataset) -> str:
    """As HTML: its inputs, and its classes with their events and weights."""
    spectators = () if data.recipe is None else data.recipe.spectators
    size = in_words(data.X.nbytes)
    about = {
        "inputs": _inputs(data),
        "targets": listed(target.name for target in data.targets),
        "spectators": listed(spectator.name for spectator in spectators),
        "files": listed(data.files),
        "size of the inputs": size if data.storage is None else f"{size}, of which pieces are in memory",
    }
    count = len(data.classes)
    events = np.bincount(data.class_index, minlength=count)
    weights = np.bincount(data.class_index, data.weights, minlength=count)
    cells = [
        (name, f"{number:,}", f"{weight:,.6g}")
        for name, number, weight in zip(data.classes, events, weights, strict=True)
    ]
    heading = f"Dataset of {len(data):,} events for a {data.analysis}"
    return shown(heading, facts(about), rows("Classes", ["class", "events", "sum of weights"], cells))


def _inputs(data: Dataset) -> str:
    """Of a step or of a flat event, by name where they have names."""
    width = data.X.shape[-1]
    each = f"{data.X.shape[1]} steps of {width}" if data.X.ndim == 3 else f"{width} variables"
    names = data.variables
    if data.X.ndim == 3:  # those of the first step, which have its number
        names = tuple(name.removesuffix("_0") for name in names[:width])
    if data.recipe is not None:
        made = data.recipe.inputs
        names = tuple(made.input_names if isinstance(made, Steps) else (column.name for column in made.columns))
    return f"{each}: {listed(names)}" if names else each

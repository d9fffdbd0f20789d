"""What the commands print as tables."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from pytmva_rnn.data import Dataset, Division
from pytmva_rnn.description import Layer, Shape, settings_in_words, size_in_words
from pytmva_rnn.report import ScoredSample, deviation
from pytmva_rnn.report.metrics import BACKGROUNDS
from pytmva_rnn.report.performance import separations
from pytmva_rnn.training.ranks import Ranks

__all__ = [
    "deviation_table",
    "events_table",
    "layer_table",
    "plain_table",
    "separation_table",
    "show",
]

_WIDTH = 120


def show(table: RenderableType) -> None:
    """Print a table or a drawing to the standard output, wide enough for files and pipes too."""
    console = Console(file=sys.stdout, highlight=False, width=None if sys.stdout.isatty() else _WIDTH)
    console.print(table)


def plain_table(title: str, columns: Iterable[tuple[str, str]], rows: Iterable[Sequence[object]]) -> Table:
    """A table with a title.

    Parameters
    ----------
    title : str
    columns : iterable of (heading, "left" or "right")
    rows : iterable of cells, printed by `str`
    """
    table = Table(title=Text(title), title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for heading, justify in columns:
        table.add_column(heading, justify="right" if justify == "right" else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    return table


def layer_table(layers: Sequence[Layer], input_layout: Shape) -> Table:
    """Layers with their settings, output and number of parameters; their weights are not needed."""
    rows: list[Sequence[object]] = [("", "input", "", size_in_words(input_layout), "")]
    shape = input_layout
    for number, layer in enumerate(layers):
        shape = layer.output_shape(shape)
        rows.append((number, layer.kind, settings_in_words(layer), size_in_words(shape), f"{layer.parameter_count:,}"))
    rows.append(("", "all", "", "", f"{sum(layer.parameter_count for layer in layers):,}"))
    columns = [("#", "right"), ("layer", ""), ("settings", ""), ("output", "right"), ("parameters", "right")]
    return plain_table("Network", columns, rows)


def events_table(data: Dataset, parts: Division, ranks: Ranks) -> Table:
    """Events of each class, of all processes that share them, and how they are divided."""
    samples = {"training": parts.training, "validation": parts.validation, "test": parts.test}
    given = {name: sample for name, sample in samples.items() if sample is not None}
    count = len(data.classes)
    columns = {"events": ranks.add(np.bincount(data.class_index, minlength=count))}
    columns["sum of weights"] = ranks.add(np.bincount(data.class_index, data.weights, minlength=count))
    for name, sample in given.items():
        columns[name] = ranks.add(np.bincount(sample.class_index, minlength=count))
    rows = [
        (
            name,
            *(
                f"{values[index]:,.6g}" if heading == "sum of weights" else f"{values[index]:,}"
                for heading, values in columns.items()
            ),
        )
        for index, name in enumerate(data.classes)
    ]
    return plain_table("Events", [("class", ""), *((heading, "right") for heading in columns)], rows)


def separation_table(samples: Mapping[str, ScoredSample], classes: Sequence[str], title: str) -> Table:
    """ROC integral and signal efficiencies, from each sample: TMVA's table of EvaluateAllMethods.

    Of more than two classes, each one against the rest. The weights tell how much of the rest each class is: those of
    the samples must be of one kind.
    """
    found = {name: separations(sample, classes) for name, sample in samples.items()}
    rows = []
    for number in range(1 if len(classes) == 2 else len(classes)):
        for name in samples:
            row = found[name][number]
            what = title if len(classes) == 2 else f"{title}, {classes[number]}"
            area = f"{row.roc_integral:.4f} ± {row.roc_uncertainty:.4f}"
            rows.append((what, name, area, *(f"{value:.4f}" for value in row.signal_efficiencies.values())))
    columns = [("method", ""), ("sample", ""), ("ROC integral", "right")]
    columns += [(f"@B={at:.2f}", "right") for at in BACKGROUNDS]
    return plain_table("Separation, and signal efficiency at background efficiency B", columns, rows)


def deviation_table(samples: Mapping[str, ScoredSample], targets: Sequence[str]) -> Table:
    """Bias and RMS of a regression, from each sample."""
    rows = []
    for name, sample in samples.items():
        bias, rms = deviation(sample.target_values, sample.scores, sample.weights)
        rows += [(target, name, f"{b:.6g}", f"{r:.6g}") for target, b, r in zip(targets, bias, rms, strict=True)]
    columns = [("target", ""), ("sample", ""), ("bias", "right"), ("RMS", "right")]
    return plain_table("Deviation of the prediction from the target", columns, rows)

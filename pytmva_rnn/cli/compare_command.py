"""`pytmva-rnn compare`: two files of a network on the same events."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.cli.about_options import ABOUT_EPILOG, about_of, add_about_options, inputs_of, like, option_errors
from pytmva_rnn.cli.tables import plain_table, show
from pytmva_rnn.errors import DataError
from pytmva_rnn.export.answers import answers
from pytmva_rnn.export.formats import HEADERS, XML, format_of, read_network
from pytmva_rnn.model import Model
from pytmva_rnn.pyroot import register
from pytmva_rnn.report.agreement import Agreement

__all__ = ["DIFFERENT", "TOLERANCE", "add_command", "compare_scores", "run", "scored"]

TOLERANCE = 2e-6
DIFFERENT = 3
"""Exit code where scores differ by more than the tolerance."""

_EPILOG = f"""\
examples:
  pytmva-rnn compare TMVA_LSTM.weights.xml net.onnx data.root
  pytmva-rnn compare TMVA_LSTM.weights.xml QuarkGluon.hxx data.root:tree --tolerance 1e-5
  pytmva-rnn compare net.keras TMVA_LSTM.weights.xml data.root --like TMVA_LSTM.weights.xml

A weight file is scored by pytmva_rnn, and by C++ TMVA's Reader where there is a ROOT that has TMVA; .onnx by ONNX
Runtime; .pt and .safetensors by PyTorch; .hxx by a program that a C++ compiler makes of it; .keras and .h5 by
pytmva_rnn. {ABOUT_EPILOG}
A difference counts relative to the score where that is above 1.

exit codes: 0 they agree within the tolerance, 1 wrong input (told in one line), 2 wrong usage, {DIFFERENT} they differ
"""


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser], summary: str) -> None:
    """Declare the arguments."""
    parser = commands.add_parser(
        "compare",
        help=summary,
        description="Score events with two files of a network, and show how far apart the scores are.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("one", metavar="A", type=Path, help=".xml, .hxx, .onnx, .pt, .safetensors, .keras or .h5")
    parser.add_argument("other", metavar="B", type=Path, help="likewise")
    parser.add_argument("data", metavar="DATA.root", help="ROOT file with events; file.root:tree, or a pattern")
    parser.add_argument("--tree", help="name of the tree (not needed where the file holds just one)")
    parser.add_argument(
        "--tolerance", type=float, default=TOLERANCE, help=f"largest difference that is none (default: {TOLERANCE:g})"
    )
    add_about_options(parser)
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Read, score, and show."""
    if not given.tolerance >= 0:
        raise DataError(f"--tolerance is a number from 0 on, not {given.tolerance}")
    paths = [given.one, given.other]
    with option_errors():
        models = _models(paths, about_of(given, given.tree))
    first = next(model for model in models if model is not None)
    X = inputs_of(first, given.data, given.tree)
    columns: list[tuple[str, NDArray[Any]]] = []
    for path, model in zip(paths, models, strict=True):
        columns += scored(path, model or first, X, given.steps)
    print(f"{len(X):,} events of {given.data}, {first.outputs} output{'s' if first.outputs > 1 else ''}")
    return compare_scores(columns, given.tolerance)


def compare_scores(columns: Sequence[tuple[str, NDArray[Any]]], tolerance: float) -> int:
    """Show how far scores under their names are apart, each two of them; returns the exit code."""
    largest = 0.0
    for (one, of_one), (other, of_other) in combinations(columns, 2):
        agreement = Agreement.of(of_one, of_other)
        print(f"\n{one} and\n{other}:\n{agreement}\n")
        show(plain_table("", [("difference", "left"), ("events", "right")], agreement.histogram()))
        largest = max(largest, agreement.largest)
    agree = largest <= tolerance
    print(f"{'they agree' if agree else 'they differ'}: {largest:.2g} where {tolerance:g} is allowed")
    return 0 if agree else DIFFERENT


def _models(paths: Sequence[Path], about: dict[str, Any]) -> list[Model | None]:
    """The networks; what one file does not say the other does. None for a C++ header, which is not read."""
    kinds = [format_of(path) for path in paths]
    if kinds == [HEADERS, HEADERS]:
        raise DataError("two C++ headers do not say how their variables are made; compare each with its weight file")
    if about and set(kinds) <= {XML, HEADERS}:
        raise DataError(f"--{next(iter(about))} is for files that do not say it themselves; leave it out")
    models: list[Model | None] = [None, None]
    for number in sorted(range(2), key=lambda n: kinds[n] != XML):
        if kinds[number] == HEADERS:
            continue
        other = models[1 - number]
        if kinds[number] == XML:
            models[number] = read_network(paths[number])
            continue
        try:
            models[number] = read_network(paths[number], about)
        except DataError:
            if other is None:
                raise
            # it may be the names that are missing, which are those of the other file
            models[number] = read_network(paths[number], {**like(other), **about})
    one, other = models
    if one is not None and other is not None and (one.event_shape, one.outputs) != (other.event_shape, other.outputs):
        shapes = [
            f"{'x'.join(map(str, each.event_shape))} variables and {each.outputs} outputs" for each in (one, other)
        ]
        raise DataError(f"{paths[0]} has {shapes[0]}, {paths[1]} {shapes[1]}: they are different networks")
    masks = [model is not None and model.mask_padding for model in models]  # headers score every step
    if masks[0] != masks[1]:
        leaves_out, takes = paths if masks[0] else reversed(paths)
        raise DataError(
            f"{leaves_out} leaves out steps that are not there (mask_padding), and {takes} takes all: they are "
            "different networks"
        )
    if one is not None and other is not None:
        for first, second in zip(one.variables, other.variables, strict=True):
            if first.expression != second.expression:
                raise DataError(
                    f"the variables are others: {first.expression} in {paths[0]}, {second.expression} in {paths[1]}"
                )
    return models


def scored(path: Path, model: Model, X: NDArray[np.float32], steps: int | None) -> list[tuple[str, NDArray[Any]]]:
    """The scores of a file (n, O) by each who can give them, under what to call them."""
    found = answers(path, model, steps)
    columns = [(f"{path} ({found.by})", found.scores(X))]
    if format_of(path) == XML:
        try:
            tmva, _ = register(path).predict(X)
        except ImportError:  # there is no ROOT, or none with TMVA
            return columns
        columns.append((f"{path} (C++ TMVA)", np.asarray(tmva).reshape(len(X), -1)))
    return columns

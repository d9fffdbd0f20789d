"""`pytmva-rnn evaluate`: a tree with the score of every event."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pytmva_rnn.cli.scores import branch_names, new_root_file, score_columns
from pytmva_rnn.data import Inputs, Recipe, Source, count_entries, iterate_inputs, load_inputs
from pytmva_rnn.errors import DataError
from pytmva_rnn.model import Model, read_weights
from pytmva_rnn.weightfile.stored_recipe import TREE, stored_inputs, stored_recipe

__all__ = ["add_command", "run"]

_VALUES = 8_000_000
"""Input values held at a time (32 MB in float32)."""
_MOST_ENTRIES = 250_000
_FEWEST_ENTRIES = 1_000

_EPILOG = """\
examples:
  pytmva-rnn evaluate DL.weights.xml data.root -o scores.root
  pytmva-rnn evaluate DL.weights.xml 'run*.root' --tree events -o scores.root --branch lstm

The tree has one entry for each entry of the input, in the same order, files one after the other, so that it can be
a friend of the input tree: tree->AddFriend("scores", "scores.root"). An existing scores.root is replaced.
A network trained with for_each gives one branch for each value; one with several outputs, one for each output.
"""


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser], summary: str) -> None:
    """Declare the arguments."""
    parser = commands.add_parser(
        "evaluate",
        help=summary,
        description="Write a tree with the score of every event. The weight file may be pytmva_rnn's or C++ TMVA's.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("weights", metavar="WEIGHTS.xml", type=Path, help="weight file")
    parser.add_argument("files", metavar="FILES", nargs="+", help="ROOT files, patterns, file.root:tree, or URLs")
    parser.add_argument("-o", "--output", metavar="scores.root", type=Path, required=True, help="ROOT file to write")
    parser.add_argument("--tree", help="name of the input tree (not needed where a file holds just one)")
    parser.add_argument("--output-tree", metavar="NAME", default="scores", help="name of the tree (default: scores)")
    parser.add_argument("--branch", metavar="NAME", help="name of the branch (default: the method's title)")
    parser.add_argument(
        "--backend",
        choices=("cpu", "cuda", "reference"),
        default="cpu",
        help="cpu: float32, fast (default); cuda: on an NVIDIA GPU; reference: float64",
    )
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Score and write."""
    model = read_weights(given.weights)
    recipe = replace(stored_recipe(model), spectators=())
    if not given.output_tree:
        raise DataError("--output-tree is empty; give the tree a name")
    source = _source(model, tuple(given.files), given.tree)
    _check_output(source, given.output)
    repetitions = recipe.repetitions()
    names = [branch_names(model, given.branch or model.title, values) for values in repetitions]
    branches = [name for some in names for name in some]
    if len(set(branches)) < len(branches):
        raise DataError(f"several values of for_each would share a branch name: {', '.join(branches)}")
    total = count_entries(source)
    written = 0
    try:
        with _progress(total) as advance, new_root_file(given.output) as file:
            tree = file.mktree(given.output_tree, dict.fromkeys(branches, np.float32))
            for pieces in zip(*(_pieces(model, recipe, source, values) for values in repetitions), strict=True):
                columns: dict[str, Any] = {}
                for some, piece in zip(names, pieces, strict=True):
                    columns |= score_columns(some, model.predict(piece.X, backend=given.backend))
                tree.extend(columns)
                written += len(pieces[0].entries)
                advance(len(pieces[0].entries))
    except DataError as error:
        if stored_inputs(model) is None:
            raise DataError(
                f"{error}\n  ({given.weights} does not tell how its variables were made; their expressions are taken)"
            ) from error
        raise
    print(f"{given.output}:{given.output_tree}: {written:,} entries, {_listed(branches)}")
    return 0


def _source(model: Model, files: tuple[str, ...], tree: str | None) -> Source:
    """The input; where no tree is named and files hold several, that of the training."""
    source = Source(files, tree)
    trained_on = dict(model.info).get(TREE)
    if tree is None and trained_on is not None:
        try:
            count_entries(source)
        except DataError:
            return Source(files, trained_on)
    return source


def _listed(branches: list[str]) -> str:
    return f"branch{'es' if len(branches) > 1 else ''} {', '.join(branches)}"


def _check_output(source: Source, output: Path) -> None:
    if output.is_dir():
        raise DataError(f"{output} is a folder; name a file, e.g. {output / 'scores.root'}")
    for file, _ in source.locations():
        if output.exists() and Path(file).exists() and output.samefile(file):
            raise DataError(f"{output} is also an input file; write the scores to another one")


def _pieces(model: Model, recipe: Recipe, source: Source, values: dict[str, Any]) -> Iterable[Inputs]:
    if model.remembers:
        # The score of an event depends on all events before it: they cannot be taken apart.
        return [load_inputs(recipe, source, values)]
    step = _VALUES // max(1, len(model.variables))
    return iterate_inputs(recipe, source, values, step=max(_FEWEST_ENTRIES, min(_MOST_ENTRIES, step)))


@contextmanager
def _progress(total: int) -> Iterator[Any]:
    columns = (TextColumn("scoring"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("scoring", total=total)
        yield lambda count: progress.advance(task, count)

"""What a weight file says of a network and other files do not, as options of commands."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.cli.numbers_given import positive_number
from pytmva_rnn.data import Recipe, Source, Variables, load_inputs
from pytmva_rnn.data.scoring_inputs import inputs_of_repetitions
from pytmva_rnn.description import ANALYSES
from pytmva_rnn.errors import DataError
from pytmva_rnn.model import Model, read_weights
from pytmva_rnn.weightfile.stored_recipe import stored_recipe

__all__ = ["ABOUT_EPILOG", "about_of", "add_about_options", "inputs_of", "like", "option_errors"]

ABOUT_EPILOG = """\
What a weight file says beside the network, and a file of ONNX, PyTorch or Keras does not, is told by options:
--variables (time-major, for an array 'v[30]', for many 'v{0..9}[30]'), --classes (the signal first), --analysis and so
on; --like takes it all from a weight file. Files that pytmva_rnn has written say it themselves.
"""


def add_about_options(parser: argparse.ArgumentParser) -> None:
    """Declare them."""
    group = parser.add_argument_group("what a weight file says beside the network, for files that do not")
    group.add_argument("--like", metavar="WEIGHTS.xml", type=Path, help="all of it as in this weight file")
    group.add_argument("--variables", metavar="V", nargs="+", help="the variables, as AddVariable has them")
    group.add_argument(
        "--ranges", metavar="DATA.root", help="smallest and largest values of the variables in these events"
    )
    group.add_argument("--analysis", choices=[each.lower() for each in ANALYSES], help="what was learned")
    group.add_argument("--classes", metavar="C", nargs="+", help="names of the classes, the signal first")
    group.add_argument("--targets", metavar="T", nargs="+", help="targets of a regression")
    group.add_argument("--spectators", metavar="S", nargs="+", help="spectators that a Reader declares")
    group.add_argument("--title", help="title of the method (default: DL)")
    group.add_argument(
        "--steps", metavar="T", type=positive_number, help="number of time steps, where the file leaves it open"
    )
    group.add_argument(
        "--layout", help="TMVA's layout of a state dict of PyTorch, LSTM|10|30|10|0|0,DENSE|64|TANH,LINEAR"
    )
    group.add_argument(
        "--order", metavar="NAME", nargs="+", help="names of a state dict's layers as the layout has them"
    )


def about_of(given: argparse.Namespace, tree: str | None = None) -> dict[str, Any]:
    """What was given, as `pytmva_rnn.export.formats.read_network` takes it.

    Raises
    ------
    DataError
        If `--like` and others say the same twice, or the events of `--ranges` cannot be read.
    """
    names = ("variables", "analysis", "classes", "targets", "spectators", "title", "steps", "layout", "order")
    about = {name: getattr(given, name) for name in names if getattr(given, name) is not None}
    if given.like is not None:
        model = read_weights(given.like)
        if twice := [name for name in about if name not in ("title", "steps", "layout", "order")]:
            verb = "is" if twice[0] == "analysis" else "are"
            raise DataError(f"--like says what the {twice[0]} {verb}, and so does --{twice[0]}; give one of them")
        about |= like(model) | ({"title": given.title} if given.title else {})
    if given.ranges is not None:
        if "variables" not in about or given.like is not None:
            raise DataError("--ranges are those of --variables, which are not given")
        recipe = Recipe(Variables(tuple(given.variables)))
        X = load_inputs(recipe, Source((given.ranges,), tree)).X
        if not len(X):
            raise DataError(f"{given.ranges}: there are no events whose ranges could be taken")
        about["ranges"] = np.stack([X.min(0), X.max(0)], 1)
    return about


@contextmanager
def option_errors() -> Iterator[None]:
    """Name what is missing as the options of a command do, not as arguments in Python."""
    try:
        yield
    except DataError as error:
        names = "variables|analysis|classes|targets|steps|layout|order"
        text = re.sub(rf"\b({names})=(\[\.\.\.\](?=: )|)", r"--\1 ", str(error)).replace(" :", ":")
        raise DataError(text.replace(" as order", " as --order")) from error


def like(model: Model) -> dict[str, Any]:
    """What a weight file says beside its network."""
    about = {
        "variables": model.variables,
        "analysis": model.analysis.lower(),
        "spectators": model.spectators,
        "title": model.title,
    }
    return about | ({"targets": model.targets} if model.targets else {"classes": model.classes})


def inputs_of(model: Model, file: str, tree: str | None) -> NDArray[np.float32]:
    """The events (n, NVar) of a ROOT file, as a network's weight file has them made.

    Raises
    ------
    DataError
        If they cannot be made, or there are none.
    """
    X = inputs_of_repetitions(stored_recipe(model), Source((file,), tree))
    if not len(X):
        raise DataError(f"{file}: there are no events")
    return X.reshape(len(X), -1)

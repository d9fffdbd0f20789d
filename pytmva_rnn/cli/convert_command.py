"""`pytmva-rnn convert`: a weight file as C++."""

from __future__ import annotations

import argparse
import os
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.errors import DataError
from pytmva_rnn.export.cpp.check_program import EVENTS, example_events, generate_check
from pytmva_rnn.export.cpp.header import generate
from pytmva_rnn.files import atomic_path
from pytmva_rnn.model import Model, read_weights
from pytmva_rnn.network.events import shaped
from pytmva_rnn.outputs import CHECK, HEADER, Output, check_outputs

__all__ = ["add_command", "run"]

_SUFFIXES = (".hxx", ".hpp", ".hh", ".h")

_EPILOG = """\
examples:
  pytmva-rnn convert dataset/weights/TMVAClassification_LSTM.weights.xml QuarkGluon.hxx
  pytmva-rnn convert DL.weights.xml model.hxx --name QuarkGluon --check check.cxx
  g++ -std=c++17 -O3 -march=native check.cxx -o check && ./check

The header needs nothing but a C++17 compiler. It has a class NAME, for which NAME()(x) is the score of an event, and
NAME_TMVA::Reader with the calls of TMVA::Reader. Files that convert has written are replaced, others with --force only.
"""


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser], summary: str) -> None:
    """Declare the arguments."""
    parser = commands.add_parser(
        "convert",
        help=summary,
        description="Write the network of a weight file, with its transformations, as a C++ class in one header.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("weights", metavar="WEIGHTS.xml", type=Path, help="weight file")
    parser.add_argument("output", metavar="MODEL.hxx", type=Path, help="header to write")
    parser.add_argument("--name", help="name of the class (default: that of the header, without .hxx)")
    parser.add_argument("--check", metavar="CHECK.cxx", type=Path, help="also write a program that compares scores")
    parser.add_argument(
        "--events",
        metavar="EVENTS.npz",
        type=Path,
        help=f"events for --check: X (n, NVar) and, if known, their scores (n, O); the first {EVENTS} are taken",
    )
    parser.add_argument("--force", action="store_true", help="replace files that are there and hold something else")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Write the header, and the check program."""
    if given.output.suffix not in _SUFFIXES:
        raise DataError(f"{given.output}: give the header a name that ends in {', '.join(_SUFFIXES)}")
    if given.events is not None and given.check is None:
        raise DataError("--events are for the program of --check CHECK.cxx, which is not asked for")
    if given.check is not None and given.check.resolve() in (given.output.resolve(), given.weights.resolve()):
        raise DataError(f"{given.check} is another file of this command; give --check a name of its own")
    outputs = [Output("header", given.output, HEADER)]
    outputs += [] if given.check is None else [Output("program", given.check, CHECK)]
    check_outputs(outputs, [given.weights, *([] if given.events is None else [given.events])], force=given.force)
    model = read_weights(given.weights)
    name = given.name or given.output.stem
    texts = {given.output: generate(model, name, source=given.weights.read_bytes())}
    if given.check is not None:
        X, scores = _events(model, given.events)
        header = Path(os.path.relpath(given.output, given.check.parent)).as_posix()
        texts[given.check] = generate_check(name, header, X, scores)
    for path, text in texts.items():
        with atomic_path(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    size = f"{model.outputs} output{'s' if model.outputs > 1 else ''}"
    print(f"{given.output}: class {name}, {len(model.variables)} variables, {size}")
    if given.check is not None:
        print(f"{given.check}: g++ -std=c++17 -O3 -march=native {given.check} -o check && ./check")
    return 0


def _events(model: Model, path: Path | None) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Events (n, NVar) and their scores (n, O)."""
    X, scores = (example_events(model), None) if path is None else _load(model, path)
    X = X[:EVENTS]
    if scores is None or model.remembers:
        # With RememberState, known scores depend on the events before.
        scores = np.array([model.predict_one(x) for x in X], np.float32).reshape(len(X), model.outputs)
    return X, scores[:EVENTS]


def _load(model: Model, path: Path) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    try:
        with np.load(path) as arrays:
            X = np.asarray(arrays["X"], np.float32)
            scores = np.asarray(arrays["scores"], np.float32) if "scores" in arrays else None
    except (AttributeError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: a file by numpy.savez is needed, with an array X and perhaps scores") from error
    try:
        X = shaped(X, model.event_shape, np.dtype(np.float32)).reshape(len(X), len(model.variables))
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    if not len(X):
        raise DataError(f"{path}: X has no events")
    if scores is not None and scores.size != len(X) * model.outputs:
        raise DataError(f"{path}: scores have the shape {scores.shape}; expected ({len(X)}, {model.outputs})")
    return X, None if scores is None else scores.reshape(len(X), model.outputs)

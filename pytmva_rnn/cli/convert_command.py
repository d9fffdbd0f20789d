"""`pytmva-rnn convert`: a network in another format."""

from __future__ import annotations

import argparse
import io
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.cli.about_options import ABOUT_EPILOG, about_of, add_about_options, inputs_of, option_errors
from pytmva_rnn.cli.compare_command import DIFFERENT, TOLERANCE, compare_scores, scored
from pytmva_rnn.cli.network_kinds import KINDS
from pytmva_rnn.data import Source
from pytmva_rnn.errors import DataError
from pytmva_rnn.export.cpp.check_program import EVENTS, example_events, generate_check
from pytmva_rnn.export.formats import HEADERS, XML, format_of, read_network, write_network
from pytmva_rnn.files import atomic_path
from pytmva_rnn.model import Model
from pytmva_rnn.network.events import shaped
from pytmva_rnn.outputs import CHECK, Output, check_outputs

__all__ = ["add_command", "read_events", "run"]

_EPILOG = f"""\
examples:
  pytmva-rnn convert dataset/weights/TMVAClassification_LSTM.weights.xml QuarkGluon.hxx
  pytmva-rnn convert DL.weights.xml net.onnx --check data.root
  pytmva-rnn convert net.keras DL.weights.xml --variables 'vars_time{{0..9}}[30]' --check data.root
  pytmva-rnn convert weights.pt DL.weights.xml --like old.weights.xml --layout 'LSTM|10|30|10|0|0,DENSE|64|TANH,LINEAR'
  pytmva-rnn convert DL.weights.xml model.hxx --name QuarkGluon --program check.cxx
  g++ -std=c++17 -O3 -march=native check.cxx -o check && ./check

The formats go by the suffixes: .xml is a weight file of TMVA, .hxx (.hpp, .hh, .h) a C++ header, .onnx, .pt, .pth and
.safetensors a state dict of PyTorch, .keras and .h5 a model of Keras; headers and .h5 are not read and not written,
respectively. What a format cannot do exactly is refused.
{ABOUT_EPILOG}
The header needs nothing but a C++17 compiler. It has a class NAME, for which NAME()(x) is the score of an event, and
NAME_TMVA::Reader with the calls of TMVA::Reader. Files that convert has written are replaced, others with --force only.

exit codes: 0 done, 1 wrong input (told in one line), 2 wrong usage, {DIFFERENT} done, but scores differ (--check)
"""


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser], summary: str) -> None:
    """Declare the arguments."""
    parser = commands.add_parser(
        "convert",
        help=summary,
        description="Write a network, with its transformations, in another format.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "input", metavar="IN", type=Path, help="file to read: .xml, .onnx, .pt, .safetensors, .keras, .h5"
    )
    parser.add_argument("output", metavar="OUT", type=Path, help="file to write: .xml, .hxx, .onnx, .pt, .keras ...")
    parser.add_argument("--check", metavar="DATA.root", help="compare the scores of both for these events")
    parser.add_argument("--tree", help="name of the tree of --check (not needed where the file holds just one)")
    header = parser.add_argument_group("C++ headers")
    header.add_argument("--name", help="name of the class (default: that of the header, without .hxx)")
    header.add_argument("--program", metavar="CHECK.cxx", type=Path, help="also write a program that compares scores")
    header.add_argument(
        "--events",
        metavar="EVENTS.npz",
        type=Path,
        help=f"events for --program: X (n, NVar) and, if known, their scores (n, O); the first {EVENTS} are taken",
    )
    add_about_options(parser)
    parser.add_argument("--force", action="store_true", help="replace files that are there and hold something else")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Write the file, and the check program; compare."""
    kind = format_of(given.output)
    if kind != HEADERS and (option := next((o for o in ("name", "program", "events") if getattr(given, o)), None)):
        raise DataError(f"--{option} is for C++ headers; {given.output} is none")
    if given.events is not None and given.program is None:
        raise DataError("--events are for the program of --program CHECK.cxx, which is not asked for")
    _check_outputs(given, kind)
    with option_errors():
        model = read_network(given.input, about_of(given, given.tree))
    name = given.name or given.output.stem
    program = None
    if given.program is not None:
        header = Path(os.path.relpath(given.output, given.program.parent)).as_posix()
        program = generate_check(name, header, *_events(model, given.events))
    inputs = None if given.check is None else inputs_of(model, given.check, given.tree)
    # everything that may be wrong with the input is told by now, and nothing is written yet
    source = given.input.read_bytes() if format_of(given.input) == XML else None
    write_network(model, given.output, name=name, source=source)
    size = f"{len(model.variables)} variables, {model.outputs} output{'s' if model.outputs > 1 else ''}"
    print(f"{given.output}: {f'class {name}, ' if kind == HEADERS else ''}{size}")
    if program is not None:
        with atomic_path(given.program) as temporary:
            temporary.write_text(program, encoding="utf-8", newline="\n")
        print(f"{given.program}: g++ -std=c++17 -O3 -march=native {given.program} -o check && ./check")
    if inputs is None:
        return 0
    columns = scored(given.input, model, inputs, given.steps)
    written = read_network(given.output) if kind != HEADERS else model
    columns += scored(given.output, written, inputs, None)
    print(f"{len(inputs):,} events of {given.check}")
    return compare_scores(columns, TOLERANCE)


def _check_outputs(given: argparse.Namespace, kind: tuple[str, ...]) -> None:
    read = [given.input, *(path for path in (given.events, given.like) if path is not None)]
    for data in (given.check, given.ranges):
        read += [] if data is None else [file for file, _ in Source((data,), given.tree).locations()]
    outputs = [Output("weights", given.output, KINDS[kind])]
    outputs += [] if given.program is None else [Output("program", given.program, CHECK)]
    check_outputs(outputs, read, force=given.force)


def _events(model: Model, path: Path | None) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Events (n, NVar) and their scores (n, O)."""
    X, scores = (example_events(model), None) if path is None else read_events(model, path)
    X = X[:EVENTS]
    if scores is None or model.remembers:
        # With RememberState, known scores depend on the events before.
        scores = np.array([model.predict_one(x) for x in X], np.float32).reshape(len(X), model.outputs)
    return X, scores[:EVENTS]


def read_events(model: Model, path: Path) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    """The events (n, NVar) of a file by numpy.savez, and their scores where it has them.

    Raises
    ------
    DataError
        If it has no events, or such that do not fit the network.
    OSError
        If the file cannot be opened.
    """
    content = path.read_bytes()
    try:
        with np.load(io.BytesIO(content)) as arrays:
            X = np.asarray(arrays["X"], np.float32)
            scores = np.asarray(arrays["scores"], np.float32) if "scores" in arrays else None
    except Exception as error:  # of zip, zlib, and of what is another object than a file of arrays
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

"""What is read, from what, and what may happen: a result, or an error of ours that people can read."""

from __future__ import annotations

import random
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np

from fuzz import grammars
from fuzz.mutation import broken_bytes, broken_text, broken_xml
from pytmva_rnn import load_config, parse_options, read_weights
from pytmva_rnn.errors import TMVAError
from pytmva_rnn.formula import evaluate
from pytmva_rnn.options import SplitOptions, parse_strategy
from pytmva_rnn.options.layout import parse_layout
from pytmva_rnn.options.vartransform import parse_var_transform
from pytmva_rnn.options.width import width_of

__all__ = ["TARGETS", "Target", "UnreadableMessage"]

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data"
MOST_CHARACTERS = 2000
"""Of a message; those of options show the text below, and `validate` lists what it finds."""


class UnreadableMessage(Exception):
    """An error of ours that is too long, or has control characters."""


@dataclass(frozen=True)
class Target:
    """One reader.

    Attributes
    ----------
    name : str
    make : callable
        A random input.
    read : callable
        Reads it.
    """

    name: str
    make: Callable[[random.Random], bytes]
    read: Callable[[bytes], Any]

    def input(self, seed: int) -> bytes:
        """The input of a seed."""
        return self.make(random.Random(f"{self.name} {seed}"))

    def run(self, data: bytes) -> str:
        """Read an input: "read", or "refused" by an error of ours.

        Raises
        ------
        Exception
            Any other, which is a find.
        """
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self.read(data)
        except TMVAError as error:
            said = str(error)
            if len(said) > MOST_CHARACTERS:
                raise UnreadableMessage(f"a message of {len(said)} characters: {said[:200]}") from error
            if not said.replace("\n", "").isprintable():
                raise UnreadableMessage(f"a message with control characters: {said[:200]!r}") from error
            return "refused"
        return "read"


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _some_text(make: Callable[[random.Random], str], words: tuple[str, ...]) -> Callable[[random.Random], bytes]:
    def made(random: random.Random) -> bytes:
        text = make(random)
        return _bytes(broken_text(random, text, words) if random.random() < 0.6 else text)

    return made


_COLUMNS = {
    "x": np.array([1.5, -2.0, np.nan, 0.0]),
    "y": np.array([1, 2, 3, -4]),
    "v": ak.Array([[1.0, 2.0], [], [3.0], [4.0, 5.0, 6.0]]),
    "w": ak.Array([[[1, 2], []], [], [[3]], [[4, 5, 6], [7]]]),
    "n": np.array([2, 0, 1, 3]),
}


def _formula(data: bytes) -> None:
    evaluate(_text(data), _COLUMNS)


_READERS: dict[str, Callable[[str], Any]] = {
    "method": parse_options,
    "layout": parse_layout,
    "strategy": parse_strategy,
    "split": SplitOptions.parse,
    "transform": parse_var_transform,
    "width": lambda text: width_of(text, 30),
}


def _options(data: bytes) -> None:
    which, _, text = _text(data).partition("\n")
    read: Callable[[str], Any] = _READERS.get(which, parse_options)
    read(text)


def _in_a_file(suffix: str, read: Callable[[Path], Any]) -> Callable[[bytes], None]:
    def reads(data: bytes) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"input{suffix}"
            path.write_bytes(data)
            read(path)

    return reads


@cache
def _texts(pattern: str) -> tuple[str, ...]:
    """The texts of all files like these, small ones first."""
    return tuple(sorted((path.read_text(encoding="utf-8") for path in ROOT.glob(pattern)), key=len))


@cache
def _files(*patterns: str) -> tuple[bytes, ...]:
    found = [path.read_bytes() for pattern in patterns for path in sorted(ROOT.glob(pattern))]
    return tuple(sorted(found, key=len))[:40]


_WORDS = (
    "LSTM",
    "DENSE",
    "Yes",
    "No",
    "Signal",
    "0",
    "1",
    "-1",
    "S",
    "C",
    "N",
    "{",
    "}",
    "&",
    "|",
    ",",
    ":",
    "=",
    "!",
    "(",
    "[",
    '"',
)


def _weights(random: random.Random) -> bytes:
    texts = _texts("tests/data/*/*/*.xml")
    return _bytes(broken_xml(random, random.choice(texts[: len(texts) // 2]), _WORDS))


def _validate(path: Path) -> None:
    from pytmva_rnn.weightfile.validation import validate

    for finding in validate(path):
        if not str(finding).replace("\n", "").isprintable():
            raise UnreadableMessage(f"a message with control characters: {str(finding)[:200]!r}")


def _root(path: Path) -> None:
    from pytmva_rnn.data import Source
    from pytmva_rnn.data.sources import read_columns
    from pytmva_rnn.formula import Formula

    for piece in read_columns(Source((str(path),)), [Formula.parse(name) for name in ("x", "n", "v", "w", "ww", "a")]):
        len(piece)


def _onnx(path: Path) -> None:
    from pytmva_rnn.export.onnx import from_onnx

    from_onnx(path)


def _keras(path: Path) -> None:
    from pytmva_rnn.export.keras import from_keras

    from_keras(path)


def _binary(*patterns: str) -> Callable[[random.Random], bytes]:
    return lambda random: broken_bytes(random, random.choice(_files(*patterns)))


_ALL = (
    Target("options", _some_text(grammars.options, _WORDS), _options),
    Target(
        "formula", _some_text(grammars.formula, (*grammars.NAMES, *grammars.OPERATORS, "(", ")", "[", "]")), _formula
    ),
    Target(
        "toml",
        _some_text(lambda random: grammars.toml(random, _texts("examples/*.toml")), _WORDS),
        _in_a_file(".toml", load_config),
    ),
    Target("weights", _weights, _in_a_file(".xml", read_weights)),
    Target("validate", _weights, _in_a_file(".xml", _validate)),
    Target("root", _binary("tests/data/damage/*.root"), _in_a_file(".root", _root)),
    Target("onnx", _binary("tests/data/onnx/*.onnx"), _in_a_file(".onnx", _onnx)),
    Target("keras", _binary("tests/data/keras/*.keras"), _in_a_file(".keras", _keras)),
    Target("hdf5", _binary("tests/data/keras/*.h5"), _in_a_file(".h5", _keras)),
)
TARGETS = {target.name: target for target in _ALL}

"""What is read, from what, and what may happen: a result, or an error of ours that people can read."""

from __future__ import annotations

import io
import random
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np

from fuzz import configurations, grammars, readers
from fuzz.containers import broken_archive, broken_json, broken_onnx, broken_safetensors
from fuzz.mutation import broken_bytes, broken_text, broken_xml
from fuzz.readers import ROOT, UnreadableMessage, in_a_file
from pytmva_rnn import extras
from pytmva_rnn.errors import TMVAError
from pytmva_rnn.export.pytorch.torch_writing import EXTRA_STATE

__all__ = ["DATA", "LARGEST", "ROOT", "TARGETS", "Target"]

DATA = ROOT / "tests" / "data"

LARGEST = 1 << 20
"""Bytes of an input."""

_MOST_CHARACTERS = 2000
"""Of a message; those of options show the text below, and `validate` lists what it finds."""


@dataclass(frozen=True)
class Target:
    """One reader.

    Attributes
    ----------
    name : str
    fresh : callable
        An input that is right, or nearly.
    change : callable
        Breaks one.
    read : callable
        Reads it.
    broken : float
        Share of the inputs that are broken before they are read.
    """

    name: str
    fresh: Callable[[random.Random], bytes]
    change: Callable[[random.Random, bytes], bytes]
    read: Callable[[bytes], Any]
    broken: float = 1.0

    def input(self, seed: int) -> bytes:
        """The input of a seed."""
        generator = random.Random(f"{self.name} {seed}")
        data = self.fresh(generator)
        return (self.change(generator, data) if generator.random() < self.broken else data)[:LARGEST]

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
            if len(said) > _MOST_CHARACTERS:
                raise UnreadableMessage(f"a message of {len(said)} characters: {said[:200]}") from error
            if not said.replace("\n", "").isprintable():
                raise UnreadableMessage(f"a message with control characters: {said[:200]!r}") from error
            return "refused"
        return "read"


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _in_text(
    broken: Callable[[random.Random, str, tuple[str, ...]], str], words: tuple[str, ...]
) -> Callable[[random.Random, bytes], bytes]:
    return lambda random, data: _bytes(broken(random, data.decode("utf-8", "replace"), words))


def _made(grammar: Callable[[random.Random], str]) -> Callable[[random.Random], bytes]:
    return lambda random: _bytes(grammar(random))


@cache
def _files(pattern: str, most: int = 1 << 30) -> tuple[bytes, ...]:
    """The files like these, small ones first."""
    return tuple(sorted((path.read_bytes() for path in sorted(ROOT.glob(pattern))), key=len)[:most])


def _one_of(pattern: str, most: int = 40) -> Callable[[random.Random], bytes]:
    return lambda random: random.choice(_files(pattern, most))


@cache
def _state_dicts() -> tuple[bytes, ...]:
    """Files of PyTorch's state dicts: ours, which say what they are, and one that does not."""
    made = [readers.state_of(name) for name in readers.NETWORKS]
    sizes: dict[str, Any] = {
        "lstm.weight_ih_l0": (16, 2),
        "lstm.weight_hh_l0": (16, 4),
        "lstm.bias_ih_l0": 16,
        "lstm.bias_hh_l0": 16,
    }
    sizes |= {"fc.weight": (3, 4), "fc.bias": 3, "out.weight": (1, 3), "out.bias": 1}
    generator = np.random.default_rng(1)
    plain = {name: generator.normal(size=size).astype(np.float32) for name, size in sizes.items()}
    write = extras.safetensors().numpy.save
    return tuple(write(arrays) for arrays in (*made, plain, plain))


def _metadata(random: random.Random) -> bytes:
    name = random.choice(readers.NETWORKS)
    return name.encode() + b"\n" + bytes(readers.state_of(name)[EXTRA_STATE])


def _broken_metadata(random: random.Random, data: bytes) -> bytes:
    name, _, text = data.partition(b"\n")
    return name + b"\n" + broken_json(random, text)


@cache
def _events() -> tuple[bytes, ...]:
    """Files of events, as numpy.savez writes them."""
    made = []
    for arrays in ({"X": np.zeros((3, 30), np.float32)}, {"X": np.ones((2, 10, 3)), "scores": np.zeros(2)}):
        for save in (np.savez, np.savez_compressed):
            save(content := io.BytesIO(), **arrays)
            made.append(content.getvalue())
    return tuple(made)


_WORDS = (
    *("LSTM", "DENSE", "Yes", "No", "Signal", "0", "1", "-1", "S", "C", "N"),
    *("{", "}", "&", "|", ",", ":", "=", "!", "(", "[", '"'),
)
_FORMULA_WORDS = (*grammars.NAMES, *grammars.OPERATORS, "(", ")", "[", "]")


def _toml(random: random.Random) -> str:
    return configurations.toml(random, tuple(data.decode() for data in _files("examples/*.toml")))


_XML = (_one_of("tests/data/*/*/*.xml"), _in_text(broken_xml, _WORDS))
_ALL = (
    Target("options", _made(grammars.options), _in_text(broken_text, _WORDS), readers.read_options, 0.6),
    Target("formula", _made(grammars.formula), _in_text(broken_text, _FORMULA_WORDS), readers.read_formula, 0.6),
    Target("toml", _made(_toml), _in_text(broken_text, _WORDS), in_a_file(".toml", readers.read_toml), 0.4),
    Target("stored", _made(configurations.stored), _in_text(broken_text, _WORDS), readers.read_stored, 0.4),
    Target("metadata", _metadata, _broken_metadata, readers.read_metadata),
    Target("npz", lambda random: random.choice(_events()), broken_archive, in_a_file(".npz", readers.read_npz)),
    Target("weights", *_XML, in_a_file(".xml", readers.read_weight_file)),
    Target("validate", *_XML, in_a_file(".xml", readers.validated)),
    Target("predict", *_XML, in_a_file(".xml", readers.scored)),
    Target("root", _one_of("tests/data/damage/uncompressed.root"), broken_bytes, in_a_file(".root", readers.read_root)),
    Target("ntuple", _one_of("tests/data/damage/ntuple*.root"), broken_bytes, in_a_file(".root", readers.read_root)),
    Target("onnx", _one_of("tests/data/onnx/*.onnx", 100), broken_onnx, in_a_file(".onnx", readers.read_onnx)),
    Target("keras", _one_of("tests/data/keras/*.keras"), broken_archive, in_a_file(".keras", readers.read_keras)),
    Target("hdf5", _one_of("tests/data/keras/*.h5"), broken_bytes, in_a_file(".h5", readers.read_keras)),
    Target(
        "safetensors",
        lambda random: random.choice(_state_dicts()),
        broken_safetensors,
        in_a_file(".safetensors", readers.read_torch),
    ),
)
_NEEDED = {"onnx": "onnx", "keras": "h5py", "hdf5": "h5py", "safetensors": "safetensors"}

TARGETS = {each.name: each for each in _ALL if find_spec(_NEEDED.get(each.name, "numpy")) is not None}
"""By name; those whose package is installed."""

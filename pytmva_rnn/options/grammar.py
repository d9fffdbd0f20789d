"""The words of TMVA's grammars of options: values read strictly, and where an error stands."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pytmva_rnn.errors import OptionError

__all__ = [
    "DIGITS",
    "Bounded",
    "Words",
    "boolean",
    "decay_rate",
    "indent",
    "integer",
    "number",
    "one_of",
    "parts",
    "plain",
    "positive",
    "unknown",
]

_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
DIGITS = 18
"""Of an integer at most: what 64 bits hold, and Python reads in no time."""


def integer(text: str) -> int:
    """An integer, all of the text."""
    if not _INTEGER.fullmatch(text):
        raise OptionError(f"{text!r} is not an integer{_missing_separator(text)}")
    if len(text.lstrip("+-0")) > DIGITS:
        raise OptionError(f"{text!r} is too large: an integer has at most {DIGITS} digits")
    return int(text.lstrip("+-0") or 0) * (-1 if text.startswith("-") else 1)


def number(text: str) -> float:
    """A finite number, all of the text."""
    if not _NUMBER.fullmatch(text):
        raise OptionError(f"{text!r} is not a number{_missing_separator(text)}")
    if not math.isfinite(float(text)):
        raise OptionError(f"{text!r} is not a finite number")
    return float(text)


def _missing_separator(text: str) -> str:
    joined = re.match(r"([+-]?[\d.]+(?:[eE][+-]?\d+)?)([A-Za-z]\w*=.*)", text)
    return f"; is a comma or a colon missing between {joined[1]!r} and {joined[2]!r}?" if joined else ""


def boolean(text: str) -> bool:
    """True or False as TMVA spells them."""
    if text.upper() not in ("TRUE", "FALSE", "T", "F", "1", "0"):
        raise OptionError(f"{text!r} is not True or False")
    return text.upper() in ("TRUE", "T", "1")


@dataclass(frozen=True)
class Words:
    """A parser of words in any case, giving each as it stands in `values`."""

    values: tuple[str, ...]

    def __call__(self, text: str) -> str:
        for value in self.values:
            if value.upper() == text.upper():
                return value
        raise OptionError(f"{text!r} is not one of {', '.join(self.values)}")


def one_of(*values: str) -> Words:
    """A parser of these words."""
    return Words(values)


def plain(text: str) -> str:
    """Words as they are."""
    if ":" in text:
        raise OptionError(f"{text!r} holds a colon, which ends a value")
    return text.strip()


@dataclass(frozen=True)
class Bounded:
    """A parser that refuses values below `least`, or, if strict, not above it, and values above `most`."""

    parse: Callable[[str], Any]
    least: float
    strict: bool
    most: float

    def __call__(self, text: str) -> Any:
        value = self.parse(text)
        if value < self.least or (self.strict and value == self.least):
            word = "above" if self.strict else "at least"
            raise OptionError(f"{text} is out of range: it must be {word} {self.least:g}")
        if value > self.most:
            raise OptionError(f"{text} is out of range: it must be at most {self.most}")
        return value


def positive(parse: Callable[[str], Any], least: float = 0, *, strict: bool = False, most: float = math.inf) -> Bounded:
    """A parser of what is not below `least`, or above it, nor above `most`."""
    return Bounded(parse, least, strict, most)


def decay_rate(text: str) -> float:
    """A weight of the past in a running mean."""
    if not 0 <= (value := number(text)) < 1:
        raise OptionError(f"{text} is out of range: it must be at least 0 and below 1")
    return value


def parts(text: str, separator: str) -> Iterator[tuple[int, str]]:
    """Position and text of what stands between separators."""
    position = 0
    for part in text.split(separator):
        yield position, part
        position += len(part) + len(separator)


def indent(text: str) -> int:
    """Number of blanks before the text."""
    return len(text) - len(text.lstrip())


def unknown(name: str, names: Iterable[str], what: str) -> str:
    """The message for a name that does not exist."""
    spelled = {each.upper(): each for each in names}
    near = [spelled[each] for each in difflib.get_close_matches(name.upper(), spelled, 3)]
    return f"unknown {what} {name!r}; " + (
        f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(spelled.values())}"
    )

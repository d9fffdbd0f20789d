"""What the grammars of options and of training keys share: values read strictly, and where an error stands."""

from __future__ import annotations

import dataclasses
import difflib
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pytmva_rnn.errors import OptionError

INTEGER = re.compile(r"[+-]?[0-9]+")
NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def integer(text: str) -> int:
    """An integer, all of the text."""
    if not INTEGER.fullmatch(text):
        raise OptionError(f"{text!r} is not an integer{_missing_separator(text)}")
    return int(text)


def number(text: str) -> float:
    """A finite number, all of the text."""
    if not NUMBER.fullmatch(text):
        raise OptionError(f"{text!r} is not a number{_missing_separator(text)}")
    if not math.isfinite(float(text)):
        raise OptionError(f"{text!r} is not a finite number")
    return float(text)


def print_number(value: float) -> str:
    """A number in Python's shortest form, NumPy's numbers too."""
    return repr(float(value))


def _missing_separator(text: str) -> str:
    joined = re.match(r"([+-]?[\d.]+(?:[eE][+-]?\d+)?)([A-Za-z]\w*=.*)", text)
    return f"; is a comma or a colon missing between {joined[1]!r} and {joined[2]!r}?" if joined else ""


def boolean(text: str) -> bool:
    """True or False as TMVA spells them."""
    if text.upper() not in ("TRUE", "FALSE", "T", "F", "1", "0"):
        raise OptionError(f"{text!r} is not True or False")
    return text.upper() in ("TRUE", "T", "1")


def one_of(*values: str) -> Callable[[str], str]:
    """A parser of words in any case, giving each as it stands here."""

    def parse(text: str) -> str:
        for value in values:
            if value.upper() == text.upper():
                return value
        raise OptionError(f"{text!r} is not one of {', '.join(values)}")

    return parse


def plain(text: str) -> str:
    """Words as they are."""
    if ":" in text:
        raise OptionError(f"{text!r} holds a colon, which ends a value")
    return text.strip()


def positive(parse: Callable[[str], Any], least: float = 0, strict: bool = False) -> Callable[[str], Any]:
    """A parser that refuses values below `least`, or, if strict, not above it."""

    def checked(text: str) -> Any:
        value = parse(text)
        if value < least or (strict and value == least):
            raise OptionError(f"{text} is out of range: it must be {'above' if strict else 'at least'} {least:g}")
        return value

    return checked


def decay_rate(text: str) -> float:
    """A weight of the past in a running mean."""
    if not 0 <= (value := number(text)) < 1:
        raise OptionError(f"{text} is out of range: it must be at least 0 and below 1")
    return value


@dataclass(frozen=True)
class Key:
    """How one option is spelt, read and printed."""

    name: str
    parse: Callable[[str], Any]
    print: Callable[[Any], str] = str


def option(name: str, default: Any, parse: Callable[[str], Any], print: Callable[[Any], str] = str) -> Any:
    """A dataclass field that is an option."""
    return field(default=default, metadata={"key": Key(name, parse, print)})


def options_of(cls: type) -> dict[str, tuple[dataclasses.Field[Any], Key]]:
    """The options of a dataclass by their names in upper case."""
    return {f.metadata["key"].name.upper(): (f, f.metadata["key"]) for f in dataclasses.fields(cls) if f.metadata}


def check_values(options: Any) -> None:
    """Refuse a value, set in Python, that an option string could not give."""
    for f, key in options_of(type(options)).values():
        value = getattr(options, f.name)
        try:
            same = key.parse(key.print(value)) == value
        except OptionError as error:
            raise OptionError(f"{key.name}: {error.message}") from None
        if not same:
            raise OptionError(f"{key.name} cannot be {value!r}")


def parts(text: str, separator: str) -> Iterator[tuple[int, str]]:
    """Position and text of what stands between separators."""
    position = 0
    for part in text.split(separator):
        yield position, part
        position += len(part) + len(separator)


def indent(text: str) -> int:
    """Number of blanks before the text."""
    return len(text) - len(text.lstrip())


def value_start(setting: str) -> int:
    """Position of the value in `name = value`."""
    start = setting.index("=") + 1
    return start + indent(setting[start:])


def parse_value(key: Key, value: str, text: str, position: int) -> Any:
    """The value of a key that stands at a position of a text."""
    try:
        return key.parse(value)
    except OptionError as error:
        raise OptionError(f"{key.name}: {error.message}", text, position) from None


def unknown(name: str, known: list[str], what: str) -> str:
    """The message for a name that does not exist."""
    near = [k for k in known if k.upper() in difflib.get_close_matches(name.upper(), [k.upper() for k in known], 3)]
    return f"unknown {what} {name!r}; " + (
        f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(known)}"
    )

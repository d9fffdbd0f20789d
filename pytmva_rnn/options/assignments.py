"""Option strings, `A=b:C=d:!Flag`, and mappings of the same names to values, option by option."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pytmva_rnn.errors import OptionError
from pytmva_rnn.options.grammar import indent, parts, unknown
from pytmva_rnn.options.keys import Key, fields_of

__all__ = ["Assignment", "Vocabulary", "read_assignments"]


@dataclass(frozen=True)
class Vocabulary:
    """The options that there are.

    Attributes
    ----------
    what : str
        Name of such an option in errors.
    names : tuple of str
        All of them, for errors.
    lookup : function of a name as it was written
        Its key, None if there is none.
    """

    what: str
    names: tuple[str, ...]
    lookup: Callable[[str], Key | None]

    @classmethod
    def of(cls, options: type, what: str) -> Vocabulary:
        """The options of a dataclass, in any case."""
        keys = {name: key for name, (_, key) in fields_of(options).items()}
        return cls(what, tuple(key.name for key in keys.values()), lambda name: keys.get(name.upper()))

    def key(self, name: str, text: str | None = None, position: int | None = None) -> Key:
        """The key of a name.

        Raises
        ------
        OptionError
            If there is none, naming near ones, with its place in a text.
        """
        key = self.lookup(name)
        if key is None:
            raise OptionError(unknown(name, self.names, self.what), text, position)
        return key


@dataclass(frozen=True)
class Assignment:
    """An option with the value that was given to it.

    Attributes
    ----------
    key : Key
    value : value of the option
    text : str
        TMVA's text of it, as it was given.
    """

    key: Key
    value: Any
    text: str


def read_assignments(given: str | Mapping[str, Any], vocabulary: Vocabulary) -> Iterator[Assignment]:
    """What an option string or a mapping gives to which options, in its order; a second value with a warning.

    Raises
    ------
    OptionError
        For an unknown option (naming near ones) or a wrong value, with its place in the string.
    """
    seen = set()
    for assignment in _each(given, vocabulary):
        name = assignment.key.name
        if name in seen:
            warnings.warn(f"option {name} is given twice; the last one counts", stacklevel=3)
        seen.add(name)
        yield assignment


def _each(given: Any, vocabulary: Vocabulary) -> Iterator[Assignment]:
    if isinstance(given, str):
        for start, part in parts(given, ":"):
            if part.strip():
                yield _from_text(part, given, start, vocabulary)
    elif isinstance(given, Mapping):
        for name, value in given.items():
            if not isinstance(name, str):
                raise OptionError(f"the name of an {vocabulary.what} is a text, not {name!r}")
            yield _from_value(name, value, vocabulary)
    else:
        raise OptionError(f"the options are TMVA's string or a mapping of names to values, not {given!r}")


def _from_text(part: str, whole: str, start: int, vocabulary: Vocabulary) -> Assignment:
    """From a part of an option string, which begins at `start`."""
    name, equals, value = part.partition("=")
    position = start + indent(part)
    negated = name.strip().startswith("!")
    bare = name.strip().removeprefix("!").strip()
    if not bare:
        raise OptionError("a value without the name of an option", whole, position)
    if negated and equals:
        raise OptionError(f"!{bare} cannot have a value", whole, position)
    key = vocabulary.key(bare, whole, position)
    if not equals and not key.is_flag:
        raise OptionError(f"option {key.name} has no value; write {key.name}=...", whole, position)
    if not equals:
        return _assignment(key, str(not negated), whole, position)
    return _assignment(key, value.strip(), whole, start + len(name) + 1 + indent(value))


def _from_value(name: str, value: Any, vocabulary: Vocabulary) -> Assignment:
    key = vocabulary.key(name.strip())
    text = key.text_of(value)
    whole = f"{name}={text}"
    if ":" in text:
        raise OptionError(f"the value of {key.name} holds a colon", whole, whole.index(":"))
    return _assignment(key, text, whole, len(name) + 1)


def _assignment(key: Key, text: str, whole: str, position: int) -> Assignment:
    try:
        return Assignment(key, key.parse(text), text)
    except OptionError as error:
        raise OptionError(f"{key.name}: {error.message}", whole, position + (error.position or 0)) from None

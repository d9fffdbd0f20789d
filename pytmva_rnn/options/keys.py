"""Options as fields of a dataclass: how each is spelt, read from TMVA's text, and made of a value from Python.

There is one way in: whatever is given, a string, a mapping or keywords, becomes TMVA's text of each option, and that
text is read by the option's own parser. What is right in one form is right in all, and what is wrong is refused in all.
"""

from __future__ import annotations

import dataclasses
import numbers
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np

from pytmva_rnn.errors import OptionError
from pytmva_rnn.options.grammar import DIGITS, boolean

__all__ = ["Key", "Spelled", "fields_of", "normalise", "option", "separated", "value_text"]


class Spelled:
    """What `str()` gives of a subclass is TMVA's text for it."""


def value_text(value: Any) -> str:
    """TMVA's text of a single value.

    Raises
    ------
    OptionError
        For a value that no option has.
    """
    if isinstance(value, str | Spelled):
        return str(value).strip()
    if isinstance(value, np.ndarray) and value.ndim == 0:
        return value_text(value.item())
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, numbers.Integral):
        if abs(int(value)) >= 10**DIGITS:  # Python does not even print one of thousands of digits
            raise OptionError(f"the integer is too large: it has at most {DIGITS} digits")
        return str(int(value))
    if isinstance(value, float | np.floating):
        return repr(float(value))
    if value is None:
        raise OptionError('None is no value; leave the option out for its default, or write "None" where that is one')
    raise OptionError(f"a value of the type {type(value).__name__} is not understood: {value!r}")


def separated(separator: str) -> Callable[[Any], str]:
    """How to make text of an option that takes several values: a list, a tuple or an array of them."""

    def text(value: Any) -> str:
        if isinstance(value, np.ndarray) and value.ndim == 1:
            value = value.tolist()
        return separator.join(map(value_text, value)) if isinstance(value, list | tuple) else value_text(value)

    return text


@dataclass(frozen=True)
class Key:
    """How one option is spelt.

    Attributes
    ----------
    name : str
        TMVA's.
    parse : function of a text
        Gives the value, or raises an OptionError.
    text : function of a value
        TMVA's text of a value from Python, which `parse` has still to judge, and of what `parse` has given.
    """

    name: str
    parse: Callable[[str], Any]
    text: Callable[[Any], str] = value_text

    @property
    def is_flag(self) -> bool:
        """Whether `Name` and `!Name` stand for True and False."""
        return self.parse is boolean

    def text_of(self, value: Any) -> str:
        """TMVA's text of a value from Python; an OptionError of it names the option."""
        try:
            return self.text(value)
        except OptionError as error:
            raise OptionError(f"{self.name}: {error.message}") from None


def option(name: str, default: Any, parse: Callable[[str], Any], text: Callable[[Any], str] = value_text) -> Any:
    """A dataclass field that is an option."""
    return field(default=default, metadata={"key": Key(name, parse, text)})


def fields_of(cls: type) -> Mapping[str, tuple[dataclasses.Field[Any], Key]]:
    """The options of a dataclass by their names in upper case."""
    return _fields_of(cls)


@cache
def _fields_of(cls: Any) -> Mapping[str, tuple[dataclasses.Field[Any], Key]]:
    keys = {f.metadata["key"].name.upper(): (f, f.metadata["key"]) for f in dataclasses.fields(cls) if f.metadata}
    return MappingProxyType(keys)


def normalise(options: Any) -> dict[str, str]:
    """Give each field of a frozen dataclass of options the value that TMVA's text of it has.

    Returns
    -------
    dict of str -> str
        The texts of the values that were given in another form, by TMVA's names.

    Raises
    ------
    OptionError
        For a value that the option cannot have.
    """
    changed = {}
    for f, key in fields_of(type(options)).values():
        given = getattr(options, f.name)
        try:
            text = key.text(given)
            value = key.parse(text)
        except OptionError as error:
            raise OptionError(f"{key.name}: {error.message}") from None
        if type(given) is not type(value) or given != value:
            changed[key.name] = text
            object.__setattr__(options, f.name, value)
    return changed

"""Option strings and keywords, as PyROOT takes them for TMVA."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from pytmva_rnn.errors import DataError, OptionError
from pytmva_rnn.options.method import option_text
from pytmva_rnn.suggestions import near

__all__ = [
    "chains_of",
    "check_title",
    "file_and_options",
    "flag",
    "option_string",
    "path_of",
    "refuse_others",
    "take_settings",
    "text_of",
]


def text_of(value: Any) -> str:
    """A str, or one of ROOT's texts (TString, std::string, or TCut, whose title is the formula)."""
    title = getattr(value, "GetTitle", None)
    return str(title() if callable(title) else value)


def path_of(value: Any) -> str:
    """A path, of which a text is one; see `text_of`."""
    return os.fspath(value) if isinstance(value, os.PathLike) else text_of(value)


def option_string(text: Any = "", keywords: Mapping[str, Any] | None = None) -> str:
    """TMVA's option string of a string and keywords.

    Parameters
    ----------
    text : str or TString
    keywords : mapping
        As PyROOT does, `V=False` becomes `!V` and `MaxDepth=2` becomes `MaxDepth=2`. A whole number in floating point,
        0.8 * 1000, loses its `.0`. Options of methods may also be lists and tables, as for `parse_options`.
    """
    parts = [text_of(text)] if text_of(text) else []
    for name, value in (keywords or {}).items():
        if isinstance(value, bool):
            parts.append(name if value else f"!{name}")
        elif isinstance(value, list | tuple | dict):
            parts.append(f"{name}={option_text(name, value)}")
        else:
            whole = isinstance(value, float) and value.is_integer()
            parts.append(f"{name}={int(value) if whole else text_of(value)}")
    return ":".join(parts)


def take_settings(text: str, names: Iterable[str]) -> tuple[dict[str, str], str]:
    """The settings of these names in an option string, and the string without them.

    Parameters
    ----------
    text : str
        `!V:AnalysisType=Classification`; names are case-insensitive.
    names : iterable of str

    Returns
    -------
    found : dict
        Values under the given names; of flags `True` and `False`.
    others : str
        The other settings.
    """
    spelled = {name.lower(): name for name in names}
    found, others = {}, []
    for part in text.split(":"):
        name, equals, value = (word.strip() for word in part.partition("="))
        key = spelled.get(name.removeprefix("!").strip().lower())
        if key is not None:
            found[key] = value if equals else str(not name.startswith("!"))
        elif part.strip():
            others.append(part)
    return found, ":".join(others)


def refuse_others(others: str, names: Iterable[str], whose: str) -> None:
    """Raise for the first setting that `take_settings` did not take."""
    if others:
        name = others.split(":", maxsplit=1)[0].partition("=")[0].strip().removeprefix("!")
        raise OptionError(f"unknown option {name!r} of {whose}; {near(name, names)}")


def flag(found: Mapping[str, str], name: str, default: bool) -> bool:
    """The boolean among `found`."""
    text = found.get(name, str(default))
    if text.lower() not in ("true", "false", "t", "f", "1", "0"):
        raise OptionError(f"option {name} is True or False, not {text!r}")
    return text.lower() in ("true", "t", "1")


def chains_of(found: Mapping[str, str]) -> list[str]:
    """The chains of the option Transformations, `I;N;D`, but those that leave the variables as they are."""
    chains = [text.strip() for text in found.get("Transformations", "I").split(";")]
    return [chain for chain in chains if chain.upper() not in ("", "I", "NONE")]


def check_title(title: str) -> str:
    """The title of a method, which is part of a file's name.

    Raises
    ------
    DataError
        For one that cannot be.
    """
    if not title or any(c in title for c in "/\\\0"):
        raise DataError(f"the title of a method is a name without slashes, not {title!r}")
    return title


def file_and_options(arguments: tuple[Any, ...], takes: str) -> tuple[Any, Any]:
    """The output file, which may be missing or None, and the option string, of the arguments that may be both.

    Parameters
    ----------
    arguments : tuple
    takes : str
        Begins what is said of too many: "Factory takes a name".
    """
    if len(arguments) > 2:
        raise TypeError(
            f"{takes}, an output file and options; {len(arguments)} arguments are too many for the last two"
        )
    if len(arguments) == 2:
        return arguments
    if not arguments:
        return None, ""
    given = arguments[0]
    is_text = isinstance(given, str) or type(given).__name__ in ("TString", "string")
    is_file = not is_text or (text_of(given).endswith(".root") and "=" not in text_of(given))
    return (given, "") if is_file else (None, given)

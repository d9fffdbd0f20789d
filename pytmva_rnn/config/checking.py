"""What all tables of the configuration are checked for, and how errors say where they arose."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ParamSpec, TypeVar

from pytmva_rnn import suggestions
from pytmva_rnn.errors import ConfigError, TMVAError

__all__ = ["check_keys", "on_one_line", "table_of", "within"]

P = ParamSpec("P")
T = TypeVar("T")


def table_of(tables: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The table `name`, empty where it is missing."""
    value = tables.get(name, {})
    if not isinstance(value, dict):
        raise ConfigError(f"{name} is a table, [{name}], not {value!r}")
    return value


def check_keys(given: Iterable[str], names: Iterable[str], message: str) -> None:
    """Refuse a key that is none of `names`; its error begins with `message`."""
    suggestions.check_keys(given, names, message, ConfigError)


def within(where: str, function: Callable[P, T], *arguments: P.args, **keywords: P.kwargs) -> T:
    """Call `function`; its errors say `where` in the file they arose."""
    try:
        return function(*arguments, **keywords)
    except (TMVAError, TypeError) as error:
        raise ConfigError(f"{where}: {error}") from error


def on_one_line(value: Any) -> Any:
    """Plain data with long expressions, which TOML lets one write over several lines, joined."""
    if isinstance(value, str) and "\n" in value:
        return " ".join(value.split())
    if isinstance(value, list):
        return [on_one_line(part) if isinstance(part, str | list | dict) else part for part in value]
    return {key: on_one_line(part) for key, part in value.items()} if isinstance(value, dict) else value

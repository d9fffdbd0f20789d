"""Options of a configuration by their names, and the tables of its file with other values for some of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from typing import Any

from pytmva_rnn.config.toml_file import TABLES
from pytmva_rnn.errors import ConfigError, OptionError
from pytmva_rnn.options.grammar import unknown
from pytmva_rnn.options.keys import fields_of
from pytmva_rnn.options.method import MethodOptions
from pytmva_rnn.options.strategy import DEFAULT_STRATEGY, TrainingPhase

__all__ = ["change", "place_of"]

_OF_METHOD = {name: key.name for name, (_, key) in fields_of(MethodOptions).items()}
_OF_PHASES = {name: key.name for name, (_, key) in fields_of(TrainingPhase).items()}
_OPTIONS = ("method", "options")
_STRATEGY = "TrainingStrategy"
_EVERY = "*"


def place_of(name: str) -> tuple[str, ...] | None:
    """Where an option stands in a configuration: the tables that lead to it, and its key; None if it is no option.

    Parameters
    ----------
    name : str
        An option of TMVA's method (`Layout`); a key of its TrainingStrategy, for all phases (`LearningRate`) or for one
        (`TrainingStrategy.2.LearningRate`, counted from 1); or tables and key with dots (`sequence.steps`), and what
        stands above all tables (`variables`).
    """
    if name.upper() in _OF_METHOD:
        return (*_OPTIONS, _OF_METHOD[name.upper()])
    if name.upper() in _OF_PHASES:
        return (*_OPTIONS, _STRATEGY, _EVERY, _OF_PHASES[name.upper()])
    parts = tuple(part.strip() for part in name.split("."))
    if parts[:2] == _OPTIONS and len(parts) > 2:
        parts = parts[2:]
        if len(parts) == 1:
            return place_of(parts[0]) or (*_OPTIONS, parts[0])
    if parts[0].upper() == _STRATEGY.upper() and len(parts) == 3 and re.fullmatch("[1-9][0-9]{0,3}", parts[1]):
        return (*_OPTIONS, _STRATEGY, parts[1], _OF_PHASES.get(parts[2].upper(), parts[2]))
    return parts if (len(parts) > 1 and all(parts)) or name in TABLES else None


def change(tables: MutableMapping[str, Any], place: tuple[str, ...], value: Any) -> None:
    """Give an option another value, in place; what is then in the tables has still to be checked.

    Raises
    ------
    ConfigError
        Where the tables have something else on the way to it.
    """
    if place[:2] == _OPTIONS:
        options = _options_as_table(tables)
        if place[2] == _STRATEGY and len(place) > 3:
            _change_phases(options, place[3], place[4], value)
        else:
            options[_key_of(options, place[2])] = value
        return
    table: Any = tables
    for number, part in enumerate(place[:-1], 1):
        table = table.setdefault(part, {})
        if not isinstance(table, MutableMapping):
            raise ConfigError(f"{'.'.join(place)}: {'.'.join(place[:number])} is no table, but {table!r:.60}")
    table[place[-1]] = value


def _key_of(table: Mapping[str, Any], name: str) -> str:
    """The key as the table spells it."""
    return next((key for key in table if key.upper() == name.upper()), name)


def _options_as_table(tables: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The options of the method, TMVA's string taken apart."""
    method = tables["method"]
    options = method["options"]
    if isinstance(options, str):
        method["options"] = dict(_assignment(part) for part in options.split(":") if part.strip())
    found: MutableMapping[str, Any] = method["options"]
    return found


def _assignment(text: str) -> tuple[str, Any]:
    name, equals, value = (part.strip() for part in text.partition("="))
    bare = name.removeprefix("!").strip()
    return bare, value if equals else not name.startswith("!")


def _change_phases(options: MutableMapping[str, Any], number: str, key: str, value: Any) -> None:
    """Give a key of one phase of the training, or of every, another value."""
    if key.upper() not in _OF_PHASES:
        raise OptionError(unknown(key, _OF_PHASES.values(), "training key"))
    name = _key_of(options, _STRATEGY)
    given = options.get(name, DEFAULT_STRATEGY)
    phases = _phases_as_tables(given)
    if number != _EVERY and int(number) > len(phases):
        raise ConfigError(f"TrainingStrategy.{number}.{key}: there are {len(phases)} phases only")
    for phase in phases if number == _EVERY else [phases[int(number) - 1]]:
        phase[_key_of(phase, key)] = value
    if phases is not given:  # last, as some tables keep a copy
        options[name] = phases


def _phases_as_tables(given: Any) -> list[MutableMapping[str, Any]]:
    """The phases one by one; what is a list of tables already is the same one."""
    if isinstance(given, list) and all(isinstance(each, MutableMapping) for each in given):
        return given
    listed = given if isinstance(given, list) else [given]
    texts = [part for each in listed for part in (each.split("|") if isinstance(each, str) else [each])]
    return [dict(map(_setting, filter(str.strip, e.split(",")))) if isinstance(e, str) else e for e in texts]


def _setting(text: str) -> tuple[str, Any]:
    """A key and the value of it, a number where it is one."""
    name, _, value = (part.strip() for part in text.partition("="))
    known = fields_of(TrainingPhase).get(name.upper())
    if known is None:
        return name, value
    read = known[1].parse(value)
    return name, read if isinstance(read, int | float) else value

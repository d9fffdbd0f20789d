"""The entries of [tune.space]: drawn for a trial, put into a configuration, and all checked before anything runs."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from pytmva_rnn.config import Configuration
from pytmva_rnn.config.changed_tables import change, place_of
from pytmva_rnn.config.toml_file import TABLES, configuration
from pytmva_rnn.config.tune_table import Choices, Range, SearchEntry, Template
from pytmva_rnn.errors import ConfigError, TMVAError
from pytmva_rnn.options.keys import fields_of
from pytmva_rnn.options.layout import build_layers
from pytmva_rnn.options.method import MethodOptions
from pytmva_rnn.options.strategy import TrainingPhase
from pytmva_rnn.suggestions import near

__all__ = ["WITHOUT_EFFECT", "Drawn", "SearchSpace", "changed", "checked_configuration", "examples"]

WITHOUT_EFFECT = ("output", "checkpoint", "cache", "report", "scan", "mpi", "tune")
"""Tables that no trial depends on."""

_BRACES = re.compile(r"\{([^{}]*)\}")

Drawn: TypeAlias = dict[str, Any]
"""What a trial draws: an alternative, a number or the index of a choice, by the name of the entry."""


@dataclass(frozen=True)
class SearchSpace:
    """The entries of [tune.space].

    Attributes
    ----------
    entries : mapping of name -> Range, Choices or Template
    places : mapping of name -> tuple of str
        Where in the configuration, for those entries that are options.
    """

    entries: Mapping[str, SearchEntry]
    places: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, entries: Mapping[str, SearchEntry]) -> SearchSpace:
        """Of the table's entries.

        Raises
        ------
        ConfigError
            For a name that is neither an option nor in a template, an option that is there twice or that is none of a
            trial's own, and templates that go in a circle.
        """
        used = {name for entry in entries.values() for text in _texts(entry) for name in _BRACES.findall(text)}
        places: dict[str, tuple[str, ...]] = {}
        for name, entry in entries.items():
            place = place_of(name)
            if place is None and name not in used:
                raise ConfigError(
                    f"[tune.space] {name} is no option, and no template uses it; {near(name, [*used, *_NAMES])}"
                )
            if place is None:
                continue
            if place[0] not in TABLES:
                raise ConfigError(f"[tune.space] {name}: there is no table {place[0]!r}; {near(place[0], TABLES)}")
            if place[0] in WITHOUT_EFFECT:
                raise ConfigError(f"[tune.space] {name}: a search is not over the table [{place[0]}]")
            for other, there in places.items():
                if _overlap(place, there):
                    raise ConfigError(f"[tune.space] {name} and {other} are the same option, or one holds the other")
            if isinstance(entry, Template) and not _names_in(entry.text, entries):
                raise ConfigError(
                    f"[tune.space] {name} is a text without the name of another entry in braces: write a list of values"
                )
            places[name] = place
        if not places:
            raise ConfigError("[tune.space] has no option of the configuration")
        space = cls(entries, places)
        for name in entries:
            space._check_circle(name, ())
        return space

    def draw(self, choose: Callable[[str, Range | Choices], Any]) -> tuple[Drawn, dict[tuple[str, ...], Any]]:
        """Draw each option.

        Parameters
        ----------
        choose : callable
            Gives a number of a Range, or the index of one of the Choices.

        Returns
        -------
        drawn : dict
            Only of entries that were needed.
        values : dict of place -> value
        """
        drawn: Drawn = {}
        return drawn, {place: self._value(name, choose, drawn) for name, place in self.places.items()}

    def shown(self, drawn: Mapping[str, Any]) -> dict[str, Any]:
        """What was drawn, with the choices themselves in place of their indices."""
        return {
            name: entry.values[index] if isinstance(entry := self.entries[name], Choices) else index
            for name, index in drawn.items()
        }

    def _value(self, name: str, choose: Callable[[str, Range | Choices], Any], drawn: Drawn) -> Any:
        entry = self.entries[name]
        if isinstance(entry, Template):
            return self._filled(entry.text, choose, drawn)
        if name not in drawn:
            drawn[name] = choose(name, entry)
        if isinstance(entry, Range):
            return drawn[name]
        return self._filled(copy.deepcopy(entry.values[drawn[name]]), choose, drawn)

    def _filled(self, value: Any, choose: Callable[[str, Range | Choices], Any], drawn: Drawn) -> Any:
        if isinstance(value, list):
            return [self._filled(each, choose, drawn) for each in value]
        if isinstance(value, dict):
            return {key: self._filled(each, choose, drawn) for key, each in value.items()}
        if not isinstance(value, str):
            return value
        names = _names_in(value, self.entries)
        if value == "{" + "".join(names[:1]) + "}" and names:  # all of it, and not a text then
            return self._value(names[0], choose, drawn)
        for name in names:
            value = value.replace("{" + name + "}", str(self._value(name, choose, drawn)))
        return value

    def _check_circle(self, name: str, above: tuple[str, ...]) -> None:
        if name in above:
            raise ConfigError(f"[tune.space] {' -> '.join((*above, name))} go in a circle")
        for text in _texts(self.entries[name]):
            for used in _names_in(text, self.entries):
                self._check_circle(used, (*above, name))


_NAMES = [key.name for cls in (MethodOptions, TrainingPhase) for _, key in fields_of(cls).values()]


def _overlap(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether two places are one, or one is within the other; "*" stands for every phase."""
    return all("*" in (a, b) or a == b for a, b in zip(one, other, strict=False))


def _texts(value: Any) -> Iterator[str]:
    """All texts in an entry or in one of its values."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Template):
        yield value.text
    elif isinstance(value, Choices | list | dict):
        held = value.values if isinstance(value, Choices) else value.values() if isinstance(value, dict) else value
        for each in held:
            yield from _texts(each)


def _names_in(text: str, entries: Mapping[str, SearchEntry]) -> list[str]:
    """The entries that a text names in braces; what else stands in braces is of [for_each]."""
    return list(dict.fromkeys(name for name in _BRACES.findall(text) if name in entries))


def changed(tables: Mapping[str, Any], values: Mapping[tuple[str, ...], Any]) -> dict[str, Any]:
    """A copy of a configuration's tables with other values of some options, and without [tune]."""
    made: MutableMapping[str, Any] = copy.deepcopy({key: each for key, each in tables.items() if key != "tune"})
    for place, value in values.items():
        change(made, place, value)
    return dict(made)


def checked_configuration(path: Path, tables: Mapping[str, Any], seed: int) -> Configuration:
    """The configuration that the tables say, whose network fits the events, and with a RandomSeed.

    Raises
    ------
    ConfigError
        As `load_config`, and for a layout that does not fit.
    """
    found = configuration(path, tables)
    options = found.method.options
    variables = found.recipe.shape[0] if len(found.recipe.shape) == 1 else found.recipe.shape[0] * found.recipe.shape[1]
    try:
        build_layers(options.layout, options.input_shape(variables), variables, found.input.outputs)
    except TMVAError as error:
        raise ConfigError(f"{path}: [method] options: {error}") from error
    return found if options.random_seed else found.with_seed(seed)


def examples(space: SearchSpace) -> Iterator[tuple[Drawn, dict[tuple[str, ...], Any]]]:
    """Trials in which every choice and both ends of every range are drawn at least once."""
    seen: set[tuple[str, Any]] = set()
    waiting: list[Drawn] = [{}]
    while waiting:
        wanted = waiting.pop()

        def choose(name: str, entry: Range | Choices, wanted: Drawn = wanted) -> Any:
            return wanted.get(name, _ends(entry)[0])

        drawn, values = space.draw(choose)
        new = {*drawn.items()} - seen
        if not new and wanted:
            continue
        seen |= new
        yield drawn, values
        for name in drawn:
            entry = space.entries[name]
            if isinstance(entry, Range | Choices):
                waiting += [{**drawn, name: end} for end in _ends(entry) if (name, end) not in seen]


def _ends(entry: Range | Choices) -> list[Any]:
    return [entry.low, entry.high] if isinstance(entry, Range) else list(range(len(entry.values)))

"""The table [input] of the configuration: files, trees, classes and targets."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from pytmva_rnn.config.checking import check_keys, within
from pytmva_rnn.config.weights_table import WeightsConfig
from pytmva_rnn.data import Column, Dataset, Recipe, Source, load
from pytmva_rnn.data.memory_limit import MemoryLimit
from pytmva_rnn.errors import ConfigError
from pytmva_rnn.formula import Formula
from pytmva_rnn.options import SplitOptions
from pytmva_rnn.suggestions import near

__all__ = ["InputConfig", "input_config", "moved", "relocate"]

_SOURCE = tuple(f.name for f in fields(Source) if f.name not in ("aliases", "share"))  # [define] is for aliases
_OTHERS = ("classes", "targets", "sources")
_KINDS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "tree": ((str,), "a text"),
    "selection": ((str,), "an expression in quotes"),
    "weight": ((str, int, float), "an expression in quotes or a number"),
    "tree_weight": ((str, int, float), "a number, or arithmetic in quotes"),
    "sample": ((str,), "'training', 'validation' or 'test'"),
}


@dataclass(frozen=True)
class InputConfig:
    """Where the events come from.

    Attributes
    ----------
    sources : tuple of Source, or mapping of class name -> tuple of Source
        Of all classes together, or of each.
    classes : mapping of class name -> expression
        With sources of all classes, for a classification.
    targets : tuple of Column
        For a regression.
    """

    sources: tuple[Source, ...] | Mapping[str, tuple[Source, ...]]
    classes: Mapping[str, str] | None = None
    targets: tuple[Column, ...] = ()

    @property
    def analysis(self) -> str:
        """`classification` (two classes), `multiclass` or `regression`."""
        if self.targets:
            return "regression"
        return "multiclass" if self.outputs > 1 else "classification"

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes as they are given; none for a regression."""
        names = self.classes if self.classes is not None else self.sources
        return tuple(names) if isinstance(names, Mapping) else ()

    @property
    def outputs(self) -> int:
        """Outputs of the network: one for two classes, or one for each class or target."""
        if self.targets:
            return sum(target.width for target in self.targets)
        return len(self.class_names) if len(self.class_names) > 2 else 1

    def described(self) -> list[str]:
        """Class, files and tree of each source, for people to read."""
        return [
            f"{name}{': ' if name else ''}{', '.join(source.files)}"
            + (f", tree {source.tree}" if source.tree else "")
            + (f", for {source.sample}" if source.sample else "")
            for name, sources in self._by_class().items()
            for source in sources
        ]

    def texts(self) -> list[str]:
        """Every expression over the events: selections, weights, classes and targets."""
        of_sources = [text for s in self._by_class().values() for each in s for text in (each.selection, each.weight)]
        own = [*(self.classes or {}).values(), *(target.expression for target in self.targets)]
        return [text for text in (*of_sources, *own) if text is not None]

    def validates(self, split: SplitOptions) -> bool:
        """Whether there will be a validation sample of its own."""
        sources = [source for some in self._by_class().values() for source in some]
        return split.validation is not None or any(source.sample == "validation" for source in sources)

    def _by_class(self) -> Mapping[str, tuple[Source, ...]]:
        return self.sources if isinstance(self.sources, Mapping) else {"": self.sources}

    def shared(self, part: int, parts: int, *, whole_files: bool = True) -> InputConfig:
        """What one of several processes reads: whole files where there are enough, else a part of each."""

        def own(source: Source) -> Source:
            locations = source.locations()
            if not whole_files or source.friends or len(locations) < parts:  # friends go along with all files together
                return replace(source, share=(part, parts))
            files = tuple(file if tree in (None, source.tree) else f"{file}:{tree}" for file, tree in locations)
            return replace(source, files=files[part::parts])

        if not isinstance(self.sources, Mapping):
            return replace(self, sources=tuple(map(own, self.sources)))
        return replace(self, sources={name: tuple(map(own, some)) for name, some in self.sources.items()})

    @property
    def trees(self) -> tuple[str, ...]:
        """The tree that all sources name, if they do: what new files are likely to call theirs."""
        names = {source.tree for sources in self._by_class().values() for source in sources}
        return tuple(name for name in names if name is not None) if len(names) == 1 else ()

    def load(
        self,
        recipe: Recipe,
        split: SplitOptions | None = None,
        weighting: WeightsConfig | None = None,
        memory: MemoryLimit | None = None,
        cache_limit: int | str | None = None,
    ) -> Dataset:
        """Read all events, with what the formulas of `split` need, within a limit of memory."""
        given = weighting or WeightsConfig()
        return load(
            recipe,
            self.sources,
            classes=self.classes,
            targets=self.targets or None,
            split=split or SplitOptions(),
            negative_weights=given.negative,
            reweight=given.reweight,
            balance=given.balance,
            memory=memory,
            cache_limit=cache_limit,
        )


def input_config(table: dict[str, Any], folder: Path) -> InputConfig:
    """From the table [input].

    Parameters
    ----------
    table : dict
    folder : Path
        What paths of files are relative to.

    Raises
    ------
    ConfigError
        For a key that is unknown, missing or wrong.
    """
    per_class = {key: value for key, value in table.items() if _is_class(key, value)}
    plain = {key: value for key, value in table.items() if key not in per_class}
    check_keys(plain, (*_SOURCE, *_OTHERS), "[input] has no key")
    classes, targets, listed = (plain.pop(key, None) for key in _OTHERS)
    if sum((classes is not None, targets is not None, bool(per_class))) != 1:
        raise ConfigError(
            "[input] needs one of: a table for each class, e.g. [input.Signal]; classes, a table of an expression for "
            "each class; targets, a list of expressions to learn"
        )
    if per_class:
        if listed is not None:
            raise ConfigError(
                "[[input.sources]] are the sources of all classes together, which classes or targets tell apart; those "
                f"of a class are listed as [[input.{next(iter(per_class))}]]"
            )
        sources = {name: _sources(own, plain, f"input.{name}", folder) for name, own in per_class.items()}
        if len(per_class) == 1:
            (name,) = per_class
            raise ConfigError(
                f"[input.{name}] is the only class, and at least two are needed; if {name!r} is no class, "
                + near(name, (*_SOURCE, *_OTHERS))
            )
        return InputConfig(sources)
    if listed is not None and not _is_class("", listed):
        raise ConfigError("[input] sources is a list of tables, each [[input.sources]]")
    together = _sources({} if listed is None else listed, plain, "input" if listed is None else "input.sources", folder)
    if targets is not None:
        if not isinstance(targets, list) or not targets:
            raise ConfigError(f"[input] targets is a list of expressions, not {targets!r}")
        return InputConfig(together, targets=tuple(within("[input] targets", Column.from_data, t) for t in targets))
    if not isinstance(classes, dict) or not all(isinstance(text, str) for text in classes.values()):
        raise ConfigError("[input] classes is a table of class names with an expression in quotes for each")
    return InputConfig(together, classes=classes)


def _is_class(key: str, value: Any) -> bool:
    """Whether a key is the name of a class: it has a table or a list of tables, and means nothing else."""
    tables = value if isinstance(value, list) and value else [value]
    return key not in (*_SOURCE, *_OTHERS) and all(isinstance(each, dict) for each in tables)


def _sources(given: Any, shared: dict[str, Any], name: str, folder: Path) -> tuple[Source, ...]:
    """The sources of a table, or of each table of a list, with the keys that [input] gives to all."""
    several = isinstance(given, list)
    found = []
    for number, own in enumerate(given if several else [given], start=1):
        where = f"[[{name}]] number {number}" if several else f"[{name}]"
        check_keys(own, _SOURCE, f"{where} has no key")
        found.append(_source({**shared, **own}, where, folder))
    return tuple(found)


def _source(values: dict[str, Any], where: str, folder: Path) -> Source:
    files = values.get("files")
    if files is None:
        raise ConfigError(f"{where} needs the key 'files'")
    listed = [files] if isinstance(files, str) else files
    if not isinstance(listed, list) or not listed or not all(isinstance(file, str) for file in listed):
        raise ConfigError(f"{where} files is a path in quotes or a list of such, not {files!r}")
    for key, (kinds, what) in _KINDS.items():
        if key in values and (not isinstance(values[key], kinds) or isinstance(values[key], bool)):
            raise ConfigError(f"{where} {key} is {what}, not {values[key]!r}")
    given = {**values, "files": [_beside(folder, file) for file in listed]}
    friends = values.get("friends", [])
    if not isinstance(friends, list) or not all(isinstance(friend, str) for friend in friends):
        raise ConfigError(f'{where} friends is a list of trees, e.g. ["scores.root:scores"], not {friends!r}')
    given["friends"] = [_friend_beside(folder, friend) for friend in friends]
    source = within(where, Source.from_dict, given)
    for key in ("selection", "weight"):
        # With for_each the braces are filled in later; what is wrong then is found when the events are read.
        if (text := getattr(source, key)) is not None and "{" not in text:
            within(f"{where} {key}", Formula.parse, text)
    return source


def _friend_beside(folder: Path, friend: str) -> str:
    name, assigned, path = friend.partition("=")
    return f"{name.strip()} = {_beside(folder, path.strip())}" if assigned else _beside(folder, friend)


def _beside(folder: Path, file: str) -> str:
    return file if "://" in file or file.startswith("~") else str(folder / file)


def relocate(table: Any, old: Path, new: Path) -> None:
    """Let a table [input] of a file in the folder `old` say the same in a file in `new`: changes paths in place."""
    for own in table if isinstance(table, list) else [table]:
        for key, value in own.items():
            if key == "files":
                own[key] = moved(value, old, new) if isinstance(value, str) else [moved(v, old, new) for v in value]
            elif key == "friends":
                own[key] = [_friend_moved(friend, old, new) for friend in value]
            elif isinstance(value, dict | list) and key not in ("classes", "targets"):
                relocate(value, old, new)


def _friend_moved(friend: str, old: Path, new: Path) -> str:
    name, assigned, path = friend.partition("=")
    return f"{name.strip()} = {moved(path.strip(), old, new)}" if assigned else moved(friend, old, new)


def moved(file: str, old: Path, new: Path) -> str:
    """A path of a file in `old`, for one in `new`; what depends on neither stays."""
    if _beside(old, file) == _beside(new, file) or old.resolve() == new.resolve():
        return file
    try:
        return Path(os.path.relpath(old.resolve() / file, new.resolve())).as_posix()
    except ValueError:  # two drives of Windows
        return str(old.resolve() / file)

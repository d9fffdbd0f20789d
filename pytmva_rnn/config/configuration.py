"""The TOML file of `pytmva-rnn train` -> frozen dataclasses, checked loudly."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from pytmva_rnn.config.method_table import MethodConfig, method_config
from pytmva_rnn.data import Column, Dataset, Recipe, Source, load_classification, load_regression
from pytmva_rnn.errors import ConfigError, TMVAError
from pytmva_rnn.formula import Expression
from pytmva_rnn.options import SplitOptions
from pytmva_rnn.report.plots import FORMATS
from pytmva_rnn.suggestions import near

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["SCORE_BRANCHES", "Configuration", "InputConfig", "OutputConfig", "load_config", "with_seed"]

SCORE_BRANCHES = ("classID", "weight", "entry")
"""What the trees of training and test scores tell of each event beside the scores."""

_INPUTS = ("sequence", "variables", "for_each", "spectators", "allow_nan")
_TABLES = ("input", *_INPUTS, "split", "method", "output")
_OUTPUT = ("dataset", "weights", "scores", "plot")
_SOURCE = tuple(f.name for f in fields(Source))
_KINDS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "tree": ((str,), "a text"),
    "selection": ((str,), "an expression in quotes"),
    "weight": ((str, int, float), "an expression in quotes or a number"),
    "tree_weight": ((int, float), "a number"),
}


@dataclass(frozen=True)
class InputConfig:
    """Where the events come from.

    Attributes
    ----------
    sources : Source, or mapping of class name -> Source
    classes : mapping of class name -> expression
        With one Source, for a classification.
    targets : tuple of Column
        For a regression.
    """

    sources: Source | Mapping[str, Source]
    classes: Mapping[str, str] | None = None
    targets: tuple[Column, ...] = ()

    @property
    def analysis(self) -> str:
        """`classification` (two classes), `multiclass` or `regression`."""
        if self.targets:
            return "regression"
        names = self.classes if self.classes is not None else self.sources
        return "multiclass" if isinstance(names, Mapping) and len(names) > 2 else "classification"

    def described(self) -> list[str]:
        """Class, files and tree of each source, for people to read."""
        sources = {"": self.sources} if isinstance(self.sources, Source) else self.sources
        return [
            f"{name}{': ' if name else ''}{', '.join(source.files)}" + (f", tree {source.tree}" if source.tree else "")
            for name, source in sources.items()
        ]

    @property
    def trees(self) -> tuple[str, ...]:
        """The tree that all sources name, if they do: what new files are likely to call theirs."""
        sources = [self.sources] if isinstance(self.sources, Source) else self.sources.values()
        names = {source.tree for source in sources}
        return tuple(name for name in names if name is not None) if len(names) == 1 else ()

    def load(self, recipe: Recipe) -> Dataset:
        """Read all events."""
        if isinstance(self.sources, Source) and self.targets:
            return load_regression(recipe, self.sources, list(self.targets))
        return load_classification(recipe, self.sources, self.classes)


@dataclass(frozen=True)
class OutputConfig:
    """What is written, relative to the folder of the command's `--output`.

    Attributes
    ----------
    dataset : str
        TMVA's name of the DataLoader: the folder of the default `weights`.
    weights : str, optional
        `<dataset>/weights/<job>_<title>.weights.xml` when None.
    scores : str, optional
        ROOT file for the scores of the training and test events.
    plot : str, optional
        Picture of history, ROC curve and scores.
    """

    dataset: str = "dataset"
    weights: str | None = None
    scores: str | None = None
    plot: str | None = None


@dataclass(frozen=True)
class Configuration:
    """A whole configuration file."""

    path: Path
    input: InputConfig
    recipe: Recipe
    split: SplitOptions
    method: MethodConfig
    output: OutputConfig

    @property
    def weights(self) -> str:
        """The weight file's name, TMVA's own unless given."""
        return self.output.weights or (
            f"{self.output.dataset}/weights/{self.method.job}_{self.method.title}.weights.xml"
        )


def load_config(path: str | Path) -> Configuration:
    """Read and check a configuration file.

    Paths of input files that are not absolute are relative to the configuration file's folder.

    Raises
    ------
    ConfigError
        For what is no TOML, and for a table, key or value that is unknown, missing or wrong, naming it.
    OSError
        If the file cannot be read.
    """
    path = Path(path)
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not a TOML file: {error}") from error
    try:
        return _config(path, tables)
    except TMVAError as error:
        raise ConfigError(f"{path}: {error}") from error


def _config(path: Path, tables: Mapping[str, Any]) -> Configuration:
    _known(tables, _TABLES, "the configuration has no table or key")
    for needed, what in (("input", "where the events are"), ("method", "the options of the network")):
        if needed not in tables:
            raise ConfigError(f"the table [{needed}] is missing: it says {what}")
    recipe = _within("[sequence]" if "sequence" in tables else "variables", _recipe, tables)
    given = _input(_on_one_line(_table(tables, "input")), path.parent)
    splitting = _within("[split]", _split, tables.get("split", ""))
    method = method_config(_table(tables, "method"), given.analysis, recipe)
    output = _output(_table(tables, "output"))
    if output.scores is not None and method.title in SCORE_BRANCHES:
        raise ConfigError(
            f"[method] title = {method.title!r} is the name of another branch of the scores; choose another"
        )
    return Configuration(path, given, recipe, splitting, method, output)


def _recipe(tables: Mapping[str, Any]) -> Recipe:
    given = {key: _on_one_line(tables[key]) for key in _INPUTS if key in tables}
    for key in ("sequence", "for_each"):
        if not isinstance(given.get(key, {}), dict):
            raise ConfigError(f"{key} is a table, not {given[key]!r}")
    if isinstance(given.get("sequence"), dict) and not isinstance(given["sequence"].get("inputs", {}), dict):
        raise ConfigError("inputs is a table of names with expressions")
    for key in ("variables", "spectators"):
        if not isinstance(given.get(key, []), list):
            raise ConfigError(f"{key} is a list of expressions, not {given[key]!r}")
    return Recipe.from_dict(given)


def _input(table: dict[str, Any], folder: Path) -> InputConfig:
    plain = {key: value for key, value in table.items() if not isinstance(value, dict)}
    per_class = {key: value for key, value in table.items() if isinstance(value, dict) and key != "classes"}
    classes, targets = table.get("classes"), plain.pop("targets", None)
    _known(plain, (*_SOURCE, "classes", "targets"), "[input] has no key")
    if sum((classes is not None, targets is not None, bool(per_class))) != 1:
        raise ConfigError(
            "[input] needs one of: a table for each class, e.g. [input.Signal]; classes, a table of an expression for "
            "each class; targets, a list of expressions to learn"
        )
    if per_class:
        sources = {}
        for name, own in per_class.items():
            where = f"[input.{name}]"
            _known(own, _SOURCE, f"{where} has no key")
            sources[name] = _source({**plain, **own}, where, folder)
        return InputConfig(sources)
    source = _source({key: value for key, value in plain.items() if key != "classes"}, "[input]", folder)
    if targets is not None:
        if not isinstance(targets, list) or not targets:
            raise ConfigError(f"[input] targets is a list of expressions, not {targets!r}")
        return InputConfig(source, targets=tuple(_within("[input] targets", Column.from_data, t) for t in targets))
    if not isinstance(classes, dict) or not all(isinstance(text, str) for text in classes.values()):
        raise ConfigError("[input] classes is a table of class names with an expression in quotes for each")
    return InputConfig(source, classes=classes)


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
    source: Source = _within(where, Source.from_dict, {**values, "files": [_beside(folder, file) for file in listed]})
    for key in ("selection", "weight"):
        # With for_each the braces are filled in later; what is wrong then is found when the events are read.
        if (text := getattr(source, key)) is not None and "{" not in text:
            _within(f"{where} {key}", Expression.parse, text)
    return source


def _beside(folder: Path, file: str) -> str:
    return file if "://" in file or file.startswith("~") else str(folder / file)


def _split(value: Any) -> SplitOptions:
    if not isinstance(value, str | dict):
        raise ConfigError(f"TMVA's string in quotes, or a table, is needed; not {value!r}")
    return SplitOptions.parse(value)


def _output(table: dict[str, Any]) -> OutputConfig:
    _known(table, _OUTPUT, "[output] has no key")
    for key, value in table.items():
        if not isinstance(value, str) or not value:
            raise ConfigError(f"[output] {key} is a path in quotes, not {value!r}")
    output = OutputConfig(**table)
    if output.plot is not None and Path(output.plot).suffix not in FORMATS:
        raise ConfigError(f"[output] plot = {output.plot!r}: the name must end with {', '.join(FORMATS)}")
    return output


def _on_one_line(value: Any) -> Any:
    """Plain data with long expressions, which TOML lets one write over several lines, joined."""
    if isinstance(value, str) and "\n" in value:
        return " ".join(value.split())
    if isinstance(value, list):
        return [_on_one_line(part) for part in value]
    return {key: _on_one_line(part) for key, part in value.items()} if isinstance(value, dict) else value


def _table(tables: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = tables.get(name, {})
    if not isinstance(value, dict):
        raise ConfigError(f"{name} is a table, [{name}], not {value!r}")
    return value


def _known(given: Iterable[str], names: Iterable[str], message: str) -> None:
    for key in given:
        if key not in names:
            raise ConfigError(f"{message} {key!r}; {near(key, names)}")


def _within(where: str, function: Any, *arguments: Any) -> Any:
    """Call `function`; its errors say `where` in the file they arose."""
    try:
        return function(*arguments)
    except (TMVAError, TypeError) as error:
        raise ConfigError(f"{where}: {error}") from error


def with_seed(config: Configuration, seed: int | None) -> Configuration:
    """The configuration with another RandomSeed."""
    if seed is None:
        return config
    options = replace(config.method.options, random_seed=seed)
    return replace(config, method=replace(config.method, options=options))

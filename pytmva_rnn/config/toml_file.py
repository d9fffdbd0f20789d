"""The TOML file of `pytmva-rnn train` -> a `Configuration`, checked loudly."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytmva_rnn.config.cache_table import cache_config
from pytmva_rnn.config.checking import check_keys, on_one_line, table_of, within
from pytmva_rnn.config.checkpoint_table import checkpoint_config
from pytmva_rnn.config.configuration import Configuration
from pytmva_rnn.config.input_table import InputConfig, input_config
from pytmva_rnn.config.method_table import method_config
from pytmva_rnn.config.output_table import SCORE_BRANCHES, output_config
from pytmva_rnn.config.scan_table import scan_config
from pytmva_rnn.config.tune_table import tune_config
from pytmva_rnn.config.weights_table import WeightsConfig, weights_config
from pytmva_rnn.data import Recipe
from pytmva_rnn.data.memory_limit import MemoryLimit
from pytmva_rnn.errors import ConfigError, TMVAError
from pytmva_rnn.options import SplitOptions
from pytmva_rnn.report import ReportOptions
from pytmva_rnn.training import Additions

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["TABLES", "configuration", "load_config", "read_tables"]

_MOST_PARTS = 100
_MOST_VALUES = 200_000
_INPUTS = ("sequence", "variables", "for_each", "spectators", "allow_nan", "define")
_OWN = ("scan", "mpi", "output", "checkpoint", "cache", "additions", "report", "tune")
TABLES = ("memory", "input", *_INPUTS, "split", "weights", "method", *_OWN)
"""What a configuration may hold."""


def load_config(path: str | os.PathLike[str]) -> Configuration:
    """Read and check a configuration file of `pytmva-rnn train`.

    Paths of input files that are not absolute are relative to the configuration file's folder. The events themselves
    are not read yet.

    Parameters
    ----------
    path : path-like
        A TOML file with the tables [input], [sequence] (or the list `variables`), [split], [weights], [method],
        [scan], [mpi], [output], [checkpoint], [cache], [additions], [report] and [tune].

    Returns
    -------
    Configuration
        Frozen dataclasses, one a table.

    Raises
    ------
    ConfigError
        For what is no TOML, and for a table, key or value that is unknown, missing or wrong, naming file, table and
        key.
    OSError
        If the file cannot be read.

    Examples
    --------
    >>> from pytmva_rnn import load_config
    >>> config = load_config("examples/quark_gluon.toml")
    >>> config.recipe.shape, config.weights
    ((6, 6), 'dataset/weights/TMVAClassification_LSTM.weights.xml')
    >>> parts = config.divide()  # doctest: +SKIP
    >>> result = config.with_seed(7).train(parts.training, parts.validation)  # doctest: +SKIP
    >>> result.model.save(config.weights)  # doctest: +SKIP
    """
    return configuration(Path(path), read_tables(path))


def _check_size(text: str) -> None:
    """Refuse what Python's reader of TOML takes long for.

    That is very many values, and names of very many parts, `a.a.a`: the square of their number.
    """
    values = text.count(",") + text.count("\n")
    if values > _MOST_VALUES:
        raise ValueError(f"it has {values:,} commas and ends of lines, and a configuration at most {_MOST_VALUES:,}")
    count = 0
    for part in text.split("."):
        count = count + 1 if part.strip(" \t\"'[").replace("_", "").replace("-", "").isalnum() else 0
        if count > _MOST_PARTS:
            raise ValueError(f"a name has more than {_MOST_PARTS} parts with points between")


def read_tables(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The tables of a TOML file as they are; raises as `load_config`."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
        _check_size(text)
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also of a number of very many digits, and of endless brackets
        raise ConfigError(f"{path} is not a TOML file: {error}") from error


def configuration(path: Path, tables: Mapping[str, Any]) -> Configuration:
    """The configuration that the tables of a file say, checked; paths in it are relative to the file's folder.

    Raises
    ------
    ConfigError
        As `load_config`.
    """
    try:
        return _config(path, tables)
    except TMVAError as error:
        raise ConfigError(f"{path}: {error}") from error


def _config(path: Path, tables: Mapping[str, Any]) -> Configuration:
    check_keys(tables, TABLES, "the configuration has no table or key")
    for needed, what in (("input", "where the events are"), ("method", "the options of the network")):
        if needed not in tables:
            raise ConfigError(f"the table [{needed}] is missing: it says {what}")
    recipe = within("[sequence]" if "sequence" in tables else "variables", _recipe, tables)
    given = input_config(on_one_line(table_of(tables, "input")), path.parent)
    splitting = within("[split]", _split, on_one_line(tables.get("split", "")))
    within("[split]", _check_formulas, recipe, splitting)
    within("[sequence]" if "sequence" in tables else "variables", recipe.check_distinct)
    weighting = weights_config(on_one_line(table_of(tables, "weights")))
    if weighting != WeightsConfig(weighting.negative) and given.targets:
        raise ConfigError("[weights] balance and reweight are for classes, not for a regression")
    of_weights = () if weighting.reweight is None else weighting.reweight.variables
    for text in of_weights:
        if "{" not in text:
            within("[weights.reweight] variables", recipe.formula, text)
    recipe.check_for_each([*given.texts(), *splitting.formulas, *of_weights])
    method = method_config(table_of(tables, "method"), given.analysis, recipe)
    if "ValidationSize" in method.options.text and given.validates(splitting):
        raise ConfigError(
            "[method] options: ValidationSize takes from the training sample, but there is a sample to validate with: "
            "leave one out"
        )
    output = output_config(table_of(tables, "output"), mask_padding=recipe.mask_padding)
    memory = within("memory", MemoryLimit.of, tables["memory"]) if "memory" in tables else None
    if output.scores is not None and method.title in SCORE_BRANCHES:
        raise ConfigError(
            f"[method] title = {method.title!r} is the name of another branch of the scores; choose another"
        )
    additions = within("[additions]", Additions.of, table_of(tables, "additions"))
    cache = cache_config(table_of(tables, "cache"))
    checkpoint = checkpoint_config(table_of(tables, "checkpoint")) if "checkpoint" in tables else None
    report = within("[report]", _report, on_one_line(table_of(tables, "report")), given)
    scan = scan_config(table_of(tables, "scan"))
    steps = _local_steps(table_of(tables, "mpi"))
    tuning = tune_config(table_of(tables, "tune"), given.analysis) if "tune" in tables else None
    own = (weighting, checkpoint, memory, report, scan)
    further: dict[str, Any] = {"local_steps": steps, "additions": additions, "tuning": tuning, "cache": cache}
    return Configuration(path, given, recipe, splitting, method, output, *own, **further)


def _recipe(tables: Mapping[str, Any]) -> Recipe:
    given = {key: on_one_line(tables[key]) for key in _INPUTS if key in tables}
    for key in ("sequence", "for_each"):
        if not isinstance(given.get(key, {}), dict):
            raise ConfigError(f"{key} is a table, not {given[key]!r}")
    for key in ("variables", "spectators"):
        if not isinstance(given.get(key, []), list):
            raise ConfigError(f"{key} is a list of expressions, not {given[key]!r}")
    return Recipe.from_dict(given)


def _split(value: Any) -> SplitOptions:
    if not isinstance(value, str | dict):
        raise ConfigError(f"TMVA's string in quotes, or a table, is needed; not {value!r}")
    return SplitOptions.parse(value)


def _check_formulas(recipe: Recipe, splitting: SplitOptions) -> None:
    for text in splitting.formulas:
        if "{" not in text:  # with for_each the braces are filled in later
            recipe.formula(text)


def _report(table: dict[str, Any], given: InputConfig) -> ReportOptions:
    options = ReportOptions.from_dict(table)
    if given.targets and options.yields:
        raise ConfigError("yields are for the significance of a signal, not for a regression")
    if not given.targets:
        options.check_classes(given.class_names)
    return options


def _local_steps(table: dict[str, Any]) -> int:
    """LocalSteps of [mpi], which is none of TMVA's options."""
    check_keys(table, ("LocalSteps",), "[mpi] has no key")
    steps = table.get("LocalSteps", 1)
    if type(steps) is not int or steps < 1:
        raise ConfigError(f"[mpi] LocalSteps is a whole number from 1 on, not {steps!r}")
    return steps

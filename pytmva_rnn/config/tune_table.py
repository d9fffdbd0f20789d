"""The table [tune] of the configuration: what `pytmva-rnn tune` searches, how, and what it writes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeAlias

from pytmva_rnn.config.checking import check_keys
from pytmva_rnn.errors import ConfigError
from pytmva_rnn.report.plots import PICTURE_FORMATS

__all__ = ["Choices", "Metric", "Range", "SearchEntry", "Template", "TuneConfig", "tune_config"]

Metric: TypeAlias = Literal["validation_error", "roc_integral", "rms"]

_MOST_TRIALS = 1_000_000
_MOST_CHOICES = 1000


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included: integers if both are, on request in steps or by their logarithm.

    Attributes
    ----------
    low, high : float
        The smallest and the largest.
    step : float, optional
        From each number to the next.
    log : bool
        Whether their logarithms are equally likely.
    """

    low: float
    high: float
    step: float | None = None
    log: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether the numbers are integers."""
        return isinstance(self.low, int) and isinstance(self.high, int)


@dataclass(frozen=True)
class Choices:
    """One of several values; texts may be templates."""

    values: tuple[Any, ...]


@dataclass(frozen=True)
class Template:
    """A text with the names of other entries in braces."""

    text: str


SearchEntry: TypeAlias = Range | Choices | Template


@dataclass(frozen=True)
class TuneConfig:
    """What `pytmva-rnn tune` searches, how, and what it writes.

    Attributes
    ----------
    space : mapping of name -> Range, Choices or Template
        Options of the configuration, and names that templates use.
    trials : int
        How many there are to be, those of earlier runs included.
    minutes : float, optional
        After which no more trials begin.
    seed : int
        Of the search, and RandomSeed where the configuration has none.
    metric : "validation_error", "roc_integral" or "rms"
        What is to be best on the events that validate.
    folds : int, optional
        Parts of the training sample, of which each validates once; the mean counts.
    sampler : "tpe" or "random"
        How values are chosen: by those of the trials so far, or by chance.
    pruner : "median" or "none"
        Whether a trial ends early whose validation error is above the median of the others at the same epoch.
    startup_trials, warmup_epochs : int
        Trials, and epochs of a trial, before which nothing is pruned.
    storage, best, table, plot : str
        What is written, relative to the folder of the command's `--output`.
    """

    space: Mapping[str, SearchEntry]
    trials: int = 50
    minutes: float | None = None
    seed: int = 1
    metric: Metric = "validation_error"
    folds: int | None = None
    sampler: Literal["tpe", "random"] = "tpe"
    pruner: Literal["median", "none"] = "median"
    startup_trials: int = 5
    warmup_epochs: int = 5
    storage: str = "tune.db"
    best: str = "best.toml"
    table: str = "trials.csv"
    plot: str | None = field(default=None)


def _whole(least: int, most: int) -> Callable[[Any], str]:
    def problem(value: Any) -> str:
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return ""
        return f"a whole number from {least} to {most}"

    return problem


def _one_of(*words: str) -> Callable[[Any], str]:
    return lambda value: "" if value in words else f"one of {', '.join(words)}"


def _path(*suffixes: str) -> Callable[[Any], str]:
    def problem(value: Any) -> str:
        if isinstance(value, str) and value and (not suffixes or value.endswith(suffixes)):
            return ""
        return "a path in quotes" + (f" that ends with {', '.join(suffixes)}" if suffixes else "")

    return problem


def _minutes(value: Any) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf:
        return ""
    return "a number above 0"


_PROBLEMS: Mapping[str, Callable[[Any], str]] = {
    "trials": _whole(1, _MOST_TRIALS),
    "minutes": _minutes,
    "seed": _whole(1, 2**31 - 1),
    "metric": _one_of("validation_error", "roc_integral", "rms"),
    "folds": _whole(2, 1000),
    "sampler": _one_of("tpe", "random"),
    "pruner": _one_of("median", "none"),
    "startup_trials": _whole(0, _MOST_TRIALS),
    "warmup_epochs": _whole(0, 10**9),
    "storage": _path(".db"),
    "best": _path(".toml"),
    "table": _path(".csv"),
    "plot": _path(*PICTURE_FORMATS),
}
"""What a value should be that is wrong, by key."""


def tune_config(table: Mapping[str, Any], analysis: str) -> TuneConfig:
    """From the table [tune].

    Raises
    ------
    ConfigError
        For a key that is unknown, missing or wrong.
    """
    check_keys(table, [f.name for f in fields(TuneConfig)], "[tune] has no key")
    for key, problem in _PROBLEMS.items():
        if key in table and (expected := problem(table[key])):
            raise ConfigError(f"[tune] {key} is {expected}, not {table[key]!r}")
    given = table.get("space")
    if not isinstance(given, dict) or not given:
        raise ConfigError(
            "[tune] needs the table [tune.space]: options with a list of values or a range, such as "
            "LearningRate = { low = 1e-4, high = 1e-2, log = true }"
        )
    space = {name: _entry(name, value) for name, value in given.items()}
    metric = table.get("metric", "validation_error")
    if metric == ("roc_integral" if analysis == "regression" else "rms"):
        others = "validation_error or rms" if analysis == "regression" else "validation_error or roc_integral"
        raise ConfigError(f"[tune] metric = {metric!r} is not for a {analysis}: choose {others}")
    return TuneConfig(**{**table, "space": space})


def _entry(name: str, value: Any) -> SearchEntry:
    where = f"[tune.space] {name}"
    if isinstance(value, str):
        return Template(value)
    if isinstance(value, list):
        if not 1 <= len(value) <= _MOST_CHOICES:
            raise ConfigError(f"{where} is a list of 1 to {_MOST_CHOICES} values, not of {len(value)}")
        return Choices(tuple(value))
    if not isinstance(value, dict):
        raise ConfigError(
            f"{where} is a list of values, a range {{ low = 1, high = 9 }}, or a template in quotes; not {value!r}"
        )
    check_keys(value, [f.name for f in fields(Range)], f"{where} has no key")
    return _range(where, value)


def _range(where: str, value: Mapping[str, Any]) -> Range:
    for key in ("low", "high"):
        if key not in value:
            raise ConfigError(f"{where} is a range and needs {key}")
    for key in ("low", "high", "step"):
        if key in value and not _is_number(value[key]):
            raise ConfigError(f"{where} {key} is a number, not {value[key]!r}")
    if not isinstance(value.get("log", False), bool):
        raise ConfigError(f"{where} log is true or false, not {value['log']!r}")
    found = Range(**value)
    if not found.low < found.high:
        raise ConfigError(f"{where}: low = {found.low} is not below high = {found.high}")
    if found.log and found.low <= 0:
        raise ConfigError(f"{where}: low = {found.low} has no logarithm; write a number above 0")
    if found.step is not None:
        if found.log:
            raise ConfigError(f"{where} has either step or log = true")
        if not 0 < found.step <= found.high - found.low:
            raise ConfigError(f"{where}: step = {found.step} is not above 0 and at most high - low")
        if found.is_whole and not isinstance(found.step, int):
            raise ConfigError(f"{where}: low and high are integers, and step = {found.step} is not")
        steps = (found.high - found.low) / found.step
        if abs(steps - round(steps)) > 1e-6:
            last = found.low + int(steps) * found.step
            raise ConfigError(f"{where}: steps of {found.step} from {found.low} end at {last:g}, not at {found.high}")
    return found


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)

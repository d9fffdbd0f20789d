"""What several trainings of one configuration differ in: seeds, folds, values of options, and all combinations."""

from __future__ import annotations

import hashlib
import itertools
import math
import numbers
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pytmva_rnn.errors import OptionError
from pytmva_rnn.options import MethodOptions, SplitOptions
from pytmva_rnn.options.varied import read_value, varied

__all__ = ["MOST", "Variation", "vary"]

MOST = 256
"""Trainings that are made together unless more are allowed."""

_LARGEST_SEED = 2**32 - 2
"""Of a training of one phase, for which the generators' seed is one more."""

_READABLE = re.compile(r"[A-Za-z0-9.+-]{1,20}")
"""A value that can stand in the name of a file."""


@dataclass(frozen=True)
class Variation:
    """What one of several trainings has for itself.

    Attributes
    ----------
    name : str
        Tells it from the others, also in the names of files: `LearningRate0.001_seed7_fold2`.
    values : mapping of option -> TMVA's text of its value
        In place of the configuration's; a key of the TrainingStrategy in all phases.
    seed : int, optional
        RandomSeed.
    folds, fold : int, optional
        Into how many folds the events are divided, and which of them tests.
    """

    name: str
    values: Mapping[str, str] = field(default_factory=dict)
    seed: int | None = None
    folds: int | None = None
    fold: int | None = None

    def options(self, options: MethodOptions) -> MethodOptions:
        """The options of this training, from those that all have in common."""
        for name, text in self.values.items():
            options = varied(options, name, text)
        return options if self.seed is None else replace(options, random_seed=self.seed)

    def split(self, split: SplitOptions) -> SplitOptions:
        """How its events are divided: with folds these say what tests, in place of all that says so otherwise."""
        if self.folds is None:
            return split
        own: dict[str, Any] = {"folds": self.folds, "fold": self.fold, "test": None, "ScaleWithPreselEff": False}
        return replace(split, **own, nTrain={}, nTest={}, TrainTestSplit={})


def vary(
    *,
    seeds: Iterable[int] = (),
    folds: int | None = None,
    scan: Mapping[str, Sequence[Any]] | None = None,
    at_most: int = MOST,
) -> tuple[Variation, ...]:
    """All combinations of seeds, folds and values of options, one variation each.

    Parameters
    ----------
    seeds : iterable of int
        RandomSeed of each, from 1 on: 0 is different every time.
    folds : int, optional
        At least 2: each of them tests once.
    scan : mapping of option -> list of values, optional
        Of the method's options, `Layout`, and the keys of its TrainingStrategy, `LearningRate`, which are changed in
        all phases. Values are TMVA's text, or what says the same in Python.
    at_most : int
        More combinations are refused.

    Raises
    ------
    OptionError
        For an unknown option, a value that it cannot have, a value or a seed that stands twice, no value at all, an
        option that a seed gives too, and too many combinations.

    Examples
    --------
    >>> [variation.name for variation in vary(seeds=(1, 2), scan={"BatchSize": [50, 100]})]
    ['BatchSize50_seed1', 'BatchSize50_seed2', 'BatchSize100_seed1', 'BatchSize100_seed2']
    """
    given = _scanned(scan or {})
    chosen = _seeds(seeds, at_most + 1)
    if chosen and "RandomSeed" in given:
        raise OptionError("the seeds are given twice: as seeds, and as values of RandomSeed")
    if folds is not None:
        SplitOptions(folds=folds)  # checks it
    parts = [f"{len(values)} of {name}" for name, values in given.items()]
    parts += [f"{'more than ' * (len(chosen) > at_most)}{min(len(chosen), at_most)} seeds"] if chosen else []
    parts += [f"{folds} folds"] if folds else []
    if not parts:
        raise OptionError("nothing varies: give seeds, folds or a scan")
    count = math.prod([*(len(values) for values in given.values()), len(chosen) or 1, folds or 1])
    if count > at_most:
        total = f"{' x '.join(parts)} are {count:,} trainings at least"
        raise OptionError(f"{total}; at most {at_most:,} are made unless more are allowed")
    found = tuple(_product(given, chosen, folds))
    names = [variation.name.lower() for variation in found]
    if len(set(names)) < len(names):  # as file systems may see it
        raise OptionError("two combinations would write to files of the same name; leave out values that are the same")
    return found


def _product(given: Mapping[str, Sequence[str]], seeds: Sequence[int], folds: int | None) -> Iterable[Variation]:
    numbers: Sequence[int | None] = range(folds) if folds else [None]
    chosen: Sequence[int | None] = seeds or [None]
    for texts in itertools.product(*given.values()):
        values = dict(zip(given, texts, strict=True))
        for seed in chosen:
            for fold in numbers:
                yield Variation(_name(values, seed, fold), values, seed, folds, fold)


def _name(values: Mapping[str, str], seed: int | None, fold: int | None) -> str:
    parts = [f"{name}{_readable(text)}" for name, text in values.items()]
    parts += [] if seed is None else [f"seed{seed}"]
    parts += [] if fold is None else [f"fold{fold}"]
    return "_".join(parts)


def _readable(text: str) -> str:
    """A value in the name of a file: as it is, or digits that are its own."""
    return text if _READABLE.fullmatch(text) else f"-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _seeds(given: Any, at_most: int) -> list[int]:
    if not isinstance(given, Iterable):
        raise OptionError(f"seeds are whole numbers, such as range(1, 9), not {given!r:.80}")
    seeds = []
    for seed in itertools.islice(given, at_most):
        if isinstance(seed, bool) or not isinstance(seed, numbers.Integral) or not 1 <= int(seed) <= _LARGEST_SEED:
            raise OptionError(
                f"a seed is a whole number from 1 on, up to {_LARGEST_SEED}, not {seed!r}; "
                "0 would be different every time"
            )
        seeds.append(int(seed))
    _check_once("seed", seeds, seeds)
    return seeds


def _scanned(given: Any) -> dict[str, list[str]]:
    if not isinstance(given, Mapping):
        raise OptionError(f'a scan has a list of values for each option, {{"LearningRate": [...]}}, not {given!r:.80}')
    found: dict[str, list[str]] = {}
    for given_name, values in given.items():
        if isinstance(values, str | Mapping) or not isinstance(values, Iterable):
            raise OptionError(f"{given_name}: a list of values is needed, not {values!r:.80}")
        pairs = [read_value(given_name, value) for value in values]
        if not pairs:
            raise OptionError(f"{given_name}: the list of values is empty")
        name = pairs[0][0]
        if name in found:
            raise OptionError(f"{name} is scanned twice")
        found[name] = [text for _, text in pairs]
        _check_once(f"value of {name}", [varied(MethodOptions(), name, text) for text in found[name]], found[name])
    return found


def _check_once(what: str, given: Sequence[Any], words: Sequence[Any]) -> None:
    for number, each in enumerate(given):
        if each in given[:number]:
            raise OptionError(f"the {what} {words[number]!s:.60} is given twice")

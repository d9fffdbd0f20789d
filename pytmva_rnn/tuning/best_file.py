"""The best trial as a configuration file that `pytmva-rnn train` takes, with the comments of the one it came from."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytmva_rnn import extras
from pytmva_rnn.config import Configuration, TuneConfig
from pytmva_rnn.config.changed_tables import change, place_of
from pytmva_rnn.config.input_table import moved, relocate
from pytmva_rnn.config.toml_file import configuration, read_tables
from pytmva_rnn.data.sources import files_read
from pytmva_rnn.errors import ConfigError
from pytmva_rnn.files import atomic_path
from pytmva_rnn.tuning.search_space import changed, checked_configuration
from pytmva_rnn.tuning.study_file import TrialRow

__all__ = ["write_best"]

tomlkit: Any = extras.tomlkit()

_SCHEMA = re.compile(r"^(#:schema )(\S+)", re.MULTILINE)
"""The line by which editors find the schema of the file."""


def write_best(
    target: Path, source: Path, values: Mapping[tuple[str, ...], Any], best: TrialRow, tuning: TuneConfig
) -> Configuration:
    """Write a configuration with other values of some options, and without [tune].

    Parameters
    ----------
    target : Path
    source : Path
        The configuration that was searched.
    values : mapping of place -> value
        What the best trial has drawn.
    best : TrialRow
    tuning : TuneConfig

    Returns
    -------
    Configuration
        As it was written and read again.

    Raises
    ------
    ConfigError
        If the file would not say what the trial was.
    """
    tables = read_tables(source)
    wanted = checked_configuration(source, changed(tables, values), tuning.seed)
    document = tomlkit.parse(source.read_text(encoding="utf-8"))
    document.pop("tune", None)
    for place, value in values.items():
        change(document, place, value)
    seed = place_of("RandomSeed")
    assert seed is not None
    change(document, seed, wanted.method.options.random_seed)
    relocate(document["input"], source.parent, target.parent)
    text = f"# Made by pytmva_rnn: trial {best.number} of {source.name}, {_described(best, tuning)}.\n\n"
    text += _SCHEMA.sub(
        lambda line: line[1] + moved(line[2], source.parent, target.parent), tomlkit.dumps(document).lstrip("\n")
    )
    with atomic_path(target) as temporary:
        temporary.write_text(text, encoding="utf-8")
        found = configuration(target, read_tables(temporary))
        if not _same(found, wanted):
            raise ConfigError(f"{target} would not say what trial {best.number} was; its options are in the trials")
    return found


def _described(best: TrialRow, tuning: TuneConfig) -> str:
    assert best.value is not None
    value = 1 - best.value if tuning.metric == "roc_integral" else best.value
    folds = f", the mean of {tuning.folds} folds" if tuning.folds is not None else ""
    return f"{tuning.metric} {value:.6g}{folds}"


def _same(one: Configuration, other: Configuration) -> bool:
    """Whether two files say the same; paths of inputs may be spelt in two ways."""
    parts = [
        (
            c.recipe,
            c.split,
            c.method,
            c.weighting,
            c.additions,
            c.memory,
            c.input.texts(),
            c.input.targets,
            c.input.classes,
        )
        for c in (one, other)
    ]
    files = [[os.path.realpath(file) for file in files_read(c.input.sources)] for c in (one, other)]
    return parts[0] == parts[1] and files[0] == files[1]

"""The table of several trainings, a JSON file beside their weight files: by it they are one ensemble."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

from pytmva_rnn.errors import WeightFileError
from pytmva_rnn.files import atomic_path

__all__ = ["EnsembleIndex", "FoldRule", "IndexedTraining", "is_index", "read_index", "write_index"]

MARK = "pytmva_rnn trainings"
"""The first key of the file, by which it is known; its value is the version of the format."""

_VERSION = 1
_LARGEST = 64_000_000
_MOST_FOLDS = 10_000


@dataclass(frozen=True)
class FoldRule:
    """How events are divided into folds: a whole number for each, modulo the number of folds.

    Attributes
    ----------
    folds : int
    by : str, optional
        Formula of the number; that of the entry in its file where None.
    """

    folds: int
    by: str | None = None


@dataclass(frozen=True)
class IndexedTraining:
    """One finished training.

    Attributes
    ----------
    name : str
    weights : str
        Its weight file, relative to the folder of the index.
    sha256 : str
        Of the weight file.
    fold : int, optional
        The fold that tested it.
    about : mapping
        What else is known of it, as plain data.
    """

    name: str
    weights: str
    sha256: str
    fold: int | None = None
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class EnsembleIndex:
    """What such a file says; `rule` is there where the trainings are of folds."""

    members: tuple[IndexedTraining, ...]
    rule: FoldRule | None = None


def is_index(path: str | os.PathLike[str]) -> bool:
    """Whether a file is such a table, and not a weight file."""
    with Path(path).open("rb") as file:
        return file.read(1000).lstrip().startswith(b"{")


def write_index(index: EnsembleIndex, path: str | os.PathLike[str]) -> None:
    """Write the file, whole or not at all.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    content: dict[str, Any] = {MARK: _VERSION}
    if index.rule is not None:
        content["folds"] = {"number": index.rule.folds, "by": index.rule.by}
    content["trainings"] = [
        {
            "name": member.name,
            "weights": member.weights,
            "sha256": member.sha256,
            **({} if member.fold is None else {"fold": member.fold}),
            "about": dict(member.about),
        }
        for member in index.members
    ]
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def read_index(path: str | os.PathLike[str]) -> EnsembleIndex:
    """Read the file; the weight files are not looked at.

    Raises
    ------
    WeightFileError
        If it is no such file, or a part of it is missing or wrong.
    OSError
        If it cannot be opened.
    """
    shown = os.fspath(path)
    with Path(path).open("rb") as file:
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise WeightFileError(f"it is larger than {_LARGEST:,} bytes, which no table of trainings is", shown)
    try:
        tables = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise WeightFileError(f"it is no JSON: {error}", shown) from None
    if not isinstance(tables, dict) or MARK not in tables:
        raise WeightFileError("it is neither a weight file nor a table of trainings by pytmva_rnn", shown)
    if tables[MARK] != _VERSION:
        raise WeightFileError(f"its format is version {str(tables[MARK])[:20]}; this release reads {_VERSION}", shown)
    listed = tables.get("trainings")
    if not isinstance(listed, list):
        raise WeightFileError("trainings: a list is needed", shown)
    rule = _rule(tables.get("folds"), shown)
    members = tuple(_training(each, f"trainings[{number}]", rule, shown) for number, each in enumerate(listed))
    names = [member.name for member in members]
    if len(set(names)) < len(names):
        raise WeightFileError("two trainings have the same name", shown)
    return EnsembleIndex(members, rule)


def _rule(table: Any, path: str) -> FoldRule | None:
    if table is None:
        return None
    number, by = (table.get("number"), table.get("by")) if isinstance(table, dict) else (None, None)
    if type(number) is not int or not 2 <= number <= _MOST_FOLDS:
        raise WeightFileError(f"folds: number is a whole number from 2 to {_MOST_FOLDS}, not {str(number)[:40]}", path)
    if by is not None and not isinstance(by, str):
        raise WeightFileError(f"folds: by is a formula, not {str(by)[:40]}", path)
    return FoldRule(number, by)


def _training(table: Any, where: str, rule: FoldRule | None, path: str) -> IndexedTraining:
    if not isinstance(table, dict):
        raise WeightFileError(f"{where}: a table is needed, not {str(table)[:40]}", path)
    texts = [table.get(key) for key in ("name", "weights", "sha256")]
    for key, text in zip(("name", "weights", "sha256"), texts, strict=True):
        if not isinstance(text, str) or not text:
            raise WeightFileError(f"{where}: {key} is a text, not {str(text)[:40]}", path)
    name, weights, sha256 = map(str, texts)
    place = PurePath(weights)
    if place.is_absolute() or ".." in place.parts:  # what is read lies beside the table
        raise WeightFileError(f"{where}: weights is a file in the folder of the table, not {weights[:100]}", path)
    fold = table.get("fold")
    if (fold is None) != (rule is None) or (rule is not None and (type(fold) is not int or not 0 <= fold < rule.folds)):
        wanted = "there are no folds" if rule is None else f"it is a number from 0 to {rule.folds - 1}"
        raise WeightFileError(f"{where}: fold is {str(fold)[:40]}, but {wanted}", path)
    about = table.get("about", {})
    if not isinstance(about, dict):
        raise WeightFileError(f"{where}: about is a table, not {str(about)[:40]}", path)
    return IndexedTraining(name, weights, sha256, fold, about)

"""Everything that is wrong with a weight file, in words."""

from __future__ import annotations

import os
from dataclasses import dataclass

from pytmva_rnn.description import tmva_differences
from pytmva_rnn.errors import WeightFileError
from pytmva_rnn.weightfile.consistency import inconsistencies
from pytmva_rnn.weightfile.nodes import parse
from pytmva_rnn.weightfile.reading import is_other_method, read_description, read_title
from pytmva_rnn.weightfile.schema import schema_faults

__all__ = ["Finding", "validate"]


MOST = 1000
"""Findings of a file that are listed one by one."""


@dataclass(frozen=True)
class Finding:
    """Something wrong in a weight file.

    Attributes
    ----------
    line : int, optional
        Number of the line, from 1; None if it is the file as a whole.
    node : str, optional
        Tag of the node; None if the file is no XML that can be read.
    message : str
        What was expected and what was found.
    warning : bool
        Whether the file is valid all the same: C++ TMVA reads it, and answers otherwise than pytmva_rnn.
    """

    line: int | None
    node: str | None
    message: str
    warning: bool = False

    def __str__(self) -> str:
        told = self.message if self.node is None else f"<{self.node}> {self.message}"
        return f"warning: {told}" if self.warning else told


def validate(path: str | os.PathLike[str]) -> list[Finding]:
    """Check a weight file of MethodDL: its XML, then the schema, then whether its parts fit each other.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    list of Finding
        All that can be found, in the order of their lines; empty if the file is valid. What is no XML, or not of
        MethodDL, is one problem. A valid file may have warnings.

    Raises
    ------
    OSError
        If the file cannot be opened.
    """
    try:
        root = parse(path)
        if is_other_method(root):
            read_title(root)
    except WeightFileError as error:
        return [_problem(error)]
    # The schema comes last because it takes nodes out.
    errors = inconsistencies(root)
    told: dict[tuple[int | None, str | None], list[WeightFileError]] = {}
    for each in errors:
        told.setdefault((each.line, each.node), []).append(each)
    for fault in schema_faults(root) if len(errors) <= MOST else ():
        if not any(map(fault.is_told_by, told.get((fault.error.line, fault.error.node), ()))):
            errors.append(fault.error)
    if not errors:
        return [Finding(None, None, text, warning=True) for text in tmva_differences(read_description(path))]
    found = sorted(dict.fromkeys(map(_problem, errors)), key=lambda problem: problem.line or 0)
    more = [Finding(None, None, f"{len(found) - MOST:,} or more others")] if len(found) > MOST else []
    return found[:MOST] + more


def _problem(error: WeightFileError) -> Finding:
    return Finding(error.line, error.node, error.problem)

"""Everything that is wrong with a weight file, in words."""

from __future__ import annotations

import os
from dataclasses import dataclass

from pytmva_rnn.errors import WeightFileError
from pytmva_rnn.weightfile.consistency import inconsistencies
from pytmva_rnn.weightfile.nodes import parse
from pytmva_rnn.weightfile.reading import is_other_method, read_title
from pytmva_rnn.weightfile.schema import schema_faults

__all__ = ["Finding", "validate"]


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
    """

    line: int | None
    node: str | None
    message: str

    def __str__(self) -> str:
        return self.message if self.node is None else f"<{self.node}> {self.message}"


def validate(path: str | os.PathLike[str]) -> list[Finding]:
    """Check a weight file of MethodDL: its XML, then the schema, then whether its parts fit each other.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    list of Finding
        All that can be found, in the order of their lines; empty if the file is valid. What is no XML, or not of
        MethodDL, is one problem.

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
    errors += [fault.error for fault in schema_faults(root) if not any(map(fault.is_told_by, errors))]
    return sorted(dict.fromkeys(map(_problem, errors)), key=lambda problem: problem.line or 0)


def _problem(error: WeightFileError) -> Finding:
    return Finding(error.line, error.node, error.problem)

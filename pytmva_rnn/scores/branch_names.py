"""What the branches, columns and fields of scores are called."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pytmva_rnn.data.flat_variables import internal_name
from pytmva_rnn.description import Description
from pytmva_rnn.errors import DataError

__all__ = ["branch_names", "with_values"]


def branch_names(model: Description, base: str, repetition: Mapping[str, Any] | None = None) -> list[str]:
    """Names of the branches for the scores of a model.

    Parameters
    ----------
    model : Description
    base : str
        Where they begin: `DL`.
    repetition : mapping, optional
        Values of `for_each`, which follow: `DL_jet1`.

    Returns
    -------
    list of str
        One name, or one for each output, `DL_<class>` or `DL_<target>`.

    Raises
    ------
    DataError
        If two outputs would have the same name.
    """
    base = with_values(base, repetition or {})
    names = [base]
    if model.outputs > 1:
        of_outputs = [t.label for t in model.targets] if model.analysis == "Regression" else list(model.classes)
        names = [f"{base}_{name}" for name in of_outputs]
    names = [re.sub(r"\W", "_", internal_name(name)) for name in names]
    if len(set(names)) < len(names):
        raise DataError(f"outputs would share a branch name: {', '.join(names)}")
    return names


def with_values(base: str, values: Mapping[str, Any]) -> str:
    """The name of what there is for each value of `for_each`: `DL_jet1`."""
    return "_".join([base, *(f"{name}{value}" for name, value in values.items())])

"""Scores in ROOT files."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import uproot
from numpy.typing import NDArray

from pytmva_rnn._version import __version__
from pytmva_rnn.config.configuration import SCORE_BRANCHES
from pytmva_rnn.data import Dataset
from pytmva_rnn.data.flat_variables import internal_name
from pytmva_rnn.errors import DataError
from pytmva_rnn.files import atomic_path
from pytmva_rnn.model import Model

__all__ = ["branch_names", "new_root_file", "sample_columns", "score_columns"]


def branch_names(model: Model, base: str, repetition: Mapping[str, Any] | None = None) -> list[str]:
    """Names of the branches for the scores of a model.

    Parameters
    ----------
    model : Model
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
    base = "_".join([base, *(f"{name}{value}" for name, value in (repetition or {}).items())])
    names = [base]
    if model.outputs > 1:
        of_outputs = [t.label for t in model.targets] if model.analysis == "Regression" else list(model.classes)
        names = [f"{base}_{name}" for name in of_outputs]
    names = [re.sub(r"\W", "_", internal_name(name)) for name in names]
    if len(set(names)) < len(names):
        raise DataError(f"outputs would share a branch name: {', '.join(names)}")
    return names


def score_columns(names: list[str], scores: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """Scores (n,) or (n, O) under the names of their branches."""
    return dict(zip(names, scores.reshape(len(scores), -1).T, strict=True))


def sample_columns(data: Dataset) -> dict[str, NDArray[Any]]:
    """The branches `SCORE_BRANCHES` of a training or test sample; the first two are called so in TMVA's own trees."""
    values = (data.class_index.astype(np.int32), data.weights.astype(np.float32), data.entries)
    return dict(zip(SCORE_BRANCHES, values, strict=True))


@contextmanager
def new_root_file(path: str | os.PathLike[str], **about: Any) -> Iterator[Any]:
    """A new ROOT file of uproot that appears complete or not at all.

    Parameters
    ----------
    path : path-like
    **about
        What its text `pytmva_rnn` says beside the version, in JSON; by this text such a file is known.
    """
    with atomic_path(path) as temporary, uproot.recreate(temporary) as file:
        file["pytmva_rnn"] = json.dumps({"version": __version__, **about})
        yield file

"""Scores in ROOT files."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import uproot
from numpy.typing import NDArray

from pytmva_rnn._version import __version__
from pytmva_rnn.config.configuration import SCORE_BRANCHES
from pytmva_rnn.data import Dataset
from pytmva_rnn.files import atomic_path

__all__ = ["new_root_file", "sample_columns", "score_columns"]


def score_columns(names: list[str], scores: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """Scores (n,) or (n, O) under the names of their branches."""
    return dict(zip(names, scores.reshape(len(scores), len(names)).T, strict=True))


def sample_columns(data: Dataset, rows: slice = slice(None)) -> dict[str, NDArray[Any]]:
    """The branches `SCORE_BRANCHES` of events of a training or test sample; the first two TMVA's own trees have too."""
    classes, files = (numbers[rows].astype(np.int32) for numbers in (data.class_index, data.file_index))
    values = (classes, data.weights[rows].astype(np.float32), data.entries[rows], files)
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

"""The ROOT file that holds a tree of scores."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from pytmva_rnn._version import __version__
from pytmva_rnn.files import atomic_path
from pytmva_rnn.network.scoring import NO_SCORE
from pytmva_rnn.packages import uproot
from pytmva_rnn.scores.score_tree import ScoreTree
from pytmva_rnn.scores.scored_events import ScoredEvents

__all__ = ["ScoreWriter", "about_scores", "new_root_file", "tell_counts"]

log = logging.getLogger("pytmva_rnn")


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


def about_scores(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What a file says that `new_root_file` made; nothing, if it is damaged or another file."""
    try:
        with uproot.open(path) as file:
            return dict(json.loads(str(file["pytmva_rnn"])))
    except Exception:  # uproot raises many kinds of errors on what is damaged
        return {}


def tell_counts(not_finite: int, without_score: int, analysis: str) -> None:
    """Warn of events and scores that are to be known of; the numbers are those of `ScoreWriter`."""
    if not_finite:
        log.warning("%s events have inputs that are NaN or infinite", f"{not_finite:,}")
    if without_score:
        classifies = analysis == "Classification"
        what = "-999: a transformed variable or the network's answer is NaN" if classifies else "NaN"
        log.warning("%s scores are %s", f"{without_score:,}", what)


class ScoreWriter:
    """Writes scored events to a tree, and counts what there is to tell of them.

    Parameters
    ----------
    file : file of uproot
        As `new_root_file` gives it.
    name : str
        Of the tree.
    tree : ScoreTree

    Attributes
    ----------
    events : int
        That were written.
    not_finite : int
        Of these, those with an input that is NaN or infinite.
    without_score : int
        Scores that say that there is none: -999 of a classification, else NaN.
    """

    def __init__(self, file: Any, name: str, tree: ScoreTree) -> None:
        self._file = file
        self._name = name
        self._tree = tree
        self._writable: Any = None
        self.events = 0
        self.not_finite = 0
        self.without_score = 0

    def write(self, scored: ScoredEvents, columns: dict[str, Any]) -> None:
        """Append events, with what `ScoreTree.columns` makes of them."""
        if self._writable is None:
            self._writable = self._file.mktree(self._name, self._tree.types())
        self._writable.extend(columns)
        self.events += len(scored)
        self.not_finite += scored.not_finite
        for scores in scored.scores:
            missing = scores == NO_SCORE if self._tree.classifies else np.isnan(scores)
            self.without_score += int(missing.sum())

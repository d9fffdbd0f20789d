"""How well the networks of several trainings do together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pytmva_rnn.data import Dataset, Division, divide
from pytmva_rnn.ensemble import Ensemble, averaged
from pytmva_rnn.options import SplitOptions
from pytmva_rnn.report import ScoredSample
from pytmva_rnn.report.performance import Performance, evaluate, performance_of

__all__ = ["performance_together"]


def performance_together(
    ensemble: Ensemble, events: Dataset | Division, split: SplitOptions, *, backend: str = "cpu"
) -> Performance:
    """Of the mean score on the test sample; with folds on all events, each scored by networks that have not seen it.

    Parameters
    ----------
    ensemble : Ensemble
    events : Dataset or Division
    split : SplitOptions
        How they are divided; of folds, without the one that tests.
    backend : str

    Raises
    ------
    DataError
        As `pytmva_rnn.evaluate`.
    """
    if ensemble.rule is None or not isinstance(events, Dataset):
        parts = divide(events, split) if isinstance(events, Dataset) else events
        return evaluate(ensemble, parts.test, backend=backend)
    samples = []
    for fold in range(ensemble.rule.folds):
        test = divide(events, replace(split, fold=fold)).test
        members = [m for m, of in zip(ensemble.members, ensemble.fold_of, strict=True) if of == fold]
        scores = averaged(members, test, backend=backend)
        samples.append(ScoredSample(scores, test.comparable_weights, test.class_index, test.target_values))
    names = ("scores", "weights", "class_index", "target_values")
    joined = ScoredSample(*(np.concatenate([getattr(sample, name) for sample in samples]) for name in names))
    return performance_of(joined, events.classes, [target.name for target in events.targets])

"""How well a network does on labelled events: the numbers of TMVA's tables, with their uncertainties."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pytmva_rnn.data import Dataset
from pytmva_rnn.ensemble import Ensemble
from pytmva_rnn.errors import DataError
from pytmva_rnn.model import Model
from pytmva_rnn.network.scoring import NO_SCORE
from pytmva_rnn.report.metrics import (
    BACKGROUNDS,
    deviation,
    roc_integral,
    roc_uncertainty,
    separation,
    signal_efficiency,
)
from pytmva_rnn.report.scored_sample import ScoredSample

__all__ = [
    "ClassSeparation",
    "Performance",
    "TargetDeviation",
    "check_fits",
    "evaluate",
    "performance_of",
    "separations",
]

log = logging.getLogger("pytmva_rnn")


@dataclass(frozen=True)
class ClassSeparation:
    """One class against the other, or against all others.

    Attributes
    ----------
    name : str
        Of the class.
    roc_integral, roc_uncertainty : float
        Area under background rejection against signal efficiency, and its statistical standard deviation.
    signal_efficiencies : mapping of float -> float
        At each of the background efficiencies of TMVA's table.
    separation : float
        Half the integral of (s - b)^2 / (s + b), in 40 bins.
    """

    name: str
    roc_integral: float
    roc_uncertainty: float
    signal_efficiencies: Mapping[float, float]
    separation: float


@dataclass(frozen=True)
class TargetDeviation:
    """Bias and RMS of the prediction of one target of a regression."""

    name: str
    bias: float
    rms: float


@dataclass(frozen=True)
class Performance:
    """How well a network does.

    Attributes
    ----------
    events : int
    separations : tuple of ClassSeparation
        Of a classification one, signal against background; of several classes one each; of a regression none.
    deviations : tuple of TargetDeviation
        Of a regression one each target.
    """

    events: int
    separations: tuple[ClassSeparation, ...] = ()
    deviations: tuple[TargetDeviation, ...] = ()

    @property
    def roc_integral(self) -> float:
        """The ROC integral of a classification."""
        return self._only().roc_integral

    @property
    def roc_uncertainty(self) -> float:
        """Its statistical standard deviation."""
        return self._only().roc_uncertainty

    def _only(self) -> ClassSeparation:
        if len(self.separations) != 1:
            raise DataError("a ROC integral is one of two classes; of more, each of `separations` has its own")
        return self.separations[0]

    def __str__(self) -> str:
        lines = [
            f"{row.name}: ROC integral {row.roc_integral:.4f} ± {row.roc_uncertainty:.4f}, separation "
            f"{row.separation:.4f}, signal efficiency "
            + ", ".join(f"{value:.4f} at B={at:.2f}" for at, value in row.signal_efficiencies.items())
            for row in self.separations
        ]
        lines += [f"{row.name}: bias {row.bias:.6g}, RMS {row.rms:.6g}" for row in self.deviations]
        return "\n".join([f"{self.events:,} events", *lines])


def evaluate(model: Model | Ensemble, dataset: Dataset, *, backend: str = "cpu") -> Performance:
    """Score labelled events and compare the scores with their labels.

    Parameters
    ----------
    model : Model or Ensemble
        Of an ensemble of folds each event is scored by the networks that have not seen its fold.
    dataset : Dataset
        With the classes or targets of the model. Of a test sample the classes count for as much as in the training
        sample it was split from (NormMode): how much of the rest a class is matters where there are more than two.
    backend : str
        As for `Model.predict`.

    Raises
    ------
    DataError
        For other classes or targets than the model's, weights whose factors are still to be learned, a score that is
        NaN, and a class whose weights do not add up to something positive.
    """
    check_fits(model, dataset)
    scores = model.predict(dataset, backend=backend)
    missing = int((scores == NO_SCORE).reshape(len(scores), -1).any(axis=1).sum())
    if missing:
        log.warning("%d of %d events have the score -999, as some of their inputs are NaN", missing, len(scores))
    sample = ScoredSample(scores, dataset.comparable_weights, dataset.class_index, dataset.target_values)
    return performance_of(sample, dataset.classes, [target.name for target in dataset.targets])


def performance_of(sample: ScoredSample, classes: Sequence[str], targets: Sequence[str] = ()) -> Performance:
    """Of events that are scored; for a regression with the names of its targets."""
    if not targets:
        return Performance(len(sample.weights), separations(sample, classes))
    rows = zip(targets, *deviation(sample.target_values, sample.scores, sample.weights), strict=True)
    return Performance(
        len(sample.weights), deviations=tuple(TargetDeviation(t, float(b), float(r)) for t, b, r in rows)
    )


def check_fits(model: Model | Ensemble, dataset: Dataset) -> None:
    """Make sure that a dataset has the classes or targets of a model, and weights that are known.

    Raises
    ------
    DataError
        Naming what differs.
    """
    if not isinstance(dataset, Dataset):
        raise DataError(
            f"labelled events are a Dataset, not {type(dataset).__name__}: make one with load or Dataset.from_arrays"
        )
    if dataset.weighting is not None:
        raise DataError(
            "the weights of this Dataset are not known yet: the factors of reweight and balance are learned when it is "
            "divided; evaluate a sample of its divide() or split(), or load it without them"
        )
    if model.analysis.lower() != dataset.analysis:
        raise DataError(f"the model is of a {model.analysis.lower()}, but the Dataset of a {dataset.analysis}")
    if model.analysis != "Regression" and model.classes != dataset.classes:
        raise DataError(
            f"the classes of the Dataset, {', '.join(dataset.classes)}, are not those of the model, "
            f"{', '.join(model.classes)}"
        )
    if len(dataset.targets) != len(model.targets):
        raise DataError(f"the Dataset has {len(dataset.targets)} targets, the model {len(model.targets)}")


def separations(sample: ScoredSample, classes: Sequence[str]) -> tuple[ClassSeparation, ...]:
    """Signal against background, or each of several classes against the rest."""
    rows = []
    for number in range(1 if len(classes) == 2 else len(classes)):
        member, score = sample.one_against_rest(number)
        given = (np.asarray(score), sample.weights)
        rows.append(
            ClassSeparation(
                classes[number],
                roc_integral(member, *given),
                roc_uncertainty(member, *given),
                {at: signal_efficiency(member, given[0], at, sample.weights) for at in BACKGROUNDS},
                separation(member, *given),
            )
        )
    return tuple(rows)

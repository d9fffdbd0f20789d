"""Factors on the weights that are learned from the training sample: distributions made alike, classes in balance."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pytmva_rnn.data.reweighting import Reweight, reweighted
from pytmva_rnn.data.sums_of_weights import check_sums
from pytmva_rnn.errors import DataError

if TYPE_CHECKING:
    from pytmva_rnn.data.dataset import Dataset

__all__ = ["Weighting", "weighted"]


@dataclass(frozen=True)
class Weighting:
    """Factors on the weights that are learned from the training sample and applied to all events.

    They are this package's, not TMVA's.

    Attributes
    ----------
    reweight : Reweight, optional
    balance : bool
        All classes get the same sum of weights, the mean of what they have.
    """

    reweight: Reweight | None = None
    balance: bool = False

    def __post_init__(self) -> None:
        reweight: Any = self.reweight
        balance: Any = self.balance
        if reweight is not None and not isinstance(reweight, Reweight):
            raise DataError(f"reweight is a Reweight, such as Reweight('pt', 20, 'Signal'), not {reweight!r}")
        if not isinstance(balance, bool):
            raise DataError(f"balance is True or False, not {balance!r}")

    @property
    def variables(self) -> tuple[str, ...]:
        """Formulas that the factors depend on."""
        return () if self.reweight is None else self.reweight.variables


def weighted(training: Dataset, *others: Dataset) -> tuple[Dataset, ...]:
    """The samples with the factors of their `weighting`, which are learned from the first.

    Raises
    ------
    DataError
        For a bin in which the reference has no weight but a class has, an event outside the edges, a class whose
        weights do not add up to something positive, and a reference that is no class.
    """
    asked = training.weighting
    samples = [training, *others]
    if asked is None:
        return tuple(samples)
    if asked.reweight is not None:
        samples = reweighted(asked.reweight, samples)
    if asked.balance:
        check_sums(samples[0], "training events")
        sums = np.bincount(samples[0].class_index, samples[0].weights, minlength=len(training.classes))
        factors = sums.mean() / sums
        samples = [replace(sample, weights=sample.weights * factors[sample.class_index]) for sample in samples]
    return tuple(replace(sample, weighting=None) for sample in samples)

"""Factors on the weights of events: negative ones, distributions made alike, classes of equal weight."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Weighting"]


@dataclass(frozen=True)
class Weighting:
    """Factors on the weights that are learned from the training sample and applied to all events.

    They are this package's, not TMVA's.

    Attributes
    ----------
    balance : bool
        All classes get the same sum of weights.
    """

    balance: bool = False

"""Labelled events in arrays: classes or targets, weights, spectators."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.data.flat_variables import Column
from pytmva_rnn.data.recipe import describe
from pytmva_rnn.description import Variable

__all__ = ["Dataset"]


@dataclass(frozen=True, eq=False)
class Dataset:
    """n events to train or test with.

    Attributes
    ----------
    X : (n, T, D) or (n, NVar) float32
    class_index : (n,) int64
        Class 0 is the signal class; all 0 for regression.
    weights : (n,) float64
    classes : tuple of str
        `("Regression",)` for regression, as TMVA names it.
    target_values : (n, O) float32
        Regression only, otherwise O is 0.
    targets : tuple of Column
    spectators : (n, S)
        Integers if all are, else float64.
    entries : (n,) int64
        Entry in the tree, or in the file it came from when there are several.
    efficiencies : tuple of float
        For each class the fraction of its entries that passed the selection.
    """

    X: NDArray[np.float32]
    class_index: NDArray[np.int64]
    weights: NDArray[np.float64]
    classes: tuple[str, ...]
    target_values: NDArray[np.float32]
    targets: tuple[Column, ...]
    spectators: NDArray[Any]
    entries: NDArray[np.int64]
    efficiencies: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.X)

    @property
    def analysis(self) -> str:
        """`classification` (two classes), `multiclass` or `regression`."""
        if self.targets:
            return "regression"
        return "classification" if len(self.classes) == 2 else "multiclass"

    @property
    def y(self) -> NDArray[np.float32]:
        """What to train for: (n,) signal 1 and background 0, (n, classes) one-hot, or (n, O) regression targets."""
        if self.targets:
            return self.target_values
        if len(self.classes) == 2:
            return np.asarray(self.class_index == 0, dtype=np.float32)
        return np.asarray(self.class_index[:, None] == np.arange(len(self.classes)), dtype=np.float32)

    def take(self, index: NDArray[np.int64]) -> Dataset:
        """The events at `index`, in that order."""
        return replace(
            self,
            X=self.X[index],
            class_index=self.class_index[index],
            weights=self.weights[index],
            target_values=self.target_values[index],
            spectators=self.spectators[index],
            entries=self.entries[index],
        )

    def target_table(self) -> tuple[Variable, ...]:
        """What the weight file says of each regression target."""
        return describe(self.targets, self.target_values)

"""Labelled events in arrays, with what is known of them: how they are made, whence they come, what they weigh."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pytmva_rnn.data.finished_arrays import described_names, understood
from pytmva_rnn.data.flat_variables import Column
from pytmva_rnn.data.recipe import Recipe, describe
from pytmva_rnn.data.same_numbers import chained, picked, same
from pytmva_rnn.data.splitting import Division, divide, split
from pytmva_rnn.data.storage import Storage
from pytmva_rnn.data.sums_of_weights import check_sums, report_negative
from pytmva_rnn.data.weighting import Weighting
from pytmva_rnn.description import Variable, mark_padding
from pytmva_rnn.first_imports import importing
from pytmva_rnn.options.split import SplitOptions

__all__ = ["OF_EVENTS", "Dataset", "joined"]

OF_EVENTS = (
    "X",
    "class_index",
    "weights",
    "target_values",
    "spectators",
    "entries",
    "file_index",
    "repetition",
    "source",
    "elements",
    "sample",
    "sample_by_split",
    "fold_values",
    "weighting_values",
)
"""Attributes with one row an event."""


def _none() -> NDArray[np.int64]:
    return np.empty(0, np.int64)


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """n events to train or test with.

    `load` reads one from files or makes one of arrays with names; `Dataset.from_arrays` takes a finished X and y.

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
    recipe : Recipe, optional
        How the inputs are made; None for arrays.
    variables : tuple of str
        Names of the NVar inputs of a flat event; empty where arrays came without.
    files : tuple of str
        Where events come from, each `file.root:tree`.
    file_index : (n,) int64
        Of each event, in `files`.
    repetition : (n,) int64
        Of each event, in `recipe.repetitions()`.
    source : (n,) int64
        Of each event, in the list of its class's sources.
    elements : (n,) int64
        Of each event, the element of its entry, where variables are lists; else 0.
    sample : (n,) int64
        Where the source of each event puts it: FREE, TRAINING, TEST or VALIDATION of `pytmva_rnn.data.sampling`.
    sample_by_split : (n,) int64
        Where the formulas of `read_for` put it.
    fold_values : (n,) int64
        The values of its formula `fold_by`.
    read_for : SplitOptions
        How the events are divided unless other options are given.
    tree : str, optional
        The tree that all sources name, if they do: what new files are likely to call theirs.
    class_factors : tuple of float
        Of a test sample: what multiplied the training weights of each class (NormMode) and not these.
    weighting : Weighting, optional
        Factors that are still to be learned from the training sample, and then applied to all weights.
    weighting_values : (n, k) float64
        What these depend on.
    storage : Storage, optional
        Where events are that do not fit into memory; see the parameter `memory` of `load`.
    mask_padding : bool
        Whether the network that is trained leaves out the steps that are not there, which are NaN in all their inputs.
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
    recipe: Recipe | None = None
    variables: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    file_index: NDArray[np.int64] = field(default_factory=_none)
    repetition: NDArray[np.int64] = field(default_factory=_none)
    source: NDArray[np.int64] = field(default_factory=_none)
    elements: NDArray[np.int64] = field(default_factory=_none)
    sample: NDArray[np.int64] = field(default_factory=_none)
    sample_by_split: NDArray[np.int64] = field(default_factory=_none)
    fold_values: NDArray[np.int64] = field(default_factory=_none)
    read_for: SplitOptions = field(default_factory=SplitOptions)
    tree: str | None = None
    class_factors: tuple[float, ...] = ()
    weighting: Weighting | None = None
    weighting_values: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0)))
    storage: Storage | None = None
    mask_padding: bool = False

    def __post_init__(self) -> None:
        for name in ("file_index", "repetition", "source", "elements", "sample", "sample_by_split", "fold_values"):
            if len(getattr(self, name)) != len(self.X):
                object.__setattr__(self, name, same(0, len(self.X)))
        if len(self.weighting_values) != len(self.X):
            object.__setattr__(self, "weighting_values", np.empty((len(self.X), 0)))

    @classmethod
    def from_arrays(
        cls,
        X: ArrayLike,
        y: Any,
        *,
        weights: ArrayLike | None = None,
        mask: ArrayLike | None = None,
        lengths: ArrayLike | None = None,
        classes: Sequence[str] | None = None,
        variables: Sequence[str] | None = None,
        targets: Sequence[str] | None = None,
        analysis: str | None = None,
    ) -> Dataset:
        """Finished inputs with labels.

        Parameters
        ----------
        X : array, shape (n, NVar) or (n, T, D), or DataFrame
        y : array, shape (n,) or (n, O)
            Signal and background as 1 and 0, 1 and -1, true and false, or texts; class numbers, one-hot rows or texts;
            targets of a regression.
        weights : array, shape (n,), optional
        mask : array of bool, shape (n, T), optional
            Which steps are there: the network that is trained leaves out the others; see `mask_padding`.
        lengths : array of int, shape (n,), optional
            In its place, how many steps of each event are there, the first ones.
        classes : sequence of str, optional
            Names of the classes; class 0 is the signal. Of two texts one is "Signal", or this must tell.
        variables : sequence of str, optional
            Names of the variables of a flat event, or of the D inputs of a step; those of a DataFrame's columns.
        targets : sequence of str, optional
            Names of the targets of a regression.
        analysis : str, optional
            "classification", "multiclass" or "regression"; if None, `targets` or labels of text tell it, otherwise it
            is a classification.

        Raises
        ------
        DataError, TrainingError
            For arrays of the wrong shape or with NaN, labels that are not understood, a class without events or whose
            weights do not add up to something positive.
        """
        masks = mask is not None or lengths is not None
        given = mark_padding(X, mask=mask, lengths=lengths) if masks else X
        found = understood(given, y, weights, classes, variables, targets, analysis, mask_padding=masks)
        dataset = cls(
            found.X,
            found.class_index,
            found.weights,
            found.classes,
            found.target_values,
            found.targets,
            np.empty((len(found.X), 0)),
            np.arange(len(found.X)),
            (1.0,) * len(found.classes),
            variables=found.variables,
            mask_padding=masks,
        )
        report_negative(dataset.weights, dataset.class_index, dataset.classes)
        check_sums(dataset, "events")
        return dataset

    def __repr__(self) -> str:
        """How many events of which classes, of what shape."""
        counts = np.bincount(self.class_index, minlength=len(self.classes))
        listed = ", ".join(f"{count} {name}" for name, count in zip(self.classes, counts, strict=True))
        shape = " x ".join(map(str, self.X.shape[1:]))
        return f"Dataset({len(self)} events of {shape} inputs for a {self.analysis}: {listed})"

    def _repr_html_(self) -> str:
        """In a notebook: the classes with their events and weights."""
        with importing:
            from pytmva_rnn.data.dataset_view import dataset_html  # it brings what makes HTML

        return dataset_html(self)

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

    @property
    def comparable_weights(self) -> NDArray[np.float64]:
        """Weights with which a test sample counts its classes as the training sample does; see `class_factors`."""
        if not self.class_factors:
            return self.weights
        factors: NDArray[np.float64] = np.array(self.class_factors)
        return self.weights * factors[self.class_index]

    def take(self, index: NDArray[Any]) -> Dataset:
        """The events at `index`, in that order, or those where a mask is true."""
        take = picked if self.storage is None else self.storage.take
        taken: dict[str, Any] = {name: take(getattr(self, name), index) for name in OF_EVENTS}
        return replace(self, **taken)

    def pieces(self) -> Iterator[Dataset]:
        """All events in their order, as many at a time as may be in memory; no copies."""
        if self.storage is None:
            yield self
            return
        step = self.storage.rows(self.X)
        for first in range(0, len(self), step):
            some: dict[str, Any] = {name: getattr(self, name)[first : first + step] for name in OF_EVENTS}
            yield replace(self, **some)

    def split(self, options: SplitOptions | str | Mapping[str, Any] | None = None) -> tuple[Dataset, Dataset]:
        """A training and a test sample, as TMVA divides events; see `pytmva_rnn.data.split`."""
        return split(self, options)

    def divide(self, options: SplitOptions | str | Mapping[str, Any] | None = None) -> Division:
        """A training, a test and perhaps a validation sample; see `pytmva_rnn.data.divide`."""
        return divide(self, options)

    def variable_table(self) -> tuple[Variable, ...] | None:
        """What the weight file says of each of the NVar inputs; None where nothing is known of them."""
        if self.recipe is not None:
            return self.recipe.variable_table(self.X)
        if not self.variables:
            return None
        return described_names(self.variables, self.X.reshape(len(self), -1))

    def spectator_table(self) -> tuple[Variable, ...]:
        """What the weight file says of each spectator."""
        return () if self.recipe is None else self.recipe.spectator_table(self.spectators)

    def target_table(self) -> tuple[Variable, ...]:
        """What the weight file says of each regression target."""
        return describe(self.targets, self.target_values)


def joined(parts: Sequence[Dataset], **known: Any) -> Dataset:
    """One dataset of several, in their order.

    Parameters
    ----------
    parts : sequence of Dataset
        With one row an event each; all else is taken from the first.
    **known
        Attributes that are given instead.
    """
    files = dict.fromkeys(file for part in parts for file in part.files)
    places: Mapping[str, int] = {file: number for number, file in enumerate(files)}
    arrays: dict[str, Any] = {
        name: chained([getattr(part, name) for part in parts]) for name in OF_EVENTS if name not in known
    }
    numbers_of_files = [(np.array([places[file] for file in part.files]), part) for part in parts if part.files]
    arrays["file_index"] = chained(
        [
            same(numbers[0], len(part)) if len(numbers) == 1 else numbers[part.file_index]
            for numbers, part in numbers_of_files
        ]
        or [same(0, sum(map(len, parts)))]
    )
    return replace(parts[0], **arrays, files=tuple(files), **known)

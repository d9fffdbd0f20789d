"""Several networks of one analysis that answer as one: with the mean of their scores, and how far these are apart."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.data import Dataset
from pytmva_rnn.data.sampling import fold_numbers
from pytmva_rnn.description import Variable
from pytmva_rnn.errors import DataError, WeightFileError
from pytmva_rnn.files import digest_of
from pytmva_rnn.model import Model, read_weights
from pytmva_rnn.network.events import mask_of
from pytmva_rnn.network.scoring import NO_SCORE
from pytmva_rnn.weightfile.ensemble_index import FoldRule, read_index
from pytmva_rnn.weightfile.model_inputs import inputs_of
from pytmva_rnn.weightfile.stored_recipe import stored_inputs

__all__ = ["Ensemble", "averaged", "of_folds"]


@dataclass(frozen=True, eq=False, repr=False)
class Ensemble:
    """Networks of the same inputs, classes and targets.

    Attributes
    ----------
    members : tuple of Model
    names : tuple of str
        Of the members.
    fold_of : tuple of int or None
        For each member the fold that it was tested on, and has not seen; None where there are no folds.
    rule : FoldRule, optional
        How events are divided into the folds.

    Raises
    ------
    DataError
        For no member, and members that do not fit each other.

    Examples
    --------
    >>> ensemble = Ensemble.load("dataset/weights/TMVAClassification_LSTM_seeds.trainings.json")  # doctest: +SKIP
    >>> scores, spread = ensemble.predict(X), ensemble.spread(X)  # doctest: +SKIP
    """

    members: tuple[Model, ...]
    names: tuple[str, ...] = ()
    fold_of: tuple[int | None, ...] = ()
    rule: FoldRule | None = None

    def __post_init__(self) -> None:
        if not self.members:
            raise DataError("an ensemble needs at least one network")
        count = len(self.members)
        object.__setattr__(self, "names", self.names or tuple(f"member {k}" for k in range(1, count + 1)))
        object.__setattr__(self, "fold_of", self.fold_of or (None,) * count)
        if len(self.names) != count or len(self.fold_of) != count:
            raise DataError(
                f"{count} networks need as many names and folds, not {len(self.names)} and {len(self.fold_of)}"
            )
        for name, member in zip(self.names[1:], self.members[1:], strict=True):
            _check_alike(self.names[0], self.members[0], name, member)
        if self.rule is not None:
            missing = sorted(set(range(self.rule.folds)) - set(self.fold_of))
            if missing:
                listed = ", ".join(map(str, missing))
                raise DataError(
                    f"no network was tested on fold {listed} of {self.rule.folds}, so that its events have no score of "
                    "a network that has not seen them; train what is missing"
                )

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, names: Sequence[str] | None = None) -> Ensemble:
        """Read the file that `train_many` and `pytmva-rnn train --seeds, --folds, --scan` write, and its weight files.

        Parameters
        ----------
        path : path-like
            The table of trainings, `*.trainings.json`, beside which the weight files lie.
        names : sequence of str, optional
            Take these members alone.

        Raises
        ------
        WeightFileError
            For another file, one that names no finished training, and a weight file that is not the one that was
            written then.
        DataError
            For a name that is not there, and networks that do not fit each other.
        OSError
            If a file cannot be opened.
        """
        index = read_index(path)
        chosen = [member for member in index.members if names is None or member.name in names]
        missing = sorted(set(names or ()) - {member.name for member in chosen})
        if missing:
            raise DataError(f"{os.fspath(path)} has no training {missing[0]!r}")
        if not chosen:
            raise WeightFileError("it names no finished training", os.fspath(path))
        models = []
        for member in chosen:
            file = Path(path).parent / member.weights
            if digest_of(file) != member.sha256:
                raise WeightFileError(
                    f"{file} is not the file that {os.fspath(path)} was written for; train again, or take it out there"
                )
            models.append(read_weights(file))
        return cls(
            tuple(models),
            tuple(member.name for member in chosen),
            tuple(member.fold for member in chosen),
            index.rule,
        )

    def __repr__(self) -> str:
        """How many networks of which method."""
        folds = "" if self.rule is None else f", of {self.rule.folds} folds"
        return f"Ensemble({len(self)} networks {self.title} for a {self.analysis.lower()}{folds})"

    def __len__(self) -> int:
        return len(self.members)

    @property
    def title(self) -> str:
        """Of the method."""
        return self.members[0].title

    @property
    def analysis(self) -> Any:
        """ "Classification", "Regression" or "Multiclass"."""
        return self.members[0].analysis

    @property
    def variables(self) -> tuple[Variable, ...]:
        """The inputs."""
        return self.members[0].variables

    @property
    def spectators(self) -> tuple[Variable, ...]:
        """As in the members' weight files."""
        return self.members[0].spectators

    @property
    def targets(self) -> tuple[Variable, ...]:
        """Of a regression."""
        return self.members[0].targets

    @property
    def classes(self) -> tuple[str, ...]:
        """Class 0 is the signal."""
        return self.members[0].classes

    @property
    def info(self) -> tuple[tuple[str, str], ...]:
        """What the first member's weight file says, among it how the inputs are made."""
        return self.members[0].info

    @property
    def outputs(self) -> int:
        """Of each network."""
        return self.members[0].outputs

    @property
    def remembers(self) -> bool:
        """Whether a score depends on the events before."""
        return any(member.remembers for member in self.members)

    def scores(self, X: Any, *, mask: NDArray[np.bool_] | None = None, backend: str = "cpu") -> NDArray[np.float32]:
        """The scores of each member, shape (members, n) for one output, else (members, n, O).

        Parameters
        ----------
        X, mask, backend
            As for `Model.predict`.
        """
        inputs = inputs_of(self.members[0], X)
        if mask is None and inputs is not X:
            mask = mask_of(self.members[0], inputs)
        return np.stack([member.predict(inputs, mask=mask, backend=backend) for member in self.members])

    def answers(
        self,
        X: Any,
        *,
        folds: NDArray[np.integer[Any]] | None = None,
        mask: NDArray[np.bool_] | None = None,
        backend: str = "cpu",
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """What `predict` and `spread` give, with each member computed once; the spread of one member is NaN."""
        scores = self.scores(X, mask=mask, backend=backend)
        mean = self._mean(scores) if folds is None else self._of_folds(scores, folds)
        return mean, self._spread(scores).astype(np.float32)

    def predict(
        self, X: Any, *, folds: NDArray[np.integer[Any]] | None = None, backend: str = "cpu"
    ) -> NDArray[np.float32]:
        """Score events: the mean of all members, or of those that have not seen an event's fold.

        Of a Dataset, which tells the fold of each event, the latter where there are folds.

        Parameters
        ----------
        X, backend
            As for `Model.predict`.
        folds : (n,) int, optional
            The fold of each event. Arrays of events that the networks were trained with need it: most of the members
            have seen them.

        Returns
        -------
        ndarray of float32, shape (n,) for one output, else (n, O)
            -999 where a classifier of them has no score.

        Raises
        ------
        DataError
            For folds that are not those of the members, and what `Model.predict` raises.
        """
        if folds is None and self.rule is not None and isinstance(X, Dataset):
            folds = self.folds_of(X)
        scores = self.scores(X, backend=backend)
        return self._mean(scores) if folds is None else self._of_folds(scores, folds)

    def _mean(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        return _mean_score(scores, self.analysis)

    def _of_folds(self, scores: NDArray[np.float32], folds: NDArray[np.integer[Any]]) -> NDArray[np.float32]:
        """Of each event the mean of the members that were tested on its fold."""
        if self.rule is None:
            raise DataError("these networks are of no folds: each has seen the same events; predict without folds")
        numbers, count = np.asarray(folds), scores.shape[1]
        if numbers.shape != (count,) or numbers.dtype.kind not in "iu":
            raise DataError(
                f"folds are whole numbers, one for each of {count} events, not {numbers.dtype} {numbers.shape}"
            )
        if count and not 0 <= numbers.min() <= numbers.max() < self.rule.folds:
            raise DataError(
                f"folds are numbers from 0 to {self.rule.folds - 1}, not {numbers.min()} to {numbers.max()}"
            )
        found = np.empty(scores.shape[1:], np.float32)
        for fold in range(self.rule.folds):
            members = [number for number, of in enumerate(self.fold_of) if of == fold]
            events = np.flatnonzero(numbers == fold)
            found[events] = self._mean(scores[members][:, events])
        return found

    def spread(self, X: Any, *, backend: str = "cpu") -> NDArray[np.float64]:
        """The standard deviation of the members' scores, n - 1 in the denominator, in the shape of `predict`.

        NaN where a classifier of them has no score.

        Raises
        ------
        DataError
            For a single member.
        """
        if len(self) < 2:
            raise DataError("the spread of one network's score is not known; an ensemble of two or more has one")
        return self._spread(self.scores(X, backend=backend))

    def _spread(self, scores: NDArray[np.float32]) -> NDArray[np.float64]:
        if len(self) < 2:
            return np.full(scores.shape[1:], np.nan)
        exact = scores.astype(np.float64)
        if self.analysis == "Classification":
            exact[scores == NO_SCORE] = np.nan
        return np.asarray(exact.std(axis=0, ddof=1))

    def folds_of(self, data: Dataset) -> NDArray[np.int64]:
        """The fold of each event, (n,).

        Raises
        ------
        DataError
            Where there are no folds, or the events do not tell theirs: they need what `fold_by` needs.
        """
        if self.rule is None:
            raise DataError("these networks are of no folds: each has seen the same events")
        return fold_numbers(data, self.rule.by) % self.rule.folds


def _mean_score(scores: NDArray[np.float32], analysis: str) -> NDArray[np.float32]:
    """Of several networks, (members, n) or (members, n, O); -999 where a classifier has none."""
    mean = scores.mean(axis=0, dtype=np.float64).astype(np.float32)
    if analysis == "Classification":
        mean[(scores == NO_SCORE).any(axis=0)] = NO_SCORE
    return np.asarray(mean)


def averaged(models: Sequence[Model], X: Any, *, backend: str = "cpu") -> NDArray[np.float32]:
    """The mean of the scores of several networks; -999 where a classifier has none."""
    return _mean_score(np.stack([model.predict(X, backend=backend) for model in models]), models[0].analysis)


def of_folds(models: Sequence[Model], numbers: NDArray[np.integer[Any]], X: NDArray[Any]) -> NDArray[np.float32]:
    """The score of each event by the network of its number."""
    scores = None
    for number, model in enumerate(models):
        events = np.flatnonzero(numbers == number)
        if len(events):
            found = model.predict(X[events])
            if scores is None:
                scores = np.empty((len(X), *found.shape[1:]), np.float32)
            scores[events] = found
    return np.empty(0, np.float32) if scores is None else scores


def _check_alike(first: str, one: Model, name: str, other: Model) -> None:
    for what, mine, its in (
        ("analysis", one.analysis, other.analysis),
        ("classes", one.classes, other.classes),
        ("variables", _expressions(one.variables), _expressions(other.variables)),
        ("targets", _expressions(one.targets), _expressions(other.targets)),
        ("recipe", stored_inputs(one), stored_inputs(other)),
        ("mask_padding", one.mask_padding, other.mask_padding),
    ):
        if mine != its:
            raise DataError(f"the {what} of {name} are not those of {first}: {its!s:.100} and {mine!s:.100}")


def _expressions(variables: Sequence[Variable]) -> list[str]:
    return [variable.expression for variable in variables]

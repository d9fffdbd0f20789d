"""A network as scikit-learn's classifier."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn import extras
from pytmva_rnn.errors import EstimatorError
from pytmva_rnn.estimator.network_estimator import NetworkEstimator, Sample, mean_one, parts_of, weights_of
from pytmva_rnn.estimator.shared_docs import ATTRIBUTES, PARAMETERS

__all__ = ["RNNClassifier"]

sklearn: Any = extras.sklearn()


@dataclass(eq=False, repr=False, kw_only=True)
class RNNClassifier(sklearn.base.ClassifierMixin, NetworkEstimator):  # type: ignore[misc]
    __doc__ = f"""A recurrent network, or a dense one, that tells classes apart, with scikit-learn's interface.

    Two classes are trained with ErrorStrategy=CROSSENTROPY, more with MUTUALEXCLUSIVE, so that the answers are
    probabilities. Event weights and class weights multiply the loss, brought to a mean of 1.

{PARAMETERS}
    class_weight : mapping of label -> weight, "balanced" or None
        What multiplies the weights of each class.

    Attributes
    ----------
    classes_ : array
        The labels, sorted. Of two, the one called "signal", else the second, is TMVA's signal.
{ATTRIBUTES}

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from pytmva_rnn.estimator import RNNClassifier
    >>> X, y = make_classification(random_state=1)
    >>> network = RNNClassifier(random_state=1).fit(X, y)
    >>> network.predict_proba(X).shape
    (100, 2)
    """

    class_weight: Mapping[Any, float] | str | None = None

    classes_: NDArray[Any] = field(init=False)  # what `fit` finds

    def fit(self, X: Any, y: Any, sample_weight: Any = None, validation: Any = None) -> RNNClassifier:
        """Train.

        Parameters
        ----------
        X : array, shape (n, n_features) or (n, T, D), or DataFrame
        y : array, shape (n,)
            Labels: numbers, texts, booleans.
        sample_weight : array, shape (n,), optional
        validation : (X, y) or (X, y, sample_weight), optional
            Events to validate with, in place of `validation_size` of the others.
        """
        rows, labels = self._new_rows(X, y)
        labels = sklearn.utils.validation.column_or_1d(labels, warn=True)
        sklearn.utils.multiclass.check_classification_targets(labels)
        classes = np.unique(labels)
        if len(classes) < 2:
            raise EstimatorError(f"y has one class only, {str(classes[0])!r}; a classifier needs two")
        if self.warm_start and hasattr(self, "classes_") and classes.tolist() != self.classes_.tolist():
            raise EstimatorError(f"y has the classes {classes}, the fit before, from which it starts, {self.classes_}")
        self.classes_ = classes
        several = len(classes) > 2
        sample = self._sample(rows, labels, sample_weight, 1.0)
        factor = mean_one(sample[2])
        self._learn(
            (*sample[:2], sample[2] * factor),
            None if validation is None else self._validation(validation, factor),
            len(classes) if several else 1,
            analysis="multiclass" if several else "classification",
            classes=self._names(),
            stratify=np.searchsorted(classes, labels),
        )
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """How probable each of `classes_` is, (n, classes)."""
        scores = self._scores(X)
        if scores.shape[1] > 1:
            rounded: NDArray[np.float64] = scores.sum(1, keepdims=True)  # by float32
            return scores / rounded
        signal = scores[:, 0]
        return np.stack([signal, 1 - signal] if self._signal == 0 else [1 - signal, signal], axis=1)

    def predict_log_proba(self, X: Any) -> NDArray[np.float64]:
        """Logarithms of `predict_proba`."""
        with np.errstate(divide="ignore"):
            logarithms: NDArray[np.float64] = np.log(self.predict_proba(X))
        return logarithms

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable of `classes_` for each event."""
        chosen = self.predict_proba(X).argmax(1)
        found: NDArray[Any] = self.classes_[chosen]
        return found

    @property
    def _signal(self) -> int:
        """Which of two classes is TMVA's signal."""
        return 0 if str(self.classes_[0]).casefold() == "signal" else 1

    def _names(self) -> tuple[str, ...] | None:
        """The classes in TMVA's order; None where numbers count them, which have the usual names."""
        if self.classes_.tolist() in (list(range(len(self.classes_))), [False, True], [-1, 1]):
            return None
        names = tuple(str(label) for label in self.classes_)
        return names if len(names) > 2 or self._signal == 0 else names[::-1]

    def _sample(self, rows: NDArray[np.float32], labels: NDArray[Any], sample_weight: Any, factor: float) -> Sample:
        weights = weights_of(rows, sample_weight)
        weights = weights * sklearn.utils.class_weight.compute_sample_weight(self.class_weight, labels) * factor
        index = np.searchsorted(self.classes_, labels)
        return rows, index if len(self.classes_) > 2 else np.asarray(index == self._signal, np.float32), weights

    def _validation(self, validation: Any, factor: float) -> Sample:
        X, y, sample_weight = parts_of(validation)
        rows, labels = self._rows(X), sklearn.utils.validation.column_or_1d(y)
        sklearn.utils.validation.check_consistent_length(rows, labels)
        unknown = set(np.unique(labels).tolist()) - set(self.classes_.tolist())
        if unknown:
            raise EstimatorError(f"validation has labels that y has not: {', '.join(map(repr, unknown))}")
        return self._sample(rows, labels, sample_weight, factor)

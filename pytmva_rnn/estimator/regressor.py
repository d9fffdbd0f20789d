"""A network as scikit-learn's regressor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn import extras
from pytmva_rnn.data.finished_arrays import described_names
from pytmva_rnn.data.labels import names_of_columns
from pytmva_rnn.estimator.network_estimator import NetworkEstimator, Sample, mean_one, parts_of, weights_of
from pytmva_rnn.estimator.shared_docs import ATTRIBUTES, PARAMETERS

__all__ = ["RNNRegressor"]

sklearn: Any = extras.sklearn()


@dataclass(eq=False, repr=False, kw_only=True)
class RNNRegressor(sklearn.base.RegressorMixin, NetworkEstimator):  # type: ignore[misc]
    __doc__ = f"""A recurrent network, or a dense one, that learns numbers, with scikit-learn's interface.

    Event weights multiply the squared error, brought to a mean of 1.

{PARAMETERS}

    Attributes
    ----------
{ATTRIBUTES}

    Examples
    --------
    >>> from sklearn.datasets import make_regression
    >>> from pytmva_rnn.estimator import RNNRegressor
    >>> X, y = make_regression(n_features=6, random_state=1)
    >>> RNNRegressor(n_steps=3, random_state=1).fit(X, y).predict(X).shape
    (100,)
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None, validation: Any = None) -> RNNRegressor:
        """Train.

        Parameters
        ----------
        X : array, shape (n, n_features) or (n, T, D), or DataFrame
        y : array, shape (n,) or (n, O), or DataFrame
            The names of its columns stand in the weight file.
        sample_weight : array, shape (n,), optional
        validation : (X, y) or (X, y, sample_weight), optional
            Events to validate with, in place of `validation_size` of the others.
        """
        names = names_of_columns(y)
        rows, values = self._new_rows(X, y, multi_output=True, y_numeric=True)
        self._single = values.ndim == 1
        weights = weights_of(rows, sample_weight)
        factor = mean_one(weights)
        sample = (rows, values.reshape(len(rows), -1), weights * factor)
        with np.errstate(over="ignore"):
            targets = () if names is None else described_names(names, sample[1].astype(np.float32))
        self._learn(
            sample,
            None if validation is None else self._validation(validation, factor),
            sample[1].shape[1],
            analysis="regression",
            targets=targets,
        )
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """What the network expects, (n,) or (n, O) as y was."""
        values = self._scores(X)
        return values[:, 0] if self._single else values

    def _validation(self, validation: Any, factor: float) -> Sample:
        X, y, sample_weight = parts_of(validation)
        rows = self._rows(X)
        values = sklearn.utils.check_array(y, ensure_2d=False, dtype="numeric")
        sklearn.utils.validation.check_consistent_length(rows, values)
        return rows, values.reshape(len(rows), -1), weights_of(rows, sample_weight) * factor

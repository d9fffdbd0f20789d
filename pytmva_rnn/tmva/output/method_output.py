"""What a trained method gave, as far as its evaluation needs to know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.data.dataset import Dataset
from pytmva_rnn.description import HistoryRow, Transformation
from pytmva_rnn.errors import DataError

__all__ = ["MethodOutput", "check_methods"]


@dataclass(frozen=True, eq=False)
class MethodOutput:
    """A method with its scores.

    Attributes
    ----------
    title : str
        As it was booked: `TMVA_LSTM`.
    train_scores, test_scores : (n,) or (n, O)
        What `Model.predict` gives for the training and the test sample: for classification one score that is large for
        class 0, for multiclass one per class, for regression one per target.
    history : sequence of HistoryRow
        `Result.history` of the training; may be empty.
    transformations : sequence of Transformation
        Of its variables: `Model.transformations`.
    kind : str
        TMVA's name of the type of the method.
    """

    title: str
    train_scores: NDArray[Any]
    test_scores: NDArray[Any]
    history: Sequence[HistoryRow] = ()
    transformations: Sequence[Transformation] = ()
    kind: str = "DL"

    def scores(self, sample: Literal["training", "test"], data: Dataset) -> NDArray[np.float32]:
        """Scores of a sample, (n, O) float32.

        Raises
        ------
        DataError
            If they do not fit the events of the sample.
        """
        given = np.asarray(self.train_scores if sample == "training" else self.test_scores, dtype=np.float32)
        outputs = 1 if data.analysis == "classification" else data.y.shape[1]
        if given.shape not in ((len(data), outputs), (len(data),) if outputs == 1 else ()):
            raise DataError(
                f"method {self.title}: {data.analysis} of the {sample} sample needs scores of the shape "
                f"{(len(data), outputs)}, not {given.shape}"
            )
        return given.reshape(len(data), outputs)


def check_methods(training: Dataset, test: Dataset, methods: Sequence[MethodOutput]) -> None:
    """Refuse what cannot be evaluated.

    Raises
    ------
    DataError
        If the samples do not belong together, one is empty, two methods share a title, or scores do not fit.
    """
    if (training.classes, training.targets) != (test.classes, test.targets):
        raise DataError("the training and the test sample have different classes or targets")
    if not len(training) or not len(test):
        raise DataError(f"{'the test' if len(training) else 'the training'} sample has no events")
    titles = [method.title for method in methods]
    for title in titles:
        if titles.count(title) > 1:
            raise DataError(f"two methods are called {title!r}; each needs a title of its own")
    for method in methods:
        method.scores("training", training)
        method.scores("test", test)

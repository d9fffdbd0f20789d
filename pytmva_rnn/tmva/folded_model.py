"""The networks of all folds of a cross validation as one: C++ TMVA's MethodCrossValidation."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.description import Variable
from pytmva_rnn.ensemble import averaged, of_folds
from pytmva_rnn.errors import DataError, WeightFileError
from pytmva_rnn.model import Model, read_weights
from pytmva_rnn.tmva.explained import Explained
from pytmva_rnn.tmva.split_expression import SplitExpression
from pytmva_rnn.weightfile.folds_file import FoldsFile, read_folds

__all__ = ["FoldedModel", "read_model"]


@dataclass(frozen=True, eq=False)
class FoldedModel(Explained):
    """Networks that were each trained without one fold.

    Attributes
    ----------
    content : FoldsFile
    models : tuple of Model
        Of the folds, in their order.
    """

    content: FoldsFile
    models: tuple[Model, ...]

    @property
    def title(self) -> str:
        """Of the method."""
        return self.content.title

    @property
    def analysis(self) -> Any:
        """ "Classification", "Regression" or "Multiclass"."""
        return self.content.analysis

    @property
    def variables(self) -> tuple[Variable, ...]:
        """As in the file."""
        return self.content.variables

    @property
    def spectators(self) -> tuple[Variable, ...]:
        """As in the file; some tell the fold of an event."""
        return self.content.spectators

    @property
    def by_spectators(self) -> bool:
        """Whether each event has its own network."""
        return self.content.ensembling == "None"

    def predict(self, X: Any, spectators: NDArray[Any] | None = None) -> NDArray[np.float32]:
        """Score events.

        Parameters
        ----------
        X : (n, NVar) or (n, T, D)
        spectators : (n, S), optional
            Where the fold of each event decides; see `by_spectators`.

        Returns
        -------
        array of float32, shape (n,) for one output, else (n, O)

        Raises
        ------
        DataError
            Without spectators where they are needed, and whatever the networks raise.
        """
        if not self.by_spectators:
            return averaged(self.models, X)
        if spectators is None:
            raise DataError(
                f"method {self.title}: the fold of an event decides which network scores it, and its spectators tell "
                "the fold; give trees or columns that have them"
            )
        numbers = SplitExpression(self.content.expression, self.spectators).folds(spectators, len(self.models))
        return of_folds(self.models, numbers, np.asarray(X))


def read_model(path: str | os.PathLike[str]) -> Model | FoldedModel:
    """The network of a weight file, or those of all folds of a cross validation.

    Raises
    ------
    WeightFileError
        For another file, one of a cross validation whose folds were made by chance, or folds that do not fit.
    OSError
        If a file cannot be opened.
    """
    content = read_folds(path)
    if content is None:
        return read_weights(path)
    if content.ensembling == "None" and not content.expression:
        raise WeightFileError(
            f"{os.fspath(path)}: the folds were made by chance, so that no network is the one for a new event; use "
            "OutputEnsembling=Avg or a SplitExpr in the cross validation"
        )
    models = tuple(read_weights(content.of_fold(path, fold)) for fold in range(content.folds))
    for fold, model in enumerate(models):
        names = [variable.expression for variable in model.variables]
        if names != [variable.expression for variable in content.variables] or model.analysis != content.analysis:
            raise WeightFileError(
                f"{content.of_fold(path, fold)} does not have the variables or the analysis of {os.fspath(path)}"
            )
    if content.expression:
        SplitExpression(content.expression, content.spectators)
    return FoldedModel(content, models)

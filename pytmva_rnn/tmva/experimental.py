"""What there is of `TMVA.Experimental`: RReader, which takes a weight file and arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.errors import DataError, UnavailableError
from pytmva_rnn.tmva.arguments import path_of
from pytmva_rnn.tmva.explained import Explained
from pytmva_rnn.tmva.folded_model import FoldedModel, read_model
from pytmva_rnn.tmva.instead import explanation

__all__ = ["RReader"]


class RReader(Explained):
    """Scores events with a weight file, without declarations.

    Parameters
    ----------
    path : path

    Raises
    ------
    DataError
        For a cross validation each of whose events has its own network, as spectators tell.
    WeightFileError, OSError
        If the file cannot be read.
    """

    def __init__(self, path: Any) -> None:
        name = path_of(path)
        self._model = read_model(name)
        if isinstance(self._model, FoldedModel) and self._model.by_spectators:
            raise DataError(f"{name}: spectators tell which network scores an event; use TMVA.Reader, which has them")

    def Compute(self, x: Any) -> NDArray[np.float32]:
        """Score one event or many.

        Parameters
        ----------
        x : array, list, std::vector or RTensor, shape (NVar,) or (n, NVar)

        Returns
        -------
        array of float32
            Of one event, (O,): one score, one for each class, or one for each target. Of n events, (n,) for one output,
            else (n, O).

        Raises
        ------
        DataError
            For another shape.
        """
        values = np.asarray(x if hasattr(x, "__array__") or hasattr(x, "__array_interface__") else list(x), np.float32)
        variables = len(self._model.variables)
        if values.ndim not in (1, 2) or values.shape[-1] != variables:
            raise DataError(f"RReader.Compute takes ({variables},) or (n, {variables}) numbers, not {values.shape}")
        scores = self._model.predict(values.reshape(-1, variables))
        return scores.reshape(-1) if values.ndim == 1 else scores

    def GetVariableNames(self) -> list[str]:
        """Title of each variable, as C++ TMVA gives it."""
        return [variable.title for variable in self._model.variables]

    def GetSpectatorNames(self) -> list[str]:
        """Title of each spectator."""
        return [variable.title for variable in self._model.spectators]


def __getattr__(name: str) -> Any:
    """Say of the rest of TMVA.Experimental what to use instead."""
    if name.startswith("_"):
        raise AttributeError(f"module 'pytmva_rnn.tmva.experimental' has no attribute {name!r}")
    raise UnavailableError(explanation("Experimental", name, __all__))

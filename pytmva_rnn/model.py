"""A network that can be asked for scores: a Description with what computes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pytmva_rnn.description import Description
from pytmva_rnn.errors import DataError
from pytmva_rnn.first_imports import importing
from pytmva_rnn.network.events import marked
from pytmva_rnn.network.keeping import KeptNetworks
from pytmva_rnn.network.one_event import scorer
from pytmva_rnn.network.response_pdfs import rarity, signal_probability
from pytmva_rnn.weightfile.reading import read_description
from pytmva_rnn.weightfile.writing import write_weights

if TYPE_CHECKING:
    from pytmva_rnn.data import Dataset, Source

__all__ = ["Model", "read_weights"]


@dataclass(frozen=True, eq=False, repr=False)
class Model(Description):
    """A network with everything that a weight file says about it; `Description` has its attributes."""

    # what the first calls make, each model for itself
    _scorer: ClassVar[Any] = None
    _networks: ClassVar[KeptNetworks | None] = None

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Model:
        """Read a weight file; see `read_weights`."""
        read = read_description(path)
        return cls(**{field.name: getattr(read, field.name) for field in fields(read)})

    def save(self, path: str | os.PathLike[str], *, scalar_elements: bool = False) -> None:
        """Write a weight file; see `write_weights`."""
        write_weights(self, path, scalar_elements=scalar_elements)

    def _repr_html_(self) -> str:
        """In a notebook: the network layer by layer."""
        with importing:
            from pytmva_rnn.network.network_view import network_html  # it brings what makes HTML

        return network_html(self)

    def predict(
        self,
        X: ArrayLike | Dataset | Source | str | Mapping[str, Any],
        *,
        mask: ArrayLike | None = None,
        lengths: ArrayLike | None = None,
        backend: str = "cpu",
        threads: int | None = None,
    ) -> NDArray[np.float32]:
        """Score events: transformations, network and output function, as TMVA's Reader does.

        The first call prepares the weights; many threads may call at once.

        Parameters
        ----------
        X : array, shape (n, NVar) or (n, T, D); or Dataset, Source, `"file.root:tree"`, or columns in memory
            Raw variables, time-major; or what they are made of as the weight file says, one event for each entry.
            Columns are a mapping of names to arrays, an awkward array of records, a structured array or a DataFrame.
            A collection of dask-awkward gives one of scores, of which nothing is read or computed yet.
        mask : array of bool, shape (n, T), optional
            Of an array X, for a network with `mask_padding`: which steps are there. The others are left out.
        lengths : array of int, shape (n,), optional
            In its place, how many steps of each event are there, the first ones. Without both, a step is not there
            whose inputs are all NaN, as `mark_padding` makes them.
        backend : str
            "cpu" (float32), "cuda" (an NVIDIA GPU, float32) or "reference" (float64, slow).
        threads : int, optional
            Threads to use; if None, PYTMVA_RNN_THREADS or as many as pay for the work at hand.

        Returns
        -------
        ndarray of float32, shape (n,) for one output, else (n, O)
            Scores; regression targets are mapped back to their own scale. A classifier's NaN
            is reported as -999, as in TMVA; other analyses answer NaN.

        Raises
        ------
        DataError
            If the shape of X does not fit the model, or the model's parts do not fit each other; see `check`. For steps
            of which nobody tells whether they are there. For a file or columns that the inputs cannot be made of, and a
            network that makes several events of an entry; see `pytmva_rnn.score`.
        """
        inputs: Any = X
        if not isinstance(X, np.ndarray) or X.dtype.names is not None:
            if type(X).__module__.startswith("dask_awkward"):
                with importing:
                    from pytmva_rnn.weightfile.lazy_inputs import lazy_scores  # as below

                lazy: NDArray[np.float32] = lazy_scores(self, X, backend)  # as good as one
                return lazy
            with importing:
                from pytmva_rnn.weightfile.model_inputs import inputs_of  # it brings what reads ROOT files

            inputs = inputs_of(self, X)
        if (self.mask_padding and inputs is X) or mask is not None or lengths is not None:
            if inputs is not X:
                raise DataError("mask and lengths are for arrays; what is made of columns knows which steps are there")
            inputs = marked(self, X, mask, lengths)
        kept = self._networks
        if kept is None:
            kept = self.__dict__.setdefault("_networks", KeptNetworks())
        return kept.predict(self, inputs, backend, threads)

    def signal_probability(self, scores: ArrayLike, signal_fraction: float = 0.5) -> NDArray[np.float64]:
        """How probable signal is at each score, as TMVA's `Reader::GetProba` has it.

        Parameters
        ----------
        scores : array, shape (n,)
            What `predict` gives.
        signal_fraction : float
            Of all events, from 0 to 1.

        Raises
        ------
        DataError
            If the network was trained without the option CreateMVAPdfs.
        """
        return signal_probability(self.mva_pdfs, scores, signal_fraction)

    def rarity(self, scores: ArrayLike) -> NDArray[np.float64]:
        """Which fraction of the background has a lower score, as TMVA's `Reader::GetRarity` has it.

        See `signal_probability`. Scores above all of the training may have more than 1.
        """
        return rarity(self.mva_pdfs, scores)

    def predict_one(self, x: ArrayLike) -> Any:
        """Score one event in a few microseconds, on the CPU.

        The first call prepares the weights; many threads may call at once. With RememberState every event starts from
        a state of zero.

        Parameters
        ----------
        x : array, shape (NVar,) or (T, D)
            Raw variables, time-major; fastest as contiguous float32. With `mask_padding` a step is not there whose
            inputs are all NaN.

        Returns
        -------
        float for one output, else ndarray of float32, shape (O,)
            As `predict` has it.

        Raises
        ------
        DataError
            If the shape of x does not fit the model, or the model's parts do not fit each other; see `check`.
        """
        # no cached_property, whose lock a forked process may find held
        score = self._scorer
        if score is None:
            score = self.__dict__.setdefault("_scorer", scorer(self))
        return score(x)


def read_weights(path: str | os.PathLike[str]) -> Model:
    """Read a weight file of TMVA's deep learning method (`MethodDL`), written by C++ TMVA or by `write_weights`.

    Any valid XML of TMVA's content is accepted, with numbers in every form that C's `strtof` reads. Weights are kept
    in double precision under their mathematical names. Where the text of an option contradicts the network, the network
    counts, as in C++ TMVA, with a warning in the log.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    Model

    Raises
    ------
    WeightFileError
        If the file is not such a file, or its parts do not fit each other; the message names the file, the line, the
        node, what was expected and what was found.
    OSError
        If the file cannot be opened (FileNotFoundError if there is none).
    """
    return Model.load(path)

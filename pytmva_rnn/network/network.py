"""A Model's layers, run through one backend."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pytmva_rnn.description import Description
from pytmva_rnn.description.arrays import numbers
from pytmva_rnn.errors import BackendError, DataError
from pytmva_rnn.kernels import NO_SCORE, Computation, Engine, FinishesScores, output_function
from pytmva_rnn.network.devices import backend_engine
from pytmva_rnn.network.events import shaped
from pytmva_rnn.network.threads import Turn, asked_threads, forks
from pytmva_rnn.transformations import Chain, compile_chain

__all__ = ["Network"]


# the streams of one GPU may not be captured by one thread while another uses them
_turn = Turn()


class _UseOfGPU:
    """Around all use of a GPU: an error that says what to do where it fails.

    The kernels' own message of too little memory says what would fit.
    """

    def __init__(self) -> None:
        self._process = forks()

    def __enter__(self) -> None:
        if self._process != forks():
            raise BackendError(
                "a process that was forked cannot use the GPU of the process before it: make the network in the new "
                'one, started with multiprocessing.get_context("spawn")'
            )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, MemoryError):
            raise DataError(f'{error}; give fewer events at once, or use backend="cpu"') from error


class Network:
    """A model's layers with their weights on one backend. Inputs are the network's own: transformed variables.

    Where the model has `mask_padding`, a step is not there whose inputs are all NaN; see `mark_padding`.

    With RememberState the state that a batch of `loss_and_gradients` leaves is the start of the next, as in TMVA;
    `predict` starts from zero and passes the state from event to event. Threads may share a network: they take turns.

    Parameters
    ----------
    model : Model
        With weights in all layers.
    backend : str
        "cpu" (Numba, float32), "cuda" (an NVIDIA GPU, float32) or "reference" (NumPy, float64).
    threads : int, optional
        Threads to use; if None, PYTMVA_RNN_THREADS or as many as pay for the work at hand.

    Attributes
    ----------
    shape : tuple of int
        T and D of an event.
    outputs : int
        Number of outputs O.

    Raises
    ------
    DataError
        If the model's parts do not fit each other (see `Description.check`), or for "cuda" if the GPU has too little
        memory, here and in all calls.
    MissingExtraError, BackendError
        For "cuda" where it cannot be used.
    ValueError
        For an unknown backend, or less than one thread.

    Examples
    --------
    >>> network = Network(read_weights("TMVA_LSTM.weights.xml"))  # doctest: +SKIP
    >>> loss, gradients = network.loss_and_gradients(X, y)  # doctest: +SKIP
    >>> gradients[0]["W_i"].shape  # doctest: +SKIP
    (10, 30)
    """

    def __init__(self, model: Description, backend: str = "cpu", *, threads: int | None = None) -> None:
        self.model = model
        self.backend = backend
        self.threads = asked_threads(threads)
        self.dtype: np.dtype[Any] = np.dtype(np.float64 if backend == "reference" else np.float32)
        # one thread at a time
        self._turn = _turn if backend == "cuda" else Turn()
        self._use: AbstractContextManager[None] = _UseOfGPU() if backend == "cuda" else nullcontext()
        model.check()
        self.shape, self.outputs = model.event_shape, model.outputs
        # what raw variables go through, and what brings regression outputs back to the scale of the targets
        self.chain: Chain = compile_chain(model.transformations, model.variables)
        self.targets_back: Chain = compile_chain(model.transformations, model.targets, "Target", inverse=True)
        with self._turn.lock, self._use:
            computation = Computation(
                model.layers,
                [layer.weights for layer in model.layers],
                *self.shape,
                model.loss,
                model.regularization,
                model.weight_decay,
                threads=self.threads,
                mask_padding=model.mask_padding,
            )
            self.engine: Engine = backend_engine(backend, mask_padding=model.mask_padding)(computation)
        self._output_function = output_function(backend, model.output_function)
        # whether what the engine gives is all that is to be known of events
        self.is_plain = not (self.chain or self.targets_back) and self.dtype == np.float32
        # with NaN as it is, and as TMVA's Reader reports it
        self._finishing: tuple[Any, Any] = (None, None)
        self._finisher = self.engine if isinstance(self.engine, FinishesScores) else None
        if self._finisher is not None:
            answer = NO_SCORE if model.analysis == "Classification" else None
            letter = model.output_function
            self._finishing = (self._finisher.finishing(letter), self._finisher.finishing(letter, answer))

    def predict(self, X: ArrayLike, *, resume: bool = False) -> NDArray[Any]:
        """Outputs after the output function, (n,) for one output else (n, O), float32 (reference: float64).

        With `resume`, remembered states start where the call before with `resume` left them.
        """
        scores = self.scores(shaped(X, self.shape, self.dtype), resume=resume)
        return scores[:, 0] if self.outputs == 1 else scores

    def scores(self, X: NDArray[Any], *, resume: bool = False, reports: bool = False) -> NDArray[Any]:
        """What `predict` gives, always (n, O), of inputs that are known to be as `events.shaped` makes them.

        With `reports` a classifier's NaN is -999, as in TMVA.
        """
        if not len(X):
            return np.empty((0, self.outputs), self.dtype)
        finishing = self._finishing[reports]
        if self._finisher is not None and finishing is not None:
            with self._turn.lock:
                return self._finisher.scores(X, finishing, resume=resume)
        with self._turn.lock, self._use:
            raw = self.engine.outputs(X, resume=resume)
        # the functions compute in float64
        scores = self._output_function(raw).astype(self.dtype)
        if reports and self.model.analysis == "Classification":
            np.putmask(scores, np.isnan(scores), NO_SCORE)
        return scores

    def loss_and_gradients(
        self, X: ArrayLike, y: ArrayLike, w: ArrayLike | None = None
    ) -> tuple[float, dict[int, dict[str, NDArray[Any]]]]:
        """Loss of the events as one training batch, and its gradients.

        With RememberState the second call starts from the states that the first left. TMVA's own checks of gradients
        take the loss before: to have their numbers, call `loss` first.

        Parameters
        ----------
        X : array, shape (n, NVar) or (n, T, D)
        y : array, shape (n,) or (n, O)
        w : array, shape (n,), optional
            Event weights; 1 if not given.

        Returns
        -------
        loss : float
            Without the regularization's penalty.
        gradients : dict
            By layer number and matrix name; those of dense layers' weights contain the regularization's.
        """
        with self._turn.lock, self._use:
            value, gradients, _ = self.engine.gradients(*self._batch(X, y, w))
        return value, dict(enumerate(gradients))

    def input_gradient(self, X: ArrayLike, y: ArrayLike, w: ArrayLike | None = None) -> NDArray[Any]:
        """Gradient of the loss with respect to X, in the shape (n, T, D)."""
        with self._turn.lock, self._use:
            return self.engine.gradients(*self._batch(X, y, w))[2]

    def loss(self, X: ArrayLike, y: ArrayLike, w: ArrayLike | None = None) -> float:
        """Loss of the events as one batch in inference, without penalty."""
        with self._turn.lock, self._use:
            return self.engine.loss(*self._batch(X, y, w))

    def _batch(
        self, X: ArrayLike, y: ArrayLike, w: ArrayLike | None
    ) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        X = shaped(X, self.shape, self.dtype)
        if not len(X):
            raise DataError("X has no events; a loss needs one or more")
        n, outputs = len(X), self.outputs
        targets = numbers(y, "y", X.dtype)
        if targets.shape not in ((n, outputs), (n,) if outputs == 1 else (n, outputs)):
            raise DataError(f"y has the shape {targets.shape}; expected ({n}, {outputs})")
        weights = np.ones(n, X.dtype) if w is None else numbers(w, "the event weights", X.dtype)
        if weights.shape not in ((n,), (n, 1)):
            raise DataError(f"event weights have the shape {weights.shape}; expected ({n},)")
        return X, targets.reshape(n, outputs), weights.reshape(n)

"""The mathematics, one folder a backend, one file a layer; nothing here imports the rest of the package.

Each backend has an `engine.py` with a class `Engine` that obeys the protocol below: it holds the weights of one
network in its own layout and runs the layers' `forward` and `backward` on batches.

- `reference`: NumPy, float64. The definition; reads like the paper.
- `cpu`: float32, compiled by the LLVM that Numba brings, events as SIMD lanes, spread over threads.
- `cuda`: numba-cuda, float32, on an NVIDIA GPU.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.first_imports import importing

__all__ = [
    "BACKENDS",
    "NO_SCORE",
    "Computation",
    "Engine",
    "FinishesScores",
    "Prepares",
    "SharesSteps",
    "Weights",
    "WholeEpochs",
    "WholeSamples",
    "engine_class",
    "last_sequence",
    "output_function",
]

Weights: TypeAlias = Sequence[Mapping[str, NDArray[Any]]]
"""Arrays by name, one mapping a layer."""

NO_SCORE = -999.0
"""TMVA's answer of a classifier where its network, or a transformed variable, gives NaN."""

BACKENDS = ("cpu", "cuda", "reference")


@dataclass(frozen=True)
class Computation:
    """What an Engine is to compute.

    Attributes
    ----------
    layers : sequence of layer descriptions
        Read by attribute: what they declare (`kind`, `arrays()`, `state_widths` ...) and their own fields
        (`activation` ...); see `pytmva_rnn.description`.
    weights : one mapping of arrays a layer
    steps, inputs : T and D of one event, X having the shape (n, T, D)
    loss : "C" cross entropy, "R" sum of squares, "S" softmax cross entropy
    regularization : "0" none, "1" L1, "2" L2, with factor `weight_decay`
    settings : optional training settings with TMVA's keys as attributes (`optimizer`, `drop_config` ...)
    threads : number of threads to use; None for as many as pay for the work at hand
    clip_norm : Euclidean norm that a training step scales larger gradients down to; 0 for none
    mask_padding : whether recurrent layers, which are the first then, leave out the steps whose inputs are all NaN
    """

    layers: Sequence[Any]
    weights: Weights
    steps: int
    inputs: int
    loss: str
    regularization: str = "0"
    weight_decay: float = 0.0
    settings: Any = None
    threads: int | None = None
    clip_norm: float = 0.0
    mask_padding: bool = False

    @property
    def remembers(self) -> bool:
        """Whether any layer's states pass from batch to batch."""
        return any(layer.remembers for layer in self.layers)


def last_sequence(layers: Sequence[Any]) -> int:
    """Number of the last recurrent layer, if it returns a sequence, else -1; recurrent layers are the first.

    Where steps may not be there, that sequence is 0 in them: what follows sees nothing.
    """
    number = sum(bool(layer.state_widths) for layer in layers) - 1
    return number if number >= 0 and layers[number].return_sequence else -1


class Engine(Protocol):
    """A network's layers on one backend."""

    def __init__(self, computation: Computation) -> None: ...

    def weights(self) -> list[dict[str, NDArray[Any]]]:
        """Copies of all arrays, trained and statistics, one mapping a layer."""

    def outputs(self, X: NDArray[Any], *, resume: bool = False) -> NDArray[Any]:
        """Raw outputs (n, O) of events (n, T, D) in inference; remembered states pass from event to event.

        They start at zero, or with `resume` where the call before with `resume` left them.
        """

    def loss(self, X: NDArray[Any], y: NDArray[Any], w: NDArray[Any]) -> float:
        """Loss of one batch in inference, without penalty."""

    def gradients(
        self, X: NDArray[Any], y: NDArray[Any], w: NDArray[Any]
    ) -> tuple[float, list[dict[str, NDArray[Any]]], NDArray[Any]]:
        """Loss of one batch in training without dropout, its gradients by layer and name, and that of X.

        The gradients of dense layers' weights contain the regularization's; the loss does not contain the penalty.
        """

    def step(self, X: NDArray[Any], y: NDArray[Any], w: NDArray[Any], events: NDArray[np.int64], key: int) -> float:
        """Train on the batch `X[events]`, dropping by `key`; returns its loss before the update, without penalty."""

    def penalty(self) -> float:
        """The regularization's term of the loss, over all layers' weights."""

    def set_learning_rate(self, rate: float) -> None:
        """Of the steps from now on, in place of that of the settings."""

    def state(self) -> dict[str, NDArray[Any]]:
        """Copies of all that a training changes, by names of this engine's own: what `restore` goes on from."""

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on as the engine would have whose `state` this is, to the last bit.

        Raises
        ------
        ValueError
            For arrays of other names, types or shapes than those of this network.
        """


@runtime_checkable
class FinishesScores(Protocol):
    """An Engine that makes scores itself, to the last digit as its backend's output functions do."""

    def finishing(self, letter: str, answer: float | None = None) -> Any:
        """What `scores` is to do: to apply an output function, by its letter, and to put `answer` in place of NaN.

        None where it can't.
        """

    def scores(self, X: NDArray[Any], finishing: Any, *, resume: bool = False) -> NDArray[np.float32]:
        """What `outputs` gives, finished."""


@runtime_checkable
class WholeEpochs(Protocol):
    """An Engine that is better given all batches of an epoch at once, since nobody waits for each one's loss."""

    def epoch(
        self,
        X: NDArray[Any],
        y: NDArray[Any],
        w: NDArray[Any],
        batches: NDArray[np.int64],
        keys: NDArray[np.int64],
        after: Callable[[], None],
    ) -> float:
        """Make a step on each batch `X[batches[k]]` with `keys[k]`; returns the mean of their losses.

        `after` is called again and again between steps, where Ctrl-C may end them.
        """


@runtime_checkable
class WholeSamples(Protocol):
    """An Engine that is better given all batches of a sample at once, since nobody waits for each one's loss."""

    def mean_loss(self, X: NDArray[Any], y: NDArray[Any], w: NDArray[Any], size: int) -> float:
        """The mean of the losses that `Engine.loss` would give of the sample's whole batches, one after another."""


@runtime_checkable
class SharesSteps(Protocol):
    """An Engine whose steps can be taken together with those of others, each with its part of a batch."""

    def gradient(
        self, X: NDArray[Any], y: NDArray[Any], w: NDArray[Any], events: NDArray[np.int64], key: int
    ) -> tuple[float, list[NDArray[Any]]]:
        """Loss of the batch `X[events]` without penalty, and its gradient, which contains the regularization's.

        The arrays are the engine's own: what is put into them is what `descend` goes by.
        """

    def descend(self) -> None:
        """Make the optimizer's step by the gradient as it is now."""

    def trained(self) -> list[NDArray[Any]]:
        """All weights and the optimizer's moments: the engine's own arrays, which may be changed in place."""

    def changed(self) -> None:
        """Take note that what `trained` gave has been changed."""


@runtime_checkable
class Prepares(Protocol):
    """An Engine that has to be compiled."""

    def prepare(self, batch_size: int) -> None:
        """Compile what training in batches of a size needs, without a step, before the clock of the training starts."""


def engine_class(backend: str) -> type[Engine]:
    """The Engine of a backend; its module is imported only now.

    Raises
    ------
    ValueError
        For an unknown backend.
    """
    return cast("type[Engine]", _module(backend, "engine").Engine)


def output_function(backend: str, letter: str) -> Callable[[NDArray[Any]], NDArray[np.float64]]:
    """The function of a backend from raw outputs (n, O) to scores, by the weight file's letter, in float64.

    Raises
    ------
    ValueError
        For an unknown backend.
    """
    outputs: Mapping[str, Callable[[NDArray[Any]], NDArray[np.float64]]] = _module(backend, "outputs").OUTPUTS
    return outputs[letter]


def _module(backend: str, name: str) -> Any:
    """A module of a backend, imported only now."""
    if backend not in BACKENDS:
        raise ValueError(f"unknown backend {backend!r}; choose one of {', '.join(BACKENDS)}")
    with importing:
        return importlib.import_module(f"pytmva_rnn.kernels.{backend}.{name}")

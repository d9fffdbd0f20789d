"""What a program must offer to be timed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bench.cases import CaseData
from bench.measure import repeated
from pytmva_rnn.description import Layer

__all__ = ["Contestant", "Gradients", "gate_names"]

Gradients: TypeAlias = list[dict[str, NDArray[Any]]]
"""By layer of the model, and by name."""


def gate_names(layer: Layer, matrix: str, order: str) -> list[str]:
    """Names of a recurrent layer's arrays W, U or b, one a gate in the given order: `W_i`, `W_f` ...; plain `W` of an
    RNN, which has no gates."""
    return [f"{matrix}_{gate}" for gate in order] or [matrix]


class Contestant(ABC):
    """One program with the problem's network in it.

    Parameters
    ----------
    problem : CaseData
    threads : int
        Threads to use, all of them in every call; 0 on a GPU.
    """

    name: ClassVar[str]
    does: ClassVar[tuple[str, ...]] = ("train", "infer", "one")
    """What can be timed, out of `CALLS`."""
    threads_for_one: ClassVar[bool] = True
    """Whether a single event may take more than one thread; if not, it is timed with the first number only."""

    def __init__(self, problem: CaseData, threads: int) -> None:
        self.problem = problem
        self.threads = threads

    @classmethod
    @abstractmethod
    def version(cls) -> str:
        """The program's version.

        Raises
        ------
        MissingExtraError
            If it is not installed.
        """

    @abstractmethod
    def call(self, what: str) -> Callable[[], Any]:
        """What is timed.

        Parameters
        ----------
        what : "train", "infer" or "one"

        Returns
        -------
        callable
            "train" makes one step of Adam on the whole batch and returns the loss before it, "infer" the scores of the
            batch, "one" the score of its first event.
        """

    def timer(self, what: str) -> Callable[[int], float]:
        """Seconds that a number of calls take."""
        return repeated(self.call(what))

    def divisible(self, what: str) -> bool:
        """Whether many such calls may be timed in parts."""
        return True

    def prepare(self) -> None:
        """Called before this contestant's turn."""
        return

    def losses(self, steps: int) -> list[float] | None:
        """Losses of some training steps from now on; None where the program does not tell."""
        step = self.call("train")
        return [float(step()) for _ in range(steps)]

    def gradients(self) -> Gradients | None:
        """Gradients of the loss of the batch; None where the program does not tell."""
        return None

    def scores(self) -> NDArray[np.float64]:
        """Scores of the batch, (n,)."""
        return np.asarray(self.call("infer")(), np.float64).reshape(-1)

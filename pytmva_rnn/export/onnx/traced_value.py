"""What a value of a graph has of a layer's outputs: which of them, where, and what function was applied to each.

No operator is taken for what its name says. In place of a layer's outputs stand their numbers, 1, 2, 3 ..., and beside
them a curve: the function applied since, at points far and near.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.kernels.reference.layers.dense import ACTIVATIONS

__all__ = ["POINTS_OF_CURVES", "Stage", "Traced", "activation_of"]

POINTS_OF_CURVES: NDArray[np.float64] = np.concatenate(
    [np.linspace(-8, 8, 129), [-1e30, -1e4, -300.0, -60.0, -20.0, -12.0, 12.0, 20.0, 60.0, 300.0, 1e4, 1e30]]
)


@dataclass(frozen=True)
class Stage:
    """A layer whose outputs flow through the graph; number 0 is the network's input.

    Attributes
    ----------
    number : int
    name : str
        What errors call it.
    steps, width : int
        S and W of one event.
    """

    number: int
    name: str
    steps: int
    width: int

    @property
    def size(self) -> int:
        """Outputs for one event."""
        return self.steps * self.width


@dataclass(frozen=True, eq=False)
class Traced:
    """A value made of the outputs of one layer.

    Attributes
    ----------
    numbers : float64 array
        Which output stands where: `1 + event*S*W + step*W + unit`. An LSTM's cell has numbers below 0.
    stage : Stage
    curve : array, shape of `POINTS_OF_CURVES`
        The function of one number that was applied to each output.
    operators : tuple of str
        That made the curve.
    """

    numbers: NDArray[np.float64]
    stage: Stage
    curve: NDArray[Any]
    operators: tuple[str, ...] = ()

    def of_event(self, events: int, axis: int = 0) -> NDArray[np.int64] | None:
        """Which outputs of an event, from 0, the value holds, in its own order and the same for each event.

        Parameters
        ----------
        events : int
            How many there are.
        axis : int
            Of the value along which the events stand.

        Returns
        -------
        int array of the value's shape without that axis, or None if it is not the same for each event.
        """
        if self.numbers.ndim <= axis or self.numbers.shape[axis] != events:
            return None
        numbers = np.moveaxis(self.numbers, axis, 0) - 1
        first = (np.arange(events) * self.stage.size).reshape(-1, *[1] * (numbers.ndim - 1))
        places = numbers - first
        if (places != places[:1]).any() or (places < 0).any() or (places >= self.stage.size).any():
            return None
        return np.asarray(places[0], np.int64)

    def part(self, places: NDArray[np.int64] | None) -> Literal["all", "last"] | None:
        """Whether these are all outputs of an event in their order, or those of its last step; None for others."""
        if places is None:
            return None
        flat, stage = places.reshape(-1), self.stage
        if np.array_equal(flat, np.arange(stage.size)):
            return "all"
        return "last" if np.array_equal(flat, np.arange(stage.size - stage.width, stage.size)) else None

    def misfit(self, places: NDArray[np.int64] | None) -> str:
        """What such outputs are, for an error."""
        what = f"of {self.stage.name}"
        if (self.numbers < 0).all():
            return f"the cell state {what}, which TMVA does not hand on"
        if places is None:
            return f"outputs {what} that differ from event to event, or of every step by itself"
        flat = places.reshape(-1)
        if len(flat) == self.stage.size and len(set(flat.tolist())) == len(flat):
            return f"all outputs {what}, but in another order than step by step"
        steps = sorted(set((flat // self.stage.width).tolist()))
        if len(steps) == 1 and steps[0] < self.stage.steps - 1:
            return f"step {steps[0]} {what}, where TMVA has the last one or all"
        return f"{len(flat)} numbers {what}, which are neither all outputs nor those of the last step"


def activation_of(curve: NDArray[Any]) -> str | None:
    """TMVA's name of the function that a curve is, if it is one."""
    for name, (function, _) in ACTIVATIONS.items():
        with np.errstate(all="ignore"):
            wanted = function(POINTS_OF_CURVES)
        if curve.shape == wanted.shape and np.allclose(curve, wanted, rtol=2e-6, atol=2e-6):
            return name
    return None

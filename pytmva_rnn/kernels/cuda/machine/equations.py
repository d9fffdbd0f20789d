"""What a recurrent layer's file says to the kernels of `steps.py`: its equations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MOST = 4
"""Arguments of a unit that a thread has room for."""


@dataclass(frozen=True)
class Equations:
    """A layer's equations, for one unit of one event.

    Attributes
    ----------
    gates : str
        Their letters, as in the names of the arrays, W_i for "i"; "" for one that has none. The columns of a, and the
        rows of U, are those of one gate after another. At most `MOST` in all, with the product that comes `apart`.
    step : (sums, e, h, extra) -> (new h, kept)
        `sums[gate, e]` holds the gate's argument and gets its value.
    gradient : (gates, dh, dextra, h, kept, earlier) -> (dh by another way than the gates, passed)
        `gates[gate]` holds the gate's value and gets the gradient of its argument.
    carries : bool
        Whether `kept` is carried to the next step as `extra`, an LSTM's cell; `earlier` is that before the step, and
        `passed` its gradient.
    apart : bool
        Whether the last gate's product with the state is not added to its argument but comes apart, as
        `sums[count - 1]`, the argument being `sums[count]`; `passed` is then the gradient of the product.
    reset, reset_gradient : optional
        (sums, e, h) -> what the last gate's weights are multiplied with in place of h; that gate is computed last and
        `extra` is this factor. And (its gradient, gate 0, h) -> (gradient of gate 0's argument, of h): gate 0 acts
        through the factor alone, and `gradient` leaves it as it is.
    """

    gates: str
    step: Callable[..., Any]
    gradient: Callable[..., Any]
    carries: bool = False
    apart: bool = False
    reset: Callable[..., Any] | None = None
    reset_gradient: Callable[..., Any] | None = None

    def __post_init__(self) -> None:
        if self.count + self.apart > MOST:
            raise ValueError(f"{self.count + self.apart} arguments of a unit; the kernels of the steps have {MOST}")

    @property
    def count(self) -> int:
        """How many gates there are."""
        return len(self.named("W"))

    def named(self, letter: str) -> list[str]:
        """The names of all gates' arrays of a kind, W, U or b."""
        return [f"{letter}_{gate}" for gate in self.gates] or [letter]

    @property
    def plain(self) -> int:
        """How many gates, the first ones, have a product of U with the state itself in their argument."""
        return self.count - (self.apart or self.reset is not None)

    @property
    def saves(self) -> bool:
        """Whether the backward pass needs `kept`, or the factor of the reset."""
        return self.carries or self.count > 1

    @property
    def forward_floats(self) -> int:
        """What the steps pass on, in units of H."""
        return 2 + self.carries + (self.reset is not None)

    @property
    def backward_floats(self) -> int:
        """The same of the backward pass."""
        return self.count + 1 + self.carries

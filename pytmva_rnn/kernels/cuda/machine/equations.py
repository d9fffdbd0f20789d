"""What a recurrent layer's file says to the kernels of `steps.py`: its equations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Equations:
    """A layer's equations, for one unit of one event.

    Attributes
    ----------
    gates : int
        The columns of a, and the rows of U, are those of one gate after another.
    step : (sums, e, h, extra) -> (new h, kept)
        `sums[gate, e]` holds the gate's argument and gets its value.
    gradient : (gates, dh, dextra, h, kept, earlier) -> (dh by another way than the gates, passed)
        `gates[gate]` holds the gate's value and gets the gradient of its argument.
    carries : bool
        Whether `kept` is carried to the next step as `extra`, an LSTM's cell; `earlier` is that before the step, and
        `passed` its gradient.
    apart : bool
        Whether the last gate's product with the state is not added to its argument but comes apart, as
        `sums[gates - 1]`, the argument being `sums[gates]`; `passed` is then the gradient of the product.
    reset, reset_gradient : optional
        (sums, e, h) -> what the last gate's weights are multiplied with in place of h; that gate is computed last and
        `extra` is this factor. And (its gradient, gate 0, h) -> (gradient of gate 0's argument, of h).
    """

    gates: int
    step: Callable[..., Any]
    gradient: Callable[..., Any]
    carries: bool = False
    apart: bool = False
    reset: Callable[..., Any] | None = None
    reset_gradient: Callable[..., Any] | None = None

    @property
    def forward_floats(self) -> int:
        """What the steps pass on, in units of H."""
        return 2 + self.carries + (self.reset is not None)

    @property
    def backward_floats(self) -> int:
        """The same of the backward pass."""
        return self.gates + 1 + self.carries

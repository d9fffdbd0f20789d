"""What is learned of all events before a training, where each of several processes has some of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.description import Variable
from pytmva_rnn.errors import TMVAError
from pytmva_rnn.training.ranks import Ranks

__all__ = ["described_together", "learned_together"]

T = TypeVar("T")


def described_together(variables: Sequence[Variable], ranks: Ranks) -> tuple[Variable, ...]:
    """The variables of this process with the smallest and largest value that they have in all."""
    if ranks.count == 1:
        return tuple(variables)
    every = ranks.gathered([(variable.min, variable.max) for variable in variables])
    return tuple(
        replace(variable, min=min(low for low, _ in limits), max=max(high for _, high in limits))
        for variable, limits in zip(variables, zip(*every, strict=True), strict=True)
    )


def learned_together(learn: Callable[..., T], arrays: Sequence[NDArray[Any]], ranks: Ranks) -> T:
    """What a function learns of the events of all processes, one row each: the first gets them all, and tells.

    Raises
    ------
    TMVAError
        What the function raises, in all processes.
    """
    if ranks.count == 1:
        return learn(*arrays)
    parts = ranks.at_first(tuple(arrays))
    found: Any = None
    if parts is not None:
        try:
            found = learn(*(np.concatenate(each) for each in zip(*parts, strict=True)))
        except TMVAError as error:
            found = error
    found = ranks.of_first(found)
    if isinstance(found, TMVAError):
        raise found
    result: T = found
    return result

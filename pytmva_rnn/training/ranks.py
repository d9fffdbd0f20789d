"""The processes that train one network together, each with its own events, and what they tell each other.

They are those of an MPI communicator: of `mpi4py`, or of anything that has these methods of its communicators.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.errors import OptionError, TrainingError
from pytmva_rnn.options import MethodOptions
from pytmva_rnn.options.method import ValidationSize

__all__ = ["Communicator", "Ranks"]


_SEEDS = 2**32 - 10_000
"""That there are, with room for the number of a phase that is added."""


class Communicator(Protocol):
    """What is used of mpi4py's `Comm`: methods in capitals send arrays, the others any objects."""

    def Get_rank(self) -> int: ...
    def Get_size(self) -> int: ...
    def Allreduce(self, sendbuf: Any, recvbuf: Any) -> Any: ...
    def allgather(self, sendobj: Any) -> list[Any]: ...
    def gather(self, sendobj: Any, root: int = 0) -> list[Any] | None: ...
    def bcast(self, obj: Any, root: int = 0) -> Any: ...


class Ranks:
    """A communicator's processes, or this one alone.

    Parameters
    ----------
    communicator : Communicator, optional

    Attributes
    ----------
    number : int
        Of this process, from 0 on.
    count : int
    """

    def __init__(self, communicator: Communicator | None = None) -> None:
        self._communicator = communicator
        self.number = 0 if communicator is None else communicator.Get_rank()
        self.count = 1 if communicator is None else communicator.Get_size()

    def shared(self, options: MethodOptions) -> MethodOptions:
        """The options of one process: a batch, and a validation sample of so many events, are of all together.

        Raises
        ------
        OptionError
            For batches that cannot be divided into equal parts.
        """
        if self.count == 1:
            return options
        for number, phase in enumerate(options.training_strategy, 1):
            if phase.batch_size % self.count:
                near = max(1, round(phase.batch_size / self.count)) * self.count
                raise OptionError(
                    f"BatchSize={phase.batch_size} of phase {number} cannot be divided among {self.count} processes: "
                    f"take {near}"
                )
        phases = tuple(replace(each, batch_size=each.batch_size // self.count) for each in options.training_strategy)
        size = options.validation_size
        if not size.percent and size.value >= 1:
            size = ValidationSize(float(self.share(int(size.value))))
        return replace(options, training_strategy=phases, validation_size=size)

    def share(self, total: int) -> int:
        """This process's part of a number of events."""
        return total // self.count + (self.number < total % self.count)

    def seed(self, seed: int) -> int:
        """A seed of this process's own; the first has the one that is given, as a process alone."""
        return seed if not self.number else 1 + zlib.crc32(f"{seed} {self.number}".encode()) % _SEEDS

    def add(self, values: NDArray[Any]) -> NDArray[Any]:
        """The sums of the arrays of all processes."""
        if self._communicator is None or self.count == 1:
            return values
        values = np.ascontiguousarray(values)
        sums = np.empty_like(values)
        self._communicator.Allreduce(values, sums)
        return sums

    def gathered(self, value: Any) -> list[Any]:
        """The small objects of all processes, in their order."""
        return [value] if self._communicator is None else self._communicator.allgather(value)

    def at_first(self, value: Any) -> list[Any] | None:
        """The objects of all processes, in the first of them alone."""
        return [value] if self._communicator is None else self._communicator.gather(value)

    def of_first(self, value: Any) -> Any:
        """The first process's object."""
        return value if self._communicator is None else self._communicator.bcast(value)

    def mean(self, values: Sequence[float]) -> float:
        """Of the numbers of all processes."""
        if self.count == 1:
            return float(np.mean(values))
        total, count = self.add(np.array([np.sum(values), len(values)]))
        return float(total / count)

    def least(self, value: int) -> int:
        """The smallest of a number."""
        return int(min(self.gathered(value)))

    def some(self, value: bool) -> bool:
        """Whether it is so in any process."""
        return any(self.gathered(value))

    def check_same(self, arrays: Sequence[NDArray[Any]]) -> None:
        """Make sure that the weights have not drifted apart.

        Raises
        ------
        TrainingError
            If they are not the same bits everywhere.
        """
        if self.count == 1:
            return
        digest = 0
        for array in arrays:
            digest = zlib.crc32(np.ascontiguousarray(array).data, digest)
        found = self.gathered(digest)
        if len(set(found)) > 1:
            other = next(number for number, each in enumerate(found) if each != found[0])
            raise TrainingError(
                f"the weights of process {other} are no longer those of process 0: MPI adds in another order on "
                "machines of another kind; use equal ones, or LocalSteps"
            )

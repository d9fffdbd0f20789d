"""TMVA's DataSetInfo: questions about what a data loader has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytmva_rnn.tmva.declarations import Declared

__all__ = ["DataSetInfo", "Names"]


class Names(list[str]):
    """A list that also answers to the name that std::vector has for its length."""

    def size(self) -> int:
        """Number of names."""
        return len(self)


@dataclass(frozen=True)
class DataSetInfo:
    """What was declared so far; elements of array variables count each."""

    _name: str
    _variables: Sequence[Declared]
    _spectators: Sequence[Declared]
    _targets: Sequence[Declared]
    _classes: Sequence[str]

    def GetName(self) -> str:
        """Name of the data loader."""
        return self._name

    def GetListOfVariables(self) -> Names:
        """The expression of each variable."""
        return Names(each.expression for each in self._variables for _ in range(each.column.width))

    def GetNVariables(self) -> int:
        """Number of variables."""
        return sum(each.column.width for each in self._variables)

    def GetNSpectators(self) -> int:
        """Number of spectators."""
        return len(self._spectators)

    def GetNTargets(self) -> int:
        """Number of targets."""
        return len(self._targets)

    def GetNClasses(self) -> int:
        """Number of classes."""
        return len(self._classes)

    def GetClassNames(self) -> Names:
        """Name of each class, in the order of their trees."""
        return Names(self._classes)

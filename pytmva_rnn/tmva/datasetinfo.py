"""TMVA's DataSetInfo: questions about what a data loader or a reader has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pytmva_rnn.description import Variable
from pytmva_rnn.errors import DataError
from pytmva_rnn.tmva.declarations import Declared, table
from pytmva_rnn.tmva.explained import Explained

__all__ = ["ClassInfo", "DataSetInfo", "Listed", "VariableInfo"]

Kind = TypeVar("Kind")


class Listed(list[Kind]):
    """A list that also answers to the name that std::vector has for its length."""

    def size(self) -> int:
        """Number of elements."""
        return len(self)


@dataclass(frozen=True)
class VariableInfo(Explained):
    """One variable, spectator or target; of an array one element."""

    _variable: Variable

    def GetExpression(self) -> str:
        """The formula, without blanks."""
        return self._variable.expression

    def GetInternalName(self) -> str:
        """The label as a name of C++."""
        return self._variable.internal

    GetName = GetInternalName

    def GetLabel(self) -> str:
        """What stands before `:=`, or else the expression."""
        return self._variable.label

    def GetTitle(self) -> str:
        """The title, or else the label."""
        return self._variable.title

    def GetUnit(self) -> str:
        """The unit, or nothing."""
        return self._variable.unit

    def GetVarType(self) -> str:
        """`F` or `I`."""
        return self._variable.type.removesuffix("[]")


@dataclass(frozen=True)
class ClassInfo(Explained):
    """One class of events."""

    _name: str
    _number: int
    _cut: str
    _weight: str

    def GetName(self) -> str:
        """Its name."""
        return self._name

    def GetNumber(self) -> int:
        """Its number, from 0 on."""
        return self._number

    def GetCut(self) -> str:
        """All cuts on it as one formula, or nothing."""
        return self._cut

    def GetWeight(self) -> str:
        """The formula of the weight, or nothing."""
        return self._weight


@dataclass(frozen=True)
class DataSetInfo(Explained):
    """What was declared so far; elements of array variables count each."""

    _name: str
    _variables: Sequence[Declared]
    _spectators: Sequence[Declared] = ()
    _targets: Sequence[Declared] = ()
    _classes: Mapping[str, tuple[str, str]] | None = None
    _split: str = ""

    def GetName(self) -> str:
        """Name of the data loader."""
        return self._name

    def GetListOfVariables(self) -> Listed[str]:
        """The expression of each variable."""
        return Listed(each.GetExpression() for each in self.GetVariableInfos())

    def GetVariableInfos(self) -> Listed[VariableInfo]:
        """All variables."""
        return _infos(self._variables)

    def GetVariableInfo(self, i: int) -> VariableInfo:
        """Variable `i`."""
        return _at(self.GetVariableInfos(), i, "variable")

    def GetSpectatorInfos(self) -> Listed[VariableInfo]:
        """All spectators."""
        return _infos(self._spectators)

    def GetSpectatorInfo(self, i: int) -> VariableInfo:
        """Spectator `i`."""
        return _at(self.GetSpectatorInfos(), i, "spectator")

    def GetTargetInfos(self) -> Listed[VariableInfo]:
        """All targets."""
        return _infos(self._targets)

    def GetTargetInfo(self, i: int) -> VariableInfo:
        """Target `i`."""
        return _at(self.GetTargetInfos(), i, "target")

    def GetNVariables(self) -> int:
        """Number of variables."""
        return sum(each.column.width for each in self._variables)

    def GetNSpectators(self, all: bool = True) -> int:
        """Number of spectators."""
        return len(self._spectators)

    def GetNTargets(self) -> int:
        """Number of targets."""
        return len(self._targets)

    def GetNClasses(self) -> int:
        """Number of classes."""
        return len(self._classes or {})

    def GetClassNames(self) -> Listed[str]:
        """Name of each class, in the order of their trees."""
        return Listed(self._classes or {})

    def PrintClasses(self) -> None:
        """Print the name of each class, its cut and its weight."""
        for name, (cut, weight) in (self._classes or {}).items():
            print(f"class {name}, cut: {cut or 'none'}, weight: {weight or '1'}")

    def GetClassNameMaxLength(self) -> int:
        """Length of the longest name of a class."""
        return max(map(len, self.GetClassNames()), default=0)

    def GetVariableNameMaxLength(self) -> int:
        """Length of the longest name of a variable."""
        return max((len(each.GetInternalName()) for each in self.GetVariableInfos()), default=0)

    def GetTargetNameMaxLength(self) -> int:
        """Length of the longest name of a target."""
        return max((len(each.GetInternalName()) for each in self.GetTargetInfos()), default=0)

    def GetClassInfo(self, which: int | str) -> ClassInfo:
        """A class by its number or its name."""
        names = self.GetClassNames()
        name = which if isinstance(which, str) else _at(names, which, "class")
        if name not in names:
            raise DataError(f"there is no class {name!r}; there are: {', '.join(names) or 'none'}")
        cut, weight = (self._classes or {})[name]
        return ClassInfo(name, names.index(name), cut, weight)

    def GetCut(self, which: int | str) -> str:
        """All cuts on a class as one formula, or nothing."""
        return self.GetClassInfo(which).GetCut()

    def GetWeightExpression(self, which: int | str) -> str:
        """The formula of a class's weight, or nothing."""
        return self.GetClassInfo(which).GetWeight()

    def HasCuts(self) -> bool:
        """Whether there is a cut on any class."""
        return any(cut for cut, _ in (self._classes or {}).values())

    def GetSignalClassIndex(self) -> int:
        """Number of the class "Signal", or else 0."""
        names = self.GetClassNames()
        return names.index("Signal") if "Signal" in names else 0

    def GetSplitOptions(self) -> str:
        """What PrepareTrainingAndTestTree was told of the split, as far as it differs from the defaults."""
        return self._split

    def GetVarArraySize(self, expression: str) -> int:
        """Number of elements of an array variable; -1 of what is none."""
        return next((each.column.size or -1 for each in self._variables if each.expression == expression), -1)

    def IsVariableFromArray(self, i: int) -> bool:
        """Whether variable `i` is an element of an array."""
        self.GetVariableInfo(i)
        return [each.column.size is not None for each in self._variables for _ in range(each.column.width)][i]

    def FindVarIndex(self, name: str) -> int:
        """Number of the variable of this internal name; -1 if there is none."""
        names = [each.GetInternalName() for each in self.GetVariableInfos()]
        return names.index(name) if name in names else -1


def _infos(declarations: Sequence[Declared]) -> Listed[VariableInfo]:
    return Listed(VariableInfo(variable) for variable in table(declarations, None))


def _at(values: Sequence[Kind], i: int, what: str) -> Kind:
    if not 0 <= i < len(values):
        raise DataError(f"there is no {what} {i}; there are {len(values)}")
    return values[i]

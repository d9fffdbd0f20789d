"""What a data loader is told of the events beside where they are: variables, cuts, weights and the split."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pytmva_rnn.errors import DataError, OptionError
from pytmva_rnn.options import SplitOptions
from pytmva_rnn.tmva.arguments import option_string, take_settings, text_of
from pytmva_rnn.tmva.datasetinfo import DataSetInfo
from pytmva_rnn.tmva.declarations import Declared, declared
from pytmva_rnn.tmva.explained import Explained
from pytmva_rnn.tmva.samples import cut_and_weight

__all__ = ["BACKGROUND", "SIGNAL", "DescribedData"]

SIGNAL, BACKGROUND = "Signal", "Background"
_OURS = {"test", "validation", "folds", "fold", "fold_by"}
# What these print in C++ TMVA has no counterpart here.
_PRINTING = ("Correlations", "CalcCorrelations")


class DescribedData(Explained):
    """The part of `DataLoader` that declares.

    Parameters
    ----------
    name : str
    """

    def __init__(self, name: Any) -> None:
        self._name = text_of(name)
        self._variables: list[Declared] = []
        self._spectators: list[Declared] = []
        self._targets: list[Declared] = []
        self._classes: dict[str, None] = {}
        self._cuts: list[tuple[str, str]] = []
        self._weights: dict[str, str] = {}
        self._split = SplitOptions()

    def GetName(self) -> str:
        """Name given at construction."""
        return self._name

    def GetDataSetInfo(self) -> DataSetInfo:
        """What is declared."""
        classes = {name: cut_and_weight(name, self._cuts, self._weights) for name in self._classes}
        return DataSetInfo(self._name, self._variables, self._spectators, self._targets, classes, str(self._split))

    GetDefaultDataSetInfo = GetDataSetInfo

    def AddVariable(
        self, expression: Any, title: Any = "", unit: Any = "", type: Any = "F", min: float = 0.0, max: float = 0.0
    ) -> None:
        """Declare an input: a formula or `label := formula`.

        `AddVariable(expression, type)` is understood too. As in C++ TMVA, the data decide about `min` and `max`.
        """
        self._declare(self._variables, declared(expression, title, unit, type))

    def AddVariablesArray(
        self, expression: Any, size: int, type: Any = "F", min: float = 0.0, max: float = 0.0
    ) -> None:
        """Declare as inputs the `size` elements of a branch that holds an array or a vector."""
        if size < 1:
            raise DataError(f"variable {text_of(expression)}: an array has at least one element, not {size}")
        self._declare(self._variables, declared(expression, kind=type, size=int(size)))

    def AddSpectator(
        self, expression: Any, title: Any = "", unit: Any = "", min: float = 0.0, max: float = 0.0
    ) -> None:
        """Declare a value that goes along with each event to the output but not into the network."""
        self._declare(self._spectators, declared(expression, title, unit))

    def AddTarget(self, expression: Any, title: Any = "", unit: Any = "", min: float = 0.0, max: float = 0.0) -> None:
        """Declare a value for a regression to learn."""
        self._declare(self._targets, declared(expression, title, unit))

    AddRegressionTarget = AddTarget

    def SetInputVariables(self, theVariables: Iterable[Any]) -> None:
        """Declare several inputs, formulas each."""
        for expression in theVariables:
            self.AddVariable(expression)

    def AddCut(self, cut: Any, className: Any = "") -> None:
        """A cut on the events of a class, or of all classes, beside those that are there."""
        if text_of(cut).strip():
            self._cuts.append((text_of(className), text_of(cut)))
            self._changed()

    def SetCut(self, cut: Any, className: Any = "") -> None:
        """A cut on the events of a class in place of those that are there, or on all in place of every cut."""
        of_class = text_of(className)
        self._cuts = [(name, text) for name, text in self._cuts if of_class and name != of_class]
        self._changed()
        self.AddCut(cut, className)

    def SetWeightExpression(self, variable: Any, className: Any = "") -> None:
        """Formula for the weight of the events of a class, or of all classes in place of every formula before."""
        if not text_of(className):
            self._weights.clear()
        self._weights[text_of(className)] = text_of(variable)
        self._changed()

    def SetSignalWeightExpression(self, variable: Any) -> None:
        """Formula for the weight of the events of the class "Signal"."""
        self.SetWeightExpression(variable, SIGNAL)

    def SetBackgroundWeightExpression(self, variable: Any) -> None:
        """Formula for the weight of the events of the class "Background"."""
        self.SetWeightExpression(variable, BACKGROUND)

    def PrepareTrainingAndTestTree(self, cut: Any = "", *arguments: Any, **keywords: Any) -> None:
        """Cuts, and how the events are divided.

        The forms are those of TMVA: `(cut, options)`, `(signal cut, background cut, options)`,
        `(cut, nTrain, nTest)` and `(cut, nTrain of signal, of background, nTest of signal, of background, options)`;
        instead of the option string there may be keywords: `nTrain_Signal=1000, SplitMode="Random", V=False`.

        Raises
        ------
        OptionError
            For an unknown option of the split or a wrong value.
        TypeError
            For other arguments.
        """
        for name in _OURS & set(keywords):
            raise OptionError(
                f"{name} is an option of pytmva_rnn.data.divide, not of TMVA's split: add the trees twice, for "
                "kTraining and for kTesting, with cuts that exclude each other; or call CrossValidation"
            )
        numbers = [argument for argument in arguments if isinstance(argument, int)]
        texts = [text_of(argument) for argument in arguments[len(numbers) :]]
        if len(numbers) not in (0, 1, 2, 4) or len(texts) + bool(keywords) > (1 if numbers else 2):
            raise TypeError(
                "PrepareTrainingAndTestTree takes (cut, options) or (signal cut, background cut, options), and "
                "keywords in place of the options"
            )
        own = texts.pop() if texts and not keywords and (numbers or texts) else ""
        if texts:
            self.AddCut(cut, SIGNAL)
            self.AddCut(texts[0], BACKGROUND)
        else:
            self.AddCut(cut)
        _, split = take_settings(option_string(":".join(filter(None, (_counts(numbers), own))), keywords), _PRINTING)
        self._split = SplitOptions.parse(split)
        self._changed()

    def _declare(self, where: list[Declared], what: Declared) -> None:
        where.append(what)
        self._changed()

    def _changed(self) -> None:
        """Called when something was declared; what was read before no longer counts."""


def _counts(numbers: list[int]) -> str:
    """The numbers of events that old forms of PrepareTrainingAndTestTree take; -1 is all."""
    if not numbers:
        return ""
    of_signal, of_background, *tests = numbers if len(numbers) == 4 else (numbers[0], numbers[0], *numbers[1:] * 2)
    names = (f"nTrain_{SIGNAL}", f"nTrain_{BACKGROUND}", f"nTest_{SIGNAL}", f"nTest_{BACKGROUND}")
    pairs = zip(names, (of_signal, of_background, *tests), strict=False)
    return ":".join(f"{name}={max(count, 0)}" for name, count in pairs)

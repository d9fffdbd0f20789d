"""TMVA's DataLoader: which events, which variables, which weights."""

from __future__ import annotations

from typing import Any

from pytmva_rnn.data.splitting import FREE, TEST, TRAINING
from pytmva_rnn.description import Variable
from pytmva_rnn.errors import DataError
from pytmva_rnn.options import SplitOptions
from pytmva_rnn.tmva.arguments import option_string, take_settings, text_of
from pytmva_rnn.tmva.datasetinfo import DataSetInfo
from pytmva_rnn.tmva.declarations import Declared, declared, table
from pytmva_rnn.tmva.enums import ETreeType
from pytmva_rnn.tmva.samples import ClassTree, Samples, load_samples
from pytmva_rnn.tmva.trees import as_tree

__all__ = ["DataLoader"]

_SIGNAL, _BACKGROUND, _REGRESSION = "Signal", "Background", "Regression"
_SAMPLES = {ETreeType.kTraining: TRAINING, ETreeType.kTesting: TEST, ETreeType.kMaxTreeType: FREE}
# What these print in C++ TMVA has no counterpart here.
_PRINTING = ("Correlations", "CalcCorrelations")


class DataLoader:
    """Collects trees, variables, cuts and weights; the events are read when they are first needed.

    Trees are whatever `pytmva_rnn.tmva.trees.as_tree` understands. Expressions, cuts and weights are formulas in the
    syntax of ROOT's TTree::Draw.

    Parameters
    ----------
    name : str
        Folder of the weight files, and name of the folder in the output file.
    """

    def __init__(self, name: Any = "default") -> None:
        self._name = text_of(name)
        self._variables: list[Declared] = []
        self._spectators: list[Declared] = []
        self._targets: list[Declared] = []
        self._trees: list[ClassTree] = []
        self._cuts: list[tuple[str, str]] = []
        self._weights: dict[str, str] = {}
        self._split = SplitOptions()
        self._samples: Samples | None = None

    def GetName(self) -> str:
        """Name given at construction."""
        return self._name

    def GetDataSetInfo(self) -> DataSetInfo:
        """What is declared."""
        names = dict.fromkeys(tree.name for tree in self._trees)
        return DataSetInfo(self._name, self._variables, self._spectators, self._targets, tuple(names))

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

    def AddTree(
        self, tree: Any, className: Any, weight: float = 1.0, cut: Any = "", treetype: Any = ETreeType.kMaxTreeType
    ) -> None:
        """Add events of a class.

        Parameters
        ----------
        tree : tree
        className : str
        weight : float
            Multiplies the weight of each event.
        cut : str
            Formula for the events to take.
        treetype : str or Types.ETreeType
            "Train" or "Test": which sample the events go to; the split decides by default.
        """
        sample = _sample(treetype)
        self._trees.append(ClassTree(as_tree(tree), text_of(className), float(weight), text_of(cut), sample))
        self._samples = None

    def SetTree(self, tree: Any, treetype: Any, weight: float = 1.0) -> None:
        """Add events of a class, which is named second."""
        self.AddTree(tree, treetype, weight)

    def AddSignalTree(self, signal: Any, weight: float = 1.0, treetype: Any = ETreeType.kMaxTreeType) -> None:
        """Add events of the class "Signal"."""
        self.AddTree(signal, _SIGNAL, weight, "", treetype)

    def AddBackgroundTree(self, background: Any, weight: float = 1.0, treetype: Any = ETreeType.kMaxTreeType) -> None:
        """Add events of the class "Background"."""
        self.AddTree(background, _BACKGROUND, weight, "", treetype)

    def AddRegressionTree(self, tree: Any, weight: float = 1.0, treetype: Any = ETreeType.kMaxTreeType) -> None:
        """Add events for a regression."""
        self.AddTree(tree, _REGRESSION, weight, "", treetype)

    def SetSignalTree(self, signal: Any, weight: float = 1.0) -> None:
        """Add events of the class "Signal"."""
        self.AddSignalTree(signal, weight)

    def SetBackgroundTree(self, background: Any, weight: float = 1.0) -> None:
        """Add events of the class "Background"."""
        self.AddBackgroundTree(background, weight)

    def SetInputTrees(
        self, signal: Any, background: Any, signalWeight: float = 1.0, backgroundWeight: float = 1.0
    ) -> None:
        """Add a signal and a background tree."""
        self.AddSignalTree(signal, signalWeight)
        self.AddBackgroundTree(background, backgroundWeight)

    def AddCut(self, cut: Any, className: Any = "") -> None:
        """A cut on the events of a class, or of all classes, beside those that are there."""
        if text_of(cut).strip():
            self._cuts.append((text_of(className), text_of(cut)))
            self._samples = None

    def SetCut(self, cut: Any, className: Any = "") -> None:
        """A cut on the events of a class, or of all classes, in place of those that are there."""
        self._cuts = [(name, text) for name, text in self._cuts if name != text_of(className)]
        self._samples = None
        self.AddCut(cut, className)

    def SetWeightExpression(self, variable: Any, className: Any = "") -> None:
        """Formula for the weight of the events of a class, or of all classes that have no formula of their own."""
        self._weights[text_of(className)] = text_of(variable)
        self._samples = None

    def SetSignalWeightExpression(self, variable: Any) -> None:
        """Formula for the weight of the events of the class "Signal"."""
        self.SetWeightExpression(variable, _SIGNAL)

    def SetBackgroundWeightExpression(self, variable: Any) -> None:
        """Formula for the weight of the events of the class "Background"."""
        self.SetWeightExpression(variable, _BACKGROUND)

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
        numbers = [argument for argument in arguments if isinstance(argument, int)]
        texts = [text_of(argument) for argument in arguments[len(numbers) :]]
        if len(numbers) not in (0, 1, 2, 4) or len(texts) + bool(keywords) > (1 if numbers else 2):
            raise TypeError(
                "PrepareTrainingAndTestTree takes (cut, options) or (signal cut, background cut, options), and "
                "keywords in place of the options"
            )
        own = texts.pop() if texts and not keywords and (numbers or texts) else ""
        if texts:
            self.AddCut(cut, _SIGNAL)
            self.AddCut(texts[0], _BACKGROUND)
        else:
            self.AddCut(cut)
        _, split = take_settings(option_string(":".join(filter(None, (_counts(numbers), own))), keywords), _PRINTING)
        self._split = SplitOptions.parse(split)
        self._samples = None

    def samples(self) -> Samples:
        """The training and the test sample; read once.

        Raises
        ------
        DataError
            For what is missing or cannot be read.
        """
        if self._samples is None:
            self._samples = load_samples(
                self._trees,
                [each.column for each in self._variables],
                [each.column for each in self._spectators],
                [each.column for each in self._targets],
                self._cuts,
                self._weights,
                self._split,
            )
        return self._samples

    def tables(self) -> tuple[tuple[Variable, ...], tuple[Variable, ...], tuple[Variable, ...]]:
        """Variables, spectators and targets as the weight file describes them."""
        data = self.samples().training
        return (
            table(self._variables, data.X.reshape(len(data), -1)),
            table(self._spectators, data.spectators),
            table(self._targets, data.target_values),
        )

    def _declare(self, where: list[Declared], what: Declared) -> None:
        where.append(what)
        self._samples = None


def _sample(treetype: Any) -> int:
    if isinstance(treetype, int):
        return _SAMPLES[ETreeType(treetype)]
    text = text_of(treetype).lower()
    trains, tests = "train" in text, "test" in text
    if not trains and not tests and text:
        raise DataError(f"the type of a tree is 'Train' or 'Test', not {treetype!r}")
    return FREE if trains == tests else TRAINING if trains else TEST


def _counts(numbers: list[int]) -> str:
    """The numbers of events that old forms of PrepareTrainingAndTestTree take; -1 is all."""
    if not numbers:
        return ""
    of_signal, of_background, *tests = numbers if len(numbers) == 4 else (numbers[0], numbers[0], *numbers[1:] * 2)
    names = (f"nTrain_{_SIGNAL}", f"nTrain_{_BACKGROUND}", f"nTest_{_SIGNAL}", f"nTest_{_BACKGROUND}")
    pairs = zip(names, (of_signal, of_background, *tests), strict=False)
    return ":".join(f"{name}={max(count, 0)}" for name, count in pairs)

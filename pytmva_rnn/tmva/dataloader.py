"""TMVA's DataLoader: which events, which variables, which weights."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy, deepcopy
from dataclasses import replace
from typing import Any

from pytmva_rnn.data import Source
from pytmva_rnn.description import Variable
from pytmva_rnn.errors import DataError
from pytmva_rnn.tmva.arguments import text_of
from pytmva_rnn.tmva.assigned_events import AssignedEvents
from pytmva_rnn.tmva.declarations import table
from pytmva_rnn.tmva.described_data import BACKGROUND, SIGNAL, DescribedData
from pytmva_rnn.tmva.enums import ETreeType
from pytmva_rnn.tmva.kfolds import CvSplitKFolds
from pytmva_rnn.tmva.samples import ClassTree, Samples, load_samples
from pytmva_rnn.tmva.trees import Tree, as_tree

__all__ = ["DataLoader"]

_REGRESSION = "Regression"
_SAMPLES = {ETreeType.kTraining: "training", ETreeType.kTesting: "test", ETreeType.kMaxTreeType: None}


class DataLoader(DescribedData):
    """Collects trees, variables, cuts and weights; the events are read when they are first needed.

    Trees are whatever `pytmva_rnn.tmva.trees.as_tree` understands. Expressions, cuts and weights are formulas in the
    syntax of ROOT's TTree::Draw. All events are in memory: more are for `pytmva_rnn.load(..., memory=)` and
    `pytmva_rnn.train`.

    Parameters
    ----------
    name : str
        Folder of the weight files, and name of the folder in the output file.
    """

    def __init__(self, name: Any = "default") -> None:
        super().__init__(name)
        self._trees: list[ClassTree] = []
        self._given: list[Any] = []
        self._events: dict[tuple[str, str], AssignedEvents] = {}
        self._samples: Samples | None = None
        self._fold: Samples | None = None

    def MakeCopy(self, name: Any) -> DataLoader:
        """Another data loader of this name with the same trees, declarations and split."""
        made = copy(self)
        made._name = text_of(name)
        for attribute in ("_variables", "_spectators", "_targets", "_cuts", "_trees", "_given"):
            setattr(made, attribute, list(getattr(self, attribute)))
        for attribute in ("_classes", "_weights"):
            setattr(made, attribute, dict(getattr(self, attribute)))
        made._events = {key: deepcopy(events) for key, events in self._events.items()}
        return made

    Clone = MakeCopy

    def with_variables(self, numbers: Iterable[int]) -> DataLoader:
        """A copy that has only the declarations of variables of these numbers."""
        made = self.MakeCopy(self._name)
        made._variables = [self._variables[number] for number in numbers]
        made._changed()
        return made

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
        name = text_of(className)
        self._trees.append(ClassTree(self._known(tree), name, float(weight), text_of(cut), _sample(treetype)))
        self._classes[name] = None
        self._changed()

    def SetTree(self, tree: Any, treetype: Any, weight: float = 1.0) -> None:
        """Add events of a class, which is named second."""
        self.AddTree(tree, treetype, weight)

    def AddSignalTree(self, signal: Any, weight: float = 1.0, treetype: Any = ETreeType.kMaxTreeType) -> None:
        """Add events of the class "Signal"."""
        self.AddTree(signal, SIGNAL, weight, "", treetype)

    def AddBackgroundTree(self, background: Any, weight: float = 1.0, treetype: Any = ETreeType.kMaxTreeType) -> None:
        """Add events of the class "Background"."""
        self.AddTree(background, BACKGROUND, weight, "", treetype)

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
        self, signal: Any, background: Any, signalWeight: Any = 1.0, backgroundWeight: float = 1.0
    ) -> None:
        """Add a signal and a background tree; or one tree, a cut for signal and a cut for background."""
        if isinstance(signalWeight, int | float):
            self.AddSignalTree(signal, signalWeight)
            self.AddBackgroundTree(background, backgroundWeight)
            return
        self.AddTree(signal, SIGNAL, 1.0, background)
        self.AddTree(signal, BACKGROUND, 1.0, signalWeight)

    def AddEvent(self, className: Any, tt: Any, event: Iterable[Any], weight: float = 1.0) -> None:
        """Add one event, which needs no tree.

        Parameters
        ----------
        className : str
        tt : Types.ETreeType
            `kTraining` or `kTesting`: which sample it goes to.
        event : list, array or std::vector of numbers
            The values of variables, targets and spectators in the order of their declarations, which come first.
        weight : float

        Raises
        ------
        DataError
            For another number of values, one that is NaN or infinite, or another sample.
        """
        sample = _sample(tt)
        if sample is None:
            raise DataError("an event goes to the sample kTraining or kTesting")
        name = text_of(className)
        declared = (*self._variables, *self._targets, *self._spectators)
        events = self._events.setdefault((name, sample), AssignedEvents(name, sample))
        events.add(event, weight, sum(each.column.width for each in declared))
        self._classes[name] = None
        self._changed()

    def AddTrainingEvent(self, className: Any, event: Iterable[Any], weight: float = 1.0) -> None:
        """Add one event of a class to the training sample; see `AddEvent`."""
        self.AddEvent(className, ETreeType.kTraining, event, weight)

    def AddTestEvent(self, className: Any, event: Iterable[Any], weight: float = 1.0) -> None:
        """Add one event of a class to the test sample; see `AddEvent`."""
        self.AddEvent(className, ETreeType.kTesting, event, weight)

    def AddSignalTrainingEvent(self, event: Iterable[Any], weight: float = 1.0) -> None:
        """Add one event of the class "Signal" to the training sample; see `AddEvent`."""
        self.AddTrainingEvent(SIGNAL, event, weight)

    def AddSignalTestEvent(self, event: Iterable[Any], weight: float = 1.0) -> None:
        """Add one event of the class "Signal" to the test sample; see `AddEvent`."""
        self.AddTestEvent(SIGNAL, event, weight)

    def AddBackgroundTrainingEvent(self, event: Iterable[Any], weight: float = 1.0) -> None:
        """Add one event of the class "Background" to the training sample; see `AddEvent`."""
        self.AddTrainingEvent(BACKGROUND, event, weight)

    def AddBackgroundTestEvent(self, event: Iterable[Any], weight: float = 1.0) -> None:
        """Add one event of the class "Background" to the test sample; see `AddEvent`."""
        self.AddTestEvent(BACKGROUND, event, weight)

    def UserAssignEvents(self, clIndex: int) -> bool:
        """Whether events of the class of this number were added one by one."""
        name = self.GetDataSetInfo().GetClassInfo(clIndex).GetName()
        return any(of_class == name for of_class, _ in self._events)

    def MakeKFoldDataSet(self, s: CvSplitKFolds) -> None:
        """Divide the training sample and the test sample into folds.

        Parameters
        ----------
        s : CvSplitKFolds
            `TMVA.CvSplitKFolds(5)`, which keeps the folds.
        """
        if not isinstance(s, CvSplitKFolds):
            raise TypeError(f"MakeKFoldDataSet takes a TMVA.CvSplitKFolds, CvSplitKFolds(5) for five folds, not {s!r}")
        self._fold = None
        s.divide(self.samples(), self.tables()[1])

    def PrepareFoldDataSet(self, s: CvSplitKFolds, foldNumber: int, tt: Any = ETreeType.kTraining) -> None:
        """Train with all folds but one from now on, and test with that one; see `CvSplitKFolds.prepared`."""
        self._fold = s.prepared(self.samples(), foldNumber, tt)

    def RecombineKFoldDataSet(self, s: CvSplitKFolds, tt: Any = ETreeType.kTraining) -> None:
        """Train and test with all folds together from now on, as C++ TMVA does after a cross validation."""
        self._fold = s.recombined(self.samples(), tt)

    def samples(self) -> Samples:
        """The training and the test sample; read once.

        Raises
        ------
        DataError
            For what is missing or cannot be read.
        """
        if self._fold is not None:
            return self._fold
        if self._samples is None:
            self._samples = load_samples(
                self._trees,
                list(self._events.values()),
                list(self._classes),
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

    def _known(self, tree: Any) -> Tree:
        """The tree; events in memory that are given again have the same name, so that their events are known again."""
        found = as_tree(tree)
        if isinstance(found, Source):
            return found
        number = next((i for i, given in enumerate(self._given) if given is tree), len(self._given))
        self._given += [tree] if number == len(self._given) else []
        return replace(found, place=f"{found.place} ({number})")

    def _changed(self) -> None:
        self._samples = self._fold = None


def _sample(treetype: Any) -> str | None:
    if isinstance(treetype, int):
        if treetype not in _SAMPLES:
            raise DataError(f"a sample is kTraining or kTesting, not {treetype!r}")
        return _SAMPLES[ETreeType(treetype)]
    text = text_of(treetype).lower()
    trains, tests = "train" in text, "test" in text
    if not trains and not tests and text:
        raise DataError(f"the type of a tree is 'Train' or 'Test', not {treetype!r}")
    return None if trains == tests else "training" if trains else "test"

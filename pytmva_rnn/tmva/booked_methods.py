"""The methods that a Factory has booked: finding one, and its ROC curve."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from pytmva_rnn.data import Dataset
from pytmva_rnn.errors import DataError
from pytmva_rnn.report import roc_curve, roc_integral
from pytmva_rnn.tmva.arguments import text_of
from pytmva_rnn.tmva.dataloader import DataLoader
from pytmva_rnn.tmva.enums import ETreeType
from pytmva_rnn.tmva.explained import Explained
from pytmva_rnn.tmva.method_dl import MethodDL
from pytmva_rnn.tmva.roc import ROCCurve, ROCPlot

__all__ = ["BookedMethods", "roc_of"]


class BookedMethods(Explained):
    """What is common to all that hold booked methods; `Factory` is to be used."""

    def __init__(self) -> None:
        self._methods: list[MethodDL] = []

    def DeleteAllMethods(self) -> None:
        """Forget all methods; their weight files stay."""
        self._methods.clear()

    def keep(self, method: MethodDL) -> None:
        """Add a method that was made elsewhere."""
        self._methods.append(method)

    def GetMethod(self, datasetname: Any, title: Any) -> MethodDL:
        """The method of this title that was booked with the data loader of this name.

        Raises
        ------
        DataError
            If there is none; C++ TMVA returns a null pointer. `HasMethod` tells whether there is one.
        """
        return self._method(datasetname, title)

    def HasMethod(self, datasetname: Any, title: Any) -> bool:
        """Whether a method of this title was booked with the data loader of this name."""
        return self._found(datasetname, title) is not None

    def GetROCIntegral(self, loader: Any, theMethodName: Any, iClass: int = 0, type: Any = ETreeType.kTesting) -> float:
        """Area under background rejection against signal efficiency; of several classes, with NormMode's factors.

        Parameters
        ----------
        loader : DataLoader or str
            Or its name.
        theMethodName : str
            Title of the method.
        iClass : int
            Of more than two classes, the one that is told from the rest.
        type : Types.ETreeType
            Which sample: `kTesting` or `kTraining`.
        """
        return self._curve(loader, theMethodName, iClass, type).integral

    def GetROCCurve(
        self,
        loader: Any,
        theMethodName: Any = None,
        setTitles: Any = True,
        iClass: int = 0,
        type: Any = ETreeType.kTesting,
    ) -> ROCCurve | ROCPlot:
        """The ROC curve of a method, or without a title a plot with those of all methods of the data loader.

        The other parameters are those of `GetROCIntegral`; `setTitles` has no effect. For all methods C++ TMVA takes
        the number of the class second and the sample third, `GetROCCurve(loader, 1)`, and so does this.
        """
        if theMethodName is None or isinstance(theMethodName, int):
            sample = setTitles if isinstance(setTitles, ETreeType) else type
            return self.GetROCCurveAsMultiGraph(loader, theMethodName or 0, sample)
        return self._curve(loader, theMethodName, iClass, type)

    def GetROCCurveAsMultiGraph(self, loader: Any, iClass: int = 0, type: Any = ETreeType.kTesting) -> ROCPlot:
        """The ROC curves of all methods of the data loader."""
        name = _name_of(loader)
        titles = [method.title for method in self._methods if method.loader.GetName() == name]
        return ROCPlot(tuple(self._curve(loader, title, iClass, type) for title in titles))

    def _curve(self, loader: Any, title: Any, number: int, sample: Any) -> ROCCurve:
        method = self._method(loader, title)
        samples = method.loader.samples()
        is_test = sample != ETreeType.kTraining
        data = samples.test if is_test else samples.training
        if data.analysis == "regression":
            raise DataError("a regression has no ROC curve")
        _check_class(data, number)
        return roc_of(method.title, data, method.scores(test=is_test), number)

    def _method(self, loader: Any, title: Any) -> MethodDL:
        method = self._found(loader, title)
        if method is not None:
            return method
        booked = ", ".join(f"{method.title} of {method.loader.GetName()}" for method in self._methods)
        raise DataError(
            f"no method {text_of(title)!r} is booked for {_name_of(loader)!r}; there are: {booked or 'none'}"
        )

    def _found(self, loader: Any, title: Any) -> MethodDL | None:
        name, title = _name_of(loader), text_of(title)
        same = (method for method in self._methods if method.loader.GetName() == name and method.title == title)
        return next(same, None)


def roc_of(title: str, data: Dataset, scores: NDArray[Any], number: int) -> ROCCurve:
    """The ROC curve of a class against the rest.

    Parameters
    ----------
    title : str
    data : Dataset
        n events of classes.
    scores : (n,) or (n, classes)
    number : int
        Of the class.

    Raises
    ------
    DataError
        For a class that is not there, and as `roc_curve`.
    """
    _check_class(data, number)
    if scores.ndim == 2:
        scores = scores[:, number]
    elif number == 1:
        scores = -scores
    member = data.class_index == number
    # the classes of the rest count in both samples as they do in the training; C++ TMVA does so in the training sample
    weights = data.weights if len(data.classes) == 2 else data.comparable_weights
    curve = roc_curve(member, scores, weights)
    area = roc_integral(member, scores, weights)
    return ROCCurve(title, curve.signal_efficiency, curve.background_rejection, area)


def _check_class(data: Dataset, number: int) -> None:
    if not 0 <= number < len(data.classes):
        raise DataError(f"there is no class {number}; the classes are 0 to {len(data.classes) - 1}")


def _name_of(loader: Any) -> str:
    return loader.GetName() if isinstance(loader, DataLoader) else text_of(loader)

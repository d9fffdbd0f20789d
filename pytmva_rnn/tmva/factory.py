"""TMVA's Factory: books, trains, tests and compares networks."""

from __future__ import annotations

import time
from typing import Any

from pytmva_rnn.data import Dataset
from pytmva_rnn.description import ANALYSES
from pytmva_rnn.errors import DataError, OptionError
from pytmva_rnn.interruption import raise_interruption
from pytmva_rnn.options import parse_options
from pytmva_rnn.report import roc_curve, roc_integral
from pytmva_rnn.tmva.arguments import flag, option_string, refuse_others, take_settings, text_of
from pytmva_rnn.tmva.console import say, shown
from pytmva_rnn.tmva.dataloader import DataLoader
from pytmva_rnn.tmva.enums import ETreeType, check_method_type
from pytmva_rnn.tmva.method_dl import MethodDL
from pytmva_rnn.tmva.output import evaluation_table
from pytmva_rnn.tmva.output.output_file import OutputFile
from pytmva_rnn.tmva.roc import ROCCurve, ROCPlot
from pytmva_rnn.tmva.settings import gConfig

__all__ = ["Factory"]

_FLAGS = ("V", "Color", "DrawProgressBar", "Silent", "ROC", "Correlations", "ModelPersistence")
_OPTIONS = (*_FLAGS, "VerboseLevel", "AnalysisType", "Transformations")
_ANALYSES = (*ANALYSES, "Auto")
_SOURCE = "Factory"


class Factory:
    """Trains networks on the samples of data loaders; the calls are those of `TMVA::Factory`.

    Parameters
    ----------
    theJobName : str
        Begins the names of the weight files.
    *arguments
        The output file (a path that ends with `.root`, a file of uproot or a TFile) and the option string; either may
        be left out.
    **keywords
        Options one by one: `V=False, AnalysisType="Classification"`.

    Raises
    ------
    OptionError
        For an unknown option or a wrong value.
    """

    def __init__(self, theJobName: Any, *arguments: Any, **keywords: Any) -> None:
        self._job = text_of(theJobName)
        file, text = _file_and_options(arguments)
        found, others = take_settings(option_string(text, keywords), _OPTIONS)
        refuse_others(others, _OPTIONS, "the Factory")
        self._flags = {name: flag(found, name, name not in ("V", "Silent")) for name in _FLAGS}
        analysis = found.get("AnalysisType", "Auto")
        matching = [name for name in _ANALYSES if name.lower() == analysis.lower()]
        if not matching:
            raise OptionError(f"AnalysisType is one of {', '.join(_ANALYSES)}; not {analysis!r}")
        self._analysis = matching[0]
        chains = found.get("Transformations", "I").split(";")
        self._transformations = [text.strip() for text in chains if text.strip().upper() not in ("", "I", "NONE")]
        self._file = None if file is None else OutputFile(file)
        self._methods: list[MethodDL] = []

    def GetName(self) -> str:
        """Name of the job."""
        return self._job

    def BookMethod(
        self, loader: DataLoader, theMethodName: Any, methodTitle: Any, theOption: Any = "", /, **keywords: Any
    ) -> MethodDL:
        """Declare a network to be trained.

        Parameters
        ----------
        loader : DataLoader
        theMethodName : Types.EMVA or str
            `Types.kDL` or "DL".
        methodTitle : str
            Ends the name of the weight file.
        theOption : str
            Options of MethodDL, `!H:V:Layout=LSTM|10|30|10|0|1,RESHAPE|FLAT,LINEAR:...`.
        **keywords
            The same one by one.

        Raises
        ------
        OptionError
            For another type of method, or options that are not understood.
        DataError
            For a title that is taken or cannot be part of a file's name.
        """
        check_method_type(theMethodName)
        title = text_of(methodTitle)
        if not title or any(c in title for c in "/\\\0"):
            raise DataError(f"the title of a method is a name without slashes, not {title!r}")
        if any(method.title == title and method.loader.GetName() == loader.GetName() for method in self._methods):
            raise DataError(f"there is a method {title!r} for {loader.GetName()!r} already; choose another title")
        method = MethodDL(self._job, loader, title, parse_options(option_string(theOption, keywords)))
        with self._shown():
            say(_SOURCE, f"Booking method: {title}")
        self._methods.append(method)
        return method

    def DeleteAllMethods(self) -> None:
        """Forget all methods; their weight files stay."""
        self._methods.clear()

    def GetMethod(self, datasetname: Any, title: Any) -> MethodDL:
        """The method of this title that was booked with the data loader of this name.

        Raises
        ------
        DataError
            If there is none; C++ TMVA returns a null pointer.
        """
        return self._method(datasetname, title)

    def TrainAllMethods(self) -> None:
        """Train all methods and write their weight files, `<data loader>/weights/<job>_<title>.weights.xml`.

        Ctrl-C ends the training and the script; the best weights so far are written.

        Raises
        ------
        DataError, OptionError, TrainingError
            For data and options that cannot be trained with; before any training where this can be seen.
        """
        self._booked()
        with self._shown():
            say(_SOURCE, "Train all methods")
            for method in self._methods:
                self._check_analysis(method.loader.samples().training)
                method.check()
            progress = None if self._flags["DrawProgressBar"] and not self._silent else False
            for method in self._methods:
                data = method.loader.samples().training
                say(_SOURCE, f"Train method: {method.title} for {data.analysis.capitalize()}")
                say("", f"{len(data)} events in the training sample, {data.X[0].size} variables")
                result = method.train(save=self._flags["ModelPersistence"], progress=progress)
                say("", f"Elapsed time for training with {len(data)} events: {result.training_time:.3g} sec")
                if self._flags["ModelPersistence"]:
                    say("", f"Creating xml weight file: {method.GetWeightFileName()}")
                if result.interrupted:
                    raise_interruption(result.interrupted)
            say(_SOURCE, "Training finished")

    def TestAllMethods(self) -> None:
        """Score the test sample and the training sample with all methods.

        Raises
        ------
        TrainingError
            If a method is not trained.
        """
        self._booked()
        with self._shown():
            say(_SOURCE, "Test all methods")
            for method in self._methods:
                data = method.loader.samples().test
                say(_SOURCE, f"Test method: {method.title} for {data.analysis.capitalize()} performance")
                begin = time.perf_counter()
                both = len(method.output.test_scores) + len(method.output.train_scores)
                say("", f"Elapsed time for evaluation of {both} events: {time.perf_counter() - begin:.3g} sec")

    def EvaluateAllMethods(self) -> None:
        """Print how well the methods do, and write the output file if one was given.

        Raises
        ------
        TrainingError
            If a method is not trained.
        DataError
            If a method's scores cannot be evaluated.
        OSError
            If the output file cannot be written.
        """
        self._booked()
        with self._shown():
            say(_SOURCE, "Evaluate all methods")
            for loader in dict.fromkeys(method.loader for method in self._methods):
                methods = [method for method in self._methods if method.loader is loader]
                samples, outputs = loader.samples(), [method.output for method in methods]
                table = evaluation_table(samples.training, samples.test, outputs, loader.GetName(), margin="")
                say("", table)
                if self._file is not None:
                    self._file.write(methods, self._transformations)
            say(_SOURCE, "Thank you for using TMVA!")

    def GetROCIntegral(self, loader: Any, theMethodName: Any, iClass: int = 0, type: Any = ETreeType.kTesting) -> float:
        """Area under background rejection against signal efficiency.

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
        setTitles: bool = True,
        iClass: int = 0,
        type: Any = ETreeType.kTesting,
    ) -> ROCCurve | ROCPlot:
        """The ROC curve of a method, or without a title a plot with those of all methods of the data loader.

        The other parameters are those of `GetROCIntegral`; `setTitles` has no effect. For all methods C++ TMVA takes
        the number of the class second, `GetROCCurve(loader, 1)`, and so does this.
        """
        if theMethodName is None or isinstance(theMethodName, int):
            return self.GetROCCurveAsMultiGraph(loader, theMethodName or 0, type)
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
        if not 0 <= number < len(data.classes):
            raise DataError(f"there is no class {number}; the classes are 0 to {len(data.classes) - 1}")
        scores = method.scores(test=is_test)
        if scores.ndim == 2:
            scores = scores[:, number]
        elif number == 1:
            scores = -scores
        member = data.class_index == number
        curve = roc_curve(member, scores, data.weights)
        area = roc_integral(member, scores, data.weights)
        return ROCCurve(method.title, curve.signal_efficiency, curve.background_rejection, area)

    def _method(self, loader: Any, title: Any) -> MethodDL:
        name = _name_of(loader)
        for method in self._methods:
            if method.loader.GetName() == name and method.title == text_of(title):
                return method
        booked = ", ".join(f"{method.title} of {method.loader.GetName()}" for method in self._methods)
        raise DataError(f"no method {text_of(title)!r} is booked for {name!r}; there are: {booked or 'none'}")

    def _booked(self) -> None:
        if not self._methods:
            raise DataError("no methods are booked: call BookMethod first")

    def _check_analysis(self, data: Dataset) -> None:
        found = data.analysis.capitalize()
        if self._analysis not in ("Auto", found):
            raise OptionError(
                f"AnalysisType={self._analysis} does not fit the data loader, whose {len(data.classes)} class(es) and "
                f"{len(data.targets)} target(s) make a {data.analysis}"
            )

    @property
    def _silent(self) -> bool:
        return self._flags["Silent"] or gConfig().IsSilent()

    def _shown(self) -> Any:
        return shown(self._silent)


def _file_and_options(arguments: tuple[Any, ...]) -> tuple[Any, Any]:
    """The output file, which may be missing or None, and the option string."""
    if len(arguments) > 2:
        raise TypeError(f"Factory takes a name, an output file and options, not {1 + len(arguments)} arguments")
    if len(arguments) == 2:
        return arguments
    if not arguments:
        return None, ""
    given = arguments[0]
    is_text = isinstance(given, str) or type(given).__name__ in ("TString", "string")
    is_file = not is_text or (text_of(given).endswith(".root") and "=" not in text_of(given))
    return (given, "") if is_file else (None, given)


def _name_of(loader: Any) -> str:
    return loader.GetName() if isinstance(loader, DataLoader) else text_of(loader)

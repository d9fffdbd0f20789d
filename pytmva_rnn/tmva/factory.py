"""TMVA's Factory: books, trains, tests and compares networks."""

from __future__ import annotations

import time
from typing import Any

from pytmva_rnn.data import Dataset
from pytmva_rnn.description import ANALYSES
from pytmva_rnn.errors import DataError, OptionError
from pytmva_rnn.interruption import raise_interruption
from pytmva_rnn.options import parse_options
from pytmva_rnn.tmva.arguments import (
    chains_of,
    check_title,
    file_and_options,
    flag,
    option_string,
    path_of,
    refuse_others,
    take_settings,
    text_of,
)
from pytmva_rnn.tmva.booked_methods import BookedMethods
from pytmva_rnn.tmva.console import say, shown
from pytmva_rnn.tmva.dataloader import DataLoader
from pytmva_rnn.tmva.enums import check_method_type
from pytmva_rnn.tmva.importance import VariableImportance, variable_importance
from pytmva_rnn.tmva.method_dl import MethodDL
from pytmva_rnn.tmva.output import check_folder, evaluation_table
from pytmva_rnn.tmva.output.output_file import OutputFile
from pytmva_rnn.tmva.settings import gConfig
from pytmva_rnn.tmva.written_files import check_written

__all__ = ["Factory"]

_FLAGS = ("V", "Color", "DrawProgressBar", "Silent", "ROC", "Correlations", "ModelPersistence")
_OPTIONS = (*_FLAGS, "VerboseLevel", "AnalysisType", "Transformations")
_ANALYSES = (*ANALYSES, "Auto")
_SOURCE = "Factory"


class Factory(BookedMethods):
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
        super().__init__()
        self._job = text_of(theJobName)
        file, text = file_and_options(arguments, "Factory takes a name")
        found, others = take_settings(option_string(text, keywords), _OPTIONS)
        refuse_others(others, _OPTIONS, "the Factory")
        self._flags = {name: flag(found, name, name not in ("V", "Silent")) for name in _FLAGS}
        analysis = found.get("AnalysisType", "Auto")
        matching = [name for name in _ANALYSES if name.lower() == analysis.lower()]
        if not matching:
            raise OptionError(f"AnalysisType is one of {', '.join(_ANALYSES)}; not {analysis!r}")
        self._analysis = matching[0]
        self._transformations = chains_of(found)
        self._file = None if file is None else OutputFile(file)

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
            For a title that is taken or cannot be part of a file's name, and where there is an output file, for names
            of data loader or method that cannot be those of its folders.
        """
        check_method_type(theMethodName)
        title = check_title(text_of(methodTitle))
        return self._add(MethodDL(self._job, loader, title, parse_options(option_string(theOption, keywords))))

    def BookMethodWeightfile(self, dataloader: DataLoader, methodType: Any, weightfile: Any) -> MethodDL:
        """Take a network whose weight file is there, to test and evaluate it; TrainAllMethods lets it be.

        Parameters
        ----------
        dataloader : DataLoader
            With the variables, targets and classes of the file, in the same order.
        methodType : Types.EMVA or str
            `Types.kDL` or "DL".
        weightfile : path

        Raises
        ------
        OptionError
            For another type of method.
        DataError
            For other variables, targets or classes, or if there is a method of its title already.
        WeightFileError, OSError
            If the file cannot be read.
        """
        check_method_type(methodType)
        return self._add(MethodDL.of_weight_file(self._job, dataloader, path_of(weightfile)))

    def _add(self, method: MethodDL) -> MethodDL:
        name = method.loader.GetName()
        if self.HasMethod(name, method.title):
            raise DataError(f"there is a method {method.title!r} for {name!r} already; choose another title")
        if self._file is not None:
            check_folder(name)
            check_folder(method.title)
        with self._shown():
            say(_SOURCE, f"Booking method: {method.title}")
        self.keep(method)
        return method

    def TrainAllMethods(self, *, resume: bool = False) -> None:
        """Train all methods and write their weight files, `<data loader>/weights/<job>_<title>.weights.xml`.

        Ctrl-C ends the training and the script; the best weights so far are written.

        Parameters
        ----------
        resume : bool
            Not TMVA's: keep the state of each training beside its weight file, `<job>_<title>.checkpoint.npz`, every
            ten minutes and when a signal or an error ends it, and go on from there if it is there: a script that was
            interrupted comes to its own end when it is run again. What is trained already is not trained again.

        Raises
        ------
        DataError, OptionError, TrainingError
            For data and options that cannot be trained with; before any training where this can be seen.
        OutputError
            For a weight file or an output file that cannot be written, or that is an input; before any training.
        CheckpointError
            With `resume`, for a checkpoint of other events or options, or a damaged one.
        """
        self._booked()
        with self._shown():
            say(_SOURCE, "Train all methods")
            for method in self._methods:
                self.check_analysis(method.loader.samples().training)
                method.check()
            made = [method for method in self._methods if method.given is None and self._flags["ModelPersistence"]]
            check_written(
                [method.GetWeightFileName() for method in made],
                self._file,
                [method.loader.samples().training for method in self._methods],
            )
            progress = None if self._flags["DrawProgressBar"] and not self._silent else False
            for method in self._methods:
                if method.given is not None:
                    say(_SOURCE, f"Method {method.title} is trained already: its weight file was booked")
                    continue
                data = method.loader.samples().training
                say(_SOURCE, f"Train method: {method.title} for {data.analysis.capitalize()}")
                say("", f"{len(data)} events in the training sample, {data.X[0].size} variables")
                result = method.train(save=self._flags["ModelPersistence"], progress=progress, resume=resume)
                say("", f"Elapsed time for training with {len(data)} events: {result.training_time:.3g} sec")
                if self._flags["ModelPersistence"]:
                    say("", f"Creating xml weight file: {method.GetWeightFileName()}")
                if result.interrupted:
                    raise_interruption(result.interrupted)
            say(_SOURCE, "Training finished")

    TrainAllMethodsForClassification = TrainAllMethodsForRegression = TrainAllMethods

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
                    self._file.write(loader, outputs, self._transformations)
            say(_SOURCE, "Thank you for using TMVA!")

    def EvaluateImportance(
        self, loader: DataLoader, vitype: int, theMethod: Any, methodTitle: Any, theOption: Any = "", **keywords: Any
    ) -> VariableImportance:
        """What each variable is worth to a network, in per cent: by how much it raises the ROC integral.

        Networks are trained on sets of the variables, and no weight files are written.

        Parameters
        ----------
        loader : DataLoader
            Its variables are single ones, no arrays.
        vitype : VIType
            `kShort`: all variables, and all without each one. `kAll`: every set of them. `kRandom`: sets by chance, and
            each without each of its variables, of more than ten variables.
        theMethod, methodTitle, theOption, **keywords
            As for `BookMethod`.

        Raises
        ------
        DataError
            For array variables, a regression, or a wrong `vitype`; for more than ten variables with `kAll`.
        OptionError, TrainingError
            As `TrainAllMethods`.
        """
        check_method_type(theMethod)
        title, options = check_title(text_of(methodTitle)), parse_options(option_string(theOption, keywords))

        def quality(data: DataLoader) -> float:
            factory = Factory(self._job, Silent=True, ModelPersistence=False, AnalysisType=self._analysis)
            factory._add(MethodDL(self._job, data, title, options))
            factory.TrainAllMethods()
            return factory.GetROCIntegral(data, title)

        with self._shown():
            say(_SOURCE, f"Variable importance of {title}")
            found = variable_importance(loader, vitype, quality)
            say("", str(found))
        return found

    def Verbose(self) -> bool:
        """Whether much is to be printed."""
        return self._flags["V"]

    def SetVerbose(self, v: bool = True) -> None:
        """Without effect beyond `Verbose`."""
        self._flags["V"] = bool(v)

    def IsSilentFile(self) -> bool:
        """Whether there is no output file."""
        return self._file is None

    def IsModelPersistence(self) -> bool:
        """Whether weight files are written."""
        return self._flags["ModelPersistence"]

    def _booked(self) -> None:
        if not self._methods:
            raise DataError("no methods are booked: call BookMethod first")

    def check_analysis(self, data: Dataset) -> None:
        """Raise if the option AnalysisType does not fit the events."""
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

"""TMVA's CrossValidation: networks that are each trained without one fold and tested on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pytmva_rnn.ensemble import averaged, of_folds
from pytmva_rnn.errors import DataError, OptionError, TrainingError
from pytmva_rnn.interruption import raise_interruption
from pytmva_rnn.options import MethodOptions, parse_options
from pytmva_rnn.report.metrics import BACKGROUNDS
from pytmva_rnn.tmva.arguments import check_title, file_and_options, option_string, text_of
from pytmva_rnn.tmva.booked_methods import roc_of
from pytmva_rnn.tmva.console import say, shown
from pytmva_rnn.tmva.crossvalidation_options import CrossValidationOptions
from pytmva_rnn.tmva.crossvalidation_result import CrossValidationResult, Fold
from pytmva_rnn.tmva.dataloader import DataLoader
from pytmva_rnn.tmva.enums import check_method_type
from pytmva_rnn.tmva.explained import Explained
from pytmva_rnn.tmva.factory import Factory
from pytmva_rnn.tmva.kfolds import CvSplitKFolds
from pytmva_rnn.tmva.method_dl import MethodDL
from pytmva_rnn.tmva.output import MethodOutput, check_folder, evaluation_table
from pytmva_rnn.tmva.output.output_file import OutputFile
from pytmva_rnn.tmva.settings import gConfig
from pytmva_rnn.tmva.written_files import check_written
from pytmva_rnn.weightfile.folds_file import FoldsFile, write_folds

__all__ = ["CrossValidation"]

_SOURCE = "CrossValidation"


class BookedOptions(dict[str, str]):
    """What was booked; answers as C++ TMVA's OptionMap does."""

    def GetValue(self, name: str) -> str:
        """The value under a name: `MethodName` (the type), `MethodTitle` or `MethodOptions`."""
        return self[name]


@dataclass(frozen=True)
class _Booking:
    title: str
    options: MethodOptions


class CrossValidation(Explained):
    """Divides the training sample of a data loader into folds, trains without each in turn and tests on it.

    The test sample is not used: give all events to the training sample but one of each class, `nTest_<Class>=1`, as in
    ROOT's tutorial. Folds, and the events in them, are those of C++ TMVA. The data loader stays as it is.

    Parameters
    ----------
    jobName : str
        Begins the names of the weight files.
    dataloader : DataLoader
    *arguments
        The output file and the option string; either may be left out.
    **keywords
        Options one by one: `NumFolds=5, SplitType="Random"`. Beside those of the Factory:

        - NumFolds: 2
        - SplitType: "Random", "RandomStratified" or "Deterministic"
        - SplitExpr: for the number of the fold, `int([eventID])%int([NumFolds])`; goes before SplitType
        - OutputEnsembling: "None" or "Avg", how the written method scores: by the network that did not see the event's
          fold, or by the mean of all
        - FoldFileOutput: write an output file for each fold beside the output file
        - NumWorkerProcs: without effect, as each training uses all cores; the folds go one after the other

    Raises
    ------
    OptionError
        For an unknown option, a wrong value, `Deterministic` without SplitExpr, or FoldFileOutput without output file.
    """

    def __init__(self, jobName: Any, dataloader: DataLoader, *arguments: Any, **keywords: Any) -> None:
        self._job = text_of(jobName)
        file, text = file_and_options(arguments, "CrossValidation takes a name, a data loader")
        self._options = CrossValidationOptions.parse(option_string(text, keywords))
        self._loader = dataloader
        self._factory = Factory(self._job, None, self._options.of_the_factory)
        if self._options.fold_files and file is None:
            raise OptionError("FoldFileOutput needs an output file: CrossValidation(job, loader, 'cv.root', options)")
        self._file = None if file is None else OutputFile(file)
        self._bookings: list[_Booking] = []
        self._results: list[CrossValidationResult] = []
        self._split()

    def BookMethod(self, theMethodName: Any, methodTitle: Any, theOption: Any = "", /, **keywords: Any) -> None:
        """Declare a network to be trained on each fold; the arguments are those of `Factory.BookMethod`."""
        check_method_type(theMethodName)
        title = check_title(text_of(methodTitle))
        if any(booking.title == title for booking in self._bookings):
            raise DataError(f"there is a method {title!r} already; choose another title")
        if self._file is not None:
            check_folder(self._loader.GetName())
            check_folder(title)
        self._bookings.append(_Booking(title, parse_options(option_string(theOption, keywords))))

    def GetMethods(self) -> list[BookedOptions]:
        """What was booked."""
        return [
            BookedOptions(MethodName="DL", MethodTitle=booking.title, MethodOptions=str(booking.options))
            for booking in self._bookings
        ]

    def SetNumFolds(self, i: int) -> None:
        """Another number of folds."""
        self._options.folds = int(i)
        self._split()

    def SetSplitExpr(self, splitExpr: Any) -> None:
        """Another expression for the number of the fold."""
        self._options.expression = text_of(splitExpr).strip()

    def GetNumFolds(self) -> int:
        """Number of folds."""
        return self._options.folds

    def GetSplitExpr(self) -> str:
        """Expression for the number of the fold, or nothing."""
        return self._options.expression

    def GetFactory(self) -> Factory:
        """A Factory that has the method of each fold, `<title>_fold1` ..., after `Evaluate`."""
        return self._factory

    def GetDataLoader(self) -> DataLoader:
        """The data loader."""
        return self._loader

    def IsModelPersistence(self) -> bool:
        """Whether weight files are written."""
        return self._options.persistent

    def SetModelPersistence(self, status: bool = True) -> None:
        """Write weight files, or do not."""
        self._options.persistent = bool(status)

    def IsVerbose(self) -> bool:
        """Whether much is to be printed."""
        return self._factory.Verbose()

    def SetVerbose(self, status: bool = True) -> None:
        """Without effect beyond `IsVerbose`."""
        self._factory.SetVerbose(status)

    def GetResults(self) -> list[CrossValidationResult]:
        """A result for each method.

        Raises
        ------
        TrainingError
            Before `Evaluate`.
        """
        if not self._results:
            raise TrainingError("there are no results yet: call Evaluate first")
        return list(self._results)

    def Evaluate(self) -> None:
        """Train and test all methods on all folds, and write the weight files and the output file.

        The weight files are `<data loader>/weights/<job>_<title>_fold1.weights.xml` ... and
        `<data loader>/weights/<job>_<title>.weights.xml`, which TMVA's Reader takes for all of them.

        Raises
        ------
        DataError, OptionError, TrainingError
            For folds, data and options that cannot be trained with.
        OSError
            If a file cannot be written.
        """
        if not self._bookings:
            raise DataError("no methods are booked: call BookMethod first")
        with shown(self._options.silent or gConfig().IsSilent()):
            split = self._split()
            loader = self._loader.MakeCopy(self._loader.GetName())
            loader.MakeKFoldDataSet(split)
            self._factory.check_analysis(loader.samples().training)
            folds = []
            for number in range(self._options.folds):
                folds.append(loader.MakeCopy(loader.GetName()))
                folds[-1].PrepareFoldDataSet(split, number)
            for booking in self._bookings:
                for fold in folds:
                    MethodDL(self._job, fold, booking.title, booking.options).check()
                    self._check_validation(booking, fold)
            self._check_written(folds)
            loader.RecombineKFoldDataSet(split)
            self._factory.DeleteAllMethods()
            self._results = []
            outputs = []
            for booking in self._bookings:
                say(_SOURCE, f"Evaluate method: {booking.title}")
                methods = [self._trained(booking, fold, number) for number, fold in enumerate(folds)]
                self._results.append(CrossValidationResult(tuple(self._fold(method) for method in methods)))
                outputs.append(self._combined(booking, methods, loader, split))
            samples = loader.samples()
            say("", evaluation_table(samples.training, samples.test, outputs, loader.GetName(), margin=""))
            if self._file is not None:
                self._file.write(loader, outputs, self._options.transformations)
            say(_SOURCE, "Evaluation done.")

    def _split(self) -> CvSplitKFolds:
        return CvSplitKFolds(self._options.folds, self._options.expression, self._options.stratified)

    def _check_validation(self, booking: _Booking, fold: DataLoader) -> None:
        """Raise where folds that have class after class leave some class without events to validate with."""
        data = fold.samples().training
        size = booking.options.validation_size.events(len(data))
        last = set(data.class_index[len(data) - size :].tolist())
        if self._options.stratified and not self._options.expression and len(last) < len(data.classes):
            raise OptionError(
                f"method {booking.title}: the last {size} of {len(data)} events of a fold validate (ValidationSize), "
                "but SplitType=RandomStratified puts class after class, and some class is not among them: take "
                "SplitType=Random, or more folds"
            )

    def _check_written(self, folds: list[DataLoader]) -> None:
        """Raise before the first training for files that cannot be written; those of the folds lie beside them."""
        methods = [MethodDL(self._job, self._loader, booking.title, booking.options) for booking in self._bookings]
        check_written(
            [method.GetWeightFileName() for method in methods if self._options.persistent],
            self._file,
            [fold.samples().training for fold in folds],
        )

    def _trained(self, booking: _Booking, fold: DataLoader, number: int) -> MethodDL:
        method = MethodDL(self._job, fold, f"{booking.title}_fold{number + 1}", booking.options)
        result = method.train(
            save=self._options.persistent,
            progress=None if self._options.progress and not self._options.silent else False,
        )
        if result.interrupted:
            raise_interruption(result.interrupted)
        self._factory.keep(method)
        if self._options.fold_files and self._file is not None:
            OutputFile(self._file.folder / f"{method.title}.root").write(fold, [method.output], ())
        return method

    def _fold(self, method: MethodDL) -> Fold:
        samples = method.loader.samples()
        if samples.test.analysis == "regression":
            return Fold(None)
        curve = roc_of(method.title, samples.test, method.output.test_scores, 0)
        if samples.test.analysis == "multiclass":
            return Fold(curve)
        names = [f"Efficiency:{background:.2f}" for background in BACKGROUNDS]
        return Fold(
            curve,
            method.GetSignificance(),
            method.GetSeparation(),
            tuple(method.GetEfficiency(name) for name in names),
            method.GetEfficiency(""),
            tuple(method.GetTrainingEfficiency(name) for name in names),
        )

    def _combined(
        self, booking: _Booking, methods: list[MethodDL], loader: DataLoader, split: CvSplitKFolds
    ) -> MethodOutput:
        """The scores of all networks on all events, and the file that stands for all."""
        data = loader.samples().test
        models = tuple(method.model for method in methods)
        if self._options.ensembling == "Avg":
            scores = averaged(models, data.X)
        else:
            scores = of_folds(models, split.fold_numbers(), data.X)
        if self._options.persistent:
            variables, spectators, targets = loader.tables()
            path = MethodDL(self._job, loader, booking.title, booking.options).GetWeightFileName()
            content = FoldsFile(
                booking.title,
                self._job,
                models[0].analysis,
                variables,
                spectators,
                targets,
                data.classes,
                self._options.folds,
                self._options.expression,
                self._options.ensembling,
                tuple((name, value) for name, value in models[0].info if not name.startswith("pytmva_rnn")),
            )
            write_folds(content, path)
            say("", f"Creating xml weight file: {path}")
        return MethodOutput(booking.title, scores, scores, kind="CrossValidation")

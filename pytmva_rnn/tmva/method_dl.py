"""A booked method: its options, and after training its network and scores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from pytmva_rnn.errors import DataError, TrainingError
from pytmva_rnn.interruption import Held
from pytmva_rnn.model import Model, read_weights
from pytmva_rnn.options import MethodOptions, parse_options
from pytmva_rnn.options.layout import build_layers
from pytmva_rnn.tmva.arguments import text_of
from pytmva_rnn.tmva.dataloader import DataLoader
from pytmva_rnn.tmva.datasetinfo import DataSetInfo
from pytmva_rnn.tmva.declarations import check_expressions
from pytmva_rnn.tmva.enums import EMVA, EAnalysisType, ETreeType
from pytmva_rnn.tmva.explained import Explained
from pytmva_rnn.tmva.output import MethodOutput
from pytmva_rnn.tmva.output.responses import Response
from pytmva_rnn.tmva.samples import Samples
from pytmva_rnn.tmva.settings import gConfig
from pytmva_rnn.training import Checkpoint, Result, train
from pytmva_rnn.weightfile import write_weights

__all__ = ["MethodDL"]


class MethodDL(Explained):
    """A network that a Factory has booked; made by `Factory.BookMethod` and `Factory.BookMethodWeightfile`.

    Attributes
    ----------
    loader : DataLoader
    title : str
    options : MethodOptions
    result : Result, optional
        Of the training, when it is done.
    given : Model, optional
        A network that was trained before and is not to be trained again.
    """

    def __init__(
        self, job: str, loader: DataLoader, title: str, options: MethodOptions, given: Model | None = None
    ) -> None:
        self._job = job
        self.loader = loader
        self.title = title
        self.options = options
        self.given = given
        self.result: Result | None = None
        self._output: tuple[Samples, MethodOutput] | None = None

    @classmethod
    def of_weight_file(cls, job: str, loader: DataLoader, path: str) -> MethodDL:
        """A network whose weight file is there, to be tested on the samples of a data loader.

        Raises
        ------
        DataError
            If variables, classes or targets are not those of the data loader, in the same order.
        WeightFileError, OSError
            If the file cannot be read.
        """
        model = read_weights(path)
        info = loader.GetDataSetInfo()
        for what, infos, of_file in (
            ("variable", info.GetVariableInfos(), model.variables),
            ("target", info.GetTargetInfos(), model.targets),
        ):
            check_expressions(what, [each.GetExpression() for each in infos], of_file, path)
        classes = loader.samples().training.classes
        if model.analysis != "Regression" and tuple(model.classes) != classes:
            raise DataError(f"{path} tells the classes {', '.join(model.classes)} apart, not {', '.join(classes)}")
        text = ":".join(f"{option.name}={option.value}" for option in model.options)
        return cls(job, loader, model.title, parse_options(text), model)

    def GetName(self) -> str:
        """The title."""
        return self.title

    def GetMethodName(self) -> str:
        """The title."""
        return self.title

    def GetMethodTypeName(self) -> str:
        """The type, "DL"."""
        return "DL"

    def GetMethodType(self) -> int:
        """The type, `Types.kDL`."""
        return EMVA.kDL

    def GetAnalysisType(self) -> int:
        """What is learned: `Types.kClassification`, `kRegression` or `kMulticlass`."""
        return EAnalysisType[f"k{self.loader.samples().training.analysis.capitalize()}"]

    def DoRegression(self) -> bool:
        """Whether it is a regression."""
        return self.GetAnalysisType() == EAnalysisType.kRegression

    def DoMulticlass(self) -> bool:
        """Whether there are more than two classes."""
        return self.GetAnalysisType() == EAnalysisType.kMulticlass

    def GetJobName(self) -> str:
        """The name of the Factory."""
        return self._job

    def GetTestvarName(self) -> str:
        """How TMVA calls the scores, `MVA_<title>`."""
        return f"MVA_{self.title}"

    def GetNVariables(self) -> int:
        """Number of variables; elements of arrays count each."""
        return self.loader.GetDataSetInfo().GetNVariables()

    GetNvar = GetNVariables

    def GetNTargets(self) -> int:
        """Number of targets."""
        return self.loader.GetDataSetInfo().GetNTargets()

    def GetInputVar(self, i: int) -> str:
        """Internal name of variable `i`."""
        return self.loader.GetDataSetInfo().GetVariableInfo(i).GetInternalName()

    def GetInputLabel(self, i: int) -> str:
        """Label of variable `i`."""
        return self.loader.GetDataSetInfo().GetVariableInfo(i).GetLabel()

    def GetInputTitle(self, i: int) -> str:
        """Title of variable `i`."""
        return self.loader.GetDataSetInfo().GetVariableInfo(i).GetTitle()

    def DataInfo(self) -> DataSetInfo:
        """What the data loader declares."""
        return self.loader.GetDataSetInfo()

    def GetTrainTime(self) -> float:
        """Seconds of the training."""
        return self._trained().training_time

    def GetSignificance(self) -> float:
        """How far the mean scores of signal and background lie apart in the test sample, by their spreads."""
        return self._response().significance

    def GetSeparation(self) -> float:
        """0 where signal and background have the same scores in the test sample, 1 where they do not overlap.

        From histograms of 40 bins, which C++ TMVA smoothes by splines first.
        """
        return self._response().separation

    def GetEfficiency(self, theString: Any, type: Any = ETreeType.kTesting, err: Any = None) -> float:
        """Signal efficiency at a background efficiency, `Efficiency:0.10`; with an empty text the ROC integral.

        `err` is without effect: C++ TMVA puts the uncertainty there.
        """
        found = self._response()
        chosen = found.training if type == ETreeType.kTraining else found.test
        text = text_of(theString).partition(":")[2]
        return chosen.signal_at(float(text)) if text else chosen.area

    def GetTrainingEfficiency(self, theString: Any) -> float:
        """`GetEfficiency` from the training sample."""
        return self.GetEfficiency(theString, ETreeType.kTraining)

    def GetROCIntegral(self) -> float:
        """Area under background rejection against signal efficiency, from the histograms of the test sample."""
        return self._response().test.area

    def HasMVAPdfs(self) -> bool:
        """Whether the network knows the distributions of its scores (CreateMVAPdfs)."""
        return bool(self.model.mva_pdfs)

    def GetOptions(self) -> str:
        """All options with their values."""
        return str(self.options)

    def GetWeightFileName(self) -> str:
        """The file that training writes, `<data loader>/weights/<job>_<title>.weights.xml`."""
        names = gConfig().GetIONames()
        file = f"{self._job}_{self.title}.{names.fWeightFileExtension}.xml"
        return str(Path(names.fWeightFileDirPrefix, self.loader.GetName(), names.fWeightFileDir, file))

    @property
    def model(self) -> Model:
        """The trained network."""
        return self.given if self.given is not None else self._trained().model

    @property
    def output(self) -> MethodOutput:
        """Scores of both samples; computed once after each training."""
        samples = self.loader.samples()
        if self._output is None or self._output[0] is not samples:
            model = self.model
            output = MethodOutput(
                self.title,
                model.predict(samples.training.X),
                model.predict(samples.test.X),
                () if self.result is None else self.result.history,
                model.transformations,
            )
            self._output = samples, output
        return self._output[1]

    def check(self) -> None:
        """Raise before any training for a layout that does not fit the data."""
        data = self.loader.samples().training
        variables, outputs = data.X[0].size, 1 if data.y.ndim == 1 else data.y.shape[1]
        build_layers(self.options.layout, self.options.input_shape(variables), variables, outputs)

    def checkpoint(self) -> Checkpoint:
        """Where the state of the training is kept, beside the weight file, every ten minutes."""
        return Checkpoint(f"{self.GetWeightFileName().removesuffix('.xml').removesuffix('.weights')}.checkpoint.npz")

    def train(self, *, save: bool, progress: bool | None, resume: bool = False) -> Result:
        """Train on the data loader's training sample, as `pytmva-rnn train` does.

        Parameters
        ----------
        save : bool
            Write the weight file.
        progress : bool, optional
            Show a live table of the errors on stderr while it trains; if None, where that is a terminal.
        resume : bool
            Keep checkpoints, and go on from the newest one, if there is one.

        Raises
        ------
        TrainingError
            If the validation error did not fall and the weight file was to be written; and as `pytmva_rnn.train`.
        """
        variables, spectators, targets = self.loader.tables()
        self._output = None
        with Held():  # a signal between the last batch and the last byte of the weights would cost the training
            self.result = train(
                self.loader.samples().training,
                self.options,
                title=self.title,
                variables=variables,
                spectators=spectators,
                targets=targets,
                progress=progress,
                checkpoint=self.checkpoint() if resume else None,
                resume=resume,
            )
            if save:
                if not self.result.improved and not self.result.interrupted:
                    raise TrainingError(
                        f"method {self.title}: the validation error never fell below its start, and nothing is written "
                        "of such a training; try a smaller LearningRate or more epochs"
                    )
                write_weights(self.result.model, self.GetWeightFileName())
        return self.result

    def scores(self, *, test: bool) -> NDArray[Any]:
        """Scores of the test sample or of the training sample, (n,) or (n, O)."""
        return self.output.test_scores if test else self.output.train_scores

    def _response(self) -> Response:
        samples = self.loader.samples()
        if samples.test.analysis != "classification":
            raise DataError(f"method {self.title}: this is asked of a classification, not of a {samples.test.analysis}")
        return Response(self.output, samples.training, samples.test)

    def _trained(self) -> Result:
        if self.result is None:
            raise TrainingError(f"method {self.title} is not trained yet: call TrainAllMethods first")
        return self.result

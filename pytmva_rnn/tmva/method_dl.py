"""A booked method: its options, and after training its network and scores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from pytmva_rnn.errors import TrainingError
from pytmva_rnn.model import Model
from pytmva_rnn.options import MethodOptions
from pytmva_rnn.options.layout import build_layers
from pytmva_rnn.tmva.dataloader import DataLoader
from pytmva_rnn.tmva.output import MethodOutput
from pytmva_rnn.tmva.settings import gConfig
from pytmva_rnn.training import Result, train
from pytmva_rnn.weightfile import write_weights
from pytmva_rnn.weightfile.stored_recipe import recipe_info

__all__ = ["MethodDL"]


class MethodDL:
    """A network that a Factory has booked; made by `Factory.BookMethod`.

    Attributes
    ----------
    loader : DataLoader
    title : str
    options : MethodOptions
    result : Result, optional
        Of the training, when it is done.
    """

    def __init__(self, job: str, loader: DataLoader, title: str, options: MethodOptions) -> None:
        self._job = job
        self.loader = loader
        self.title = title
        self.options = options
        self.result: Result | None = None
        self._output: MethodOutput | None = None

    def GetName(self) -> str:
        """The title."""
        return self.title

    def GetMethodName(self) -> str:
        """The title."""
        return self.title

    def GetMethodTypeName(self) -> str:
        """The type, "DL"."""
        return "DL"

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
        return self._trained().model

    @property
    def output(self) -> MethodOutput:
        """Scores of both samples; computed once after each training."""
        if self._output is None:
            samples, result = self.loader.samples(), self._trained()
            self._output = MethodOutput(
                self.title,
                result.model.predict(samples.training.X),
                result.model.predict(samples.test.X),
                result.history,
                result.model.transformations,
            )
        return self._output

    def check(self) -> None:
        """Raise before any training for a layout that does not fit the data."""
        data = self.loader.samples().training
        variables, outputs = data.X[0].size, 1 if data.y.ndim == 1 else data.y.shape[1]
        build_layers(self.options.layout, self.options.input_shape(variables), variables, outputs)

    def train(self, *, save: bool, progress: bool | None) -> Result:
        """Train on the data loader's training sample, as `pytmva-rnn train` does.

        Parameters
        ----------
        save : bool
            Write the weight file.
        progress : bool, optional
            Show a progress bar; if None, when stderr is a terminal.
        """
        samples = self.loader.samples()
        data = samples.training
        variables, spectators, targets = self.loader.tables()
        self._output = None
        self.result = train(
            data.X,
            data.y,
            self.options,
            analysis=data.analysis,
            sample_weight=data.weights,
            title=self.title,
            variables=variables,
            spectators=spectators,
            classes=data.classes,
            targets=targets,
            info=(recipe_info(samples.recipe),),
            progress=progress,
        )
        if save:
            write_weights(self.result.model, self.GetWeightFileName())
        return self.result

    def scores(self, *, test: bool) -> NDArray[Any]:
        """Scores of the test sample or of the training sample, (n,) or (n, O)."""
        return self.output.test_scores if test else self.output.train_scores

    def _trained(self) -> Result:
        if self.result is None:
            raise TrainingError(f"method {self.title} is not trained yet: call TrainAllMethods first")
        return self.result

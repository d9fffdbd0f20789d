"""A configuration of `pytmva-rnn train` as frozen dataclasses."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pytmva_rnn.config.cache_table import CacheConfig
from pytmva_rnn.config.checkpoint_table import CheckpointConfig
from pytmva_rnn.config.input_table import InputConfig
from pytmva_rnn.config.method_table import MethodConfig
from pytmva_rnn.config.output_table import OutputConfig
from pytmva_rnn.config.tune_table import TuneConfig
from pytmva_rnn.config.weights_table import WeightsConfig
from pytmva_rnn.data import Dataset, Division, Recipe, divide, kfold
from pytmva_rnn.data.memory_limit import MemoryLimit
from pytmva_rnn.errors import ConfigError, OptionError
from pytmva_rnn.model import Model
from pytmva_rnn.options import MethodOptions, SplitOptions
from pytmva_rnn.report import ReportOptions
from pytmva_rnn.training import Additions, Checkpoint, Result, train
from pytmva_rnn.training.loop import OnEpoch
from pytmva_rnn.training.ranks import Communicator

__all__ = ["Configuration"]


@dataclass(frozen=True)
class Configuration:
    """A whole configuration file; `load_config` reads one.

    Attributes
    ----------
    path : Path
        The file.
    input : InputConfig
        Where the events come from.
    recipe : Recipe
        How the entries of a tree become the inputs of the network.
    split : SplitOptions
        How the events are divided into training and test sample.
    method : MethodConfig
        The network and its training.
    output : OutputConfig
        What is written.
    weighting : WeightsConfig
        What is done to the weights of the events.
    checkpoint : CheckpointConfig, optional
        When the state of the training is kept; None for never.
    memory : MemoryLimit, optional
        What the training may take of memory; see `pytmva_rnn.load`.
    report_options : ReportOptions
        What the report shows, and how.
    scan : mapping of option -> values
        For `pytmva_rnn.vary`: a training is made for each combination.
    variation : str
        Tells one of several trainings from the others, in the names of what it writes.
    local_steps : int
        As for `pytmva_rnn.train`, where several processes train together.
    additions : Additions
        What the training does beyond TMVA's.
    cache : CacheConfig
        How much of the disk events may take that are kept for later trainings.
    tuning : TuneConfig, optional
        What `pytmva-rnn tune` searches; a training passes it over.
    """

    path: Path
    input: InputConfig
    recipe: Recipe
    split: SplitOptions
    method: MethodConfig
    output: OutputConfig
    weighting: WeightsConfig = field(default_factory=WeightsConfig)
    checkpoint: CheckpointConfig | None = None
    memory: MemoryLimit | None = None
    report_options: ReportOptions = field(default_factory=ReportOptions)
    scan: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    variation: str = ""
    local_steps: int = 1
    additions: Additions = field(default_factory=Additions)
    tuning: TuneConfig | None = None
    cache: CacheConfig = field(default_factory=CacheConfig)

    @property
    def weights(self) -> str:
        """The weight file's name, TMVA's own unless given; each fold has its number in the names of what is written,
        each of several trainings its `variation`."""
        given = self.output.weights
        if given is None:
            given = f"{self.output.dataset}/weights/{self.method.job}_{self.method.title}.weights.xml"
        return self._named(given)

    @property
    def scores(self) -> str | None:
        """The name of the file of scores."""
        return None if self.output.scores is None else self._named(self.output.scores)

    @property
    def plot(self) -> str | None:
        """The name of the picture."""
        return None if self.output.plot is None else self._named(self.output.plot)

    def checkpoints(self, folder: str | os.PathLike[str] = "", *, replace: bool = False) -> Checkpoint:
        """When and where the state of a training is kept: as [checkpoint] says, or every ten minutes.

        Parameters
        ----------
        folder : path
            What the file is in.
        replace : bool
            As of `pytmva_rnn.Checkpoint`.
        """
        given = self.checkpoint or CheckpointConfig()
        if given.file is None:
            name = f"{self.weights.removesuffix(Path(self.weights).suffix).removesuffix('.weights')}.checkpoint.npz"
        else:
            name = self._named(given.file)
        return Checkpoint(Path(folder, name), given.every_epochs, given.every_minutes, replace)

    @property
    def report(self) -> str | None:
        """The name of the report's page."""
        return None if self.output.report is None else self._named(self.output.report)

    @property
    def numbers(self) -> str | None:
        """The name of the file of the report's numbers."""
        return None if self.output.numbers is None else self._named(self.output.numbers)

    @property
    def panels(self) -> str | None:
        """The name of the folder of the report's pictures."""
        return None if self.output.panels is None else self._named(self.output.panels)

    def _named(self, name: str) -> str:
        own = self.variation or ("" if self.split.fold is None else f"fold{self.split.fold}")
        if not own:
            return name
        suffix = ".weights.xml" if name.endswith(".weights.xml") else Path(name).suffix
        return f"{name[: len(name) - len(suffix)]}_{own}{suffix}"

    def load(self) -> Dataset:
        """Read all events; raises as `pytmva_rnn.load`."""
        return self.input.load(self.recipe, self.split, self.weighting, self.memory, self.cache.limit)

    def train(
        self,
        training: Dataset | None = None,
        validation: Dataset | None = None,
        *,
        backend: str | None = None,
        threads: int | None = None,
        progress: bool | None = None,
        initial: Model | None = None,
        checkpoint: Checkpoint | str | os.PathLike[str] | None = None,
        resume: bool | str | os.PathLike[str] = False,
        communicator: Communicator | None = None,
        on_epoch: OnEpoch | None = None,
    ) -> Result:
        """Train as `pytmva-rnn train` does, which writes the result's model under the name `weights`.

        Parameters
        ----------
        training, validation : Dataset, optional
            Of `divide()`; without a training sample, both are read now.
        backend, threads, progress, initial, communicator, on_epoch
            As for `pytmva_rnn.train`.
        checkpoint, resume
            Likewise; without them the state is kept as [checkpoint] says, if it is there, in the current folder, and
            `resume=True` goes on from `checkpoints()`.
        """
        if checkpoint is None and (resume is True or (resume is False and self.checkpoint is not None)):
            checkpoint = self.checkpoints()
        if training is None:
            parts = self.divide()
            training, validation = parts.training, parts.validation
        return train(
            training,
            self.method.options,
            validation=validation,
            title=self.method.title,
            backend=backend,
            threads=threads,
            progress=progress,
            initial=initial,
            checkpoint=checkpoint,
            resume=resume,
            communicator=communicator,
            local_steps=self.local_steps,
            additions=self.additions,
            on_epoch=on_epoch,
        )

    def shared(self, part: int, parts: int) -> Configuration:
        """The configuration of one of several processes that read the events together, each its part."""
        texts = [*self.input.texts(), *self.split.formulas, str(self.recipe.to_dict())]
        whole = not any("Entry$" in text for text in texts)  # which counts the entries of all files
        return replace(self, input=self.input.shared(part, parts, whole_files=whole))

    def divide(self) -> Division:
        """Read all events and divide them into training, test and perhaps validation sample.

        Raises
        ------
        ConfigError
            With folds, where nobody says which of them tests.
        DataError
            As `pytmva_rnn.load` and `pytmva_rnn.data.divide`.
        """
        self.check_fold()
        return divide(self.load(), self.split)

    def check_fold(self) -> None:
        """Refuse folds of which none is chosen to test; see `divide` and `with_fold`."""
        if self.split.folds is not None and self.split.fold is None:
            raise ConfigError(
                f"{self.path}: [split] folds = {self.split.folds}: fold says which of them tests, "
                f"0 to {self.split.folds - 1}"
            )

    def kfold(self) -> Iterator[tuple[Dataset, Dataset]]:
        """Training and test sample of each of the folds that [split] names.

        Raises
        ------
        ConfigError
            If it names none.
        DataError
            As `pytmva_rnn.load` and `pytmva_rnn.data.kfold`.
        """
        if self.split.folds is None:
            raise ConfigError(f"{self.path}: [split] has no folds; write e.g. folds = 5")
        plain = replace(self.split, folds=None, fold=None, fold_by=None)
        return kfold(self.load(), self.split.folds, by=self.split.fold_by, options=plain)

    def with_fold(self, fold: int) -> Configuration:
        """The configuration with another of its folds for the test.

        Raises
        ------
        ConfigError
            If it has no such fold.
        """
        try:
            return replace(self, split=replace(self.split, fold=fold))
        except OptionError as error:
            raise ConfigError(f"{self.path}: [split] {error}") from error

    def with_memory(self, memory: int | str) -> Configuration:
        """The configuration with another limit of memory, such as `"2 GB"`; raises as `pytmva_rnn.load`."""
        return replace(self, memory=MemoryLimit.of(memory))

    def with_report(self, page: str) -> Configuration:
        """The configuration with another name for the report's page."""
        return replace(self, output=replace(self.output, report=page))

    def with_seed(self, seed: int) -> Configuration:
        """The configuration with another RandomSeed."""
        return self.with_options(replace(self.method.options, random_seed=seed))

    def with_options(self, options: MethodOptions) -> Configuration:
        """The configuration with other options of the method."""
        return replace(self, method=replace(self.method, options=options))

    def with_variation(self, name: str) -> Configuration:
        """The configuration of one of several trainings, by whose name its files are called."""
        return replace(self, variation=name)

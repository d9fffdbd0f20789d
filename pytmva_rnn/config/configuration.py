"""A configuration of `pytmva-rnn train` as frozen dataclasses."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pytmva_rnn.config.tune_table import TuneConfig
from pytmva_rnn.data import Column, Dataset, Division, Recipe, Source, divide, kfold, load
from pytmva_rnn.data.memory_limit import MemoryLimit
from pytmva_rnn.data.reweighting import Reweight
from pytmva_rnn.data.sums_of_weights import NegativeWeights
from pytmva_rnn.errors import ConfigError, OptionError
from pytmva_rnn.model import Model
from pytmva_rnn.options import MethodOptions, SplitOptions
from pytmva_rnn.report import ReportOptions
from pytmva_rnn.training import Additions, Checkpoint, Result, train
from pytmva_rnn.training.loop import OnEpoch
from pytmva_rnn.training.ranks import Communicator

__all__ = [
    "MASKING_FORMATS",
    "SCORE_BRANCHES",
    "CheckpointConfig",
    "Configuration",
    "InputConfig",
    "MethodConfig",
    "OutputConfig",
    "WeightsConfig",
]

MASKING_FORMATS = (".onnx", ".safetensors", ".pt")
"""What a network's file ends with that leaves out steps that are not there."""

SCORE_BRANCHES = ("classID", "weight", "entry", "file")
"""What the trees of training and test scores tell of each event beside the scores."""


@dataclass(frozen=True)
class InputConfig:
    """Where the events come from.

    Attributes
    ----------
    sources : tuple of Source, or mapping of class name -> tuple of Source
        Of all classes together, or of each.
    classes : mapping of class name -> expression
        With sources of all classes, for a classification.
    targets : tuple of Column
        For a regression.
    """

    sources: tuple[Source, ...] | Mapping[str, tuple[Source, ...]]
    classes: Mapping[str, str] | None = None
    targets: tuple[Column, ...] = ()

    @property
    def analysis(self) -> str:
        """`classification` (two classes), `multiclass` or `regression`."""
        if self.targets:
            return "regression"
        return "multiclass" if self.outputs > 1 else "classification"

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes as they are given; none for a regression."""
        names = self.classes if self.classes is not None else self.sources
        return tuple(names) if isinstance(names, Mapping) else ()

    @property
    def outputs(self) -> int:
        """Outputs of the network: one for two classes, or one for each class or target."""
        if self.targets:
            return sum(target.width for target in self.targets)
        return len(self.class_names) if len(self.class_names) > 2 else 1

    def described(self) -> list[str]:
        """Class, files and tree of each source, for people to read."""
        return [
            f"{name}{': ' if name else ''}{', '.join(source.files)}"
            + (f", tree {source.tree}" if source.tree else "")
            + (f", for {source.sample}" if source.sample else "")
            for name, sources in self._by_class().items()
            for source in sources
        ]

    def texts(self) -> list[str]:
        """Every expression over the events: selections, weights, classes and targets."""
        of_sources = [text for s in self._by_class().values() for each in s for text in (each.selection, each.weight)]
        own = [*(self.classes or {}).values(), *(target.expression for target in self.targets)]
        return [text for text in (*of_sources, *own) if text is not None]

    def validates(self, split: SplitOptions) -> bool:
        """Whether there will be a validation sample of its own."""
        sources = [source for some in self._by_class().values() for source in some]
        return split.validation is not None or any(source.sample == "validation" for source in sources)

    def _by_class(self) -> Mapping[str, tuple[Source, ...]]:
        return self.sources if isinstance(self.sources, Mapping) else {"": self.sources}

    def shared(self, part: int, parts: int, *, whole_files: bool = True) -> InputConfig:
        """What one of several processes reads: whole files where there are enough, else a part of each."""

        def own(source: Source) -> Source:
            locations = source.locations()
            if not whole_files or source.friends or len(locations) < parts:  # friends go along with all files together
                return replace(source, share=(part, parts))
            files = tuple(file if tree in (None, source.tree) else f"{file}:{tree}" for file, tree in locations)
            return replace(source, files=files[part::parts])

        if not isinstance(self.sources, Mapping):
            return replace(self, sources=tuple(map(own, self.sources)))
        return replace(self, sources={name: tuple(map(own, some)) for name, some in self.sources.items()})

    @property
    def trees(self) -> tuple[str, ...]:
        """The tree that all sources name, if they do: what new files are likely to call theirs."""
        names = {source.tree for sources in self._by_class().values() for source in sources}
        return tuple(name for name in names if name is not None) if len(names) == 1 else ()

    def load(
        self,
        recipe: Recipe,
        split: SplitOptions | None = None,
        weighting: WeightsConfig | None = None,
        memory: MemoryLimit | None = None,
    ) -> Dataset:
        """Read all events, with what the formulas of `split` need, within a limit of memory."""
        given = weighting or WeightsConfig()
        return load(
            recipe,
            self.sources,
            classes=self.classes,
            targets=self.targets or None,
            split=split or SplitOptions(),
            negative_weights=given.negative,
            reweight=given.reweight,
            balance=given.balance,
            memory=memory,
        )


@dataclass(frozen=True)
class WeightsConfig:
    """What is done to the weights of the events; see `pytmva_rnn.load`.

    Attributes
    ----------
    negative : "keep", "absolute" or "ignore"
        What becomes of events of negative weight.
    balance : bool
        Give all classes the same sum of weights.
    reweight : Reweight, optional
        Make the distribution of one or two variables that of a reference class, or flat.
    """

    negative: NegativeWeights = "keep"
    balance: bool = False
    reweight: Reweight | None = None


@dataclass(frozen=True)
class MethodConfig:
    """The network and its training.

    Attributes
    ----------
    title, job : str
        TMVA's names of the method and of the Factory, which make up the weight file's name.
    options : MethodOptions
        TMVA's string, or a table of its keys, of which layers, sizes and training phases may be lists.
    """

    title: str
    job: str
    options: MethodOptions


@dataclass(frozen=True)
class OutputConfig:
    """What is written, relative to the folder of the command's `--output`.

    Attributes
    ----------
    dataset : str
        TMVA's name of the DataLoader: the folder of the default `weights`.
    weights : str, optional
        `<dataset>/weights/<job>_<title>.weights.xml` when None. With `mask_padding` it is needed, and the file is one
        of ONNX (`.onnx`) or PyTorch (`.safetensors`, `.pt`).
    scores : str, optional
        ROOT file for the scores of the training and test events.
    plot : str, optional
        Picture of history, ROC curve and scores.
    report : str, optional
        HTML page of the report, as [report] says.
    numbers : str, optional
        JSON file of its numbers.
    panels : str, optional
        Folder for each of its pictures.
    scalar_elements : bool
        Write the elements of array variables one by one into the weight file; see `pytmva_rnn.write_weights`.
    """

    dataset: str = "dataset"
    weights: str | None = None
    scores: str | None = None
    plot: str | None = None
    report: str | None = None
    numbers: str | None = None
    panels: str | None = None
    scalar_elements: bool = False


@dataclass(frozen=True)
class CheckpointConfig:
    """When and where the state of the training is kept; see `pytmva_rnn.Checkpoint`.

    Attributes
    ----------
    every_epochs : int, optional
        After every so many epochs.
    every_minutes : float, optional
        After so many minutes; every ten with neither.
    file : str, optional
        Relative to the folder of the command's `--output`; beside the weight file, with `.checkpoint.npz` in place of
        `.weights.xml`, when None.
    """

    every_epochs: int | None = None
    every_minutes: float | None = None
    file: str | None = None


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
        return self.input.load(self.recipe, self.split, self.weighting, self.memory)

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

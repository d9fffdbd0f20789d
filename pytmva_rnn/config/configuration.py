"""A configuration of `pytmva-rnn train` as frozen dataclasses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pytmva_rnn.data import Column, Dataset, Recipe, Source, load
from pytmva_rnn.options import MethodOptions, SplitOptions
from pytmva_rnn.training import Result, train

__all__ = ["SCORE_BRANCHES", "Configuration", "InputConfig", "MethodConfig", "OutputConfig"]

SCORE_BRANCHES = ("classID", "weight", "entry")
"""What the trees of training and test scores tell of each event beside the scores."""


@dataclass(frozen=True)
class InputConfig:
    """Where the events come from.

    Attributes
    ----------
    sources : Source, or mapping of class name -> Source
    classes : mapping of class name -> expression
        With one Source, for a classification.
    targets : tuple of Column
        For a regression.
    """

    sources: Source | Mapping[str, Source]
    classes: Mapping[str, str] | None = None
    targets: tuple[Column, ...] = ()

    @property
    def analysis(self) -> str:
        """`classification` (two classes), `multiclass` or `regression`."""
        if self.targets:
            return "regression"
        return "multiclass" if self.outputs > 1 else "classification"

    @property
    def outputs(self) -> int:
        """Outputs of the network: one for two classes, or one for each class or target."""
        if self.targets:
            return sum(target.width for target in self.targets)
        names = self.classes if self.classes is not None else self.sources
        return len(names) if isinstance(names, Mapping) and len(names) > 2 else 1

    def described(self) -> list[str]:
        """Class, files and tree of each source, for people to read."""
        sources = {"": self.sources} if isinstance(self.sources, Source) else self.sources
        return [
            f"{name}{': ' if name else ''}{', '.join(source.files)}" + (f", tree {source.tree}" if source.tree else "")
            for name, source in sources.items()
        ]

    @property
    def trees(self) -> tuple[str, ...]:
        """The tree that all sources name, if they do: what new files are likely to call theirs."""
        sources = [self.sources] if isinstance(self.sources, Source) else self.sources.values()
        names = {source.tree for source in sources}
        return tuple(name for name in names if name is not None) if len(names) == 1 else ()

    def load(self, recipe: Recipe) -> Dataset:
        """Read all events."""
        return load(recipe, self.sources, classes=self.classes, targets=self.targets or None)


@dataclass(frozen=True)
class MethodConfig:
    """The network and its training.

    Attributes
    ----------
    title, job : str
        TMVA's names of the method and of the Factory, which make up the weight file's name.
    options : MethodOptions
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
        `<dataset>/weights/<job>_<title>.weights.xml` when None.
    scores : str, optional
        ROOT file for the scores of the training and test events.
    plot : str, optional
        Picture of history, ROC curve and scores.
    scalar_elements : bool
        Write the elements of array variables one by one into the weight file; see `pytmva_rnn.write_weights`.
    """

    dataset: str = "dataset"
    weights: str | None = None
    scores: str | None = None
    plot: str | None = None
    scalar_elements: bool = False


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
    """

    path: Path
    input: InputConfig
    recipe: Recipe
    split: SplitOptions
    method: MethodConfig
    output: OutputConfig

    @property
    def weights(self) -> str:
        """The weight file's name, TMVA's own unless given."""
        return self.output.weights or (
            f"{self.output.dataset}/weights/{self.method.job}_{self.method.title}.weights.xml"
        )

    def load(self) -> Dataset:
        """Read all events."""
        return self.input.load(self.recipe)

    def train(
        self,
        training: Dataset | None = None,
        *,
        backend: str | None = None,
        threads: int | None = None,
        progress: bool | None = None,
    ) -> Result:
        """Train as `pytmva-rnn train` does, which writes the result's model under the name `weights`.

        Parameters
        ----------
        training : Dataset, optional
            The first part of `load().split(config.split)`; if None, it is read now.
        backend, threads, progress
            As for `pytmva_rnn.train`.
        """
        if training is None:
            training, _ = self.load().split(self.split)
        return train(
            training,
            self.method.options,
            title=self.method.title,
            backend=backend,
            threads=threads,
            progress=progress,
        )

    def with_seed(self, seed: int) -> Configuration:
        """The configuration with another RandomSeed."""
        return replace(self, method=replace(self.method, options=replace(self.method.options, random_seed=seed)))

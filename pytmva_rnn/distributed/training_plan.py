"""What several trainings are to train on, with which options, and where each writes; checked before any begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from pytmva_rnn.config import Configuration
from pytmva_rnn.data import Dataset, Division
from pytmva_rnn.data.sources import files_read
from pytmva_rnn.distributed.training_task import Events
from pytmva_rnn.distributed.variations import Variation
from pytmva_rnn.errors import DataError, OptionError
from pytmva_rnn.options import MethodOptions, SplitOptions, parse_options
from pytmva_rnn.outputs import TRAININGS, WEIGHTS, Output, check_outputs
from pytmva_rnn.training import Checkpoint
from pytmva_rnn.weightfile.ensemble_index import FoldRule

__all__ = ["TrainingPlan", "Writes", "make_plan"]


class Writes(Protocol):
    """Writes what is wanted of each training beside the weight file, on the worker."""

    def outputs(self, variation: Variation) -> Sequence[Output]:
        """What will be written."""

    def write(self, variation: Variation, result: Any, parts: Division) -> object:
        """Write it; see `pytmva_rnn.training.Result` and `pytmva_rnn.data.Division`."""


@dataclass(frozen=True, eq=False)
class TrainingPlan:
    """What is to be trained, and where it goes; `files` are the weight files, `path` the table.

    With `resume` trainings go on from their checkpoints.
    """

    data: Events
    variations: tuple[Variation, ...]
    options: MethodOptions
    split: SplitOptions
    title: str
    files: Mapping[str, Path]
    path: Path | None
    further: Writes | None
    scalar_elements: bool = False
    checkpoints: Mapping[str, Checkpoint] = field(default_factory=dict)
    resume: bool = False

    @property
    def rule(self) -> FoldRule | None:
        folds = self.variations[0].folds
        return None if folds is None else FoldRule(folds, self.split.fold_by)

    def check(self, force: bool) -> None:
        """Make sure that all of it can be written; raises before anything is computed."""
        if self.path is None:
            return
        outputs = [Output(f"weights of {name}", path, WEIGHTS) for name, path in self.files.items()]
        outputs.append(Output("table of trainings", self.path, TRAININGS))
        for name, checkpoint in self.checkpoints.items():
            own = checkpoint.outputs(resumed=self.resume)
            outputs += [replace(each, name=f"{each.name} of {name}") for each in own]
        for variation in self.variations if self.further is not None else ():
            assert self.further is not None
            outputs += self.further.outputs(variation)
        check_outputs(outputs, _inputs(self.data), force=force)


def make_plan(
    data: Events,
    variations: tuple[Variation, ...],
    options: Any,
    split: Any,
    title: str | None,
    folder: Path | None,
    further: Writes | None,
    resume: bool,
    force: bool,
) -> TrainingPlan:
    if not variations:
        raise OptionError("there is nothing to train: no variation is given")
    names = [variation.name.lower() for variation in variations]
    if len(set(names)) < len(names) or "" in names:
        raise OptionError("each variation needs a name of its own, by which its files are called")
    if len({variation.folds for variation in variations}) > 1:
        raise OptionError("the variations have different numbers of folds; train each in turn")
    folds = variations[0].folds
    axes = (
        "_".join(
            [
                *(["scan"] if any(variation.values for variation in variations) else []),
                *(["seeds"] if any(variation.seed is not None for variation in variations) else []),
                *([f"folds{folds}"] if folds is not None else []),
            ]
        )
        or "several"
    )
    if resume and folder is None:
        raise OptionError("resume needs the folder where the checkpoints are")
    if isinstance(data, Configuration):
        if options is not None or split is not None or title is not None:
            raise OptionError("a configuration has options, split and title itself")
        every = {each.name: data.with_variation(each.name) for each in variations}
        place = folder or Path()
        stem = data.with_variation(axes).weights.removesuffix(".xml").removesuffix(".weights")
        kept = folder is not None and (resume or data.checkpoint is not None)
        checkpoints = {
            name: config.checkpoints(place, replace=force and not resume) for name, config in every.items() if kept
        }
        files = {name: place / config.weights for name, config in every.items()}
        return TrainingPlan(
            data,
            variations,
            data.method.options,
            data.split,
            data.method.title,
            {} if folder is None else files,
            None if folder is None else place / f"{stem}.trainings.json",
            further,
            data.output.scalar_elements,
            checkpoints,
            resume,
        )
    if resume:
        raise OptionError("resume is for the trainings of a configuration, which says where their checkpoints are")
    if options is None:
        raise OptionError("events need options: train_many(data, variations, options)")
    if isinstance(data, Division) and (folds is not None or split is not None):
        raise DataError("the events are divided already: give the whole Dataset for folds, or a split")
    given = data.read_for if isinstance(data, Dataset) and split is None else split or SplitOptions()
    name = title or "DL"
    return TrainingPlan(
        data,
        variations,
        parse_options(options),
        given if isinstance(given, SplitOptions) else SplitOptions.parse(given),
        name,
        {} if folder is None else {each.name: folder / f"{name}_{each.name}.weights.xml" for each in variations},
        None if folder is None else folder / f"{name}_{axes}.trainings.json",
        further,
    )


def _inputs(data: Events) -> list[str | Path]:
    """What is read, and must not be written to."""
    if isinstance(data, Configuration):
        return [data.path, *files_read(data.input.sources)]
    samples = [data] if isinstance(data, Dataset) else [data.training, data.test]
    return [place.rpartition(":")[0] for sample in samples for place in sample.files if ":" in place]

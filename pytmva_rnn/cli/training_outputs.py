"""What a training writes beside the weight file: scores of its samples, and a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from pytmva_rnn.cli.report_files import REPORTS, report_outputs, write_report
from pytmva_rnn.cli.sample_branches import sample_columns
from pytmva_rnn.config import Configuration
from pytmva_rnn.data import Division
from pytmva_rnn.data.sources import STEP
from pytmva_rnn.distributed import Variation
from pytmva_rnn.model import Model
from pytmva_rnn.network.events import mask_of
from pytmva_rnn.outputs import PICTURE, SCORES, Output
from pytmva_rnn.report import ScoredSample, make_report, training_picture
from pytmva_rnn.scores import branch_names
from pytmva_rnn.scores.score_file import new_root_file
from pytmva_rnn.scores.score_tree import score_columns
from pytmva_rnn.training import Result
from pytmva_rnn.training.ranks import Ranks

__all__ = ["OutputsOfEach", "of_all", "scored_samples", "write_scores"]


def scored_samples(model: Model, parts: Division, backend: str | None) -> dict[str, ScoredSample]:
    """The test and the training sample with their scores."""
    return {
        name: ScoredSample(
            model.predict(part.X, mask=mask_of(model, part.X), backend=backend or "cpu"),
            part.comparable_weights,
            part.class_index,
            part.target_values,
        )
        for name, part in (("test", parts.test), ("training", parts.training))
    }


def of_all(sample: ScoredSample, ranks: Ranks) -> ScoredSample | None:
    """The events of all processes that train together, in the first; None in the others."""
    parts = ranks.at_first(sample)
    if parts is None or len(parts) == 1:
        return None if parts is None else sample
    names = [field.name for field in fields(ScoredSample)]
    return ScoredSample(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def write_scores(path: Path, model: Model, parts: Division, samples: Mapping[str, ScoredSample]) -> None:
    """A ROOT file with a tree of scores for each sample, TestTree and TrainTree."""
    names = branch_names(model, model.title)
    with new_root_file(path, files=parts.test.files) as file:
        for tree, part, sample in (
            ("TestTree", parts.test, samples["test"]),
            ("TrainTree", parts.training, samples["training"]),
        ):
            for first in range(0, max(1, len(part)), STEP):
                rows = slice(first, first + STEP)
                columns = {**sample_columns(part, rows), **score_columns(names, sample.scores[rows])}
                if not first:
                    file.mktree(tree, {name: values.dtype for name, values in columns.items()})
                file[tree].extend(columns)


@dataclass(frozen=True)
class OutputsOfEach:
    """What each of several trainings writes beside its weights, where the configuration asks for it.

    Attributes
    ----------
    config : Configuration
    folder : Path
        Where its names lead from.
    text : str
        Of the configuration, for the report.
    command : str
        Likewise.
    backend : str, optional
    force : bool
        Replace files that are there and hold something else.
    """

    config: Configuration
    folder: Path
    text: str
    command: str
    backend: str | None = None
    force: bool = False

    def outputs(self, variation: Variation) -> list[Output]:
        """What will be written."""
        own = self._names(variation)
        kinds = {"scores": SCORES, "plot": PICTURE}
        outputs = [Output(name, path, kinds[name]) for name, path in own.items() if name in kinds]
        outputs += report_outputs(self._reports(own), self.config.report_options)
        return [replace(each, name=f"{each.name} of {variation.name}") for each in outputs]

    def write(self, variation: Variation, result: Result, parts: Division) -> None:
        """Write it, on the worker."""
        own = self._names(variation)
        if {"scores", "plot"} & own.keys():
            samples = scored_samples(result.model, parts, self.backend)
            if "scores" in own:
                write_scores(own["scores"], result.model, parts, samples)
            if "plot" in own:
                training_picture(
                    own["plot"],
                    result.history,
                    samples,
                    classes=parts.test.classes,
                    targets=[column.name for column in parts.test.targets],
                    title=self.config.method.title,
                )
        reports = self._reports(own)
        if reports:
            options = self.config.report_options
            report = make_report(
                result.model,
                parts.test,
                parts.training,
                options,
                history=result.history,
                backend=self.backend or "cpu",
                command=self.command,
                configuration=self.text,
                files=[str(self.config.path)],
            )
            paths = {output.name: output.path for output in report_outputs(reports, options)}
            write_report(report, paths, options, force=self.force)

    def _names(self, variation: Variation) -> dict[str, Path]:
        own = self.config.with_variation(variation.name)
        names = ("scores", "plot", *sorted(REPORTS))
        return {name: self.folder / path for name in names if (path := getattr(own, name)) is not None}

    def _reports(self, own: Mapping[str, Path]) -> dict[str, Path]:
        return {name: path for name, path in own.items() if name in REPORTS}

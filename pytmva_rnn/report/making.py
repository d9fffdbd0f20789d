"""Labelled events and a network -> a report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from pytmva_rnn.data import Dataset
from pytmva_rnn.description import HistoryRow
from pytmva_rnn.errors import DataError
from pytmva_rnn.model import Model
from pytmva_rnn.report import computing
from pytmva_rnn.report.collected import ALL, CollectedSample, collect
from pytmva_rnn.report.full_report import Report
from pytmva_rnn.report.performance import performance_of
from pytmva_rnn.report.permutation import Executor, check_executor
from pytmva_rnn.report.phases import phase_summaries
from pytmva_rnn.report.report_numbers import InputSummary
from pytmva_rnn.report.report_options import ReportOptions
from pytmva_rnn.report.reproduction import reproduction
from pytmva_rnn.report.statistics.confusion import confusion
from pytmva_rnn.report.statistics.resolution import residuals
from pytmva_rnn.weightfile.stored_history import stored_history

__all__ = ["make_report"]


def make_report(
    model: Model,
    test: Dataset | Iterable[Dataset],
    training: Dataset | Iterable[Dataset] | None = None,
    options: ReportOptions | None = None,
    *,
    history: Sequence[HistoryRow] | None = None,
    executor: Executor | None = None,
    backend: str = "cpu",
    command: str | None = None,
    configuration: str | None = None,
    files: Iterable[str] = (),
) -> Report:
    """Score labelled events, and say how well a network does on them.

    Memory is needed for the scores, not for the inputs, where samples are given piece by piece.

    Parameters
    ----------
    model : Model
    test : Dataset, or iterable of Datasets
        Events that the network was not trained with, with the classes or targets of the model.
    training : Dataset, or iterable of Datasets, optional
        Those that it was trained with, to compare.
    options : ReportOptions, optional
    history : sequence of HistoryRow, optional
        Of the training; by default what the model has stored.
    executor : optional
        Anything with `submit`, such as one of `concurrent.futures`, on which the importance is computed.
    backend : str
        As for `Model.predict`.
    command, configuration : str, optional
        What made the result, for its readers.
    files : iterable of str
        Further files that it depends on: the configuration, the weight file.

    Raises
    ------
    DataError
        As `pytmva_rnn.evaluate`; for yields that do not fit the classes, and a formula or name that is not known.
    """
    options = options or ReportOptions()
    check_executor(executor)
    regression = model.analysis == "Regression"
    if not regression:
        options.check_classes(model.classes)
    elif options.yields:
        raise DataError("yields are for the significance of a signal, not for a regression")
    random = np.random.default_rng(options.seed)
    most = options.events if options.repeats else 0
    collected = {"test": collect(model, test, options.against, most=most, random=random, backend=backend)}
    if training is not None:
        collected["training"] = collect(model, training, inputs=False, backend=backend)
    sample, scored = collected["test"], {name: each.scored for name, each in collected.items()}
    classes = () if regression else tuple(model.classes)
    targets = tuple(target.label for target in model.targets)
    binary = not regression and len(classes) == 2
    rows = tuple(stored_history(model) if history is None else history)
    importance, notes = _importance(model, sample, classes, options, random, executor, backend)
    for name, each in collected.items():
        if each.failed:
            notes.append(
                f"{each.failed:,} of {len(each):,} {name} events have no score, as an input or the network's answer is "
                "not finite: " + ("they count as -999, which no cut keeps" if binary else "they are left out")
            )
    if (sample.scored.weights < 0).any():
        notes.append(
            "Some test events have negative weights: they count as they are, and uncertainties come from the sums of "
            "squared weights"
        )
    places = [*files, *(place for each in collected.values() for place in each.files)]
    multi = not regression and not binary
    return Report(
        title=model.title,
        analysis=model.analysis,
        classes=classes,
        targets=targets,
        options=options,
        samples=tuple(computing.sample_summary(name, each, classes or (ALL,)) for name, each in collected.items()),
        performance={name: performance_of(each, classes, targets) for name, each in scored.items()},
        history=rows,
        phases=phase_summaries(model, rows),
        scores=()
        if regression
        else computing.score_distributions(scored, classes, options.bins, bounded=model.output_function in ("S", "M")),
        roc=()
        if regression
        else computing.roc_summaries(sample.scored, scored.get("training"), classes, options, random, sample.groups),
        significance=computing.significances(sample.scored, sample.weights, classes, options)
        if binary or options.yields
        else (),
        calibration=() if regression else computing.calibrations(sample.scored, classes, model),
        confusion=confusion(classes, sample.scored.class_index, sample.scored.scores, sample.scored.weights)
        if multi
        else None,
        efficiencies=()
        if regression
        else computing.efficiency_profiles(sample.scored, sample.values, classes, options),
        residuals=tuple(
            residuals(
                target,
                sample.scored.target_values[:, number],
                sample.scored.scores.reshape(len(sample), -1)[:, number],
                sample.scored.weights,
            )
            for number, target in enumerate(targets)
        ),
        errors=computing.error_profiles(sample.scored, sample.values, targets) if regression else (),
        inputs=InputSummary(
            sample.layout.names, sample.layout.steps, sample.layout.pad_value is not None, sample.inputs
        ),
        importance=importance,
        input_shape=model.input_layout,
        network=computing.network_rows(model),
        output_function=model.output_function,
        reproduction=reproduction(
            model, places, command=command, configuration=configuration, checksums=options.checksums
        ),
        notes=tuple(notes),
    )


def _importance(
    model: Model,
    sample: CollectedSample,
    classes: tuple[str, ...],
    options: ReportOptions,
    random: np.random.Generator,
    executor: Executor | None,
    backend: str,
) -> tuple[Any, list[str]]:
    """The importance, or why there is none."""
    if not options.repeats:
        return None, []
    try:
        return computing.importance_of(model, sample, classes, options, random, executor, backend), []
    except DataError as error:  # too few events of a class among those chosen
        return None, [f"The importance of inputs and steps is left out: {error}"]

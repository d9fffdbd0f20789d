"""A report of how well a network does: numbers, page and pictures."""

from __future__ import annotations

import html
import json
import logging
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from pytmva_rnn._version import __version__
from pytmva_rnn.data import Dataset
from pytmva_rnn.description import HistoryRow
from pytmva_rnn.errors import DataError
from pytmva_rnn.files import atomic_path
from pytmva_rnn.model import Model
from pytmva_rnn.outputs import NUMBERS, PAGE, PICTURE, Output, check_outputs
from pytmva_rnn.report import computing
from pytmva_rnn.report.collected import ALL, CollectedSample, collect
from pytmva_rnn.report.page.html_page import html_page
from pytmva_rnn.report.panels.catalogue import panels_of
from pytmva_rnn.report.panels.drawing import Panel, figure_of, save_figure
from pytmva_rnn.report.performance import performance_of
from pytmva_rnn.report.permutation import Executor, check_executor
from pytmva_rnn.report.phases import phase_summaries
from pytmva_rnn.report.report_numbers import InputSummary, ReportNumbers
from pytmva_rnn.report.report_options import ReportOptions
from pytmva_rnn.report.reproduction import reproduction
from pytmva_rnn.report.statistics.confusion import confusion
from pytmva_rnn.report.statistics.plain_data import plain_data
from pytmva_rnn.report.statistics.resolution import residuals
from pytmva_rnn.suggestions import near
from pytmva_rnn.weightfile.stored_history import stored_history

__all__ = ["Report", "make_report"]

log = logging.getLogger("pytmva_rnn")


@dataclass(frozen=True, eq=False, repr=False)
class Report(ReportNumbers):
    """How well a network does; `make_report` makes one, and `ReportNumbers` has its attributes.

    In a notebook it shows itself.
    """

    def __repr__(self) -> str:
        lines = [f"Report({self.title!r}): {self.analysis.lower()} of {', '.join(self.targets or self.classes)}"]
        for name, performance in self.performance.items():
            lines += [f"  {name}: {line}" for line in str(performance).splitlines()]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """The page in a frame of its own, so that neither its style nor that of the notebook changes the other."""
        return (
            f'<iframe sandbox title="{html.escape(self.title)}" srcdoc="{html.escape(self.to_html())}" '
            'style="width:100%;height:40rem;border:1px solid #8888"></iframe>'
        )

    @property
    def panels(self) -> tuple[str, ...]:
        """Names of the pictures, of which `figure` draws one."""
        return tuple(panel.name for panel in panels_of(self))

    def figure(self, name: str) -> Any:
        """One picture as a Matplotlib figure, in the options' style.

        Raises
        ------
        DataError
            For a name that is none of `panels`.
        MissingExtraError
            If Matplotlib is not installed, or mplhep for a style.
        """
        return figure_of(self._panel(name), self.options.style, self.options.label)

    def to_dict(self) -> dict[str, Any]:
        """Every number as plain data; NaN and infinity are None."""
        about = {"made by": "pytmva_rnn", "version": __version__}
        return {**about, **{item.name: plain_data(getattr(self, item.name)) for item in fields(ReportNumbers)}}

    def to_html(self) -> str:
        """The page: one HTML document that needs nothing else.

        Raises
        ------
        MissingExtraError
            If Matplotlib is not installed.
        """
        return html_page(self)

    def save(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write the page, `.html`, or the numbers, `.json`.

        Parameters
        ----------
        path : path-like
        force : bool
            Replace a file that is there and was not written by pytmva_rnn.

        Raises
        ------
        OutputError
            For a name with another ending, and a file that is there and was not written by pytmva_rnn.
        OSError
            If it cannot be written.
        """
        target = Path(path)
        kind = NUMBERS if target.suffix == ".json" else PAGE
        (checked,) = check_outputs([Output("numbers" if kind is NUMBERS else "pages", target, kind)], force=force)
        if kind is NUMBERS:
            text = json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False) + "\n"
        else:
            text = self.to_html()
        with atomic_path(checked) as temporary:
            temporary.write_text(text, encoding="utf-8")

    def save_panels(
        self, folder: str | os.PathLike[str], formats: Sequence[str] = (), *, force: bool = False
    ) -> list[Path]:
        """Write every picture for itself, as the options say.

        Parameters
        ----------
        folder : path-like
        formats : sequence of str, optional
            png, pdf, svg; those of the options by default.
        force : bool
            Replace files that are there and are no pictures.

        Returns
        -------
        list of Path
            What was written.

        Raises
        ------
        OutputError
            For a file that is there and is no picture.
        MissingExtraError
            If Matplotlib is not installed, or mplhep for a style.
        OSError
            If one cannot be written.
        """
        chosen = panels_of(self)
        wanted = [(panel, suffix) for panel in chosen for suffix in formats or self.options.formats]
        outputs = [
            Output(f"pictures {panel.name}", Path(folder, f"{panel.name}.{suffix}"), PICTURE)
            for panel, suffix in wanted
        ]
        paths = check_outputs(outputs, force=force)
        for (panel, _), path in zip(wanted, paths, strict=True):
            save_figure(panel, path, self.options.style, self.options.label)
        return paths

    def _panel(self, name: str) -> Panel:
        chosen = panels_of(self)
        for panel in chosen:
            if panel.name == name:
                return panel
        raise DataError(f"this report has no picture {name!r}; {near(name, [panel.name for panel in chosen])}")


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

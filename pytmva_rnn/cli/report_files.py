"""The files of a report, which two commands write: page, numbers, pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytmva_rnn import extras
from pytmva_rnn.outputs import NUMBERS, PAGE, PICTURE, Output
from pytmva_rnn.report import Report, ReportOptions
from pytmva_rnn.report.panels.drawing import styled

__all__ = ["REPORTS", "check_drawable", "report_outputs", "write_report"]

REPORTS = {"report", "numbers", "panels"}
"""What a report may be written as."""

_FIRST = "network"
"""A picture that every report has, by whose name the folder is checked."""


def report_outputs(paths: Mapping[str, Path], options: ReportOptions) -> list[Output]:
    """What will be written, under the names of `REPORTS`, to be checked before the work."""
    kinds = {"report": PAGE, "numbers": NUMBERS, "panels": PICTURE}
    return [
        Output(name, path / f"{_FIRST}.{options.formats[0]}" if name == "panels" else path, kinds[name])
        for name, path in paths.items()
    ]


def check_drawable(asked: Mapping[str, Any], options: ReportOptions) -> None:
    """Make sure before the work that what draws is there, where something is to be drawn.

    Raises
    ------
    MissingExtraError
        If Matplotlib is not installed, or mplhep for a style.
    DataError
        For an unknown style.
    """
    if asked.get("report") is not None:
        extras.matplotlib()
    if asked.get("panels") is not None:
        with styled(options.style):
            pass


def write_report(report: Report, paths: Mapping[str, Path], options: ReportOptions, *, force: bool = False) -> None:
    """Write what is asked for, and tell where it is.

    Parameters
    ----------
    report : Report
    paths : mapping of name -> path
        As `check_outputs` returned them for `report_outputs`.
    options : ReportOptions
    force : bool
        Replace files that are there and hold something else.
    """
    if "report" in paths:
        report.save(paths["report"], force=force)
        print(f"report: {paths['report']}")
    if "numbers" in paths:
        report.save(paths["numbers"], force=force)
        print(f"numbers: {paths['numbers']}")
    if "panels" in paths:
        written = report.save_panels(paths["panels"].parent, options.formats, force=force)
        print(f"panels: {len(written)} pictures in {paths['panels'].parent}")

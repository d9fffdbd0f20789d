"""A report of how well a network does: its numbers, with the page and the pictures that show them."""

from __future__ import annotations

import html
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from pytmva_rnn._version import __version__
from pytmva_rnn.errors import DataError
from pytmva_rnn.files import atomic_path
from pytmva_rnn.outputs import NUMBERS, PAGE, PICTURE, Output, check_outputs
from pytmva_rnn.report.page.html_page import html_page
from pytmva_rnn.report.panels.catalogue import panels_of
from pytmva_rnn.report.panels.drawing import Panel, figure_of, save_figure
from pytmva_rnn.report.report_numbers import ReportNumbers
from pytmva_rnn.report.statistics.plain_data import plain_data
from pytmva_rnn.suggestions import near

__all__ = ["Report"]


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

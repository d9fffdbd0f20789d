"""What the page says of where its numbers come from."""

from __future__ import annotations

from typing import Any

from pytmva_rnn.html_elements import chunk, details, element, table
from pytmva_rnn.report.reproduction import DataFile, Reproduction

__all__ = ["reproduction_content"]

_MOST_FILES = 100


def reproduction_content(found: Reproduction) -> list[Any]:
    """Command, files, options, versions, origin."""
    content = []
    if found.command is not None:
        content += [element("p", f"In the folder {found.folder}:"), chunk(found.command, "Command")]
    if found.seed is not None:
        content.append(
            element(
                "p",
                f"RandomSeed {found.seed}: the same events give the same weights again."
                if found.seed
                else "RandomSeed 0: every training differs, so that the command gives other weights.",
            )
        )
    if found.configuration is not None:
        content.append(details("Configuration", chunk(found.configuration, "Configuration")))
    columns = ["file", "SHA-256", "UUID", "bytes"]
    files = table("Files", columns, map(_file_row, found.files), texts=3, most=_MOST_FILES)
    options = table("Options of the method", ["option", "value"], found.options.items(), texts=2)
    versions = table("Versions", ["package", "version"], {**found.versions, "system": found.system}.items(), texts=2)
    origin = table("What the weight file says of its origin", ["name", "value"], found.origin.items(), texts=2)
    return [*content, files, details("Options", options), versions, details("Origin", origin)]


def _file_row(file: DataFile) -> list[str]:
    size = "–" if file.size is None else f"{file.size:,}"
    return [file.path, file.sha256 or "–", file.uuid or "–", size]

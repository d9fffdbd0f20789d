"""Whether somebody looks at what is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["is_at_terminal"]


def is_at_terminal(console: Console) -> bool:
    """Whether a console writes to a terminal; FORCE_COLOR makes rich say so of files and pipes too."""
    return console.is_terminal and console.file.isatty()

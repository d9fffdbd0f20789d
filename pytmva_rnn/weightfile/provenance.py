"""Who made a weight file, where and when: what TMVA writes first into GeneralInfo."""

from __future__ import annotations

import getpass
import os
import platform
import time
from pathlib import Path

from pytmva_rnn._version import __version__

__all__ = ["provenance"]


def provenance(analysis: str, trained: tuple[int, float] | None = None) -> tuple[tuple[str, str], ...]:
    """The entries of GeneralInfo for a network that is made here and now, in characters that the file can hold.

    A folder that is not there any more, or a user without a name, is no reason to lose a training at its end.

    Parameters
    ----------
    analysis : "Classification", "Regression" or "Multiclass"
    trained : (events, seconds), optional
        How many events it was trained and validated with, and how long; not given for one that was trained elsewhere.
    """
    try:
        user = getpass.getuser()
    except (ImportError, KeyError, OSError):
        user = "unknown"
    try:
        folder = str(Path.cwd())
    except OSError:
        folder = "unknown"
    system = platform.uname()
    entries = [
        # the releases whose files these are to the letter; C++ TMVA reads the second
        ("TMVA Release", "4.2.1 [262657]"),
        ("ROOT Release", "6.22/06 [398854]"),
        ("Creator", _printable(user)),
        ("Date", time.asctime()),
        ("Host", _printable(f"{system.system} {system.node} {system.release} {system.machine}")),
        ("Dir", _printable(folder)),
    ]
    if trained is not None:
        events, seconds = trained
        entries += [("Training events", str(events)), ("TrainingTime", f"{seconds:.8e}")]
    return (*entries, ("AnalysisType", analysis), ("pytmva_rnn Release", __version__))


def _printable(text: str) -> str:
    """With a backslash for bytes that are not UTF-8, and a question mark for what cannot be printed."""
    known = os.fsencode(text).decode("utf-8", "backslashreplace")
    return "".join(character if character.isprintable() else "?" for character in known)

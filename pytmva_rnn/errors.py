"""The exceptions that users see. Each message names what was wrong, where, and what would be right."""

from __future__ import annotations

import re
from typing import Any

__all__ = [
    "BackendError",
    "CheckpointError",
    "ConfigError",
    "DataError",
    "EstimatorError",
    "MissingExtraError",
    "OptionError",
    "OutputError",
    "TMVAError",
    "TrainingError",
    "UnavailableError",
    "WeightFileError",
    "first_line",
    "shown_text",
]


_LONGEST = 400
"""Characters of a message that people read."""

_LONGEST_LINE = 1500
"""And of a line that names files as well."""


def shown_text(text: str) -> str:
    """As many characters as there are, so that a caret below finds them; a sign for what would command a terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in re.sub(r"\s", " ", text))


def _shortened(text: str, longest: int) -> str:
    """A text that quotes something endless without its middle: what is wrong stands at the ends."""
    return text if len(text) <= longest else f"{text[: longest // 2]} ... {text[-longest // 2 :]}"


def first_line(error: BaseException) -> str:
    """What an error of another package says, in short."""
    text = str(error).strip().partition("\n")[0] or type(error).__name__
    return text if len(text) <= 200 else f"{text[:197]}..."


class TMVAError(Exception):
    """Base class of every error that pytmva_rnn raises on bad input.

    Names, texts and paths that a message quotes may be anybody's: what would command a terminal stands in it as a sign.
    """

    def __init__(self, message: object = "", **others: Any) -> None:
        lines = (_shortened(shown_text(line), _LONGEST_LINE) for line in str(message).split("\n"))
        super().__init__("\n".join(lines), **others)


class OptionError(TMVAError):
    """A TMVA option string that cannot be understood or does not fit the data.

    Parameters
    ----------
    message : str
        What is wrong and what would be right.
    text : str, optional
        The option string, shown below the message.
    position : int, optional
        Index into `text` of the offending character, marked by a caret.
    """

    def __init__(self, message: str, text: str | None = None, position: int | None = None) -> None:
        message = _shortened(message, _LONGEST)
        self.message = message
        self.position = position
        if text is not None:
            start = max(0, (position or 0) - 40)
            shown = shown_text(text[start : start + 100])
            message += f"\n  {'...' if start else ''}{shown}{'...' if start + 100 < len(text) else ''}"
            if position is not None:
                message += "\n  " + " " * (position - start + (3 if start else 0)) + "^"
        super().__init__(message)


class ConfigError(TMVAError):
    """A configuration file of the command line that cannot be used; names the file, the table and the key."""


class WeightFileError(TMVAError):
    """A weight file that is not a readable MethodDL file; names the file, the line and the node.

    Parameters
    ----------
    problem : str
        What is wrong and what would be right; the whole message if the rest is not given.
    path, line, node : optional
        Where: the file, the line in it, and the tag of the node.
    """

    def __init__(self, problem: str, path: str | None = None, line: int | None = None, node: str | None = None) -> None:
        self.problem = problem
        self.line = line
        self.node = node
        message = problem if node is None else f"<{node}> {problem}"
        if path is not None:
            message = f"{path}:{'' if line is None else f'{line}:'} {message}"
        super().__init__(message)


class DataError(TMVAError):
    """Input data (ROOT files, arrays) that cannot be used; names the file, branch or event."""


class OutputError(TMVAError):
    """A file that cannot be written, or that writing would destroy; names it and what it is for."""


class TrainingError(TMVAError):
    """Data and options that cannot be trained together (sample too small, loss not finite, ...)."""


class CheckpointError(TMVAError):
    """A checkpoint that a training cannot go on from: damaged, or of other data or options; names what differs."""


class MissingExtraError(TMVAError, ImportError):
    """An optional package that is not installed; names the pip command that installs it."""


class EstimatorError(TMVAError, ValueError):
    """Parameters or arrays that an estimator cannot be fitted with; a ValueError, as scikit-learn raises it."""


class BackendError(TMVAError):
    """A backend that cannot run on this machine; names what is missing."""


class UnavailableError(TMVAError, AttributeError):
    """A name of TMVA's that pytmva_rnn does not have; says what does the same here."""

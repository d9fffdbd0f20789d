"""What the Factory prints, in the form of TMVA's logger: source, colon, message."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["say", "shown"]

_PACKAGE = logging.getLogger("pytmva_rnn")
_OWN = logging.getLogger("pytmva_rnn.tmva")
_MARGIN = 25


def say(source: str, text: str) -> None:
    """Log a message, which may have several lines, under the name of its source."""
    for line in text.splitlines():
        _OWN.info("%s", f"{source:<{_MARGIN}}: {line}")


class _Console(logging.Handler):
    """Messages as lines of the standard output; those of the training stand below the Factory's."""

    def emit(self, record: logging.LogRecord) -> None:
        source = "" if record.levelno < logging.WARNING else f"<{record.levelname}>"
        for line in self.format(record).splitlines():
            print(line if record.name == _OWN.name else f"{source:<{_MARGIN}}: {line}", file=sys.stdout)


@contextmanager
def shown(silent: bool) -> Iterator[None]:
    """While this lasts, messages of pytmva_rnn are printed, or none but warnings if `silent`."""
    handler = _Console(logging.WARNING if silent else logging.INFO)
    level, propagate = _PACKAGE.level, _PACKAGE.propagate
    _PACKAGE.addHandler(handler)
    _PACKAGE.setLevel(logging.INFO)
    _PACKAGE.propagate = False
    try:
        yield
    finally:
        _PACKAGE.removeHandler(handler)
        _PACKAGE.level, _PACKAGE.propagate = level, propagate

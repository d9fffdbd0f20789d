"""The expression by which a cross validation puts events into folds, `int(fabs([eventID]))%int([NumFolds])`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.description import Variable
from pytmva_rnn.errors import DataError
from pytmva_rnn.formula import Formula, evaluate

__all__ = ["SplitExpression"]

_IN_BRACKETS = re.compile(r"\[\s*([A-Za-z_]\w*)\s*\]")
_FOLDS = ("NumFolds", "numFolds")


class SplitExpression:
    """A formula of spectators, in brackets, whose value is the number of the fold.

    Source of the rules: TMVA's CvSplit.cxx.

    Parameters
    ----------
    text : str
        `[NumFolds]` or `[numFolds]` stands for the number of folds.
    spectators : sequence of Variable
        Each is found by its internal name, its label or its expression.

    Raises
    ------
    DataError
        For a formula that is not understood, a name that is no spectator, or one outside brackets.
    """

    def __init__(self, text: str, spectators: Sequence[Variable]) -> None:
        self.text = text
        plain = _IN_BRACKETS.sub(r"\1", text)
        inside = set(_IN_BRACKETS.findall(text))
        outside = [name for name in Formula.parse(plain).names if name not in inside]
        if outside:
            raise DataError(f"SplitExpr={text}: write spectators in brackets, [{outside[0]}]")
        self._formula = plain
        self._columns: dict[str, int] = {}
        for name in inside - set(_FOLDS):
            found = [i for i, s in enumerate(spectators) if name in (s.internal, s.label, s.expression)]
            if not found:
                there = ", ".join(spectator.label for spectator in spectators)
                raise DataError(
                    f"SplitExpr={text}: there is no spectator {name!r}, call AddSpectator; there are: {there or 'none'}"
                )
            self._columns[name] = found[0]

    def folds(self, spectators: NDArray[Any], folds: int) -> NDArray[np.int64]:
        """The fold of each event, (n,), from its spectators (n, S).

        Raises
        ------
        DataError
            For a value that rounds to none of 0 to `folds` - 1.
        """
        n = len(spectators)
        columns = {name: spectators[:, i] for name, i in self._columns.items()}
        values = evaluate(self._formula, columns | {name: np.full(n, folds) for name in _FOLDS})
        found = np.asarray(values, np.float64)
        # C's lround: halves go away from zero
        rounded = np.where(np.isfinite(found), np.floor(found + 0.5), -1)
        wrong = (found < 0) | (rounded < 0) | (rounded >= folds)
        if wrong.any():
            event = int(np.argmax(wrong))
            raise DataError(
                f"SplitExpr={self.text}: event {event} has the value {found[event]:g}, but it must be one of 0 to "
                f"{folds - 1}, the numbers of the folds; use e.g. int([eventID])%int([NumFolds])"
            )
        return rounded.astype(np.int64)

"""The significance of a signal against the cut on a score, and the best cut."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.errors import DataError
from pytmva_rnn.formula import Columns, Formula
from pytmva_rnn.packages import ak
from pytmva_rnn.report.statistics.cuts import Cuts

__all__ = ["NAMED", "SignificanceCurve", "significance_curve", "significance_formula"]

NAMED: Mapping[str, str] = {
    "s/sqrt(s+b)": "s + b > 0 ? s / sqrt(s + b) : 0",
    "s/sqrt(b)": "b > 0 ? s / sqrt(b) : 0",
    "asimov": "s > 0 && b > 0 ? sqrt(2 * ((s + b) * log(1 + s / b) - s)) : 0",
}
"""Names for formulas over the expected numbers of events that a cut keeps, s and b.

The last is that of Cowan, Cranmer, Gross and Vitells (Eur. Phys. J. C 71 (2011) 1554), equation 97.
"""

_FEWEST = 10.0
"""Events of the background that the best cut keeps at least: of fewer nobody can tell how many there will be."""


@dataclass(frozen=True, eq=False)
class SignificanceCurve:
    """A significance at each cut.

    Attributes
    ----------
    name, formula : str
    thresholds, values, errors : (k,) float64
        The errors come from the number of events that the efficiencies were measured with.
    best_threshold, best_value, best_error : float
        NaN where no cut keeps enough events.
    signal, background : float
        Expected events that the best cut keeps.
    signal_efficiency, background_efficiency : float
        At the best cut.
    yields : (float, float)
        Expected events of signal and background before the cut.
    efficiencies : ((k,), (k,)) float64
        What each cut keeps of signal and background.
    """

    name: str
    formula: str
    thresholds: NDArray[np.float64]
    values: NDArray[np.float64]
    errors: NDArray[np.float64]
    best_threshold: float
    best_value: float
    best_error: float
    signal: float
    background: float
    signal_efficiency: float
    background_efficiency: float
    yields: tuple[float, float]
    efficiencies: tuple[NDArray[np.float64], NDArray[np.float64]]


def significance_formula(text: str) -> Formula:
    """The formula of one of the names, or the user's own over `s` and `b`.

    Raises
    ------
    DataError
        If it cannot be understood, or asks for something else.
    """
    formula = Formula.parse(NAMED.get("".join(text.split()).lower(), text))
    others = sorted(set(formula.names) - {"s", "b"})
    if others:
        raise DataError(
            f"significance {text!r}: {', '.join(others)} is not known; s and b are the expected events of signal and "
            f"background that a cut keeps. Names for formulas are {', '.join(NAMED)}"
        )
    if "s" not in formula.names:
        raise DataError(f"significance {text!r} does not depend on s, the expected events of the signal")
    return formula


def significance_curve(text: str, cuts: Cuts, yields: tuple[float, float]) -> SignificanceCurve:
    """The significance at each cut; raises as `significance_formula`.

    Parameters
    ----------
    text : str
    cuts : Cuts
    yields : (float, float)
        Expected events of signal and background before the cut.
    """
    formula = significance_formula(text)
    s, b = cuts.signal * yields[0], cuts.background * yields[1]
    ds, db = cuts.signal_errors * yields[0], cuts.background_errors * yields[1]
    values = _values(formula, s, b)
    changes = [
        (
            _values(formula, s + step * ds, b + other * db)
            - _values(formula, s - step * ds, np.maximum(b - other * db, 0))
        )
        / 2
        for step, other in ((1, 0), (0, 1))
    ]
    with np.errstate(invalid="ignore"):
        errors = np.sqrt(changes[0] ** 2 + changes[1] ** 2)
    allowed = np.isfinite(values) & (s > 0) & (b > 0) & (cuts.background_events >= _FEWEST)
    best = int(np.argmax(np.where(allowed, values, -np.inf)))

    def at_best(array: NDArray[np.float64]) -> float:
        return float(array[best]) if allowed[best] else float("nan")

    name = "".join(text.split())
    return SignificanceCurve(
        name if name.lower() in NAMED else text,
        formula.text,
        cuts.thresholds,
        values,
        errors,
        at_best(cuts.thresholds),
        at_best(values),
        at_best(errors),
        at_best(s),
        at_best(b),
        at_best(cuts.signal),
        at_best(cuts.background),
        yields,
        (cuts.signal, cuts.background),
    )


def _values(formula: Formula, s: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    columns = Columns({"s": ak.Array(s), "b": ak.Array(b)}, np.arange(len(s)), "the cuts")
    return np.asarray(formula.per_event(columns), np.float64)

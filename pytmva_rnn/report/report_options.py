"""What a report shows, and how: the table [report] of the configuration, the options of the command."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from pytmva_rnn.errors import DataError
from pytmva_rnn.formula import Formula
from pytmva_rnn.outputs import PICTURE
from pytmva_rnn.report.statistics.significance import significance_formula
from pytmva_rnn.suggestions import check_keys

__all__ = ["ReportOptions"]

_FORMATS = tuple(suffix.removeprefix(".") for suffix in PICTURE.suffixes)


@dataclass(frozen=True)
class ReportOptions:
    """What a report shows, and how.

    Attributes
    ----------
    efficiencies : tuple of float
        Signal efficiencies at which the report says what is rejected.
    background : float
        Background efficiency of the cut whose efficiency is shown against variables.
    against : tuple of str, optional
        These variables: formulas over spectators, flat variables, inputs of a sequence (lists, without what pads),
        `length` (the steps that are there) and `entry`. By default all spectators, `length`, and some variables.
    yields : mapping of class name -> float
        Expected events of each class, before the cut, for the significance; by default the weights of the test events.
    significance : tuple of str
        `s/sqrt(s+b)`, `s/sqrt(b)`, `asimov`, or formulas over `s` and `b`, the expected events that a cut keeps.
    bins : int
        Of the distributions of scores.
    replicas : int
        Of the bootstrap.
    repeats : int
        Permutations of each input and step for its importance; 0 leaves the importance out.
    events : int
        How many events, at most, the importance is computed with.
    seed : int
        Of the bootstrap, the permutations and the choice of those events.
    checksums : bool
        Whether the data files are read once more for their SHA-256.
    formats : tuple of str
        Of single panels: png, pdf, svg.
    style : str, optional
        A style of mplhep for single panels, such as CMS, ATLAS, LHCb2, ALICE.
    label : str, optional
        What stands above single panels: the experiment, then what is said of the plot, `CMS Simulation Preliminary`.

    Raises
    ------
    DataError
        For a value that cannot be.
    """

    efficiencies: tuple[float, ...] = (0.3, 0.5, 0.7, 0.8, 0.9)
    background: float = 0.1
    against: tuple[str, ...] | None = None
    yields: Mapping[str, float] = field(default_factory=dict)
    significance: tuple[str, ...] = ("s/sqrt(s+b)", "asimov")
    bins: int = 40
    replicas: int = 200
    repeats: int = 5
    events: int = 10_000
    seed: int = 1
    checksums: bool = True
    formats: tuple[str, ...] = ("png",)
    style: str | None = None
    label: str | None = None

    def __post_init__(self) -> None:
        for key in ("efficiencies", "against", "significance", "formats"):
            given: Any = getattr(self, key)
            if given is not None:
                object.__setattr__(self, key, _listed(key, given))
        for key, least in (("bins", 2), ("replicas", 0), ("repeats", 0), ("events", 10), ("seed", 0)):
            value: Any = getattr(self, key)
            if type(value) is not int or value < least:
                raise DataError(f"{key} is a whole number from {least} on, not {value!r}")
        for value in self.efficiencies:
            if not _is_number(value) or not 0 < value < 1:
                raise DataError(f"efficiencies lie between 0 and 1, not at {value!r}")
        if not _is_number(self.background) or not 0 < self.background < 1:
            raise DataError(f"background is an efficiency between 0 and 1, not {self.background!r}")
        yields: Any = self.yields
        if not isinstance(yields, Mapping):
            raise DataError(f"yields is a table of class names with expected events, not {yields!r}")
        for name, value in yields.items():
            if not _is_number(value) or not value > 0:
                raise DataError(f"yields: {name} = {value!r}; needed are the expected events, a number above 0")
        object.__setattr__(self, "yields", {str(name): float(value) for name, value in yields.items()})
        for text in self.significance:
            significance_formula(_text("significance", text))
        for text in self.against or ():
            Formula.parse(_text("against", text))
        for name in self.formats:
            if name not in _FORMATS:
                raise DataError(f"formats are some of {', '.join(_FORMATS)}, not {name!r}")
        for key in ("style", "label"):
            value = getattr(self, key)
            if value is not None and (not isinstance(value, str) or not value or not value.isprintable()):
                raise DataError(f"{key} is a text, not {value!r}")
        checksums: Any = self.checksums
        if not isinstance(checksums, bool):
            raise DataError(f"checksums is true or false, not {checksums!r}")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ReportOptions:
        """From plain data, e.g. a TOML table: the attributes by name.

        Raises
        ------
        DataError
            For a key that is unknown, or a value that cannot be.
        """
        check_keys(values, [f.name for f in fields(cls)], "a report has no key")
        return cls(**values)

    def check_classes(self, classes: Sequence[str]) -> None:
        """Refuse yields of other classes than these, or of some only.

        Raises
        ------
        DataError
            Naming them.
        """
        check_keys(self.yields, classes, "yields: there is no class")
        missing = [name for name in classes if self.yields and name not in self.yields]
        if missing:
            raise DataError(f"yields: the expected events of {', '.join(missing)} are missing")


def _listed(key: str, given: Any) -> tuple[Any, ...]:
    if isinstance(given, str) or _is_number(given):
        given = (given,)
    if not isinstance(given, list | tuple) or (not given and key != "against"):
        raise DataError(f"{key} is a list, not {given!r}")
    return tuple(given)


def _text(key: str, given: Any) -> str:
    if not isinstance(given, str):
        raise DataError(f"{key} is a list of formulas in quotes, not of {given!r}")
    return given


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)

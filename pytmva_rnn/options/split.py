"""TMVA's options of the split, `nTrain_Signal=1000:SplitMode=Random:!V`, as a frozen dataclass and back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from pytmva_rnn.errors import OptionError
from pytmva_rnn.options.assignments import Vocabulary, read_assignments
from pytmva_rnn.options.grammar import boolean, integer, one_of, positive
from pytmva_rnn.options.keys import Key, normalise, option

__all__ = ["SplitOptions"]

_COUNTS = ("nTrain", "nTest")
_count = positive(integer, most=2**32 - 1)


@dataclass(frozen=True)
class SplitOptions:
    """TMVA's options of the split, under TMVA's names.

    Values given in Python are checked as those of TMVA's string are, and brought into TMVA's spelling.

    >>> SplitOptions(SplitMode="alternate", nTrain={"Signal": 1000})
    SplitOptions(SplitMode='Alternate', MixMode='SameAsSplitMode', SplitSeed=100, NormMode='EqualNumEvents', \
nTrain={'Signal': 1000}, nTest={}, ScaleWithPreselEff=False, V=False, VerboseLevel='Info')

    Attributes
    ----------
    SplitMode : "Random", "Alternate" or "Block"
        How the events of each class are divided.
    MixMode : "SameAsSplitMode", "Random", "Alternate" or "Block"
        How the classes are then mixed.
    SplitSeed : int
        Seed of the random numbers; 0 is different every time.
    NormMode : "EqualNumEvents", "NumEvents" or "None"
        Factor on the training weights of each class: (events of class 0)/(sum of the class's weights), (events of the
        class)/(sum of its weights), or none.
    nTrain, nTest : mapping of class name -> int
        Numbers of events, `nTrain_<Class>` and `nTest_<Class>` in the string. 0 or absent: with both 0, half of the
        events train and half test; otherwise what the other leaves.
    ScaleWithPreselEff : bool
        Multiply these numbers by the fraction of events that passed the selection.
    V, VerboseLevel
        How much TMVA prints; without effect here.

    Raises
    ------
    OptionError
        For a value that TMVA's string could not give.
    """

    SplitMode: str = option("SplitMode", "Random", one_of("Random", "Alternate", "Block"))
    MixMode: str = option("MixMode", "SameAsSplitMode", one_of("SameAsSplitMode", "Random", "Alternate", "Block"))
    SplitSeed: int = option("SplitSeed", 100, _count)
    NormMode: str = option("NormMode", "EqualNumEvents", one_of("EqualNumEvents", "NumEvents", "None"))
    nTrain: Mapping[str, int] = field(default_factory=dict)
    nTest: Mapping[str, int] = field(default_factory=dict)
    ScaleWithPreselEff: bool = option("ScaleWithPreselEff", False, boolean)
    V: bool = option("V", False, boolean)
    VerboseLevel: str = option("VerboseLevel", "Info", one_of("Info", "Debug", "Verbose"))

    def __post_init__(self) -> None:
        normalise(self)
        for kind in _COUNTS:
            given = getattr(self, kind)
            if not isinstance(given, Mapping):
                raise OptionError(f"{kind} is a mapping of names of classes to numbers of events, not {given!r}")
            object.__setattr__(self, kind, {name: _class_count(kind, name, n) for name, n in given.items()})

    @classmethod
    def parse(cls, given: str | Mapping[str, Any]) -> SplitOptions:
        """From TMVA's string, or a mapping of the same names to values.

        Parameters
        ----------
        given : str or mapping
            `nTrain_Signal=1000:SplitMode=Random:NormMode=NumEvents:!V`, or `{"nTrain_Signal": 1000, "V": False}`;
            `{"nTrain": {"Signal": 1000}}` is the same. Names and values are case-insensitive, but for the names of
            classes.

        Raises
        ------
        OptionError
            For an unknown option (naming the near ones) or a wrong value, with its place in the string.
        """
        if isinstance(given, Mapping):
            given = _one_by_one(given)
        values: dict[str, Any] = {kind: {} for kind in _COUNTS}
        for assignment in read_assignments(given, _vocabulary()):
            name, _, class_name = assignment.key.name.partition("_")
            if class_name:
                values[name][class_name] = assignment.value
            else:
                values[name] = assignment.value
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """What differs from the defaults, as plain data; `parse` takes it back."""
        values: dict[str, Any] = {}
        for f in fields(self):
            value = getattr(self, f.name)
            if f.name in _COUNTS:
                values |= {f"{f.name}_{name}": count for name, count in value.items()}
            elif value != f.default:
                values[f.name] = value
        return values

    def __str__(self) -> str:
        """TMVA's string of what differs from the defaults."""
        flag = {True: "", False: "!"}
        return ":".join(
            f"{flag[value]}{name}" if isinstance(value, bool) else f"{name}={value}"
            for name, value in self.to_dict().items()
        )


def _vocabulary() -> Vocabulary:
    plain = Vocabulary.of(SplitOptions, "option of the split")

    def lookup(name: str) -> Key | None:
        per_class = re.fullmatch(r"(?i)n(train|test)_(.+)", name)
        return Key(f"n{per_class[1].capitalize()}_{per_class[2]}", _count) if per_class else plain.lookup(name)

    return Vocabulary(plain.what, (*plain.names, *(f"{kind}_<Class>" for kind in _COUNTS)), lookup)


def _one_by_one(given: Mapping[str, Any]) -> dict[str, Any]:
    """The counts of each class as options of their own."""
    return {
        name: value
        for key, each in given.items()
        for name, value in (
            ((f"{key}_{name}", count) for name, count in each.items())
            if key in _COUNTS and isinstance(each, Mapping)
            else [(key, each)]
        )
    }


def _class_count(kind: str, name: Any, count: Any) -> int:
    if not isinstance(name, str) or not name or name != name.strip() or set(name) & set(":="):
        raise OptionError(f"{kind}: {name!r} cannot be the name of a class in TMVA's options")
    key = Key(f"{kind}_{name}", _count)
    try:
        return int(key.parse(key.text(count)))
    except OptionError as error:
        raise OptionError(f"{key.name}: {error.message}") from None

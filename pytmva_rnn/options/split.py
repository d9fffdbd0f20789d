"""TMVA's options of the split, `nTrain_Signal=1000:SplitMode=Random:!V`, as a frozen dataclass and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from pytmva_rnn.errors import OptionError
from pytmva_rnn.options.assignments import Vocabulary, read_assignments
from pytmva_rnn.options.grammar import boolean, integer, number, one_of, positive
from pytmva_rnn.options.keys import Key, normalise, option

__all__ = ["SplitOptions"]

_count = positive(integer, most=2**32 - 1)


def _fraction(text: str) -> float:
    """A part of the events, 0 where none is given, as TMVA has it."""
    if not 0 <= (value := number(text)) < 1:
        raise OptionError(f"{text} is out of range: a fraction for training lies between 0 and 1")
    return value


_PER_CLASS: Mapping[str, Callable[[str], Any]] = {"nTrain": _count, "nTest": _count, "TrainTestSplit": _fraction}
"""Options that stand once for each class, `nTrain_Signal`, and how they are read."""


@dataclass(frozen=True)
class SplitOptions:
    """TMVA's options of the split, under TMVA's names.

    Values given in Python are checked as those of TMVA's string are, and brought into TMVA's spelling.

    >>> SplitOptions(SplitMode="alternate", nTrain={"Signal": 1000})
    SplitOptions(SplitMode='Alternate', MixMode='SameAsSplitMode', SplitSeed=100, NormMode='EqualNumEvents', \
nTrain={'Signal': 1000}, nTest={}, TrainTestSplit={}, ScaleWithPreselEff=False, V=False, VerboseLevel='Info')

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
    TrainTestSplit : mapping of class name -> float
        Fraction of the events that trains, between 0 and 1, `TrainTestSplit_<Class>` in the string; the others test.
        Where it is above 0 it goes before nTrain and nTest of the class.
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
    TrainTestSplit: Mapping[str, float] = field(default_factory=dict)
    ScaleWithPreselEff: bool = option("ScaleWithPreselEff", False, boolean)
    V: bool = option("V", False, boolean)
    VerboseLevel: str = option("VerboseLevel", "Info", one_of("Info", "Debug", "Verbose"))

    def __post_init__(self) -> None:
        normalise(self)
        for kind in _PER_CLASS:
            given = getattr(self, kind)
            if not isinstance(given, Mapping):
                raise OptionError(f"{kind} is a mapping of names of classes to numbers, not {given!r}")
            object.__setattr__(self, kind, {name: _of_class(kind, name, n) for name, n in given.items()})

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
        values: dict[str, Any] = {kind: {} for kind in _PER_CLASS}
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
            if f.name in _PER_CLASS:
                values |= {f"{f.name}_{name}": own for name, own in value.items()}
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
        kind, _, class_name = name.partition("_")
        for spelled, parse in _PER_CLASS.items():
            if class_name and kind.lower() == spelled.lower():
                return Key(f"{spelled}_{class_name}", parse)
        return plain.lookup(name)

    return Vocabulary(plain.what, (*plain.names, *(f"{kind}_<Class>" for kind in _PER_CLASS)), lookup)


def _one_by_one(given: Mapping[str, Any]) -> dict[str, Any]:
    """What is given for each class as options of their own."""
    return {
        name: value
        for key, each in given.items()
        for name, value in (
            ((f"{key}_{name}", own) for name, own in each.items())
            if key in _PER_CLASS and isinstance(each, Mapping)
            else [(key, each)]
        )
    }


def _of_class(kind: str, name: Any, value: Any) -> Any:
    if not isinstance(name, str) or not name or name != name.strip() or set(name) & set(":="):
        raise OptionError(f"{kind}: {name!r} cannot be the name of a class in TMVA's options")
    key = Key(f"{kind}_{name}", _PER_CLASS[kind])
    try:
        return key.parse(key.text(value))
    except OptionError as error:
        raise OptionError(f"{key.name}: {error.message}") from None

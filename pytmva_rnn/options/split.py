"""TMVA's options of the split, `nTrain_Signal=1000:SplitMode=Random:!V`, as a frozen dataclass and back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from pytmva_rnn.errors import OptionError
from pytmva_rnn.suggestions import near

__all__ = ["SplitOptions"]

_CHOICES = {
    "SplitMode": ("Random", "Alternate", "Block"),
    "MixMode": ("SameAsSplitMode", "Random", "Alternate", "Block"),
    "NormMode": ("EqualNumEvents", "NumEvents", "None"),
    "VerboseLevel": ("Info", "Debug", "Verbose"),
}
_FLAGS = ("V", "ScaleWithPreselEff")


@dataclass(frozen=True)
class SplitOptions:
    """TMVA's options of the split, under TMVA's names.

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
    """

    SplitMode: str = "Random"
    MixMode: str = "SameAsSplitMode"
    SplitSeed: int = 100
    NormMode: str = "EqualNumEvents"
    nTrain: Mapping[str, int] = field(default_factory=dict)
    nTest: Mapping[str, int] = field(default_factory=dict)
    ScaleWithPreselEff: bool = False
    V: bool = False
    VerboseLevel: str = "Info"

    @classmethod
    def parse(cls, text: str) -> SplitOptions:
        """From TMVA's string, e.g. `nTrain_Signal=1000:SplitMode=Random:NormMode=NumEvents:!V`.

        Names and values are case-insensitive, but for the names of classes.

        Raises
        ------
        OptionError
            For an unknown option (naming the near ones) or a wrong value, with its place in the string.
        """
        given: dict[str, Any] = {"nTrain": {}, "nTest": {}}
        for name, value, position in _settings(text):
            per_class = re.fullmatch(r"(?i)(nTrain|nTest)_(.+)", name)
            if per_class:
                kind = "nTrain" if per_class[1].lower() == "ntrain" else "nTest"
                given[kind][per_class[2]] = _count(name, value, text, position)
                continue
            known = next((f.name for f in fields(cls) if f.name.lower() == name.lower()), None)
            if known is None or known in ("nTrain", "nTest"):
                names = [f"{f.name}_<Class>" if f.name.startswith("n") else f.name for f in fields(cls)]
                raise OptionError(f"unknown option {name!r} of the split; {near(name, names)}", text, position)
            given[known] = _value(known, value, text, position)
        return cls(**given)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> SplitOptions:
        """From plain data: the option names with numbers, booleans and texts as values, checked as `parse` does."""
        return cls.parse(":".join(f"{name}={value}" for name, value in values.items()))

    def to_dict(self) -> dict[str, Any]:
        """What differs from the defaults, as plain data; `from_dict` takes it back."""
        values: dict[str, Any] = {}
        for f in fields(self):
            value = getattr(self, f.name)
            if f.name in ("nTrain", "nTest"):
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


def _settings(text: str) -> Iterator[tuple[str, str, int]]:
    """Name, value and position of each option; `!Flag` and `Flag` have the values False and True."""
    position = 0
    for part in text.split(":"):
        name, equals, value = part.partition("=")
        if name.strip():
            negated = name.strip().startswith("!")
            if negated and equals:
                raise OptionError(f"{part.strip()!r}: an option with a value cannot be negated", text, position)
            bare = name.strip().removeprefix("!")
            yield bare, value.strip() if equals else str(not negated), position
        elif equals:
            raise OptionError(f"{part!r}: a value without an option", text, position)
        position += len(part) + 1


def _value(name: str, value: str, text: str, position: int) -> Any:
    if name == "SplitSeed":
        return _count(name, value, text, position)
    if name in _FLAGS:
        if value.lower() not in ("true", "false", "t", "f", "1", "0"):
            raise OptionError(f"{name} is True or False, not {value!r}", text, position)
        return value.lower() in ("true", "t", "1")
    for choice in _CHOICES[name]:
        if choice.lower() == value.lower():
            return choice
    raise OptionError(f"{name} is one of {', '.join(_CHOICES[name])}; not {value!r}", text, position)


def _count(name: str, value: str, text: str, position: int) -> int:
    if not re.fullmatch(r"\d+", value) or int(value) >= 2**32:
        raise OptionError(f"{name} is a whole number from 0 on, not {value!r}", text, position)
    return int(value)

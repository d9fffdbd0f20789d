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

_OURS = ("test", "validation", "folds", "fold", "fold_by")
"""What TMVA has no option for."""


@dataclass(frozen=True)
class SplitOptions:
    """How events are divided: TMVA's options of the split under TMVA's names, and in small letters our own.

    Values given in Python are checked as those of TMVA's string are, and brought into TMVA's spelling.

    >>> str(SplitOptions(SplitMode="alternate", nTrain={"Signal": 1000}))
    'SplitMode=Alternate:nTrain_Signal=1000'

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
    test : str or float, optional
        The test sample: a formula that is true for its events, the others train; or a fraction of the events of each
        class, chosen by SplitMode.
    validation : str or float, optional
        A sample of its own to validate with, in place of the last ValidationSize of the training sample: a formula; or
        a fraction of the training sample, the last events of each class.
    folds : int, optional
        Number of parts of a cross validation.
    fold : int, optional
        Which of them tests, from 0; the others train.
    fold_by : str, optional
        A formula with a whole number for each event, which modulo `folds` is its part; the number of its entry by
        default.

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
    test: str | float | None = None
    validation: str | float | None = None
    folds: int | None = None
    fold: int | None = None
    fold_by: str | None = None

    def __post_init__(self) -> None:
        normalise(self)
        for kind in _PER_CLASS:
            given = getattr(self, kind)
            if not isinstance(given, Mapping):
                raise OptionError(f"{kind} is a mapping of names of classes to numbers, not {given!r}")
            object.__setattr__(self, kind, {name: _of_class(kind, name, n) for name, n in given.items()})
        for key in ("test", "validation"):
            object.__setattr__(self, key, _part(key, getattr(self, key)))
        _check_folds(self.folds, self.fold, self.fold_by)
        chosen = [key for key in ("test", "folds") if getattr(self, key) is not None]
        tmva = [key for key in (*_PER_CLASS, "ScaleWithPreselEff") if getattr(self, key)]
        if len(chosen) + bool(tmva) > 1:
            raise OptionError(
                f"{' and '.join([*chosen, *tmva[:1]])} cannot go together: each says what the test sample is"
            )

    @property
    def formulas_of_samples(self) -> tuple[str | None, str | None]:
        """Of `test` and `validation` those that are formulas."""
        test, validation = (text if isinstance(text, str) else None for text in (self.test, self.validation))
        return test, validation

    @property
    def formulas(self) -> list[str]:
        """All formulas: of the samples and of the folds."""
        return [text for text in (*self.formulas_of_samples, self.fold_by) if text is not None]

    @classmethod
    def parse(cls, given: str | Mapping[str, Any]) -> SplitOptions:
        """From TMVA's string, or a mapping of the same names to values.

        Parameters
        ----------
        given : str or mapping
            `nTrain_Signal=1000:SplitMode=Random:NormMode=NumEvents:!V`, or `{"nTrain_Signal": 1000, "V": False}`;
            `{"nTrain": {"Signal": 1000}}` is the same. Names and values are case-insensitive, but for the names of
            classes. What is not TMVA's, as `{"test": "event % 2 == 1"}`, has no place in the string.

        Raises
        ------
        OptionError
            For an unknown option (naming the near ones) or a wrong value, with its place in the string.
        """
        own: dict[str, Any] = {}
        if isinstance(given, Mapping):
            own = {name: value for name, value in given.items() if name in _OURS}
            given = _one_by_one({name: value for name, value in given.items() if name not in _OURS})
        values: dict[str, Any] = {kind: {} for kind in _PER_CLASS}
        for assignment in read_assignments(given, _vocabulary()):
            name, _, class_name = assignment.key.name.partition("_")
            if class_name:
                values[name][class_name] = assignment.value
            else:
                values[name] = assignment.value
        return cls(**values, **own)

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
        """TMVA's string of what differs from the defaults; what TMVA has no option for is not in it."""
        flag = {True: "", False: "!"}
        return ":".join(
            f"{flag[value]}{name}" if isinstance(value, bool) else f"{name}={value}"
            for name, value in self.to_dict().items()
            if name not in _OURS
        )


def _vocabulary() -> Vocabulary:
    plain = Vocabulary.of(SplitOptions, "option of the split")

    def lookup(name: str) -> Key | None:
        kind, _, class_name = name.partition("_")
        for spelled, parse in _PER_CLASS.items():
            if class_name and kind.lower() == spelled.lower():
                return Key(f"{spelled}_{class_name}", parse)
        return plain.lookup(name)

    names = (*plain.names, *(f"{kind}_<Class>" for kind in _PER_CLASS), *_OURS)
    return Vocabulary(plain.what, names, lookup)


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


def _part(key: str, value: Any) -> str | float | None:
    """A formula or a fraction."""
    if isinstance(value, bool):
        raise OptionError(f"{key} is a formula in quotes or a fraction, not {value}")
    if isinstance(value, str):
        if not value.strip():
            raise OptionError(f'{key} is empty; a formula is needed, e.g. {key} = "event % 2 == 1"')
        return value
    if isinstance(value, int | float):
        if not 0 < value < 1:
            raise OptionError(
                f"{key} = {value} is no fraction between 0 and 1"
                + ("; numbers of events are given by nTest_<Class>" if value >= 1 else "")
            )
        return float(value)
    if value is not None:
        raise OptionError(f"{key} is a formula in quotes or a fraction, not {value!r}")
    return None


def _check_folds(folds: Any, fold: Any, by: Any) -> None:
    if folds is None:
        for key, value in (("fold", fold), ("fold_by", by)):
            if value is not None:
                raise OptionError(f"{key} = {value!r} needs the key folds, their number")
        return
    if type(folds) is not int or folds < 2:
        raise OptionError(f"folds = {folds!r}; a whole number is needed, at least 2")
    if fold is not None and (type(fold) is not int or not 0 <= fold < folds):
        raise OptionError(f"fold = {fold!r}; with {folds} folds it is one of 0 to {folds - 1}")
    if by is not None and (not isinstance(by, str) or not by.strip()):
        raise OptionError(f'fold_by = {by!r}; a formula in quotes is needed, e.g. fold_by = "event"')

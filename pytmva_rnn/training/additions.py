"""What TMVA's trainings have not: learning rates that change, clipped gradients, weights of classes, going back.

None of it changes what the trained network computes, so that its weight file is TMVA's as ever.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar, TypeAlias

from pytmva_rnn import suggestions
from pytmva_rnn.errors import OptionError
from pytmva_rnn.options import TrainingPhase

__all__ = ["NO_ADDITIONS", "Additions", "Cosine", "OnPlateau", "Schedule", "Step"]


def _check_number(name: str, value: Any, least: float, most: float) -> None:
    if type(value) not in (int, float) or not least < value <= most:
        to = "" if most == math.inf else f" to {most:g}"
        raise OptionError(f"{name} is a number above {least:g}{to}, not {value!r}")


def _check_whole(name: str, value: Any, least: int) -> None:
    if type(value) is not int or value < least:
        raise OptionError(f"{name} is a whole number from {least} on, not {value!r}")


@dataclass(frozen=True)
class Cosine:
    """The rate falls along half a cosine, from LearningRate in the first epoch of a phase to a part of it in the last.

    I. Loshchilov and F. Hutter, "SGDR: Stochastic gradient descent with warm restarts" (2017), without restarts.

    Attributes
    ----------
    lowest : float
        Part of LearningRate that is left after MaxEpochs.
    warmup : int
        Epochs in which the rate rises linearly before.
    """

    kind: ClassVar[str] = "cosine"
    lowest: float = 0.01
    warmup: int = 0

    def __post_init__(self) -> None:
        _check_number("lowest", self.lowest, 0, 1)
        _check_whole("warmup", self.warmup, 0)

    def factor(self, epoch: int, epochs: int, plateaus: int) -> float:
        """What LearningRate is multiplied with in an epoch, from 1, of a phase of so many."""
        if epoch <= self.warmup:
            return epoch / (self.warmup + 1)
        done = (epoch - 1 - self.warmup) / max(1, epochs - 1 - self.warmup)
        return self.lowest + (1 - self.lowest) * 0.5 * (1 + math.cos(math.pi * done))


@dataclass(frozen=True)
class Step:
    """The rate is multiplied with a factor after each so many epochs of a phase.

    Attributes
    ----------
    every : int
        Epochs.
    by : float
        The factor.
    """

    kind: ClassVar[str] = "step"
    every: int = 10
    by: float = 0.5

    def __post_init__(self) -> None:
        _check_whole("every", self.every, 1)
        _check_number("by", self.by, 0, 1)

    def factor(self, epoch: int, epochs: int, plateaus: int) -> float:
        """As of `Cosine`."""
        return float(self.by ** ((epoch - 1) // self.every))


@dataclass(frozen=True)
class OnPlateau:
    """The rate is multiplied with a factor each time that the validation error has not fallen for so many epochs.

    Attributes
    ----------
    patience : int
        Epochs.
    by : float
        The factor.
    """

    kind: ClassVar[str] = "plateau"
    patience: int = 10
    by: float = 0.5

    def __post_init__(self) -> None:
        _check_whole("patience", self.patience, 1)
        _check_number("by", self.by, 0, 1)

    def factor(self, epoch: int, epochs: int, plateaus: int) -> float:
        """As of `Cosine`; `plateaus` is how often that was the case so far."""
        return float(self.by**plateaus)


Schedule: TypeAlias = Cosine | Step | OnPlateau

_SCHEDULES: Mapping[str, type[Cosine] | type[Step] | type[OnPlateau]] = {s.kind: s for s in (Cosine, Step, OnPlateau)}


@dataclass(frozen=True)
class Additions:
    """What a training does beyond TMVA's. Values of plain data, as TOML has them, are checked and understood as well.

    Attributes
    ----------
    schedule : Cosine, Step or OnPlateau, optional
        How the learning rate changes within each phase; as plain data `{"kind": "cosine", "lowest": 0.01}`.
    clip_norm : float, optional
        Gradients of a batch whose Euclidean norm, over all weights, is larger are scaled down to it.
    class_weights : mapping of class name -> float
        What the weights of a class's events are multiplied with, in training and validation.
    restore_after : int, optional
        When the validation error has not fallen for so many epochs, the training goes on from the best weights so far,
        with an optimizer that begins anew; and again after as many more.

    Raises
    ------
    OptionError
        For a value that is not understood.
    """

    schedule: Schedule | None = None
    clip_norm: float | None = None
    class_weights: Mapping[str, float] = field(default_factory=dict)
    restore_after: int | None = None

    def __post_init__(self) -> None:
        given: Any = self.schedule
        if isinstance(given, Mapping):
            object.__setattr__(self, "schedule", _schedule(given))
        elif not isinstance(given, Cosine | Step | OnPlateau | None):
            raise OptionError(f"schedule is a table with a kind, {', '.join(_SCHEDULES)}; not {given!r}")
        if self.clip_norm is not None:
            _check_number("clip_norm", self.clip_norm, 0, math.inf)
        if self.restore_after is not None:
            _check_whole("restore_after", self.restore_after, 1)
        if not isinstance(self.class_weights, Mapping):
            raise OptionError(f"class_weights is a table of classes and numbers, not {self.class_weights!r}")
        for name, weight in self.class_weights.items():
            _check_number(f"class_weights of {name}", weight, 0, math.inf)

    def learning_rate(self, phase: TrainingPhase, epoch: int, plateaus: int) -> float:
        """Of an epoch of a phase, from 1, before which the validation error was on a plateau so often."""
        if self.schedule is None:
            return phase.learning_rate
        return phase.learning_rate * self.schedule.factor(epoch, phase.max_epochs, plateaus)

    def is_plateau(self, before: int, now: int) -> bool:
        """Whether a schedule's patience has ended, by the epochs without improvement at the last test and now."""
        return isinstance(self.schedule, OnPlateau) and _passed(before, now, self.schedule.patience)

    def goes_back(self, before: int, now: int) -> bool:
        """Whether the best weights are to be restored, by the same."""
        return self.restore_after is not None and _passed(before, now, self.restore_after)

    @classmethod
    def of(cls, given: Additions | Mapping[str, Any] | None) -> Additions:
        """Additions as they are, of plain data, or none.

        Raises
        ------
        OptionError
            For a name that there is not, and for values.
        """
        if isinstance(given, Additions):
            return given
        values = dict(given or {})
        suggestions.check_keys(values, [f.name for f in fields(cls)], "the additions have no", OptionError)
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """What is not as TMVA has it, as plain data that `of` takes back."""
        values = {name: value for name, value in asdict(self).items() if value not in (None, {})}
        if self.schedule is not None:
            values["schedule"] = {"kind": self.schedule.kind, **asdict(self.schedule)}
        return values


NO_ADDITIONS = Additions()


def _passed(before: int, now: int, every: int) -> bool:
    return now // every > before // every


def _schedule(table: Mapping[str, Any]) -> Schedule:
    values = dict(table)
    kind = values.pop("kind", None)
    if kind not in _SCHEDULES:
        raise OptionError(f"the kind of schedule is one of {', '.join(_SCHEDULES)}; not {kind!r}")
    made = _SCHEDULES[kind]
    suggestions.check_keys(values, [f.name for f in fields(made)], f"a schedule of the kind {kind} has no", OptionError)
    return made(**values)

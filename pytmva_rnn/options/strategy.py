"""TMVA's training strategy, `LearningRate=1e-3,BatchSize=100|...`, as frozen dataclasses and back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pytmva_rnn.errors import OptionError
from pytmva_rnn.options.grammar import (
    check_values,
    decay_rate,
    indent,
    integer,
    number,
    one_of,
    option,
    options_of,
    parse_value,
    parts,
    positive,
    print_number,
    unknown,
    value_start,
)

__all__ = ["DEFAULT_STRATEGY", "TrainingPhase", "parse_strategy", "print_strategy"]

DEFAULT_STRATEGY = (
    "LearningRate=1e-1,Momentum=0.3,Repetitions=3,ConvergenceSteps=50,BatchSize=30,TestRepetitions=7,WeightDecay=0.0,"
    "Renormalize=L2,DropConfig=0.0,DropRepetitions=5"
    "|LearningRate=1e-4,Momentum=0.3,Repetitions=3,ConvergenceSteps=50,MaxEpochs=2000,BatchSize=20,TestRepetitions=7,"
    "WeightDecay=0.001,Renormalize=L2,DropConfig=0.0+0.5+0.5,DropRepetitions=5,Multithreading=True"
)


def _drop_config(text: str) -> tuple[float, ...]:
    values = tuple(number(part.strip()) for part in re.split(r"(?<![eE])\+", text) if part.strip())
    if any(not 0 <= value < 1 for value in values):
        raise OptionError(f"the probabilities to drop must lie in [0, 1): {text!r}")
    return values


_REGULARIZATIONS = ("NONE", "L1", "L2")
_OPTIMIZERS = ("SGD", "ADAM", "ADAGRAD", "RMSPROP", "ADADELTA")
_IGNORED_KEYS = ("REPETITIONS", "DROPREPETITIONS", "MULTITHREADING", "RENORMALIZE")


@dataclass(frozen=True)
class TrainingPhase:
    """One phase of the training strategy; defaults and keys are TMVA's."""

    learning_rate: float = option("LearningRate", 1e-5, positive(number, strict=True), print_number)
    momentum: float = option("Momentum", 0.3, positive(number), print_number)
    convergence_steps: int = option("ConvergenceSteps", 100, positive(integer))
    batch_size: int = option("BatchSize", 30, positive(integer, 1))
    max_epochs: int = option("MaxEpochs", 2000, positive(integer))
    test_repetitions: int = option("TestRepetitions", 7, positive(integer, 1))
    weight_decay: float = option("WeightDecay", 0.0, positive(number), print_number)
    regularization: str = option("Regularization", "NONE", one_of(*_REGULARIZATIONS))
    optimizer: str = option("Optimizer", "ADAM", one_of(*_OPTIMIZERS))
    drop_config: tuple[float, ...] = option("DropConfig", (), _drop_config, lambda v: "+".join(map(print_number, v)))
    adam_beta1: float = option("ADAM_beta1", 0.9, decay_rate, print_number)
    adam_beta2: float = option("ADAM_beta2", 0.999, decay_rate, print_number)
    adam_eps: float = option("ADAM_eps", 1e-7, positive(number), print_number)
    adagrad_eps: float = option("ADAGRAD_eps", 1e-8, positive(number), print_number)
    rmsprop_rho: float = option("RMSPROP_rho", 0.9, decay_rate, print_number)
    rmsprop_eps: float = option("RMSPROP_eps", 1e-7, positive(number), print_number)
    adadelta_rho: float = option("ADADELTA_rho", 0.95, decay_rate, print_number)
    adadelta_eps: float = option("ADADELTA_eps", 1e-8, positive(number), print_number)

    def __post_init__(self) -> None:
        check_values(self)

    def __str__(self) -> str:
        return ",".join(f"{key.name}={key.print(getattr(self, f.name))}" for f, key in options_of(type(self)).values())


def parse_strategy(text: str) -> tuple[TrainingPhase, ...]:
    """Parse a training strategy, `LearningRate=1e-3,BatchSize=100|...`: phases split by `|`, keys by `,`.

    Raises
    ------
    OptionError
        For an unknown key (naming near ones) or a value that is not wholly a number; C++ reads `10Optimizer=ADAM`
        as 10 and drops the rest, here it is refused.
    """
    phases = []
    keys = options_of(TrainingPhase)
    for start, phase in parts(text, "|"):
        values: dict[str, Any] = {}
        if not phase.strip() and text.strip():
            raise OptionError("empty training phase; remove the |", text, start)
        for position, part in parts(phase, ","):
            name, equals, value = (word.strip() for word in part.partition("="))
            where = start + position + indent(part)
            if not part.strip():
                continue
            if name.upper() not in keys and name.upper() not in _IGNORED_KEYS:
                raise OptionError(unknown(name, [key.name for _, key in keys.values()], "training key"), text, where)
            if not equals:
                raise OptionError(f"{name} has no value; write {name}=...", text, where)
            if name.upper() in keys:
                f, key = keys[name.upper()]
                values[f.name] = parse_value(key, value, text, start + position + value_start(part))
        phases.append(TrainingPhase(**values))
    return tuple(phases)


def print_strategy(phases: tuple[TrainingPhase, ...]) -> str:
    """TMVA's text of the phases."""
    return "|".join(map(str, phases))

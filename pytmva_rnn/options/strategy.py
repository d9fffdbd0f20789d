"""TMVA's training strategy, `LearningRate=1e-3,BatchSize=100|...`, as frozen dataclasses and back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytmva_rnn.description import OPTIMIZERS, REGULARIZATIONS
from pytmva_rnn.errors import OptionError
from pytmva_rnn.options.grammar import decay_rate, indent, integer, number, one_of, parts, positive, unknown
from pytmva_rnn.options.keys import Spelled, fields_of, normalise, option, separated, value_text

__all__ = ["DEFAULT_STRATEGY", "IGNORED", "TrainingPhase", "parse_strategy", "strategy_text"]

DEFAULT_STRATEGY = (
    "LearningRate=1e-1,Momentum=0.3,Repetitions=3,ConvergenceSteps=50,BatchSize=30,TestRepetitions=7,WeightDecay=0.0,"
    "Renormalize=L2,DropConfig=0.0,DropRepetitions=5"
    "|LearningRate=1e-4,Momentum=0.3,Repetitions=3,ConvergenceSteps=50,MaxEpochs=2000,BatchSize=20,TestRepetitions=7,"
    "WeightDecay=0.001,Renormalize=L2,DropConfig=0.0+0.5+0.5,DropRepetitions=5,Multithreading=True"
)

IGNORED = ("Repetitions", "DropRepetitions", "Multithreading", "Renormalize")
"""Keys that TMVA takes and does not use."""


def _drop_config(text: str) -> tuple[float, ...]:
    values = tuple(number(part.strip()) for part in re.split(r"(?<![eE])\+", text) if part.strip())
    if any(not 0 <= value < 1 for value in values):
        raise OptionError(f"the probabilities to drop must lie in [0, 1): {text!r}")
    return values


@dataclass(frozen=True)
class TrainingPhase(Spelled):
    """One phase of the training strategy; defaults and keys are TMVA's.

    Values given in Python are checked as those of TMVA's string are, and brought into TMVA's spelling.

    >>> TrainingPhase(optimizer="adam", drop_config=[0, 0.5]).optimizer
    'ADAM'

    Attributes
    ----------
    learning_rate : float
        Step size of the optimizer.
    momentum : float
        Of SGD.
    convergence_steps : int
        The phase ends when the validation error has not fallen for more epochs than these.
    batch_size : int
        Events of a step.
    max_epochs : int
        The phase ends after these at the latest.
    test_repetitions : int
        Epochs from one look at the validation sample to the next.
    weight_decay : float
        Factor of the penalty on the weights that Regularization names.
    regularization : str
        Penalty on the sum of the weights' absolute values (L1) or squares (L2).
    optimizer : str
        How the weights follow the gradient.
    drop_config : tuple of float
        Probability, layer by layer, to drop an element of what goes into it.
    adam_beta1, adam_beta2, adam_eps : float
        Of ADAM: weights of the past in the means of gradient and square, and what is added to the root.
    adagrad_eps : float
        Of ADAGRAD: what is added to the root.
    rmsprop_rho, rmsprop_eps : float
        Of RMSPROP: weight of the past, and what is added to the root.
    adadelta_rho, adadelta_eps : float
        Of ADADELTA: weight of the past, and what is added to the root.

    Raises
    ------
    OptionError
        For a value that TMVA's string could not give.
    """

    learning_rate: float = option("LearningRate", 1e-5, positive(number, strict=True))
    momentum: float = option("Momentum", 0.3, positive(number))
    convergence_steps: int = option("ConvergenceSteps", 100, positive(integer))
    batch_size: int = option("BatchSize", 30, positive(integer, 1))
    max_epochs: int = option("MaxEpochs", 2000, positive(integer))
    test_repetitions: int = option("TestRepetitions", 7, positive(integer, 1))
    weight_decay: float = option("WeightDecay", 0.0, positive(number))
    regularization: str = option("Regularization", "NONE", one_of(*REGULARIZATIONS))
    optimizer: str = option("Optimizer", "ADAM", one_of(*OPTIMIZERS))
    drop_config: tuple[float, ...] = option("DropConfig", (), _drop_config, separated("+"))
    adam_beta1: float = option("ADAM_beta1", 0.9, decay_rate)
    adam_beta2: float = option("ADAM_beta2", 0.999, decay_rate)
    adam_eps: float = option("ADAM_eps", 1e-7, positive(number))
    adagrad_eps: float = option("ADAGRAD_eps", 1e-8, positive(number))
    rmsprop_rho: float = option("RMSPROP_rho", 0.9, decay_rate)
    rmsprop_eps: float = option("RMSPROP_eps", 1e-7, positive(number))
    adadelta_rho: float = option("ADADELTA_rho", 0.95, decay_rate)
    adadelta_eps: float = option("ADADELTA_eps", 1e-8, positive(number))

    def __post_init__(self) -> None:
        normalise(self)

    def __str__(self) -> str:
        return ",".join(f"{key.name}={key.text(getattr(self, f.name))}" for f, key in fields_of(type(self)).values())


_MOST_PHASES = 1000
"""Of a strategy: a text of a megabyte would name so many that reading them takes minutes."""


def parse_strategy(text: str) -> tuple[TrainingPhase, ...]:
    """Parse a training strategy, `LearningRate=1e-3,BatchSize=100|...`: phases split by `|`, keys by `,`.

    Raises
    ------
    OptionError
        For an unknown key (naming near ones) or a value that is not wholly a number; C++ reads `10Optimizer=ADAM`
        as 10 and drops the rest, here it is refused. For more than 1,000 phases.
    """
    if (count := 1 + text.count("|")) > _MOST_PHASES:
        raise OptionError(f"expected at most {_MOST_PHASES:,} training phases, found {count:,}", text)
    phases = []
    for start, phase in parts(text, "|"):
        if not phase.strip() and text.strip():
            raise OptionError("empty training phase; remove the |", text, start)
        values: dict[str, Any] = {}
        for position, part in parts(phase, ","):
            if part.strip():
                values |= _setting(part, text, start + position)
        phases.append(TrainingPhase(**values))
    return tuple(phases)


def _setting(part: str, text: str, position: int) -> dict[str, Any]:
    """Field and value of `name=value`, which stands at a position of the text; nothing for a key without use."""
    keys = fields_of(TrainingPhase)
    name, equals, value = (word.strip() for word in part.partition("="))
    _check_name(name, text, position + indent(part))
    if not equals:
        raise OptionError(f"{name} has no value; write {name}=...", text, position + indent(part))
    if name.upper() not in keys:
        return {}
    f, key = keys[name.upper()]
    try:
        return {f.name: key.parse(value)}
    except OptionError as error:
        after = part.index("=") + 1
        raise OptionError(f"{key.name}: {error.message}", text, position + after + indent(part[after:])) from None


def _check_name(name: str, text: str | None = None, position: int | None = None) -> None:
    names = [key.name for _, key in fields_of(TrainingPhase).values()]
    if name.upper() not in (each.upper() for each in (*names, *IGNORED)):
        raise OptionError(unknown(name, names, "training key"), text, position)


def strategy_text(value: Any) -> str:
    """TMVA's text of a strategy: of that text itself, a phase or a list of phases.

    Parameters
    ----------
    value : str, TrainingPhase, mapping of keys to values, or list or tuple of such
    """
    if isinstance(value, list | tuple):
        if not value:
            raise OptionError("a strategy without any phase")
        return "|".join(map(_phase_text, value))
    return _phase_text(value)


def _phase_text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ",".join(_key_text(name, each) for name, each in value.items())
    if isinstance(value, str | TrainingPhase):
        return value_text(value)
    raise OptionError(f"a phase is TMVA's string, a TrainingPhase or a table of its keys, not {value!r}")


def _key_text(name: Any, value: Any) -> str:
    if not isinstance(name, str):
        raise OptionError(f"the name of a training key is a text, not {name!r}")
    _check_name(name.strip())
    try:
        found = fields_of(TrainingPhase).get(name.strip().upper())
        text = found[1].text(value) if found else value_text(value)
        if set(text) & set(",|:"):
            raise OptionError(f"{text!r} holds a character that ends a value")
    except OptionError as error:
        raise OptionError(f"{name}: {error.message}") from None
    return f"{name}={text}"

"""The options of a method with one of them changed, also one of the training strategy: what a scan goes through."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pytmva_rnn.errors import OptionError
from pytmva_rnn.options.grammar import unknown
from pytmva_rnn.options.keys import fields_of
from pytmva_rnn.options.method import MethodOptions
from pytmva_rnn.options.strategy import TrainingPhase

__all__ = ["read_value", "varied"]

_OF_PHASES = fields_of(TrainingPhase)
_OF_METHOD = fields_of(MethodOptions)


def read_value(name: str, value: Any) -> tuple[str, str]:
    """TMVA's spelling of the name of an option, and TMVA's text of a value for it.

    Parameters
    ----------
    name : str
        Of an option of the method, `Layout`, or of a key of its TrainingStrategy, `LearningRate`, in any case.
    value : value from Python, or TMVA's text
        As `parse_options` takes it.

    Raises
    ------
    OptionError
        For an unknown name (naming near ones), and a value that the option cannot have.
    """
    known = {**_OF_METHOD, **_OF_PHASES}
    if name.strip().upper() not in known:
        raise OptionError(unknown(name, [key.name for _, key in known.values()], "option"))
    _, key = known[name.strip().upper()]
    text = key.text_of(value)
    try:
        key.parse(text)
    except OptionError as error:
        raise OptionError(f"{key.name}: {error.message}") from None
    return key.name, text


def varied(options: MethodOptions, name: str, value: Any) -> MethodOptions:
    """The options with another value of one; a key of the TrainingStrategy is changed in all of its phases.

    Raises
    ------
    OptionError
        As `read_value`.
    """
    name, text = read_value(name, value)
    if name.upper() in _OF_METHOD:
        f, key = _OF_METHOD[name.upper()]
        return replace(options, **{f.name: key.parse(text)}, text={**options.text, name: text})
    f, key = _OF_PHASES[name.upper()]
    phases = tuple(replace(phase, **{f.name: key.parse(text)}) for phase in options.training_strategy)
    return replace(options, training_strategy=phases)

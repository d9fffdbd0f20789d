"""TMVA's option strings, `A=b:C=d:!Flag`, and the training strategy inside them, as frozen dataclasses and back.

Everything here follows `MethodDL`'s options: names are case-insensitive, a value runs to the next colon, `!` negates a
boolean. `parse_options(str(options)) == options` holds for every `MethodOptions`.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pytmva_rnn.errors import OptionError
from pytmva_rnn.layout import INTEGER, NUMBER, LayerSpec, parse_layout
from pytmva_rnn.model import Option, Shape

__all__ = ["MethodOptions", "TrainingPhase", "ValidationSize", "parse_options", "parse_strategy"]

DEFAULT_STRATEGY = (
    "LearningRate=1e-1,Momentum=0.3,Repetitions=3,ConvergenceSteps=50,BatchSize=30,TestRepetitions=7,WeightDecay=0.0,"
    "Renormalize=L2,DropConfig=0.0,DropRepetitions=5"
    "|LearningRate=1e-4,Momentum=0.3,Repetitions=3,ConvergenceSteps=50,MaxEpochs=2000,BatchSize=20,TestRepetitions=7,"
    "WeightDecay=0.001,Renormalize=L2,DropConfig=0.0+0.5+0.5,DropRepetitions=5,Multithreading=True"
)
INITIALIZATIONS = {"GAUSS": "G", "UNIFORM": "U", "IDENTITY": "I", "ZERO": "Z", "XAVIER": "X", "XAVIERUNIFORM": "F"}


def _integer(text: str) -> int:
    if not INTEGER.fullmatch(text):
        raise OptionError(f"{text!r} is not an integer{_missing_separator(text)}")
    return int(text)


def _number(text: str) -> float:
    if not NUMBER.fullmatch(text):
        raise OptionError(f"{text!r} is not a number{_missing_separator(text)}")
    if not math.isfinite(float(text)):
        raise OptionError(f"{text!r} is not a finite number")
    return float(text)


def _print_number(value: float) -> str:
    return repr(float(value))


def _missing_separator(text: str) -> str:
    joined = re.match(r"([+-]?[\d.]+(?:[eE][+-]?\d+)?)([A-Za-z]\w*=.*)", text)
    return f"; is a comma or a colon missing between {joined[1]!r} and {joined[2]!r}?" if joined else ""


def _boolean(text: str) -> bool:
    if text.upper() not in ("TRUE", "FALSE", "T", "F", "1", "0"):
        raise OptionError(f"{text!r} is not True or False")
    return text.upper() in ("TRUE", "T", "1")


def _one_of(*values: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        for value in values:
            if value.upper() == text.upper():
                return value
        raise OptionError(f"{text!r} is not one of {', '.join(values)}")

    return parse


def _words(text: str) -> str:
    if ":" in text:
        raise OptionError(f"{text!r} holds a colon, which ends a value")
    return text.strip()


def _shape(text: str) -> tuple[int, ...]:
    sizes = tuple(_integer(size.strip()) for size in text.split("|"))
    if len(sizes) > 3 or min(sizes) < 0:
        raise OptionError(f"{text!r} is not 1 to 3 sizes such as 10|30")
    return sizes


def _print_shape(sizes: tuple[int, ...]) -> str:
    return "|".join(map(str, sizes))


@dataclass(frozen=True)
class ValidationSize:
    """How much of the training sample validates: `20%`, `0.2` (below 1: a fraction) or `100` events."""

    value: float
    percent: bool = False

    @classmethod
    def parse(cls, text: str) -> ValidationSize:
        size = cls(_number(text.removesuffix("%").rstrip()), text.endswith("%"))
        if size.value < 0 or (size.percent and size.value >= 100):
            raise OptionError(f"a validation size of {text} leaves no event to train on or is below zero")
        return size

    def __str__(self) -> str:
        number = float(self.value)
        return f"{int(number) if number.is_integer() else number!r}{'%' if self.percent else ''}"

    def events(self, total: int) -> int:
        """Number of validation events among `total`, cut to an integer as C++ does."""
        if self.percent:
            return int(total * (self.value / 100))
        return int(total * self.value) if self.value < 1 else int(self.value)


def _drop_config(text: str) -> tuple[float, ...]:
    values = tuple(_number(part.strip()) for part in re.split(r"(?<![eE])\+", text) if part.strip())
    if any(not 0 <= value < 1 for value in values):
        raise OptionError(f"the probabilities to drop must lie in [0, 1): {text!r}")
    return values


def _positive(parse: Callable[[str], Any], least: float = 0, strict: bool = False) -> Callable[[str], Any]:
    def checked(text: str) -> Any:
        value = parse(text)
        if value < least or (strict and value == least):
            raise OptionError(f"{text} is out of range: it must be {'above' if strict else 'at least'} {least:g}")
        return value

    return checked


def _decay_rate(text: str) -> float:
    if not 0 <= (value := _number(text)) < 1:
        raise OptionError(f"{text} is out of range: it must be at least 0 and below 1")
    return value


@dataclass(frozen=True)
class _Key:
    """How one option is spelt, read and printed."""

    name: str
    parse: Callable[[str], Any]
    print: Callable[[Any], str] = str


def _key(name: str, default: Any, parse: Callable[[str], Any], print: Callable[[Any], str] = str) -> Any:
    return field(default=default, metadata={"key": _Key(name, parse, print)})


def _keys(cls: type) -> dict[str, tuple[dataclasses.Field[Any], _Key]]:
    return {f.metadata["key"].name.upper(): (f, f.metadata["key"]) for f in dataclasses.fields(cls) if f.metadata}


def _check_values(options: MethodOptions | TrainingPhase) -> None:
    """Refuse a value, set in Python, that an option string could not give."""
    for f, key in _keys(type(options)).values():
        value = getattr(options, f.name)
        try:
            same = key.parse(key.print(value)) == value
        except OptionError as error:
            raise OptionError(f"{key.name}: {error.message}") from None
        if not same:
            raise OptionError(f"{key.name} cannot be {value!r}")


_REGULARIZATIONS = ("NONE", "L1", "L2")
_OPTIMIZERS = ("SGD", "ADAM", "ADAGRAD", "RMSPROP", "ADADELTA")
_IGNORED_KEYS = ("REPETITIONS", "DROPREPETITIONS", "MULTITHREADING", "RENORMALIZE")


@dataclass(frozen=True)
class TrainingPhase:
    """One phase of the training strategy; defaults and keys are TMVA's."""

    learning_rate: float = _key("LearningRate", 1e-5, _positive(_number, strict=True), _print_number)
    momentum: float = _key("Momentum", 0.3, _positive(_number), _print_number)
    convergence_steps: int = _key("ConvergenceSteps", 100, _positive(_integer))
    batch_size: int = _key("BatchSize", 30, _positive(_integer, 1))
    max_epochs: int = _key("MaxEpochs", 2000, _positive(_integer))
    test_repetitions: int = _key("TestRepetitions", 7, _positive(_integer, 1))
    weight_decay: float = _key("WeightDecay", 0.0, _positive(_number), _print_number)
    regularization: str = _key("Regularization", "NONE", _one_of(*_REGULARIZATIONS))
    optimizer: str = _key("Optimizer", "ADAM", _one_of(*_OPTIMIZERS))
    drop_config: tuple[float, ...] = _key("DropConfig", (), _drop_config, lambda v: "+".join(map(_print_number, v)))
    adam_beta1: float = _key("ADAM_beta1", 0.9, _decay_rate, _print_number)
    adam_beta2: float = _key("ADAM_beta2", 0.999, _decay_rate, _print_number)
    adam_eps: float = _key("ADAM_eps", 1e-7, _positive(_number), _print_number)
    adagrad_eps: float = _key("ADAGRAD_eps", 1e-8, _positive(_number), _print_number)
    rmsprop_rho: float = _key("RMSPROP_rho", 0.9, _decay_rate, _print_number)
    rmsprop_eps: float = _key("RMSPROP_eps", 1e-7, _positive(_number), _print_number)
    adadelta_rho: float = _key("ADADELTA_rho", 0.95, _decay_rate, _print_number)
    adadelta_eps: float = _key("ADADELTA_eps", 1e-8, _positive(_number), _print_number)

    def __post_init__(self) -> None:
        _check_values(self)

    def __str__(self) -> str:
        return ",".join(f"{key.name}={key.print(getattr(self, f.name))}" for f, key in _keys(type(self)).values())


def parse_strategy(text: str) -> tuple[TrainingPhase, ...]:
    """Parse a training strategy, `LearningRate=1e-3,BatchSize=100|...`: phases split by `|`, keys by `,`.

    Raises
    ------
    OptionError
        For an unknown key (naming near ones) or a value that is not wholly a number; C++ reads `10Optimizer=ADAM`
        as 10 and drops the rest, here it is refused.
    """
    phases = []
    keys = _keys(TrainingPhase)
    for start, phase in _parts(text, "|"):
        values: dict[str, Any] = {}
        if not phase.strip() and text.strip():
            raise OptionError("empty training phase; remove the |", text, start)
        for position, part in _parts(phase, ","):
            name, equals, value = (word.strip() for word in part.partition("="))
            where = start + position + _indent(part)
            if not part.strip():
                continue
            if name.upper() not in keys and name.upper() not in _IGNORED_KEYS:
                raise OptionError(_unknown(name, [key.name for _, key in keys.values()], "training key"), text, where)
            if not equals:
                raise OptionError(f"{name} has no value; write {name}=...", text, where)
            if name.upper() in keys:
                f, key = keys[name.upper()]
                values[f.name] = _parse_value(key, value, text, start + position + _value_start(part))
        phases.append(TrainingPhase(**values))
    return tuple(phases)


def _print_strategy(phases: tuple[TrainingPhase, ...]) -> str:
    return "|".join(map(str, phases))


def _parts(text: str, separator: str) -> Iterator[tuple[int, str]]:
    position = 0
    for part in text.split(separator):
        yield position, part
        position += len(part) + len(separator)


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip())


def _value_start(setting: str) -> int:
    """Position of the value in `name = value`."""
    start = setting.index("=") + 1
    return start + _indent(setting[start:])


def _parse_value(key: _Key, value: str, text: str, position: int) -> Any:
    try:
        return key.parse(value)
    except OptionError as error:
        raise OptionError(f"{key.name}: {error.message}", text, position) from None


def _unknown(name: str, known: list[str], what: str) -> str:
    near = [k for k in known if k.upper() in difflib.get_close_matches(name.upper(), [k.upper() for k in known], 3)]
    return f"unknown {what} {name!r}; " + (
        f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(known)}"
    )


def _print_layout(specs: tuple[LayerSpec, ...]) -> str:
    return ",".join(map(str, specs))


def _initialization(text: str) -> str:
    return text.upper() if text.upper() in INITIALIZATIONS else "XAVIERUNIFORM"


_VERBOSITY = ("Default", "Debug", "Verbose", "Info", "Warning", "Error", "Fatal")
_VALIDATION = ValidationSize(20.0, percent=True)


@dataclass(frozen=True)
class MethodOptions:
    """The options of TMVA's MethodDL, in the order of its weight file.

    IgnoreNegWeightsInTraining leaves events of negative weight out of the training and the validation sample.

    Attributes
    ----------
    text : Mapping[str, str]
        The user's own words for the options that he set, which a weight file repeats; not part of equality.
    """

    v: bool = _key("V", False, _boolean)
    verbosity_level: str = _key("VerbosityLevel", "Default", _one_of(*_VERBOSITY))
    var_transform: str = _key("VarTransform", "None", _words)
    h: bool = _key("H", False, _boolean)
    create_mva_pdfs: bool = _key("CreateMVAPdfs", False, _boolean)
    ignore_neg_weights_in_training: bool = _key("IgnoreNegWeightsInTraining", False, _boolean)
    input_layout: tuple[int, ...] = _key("InputLayout", (0, 0, 0), _shape, _print_shape)
    batch_layout: tuple[int, ...] = _key("BatchLayout", (0, 0, 0), _shape, _print_shape)
    layout: tuple[LayerSpec, ...] = _key(
        "Layout", parse_layout("DENSE|(N+100)*2|SOFTSIGN,DENSE|0|LINEAR"), parse_layout, _print_layout
    )
    error_strategy: str = _key(
        "ErrorStrategy", "CROSSENTROPY", _one_of("SUMOFSQUARES", "CROSSENTROPY", "MUTUALEXCLUSIVE")
    )
    weight_initialization: str = _key("WeightInitialization", "XAVIER", _initialization)
    random_seed: int = _key("RandomSeed", 0, _positive(_integer))
    validation_size: ValidationSize = _key("ValidationSize", _VALIDATION, ValidationSize.parse)  # noqa: RUF009
    architecture: str = _key("Architecture", "CPU", _one_of("CPU", "GPU", "STANDARD", "OPENCL"))
    training_strategy: tuple[TrainingPhase, ...] = _key(
        "TrainingStrategy", parse_strategy(DEFAULT_STRATEGY), parse_strategy, _print_strategy
    )
    text: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        _check_values(self)

    def __str__(self) -> str:
        return ":".join(
            f"{'' if getattr(self, f.name) else '!'}{key.name}"
            if f.type == "bool"
            else f"{key.name}={self._text(f, key)}"
            for f, key in _keys(type(self)).values()
        )

    def _text(self, f: dataclasses.Field[Any], key: _Key) -> str:
        value = getattr(self, f.name)
        text = self.text.get(key.name)
        if text is None and value == f.default and key.name == "TrainingStrategy":
            text = DEFAULT_STRATEGY
        # the words are out of date once a copy has been given another value
        return text if text is not None and key.parse(text) == value else key.print(value)

    def to_model_options(self) -> tuple[Option, ...]:
        """The Options node of the weight file: every option with its text, and whether the user set it."""
        return tuple(
            Option(key.name, self._text(f, key), key.name in self.text or getattr(self, f.name) != f.default)
            for f, key in _keys(type(self)).values()
        )

    def input_shape(self, variables: int) -> Shape:
        """(depth, height, width) of one event of `variables` values.

        Raises
        ------
        OptionError
            If InputLayout does not hold that many variables.
        """
        sizes = self.input_layout
        if not any(sizes):
            return (1, 1, variables)
        match sizes:
            case (width,):
                shape = (1, 1, width)
            case (steps, inputs):
                shape = (steps, 1, inputs)
            case _:
                shape = (sizes[0], sizes[1], sizes[2])
        if math.prod(shape) != variables:
            raise OptionError(
                f"InputLayout={_print_shape(sizes)} holds {math.prod(shape)} values, "
                f"but an event has {variables} variables"
            )
        return shape


def parse_options(text: str | Mapping[str, Any] | MethodOptions) -> MethodOptions:
    """Parse the option string of a method.

    Parameters
    ----------
    text : str, Mapping or MethodOptions
        TMVA's string `H:!V:Layout=...`, or the same keys and values one by one.

    Raises
    ------
    OptionError
        For an unknown option (naming near ones) or a wrong value, with its place in the string.
    """
    if isinstance(text, MethodOptions):
        return text
    keys = _keys(MethodOptions)
    values: dict[str, Any] = {}
    words: dict[str, str] = {}
    flags = {name for name, (f, _) in keys.items() if f.type == "bool"}
    for position, at, name, value, whole in _settings(text, flags):
        if name.upper() not in keys:
            raise OptionError(_unknown(name, [key.name for _, key in keys.values()], "option"), whole, position)
        f, key = keys[name.upper()]
        if key.name in words:
            warnings.warn(f"option {key.name} is given twice; the last one counts", stacklevel=2)
        try:
            values[f.name] = key.parse(value)
        except OptionError as error:
            raise OptionError(f"{key.name}: {error.message}", whole, at + (error.position or 0)) from None
        words[key.name] = str(values[f.name]) if f.type == "bool" else value
    return MethodOptions(**values, text=words)


def _settings(text: str | Mapping[str, Any], flags: set[str]) -> Iterator[tuple[int, int, str, str, str]]:
    """Yield (position of the name and of the value, name, value, text to show in an error) for each setting."""
    if isinstance(text, str):
        for start, part in _parts(text, ":"):
            position = start + _indent(part)
            name, equals, value = (word.strip() for word in part.partition("="))
            if not name and not equals:
                continue
            negated = name.startswith("!")
            name = name.removeprefix("!").strip()
            if (negated and equals) or (not equals and name.upper() in flags):
                if equals:
                    raise OptionError(f"!{name} cannot have a value", text, position)
                yield position, position, name, "False" if negated else "True", text
            elif not equals and name.upper() not in {key.upper() for key in _keys(MethodOptions)}:
                yield position, position, name, "", text
            elif not equals:
                raise OptionError(f"option {name} has no value; write {name}=...", text, position)
            else:
                yield position, start + _value_start(part), name, value, text
        return
    for name, value in text.items():
        words = str(value).strip()
        whole = f"{name}={words}"
        if ":" in words:
            raise OptionError(f"the value of {name} holds a colon", whole, whole.index(":"))
        yield 0, len(name) + 1, name, words, whole

"""TMVA's option strings, `A=b:C=d:!Flag`, as frozen dataclasses and back.

Everything here follows `MethodDL`'s options: names are case-insensitive, a value runs to the next colon, `!` negates a
boolean. `parse_options(str(options)) == options` holds for every `MethodOptions`.
"""

from __future__ import annotations

import dataclasses
import math
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pytmva_rnn.description import Option, Regularization, Shape
from pytmva_rnn.errors import OptionError
from pytmva_rnn.options.grammar import (
    Key,
    boolean,
    check_values,
    indent,
    integer,
    number,
    one_of,
    option,
    options_of,
    parts,
    plain,
    positive,
    unknown,
    value_start,
)
from pytmva_rnn.options.layout import LayerSpec, parse_layout
from pytmva_rnn.options.strategy import DEFAULT_STRATEGY, TrainingPhase, parse_strategy, print_strategy

__all__ = ["MethodOptions", "TrainingPhase", "ValidationSize", "parse_options", "parse_strategy"]

REGULARIZATIONS: dict[str, Regularization] = {"NONE": "0", "L1": "1", "L2": "2"}
"""The weight file's letters for the regularizations and, below, for the initialisations."""
INITIALIZATIONS = {"GAUSS": "G", "UNIFORM": "U", "IDENTITY": "I", "ZERO": "Z", "XAVIER": "X", "XAVIERUNIFORM": "F"}


def _shape(text: str) -> tuple[int, ...]:
    sizes = tuple(integer(size.strip()) for size in text.split("|"))
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
        size = cls(number(text.removesuffix("%").rstrip()), text.endswith("%"))
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

    v: bool = option("V", False, boolean)
    verbosity_level: str = option("VerbosityLevel", "Default", one_of(*_VERBOSITY))
    var_transform: str = option("VarTransform", "None", plain)
    h: bool = option("H", False, boolean)
    create_mva_pdfs: bool = option("CreateMVAPdfs", False, boolean)
    ignore_neg_weights_in_training: bool = option("IgnoreNegWeightsInTraining", False, boolean)
    input_layout: tuple[int, ...] = option("InputLayout", (0, 0, 0), _shape, _print_shape)
    batch_layout: tuple[int, ...] = option("BatchLayout", (0, 0, 0), _shape, _print_shape)
    layout: tuple[LayerSpec, ...] = option(
        "Layout", parse_layout("DENSE|(N+100)*2|SOFTSIGN,DENSE|0|LINEAR"), parse_layout, _print_layout
    )
    error_strategy: str = option(
        "ErrorStrategy", "CROSSENTROPY", one_of("SUMOFSQUARES", "CROSSENTROPY", "MUTUALEXCLUSIVE")
    )
    weight_initialization: str = option("WeightInitialization", "XAVIER", _initialization)
    random_seed: int = option("RandomSeed", 0, positive(integer))
    validation_size: ValidationSize = option("ValidationSize", _VALIDATION, ValidationSize.parse)  # noqa: RUF009
    architecture: str = option("Architecture", "CPU", one_of("CPU", "GPU", "STANDARD", "OPENCL"))
    training_strategy: tuple[TrainingPhase, ...] = option(
        "TrainingStrategy", parse_strategy(DEFAULT_STRATEGY), parse_strategy, print_strategy
    )
    text: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        check_values(self)

    def __str__(self) -> str:
        return ":".join(
            f"{'' if getattr(self, f.name) else '!'}{key.name}"
            if f.type == "bool"
            else f"{key.name}={self._text(f, key)}"
            for f, key in options_of(type(self)).values()
        )

    def _text(self, f: dataclasses.Field[Any], key: Key) -> str:
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
            for f, key in options_of(type(self)).values()
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
    keys = options_of(MethodOptions)
    values: dict[str, Any] = {}
    words: dict[str, str] = {}
    flags = {name for name, (f, _) in keys.items() if f.type == "bool"}
    for position, at, name, value, whole in _settings(text, flags):
        if name.upper() not in keys:
            raise OptionError(unknown(name, [key.name for _, key in keys.values()], "option"), whole, position)
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
        for start, part in parts(text, ":"):
            position = start + indent(part)
            name, equals, value = (word.strip() for word in part.partition("="))
            if not name and not equals:
                continue
            negated = name.startswith("!")
            name = name.removeprefix("!").strip()
            if (negated and equals) or (not equals and name.upper() in flags):
                if equals:
                    raise OptionError(f"!{name} cannot have a value", text, position)
                yield position, position, name, "False" if negated else "True", text
            elif not equals and name.upper() not in {key.upper() for key in options_of(MethodOptions)}:
                yield position, position, name, "", text
            elif not equals:
                raise OptionError(f"option {name} has no value; write {name}=...", text, position)
            else:
                yield position, start + value_start(part), name, value, text
        return
    for name, value in text.items():
        words = str(value).strip()
        whole = f"{name}={words}"
        if ":" in words:
            raise OptionError(f"the value of {name} holds a colon", whole, whole.index(":"))
        yield 0, len(name) + 1, name, words, whole

"""TMVA's option strings, `A=b:C=d:!Flag`, as frozen dataclasses and back.

Everything here follows `MethodDL`'s options: names are case-insensitive, a value runs to the next colon, `!` negates a
boolean. `parse_options(str(options)) == options` holds for every `MethodOptions`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pytmva_rnn.description import INITIALIZATIONS, LOSSES, Option, Shape
from pytmva_rnn.errors import OptionError
from pytmva_rnn.options.assignments import Vocabulary, read_assignments
from pytmva_rnn.options.grammar import boolean, integer, number, one_of, plain, positive
from pytmva_rnn.options.keys import Key, Spelled, fields_of, normalise, option, separated
from pytmva_rnn.options.layer_specs import LayerSpec
from pytmva_rnn.options.layout import parse_layout
from pytmva_rnn.options.strategy import DEFAULT_STRATEGY, TrainingPhase, parse_strategy, strategy_text

__all__ = ["MethodOptions", "ValidationSize", "option_text", "parse_options"]


def _shape(text: str) -> tuple[int, ...]:
    sizes = tuple(integer(size.strip()) for size in text.split("|"))
    if len(sizes) > 3 or min(sizes) < 0:
        raise OptionError(f"{text!r} is not 1 to 3 sizes such as 10|30")
    return sizes


@dataclass(frozen=True)
class ValidationSize(Spelled):
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


def _initialization(text: str) -> str:
    return text.upper() if text.upper() in INITIALIZATIONS else "XAVIERUNIFORM"


_VERBOSITY = ("Default", "Debug", "Verbose", "Info", "Warning", "Error", "Fatal")
_VALIDATION = ValidationSize(20.0, percent=True)


@dataclass(frozen=True)
class MethodOptions:
    """The options of TMVA's MethodDL, in the order of its weight file.

    Values given in Python are checked as those of TMVA's string are, and brought into its form: `layout` may be a list
    of layers, `training_strategy` a table or a list of tables, `validation_size` a number.

    >>> MethodOptions(layout="LSTM|8|6|6,LINEAR", training_strategy={"BatchSize": 50}).training_strategy[0].batch_size
    50

    Attributes
    ----------
    v, verbosity_level : bool, str
        How much TMVA prints; without effect here.
    h : bool
        Whether TMVA prints its help; without effect here.
    var_transform : str
        Transformations of the variables before the network, N, D, P, U, G and I, one after the other: `N,P`.
    create_mva_pdfs : bool
        Keep the distributions of the scores, for the signal probability and the rarity of an event.
    ignore_neg_weights_in_training : bool
        Leave events of negative weight out of the training and the validation sample.
    input_layout : tuple of int
        Time steps and inputs of a step, `10|30`, or depth, height and width; all variables are one row without it.
    batch_layout : tuple of int
        TMVA's shape of a batch, which the weight file repeats.
    layout : tuple of LayerSpec
        Layers, first to last: `LSTM|state|inputs|steps`, `GRU|...`, `RNN|...`, `DENSE|width|activation`,
        `RESHAPE|FLAT`, `BNORM`, `LINEAR`.
    error_strategy : str
        What is minimised, and with it the function of the output.
    weight_initialization : str
        How the weights are drawn before the training.
    random_seed : int
        Of the initial weights, the order of the events and dropout; 0 is another in every training.
    validation_size : ValidationSize
        How much of the training sample validates, its last events: `20%`, `0.2`, or a number of events.
    architecture : str
        CPU or GPU.
    training_strategy : tuple of TrainingPhase
        The phases of the training, one after the other.
    text : Mapping[str, str]
        The user's own words for the options that he set, which a weight file repeats; not part of equality.

    Raises
    ------
    OptionError
        For a value that TMVA's string could not give.
    """

    v: bool = option("V", False, boolean)
    verbosity_level: str = option("VerbosityLevel", "Default", one_of(*_VERBOSITY))
    var_transform: str = option("VarTransform", "None", plain, separated(","))
    h: bool = option("H", False, boolean)
    create_mva_pdfs: bool = option("CreateMVAPdfs", False, boolean)
    ignore_neg_weights_in_training: bool = option("IgnoreNegWeightsInTraining", False, boolean)
    input_layout: tuple[int, ...] = option("InputLayout", (0, 0, 0), _shape, separated("|"))
    batch_layout: tuple[int, ...] = option("BatchLayout", (0, 0, 0), _shape, separated("|"))
    layout: tuple[LayerSpec, ...] = option(
        "Layout", parse_layout("DENSE|(N+100)*2|SOFTSIGN,DENSE|0|LINEAR"), parse_layout, separated(",")
    )
    error_strategy: str = option("ErrorStrategy", "CROSSENTROPY", one_of(*LOSSES))
    weight_initialization: str = option("WeightInitialization", "XAVIER", _initialization)
    random_seed: int = option("RandomSeed", 0, positive(integer))
    validation_size: ValidationSize = option("ValidationSize", _VALIDATION, ValidationSize.parse)  # noqa: RUF009
    architecture: str = option("Architecture", "CPU", one_of("CPU", "GPU", "STANDARD", "OPENCL"))
    training_strategy: tuple[TrainingPhase, ...] = option(
        "TrainingStrategy", parse_strategy(DEFAULT_STRATEGY), parse_strategy, strategy_text
    )
    text: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        if words := normalise(self):
            object.__setattr__(self, "text", {**self.text, **words})

    def __str__(self) -> str:
        return ":".join(
            f"{'' if getattr(self, f.name) else '!'}{key.name}" if key.is_flag else f"{key.name}={self._text(f, key)}"
            for f, key in fields_of(type(self)).values()
        )

    def _text(self, f: dataclasses.Field[Any], key: Key) -> str:
        value = getattr(self, f.name)
        text = self.text.get(key.name)
        if text is None and value == f.default and key.name == "TrainingStrategy":
            text = DEFAULT_STRATEGY
        # the words are out of date once a copy has been given another value
        return text if text is not None and key.parse(text) == value else key.text(value)

    def to_model_options(self) -> tuple[Option, ...]:
        """The Options node of the weight file: every option with its text, and whether the user set it."""
        return tuple(
            Option(key.name, self._text(f, key), key.name in self.text or getattr(self, f.name) != f.default)
            for f, key in fields_of(type(self)).values()
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
                f"InputLayout={'|'.join(map(str, sizes))} holds {math.prod(shape)} values, "
                f"but an event has {variables} variables"
            )
        return shape


_VOCABULARY = Vocabulary.of(MethodOptions, "option")


def option_text(name: str, value: Any) -> str:
    """TMVA's text of a value from Python for one option of a method, as `parse_options` makes it.

    Raises
    ------
    OptionError
        For an unknown option, or a value that is not understood.
    """
    return _VOCABULARY.key(name).text_of(value)


def parse_options(given: str | Mapping[str, Any] | MethodOptions) -> MethodOptions:
    """The options of a method, from TMVA's string or from values.

    Parameters
    ----------
    given : str, mapping or MethodOptions
        TMVA's string `H:!V:Layout=...`, or the same names and values one by one. There a value is TMVA's text or what
        says the same in Python: a boolean, a number (NumPy's too), a list of sizes, layers or probabilities, a table
        or a list of tables for TrainingStrategy.

    Raises
    ------
    OptionError
        For an unknown option (naming near ones) or a wrong value, with its place in the string.

    Examples
    --------
    >>> options = parse_options(
    ...     {
    ...         "Layout": ["LSTM|32|6|6", "DENSE|64|TANH", "LINEAR"],
    ...         "InputLayout": (6, 6),
    ...         "ValidationSize": 0.2,
    ...         "TrainingStrategy": [{"LearningRate": 1e-3, "DropConfig": [0, 0.5]}, {"Optimizer": "sgd"}],
    ...     }
    ... )
    >>> options == parse_options(str(options))
    True
    """
    if isinstance(given, MethodOptions):
        return given
    fields = {key.name: f.name for f, key in fields_of(MethodOptions).values()}
    values: dict[str, Any] = {}
    words: dict[str, str] = {}
    for assignment in read_assignments(given, _VOCABULARY):
        name = assignment.key.name
        values[fields[name]] = assignment.value
        words[name] = str(assignment.value) if assignment.key.is_flag else assignment.text
    return MethodOptions(**values, text=words)

"""The layers of TMVA's layout strings, `LSTM|10|30|10|0|1` or `DENSE|64|TANH`: one dataclass for each form."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from pytmva_rnn.description import ACTIVATIONS, GRU, LSTM, RNN, BatchNorm, Dense, Layer, Recurrent, Reshape, Shape
from pytmva_rnn.errors import OptionError
from pytmva_rnn.options.grammar import integer, number
from pytmva_rnn.options.keys import Spelled
from pytmva_rnn.options.width import check_width, width_of
from pytmva_rnn.registration import Registry

__all__ = [
    "LAYERS",
    "BatchNormSpec",
    "Context",
    "DenseSpec",
    "LayerSpec",
    "RecurrentSpec",
    "ReshapeSpec",
    "register_layer",
]


@dataclass(frozen=True)
class Context:
    """What a layer must know to be built: the shape before it, and the sizes of the problem."""

    shape: Shape
    variables: int
    outputs: int


@dataclass(frozen=True)
class LayerSpec(Spelled):
    """One layer as the layout string has it; `str()` gives TMVA's text."""

    def build(self, context: Context) -> Layer:
        """The layer, without weights, for an input of `context.shape`."""
        raise NotImplementedError  # pragma: no cover


def _integer(text: str, what: str) -> int:
    try:
        return integer(text)
    except OptionError as error:
        raise OptionError(f"{what}: {error.message}") from None


def _number(text: str, what: str) -> float:
    try:
        return number(text)
    except OptionError as error:
        raise OptionError(f"{what}: {error.message}") from None


def _flag(text: str, what: str) -> bool:
    if text not in ("0", "1"):
        raise OptionError(f"{what} must be 0 or 1, not {text!r}")
    return text == "1"


@dataclass(frozen=True)
class RecurrentSpec(LayerSpec):
    """`RNN`, `LSTM` or `GRU`: state size, input size, time steps and flags."""

    types: ClassVar[dict[str, type[Recurrent]]] = {"RNN": RNN, "LSTM": LSTM}

    kind: str
    state_size: int
    input_size: int = 0
    time_steps: int = 0
    remember_state: bool = False
    return_sequence: bool = False
    reset_gate_after: bool = False

    @classmethod
    def parse(cls, name: str, fields: list[str]) -> RecurrentSpec:
        sizes = ("state size", "input size", "time steps")
        flags = ("remember state", "return sequence") + (("reset gate after",) if name == "GRU" else ())
        if len(fields) > len(sizes) + len(flags):
            raise OptionError(
                f"{name} takes {', '.join(sizes + flags)}; {fields[len(sizes + flags)]!r} is one too many"
            )
        numbers = [_integer(text, f"the {what} of {name}") for text, what in zip(fields, sizes, strict=False)]
        switches = [_flag(text, f"the field '{what}' of {name}") for text, what in zip(fields[3:], flags, strict=False)]
        if not numbers or numbers[0] < 1:
            raise OptionError(f"{name} needs a state size of 1 or more, as in {name}|10|30|10|0|1")
        state_size, input_size, time_steps = (*numbers, 0, 0)[:3]
        remember, sequence, after = (*switches, False, False, False)[:3]
        return cls(name, state_size, input_size, time_steps, remember, sequence, after)

    def __str__(self) -> str:
        flags = [self.remember_state, self.return_sequence] + ([self.reset_gate_after] if self.kind == "GRU" else [])
        return "|".join([self.kind, *map(str, (self.state_size, self.input_size, self.time_steps, *map(int, flags)))])

    def build(self, context: Context) -> Layer:
        depth, height, width = context.shape
        if self.input_size != width:
            fits = depth * height == 1 and self.input_size * self.time_steps == width
            raise OptionError(
                f"the input size of {self} is {self.input_size}, but the width before it is {width}"
                + (f"; set InputLayout={self.time_steps}|{self.input_size}" if fits else "")
            )
        if self.time_steps * width != depth * height * width or self.time_steps not in (depth, height):
            raise OptionError(
                f"{self} asks for {self.time_steps} time steps, but the input before it has "
                f"depth {depth} and height {height}"
            )
        sizes = (self.state_size, self.input_size, self.time_steps)
        if self.kind == "GRU":
            return GRU(*sizes, self.remember_state, self.return_sequence, self.reset_gate_after)
        return self.types[self.kind](*sizes, self.remember_state, self.return_sequence)


@dataclass(frozen=True)
class DenseSpec(LayerSpec):
    """`DENSE|64|TANH`: a width formula ("0": the number of outputs) and an activation."""

    width: str = "0"
    activation: str = "TANH"

    @classmethod
    def parse(cls, name: str, fields: list[str]) -> DenseSpec:
        width: str | None = None
        activation: str | None = None
        for text in fields if name == "DENSE" else [name, *fields]:
            if text.upper() in ACTIVATIONS:
                if activation is not None:
                    raise OptionError(f"a dense layer takes one activation, not both {activation} and {text}")
                activation = text.upper()
                continue
            if re.fullmatch(r"[A-Za-z_]\w+", text):
                near = difflib.get_close_matches(text.upper(), [*LAYERS, *ACTIVATIONS], 1)
                raise OptionError(
                    f"unknown layer or activation {text!r}"
                    + (f"; did you mean {near[0]}?" if near else f"; known layers are {', '.join(LAYERS)}")
                )
            if width is not None:
                raise OptionError(f"a dense layer takes one width, not both {width} and {text}")
            check_width(text)
            width = text
        return cls(width or "0", activation or "TANH")

    def __str__(self) -> str:
        return f"DENSE|{self.width}|{self.activation}"

    def build(self, context: Context) -> Layer:
        depth, height, width = context.shape
        if depth * height > 1:
            raise OptionError(
                f"{self} follows an output of {depth * height} steps of {width}; put RESHAPE|FLAT before it "
                "or let the recurrent layer return its last state only"
            )
        return Dense(width_of(self.width, context.variables) or context.outputs, width, self.activation)


@dataclass(frozen=True)
class ReshapeSpec(LayerSpec):
    """`RESHAPE|FLAT` or `RESHAPE|depth|height|width`."""

    depth: int = 0
    height: int = 0
    width: int = 0
    flat: bool = False

    @classmethod
    def parse(cls, name: str, fields: list[str]) -> ReshapeSpec:
        flat = "FLAT" in (text.upper() for text in fields)
        sizes = [_integer(text, "a size of RESHAPE") for text in fields if text.upper() != "FLAT"]
        if len(sizes) not in ((0, 3) if flat else (3,)):
            raise OptionError("RESHAPE takes depth, height and width, or FLAT: RESHAPE|1|10|30 or RESHAPE|FLAT")
        if not flat and min(sizes) < 1:
            raise OptionError("the depth, height and width of RESHAPE must be 1 or more")
        depth, height, width = sizes or (0, 0, 0)
        return cls(depth, height, width, flat)

    def __str__(self) -> str:
        sizes = [self.depth, self.height, self.width]
        return "|".join(["RESHAPE", *(map(str, sizes) if any(sizes) else ()), *(["FLAT"] if self.flat else [])])

    def build(self, context: Context) -> Layer:
        depth, height, width = context.shape
        size = depth * height * width
        if self.flat:
            return Reshape(1, 1, size, flat=True)
        if self.depth * self.height * self.width != size:
            raise OptionError(
                f"{self} holds {self.depth * self.height * self.width} values, the layer before it {size}"
            )
        return Reshape(self.depth, self.height, self.width)


@dataclass(frozen=True)
class BatchNormSpec(LayerSpec):
    """`BNORM|momentum|epsilon`."""

    momentum: float = -1.0
    epsilon: float = 1e-4

    @classmethod
    def parse(cls, name: str, fields: list[str]) -> BatchNormSpec:
        if len(fields) > 2:
            raise OptionError(f"BNORM takes momentum and epsilon; {fields[2]!r} is one too many")
        values = [
            _number(text, f"the {what} of BNORM") for text, what in zip(fields, ("momentum", "epsilon"), strict=False)
        ]
        if len(values) == 2 and values[1] <= 0:
            raise OptionError("the epsilon of BNORM must be above 0")
        return cls(*values)

    def __str__(self) -> str:
        return f"BNORM|{float(self.momentum)!r}|{float(self.epsilon)!r}"

    def build(self, context: Context) -> Layer:
        depth, height, width = context.shape
        if depth * height > 1:
            raise OptionError(f"{self} follows a sequence; put it after a dense layer or RESHAPE|FLAT")
        return BatchNorm(width, self.momentum, self.epsilon)


LAYERS: Registry[str, Callable[[str, list[str]], LayerSpec]] = Registry("layer of layouts")
"""How to read each layer; an entry without one of these names is a dense layer, as in TMVA."""


def register_layer(name: str, parse: Callable[[str, list[str]], LayerSpec]) -> None:
    """Let layouts have a layer.

    Parameters
    ----------
    name : str
        In capitals, with which the layer's entry in the layout starts.
    parse : callable (name, fields)
        Makes the specification of the layer from what follows its name, split at "|". An `OptionError` that it raises
        need not say where in the layout it is.

    Raises
    ------
    ValueError
        If there is such a layer already.
    """
    LAYERS.add(name, parse)


register_layer("RNN", RecurrentSpec.parse)
register_layer("LSTM", RecurrentSpec.parse)
register_layer("GRU", RecurrentSpec.parse)
register_layer("DENSE", DenseSpec.parse)
register_layer("RESHAPE", ReshapeSpec.parse)
register_layer("BNORM", BatchNormSpec.parse)

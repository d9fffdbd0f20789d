"""TMVA's layout strings, `LSTM|10|30|10|0|1,RESHAPE|FLAT,DENSE|64|TANH,LINEAR`, and the layers that they describe."""

from __future__ import annotations

from dataclasses import replace

from pytmva_rnn.description import Layer, Shape, check_memory
from pytmva_rnn.errors import DataError, OptionError
from pytmva_rnn.options.layer_specs import LAYERS, Context, DenseSpec, LayerSpec, RecurrentSpec

__all__ = ["build_layers", "parse_layout", "with_sizes"]


_MOST_LAYERS = 10_000


def parse_layout(text: str) -> tuple[LayerSpec, ...]:
    """Parse a layout string.

    Raises
    ------
    OptionError
        Naming the layer and what would be right; CONV and MAXPOOL are refused, and more than 10,000 layers.
    """
    if (count := 1 + text.count(",")) > _MOST_LAYERS:
        raise OptionError(f"expected at most {_MOST_LAYERS:,} layers, found {count:,}", text)
    specs = []
    position = 0
    for part in text.split(","):
        fields = [field.strip() for field in part.split("|")]
        name = fields[0].upper()
        try:
            if name in ("CONV", "MAXPOOL"):
                raise OptionError(f"{name} is a convolutional layer; pytmva_rnn has recurrent and dense networks only")
            if "" in fields:
                raise OptionError("empty field in the layout")
            named = name in LAYERS
            specs.append(LAYERS.find(name)(name, fields[1:]) if named else DenseSpec.parse(fields[0], fields[1:]))
        except OptionError as error:
            raise OptionError(error.message, text, position + len(part) - len(part.lstrip())) from None
        position += len(part) + 1
    return tuple(specs)


def build_layers(specs: tuple[LayerSpec, ...], input_shape: Shape, variables: int, outputs: int) -> tuple[Layer, ...]:
    """The layers, without weights, of a layout.

    Parameters
    ----------
    specs : tuple of LayerSpec
    input_shape : (depth, height, width) of one event
    variables : number of variables N of one event, for width formulas
    outputs : number of outputs O, for the width 0

    Raises
    ------
    OptionError
        Where sizes do not fit together, the machine has no room for a layer, or the last one does not have the wanted
        number of outputs.
    """
    text = ",".join(map(str, specs))
    layers: list[Layer] = []
    shape = input_shape
    position = 0
    for spec in specs:
        try:
            layer = spec.build(Context(shape, variables, outputs))
            layer.check_fields()
            layer.check_input(shape)
            layers.append(layer)
            check_memory(layers, input_shape)
        except OptionError as error:
            raise OptionError(error.message, text, position) from None
        except DataError as error:
            raise OptionError(str(error), text, position) from None
        shape = layer.output_shape(shape)
        position += len(str(spec)) + 1
    if shape != (1, 1, outputs):
        raise OptionError(
            f"the network ends with an output of depth, height, width {shape}, but {outputs} output(s) are needed; "
            "end the layout with LINEAR",
            text,
            text.rfind(",") + 1,
        )
    return tuple(layers)


def with_sizes(specs: tuple[LayerSpec, ...], input_shape: Shape, variables: int, outputs: int) -> tuple[LayerSpec, ...]:
    """Recurrent layers without input size and time steps, `LSTM|32`, get those of what comes before them.

    Parameters are those of `build_layers`, which says what is wrong where sizes do not fit.
    """
    sized: list[LayerSpec] = []
    shape = input_shape
    for spec in specs:
        if isinstance(spec, RecurrentSpec):
            depth, height, width = shape
            size, steps = spec.input_size or width, spec.time_steps or depth * height
            sized.append(replace(spec, input_size=size, time_steps=steps))
        else:
            sized.append(spec)
        try:
            shape = sized[-1].build(Context(shape, variables, outputs)).output_shape(shape)
        except OptionError:
            return (*sized, *specs[len(sized) :])
    return tuple(sized)

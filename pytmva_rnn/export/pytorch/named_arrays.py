"""The arrays of a state dict as the layers of a layout: of names and shapes, nothing else is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.description import GRU, BatchNorm, Dense, Layer, Recurrent, Shape
from pytmva_rnn.errors import DataError, OptionError, TMVAError
from pytmva_rnn.export.pytorch.torch_plan import NORM_ARRAYS, recurrent_weights
from pytmva_rnn.options.layer_specs import BatchNormSpec, LayerSpec, RecurrentSpec
from pytmva_rnn.options.layout import build_layers, parse_layout

__all__ = ["layers_of_names"]

_Arrays = Mapping[str, NDArray[Any]]


def layers_of_names(
    arrays: _Arrays, layout: str, order: Sequence[str] | None, source: str
) -> tuple[tuple[Layer, ...], tuple[int, int]]:
    """The layers of a layout with the arrays of a state dict, and the shape (T, D) of an event.

    Parameters
    ----------
    arrays : mapping
        By their names in PyTorch, `lstm.weight_ih_l0`, `fc.weight`.
    layout : str
        TMVA's.
    order : sequence of str, optional
        Names of PyTorch's layers in the order of the layout.
    source : str
        What errors call it.

    Raises
    ------
    DataError
        If the arrays do not fit the layout, or fit it in more than one way.
    OptionError
        For a layout that is none.
    """
    groups = _groups(arrays, source)
    specs = _specs(layout, source)
    solutions: dict[tuple[str, ...], tuple[list[tuple[Layer, str | None]], Shape]] = {}
    problems: list[TMVAError] = []
    for shape, outputs in product(_input_shapes(specs, groups), _output_widths(groups)):
        try:
            bare = build_layers(specs, shape, shape[0] * shape[2], outputs)
            _check_possible(bare, source)
            named = _ordered(bare, groups, order, source) if order else _assigned(bare, groups, source)
        except _AmbiguousError:
            raise
        except (DataError, OptionError) as error:
            problems.append(error)
        else:
            solutions[tuple(layer.layout() for layer in bare)] = (named, shape)
    if not solutions:
        # those of sizes that the layout does not ask for say less
        raise next((error for error in problems if isinstance(error, DataError)), problems[0])
    if len(solutions) > 1:
        raise _AmbiguousError(f"{source}: the arrays fit the layout with several sizes; write all widths into it")
    named, shape = next(iter(solutions.values()))
    layers = tuple(
        layer if name is None else replace(layer, weights=_weights(layer, groups[name], f"{source}, {name}"))
        for layer, name in named
    )
    return layers, (shape[0], shape[2])


class _AmbiguousError(DataError):
    """Arrays that fit in more than one way, which no other sizes can mend."""


def _groups(arrays: _Arrays, source: str) -> dict[str, dict[str, NDArray[Any]]]:
    """Arrays by the layer that they belong to; each layer of a stacked LSTM is one, `lstm` and `lstm, layer 1`."""
    groups: dict[str, dict[str, NDArray[Any]]] = {}
    for key, values in arrays.items():
        prefix, _, name = key.rpartition(".")
        base, _, number = name.rpartition("_l")
        if name.endswith("_reverse"):
            raise DataError(f"{source}, {key}: a bidirectional layer; TMVA's run forward only")
        if base == "weight_hr":
            raise DataError(f"{source}, {key}: an LSTM with a projection (proj_size), which TMVA has not")
        if base in ("weight_ih", "weight_hh", "bias_ih", "bias_hh") and number.isdigit():
            group = prefix if number == "0" else f"{prefix}, layer {number}"
            groups.setdefault(group, {})[base] = values
        elif name in ("weight", "bias", "running_mean", "running_var"):
            groups.setdefault(prefix, {})[name] = values
        elif name != "num_batches_tracked":
            raise DataError(f"{source}, {key}: an array of none of TMVA's layers (LSTM, GRU, RNN, Linear, BatchNorm1d)")
    if not groups:
        raise DataError(f"{source}: it has no arrays")
    return groups


def _specs(layout: str, source: str) -> tuple[LayerSpec, ...]:
    specs = parse_layout(layout)
    for spec, text in zip(specs, layout.split(","), strict=True):
        if isinstance(spec, BatchNormSpec) and text.count("|") < 2:
            raise DataError(
                f"{source}: a state dict does not tell the epsilon of a batch normalisation; write it into the layout, "
                "BNORM|-1|1e-05 for PyTorch's default"
            )
    return specs


def _input_shapes(specs: Sequence[LayerSpec], groups: Mapping[str, _Arrays]) -> list[Shape]:
    """What an event may be: as the first layer says, or as any linear layer takes it."""
    first = specs[0]
    if isinstance(first, RecurrentSpec):
        return [(first.time_steps, 1, first.input_size)]
    widths = {each["weight"].shape[-1] for each in groups.values() if "weight" in each and each["weight"].ndim == 2}
    return [(1, 1, width) for width in sorted(widths)] or [(1, 1, 1)]


def _output_widths(groups: Mapping[str, _Arrays]) -> list[int]:
    widths = {each["weight"].shape[0] for each in groups.values() if "weight" in each and each["weight"].ndim == 2}
    widths |= {each["weight_hh"].shape[-1] for each in groups.values() if "weight_hh" in each}
    return sorted(widths) or [1]


def _check_possible(layers: Sequence[Layer], source: str) -> None:
    for layer in layers:
        if isinstance(layer, GRU) and not layer.reset_gate_after:
            raise DataError(
                f"{source}: PyTorch's GRU has its reset gate after the product; write so in the layout, "
                f"{replace(layer, reset_gate_after=True).layout()}"
            )
        if layer.remembers:
            raise DataError(f"{source}: PyTorch's layers remember no state; leave that of {layer.layout()} out")


def _check_count(wanted: Sequence[Layer], names: Iterable[str], source: str) -> None:
    found = list(names)
    if len(wanted) != len(found):
        raise DataError(
            f"{source}: the layout has {len(wanted)} layers with weights, the state dict {len(found)}: "
            f"{', '.join(found)}"
        )


def _assigned(layers: Sequence[Layer], groups: Mapping[str, _Arrays], source: str) -> list[tuple[Layer, str | None]]:
    """The one way in which the arrays fit the layers."""
    _check_count([layer for layer in layers if layer.arrays()], groups, source)
    named: list[tuple[Layer, str | None]] = []
    for layer in layers:
        fitting = [name for name, group in groups.items() if _fits(layer, group)] if layer.arrays() else [None]
        if not fitting:
            shapes = "; ".join(f"{name} {_shapes(group)}" for name, group in groups.items())
            raise DataError(f"{source}: no arrays have the shapes of {layer.layout()}; there are {shapes}")
        if len(fitting) > 1:
            raise _AmbiguousError(
                f"{source}: {' and '.join(map(str, fitting))} have the same shapes, and a state dict does not tell "
                "which comes first; give the names of all layers in the order of the layout, as order"
            )
        named.append((layer, fitting[0]))
    names = [name for _, name in named if name is not None]
    if len(set(names)) < len(names):
        raise DataError(f"{source}: the layout asks twice for the same arrays: {', '.join(names)}")
    return named


def _ordered(
    layers: Sequence[Layer], groups: Mapping[str, _Arrays], order: Sequence[str], source: str
) -> list[tuple[Layer, str | None]]:
    """The arrays in the order in which they were named."""
    names = _expanded(order, groups, source)
    _check_count([layer for layer in layers if layer.arrays()], names, source)
    following = iter(names)
    named = [(layer, next(following) if layer.arrays() else None) for layer in layers]
    for layer, name in named:
        if name is not None and not _fits(layer, groups[name]):
            raise DataError(f"{source}: {name} has not the shapes of {layer.layout()}: {_shapes(groups[name])}")
    return named


def _expanded(order: Sequence[str], groups: Mapping[str, _Arrays], source: str) -> list[str]:
    """Names of all groups, in which `lstm` stands for all layers of a stacked one."""
    names: list[str] = []
    for name in order:
        stack = [each for each in groups if each == name or each.startswith(f"{name}, layer ")]
        if not stack or set(stack) & set(names):
            raise DataError(
                f"{source}: expected names of layers as order, each once, found {name!r}; there are {', '.join(groups)}"
            )
        names += sorted(stack, key=lambda each: int(each.rpartition(" ")[2]) if ", layer " in each else 0)
    return names


def _fits(layer: Layer, group: _Arrays) -> bool:
    shapes = {name: values.shape for name, values in group.items()}
    match layer:
        case Recurrent():
            rows = layer.state_size * max(1, len(layer.gates))
            return (
                shapes.get("weight_ih") == (rows, layer.input_size)
                and shapes.get("weight_hh") == (rows, layer.state_size)
                and all(shapes.get(name, (rows,)) == (rows,) for name in ("bias_ih", "bias_hh"))
            )
        case Dense():
            bias = shapes.get("bias", (layer.width,))
            return shapes.get("weight") == (layer.width, layer.input_size) and bias == (layer.width,)
        case BatchNorm():
            needed, of_scale = ("running_mean", "running_var"), ("weight", "bias")
            size = (layer.size,)
            return all(shapes.get(n) == size for n in needed) and all(shapes.get(n, size) == size for n in of_scale)
    return False


def _weights(layer: Layer, group: _Arrays, place: str) -> Mapping[str, NDArray[Any]]:
    match layer:
        case Recurrent():
            return recurrent_weights(layer.kind, layer.state_size, group, place, reset_gate_after=True)
        case Dense():
            bias = group.get("bias", np.zeros(layer.width, np.float32))
            return {"W": group["weight"], "b": bias.reshape(-1, 1)}
    one = np.ones(layer.sizes()["size"], np.float32)
    arrays = {"weight": one, "bias": 0 * one, **group}
    return {ours: arrays[theirs].reshape(1, -1) for ours, theirs in NORM_ARRAYS.items()}


def _shapes(group: _Arrays) -> str:
    return ", ".join(f"{name} {values.shape}" for name, values in group.items())

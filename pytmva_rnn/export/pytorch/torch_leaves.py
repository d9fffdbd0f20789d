"""The layers of PyTorch that TMVA has too, what of them it has not, and how they are made to answer other numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pytmva_rnn import extras
from pytmva_rnn.errors import DataError
from pytmva_rnn.export.pytorch.torch_modules import GRUResetBefore

__all__ = ["RECURRENT", "ObservedCall", "answered", "is_layer", "refuse_others"]

torch: Any = extras.torch()

RECURRENT = (torch.nn.LSTM, torch.nn.GRU, torch.nn.RNN, GRUResetBefore)
_LAYERS = (*RECURRENT, torch.nn.Linear, torch.nn.BatchNorm1d)


@dataclass
class ObservedCall:
    """What a layer was given, and what it answered in place of its own outputs; sequences are (n, T, D).

    Attributes
    ----------
    place : str
        What errors call it.
    module : torch.nn.Module
    given, answered : tensor
    """

    place: str
    module: Any
    given: Any
    answered: Any


def is_layer(module: Any) -> bool:
    """Whether it is a layer with weights that TMVA has too."""
    return isinstance(module, _LAYERS)


def refuse_others(module: Any, name: str) -> None:
    """Raise a DataError if anything with weights in a module is none of TMVA's layers."""
    for path, each in module.named_modules():
        place = f"{name}, {path}" if path else name
        own = [*each.parameters(recurse=False), *each.buffers(recurse=False)]
        if any(torch.nn.parameter.is_lazy(tensor) for tensor in own):
            raise DataError(f"{place}: its weights have no shape yet; run it once on events")
        if is_layer(each):
            if problem := _problem(each):
                raise DataError(f"{place}: {problem}")
        elif own and not any(is_layer(parent) for parent in _parents(module, path)):
            raise DataError(
                f"{place}: a {type(each).__name__} with weights of its own is none of TMVA's layers; "
                "these are LSTM, GRU, RNN, Linear and BatchNorm1d"
            )


def _parents(module: Any, path: str) -> list[Any]:
    """What a module stands in; the parametrization of a layer's weights is a part of it."""
    names = path.split(".")
    return [module.get_submodule(".".join(names[:k])) for k in range(len(names))]


def _problem(layer: Any) -> str:
    if isinstance(layer, torch.nn.BatchNorm1d):
        return "" if layer.running_mean is not None else "it has no running statistics; TMVA's answers by them"
    if not isinstance(layer, RECURRENT) or isinstance(layer, GRUResetBefore):
        return ""
    if layer.bidirectional:
        return "it is bidirectional; TMVA's layers run forward only"
    if getattr(layer, "proj_size", 0):
        return "it has a projection (proj_size), which TMVA has not"
    if getattr(layer, "nonlinearity", "tanh") != "tanh":
        return f"its nonlinearity is {layer.nonlinearity}; TMVA's RNN has tanh"
    return ""


def answered(
    layer: Any,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    output: Any,
    numbers: Callable[[Any], Any],
    place: str,
) -> tuple[ObservedCall, Any]:
    """A layer's call, and what it is to answer: random numbers that agree with each other.

    Parameters
    ----------
    layer : torch.nn.Module
    args, kwargs, output
        Of its call.
    numbers : callable (tensor)
        Random numbers of that shape.
    place : str
        What errors call it.

    Raises
    ------
    DataError
        For a call that TMVA has not: packed sequences, initial states other than zero, single steps.
    """
    x = args[0] if args else kwargs.get("input", kwargs.get("x"))
    if not isinstance(layer, RECURRENT):
        if not isinstance(x, torch.Tensor):
            raise DataError(f"{place}: expected a tensor of inputs, found a {type(x).__name__}")
        replaced = numbers(output)
        return ObservedCall(place, layer, x, replaced), replaced
    if not isinstance(x, torch.Tensor) or x.dim() != 3:
        what = f"a tensor of {x.dim()} dimensions" if isinstance(x, torch.Tensor) else f"a {type(x).__name__}"
        raise DataError(f"{place}: expected batches of sequences of one length, found {what}")
    states = args[1] if len(args) > 1 else kwargs.get("hx")
    for state in states if isinstance(states, tuple) else (states,):
        if state is not None and state.any():
            raise DataError(f"{place}: it starts from a state other than zero; TMVA's layers start from zero")
    sequence, others = output
    replaced = numbers(sequence)
    batch_first = isinstance(layer, GRUResetBefore) or layer.batch_first
    in_order = replaced if batch_first else replaced.transpose(0, 1)

    def last(state: Any) -> Any:
        """The last states, of which those of the last layer are the last step of the sequence."""
        new = numbers(state)
        new[-1] = in_order[:, -1]
        return new

    # h, or for an LSTM h and c
    last_states = (last(others[0]), numbers(others[1])) if isinstance(others, tuple) else last(others)
    given = x if batch_first else x.transpose(0, 1)
    return ObservedCall(place, layer, given, in_order), (replaced, last_states)

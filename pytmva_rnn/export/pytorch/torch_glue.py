"""What a module of PyTorch does between its layers, told from numbers, and the layers of TMVA that come of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn import extras
from pytmva_rnn.description import GRU, LSTM, RNN, BatchNorm, Dense, Layer, OutputFunction, Recurrent, Reshape
from pytmva_rnn.errors import DataError
from pytmva_rnn.export.folding import with_activation
from pytmva_rnn.export.pytorch.torch_leaves import RECURRENT, ObservedCall
from pytmva_rnn.export.pytorch.torch_modules import GRUResetBefore
from pytmva_rnn.export.pytorch.torch_plan import recurrent_weights

__all__ = ["layers_of_calls"]

torch: Any = extras.torch()

_Way: TypeAlias = Literal["all steps", "last step", "flat"]
_ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "LINEAR": lambda y: y,
    "RELU": torch.relu,
    "SIGMOID": torch.sigmoid,
    "TANH": torch.tanh,
    "SYMMRELU": torch.abs,
    "SOFTSIGN": lambda y: y / (1 + y.abs()),
    "GAUSS": lambda y: torch.exp(-y * y),
}
_KINDS: dict[str, type[Recurrent]] = {"LSTM": LSTM, "GRU": GRU, "RNN": RNN}


def layers_of_calls(
    calls: Sequence[ObservedCall], x: Any, output: Any, name: str
) -> tuple[list[Layer], OutputFunction, tuple[int, int]]:
    """The layers, the output function, and the shape (T, D) of an event.

    Parameters
    ----------
    calls : sequence of ObservedCall
        In their order; each layer's answer was random numbers.
    x, output : tensor
        What the module was given, (n, T, D), and what it made of the last answer.
    name : str
        What errors call the module.

    Raises
    ------
    DataError
        For anything that TMVA's layers do not do.
    """
    layers: list[Layer] = []
    event_shape = (x.shape[1], x.shape[2]) if calls[0].given.dim() == 3 else (1, calls[0].given.shape[1])
    for number, call in enumerate(calls):
        layers += _layers(call)
        ends = number == len(calls) - 1
        goal = f"the end of {name}" if ends else calls[number + 1].place
        received = output if ends else calls[number + 1].given
        way, activation = _passed(call, received, goal, softmax=ends)
        if activation == "SOFTMAX" or (ends and activation == "SIGMOID"):
            _add_way(layers, call, way)
            return layers, "M" if activation == "SOFTMAX" else "S", event_shape
        layers = with_activation(layers, activation, call.place)
        _add_way(layers, call, way)
    return layers, "I", event_shape


def _passed(call: ObservedCall, received: Any, goal: str, *, softmax: bool) -> tuple[_Way, str]:
    """How the answer of a layer comes to the next."""
    if received.dim() == 3 and received.shape[1] == 1:
        received = received[:, 0]
    if received.dim() == 1:
        received = received[:, None]
    answer = call.answered
    ways: dict[_Way, Any] = {"all steps": answer}
    if answer.dim() == 3:
        ways = {"last step": answer[:, -1], "flat": answer.flatten(1), "all steps": answer}
    functions = dict(_ACTIVATIONS)
    if softmax:
        functions["SOFTMAX"] = lambda y: torch.softmax(y, -1)
    for way, passed in ways.items():
        for activation, function in functions.items():
            if received.shape == passed.shape and torch.allclose(received, function(passed), rtol=1e-5, atol=1e-6):
                if way == "all steps" and answer.dim() == 3 and not isinstance(call.module, RECURRENT):
                    raise DataError(f"{call.place}: it works on every step of a sequence; TMVA's dense layers do not")
                return way, activation
    raise DataError(
        f"{call.place}: what {goal} makes of its output is neither the sequence, its last step nor all steps side by "
        f"side, through one of {', '.join(functions)}"
    )


def _add_way(layers: list[Layer], call: ObservedCall, way: _Way) -> None:
    if not isinstance(call.module, RECURRENT):
        return
    if way == "last step":
        layers[-1] = replace(layers[-1], return_sequence=False)  # type: ignore[call-arg]  # it is recurrent
    elif way == "flat":
        layers.append(Reshape(1, 1, call.answered.shape[1] * call.answered.shape[2], flat=True))


def _layers(call: ObservedCall) -> list[Layer]:
    """The layers of one module: as many as it stacks."""
    module = call.module
    if isinstance(module, RECURRENT):
        return [_recurrent(call, level) for level in range(getattr(module, "num_layers", 1))]
    if call.given.dim() != 2 and call.given.shape[1:-1].numel() != 1:
        raise DataError(f"{call.place}: it works on every step of a sequence; TMVA's dense layers do not")
    if isinstance(module, torch.nn.Linear):
        bias = np.zeros(module.out_features, np.float32) if module.bias is None else _numbers(module.bias)
        weights = {"W": _numbers(module.weight), "b": bias.reshape(-1, 1)}
        return [Dense(module.out_features, module.in_features, "LINEAR", weights=weights)]
    size = module.num_features
    scale = np.ones(size, np.float32) if module.weight is None else _numbers(module.weight)
    shift = np.zeros(size, np.float32) if module.bias is None else _numbers(module.bias)
    arrays = {"gamma": scale, "beta": shift, "mu": _numbers(module.running_mean)}
    arrays["variance"] = _numbers(module.running_var)
    momentum = -1.0 if module.momentum is None else 1 - module.momentum
    weights = {key: values.reshape(1, -1) for key, values in arrays.items()}
    return [BatchNorm(size, momentum, module.eps, weights=weights)]


def _recurrent(call: ObservedCall, level: int) -> Layer:
    module, steps = call.module, call.given.shape[1]
    before = isinstance(module, GRUResetBefore)
    kind = "GRU" if before else next(name for name in _KINDS if isinstance(module, getattr(torch.nn, name)))
    names = {each: f"{each}_l{level}" for each in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
    arrays = {each: _numbers(getattr(module, name)) for each, name in names.items() if hasattr(module, name)}
    weights = recurrent_weights(kind, module.hidden_size, arrays, call.place, reset_gate_after=not before)
    sizes = (module.hidden_size, arrays["weight_ih"].shape[1], steps)
    if kind == "GRU":
        return GRU(*sizes, return_sequence=True, reset_gate_after=not before, weights=weights)
    return _KINDS[kind](*sizes, return_sequence=True, weights=weights)


def _numbers(tensor: Any) -> NDArray[Any]:
    tensor = tensor.detach().cpu()
    # NumPy has no bfloat16; float32 holds it exactly
    return np.asarray((tensor.float() if tensor.itemsize < 4 else tensor).numpy())

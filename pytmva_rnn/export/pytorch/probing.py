"""A module of PyTorch as TMVA's layers: it is run, and what it does between its layers is found out by numbers.

Each layer with weights is made to answer random numbers in place of its own outputs. What the next layer is then given
must be these numbers again: as a sequence, its last step, or all its steps side by side, and perhaps through one of
TMVA's activations. So it does not matter how a module writes that, and nothing is taken for what it is not. All this
is done twice, the second time with what events are seldom: very large, and filled up with zeros, -999 and the like.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn import extras
from pytmva_rnn.description import Layer, OutputFunction
from pytmva_rnn.errors import DataError, first_line
from pytmva_rnn.export.foreign import ForeignNetwork, check_agreement, foreign_model
from pytmva_rnn.export.pytorch.torch_glue import layers_of_calls
from pytmva_rnn.export.pytorch.torch_leaves import RECURRENT, ObservedCall, answered, is_layer, refuse_others
from pytmva_rnn.model import Model

__all__ = ["probe"]

torch: Any = extras.torch()

_EVENTS = 6
_SPREAD = 2.0
_LARGEST_POWER = 6
_FILLINGS = (0.0, -1.0, -10.0, -99.0, -999.0, -9999.0)
"""What stands for steps and values that an event has not, which a module may mask or replace."""
_FORMS: dict[str, Callable[[Any], Any]] = {
    "(n, T, D)": lambda x: x,
    "(n, T*D)": lambda x: x.flatten(1),
    "(T, n, D)": lambda x: x.transpose(0, 1),
}


def probe(module: Any, steps: int | None, about: Mapping[str, Any]) -> Model:
    """A Model of a module; see `from_torch`.

    Parameters
    ----------
    module : torch.nn.Module
        Left as it was.
    steps : int, optional
    about : mapping
        Further arguments of `foreign_model`.
    """
    name = type(module).__name__
    module = getattr(module, "_orig_mod", module)  # of torch.compile
    if isinstance(module, torch.jit.ScriptModule):
        raise DataError(f"{name}: expected a torch.nn.Module itself, found one compiled by torch.jit")
    refuse_others(module, name)
    shape = _event_shape(module, steps, name)
    if any(each.is_floating_point() and each.itemsize < 4 for each in module.parameters()):
        module = copy.deepcopy(module).float()  # its weights count, not how it rounds what it computes from them
    with _evaluating(module), torch.no_grad():
        form, calls, x, output = _run(module, shape, name)
        layers, ending, event_shape = layers_of_calls(calls, x, output, name)
        _check_seldom(module, form, shape, layers, ending, name)
        network = ForeignNetwork(name, layers, event_shape, ending)
        model = foreign_model(network, **about)
        tensor = _like_parameters(module)

        def ask(X: NDArray[np.float32]) -> NDArray[Any]:
            outputs = module(_FORMS[form](tensor(torch.from_numpy(X).reshape(len(X), *shape))))
            return np.asarray(_single(outputs, name).float().cpu())

        check_agreement(model, network, ask)
    return model


def _event_shape(module: Any, steps: int | None, name: str) -> tuple[int, int]:
    """(T, D) of what is tried: as the first layer and the user say."""
    leaves = [each for each in module.modules() if is_layer(each)]
    if not leaves:
        raise DataError(f"{name}: it has no LSTM, GRU, RNN or Linear")
    recurrent = next((each for each in leaves if isinstance(each, RECURRENT)), None)
    if recurrent is None:
        return (1, getattr(leaves[0], "in_features", None) or leaves[0].num_features)
    if steps is None:
        raise DataError(f"{name}: a recurrent module does not tell how many time steps it is given; give steps=T")
    return (steps, recurrent.input_size)


@contextmanager
def _evaluating(module: Any) -> Iterator[None]:
    training = {each: each.training for each in module.modules()}
    module.eval()
    try:
        yield
    finally:
        for each, before in training.items():
            each.training = before


def _like_parameters(module: Any) -> Callable[[Any], Any]:
    like = next(each for each in module.parameters() if each.is_floating_point())
    return lambda x: x.to(like.device, like.dtype)


def _run(module: Any, shape: tuple[int, int], name: str) -> tuple[str, list[ObservedCall], Any, Any]:
    """Run it on the first form of input that it takes, with which the first layer gets the events themselves."""
    generator = torch.Generator().manual_seed(2021)

    def numbers(like: Any) -> Any:
        return (torch.randn(like.shape, generator=generator) * _SPREAD).to(like.device, like.dtype)

    x = numbers(_like_parameters(module)(torch.empty(_EVENTS, *shape)))
    problem: DataError | None = None
    for form, formed in _FORMS.items():
        if shape[0] == 1 and form == "(n, T, D)" and not any(isinstance(each, RECURRENT) for each in module.modules()):
            continue
        try:
            calls, output = _recorded(module, formed(x), numbers, name)
        except DataError:
            raise
        except Exception as error:  # of a module of the user's
            problem = problem or DataError(f"{name}: it cannot be run on events {form}: {first_line(error)}")
            continue
        if changed := _changed_events(calls, x, name):
            problem = problem or changed
            continue
        return form, calls, x, _single(output, name)
    raise problem or DataError(f"{name}: it cannot be run")


def _check_seldom(
    module: Any, form: str, shape: tuple[int, int], layers: Sequence[Layer], ending: OutputFunction, name: str
) -> None:
    """Make sure that it does the same with numbers of all sizes, and with events that are filled up."""
    generator = torch.Generator().manual_seed(2022)

    def numbers(like: Any) -> Any:
        powers = torch.rand(like.shape, generator=generator) * _LARGEST_POWER
        return (torch.randn(like.shape, generator=generator) * 10**powers).to(like.device, like.dtype)

    x = numbers(_like_parameters(module)(torch.empty(2 * len(_FILLINGS) + _EVENTS, *shape)))
    for number, filling in enumerate(_FILLINGS):
        x[2 * number, shape[0] // 2 :] = filling
        x[2 * number + 1][torch.rand(shape, generator=generator) < 0.5] = filling
    try:
        calls, output = _recorded(module, _FORMS[form](x), numbers, name)
        found, end, _ = layers_of_calls(calls, x, _single(output, name), name)
        changed = _changed_events(calls, x, name)
        if changed or end != ending or [each.layout() for each in found] != [each.layout() for each in layers]:
            raise changed or DataError(f"{name}: it does something else than with other events")
    except Exception as error:  # ours, and of a module of the user's
        what = str(error) if isinstance(error, DataError) else f"{name}: {first_line(error)}"
        raise DataError(
            f"{what} (with large numbers, up to 1e{_LARGEST_POWER}, and values and steps that are "
            f"{', '.join(f'{each:g}' for each in _FILLINGS)})"
        ) from error


def _changed_events(calls: Sequence[ObservedCall], x: Any, name: str) -> DataError | None:
    """What is wrong with what the first layer is given, if it is not the events."""
    if not calls:
        raise DataError(f"{name}: it calls none of its layers")
    if torch.equal(calls[0].given.flatten(1), x.flatten(1)):
        return None
    return DataError(
        f"{calls[0].place}: it is not given the events as they are; TMVA's first layer takes the variables, and "
        "what is done to them before is a transformation (VarTransform), which this cannot be made into"
    )


def _recorded(module: Any, x: Any, numbers: Callable[[Any], Any], name: str) -> tuple[list[ObservedCall], Any]:
    calls: list[ObservedCall] = []

    def recorded(path: str) -> Callable[..., Any]:
        def hook(layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> Any:
            if any(call.module is layer for call in calls):
                raise DataError(f"{name}, {path}: it is used more than once; TMVA's layers are not")
            call, replaced = answered(layer, args, kwargs, output, numbers, f"{name}, {path}")
            calls.append(call)
            return replaced

        return hook

    with ExitStack() as stack:
        for path, layer in module.named_modules():
            if is_layer(layer):
                handle = layer.register_forward_hook(recorded(path or name), with_kwargs=True)
                stack.callback(handle.remove)
        return calls, module(x)


def _single(output: Any, name: str) -> Any:
    if not isinstance(output, torch.Tensor):
        raise DataError(f"{name}: expected one tensor of outputs, found a {type(output).__name__}; return scores only")
    return output

"""PyTorch -> Model: from a module, a state dict, or a file of one."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pytmva_rnn import extras
from pytmva_rnn.description import Variable
from pytmva_rnn.errors import DataError, TMVAError, first_line
from pytmva_rnn.export.foreign import ForeignNetwork, foreign_model
from pytmva_rnn.export.metadata import as_asked, carried_layers, carried_shape, model_from, refuse_said_twice, retrained
from pytmva_rnn.export.pytorch.named_arrays import layers_of_names
from pytmva_rnn.export.pytorch.torch_plan import read_arrays
from pytmva_rnn.export.pytorch.torch_writing import EXTRA_STATE, PICKLED, SAFETENSORS
from pytmva_rnn.model import Model

__all__ = ["from_torch"]

_CHECKPOINTS = ("state_dict", "model_state_dict", "model")
"""Entries under which trainings keep the state dict among other things."""
_MOST_SHOWN = 12


def from_torch(
    source: Any,
    *,
    layout: str | None = None,
    order: Sequence[str] | None = None,
    steps: int | None = None,
    variables: Sequence[str | Variable] | None = None,
    ranges: ArrayLike | None = None,
    analysis: str | None = None,
    classes: Sequence[str] | None = None,
    targets: Sequence[str | Variable] | None = None,
    spectators: Sequence[str | Variable] = (),
    title: str | None = None,
) -> Model:
    """A network that was trained in PyTorch, as a Model that `save` writes and C++ TMVA reads.

    A module is not taken apart by its names: it is run on random events, what stands between its recurrent, linear and
    batch-normalising layers is found out by what it does to numbers, and in the end the Model has to answer what the
    module answers. What TMVA's layers can't do exactly is refused.

    Of a state dict nobody can know what happens between its arrays: that `layout` says. What `to_torch` or `save_torch`
    made knows it by itself, and everything else too.

    Parameters
    ----------
    source : torch.nn.Module, mapping, or path of a .safetensors or .pt file
        A file's pickle is read with `weights_only=True`: nothing in it is run.
    layout : str
        Of a state dict that is not ours: TMVA's layout, `"LSTM|10|30|10|0|0,DENSE|64|TANH,LINEAR"`.
    order : sequence of str, optional
        The names of a state dict's layers as the layout has them, `("lstm", "fc1", "fc2")`; needed where two of them
        have arrays of the same shapes.
    steps : int
        T of a recurrent module that is not ours.
    variables, ranges, analysis, classes, targets, spectators, title
        What a weight file says beside the network; see `pytmva_rnn.export.foreign.foreign_model`.

    Returns
    -------
    Model

    Raises
    ------
    MissingExtraError
        If PyTorch, or for `.safetensors` that package, is not installed.
    DataError
        Naming what has no equal in TMVA, what is missing, or what is wrong with a file.
    OSError
        If a file cannot be opened.
    """
    own = {"variables": variables, "ranges": ranges, "analysis": analysis, "classes": classes, "targets": targets}
    about: dict[str, Any] = {**own, "spectators": spectators, "title": title or "DL"}
    if isinstance(source, str | os.PathLike):
        name, arrays = os.fspath(source), _file_arrays(Path(source))
    elif isinstance(source, Mapping):
        name, arrays = "the state dict", _arrays(source, "the state dict")
    else:
        name = type(source).__name__
        if not hasattr(source, "state_dict") or not hasattr(source, "named_modules"):
            raise DataError(f"expected a torch.nn.Module, a state dict or a path, found {_kind(source)}")
        if not hasattr(source, "metadata") or EXTRA_STATE not in source.state_dict():
            if layout is not None or order is not None:
                raise DataError(f"{name}: layout and order are for a state dict; of a module leave them out")
            from pytmva_rnn.export.pytorch.probing import probe

            return probe(source, steps, about)
        arrays = _arrays(source.state_dict(), name)
    if EXTRA_STATE in arrays:
        refuse_said_twice(name, {**own, "spectators": spectators or None, "layout": layout, "order": order})
        return as_asked(_own(arrays, name), name, title=title, steps=steps)
    if layout is None:
        raise DataError(
            f"{name}: a state dict has the weights and not what happens between them; say it with TMVA's layout, "
            'e.g. layout="LSTM|10|30|10|0|0,DENSE|64|TANH,LINEAR", or give the module itself'
        )
    layers, event_shape = layers_of_names(arrays, layout, order, name)
    if steps not in (None, event_shape[0]):
        raise DataError(f"{name}: the layout has {event_shape[0]} steps, found steps={steps}; leave that out")
    return foreign_model(ForeignNetwork(name, layers, event_shape), **about)


def _own(arrays: Mapping[str, NDArray[Any]], name: str) -> Model:
    """The network that `to_torch` or `save_torch` made."""
    try:
        text = bytes(np.asarray(arrays[EXTRA_STATE], np.uint8)).decode()
        layers = carried_layers(text)
        model, same = model_from(text, read_arrays(layers, carried_shape(text), arrays))
    except (TMVAError, UnicodeDecodeError) as error:
        raise DataError(f"{name}: {error}") from None
    return model if same else retrained(model, name)


def _file_arrays(path: Path) -> dict[str, NDArray[Any]]:
    if path.suffix.lower() == SAFETENSORS:
        package = extras.safetensors()
        content = path.read_bytes()
        try:
            return _arrays(package.numpy.load(content), str(path))
        except TMVAError:
            raise
        except Exception as error:  # whatever such a package finds wrong with bytes
            raise DataError(f"{path}: it cannot be read as a safetensors file: {first_line(error)}") from error
    if path.suffix.lower() not in PICKLED:
        raise DataError(f"{path}: expected a name that ends in .safetensors, .pt or .pth")
    torch = extras.torch()
    with path.open("rb") as file:
        try:
            found = torch.load(file, map_location="cpu", weights_only=True)
        except MemoryError:
            raise
        except Exception as error:
            # what PyTorch says beyond the first sentence is how to let a pickle run all that is in it
            what = first_line(error).partition(". ")[0].rstrip(".")
            raise DataError(
                f"{path}: it holds no state dict, or is damaged: {what}. Of a pickle nothing but tensors "
                "is read; write the file with torch.save(module.state_dict(), path)"
            ) from error
    return _arrays(found, str(path))


def _arrays(state: Any, name: str) -> dict[str, NDArray[Any]]:
    """The arrays of a state dict, also of one that stands among other things in a checkpoint."""
    if isinstance(state, Mapping):
        inner = [state[key] for key in _CHECKPOINTS if isinstance(state.get(key), Mapping)]
        if len(inner) == 1:
            state = inner[0]
    if not isinstance(state, Mapping):
        raise DataError(f"{name}: expected a state dict, names with tensors; found {_kind(state)}")
    return {str(key): _array(value, f"{name}, {key}") for key, value in state.items()}


def _array(value: Any, place: str) -> NDArray[Any]:
    if isinstance(value, np.ndarray):
        array = value
    elif hasattr(value, "detach") and hasattr(value, "layout"):
        try:
            tensor = value.detach().cpu()
            if tensor.is_floating_point() and tensor.itemsize < 4:
                tensor = tensor.float()  # NumPy has no bfloat16; float32 holds it exactly
            array = np.asarray(tensor.numpy())
        except (AttributeError, NotImplementedError, RuntimeError, TypeError, ValueError) as error:
            raise DataError(f"{place}: expected a dense tensor, found one that is none: {first_line(error)}") from error
    else:
        raise DataError(f"{place}: expected a tensor, found {_kind(value)}; give the state dict of the module")
    if array.dtype.kind not in "biuf":
        raise DataError(f"{place}: expected real numbers, found {array.dtype}")
    return array


def _kind(value: object) -> str:
    if isinstance(value, Mapping):
        keys = [str(key) for key in value]
        return f"a mapping with {', '.join(keys[:_MOST_SHOWN])}{', ...' if len(keys) > _MOST_SHOWN else ''}"
    return f"a {type(value).__name__}"

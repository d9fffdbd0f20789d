"""Model -> PyTorch: a module, or a file of its arrays."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn import extras
from pytmva_rnn.description import Description
from pytmva_rnn.errors import DataError
from pytmva_rnn.export.metadata import METADATA, carried_text
from pytmva_rnn.export.pytorch.torch_plan import written_arrays
from pytmva_rnn.files import atomic_path
from pytmva_rnn.transformations import chain_steps

__all__ = ["EXTRA_STATE", "PICKLED", "SAFETENSORS", "save_torch", "state_arrays", "to_torch"]

EXTRA_STATE = "_extra_state"
"""The entry of a state dict in which a network says what it is."""
PICKLED = (".pt", ".pth")
SAFETENSORS = ".safetensors"


def to_torch(model: Description, *, dtype: Any = None) -> Any:
    """A network as a module of PyTorch, with its transformations and its output function.

    Layers are plain `torch.nn.LSTM`, `GRU`, `RNN`, `Linear`, `BatchNorm1d` and activations wherever these are exactly
    TMVA's; a GRU with the reset gate before, SYMMRELU and GAUSS are modules of ours. In a training, the recurrent
    candidate bias of a GRU, which TMVA has not, stays zero.

    Parameters
    ----------
    model : Model
    dtype : torch.dtype, optional
        Of the weights; `torch.float32` by default. With `torch.float64` no digit of a weight file is lost.

    Returns
    -------
    torch.nn.Module
        In evaluation mode; takes raw variables (n, NVar) or (n, T, D) as a tensor of that type, and gives scores
        (n, O). `raw_outputs(x)` are those before the output function. `from_torch` brings it back, trained or not.

    Raises
    ------
    MissingExtraError
        If PyTorch is not installed.
    DataError
        For a network that remembers states, or a layer that PyTorch has not.

    Examples
    --------
    >>> network = to_torch(read_weights("TMVA_LSTM.weights.xml"))  # doctest: +SKIP
    >>> network(torch.from_numpy(X))  # doctest: +SKIP
    """
    torch = extras.torch()
    from pytmva_rnn.export.pytorch.torch_network import TorchNetwork

    model.check()
    dtype = torch.float32 if dtype is None else dtype
    network = TorchNetwork(model, carried_text(model)).to(dtype)
    arrays = state_arrays(model, np.dtype(np.float64))
    state = {name: torch.from_numpy(values.copy()) for name, values in arrays.items() if name != EXTRA_STATE}
    network.load_state_dict({**state, EXTRA_STATE: network.get_extra_state()})
    return network.eval()


def state_arrays(model: Description, dtype: np.dtype[Any] | None = None) -> dict[str, NDArray[Any]]:
    """The state dict of `to_torch(model)` as NumPy arrays, without PyTorch.

    Parameters
    ----------
    model : Model
    dtype : optional
        Of the weights; float32 by default.

    Raises
    ------
    DataError
        As `to_torch`.
    """
    model.check()
    arrays = written_arrays(model.layers, model.input_layout, dtype or np.float32)
    chains = {
        "transformations": chain_steps(model.transformations, model.variables),
        "targets": chain_steps(model.transformations, model.targets, "Target", inverse=True),
    }
    for name, steps in chains.items():
        for number, (instruction, _, _) in enumerate(steps):
            arrays[f"{name}.steps.{number}.numbers"] = np.array(instruction.parameters, np.float64)
            arrays[f"{name}.steps.{number}.table"] = np.array(instruction.table, np.float32)
    return {**arrays, EXTRA_STATE: np.frombuffer(carried_text(model).encode(), np.uint8)}


def save_torch(model: Description, path: str | os.PathLike[str]) -> None:
    """Write a network for PyTorch: the state dict of `to_torch(model)`, with which `from_torch` brings it back.

    Parameters
    ----------
    model : Model
    path : path-like
        `.safetensors`, for which PyTorch is not needed, or `.pt`. It appears complete or not at all.

    Raises
    ------
    MissingExtraError
        If PyTorch, or for `.safetensors` that package, is not installed.
    DataError
        As `to_torch`, or for another suffix.
    OSError
        If the file cannot be written.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in (*PICKLED, SAFETENSORS):
        raise DataError(f"{os.fspath(path)}: expected a name that ends in .safetensors or .pt, found {suffix!r}")
    arrays = state_arrays(model)
    if suffix == SAFETENSORS:
        content = extras.safetensors().numpy.save(arrays, {"format": "pt", "made_by": METADATA})
        with atomic_path(path) as temporary:
            temporary.write_bytes(content)
        return
    torch = extras.torch()
    tensors = {name: torch.from_numpy(values.copy()) for name, values in arrays.items()}
    with atomic_path(path) as temporary:
        torch.save(tensors, temporary)

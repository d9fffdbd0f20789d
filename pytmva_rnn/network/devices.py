"""What there is to compute on, and which backend a training takes."""

from __future__ import annotations

import importlib
import os
import platform
from dataclasses import dataclass
from typing import Any

import llvmlite.binding

from pytmva_rnn import extras
from pytmva_rnn.compile import processor_name
from pytmva_rnn.errors import BackendError, MissingExtraError, TMVAError
from pytmva_rnn.kernels import Engine, engine_class

__all__ = ["Device", "backend_engine", "compiled_kernels", "cuda_devices", "cuda_problem", "hardware"]


@dataclass(frozen=True)
class Device:
    """A GPU.

    Attributes
    ----------
    number : int
    name : str
    capability : str
        Compute capability, such as "9.0".
    multiprocessors : int
    memory, free : int
        Bytes.
    """

    number: int
    name: str
    capability: str
    multiprocessors: int
    memory: int
    free: int


def simulated() -> bool:
    """Whether Numba's CUDA simulator stands in for a GPU (NUMBA_ENABLE_CUDASIM=1)."""
    return os.environ.get("NUMBA_ENABLE_CUDASIM", "0") not in ("", "0")


def cuda_problem() -> TMVAError | None:
    """Why `backend="cuda"` cannot be used here: the error that says so, or None if it can."""
    if simulated():
        return None
    try:
        extras.numba_cuda()
    except MissingExtraError as error:
        return error
    cuda = _cuda()
    if cuda.is_available() and len(cuda.gpus):
        return None
    return BackendError(
        "no NVIDIA GPU, or no driver for it, was found (nvidia-smi shows what the driver finds); "
        'use backend="cpu", or install the driver'
    )


def _cuda() -> Any:
    return importlib.import_module("numba.cuda")


def backend_engine(backend: str, *, mask_padding: bool = False) -> type[Engine]:
    """The Engine of a backend that can be used here, and that can leave out steps that are not there if it has to.

    Raises
    ------
    ValueError
        For an unknown backend.
    MissingExtraError
        For "cuda" without the package numba-cuda.
    BackendError
        For "cuda" without a GPU or its driver, or with `mask_padding`.
    """
    if backend == "cuda" and mask_padding:
        raise BackendError(
            'backend="cuda" cannot leave out steps that are not there (mask_padding): use backend="cpu" '
            "(Architecture=CPU)"
        )
    if backend == "cuda" and (problem := cuda_problem()) is not None:
        raise problem
    return engine_class(backend)


def hardware(backend: str) -> str:
    """What a backend computes on, for people: the kind of processor, on which the last bits may depend."""
    if backend == "cuda":
        devices = cuda_devices()
        return devices[0].name if devices else "Numba's CUDA simulator"
    name = processor_name() or llvmlite.binding.get_host_cpu_name()
    return f"{platform.machine()} {name}"


def compiled_kernels() -> dict[str, dict[str, int]]:
    """How many kernels of each kind are kept on disk, by the compute capability that they were compiled for."""
    if simulated():
        return {}
    try:
        extras.numba_cuda()
    except MissingExtraError:
        return {}
    kept: dict[str, dict[str, int]] = importlib.import_module(
        "pytmva_rnn.kernels.cuda.machine.kept_kernels"
    ).kept_kernels()
    return kept


def cuda_devices() -> list[Device]:
    """The GPUs that `backend="cuda"` can use; it takes the first, which CUDA_VISIBLE_DEVICES chooses."""
    if simulated() or cuda_problem() is not None:
        return []
    cuda = _cuda()
    found = []
    for gpu in cuda.gpus:
        with gpu:
            free, total = cuda.current_context().get_memory_info()
            device = cuda.get_current_device()
            name = device.name.decode() if isinstance(device.name, bytes) else device.name
            capability = ".".join(map(str, device.compute_capability))
            found.append(Device(int(device.id), name, capability, device.MULTIPROCESSOR_COUNT, total, free))
    return found

"""How the CUDA kernels are compiled and launched, and the sizes that fit the chip.

Under Numba's simulator (NUMBA_ENABLE_CUDASIM=1) each CUDA thread is a Python thread, so that blocks are small there.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numba
import numpy as np
from numba import config, cuda
from numba.cuda.cudadrv.driver import CudaAPIError
from numpy.typing import NDArray

SIMULATED = bool(config.ENABLE_CUDASIM)  # type: ignore[attr-defined]
THREADS = 4 if SIMULATED else 256
"""Threads of a block that works on independent elements, and the most of a recurrent layer's block."""

EVENTS = 2 if SIMULATED else 4
"""Events that a thread of a recurrent layer works on at once: each weight that it reads serves all of them."""

SHARED_FLOATS = 48 * 1024 // 4
"""Shared memory of a block: what every GPU grants without asking."""

# the batches of TMVA's trainings are small for a GPU; a warning at each launch would not make them larger
config.CUDA_LOW_OCCUPANCY_WARNINGS = 0  # type: ignore[attr-defined]

float32 = numba.float32

index = numba.uint64
"""Makes an index that Numba does not look at for -1 and the like, which in a step costs more than the equations."""


def switched_on(variable: str, *, otherwise: bool) -> bool:
    """Whether a variable of the environment is neither empty nor 0; `otherwise` where it is not set."""
    return os.environ.get(variable, str(int(otherwise))) not in ("", "0")


def kernel(function: Any, bounds: tuple[int, int] | None = None) -> Any:
    """Compile a function that is launched on a grid, if it is not kept on disk.

    Without fast-math: NaN and infinity stay exact. The bounds are the most threads of a block, and how many such blocks
    a multiprocessor is to have room for at once, for which a thread may get fewer registers.
    """
    options: dict[str, Any] = {} if SIMULATED or bounds is None else {"launch_bounds": bounds}
    compiled = cuda.jit(**options)(function)
    if not SIMULATED:
        from pytmva_rnn.kernels.cuda.machine.kept_kernels import KernelCache  # it wants the real compiler

        compiled._cache = KernelCache(function, bounds)
    return compiled


def device(function: Any) -> Any:
    """Compile a function that kernels call."""
    options: dict[str, Any] = {} if SIMULATED else {"forceinline": True}
    return cuda.jit(device=True, **options)(function)


def blocks_for(elements: int) -> int:
    """Blocks of `THREADS` threads for a number of elements; kernels stride, so that more elements do no harm."""
    return max(1, min(-(-elements // THREADS), 65535 if not SIMULATED else 2))


@cache
def multiprocessors() -> int:
    """Multiprocessors of the GPU in use."""
    return 1 if SIMULATED else int(cuda.get_current_device().MULTIPROCESSOR_COUNT)


@cache
def shared_bytes() -> int:
    """Bytes of shared memory that a block may have: more than every GPU grants, for kernels with `grant_shared`."""
    return 4 * SHARED_FLOATS if SIMULATED else int(cuda.get_current_device().MAX_SHARED_MEMORY_PER_BLOCK_OPTIN)


@cache
def shared_bytes_of_all() -> int:
    """Bytes of shared memory that the blocks of a multiprocessor may have together."""
    return 8 * SHARED_FLOATS if SIMULATED else int(cuda.get_current_device().MAX_SHARED_MEMORY_PER_MULTIPROCESSOR)


def grant_shared(kernel: Any, arguments: tuple[Any, ...], size: int) -> None:
    """Let launches of a kernel have so many bytes of shared memory, which beyond what every GPU grants are asked for.

    Raises
    ------
    RuntimeError
        If the driver refuses.
    """
    if SIMULATED or size <= 4 * SHARED_FLOATS:
        return
    known = kernel, cuda.get_current_device().id
    if _granted.get(known, 0) >= size:
        return
    compiled = kernel.compile(tuple(kernel.typeof_pyval(argument) for argument in arguments))
    function = compiled._codelibrary.get_cufunc()
    driver = importlib.import_module("cuda.bindings.driver")
    attribute = driver.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
    if isinstance(function.handle, driver.CUkernel):
        (code,) = driver.cuKernelSetAttribute(attribute, size, function.handle, function.device.id)
    else:
        (code,) = driver.cuFuncSetAttribute(function.handle, attribute, size)
    if int(code) != 0:
        raise RuntimeError(f"the GPU does not grant a block {size:,} bytes of shared memory: {code}")
    _granted[known] = size


_granted: dict[tuple[Any, int], int] = {}
"""Bytes of shared memory by kernel and device, beyond what every GPU grants."""


def free_memory() -> int:
    """Bytes of the GPU's memory that are free, with those of arrays that are no longer used."""
    if SIMULATED:
        return 1 << 34
    context = cuda.current_context()
    # numba-cuda's own manager puts it off; another that the user has chosen may not
    pending = getattr(context.memory_manager, "deallocations", None)
    if pending is not None:
        pending.clear()
    return int(context.get_memory_info()[0])


def upload(array: NDArray[Any], dtype: Any = np.float32) -> Any:
    """A copy of an array on the device, which launches on any stream find."""
    array = np.ascontiguousarray(array, dtype)
    with _needing(array.nbytes):
        copy = cuda.to_device(array)
    # a default stream of the thread's own is waited for by no other
    cuda.synchronize()
    return copy


def empty(shape: int | tuple[int, ...], dtype: Any = np.float32) -> Any:
    """An array on the device, of any values."""
    with _needing(int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize):
        return cuda.device_array(shape, dtype)


def zeros(shape: int | tuple[int, ...], dtype: Any = np.float32) -> Any:
    """Zeros on the device."""
    return upload(np.zeros(shape, dtype), dtype)


def pinned(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """float32 of the host, of any values, in memory that the device copies from by itself."""
    with _needing(4 * int(np.prod(shape, dtype=np.int64))):
        array: NDArray[np.float32] = cuda.pinned_array(shape, np.float32)
    return array


def event() -> Any:
    """A CUDA event that measures no time."""
    return cuda.event() if SIMULATED else cuda.event(timing=False)  # type: ignore[call-arg]


@contextmanager
def _needing(size: int) -> Iterator[None]:
    """Turn the driver's complaint about too little memory into a MemoryError."""
    try:
        yield
    except CudaAPIError as error:
        # CUDA_ERROR_OUT_OF_MEMORY
        if int(getattr(error, "code", 0)) != 2:
            raise
        raise MemoryError(
            f"the GPU has {free_memory() / 2**20:,.0f} MiB free, and {size / 2**20:,.1f} MiB more are needed"
        ) from error

"""A driver that does nothing, in place of NVIDIA's: what numba-cuda and the engine do on the host, without a GPU.

Kernels are compiled for real, their launches are typed and their arguments packed; copies and launches do nothing.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np

__all__ = ["install"]

_CAPABILITY = (9, 0)

_GIVING = ("cuStreamCreate", "cuStreamEndCapture", "cuGraphInstantiate")
"""The functions that give something."""


class _Memory:
    """Memory of a device that is not there."""

    __cuda_memory__ = True

    def __init__(self, address: int, size: int) -> None:
        self.size = size
        self.device_pointer_value = address
        self.device_ctypes_pointer = ctypes.c_void_p(address)

    def view(self, start: int, stop: int | None = None) -> _Memory:
        return _Memory(self.device_pointer_value + start, (stop or self.size) - start)


class _Stream:
    handle = 16

    def __int__(self) -> int:
        return self.handle

    def synchronize(self) -> None: ...


class _Event:
    def record(self, stream: Any = 0) -> None: ...
    def wait(self, stream: Any = 0) -> None: ...
    def synchronize(self) -> None: ...


class _Context:
    memory_manager = SimpleNamespace(deallocations=None)

    def __init__(self, device: Any) -> None:
        self.device = device
        self._next = 1 << 32

    def memalloc(self, size: int) -> _Memory:
        address = self._next
        self._next += (size + 511) // 512 * 512
        return _Memory(address, size)

    def memhostalloc(self, size: int) -> Any:
        return np.empty(size, np.uint8)

    def get_memory_info(self) -> tuple[int, int]:
        return 1 << 36, 1 << 36

    def synchronize(self) -> None: ...
    def get_default_stream(self) -> int:
        return 0

    def create_stream(self) -> _Stream:
        return _Stream()

    def create_external_stream(self, handle: int) -> _Stream:
        return _Stream()

    def create_event(self, timing: bool = True) -> _Event:
        return _Event()

    @contextlib.contextmanager
    def defer_cleanup(self) -> Iterator[None]:
        yield


class _Driver:
    """The driver's own functions, which graphs use."""

    CUstreamCaptureMode = SimpleNamespace(CU_STREAM_CAPTURE_MODE_RELAXED=2)
    CUstream_flags = SimpleNamespace(CU_STREAM_NON_BLOCKING=1)
    CUfunction_attribute = SimpleNamespace(CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES=8)
    CUstream = CUkernel = int

    def __init__(self, calls: Counter[str]) -> None:
        self._calls = calls

    def __getattr__(self, name: str) -> Callable[..., tuple[int, ...]]:
        def call(*arguments: Any) -> tuple[int, ...]:
            self._calls[name] += 1
            return (0, 16) if name in _GIVING else (0,)

        # looked for once
        vars(self)[name] = call
        return call


def install() -> Counter[str]:
    """Take the driver's place in this process for good; returns the counts of what it is asked for from then on.

    Before anything of `pytmva_rnn.kernels.cuda` is imported, and not where there is a GPU to be used afterwards.
    """
    from numba import cuda
    from numba.cuda import api, codegen, dispatcher
    from numba.cuda.cudadrv import devices, driver

    # of a package that is not everywhere, and has no types
    ParamHolder: Any = importlib.import_module("cuda.core._kernel_arg_handler").ParamHolder
    calls: Counter[str] = Counter()
    device = SimpleNamespace(
        compute_capability=_CAPABILITY,
        id=0,
        name=b"none",
        MULTIPROCESSOR_COUNT=132,
        MAX_SHARED_MEMORY_PER_BLOCK_OPTIN=227 << 10,
        MAX_SHARED_MEMORY_PER_MULTIPROCESSOR=228 << 10,
    )
    function = SimpleNamespace(kernel=None, handle=1, device=device)
    context = _Context(device)

    @contextlib.contextmanager
    def attached() -> Iterator[None]:
        yield

    def counted(name: str) -> Callable[..., None]:
        def call(*arguments: Any, **options: Any) -> None:
            calls[name] += 1

        return call

    def launch(stream: Any, config: Any, kernel: Any, *arguments: Any) -> None:
        calls["launch"] += 1
        ParamHolder(arguments)

    for place, names in (
        (dispatcher, {"get_current_device": lambda: device, "launch": launch}),
        (dispatcher._Kernel, {"bind": lambda self: None}),
        (codegen.CUDACodeLibrary, {"get_cufunc": lambda self: function}),
        (cuda, {"get_current_device": lambda: device, "current_context": lambda *_: context}),
        (cuda, {"is_available": lambda: True, "gpus": [device]}),
        (api, {"get_current_device": lambda: device, "current_context": lambda *_: context}),
        (devices, {"get_context": lambda *_: context}),
        (devices._runtime, {"ensure_context": attached}),
        (driver, {"_to_core_stream": lambda stream: stream}),
        (driver, {name: counted(name) for name in ("host_to_device", "device_to_host", "device_to_device")}),
    ):
        for name, value in names.items():
            setattr(place, name, value)
    sys.modules["cuda.bindings.driver"] = _Driver(calls)  # type: ignore[assignment]
    return calls

"""Numba's CUDA simulator, quicker and stricter: of a block's threads one runs at a time, as far as the next barrier.

Numba lets all of them run at once, waiting for one another all the time. Here they take turns, in an order that is
drawn anew after each barrier: who reads what another thread writes before the same barrier gets now the old value and
now the new one. Shared and local memory begin as NaN, and kernels get plain arrays, which Python is quicker with.
"""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import cuda
from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray
from numba.cuda.simulator.kernel import normalize_kernel_dimensions
from numba.cuda.simulator.kernelapi import Dim3, FakeCUDAModule
from numba.np import numpy_support


class Ended(BaseException):
    """Takes a thread out of a kernel in which another one has failed."""


class Thread(threading.Thread):
    """Runs CUDA threads, one after another."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        # each is held until the other side has something to say
        self._turn, self._over = threading.Lock(), threading.Lock()
        self._turn.acquire()
        self._over.acquire()
        self._work: Callable[[], None] | None = None
        self._error: BaseException | None = None
        self._unwanted = False
        self.start()

    def begin(self, work: Callable[[], None]) -> None:
        """Take a CUDA thread, which does not run yet."""
        self._work, self._error, self._unwanted = work, None, False

    def go_on(self) -> bool:
        """Run to the next barrier, or to the end; returns whether it was a barrier."""
        self._turn.release()
        self._over.acquire()
        if self._error is not None:
            raise self._error
        return self._work is not None

    def leave(self) -> None:
        """Run no further."""
        self._unwanted = True
        while self._work is not None:
            self._turn.release()
            self._over.acquire()

    def wait(self) -> None:
        """Be at a barrier; the thread itself calls this."""
        self._over.release()
        self._turn.acquire()
        if self._unwanted:
            raise Ended

    def run(self) -> None:
        while True:
            self._turn.acquire()
            assert self._work is not None
            try:
                if not self._unwanted:
                    self._work()
            except Ended:
                pass
            except BaseException as error:
                self._error = error
            self._work = None
            self._over.release()


def _unknown(shape: Any, dtype: Any) -> Any:
    """Memory that nobody has written to."""
    return np.full(shape, np.nan, numpy_support.as_dtype(dtype))


class Shared:
    """Shared memory of a block, `size` bytes of it for the array without a shape."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._arrays: dict[Any, Any] = {}

    def array(self, shape: Any, dtype: Any) -> Any:
        """The array that this line of the source asks for."""
        caller = sys._getframe(1)
        line = caller.f_code, caller.f_lineno
        if line not in self._arrays:
            self._arrays[line] = _unknown(shape or self._size // numpy_support.as_dtype(dtype).itemsize, dtype)
        return self._arrays[line]


class Local:
    """Memory of a thread."""

    array = staticmethod(_unknown)


class Module(FakeCUDAModule):
    """What a kernel finds under the name `cuda`."""

    blockIdx: Any = None
    threadIdx: Any = None
    shared: Any = None
    local: Any = Local()
    thread: Any = None

    def syncthreads(self) -> None:
        self.thread.wait()


class Simulator:
    """Runs kernels, one at a time."""

    def __init__(self) -> None:
        self._threads: list[Thread] = []
        self._random = random.Random(1)
        self._module: Module | None = None
        self._swapped: list[dict[str, Any]] = []

    def call(self, function: Any, *arguments: Any) -> Any:
        """Launch a kernel, or in a kernel call a function."""
        if self._module is not None:
            self._swap(function, self._module)
            return function.fn(*arguments)
        grid, block = normalize_kernel_dimensions(function.grid_dim, function.block_dim)
        arrays = [a._ary if isinstance(a, FakeCUDAArray) else a for a in arguments]
        self._module = Module(grid, block, 0)
        try:
            self._swap(function, self._module)
            for place in np.ndindex(*grid):
                self._module.blockIdx, self._module.shared = Dim3(*place), Shared(function.dynshared_size)
                self._run_block(self._module, block, lambda: function.fn(*arrays))
        finally:
            for names in self._swapped:
                names["cuda"] = cuda
            self._swapped.clear()
            self._module = None
        return None

    def _swap(self, function: Any, module: Module) -> None:
        """Let a function of a Python module find our `cuda`."""
        names = function.fn.__globals__
        if names.get("cuda") is cuda:
            names["cuda"] = module
            self._swapped.append(names)

    def _run_block(self, module: Module, block: tuple[int, ...], work: Callable[[], None]) -> None:
        places = list(np.ndindex(*block))
        self._threads += [Thread() for _ in range(len(places) - len(self._threads))]
        running = [(thread, Dim3(*place)) for thread, place in zip(self._threads, places, strict=False)]
        for thread, _ in running:
            thread.begin(work)
        try:
            while running:
                self._random.shuffle(running)
                waiting = []
                for thread, place in running:
                    module.thread, module.threadIdx = thread, place
                    if thread.go_on():
                        waiting.append((thread, place))
                running = waiting
        except BaseException:
            for thread, _ in running:
                thread.leave()
            raise


_SIMULATOR = Simulator()


def call(function: Any, *arguments: Any) -> Any:
    """What Numba's `FakeCUDAKernel.__call__` does, with one simulator for all tests."""
    return _SIMULATOR.call(function, *arguments)

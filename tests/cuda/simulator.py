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
    """Runs CUDA threads, one after another, each in a block."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.block: Block
        self.turn = threading.Lock()
        self.turn.acquire()
        self.start()

    def run(self) -> None:
        while True:
            self.turn.acquire()
            self.block.run_thread()


class Block:
    """The threads of a block, of which one runs; it passes its turn on at a barrier and at its end.

    Parameters
    ----------
    module : Module
        Where the threads find their numbers.
    work : callable
        What each of them does.
    threads : list of (thread, its place in the block)
    generator : random.Random
    """

    def __init__(
        self, module: Module, work: Callable[[], None], threads: list[tuple[Thread, Dim3]], generator: random.Random
    ) -> None:
        self._module, self._work, self._random = module, work, generator
        self._at_barrier, self._coming = threads, list[tuple[Thread, Dim3]]()
        self._now = threads[0]
        self._error: BaseException | None = None
        self._over = threading.Lock()
        self._over.acquire()
        for thread, _ in threads:
            thread.block = self

    def run(self) -> None:
        """Run them all to their ends."""
        self._pass_on()
        self._over.acquire()
        if self._error is not None:
            raise self._error

    def run_thread(self) -> None:
        """What the thread does whose turn comes first."""
        try:
            if self._error is None:
                self._work()
        except Ended:
            pass
        except BaseException as error:
            self._error = error
        self._pass_on()

    def wait(self) -> None:
        """The barrier, called by the thread that runs."""
        now = self._now
        self._at_barrier.append(now)
        self._pass_on()
        now[0].turn.acquire()
        if self._error is not None:
            raise Ended

    def _pass_on(self) -> None:
        """Let another thread run, or perhaps this one again: its own `turn` tells it to."""
        if not self._coming:
            self._coming, self._at_barrier = self._at_barrier, []
            self._random.shuffle(self._coming)
        if self._coming:
            self._now = self._coming.pop()
            thread, self._module.threadIdx = self._now
            thread.turn.release()
        else:
            self._over.release()


def _unknown(shape: Any, dtype: Any) -> Any:
    """Memory that nobody has written to: NaN, or places that no array has."""
    kind = numpy_support.as_dtype(dtype)
    return np.full(shape, np.nan if kind.kind == "f" else np.iinfo(kind).max, kind)


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
    block: Any = None

    def syncthreads(self) -> None:
        self.block.wait()


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
        threads = [(thread, Dim3(*place)) for thread, place in zip(self._threads, places, strict=False)]
        module.block = Block(module, work, threads, self._random)
        module.block.run()


_SIMULATOR = Simulator()


def call(function: Any, *arguments: Any) -> Any:
    """What Numba's `FakeCUDAKernel.__call__` does, with one simulator for all tests."""
    return _SIMULATOR.call(function, *arguments)

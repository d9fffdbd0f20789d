"""What the machine can do at most, measured, and how near the kernels come to it.

The two limits are those of S. Williams, A. Waterman and D. Patterson, "Roofline: an insightful visual performance
model", CACM 52 (2009) 65: the peak rate of multiply-adds, and the memory's bandwidth.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import Barrier
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils as _cgutils
from numba.extending import intrinsic as _intrinsic

from bench.cases import CaseData
from bench.elementwise import elementwise_operations
from pytmva_rnn.description import Recurrent
from pytmva_rnn.kernels.cpu.machine.lanes import WIDTH

__all__ = ["Peaks", "Work", "highest", "measure_peaks", "work_of"]

cgutils: Any = _cgutils
intrinsic: Any = _intrinsic
njit: Any = numba.njit

_CHAINS = 12
"""Independent sums: more than latency times units of today's CPUs, fewer than the registers of any."""

_VECTOR = ir.VectorType(ir.FloatType(), WIDTH)


def _emit_chains(_: Any, start: Any, count: Any) -> Any:
    """`count` rounds of one vector multiply-add on each chain; returns a sum that depends on all of them."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        start, count = arguments
        zero = ir.Constant(ir.IntType(32), 0)
        undefined = ir.Constant(_VECTOR, ir.Undefined)
        scalar = builder.insert_element(undefined, start, zero)
        mask = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH)
        x = builder.shuffle_vector(scalar, undefined, mask)
        kind = ir.FunctionType(_VECTOR, [_VECTOR] * 3)
        fma = cgutils.get_or_insert_function(builder.module, kind, f"llvm.fma.v{WIDTH}f32")
        slots = [cgutils.alloca_once_value(builder, x) for _ in range(_CHAINS)]
        with cgutils.for_range(builder, count):
            for slot in slots:
                # towards start/(1 - start): neither overflow nor denormal numbers
                builder.store(builder.call(fma, [builder.load(slot), x, x]), slot)
        total = builder.load(slots[0])
        for slot in slots[1:]:
            total = builder.fadd(total, builder.load(slot))
        return builder.extract_element(total, zero)

    return types.float32(types.float32, types.int64), emit


_chains = intrinsic(_emit_chains)


def _sum_of_chains(start: Any, count: Any) -> Any:
    return _chains(start, count)


def _stream_triad(a: Any, b: Any, c: Any, repetitions: Any) -> None:
    """The triad of J. McCalpin's STREAM, `a = b + s c`, with another s each time so that no repetition is spared."""
    for k in range(repetitions):
        scale = np.float32(0.5 + 0.25 * (k & 1))
        for i in range(len(a)):
            a[i] = b[i] + scale * c[i]


_multiply_adds = njit(cache=True, nogil=True)(_sum_of_chains)
_triad = njit(cache=True, nogil=True, error_model="numpy", fastmath=True)(_stream_triad)


@dataclass(frozen=True)
class Peaks:
    """Measured limits of some threads, or of a GPU.

    Attributes
    ----------
    threads : int
        0 for a GPU.
    flops : float
        float32 operations a second, two for each multiply-add, of all threads together.
    bandwidth : float
        Bytes a second to and from memory of all threads together.
    working_set : int
        Bytes that the bandwidth was measured on.
    step : float
        Seconds of a step that needs the one before it, on a GPU: a multiply-add, a sigmoid, and what threads tell one
        another between them.
    """

    threads: int
    flops: float
    bandwidth: float
    working_set: int
    step: float = 0.0


def highest(found: Sequence[Peaks]) -> Peaks:
    """The limits on the same number of threads, from what was measured at several times."""
    flops, bandwidth = max(each.flops for each in found), max(each.bandwidth for each in found)
    return replace(found[0], flops=flops, bandwidth=bandwidth, step=min(each.step for each in found))


def measure_peaks(
    threads: int, *, working_set: int = 3 << 27, seconds: float = 0.01, bursts: int = 50, rounds: int = 5
) -> Peaks:
    """Measure peak rate and bandwidth; the best of some rounds, as a limit is no average.

    Parameters
    ----------
    threads : int
    working_set : int
        Bytes of memory to use in all; should be several times the last cache.
    seconds : float
        About how long one burst of multiply-adds takes.
    bursts : int
        Of multiply-adds.
    rounds : int
        Through the memory.
    """
    start = np.float32(0.5)
    trial = 1 << 22
    _multiply_adds(start, 1)
    count = max(1, int(trial * seconds / _timed(lambda _: _multiply_adds(start, trial), 1)))
    fastest = min(_timed(lambda _: _multiply_adds(start, count), threads) for _ in range(bursts))
    length = working_set // (12 * threads)
    arrays = [tuple(np.full(length, k + 1, np.float32) for k in range(3)) for _ in range(threads)]
    _triad(*(array[:1] for array in arrays[0]), 1)
    quickest = min(_timed(lambda thread: _triad(*arrays[thread], 2), threads) for _ in range(rounds))
    return Peaks(
        threads,
        2.0 * WIDTH * _CHAINS * count * threads / fastest,
        2.0 * 12 * length * threads / quickest,
        12 * length * threads,
    )


def _timed(function: Callable[[int], object], threads: int) -> float:
    """Seconds until all threads are done with `function(thread)`."""
    barrier = Barrier(threads + 1)

    def run(thread: int) -> None:
        barrier.wait()
        function(thread)

    with ThreadPoolExecutor(threads) as pool:
        done = [pool.submit(run, thread) for thread in range(threads)]
        barrier.wait()
        started = time.perf_counter()
        for each in done:
            each.result()
        return time.perf_counter() - started


@dataclass(frozen=True)
class Work:
    """What a call cannot do without.

    Attributes
    ----------
    flops : int
        Operations of the matrix products, two for each multiply-add.
    bytes : int
        What is read and written at least: events, scores, weights, and the optimizer's moments.
    steps : int
        Of recurrent layers, one after another, forward and back.
    elementwise : int
        Operations of the cells' equations and of activation functions; see `elementwise`.
    """

    flops: int
    bytes: int
    steps: int = 0
    elementwise: int = 0

    def floors(self, peaks: Peaks) -> dict[str, float]:
        """Seconds that a GPU needs at least for the bytes, for the operations, and for the steps in turn."""
        return {
            "bytes": self.bytes / peaks.bandwidth,
            "operations": self.flops / peaks.flops,
            "latency": self.steps * peaks.step,
        }

    def of_rate(self, peaks: Peaks, seconds: float) -> float:
        """Part of the peak rate of multiply-adds that the products of a call of so many seconds reach."""
        return self.flops / seconds / peaks.flops

    def of_rate_in_all(self, peaks: Peaks, seconds: float) -> float:
        """Part of the peak rate that all operations reach, those of the equations too."""
        return (self.flops + self.elementwise) / seconds / peaks.flops

    def of_bandwidth(self, peaks: Peaks, seconds: float) -> float:
        """Part of the memory's bandwidth that it would take if nothing came from a cache: it may exceed 1."""
        return self.bytes / seconds / peaks.bandwidth


def work_of(problem: CaseData, what: str) -> Work:
    """Work of a "train", "infer" or "one" call.

    Backward, each product is made twice more, for the gradients of the weights and of what they are multiplied with;
    but the gradient of the network's own input is not needed. Not counted are biases, loss and optimizer.
    """
    events = 1 if what == "one" else len(problem.X)
    forward = backward = parameters = in_turn = elementwise = 0
    for layer in problem.model.layers:
        steps = getattr(layer, "time_steps", 1)
        in_turn += steps if isinstance(layer, Recurrent) else 0
        elementwise += elementwise_operations(layer, backward=what == "train")
        for name, (rows, columns) in layer.weight_shapes().items():
            parameters += rows * columns
            if name.startswith(("W", "U")):
                products = rows * columns * steps
                forward += products
                # the recurrent layer is the first, so that only its U passes a gradient on
                backward += products if isinstance(layer, Recurrent) and name.startswith("W") else 2 * products
    count = forward + (backward if what == "train" else 0)
    # an update reads and writes weights and two moments
    traffic = 4 * events * (problem.case.steps * problem.case.inputs + 1) + 4 * parameters * (
        6 if what == "train" else 1
    )
    in_turn *= 2 if what == "train" else 1
    return Work(2 * events * count, traffic, in_turn, events * elementwise)

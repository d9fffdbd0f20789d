"""The simulator that the other tests here run under: what is wrong with a kernel shows."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from numba import cuda

from pytmva_rnn.network.devices import simulated

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not simulated(), reason="tests the simulator")]


def rotated(barrier: bool, value: float) -> list[float]:
    """What each thread of a block reads of the next one's place in shared memory."""

    @cuda.jit
    def kernel(given, out, waits):  # type: ignore[no-untyped-def]
        shared = cuda.shared.array(3, numba.float32)
        thread = cuda.threadIdx.x
        shared[thread] = given[thread]
        if waits:
            cuda.syncthreads()
        out[thread] = shared[(thread + 1) % 3]

    out = cuda.device_array(3, np.float32)
    kernel[1, 3](cuda.to_device(np.array([value, 1, 2], np.float32)), out, barrier)
    return [float(each) for each in out.copy_to_host()]


def test_a_missing_barrier_is_seen() -> None:
    assert {tuple(rotated(True, 0)) for _ in range(20)} == {(1, 2, 0)}
    assert any(np.isnan(rotated(False, 0)).any() for _ in range(20))


def test_an_error_in_one_thread_ends_the_launch() -> None:
    @cuda.jit
    def kernel(out):  # type: ignore[no-untyped-def]
        if cuda.threadIdx.x == 1:
            out[5] = 1
        cuda.syncthreads()
        out[0] = 1

    out = cuda.to_device(np.zeros(2, np.float32))
    for _ in range(3):
        with pytest.raises(IndexError, match="out of bounds"):
            kernel[2, 3](out)
    assert out.copy_to_host()[0] == 0
    assert rotated(True, 7) == [1, 2, 7]

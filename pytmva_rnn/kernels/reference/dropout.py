"""Dropout (Srivastava et al. 2014) of a layer's input, with a mask made from a counter.

Element j of event i of a batch is dropped where a hash of (key, i*n + j), with n elements an event, falls below the
probability, so that a mask depends on its key alone and not on threads or the order of work. The hash is MurmurHash3's
32 bit finaliser on a Weyl sequence.
"""

from __future__ import annotations

from math import prod

import numpy as np

from pytmva_rnn.kernels.reference.machine.recurrent import Array


def mask(shape: tuple[int, ...], probability: float, key: int) -> Array:
    """Factors of inputs of a shape (B, T, D): 0 with the given probability, else 1/(1 - probability)."""
    x = np.arange(prod(shape), dtype=np.uint32) * np.uint32(0x9E3779B9) + np.uint32(key)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x85EBCA6B)
    x ^= x >> np.uint32(13)
    x *= np.uint32(0xC2B2AE35)
    x ^= x >> np.uint32(16)
    keep = x >= np.uint32(min(probability * 2**32, 2**32 - 1))
    return (keep / (1 - probability)).reshape(shape)

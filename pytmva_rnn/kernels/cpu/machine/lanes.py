"""How many floats a vector register of this CPU holds, and how many events, a lane each, make a block."""

from __future__ import annotations

import llvmlite.binding
from numba import config

__all__ = ["LANES", "VECTORS", "WIDE", "WIDTH"]


def _vector_width() -> int:
    """Floats in a vector register of the CPU that Numba compiles for."""
    chosen: str | None = config.CPU_FEATURES  # type: ignore[attr-defined]
    if chosen is not None:
        features = set(chosen.split(","))
    else:
        features = {f"+{name}" for name, on in llvmlite.binding.get_host_cpu_features().items() if on}
    return 16 if "+avx512f" in features else 8 if "+avx" in features else 4


WIDTH = _vector_width()
VECTORS = 2
LANES = VECTORS * WIDTH
"""Events in a block: two vectors, so that each weight that is read serves two multiply-adds."""
WIDE = 2 if WIDTH == 8 else 4
"""Vectors of units that a tile of one event takes: four gates of them must fit in the CPU's registers."""

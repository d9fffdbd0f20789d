"""What this CPU's vector registers hold and can do, and how many events, a lane each, make a block."""

from __future__ import annotations

import platform

import llvmlite.binding

from pytmva_rnn.compile import processor_features

__all__ = ["FUSES", "LANES", "VECTORS", "WIDTH"]


def _features() -> set[str]:
    """Of the CPU that is compiled for, as LLVM spells them."""
    chosen = processor_features()
    if chosen is not None:
        return set(chosen.split(","))
    return {f"+{name}" for name, on in llvmlite.binding.get_host_cpu_features().items() if on}


_FEATURES = _features()
WIDTH = 16 if "+avx512f" in _FEATURES else 8 if "+avx" in _FEATURES else 4
"""Floats in a vector register."""
FUSES = not {"+fma", "+avx512f"}.isdisjoint(_FEATURES) or platform.machine().lower() not in ("x86_64", "amd64", "i686")
"""Whether a product and a sum are one instruction, rounded once: everywhere but on older x86."""
VECTORS = 2
LANES = VECTORS * WIDTH
"""Events in a block: two vectors, so that each weight that is read serves two multiply-adds."""

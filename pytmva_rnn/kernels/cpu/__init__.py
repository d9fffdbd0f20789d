"""Numba kernels, float32: events are the lanes of SIMD registers, in blocks that stay in cache.

`simd.py`, `tiles.py` and `matrix.py` hold the building blocks, `op.py` the layout of memory, one file a layer its
`plan` (what memory it wants), `forward` and `backward` on one block and `forward_one` on one event, `program.py` the
walk over layers and blocks, `engine.py` the front.
"""

"""Compiled kernels, float32: events are the lanes of SIMD registers, in blocks that stay in cache.

Each layer's file has

- the type of its own record (`op.record_type`): where its weights and its memory lie,
- `plan(layer, plan, number)`, which asks a `Plan` for that memory and adds the layer's operation, and
- the operations `forward` and `backward` on one block of events and `forward_one` on one event, functions of the
  addresses of two records: OP, with the sizes and places that all layers have, and FRAME, with the block.

`register_layer` in `layers/` enters `plan` in the table; penalties, decays and dropout are read from what the layer's
description declares.

In `machine/`, `op.py` says how memory is laid out, `plan.py` gives places in it, `program.py` walks over operations and
blocks, `vector.py`, `simd.py`, `tiles.py` and `matrix.py` hold the building blocks, `columns.py` and `panels.py` those
of one event, and `recurrent.py` what layers with states share. `inference.py` and `descent.py` are what batches are
scored by and trained with, `alone.py` and `single.py` what single events are, and `finishing.py` makes scores of
outputs. `engine.py` is the front.
"""

"""The layers on an NVIDIA GPU with numba-cuda, float32.

A recurrent layer is one product for the inputs of all steps (`products.py`) and one launch that walks through the
steps, a block of threads for a tile of events: with the recurrent weights in registers for up to 128 hidden units
(`resident.py`), else in shared memory where they fit, or read in every step (`steps.py`, or on tensor cores, where they
are asked for, `tensor_steps.py`). Activations lie as (events, steps, width), so that a reshape moves nothing. Gradients
of weights are summed by blocks of rows (`partials.py`) and then in a fixed order, the same on every GPU: no result
depends on which thread came first.

Each layer's file has its equations, and a `Part` (`layer.py`) with

- `plan(layer, weights, memory, x)`, which asks for device memory, and
- `forward(run)` and `backward(run)`, which launch the kernels.

A layer whose states go from step to step needs its `Equations` only: its part is a `RecurrentPart` that has them as
`cell`. `register_layer` in `layers/` enters the part in the table; penalties, states and dropout are read from what
the layer's description declares.

A network so small that its launches take longer than its arithmetic has one kernel for all of it: `small/`.

What differs from batch to batch is in the device's memory (`schedule.py`), so that the launches of a batch are made
once and repeated by a CUDA graph (`batches.py`, `graphs.py`); so are those of a sample's inference (`inference.py`).
Events that stay on the host come through two pinned buffers, beside the computation (`staging.py`). The host waits for
the device once an epoch.

`python -m pytest -m gpu` tests on a GPU, and under `compute-sanitizer --tool memcheck --error-exitcode 1`, then
`--tool racecheck`, looks for accesses beyond arrays and for races; `python tools/bench --device cuda` measures the
speed, and `python tools/bench/launching.py`, without a GPU, what the host does for it.
"""

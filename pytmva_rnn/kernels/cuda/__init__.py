"""The layers on an NVIDIA GPU with numba-cuda, float32.

A recurrent layer is one product for the inputs of all steps (`products.py`) and one launch that walks through the
steps, a block of threads for a tile of events, the recurrent weights in shared memory where they fit. Activations lie
as (events, steps, width), so that a reshape moves nothing. Gradients of weights are summed by blocks of rows and then
in a fixed order: no result depends on which thread came first.

Each layer's file has the kernels, which read as the equations, and a `Part` (`layer.py`) with

- `plan(layer, weights, memory, x)`, which asks for device memory, and
- `forward(run)` and `backward(run)`, which launch the kernels.
"""

"""The definition of every layer in NumPy, float64: forward and backward, as clear as the equations.

Each layer's file has

- `forward(layer, p, x, memory, training) -> (y, cache)` and
- `backward(layer, p, cache, dy) -> (dx, gradients)`

for activations x, y of shape (B, T, D), parameters p and gradients by name, and `memory`, a dictionary that lasts from
batch to batch.
"""

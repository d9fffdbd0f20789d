"""A network as a table of operations, and the memory that they share.

A record holds an operation's sizes, the places of its data and the addresses of its functions; compiled code walks the
table. Places are offsets that count floats, from addresses that a frame holds.

- Each thread (with batch normalisation: each block) owns a slot of scratch memory with all activations of a block.
  Activations are [step][row][LANES] and every step ends with a row of ones, so that a bias is a weight like the others.
- Gradients of activations are contiguous, [step][row][LANES], without that row.
- Weights are one flat array of matrices [input][output], rows padded to whole vectors.
"""

from __future__ import annotations

import numpy as np

from pytmva_rnn.compile import array_at, kernel
from pytmva_rnn.kernels.cpu.machine.lanes import WIDTH

_INTEGERS = (
    "layer",  # number in the layout
    "forward",  # addresses of its functions, 0 for none
    "backward",
    "pack",  # refreshes what the operation keeps of the weights in an order of its own
    "add_sums",  # batch normalisation: see there
    "finish_sums",
    "add_gradient_sums",
    "finish_gradient_sums",
    "spread_gradient",
    "T",  # steps read
    "D",  # rows of a step, without the row of ones
    "H",  # units: rows of an output step
    "sequence",  # returns every state
    "remember",
    "variant",  # activation of a dense layer; 1 for a GRU with the reset gate after
    "training",
    "x",  # input activations and the distance of their steps
    "x_step",
    "y",  # output activations
    "y_step",
    "slots",  # steps that a recurrent layer keeps: T+1, or 2 that it uses in turn
    "dy",  # gradient of the output
    "dx",  # where to put the gradient of the input; -1: not needed
    "saved",  # what the forward pass keeps for the backward pass
    "saved_step",
    "cell",  # an LSTM's cell states
    "work",  # scratch of one step
    "transposed",  # gate gradients [step][lane][gate]
    "transposed_stride",
    "chunk",  # steps whose gate gradients are kept before they are multiplied into the weights' gradient
    "w",  # weights of the inputs and the bias
    "w_stride",
    "u",  # weights of the states
    "u_stride",
    "v",  # a GRU's candidate weights of the states
    "v_stride",
    "packed",  # weights in the order of the fused step
    "packed_v",
    "state",  # remembered states, within a block's share
    "statistics",  # batch normalisation: running mean and variance; batch sums lie at the same place of their array
)
OP = np.dtype(
    [(name, np.int64) for name in _INTEGERS]
    + [("probability", np.float64), ("momentum", np.float64), ("epsilon", np.float64)],
    align=True,
)

FRAME = np.dtype(
    [
        (name, np.int64)
        for name in (
            "scratch",  # addresses: the slot's scratch memory
            "weights",
            "packed",
            "gradient",  # the thread's, flat like the weights
            "states",  # what the block remembers
            "statistics",  # float64: running mean and variance
            "batch",  # float64: mean and scale of the batch
            "totals",  # float64: sums of the backward pass over the batch
            "sums",  # float64: the block's share of either; where they are finished, the first block's
            "sums_stride",  # values from one block's to the next
            "X",  # all events (n, T*D), targets (n, O) and weights (n,)
            "y",
            "w",
            "x_gradient",  # (batch, T*D)
            "events",  # int64: LANES numbers of the block's events in X; lanes without an event repeat the last
            "loss",  # float64: sum so far
            "block",  # number of the block
            "count",  # its events
            "vectors",  # vectors of lanes that hold them: the others are left out where that saves much, and never read
            "blocks",  # blocks and events of the batch
            "n",
            "batches",  # batches since the last inference
            "key",  # of dropout
        )
    ],
    align=True,
)
"""What an operation finds besides its own record."""


@kernel
def floats(address, n):
    """float32 array of n values at an address."""
    return array_at(address, n, np.float32)


@kernel
def copy_floats(target, source, n):
    """Copy n values from one address to another; assigning slices would compile the text of an error, for seconds."""
    to, of = floats(target, n), floats(source, n)
    for k in range(n):
        to[k] = of[k]


@kernel
def doubles(address, n):
    """float64 array of n values at an address."""
    return array_at(address, n, np.float64)


@kernel
def padded(n):
    """n rounded up to whole vectors."""
    return -(-n // WIDTH) * WIDTH

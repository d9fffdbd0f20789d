"""One kernel for a small network: all its weights, and some events' numbers, lie in each block's shared memory.

The typical network of TMVA's users is so small that what lies between the kernels of its layers, launches and the way
to global memory and back, takes longer than its arithmetic. Here a training batch is one launch, from the gathered
events to the partial sums of all weights' gradients, and the update is the second; the loss of a sample is one, and so
are scores.

Which networks are such, `choice.py` decides by their sizes; the others, and those with dropout, batch normalisation or
remembered states, take the general path, which stays the definition.

- `kernels.py` has the kernels: blocks that take group after group of events through all layers.
- `part.py` says what a layer has to have; `dense.py` and `recurrent.py` have it, and a layer that others add may have
  it: `layers.register_layer`.
- `room.py` gives out shared memory, when a kernel is made: all places are constants of the compiled code.
- `product.py` makes matrix products of what lies there, and `steps.py` goes through the steps of a recurrent layer.
- `workspace.py` launches.

Measured on an H200, the bench's case 1 with LSTM: 28 us for the gradients of a batch of 1,024 and 0.72 ms for one of
65,536, whose scores take 0.25 ms. Groups of 8 events are best for the smaller batch, and of 16 for the larger.
"""

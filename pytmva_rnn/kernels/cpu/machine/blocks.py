"""The frame of a block: which events it holds, and where a thread works on it."""

from __future__ import annotations

from pytmva_rnn.compile import kernel
from pytmva_rnn.kernels.cpu.machine.intrinsics import prefetch
from pytmva_rnn.kernels.cpu.machine.lanes import LANES, WIDTH


@kernel
def choose(events, block, numbers):
    """Numbers of a block's events; lanes beyond the batch repeat its last event. Returns how many are real."""
    count = min(LANES, len(events) - block * LANES)
    for lane in range(LANES):
        numbers[lane] = events[block * LANES + min(lane, count - 1)]
    return count


@kernel
def number_from(first, count, numbers):
    """The same for events one after another, from the number `first` on."""
    for lane in range(LANES):
        numbers[lane] = first + min(lane, count - 1)
    return count


_MOST_BYTES = 4096  # of an event that are asked for in advance; the caches have to hold those of a block


@kernel
def ask_for(events, block, X, event_bytes):
    """Have a block's events brought into the caches while another is worked on: random ones come from memory."""
    for k in range(block * LANES, min((block + 1) * LANES, len(events))):
        for place in range(0, min(event_bytes, _MOST_BYTES), 64):
            prefetch(X + event_bytes * events[k] + place)


@kernel
def enter(frame, shared, scratch, numbers, count, states, block):
    """Fill a thread's frame for a block of `count` events."""
    frame[0] = shared[0]
    one = frame[0]
    one.scratch = scratch.ctypes.data
    one.count = count
    one.vectors = (count + WIDTH - 1) // WIDTH
    one.events = numbers.ctypes.data
    one.states = states.ctypes.data
    one.block = block

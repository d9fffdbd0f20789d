"""The frame of a block: which events it holds, and where a thread works on it."""

from __future__ import annotations

from pytmva_rnn.compile import array_at, helper
from pytmva_rnn.kernels.cpu.machine.intrinsics import prefetch, record_at
from pytmva_rnn.kernels.cpu.machine.lanes import LANES
from pytmva_rnn.kernels.cpu.machine.op import FRAME, ROOM_LOSS, ROOM_NUMBERS, vectors_of


@helper
def choose(events, block, numbers):
    """Numbers of a block's events; lanes beyond the batch repeat its last event. Returns how many are real."""
    count = min(LANES, len(events) - block * LANES)
    for lane in range(LANES):
        numbers[lane] = events[block * LANES + min(lane, count - 1)]
    return count


@helper
def number_from(first, count, numbers):
    """The same for events one after another, from the number `first` on."""
    for lane in range(LANES):
        numbers[lane] = first + min(lane, count - 1)
    return count


_MOST_BYTES = 4096  # of an event that are asked for in advance; the caches have to hold those of a block


@helper
def ask_for(events, block, X, event_bytes):
    """Have a block's events brought into the caches while another is worked on: random ones come from memory."""
    for k in range(block * LANES, min((block + 1) * LANES, len(events))):
        for place in range(0, min(event_bytes, _MOST_BYTES), 64):
            prefetch(X + event_bytes * events[k] + place)


@helper
def enter(job, room, slot, count, states, block):
    """The frame in a thread's room, filled for a block of `count` events: with a slot of scratch memory, and states."""
    array_at(room, 1, FRAME)[0] = array_at(job.shared, 1, FRAME)[0]
    frame = record_at(room, FRAME)
    frame.scratch = job.scratch + job.scratch_step * slot
    frame.count = count
    frame.vectors = vectors_of(count)
    frame.events = room + ROOM_NUMBERS
    frame.loss = room + ROOM_LOSS
    frame.states = job.states + job.states_step * min(states, job.state_blocks - 1)
    frame.block = block
    return frame

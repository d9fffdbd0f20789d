"""Walks the table of operations over the blocks of a batch, on several threads.

A block goes through all operations, forward and backward, while it is in cache. Batch normalisation needs sums over the
whole batch: it cuts the table into segments, and each segment is walked by all blocks before the next.
Each thread adds up its own gradient; they are then added in the order of the threads, so that a result depends on the
number of threads (through the order of summation) but not on chance.

What runs on threads is an operation too: `walk`, in training, and `score` take a JOB record and a thread's number.
"""

from __future__ import annotations

import numpy as np

from pytmva_rnn.compile import ARRAY, answering, array_at, entry, helper, inlined, operation
from pytmva_rnn.kernels.cpu.machine.alone import walk_event
from pytmva_rnn.kernels.cpu.machine.blocks import ask_for, choose, enter, number_from
from pytmva_rnn.kernels.cpu.machine.crew import CREW
from pytmva_rnn.kernels.cpu.machine.finishing import finish
from pytmva_rnn.kernels.cpu.machine.intrinsics import answer, call, doubles, floats, lanes_at, record_at
from pytmva_rnn.kernels.cpu.machine.lanes import LANES, WIDTH
from pytmva_rnn.kernels.cpu.machine.op import (
    ACROSS,
    EVENT,
    FRAME,
    INFERENCE,
    JOB,
    MATRIX,
    OP,
    ROOM,
    ROOM_LOSS,
    ROOM_NUMBERS,
    TRAINING,
    step_of,
)
from pytmva_rnn.kernels.cpu.optimizers import UPDATE, add_decay

FORWARD, BACKWARD, BOTH = 0, 1, 2


@inlined
def _address(records, k):
    return records.ctypes.data + k * records.itemsize


@inlined
def _across(table, k):
    return record_at(table[k].across, ACROSS)


@inlined
def _room(job, thread):
    """Address of a thread's own frame, event numbers and sum of losses."""
    return job.rooms + ROOM * thread


@inlined
def _loss(room):
    return doubles(room + ROOM_LOSS, 1)


@operation
def walk(job_address, thread):
    """Walk a thread's share of the blocks of a batch through a segment, and add up their losses."""
    job = record_at(job_address, JOB)
    table, segments = array_at(job.table, job.operations, OP), array_at(job.segments, job.cuts + 2, np.int64)
    events, upcoming = array_at(job.events, job.n, np.int64), array_at(job.upcoming, job.n, np.int64)
    stage, blocks = job.stage, (job.n + LANES - 1) // LANES
    start, stop = blocks * thread // job.threads, blocks * (thread + 1) // job.threads
    first, last = segments[job.segment], segments[job.segment + 1]
    event_bytes = 4 * table[0].T * table[0].D
    room, gradient = _room(job, thread), job.gradients + job.gradients_step * thread
    numbers = array_at(room + ROOM_NUMBERS, LANES, np.int64)
    _loss(room)[0] = 0
    opening = job.segment == 0 and stage != BACKWARD
    if opening:
        # by the thread whose cache is to hold it
        floats(gradient, job.gradients_step // 4)[:] = 0
    for block in range(start, stop):
        count = choose(events, block, numbers)
        frame = enter(job, room, block if job.cuts else thread, count, block, block)
        frame.gradient = gradient
        frame.sums = job.sums + job.sums_step * block
        if opening:
            if block + 1 < stop:
                ask_for(events, block + 1, frame.X, event_bytes)
            else:
                ask_for(upcoming, start, frame.X, event_bytes)
        if stage != BACKWARD:
            for k in range(first, last):
                call(table[k].forward, (_address(table, k), room))
            if last < len(table):
                call(_across(table, last).add_sums, (_address(table, last), room))
        if stage != FORWARD:
            if last < len(table):
                call(_across(table, last).spread_gradient, (_address(table, last), room))
            for k in range(last - 1, first - 1, -1):
                if table[k].backward:
                    call(table[k].backward, (_address(table, k), room))
            if first:
                call(_across(table, first).add_gradient_sums, (_address(table, first), room))


@helper
def _score_alone(job, table, number, outputs):
    """Put the outputs of one event in place. Only the last block has such events, and so only one thread."""
    shared = array_at(job.shared, 1, FRAME)[0]
    walk_event(job.alone, step_of(shared.X, table[0].T * table[0].D, number))
    raw = floats(record_at(job.alone, EVENT).raw, job.width)
    for j in range(job.width):
        outputs[number, j] = raw[j]


@operation
def score(job_address, thread):
    """Walk a thread's share of the blocks forward, put their outputs in place, and add up their losses."""
    job = record_at(job_address, JOB)
    table = array_at(job.table, job.operations, OP)
    outputs = array_at(job.outputs, (job.n, job.width), np.float32)
    room = _room(job, thread)
    numbers = array_at(room + ROOM_NUMBERS, LANES, np.int64)
    _loss(room)[0] = 0
    step = 1 if job.one_by_one else LANES
    blocks = (job.n + step - 1) // step
    for block in range(blocks * thread // job.threads, blocks * (thread + 1) // job.threads):
        first, count = block * step, min(step, job.n - block * step)
        left = count % WIDTH
        together = count - left if left <= (job.few if count < WIDTH else job.few_more) else count
        if together:
            frame = enter(job, room, thread, number_from(first, together, numbers), 0 if job.one_by_one else block, 0)
            for k in range(len(table)):
                call(table[k].forward, (_address(table, k), room))
            rows = lanes_at(frame.scratch + job.out, job.width)
            for lane in range(together):
                for j in range(job.width):
                    outputs[first + lane, j] = rows[j, lane]
        for lane in range(together, count):
            _score_alone(job, table, first + lane, outputs)


@inlined
def _on_threads(job, function, threads, crew):
    """Let a crew do a job, here one part after another where `crew` is 0; returns the sum of their losses."""
    one, address = job[0], _address(job, 0)
    one.threads = threads
    if crew:
        call(record_at(crew, CREW).share, (crew, function, address, threads))
    else:
        for thread in range(threads):
            call(function, (address, thread))
    total = 0.0
    for thread in range(threads):
        total += _loss(_room(one, thread))[0]
    return total


@inlined
def _data(array):
    return record_at(array, ARRAY).data


@inlined
def _share(one, given, n, batches, key):
    """Enter what all blocks of a batch of n of the events X, y, w share, of which the addresses are given."""
    frame = array_at(one.shared, 1, FRAME)[0]
    frame.X, frame.y, frame.w = _data(given[0]), _data(given[1]), _data(given[2])
    frame.n, frame.batches, frame.key = n, batches, key


@helper
def _reduce(gradients, matrices):
    """Add the threads' gradients into the first, and clear the padding columns."""
    total = gradients[0]
    for thread in range(1, len(gradients)):
        other = gradients[thread]
        for k in range(len(total)):
            total[k] += other[k]
    for m in range(len(matrices)):
        matrix = matrices[m]
        for row in range(matrix.rows):
            start = matrix.start + row * matrix.stride
            for k in range(start + matrix.columns, start + matrix.stride):
                total[k] = 0


@helper
def _finish(job, of, k, forward):
    """Let the operation that cuts the table add up the blocks' sums, in the frame of the first thread."""
    table, room = array_at(job.table, job.operations, OP), _room(job, 0)
    frame = enter(job, room, 0, 0, 0, 0)
    frame.sums, frame.sums_step, frame.blocks = job.sums, job.sums_step, of.blocks
    frame.gradient = job.gradients
    function = _across(table, k).finish_sums if forward else _across(table, k).finish_gradient_sums
    call(function, (_address(table, k), room))


@helper
def _pack(table, frame):
    for k in range(len(table)):
        if table[k].pack:
            call(table[k].pack, (_address(table, k), frame))


@entry
def pack(table, frame):
    """Refresh what operations keep of the weights in an order of their own."""
    _pack(table, _address(frame, 0))


@entry
def descend(optimizer, update, gradient, t):
    """Step t of the optimizer at an address, on the weights of the record `update`, by a gradient."""
    of = update[0]
    of.g, of.t = gradient.ctypes.data, t
    call(optimizer, (_address(update, 0),))


@answering
def train(program, arguments, _):
    """Of arrays (X, y, w, order, keys) the sum of the losses of the batches X[order[k]], without penalty.

    After each, with a number of the first step, comes a step of the optimizer. `program` is a record TRAINING, X is
    (n, T*D), and all are as `readable` has them. The last gradient is left in the first thread's.
    """
    of, given = record_at(record_at(program, ARRAY).data, TRAINING), array_at(arguments, 5, np.int64)
    jobs, shape = array_at(of.job, 1, JOB), array_at(record_at(given[3], ARRAY).shape, 2, np.int64)
    one, batches, n = jobs[0], shape[0], shape[1]
    order, keys = _data(given[3]), array_at(_data(given[4]), batches, np.int64)
    table, segments = array_at(one.table, one.operations, OP), array_at(one.segments, one.cuts + 2, np.int64)
    gradients = array_at(one.gradients, (of.threads, one.gradients_step // 4), np.float32)
    matrices, update = array_at(of.matrices, of.matrix_count, MATRIX), record_at(of.update, UPDATE)
    weights, cuts, total = floats(update.w, update.n), one.cuts, 0.0
    one.n = n
    state = answer(of.release, ())
    for number in range(batches):
        _share(one, given, n, of.batches + number, keys[number])
        one.events = order + 8 * n * number
        one.upcoming = order + 8 * n * min(number + 1, batches - 1)
        for step in range(2 * cuts + 1):
            # forward through the segments, both ways through the last, and back through the others
            one.segment = step if step <= cuts else 2 * cuts - step
            one.stage = BOTH if step == cuts else FORWARD if step < cuts else BACKWARD
            if step > cuts:
                _finish(one, of, segments[one.segment + 1], False)
            total += _on_threads(jobs, of.function, of.threads, of.crew)
            if step < cuts:
                _finish(one, of, segments[one.segment + 1], True)
        _reduce(gradients, matrices)
        if of.regularization:
            add_decay(weights, gradients[0], matrices, of.regularization, of.decay)
        if of.t:
            update.g, update.t = one.gradients, of.t + number
            call(of.optimizer, (of.update,))
            _pack(table, one.shared)
    call(of.hold, (state,))
    return answer(of.as_float, (total,))


@answering
def infer(program, arguments, _):
    """Outputs of events, in the last of the arrays (X, y, w, outputs); gives the sum of the events' losses.

    `program` is a record INFERENCE. The arrays are as `readable` has them; y and w are of no events in a plan without
    a loss.
    """
    of, given = record_at(record_at(program, ARRAY).data, INFERENCE), array_at(arguments, 4, np.int64)
    job, outputs = array_at(of.job, 1, JOB), record_at(given[3], ARRAY)
    one, n = job[0], array_at(outputs.shape, 2, np.int64)[0]
    _share(one, given, n, 0, 0)
    one.n, one.outputs = n, outputs.data
    state = answer(of.release, ())
    total = _on_threads(job, of.function, of.threads, of.crew)
    if of.finishing:
        finish(of.finishing, one.outputs, n * one.width)
    call(of.hold, (state,))
    return answer(of.as_float, (total,))

"""Walks the table of operations over the blocks of a batch, on several threads.

A block goes through all operations, forward and backward, while it is in cache. Batch normalisation needs sums over the
whole batch: it cuts the table into segments, and each segment is walked by all blocks before the next.
Each thread adds up its own gradient; they are then added in the order of the threads, so that a result depends on the
number of threads (through the order of summation) but not on chance.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from pytmva_rnn.compile import array_at, kernel, parallel_kernel
from pytmva_rnn.kernels.cpu.machine.blocks import ask_for, choose, enter, number_from
from pytmva_rnn.kernels.cpu.machine.intrinsics import call_operation, record_at
from pytmva_rnn.kernels.cpu.machine.lanes import LANES
from pytmva_rnn.kernels.cpu.machine.op import ACROSS, FRAME, OP, floats, lanes_at
from pytmva_rnn.kernels.cpu.optimizers import add_decay, update
from pytmva_rnn.kernels.cpu.outputs import sigmoid_of_one

FORWARD, BACKWARD, BOTH = 0, 1, 2

# Numba looks at the types of all arguments in every call from Python, quickly for arrays and slowly for tuples: the
# entry points take arrays, and `shared`, a FRAME record with the addresses that all blocks share


@kernel
def _address(records, k):
    return records.ctypes.data + k * records.itemsize


@kernel
def _across(table, k):
    return record_at(table[k].across, ACROSS)


@kernel
def _clear(gradient):
    gradient[:] = 0


@kernel
def _walk(table, segments, shared, scratch, states, gradients, sums, order, number, segment, stage, thread, threads):
    """Walk a thread's share of the blocks of batch order[number] through a segment; returns its part of the loss."""
    events, upcoming = order[number], order[min(number + 1, len(order) - 1)]
    blocks = (len(events) + LANES - 1) // LANES
    start, stop = blocks * thread // threads, blocks * (thread + 1) // threads
    first, last = segments[segment], segments[segment + 1]
    event_bytes = 4 * table[0].T * table[0].D
    numbers = np.empty(LANES, np.int64)
    loss = np.zeros(1)
    frame = np.empty(1, FRAME)
    address = _address(frame, 0)
    opening = segment == 0 and stage != BACKWARD
    if opening:
        # by the thread whose cache is to hold it
        _clear(gradients[thread])
    for block in range(start, stop):
        slot = thread if len(segments) == 2 else block
        count = choose(events, block, numbers)
        enter(frame, shared, scratch[slot], numbers, count, states[min(block, len(states) - 1)], block)
        one = frame[0]
        one.gradient = gradients[thread].ctypes.data
        one.sums = sums[block].ctypes.data
        one.loss = loss.ctypes.data
        if opening:
            if block + 1 < stop:
                ask_for(events, block + 1, one.X, event_bytes)
            else:
                ask_for(upcoming, start, one.X, event_bytes)
        if stage != BACKWARD:
            for k in range(first, last):
                call_operation(table[k].forward, _address(table, k), address)
            if last < len(table):
                call_operation(_across(table, last).add_sums, _address(table, last), address)
        if stage != FORWARD:
            if last < len(table):
                call_operation(_across(table, last).spread_gradient, _address(table, last), address)
            for k in range(last - 1, first - 1, -1):
                if table[k].backward:
                    call_operation(table[k].backward, _address(table, k), address)
            if first:
                call_operation(_across(table, first).add_gradient_sums, _address(table, first), address)
    return loss[0]


@kernel
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
            total[start + matrix.columns : start + matrix.stride] = 0


@kernel
def _finish(table, shared, gradients, sums, k, forward):
    """Let the operation that cuts the table add up the blocks' sums."""
    frame = shared.copy()
    one = frame[0]
    one.sums = sums.ctypes.data
    one.sums_step = sums.strides[0]
    one.blocks = len(sums)
    one.gradient = gradients[0].ctypes.data
    function = _across(table, k).finish_sums if forward else _across(table, k).finish_gradient_sums
    call_operation(function, _address(table, k), _address(frame, 0))


@kernel
def _share(shared, X, y, w, n, batches, key):
    """Enter what all blocks of a batch share."""
    one = shared[0]
    one.X, one.y, one.w = X.ctypes.data, y.ctypes.data, w.ctypes.data
    one.n, one.batches, one.key = n, batches, key


@kernel
def pack(table, frame):
    """Refresh what operations keep of the weights in an order of their own."""
    for k in range(len(table)):
        if table[k].pack:
            call_operation(table[k].pack, _address(table, k), _address(frame, 0))


@parallel_kernel
def train(
    table,
    segments,
    shared,
    scratch,
    states,
    gradients,
    sums,
    matrices,
    X,
    y,
    w,
    order,
    batches,
    keys,
    regularization,
    decay,
    optimizer,
    rates,
    weights,
    moments,
    t,
    serial,
):
    """Sum of the losses of the batches X[order[k]], without penalty; after each, with t > 0, a step of the optimizer.

    X is (n, T*D), `batches` how many came before, t the number of the first step, `rates` the optimizer's rate,
    momentum, rho and epsilon. The last gradient is left in gradients[0]. With `serial` one thread does what the threads
    would do, with the same sums.
    """
    threads, last = len(gradients), len(segments) - 2
    parts = np.empty(threads)
    total = 0.0
    for number in range(len(order)):
        _share(shared, X, y, w, order.shape[1], batches + number, keys[number])
        for step in range(2 * last + 1):
            # forward through the segments, both ways through the last, and back through the others
            segment = step if step <= last else 2 * last - step
            stage = BOTH if step == last else FORWARD if step < last else BACKWARD
            if stage == BACKWARD:
                _finish(table, shared, gradients, sums, segments[segment + 1], False)
            if serial:
                for each in range(threads):
                    parts[each] = _walk(
                        table,
                        segments,
                        shared,
                        scratch,
                        states,
                        gradients,
                        sums,
                        order,
                        number,
                        segment,
                        stage,
                        each,
                        threads,
                    )
            else:
                for index in prange(threads):
                    thread = np.int64(index)
                    parts[thread] = _walk(
                        table,
                        segments,
                        shared,
                        scratch,
                        states,
                        gradients,
                        sums,
                        order,
                        number,
                        segment,
                        stage,
                        thread,
                        threads,
                    )
            for thread in range(threads):
                total += parts[thread]
            if stage == FORWARD:
                _finish(table, shared, gradients, sums, segments[segment + 1], True)
        _reduce(gradients, matrices)
        if regularization:
            add_decay(weights, gradients[0], matrices, regularization, decay)
        if t:
            gradient, v, u = gradients[0], moments[0], moments[1]
            update(optimizer, weights, gradient, v, u, t + number, rates[0], rates[1], rates[2], rates[3])
            pack(table, shared)
    return total


@kernel
def _infer(table, shared, scratch, states, one_by_one, outputs, out, thread, threads):
    """Walk a thread's share of the blocks; returns its part of the loss."""
    numbers = np.empty(LANES, np.int64)
    loss = np.zeros(1)
    frame = np.empty(1, FRAME)
    step = 1 if one_by_one else LANES
    blocks = (len(outputs) + step - 1) // step
    for block in range(blocks * thread // threads, blocks * (thread + 1) // threads):
        count = number_from(block * step, min(step, len(outputs) - block * step), numbers)
        state = 0 if one_by_one else min(block, len(states) - 1)
        enter(frame, shared, scratch[thread], numbers, count, states[state], 0)
        one = frame[0]
        one.loss = loss.ctypes.data
        for k in range(len(table)):
            call_operation(table[k].forward, _address(table, k), _address(frame, 0))
        rows = lanes_at(one.scratch + out, outputs.shape[1])
        for lane in range(one.count):
            for j in range(outputs.shape[1]):
                outputs[block * step + lane, j] = rows[j, lane]
    return loss[0]


@kernel
def run_one(program, x):
    """Walk the table of a plan for one event, the array x; returns the first raw output, or its sigmoid.

    `program` is the address of those of the table, of the frame and of the output, of the number of operations, and of
    whether to take the sigmoid.
    """
    entry = array_at(program, 5, np.int64)
    table, frame = array_at(entry[0], entry[3], OP), array_at(entry[1], 1, FRAME)
    one = frame[0]
    one.X = x.ctypes.data
    for k in range(len(table)):
        call_operation(table[k].forward, _address(table, k), entry[1])
    raw = np.float64(floats(entry[2], 1)[0])
    return sigmoid_of_one(raw) if entry[4] else raw


@parallel_kernel
def infer(table, shared, scratch, states, X, y, w, one_by_one, outputs, out, threads, serial):
    """Raw outputs (n, O) of the events X, from the place `out` of the scratch memory; returns the sum of their losses.

    y and w are empty in a plan without a loss. With `one_by_one` the remembered states pass from event to event. With
    `serial` one thread does what the threads would do, with the same sums.
    """
    _share(shared, X, y, w, len(outputs), 0, 0)
    if one_by_one:
        threads = 1
    parts = np.empty(threads)
    if serial or one_by_one:
        for each in range(threads):
            parts[each] = _infer(table, shared, scratch, states, one_by_one, outputs, out, each, threads)
    else:
        for index in prange(threads):
            thread = np.int64(index)
            parts[thread] = _infer(table, shared, scratch, states, False, outputs, out, thread, threads)
    total = 0.0
    for thread in range(threads):
        total += parts[thread]
    return total

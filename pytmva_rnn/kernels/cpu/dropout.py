"""Dropout of a layer's input on lanes, by the counter of `kernels.reference.dropout`."""

from __future__ import annotations

import numpy as np

from pytmva_rnn.compile import helper, operation
from pytmva_rnn.kernels.cpu.machine.intrinsics import floats, record_at
from pytmva_rnn.kernels.cpu.machine.lanes import LANES
from pytmva_rnn.kernels.cpu.machine.op import FRAME, OP, input_row, output_step, record_type, row_of
from pytmva_rnn.kernels.cpu.machine.plan import Plan, View

DROPOUT = record_type(doubles=("probability",))


def plan(plan: Plan, number: int, probability: float) -> None:
    """Add an operation that drops elements of the current view."""
    view = plan.view
    op = plan.add(number, forward=forward, backward=backward, record=DROPOUT)
    op.own["probability"] = probability
    plan.output(op, View(view.T, view.D, plan.activations(view.T, view.D), plan.step(view.D), view.gradient))


@helper
def _factor(key, counter, probability):
    # products of uint32 are uint64 to Numba: cut them back
    bits = np.uint64(0xFFFFFFFF)
    x = (np.uint64(counter) * np.uint64(0x9E3779B9) + np.uint64(key)) & bits
    x ^= x >> np.uint64(16)
    x = (x * np.uint64(0x85EBCA6B)) & bits
    x ^= x >> np.uint64(13)
    x = (x * np.uint64(0xC2B2AE35)) & bits
    x ^= x >> np.uint64(16)
    threshold = np.uint64(min(probability * 4294967296.0, 4294967295.0))
    return np.float32(1.0 / (1.0 - probability)) if x >= threshold else np.float32(0.0)


@helper
def _counter(frame, lane, k, count):
    """Of element k, out of `count` an event; the first lane is row `block*LANES` of the batch."""
    return (frame.block * LANES + lane) * count + k


@operation
def forward(op_address, frame_address):
    """Output of a block."""
    op, frame = record_at(op_address, OP), record_at(frame_address, FRAME)
    key, probability = frame.key + op.layer, record_at(op.own, DROPOUT).probability
    D, count = op.D, op.T * op.D
    for k in range(count):
        x = floats(input_row(op, frame, k), LANES)
        y = floats(row_of(output_step(op, frame, k // D), k % D), LANES)
        for lane in range(LANES):
            y[lane] = x[lane] * _factor(key, _counter(frame, lane, k, count), probability)


@operation
def backward(op_address, frame_address):
    """Scale the gradient, in place, as the activations were."""
    op, frame = record_at(op_address, OP), record_at(frame_address, FRAME)
    key, probability = frame.key + op.layer, record_at(op.own, DROPOUT).probability
    if op.dx < 0:
        return
    count = op.T * op.D
    for k in range(count):
        dx = floats(row_of(frame.scratch + op.dx, k), LANES)
        for lane in range(LANES):
            dx[lane] *= _factor(key, _counter(frame, lane, k, count), probability)

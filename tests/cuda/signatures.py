"""The kernels with the types of their arguments, as they are launched: what is compiled without a GPU."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from bench import gpu_peaks
from numba import boolean as flag
from numba import float32 as f
from numba import float64 as d
from numba import int32, uint8
from numba import int64 as n

from pytmva_rnn.kernels.codes import CROSS_ENTROPY
from pytmva_rnn.kernels.cuda import dropout, losses, optimizers
from pytmva_rnn.kernels.cuda.layers import batchnorm, dense, gru, lstm, rnn
from pytmva_rnn.kernels.cuda.machine import (
    gather,
    products,
    resident,
    resident_backward,
    resident_forward,
    steps,
    tensor_backward,
    tensor_forward,
    tensor_steps,
)
from pytmva_rnn.kernels.cuda.small.kernels import SmallNetwork
from pytmva_rnn.kernels.cuda.small.part import Block
from pytmva_rnn.options.layout import build_layers, parse_layout

v, m, dv, whole = f[::1], f[:, ::1], d[::1], n[::1]

KERNELS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "transpose": (products._transpose, (m, v)),
    "arrange": (tensor_steps._arrange, (m, v, flag)),
    "dense backward": (dense.backward, (n, v, v, v, n)),
    "dropout": (dropout.scale, (v, v, n, whole, whole, n, n, f)),
    "batch normalisation moments": (batchnorm.moments, (m, d[:, :, ::1], n, n)),
    "batch normalisation forward": (batchnorm.forward, (m, m, m, d[:, :, ::1], dv, v, v, dv, dv, n, n, whole, d, d)),
    "batch normalisation inference": (batchnorm.infer, (m, m, v, v, dv, dv, n, n, d)),
    "batch normalisation products": (batchnorm.products, (m, m, d[:, :, ::1], n, n)),
    "batch normalisation backward": (batchnorm.backward, (m, m, m, d[:, :, ::1], dv, v, m, n, n, n, n)),
    "loss": (losses._loss, (n, m, m, v, m, dv, n, n, flag)),
    "gradient sums": (optimizers._sum, (v, n[:, ::1], v, uint8[::1], v, dv, n, n, f)),
    "update": (optimizers._update, (n, v, n[:, ::1], v, uint8[::1], m, n, n, f, v, whole, f, f, f, v)),
    "clip": (optimizers._clip, (dv, n, d, v)),
    "gather": (gather._gather, (m, m, v, n[:, ::1], whole, m, m, v, n)),
}

for title, form in {"wide": (products.WIDE, False), "narrow": (1, False), "TF32": (products.WIDE, True)}.items():
    KERNELS |= {
        f"product {title}": (products.forward_kernel(*form), (m, m, v, m, m, n, n)),
        f"input gradient {title}": (products.input_gradient_kernel(*form), (m, m, m, n, n, m, m)),
        f"weight gradient {title}": (products.weight_gradient_kernel(*form), (m, n, n, m, n, n, n, m, n, m, n, n)),
    }

FORWARD = (m, v, m, m, m, m, m, v, n, n, n, n, flag, flag, flag)
BACKWARD = (m, v, m, m, m, v, n, n, n, flag)
RESIDENT_FORWARD = (m, v, m, m, m, m, m, n, n, flag, flag, flag)
RESIDENT_BACKWARD = (m, v, m, m, m, n, n, flag)
PEAKS = {"multiply-adds": (gpu_peaks.multiply_adds, (v, f, n)), "dependent steps": (gpu_peaks.dependent_steps, (v, n))}

FORMS = [(1, True, True), (4, True, True), (4, False, True), (4, False, False)]
"""Events of a thread, whether weights and states are in shared memory: what `recurrent.blocks` gives on a GPU."""

TENSOR_FORMS = {"RNN": (2, False), "LSTM": (4, True), "GRU before": (4, True), "GRU after": (4, True)}
"""Eights of events of a block on tensor cores, and whether states are in shared memory."""

SHAPES = {
    # with most registers, and with most shared memory
    "LSTM 128": resident.Shape(lstm.LSTMPart.cell, 128, 8),
    "GRU before 50": resident.Shape(gru.BEFORE, 50, 4),
    "LSTM 10": resident.Shape(lstm.LSTMPart.cell, 10, 4),
}


LEARNING = (m, m, v, n[:, ::1], whole, v, int32[::1], m, dv, n)
LOSSES = (m, m, v, v, int32[::1], dv, n, n)
SCORING = (m, v, int32[::1], m, n)


def untrained(layout: str, shape: tuple[int, int, int]) -> tuple[Any, Any]:
    """Layers, and all that one kernel asks of the device's weights before it runs."""
    layers = build_layers(parse_layout(layout), shape, shape[0] * shape[2], 1)
    starts: list[dict[str, int]] = []
    place = 0
    for layer in layers:
        starts.append({})
        for name, (rows, columns) in layer.weight_shapes().items():
            starts[-1][name] = place
            place += rows * columns
    return layers, SimpleNamespace(starts=starts, matrix=lambda *_: None)


def small_kernels(layout: str, shape: tuple[int, int, int], events: int) -> dict[str, tuple[Any, tuple[Any, ...]]]:
    """Those of a network in one kernel, of blocks of some events."""
    layers, weights = untrained(layout, shape)
    learning, inference = (
        SmallNetwork(layers, weights, shape[0] * shape[2], Block(events, 256, training)) for training in (True, False)
    )
    return {
        "one kernel, training, with the loss": (learning.learning(CROSS_ENTROPY), LEARNING),
        "one kernel, loss": (inference.losses(CROSS_ENTROPY), LOSSES),
        "one kernel, scores": (inference.scoring(), SCORING),
    }


def all_kernels() -> dict[str, tuple[Any, tuple[Any, ...]]]:
    """Those of the steps too, for each layer and form."""
    found = {**KERNELS, **PEAKS}
    for name, cell in {
        "RNN": rnn.RNNPart.cell,
        "LSTM": lstm.LSTMPart.cell,
        "GRU before": gru.BEFORE,
        "GRU after": gru.AFTER,
    }.items():
        for form in FORMS:
            title = "each {}, weights shared {:d}, states shared {:d}".format(*form)
            found[f"{name} forward {title}"] = steps.forward_kernel(cell, *form), FORWARD
            found[f"{name} backward {title}"] = steps.backward_kernel(cell, *form), BACKWARD
        found[f"{name} forward on tensor cores"] = tensor_forward.forward_kernel(cell, *TENSOR_FORMS[name]), FORWARD
        found[f"{name} backward on tensor cores"] = tensor_backward.backward_kernel(cell, *TENSOR_FORMS[name]), BACKWARD
    for name, shape in SHAPES.items():
        found[f"{name} forward resident"] = resident_forward.forward_kernel(shape), RESIDENT_FORWARD
        found[f"{name} backward resident"] = resident_backward.backward_kernel(shape), RESIDENT_BACKWARD
    found |= small_kernels("LSTM|10|30|10|0|1,RESHAPE|FLAT,DENSE|64|TANH,LINEAR", (10, 1, 30), 16)
    return found

"""Where the time of a training step and of the scores of a batch goes, on one thread.

Compiled code finds functions and places by what stands in records. So a part is measured by leaving it out: what a call
takes less with a function that does nothing in the place of one, or with one place for what all steps save. Numbers
come out wrong then, times right, which are those of the thread. The activation functions, which stand behind the sums
of a step, run alone.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from bench.cases import SHARE_GOALS, CaseData
from bench.contestants.ours import Ours
from bench.measure import Task, interleave
from bench.roofline import Peaks, Work, work_of
from pytmva_rnn.compile import operation
from pytmva_rnn.description import Recurrent
from pytmva_rnn.kernels.cpu.machine.lanes import LANES, WIDTH
from pytmva_rnn.kernels.cpu.machine.simd import pointwise
from pytmva_rnn.kernels.cpu.machine.vector import sigmoid, tanh
from pytmva_rnn.kernels.cpu.machine.workspace import Workspace

__all__ = ["Part", "Profile", "profile_scores", "profile_step"]

_SAVED = ("kept_step", "c_step")
"""Distances, in records of layers, of what a training saves of each step."""

_rnn = pointwise(lambda a: (tanh(a),), 1, 1)
_gru = pointwise(lambda r, z, g: (sigmoid(r), sigmoid(z), tanh(g)), 3, 3)
_lstm = pointwise(lambda i, f, g, o, c: (sigmoid(i), sigmoid(f), tanh(g), sigmoid(o), tanh(c)), 5, 5)


@operation
def _nothing(op_address: Any, frame_address: Any) -> None:
    """Takes the place of any operation: what it is called with more is left to the caller."""


@operation
def _equations_of_rnn(times: Any, n: Any, a: Any) -> None:
    for _ in range(times):
        _rnn(n, 1, (a,), (a,))


@operation
def _equations_of_gru(times: Any, n: Any, a: Any) -> None:
    row = 4 * WIDTH * n
    for _ in range(times):
        values = (a, a + row, a + 2 * row)
        _gru(n, 1, values, values)


@operation
def _equations_of_lstm(times: Any, n: Any, a: Any) -> None:
    row = 4 * WIDTH * n
    for _ in range(times):
        values = (a, a + row, a + 2 * row, a + 3 * row, a + 4 * row)
        _lstm(n, 1, values, values)


_EQUATIONS = {"RNN": (1, _equations_of_rnn), "GRU": (3, _equations_of_gru), "LSTM": (5, _equations_of_lstm)}
"""How many activation functions a unit has, and what applies them to n vectors of units."""


@dataclass(frozen=True)
class Part:
    """A part of a call: its seconds, and the operations of its products, if it consists of such."""

    seconds: float
    flops: int = 0


@dataclass(frozen=True)
class Profile:
    """The parts of a call, which add up to its seconds; `saved`, of a training, is in several of them.

    Attributes
    ----------
    title : str
        Case and layer.
    work : Work
        What the call cannot do without.
    goal : float, optional
        The share of the peak rate that all operations are to reach.
    """

    title: str
    work: Work
    seconds: float
    parts: dict[str, Part]
    saved: float | None = None
    goal: float | None = None

    def cells(self, peaks: Peaks) -> list[str]:
        """Of a table: the share of the peak rate that all operations reach, and the parts' shares of the time.

        Beside a part of products stands the share of the peak rate that they reach.
        """
        aim = f" ({self.goal:.0%})" if self.goal else ""
        share = f"{self.work.of_rate_in_all(peaks, self.seconds):.0%}{aim}"
        cells = [self.title, f"{self.seconds * 1e3:,.2f}", share]
        for part in self.parts.values():
            rate = f", at {part.flops / part.seconds / peaks.flops:.0%}" if part.flops and part.seconds > 0 else ""
            cells.append(f"{part.seconds / self.seconds:.1%}{rate}")
        return cells if self.saved is None else [*cells, f"{self.saved / self.seconds:.1%}"]


class _Records:
    """The records of the recurrent layer in a workspace."""

    def __init__(self, workspace: Workspace) -> None:
        planned = workspace.plan.operations
        number = next(k for k, op in enumerate(planned) if "slots" in op.own)
        self.operation = workspace.table[number : number + 1]
        dtype, address = planned[number].record, int(self.operation["own"][0])
        self.own: Any = np.frombuffer((ctypes.c_char * dtype.itemsize).from_address(address), dtype)

    def without(self, *names: str) -> list[tuple[Any, str, int]]:
        """The changes that put a function that does nothing in the place of some, of the layer or of its record."""
        return [
            (self.own if name in self.own.dtype.names else self.operation, name, _nothing.address) for name in names
        ]

    def in_one_place(self) -> list[tuple[Any, str, int]]:
        """The changes by which all steps save to the same place."""
        own = [(self.own, name, 0) for name in _SAVED if name in self.own.dtype.names]
        return [*own, (self.operation, "y_step", 0)]


def _task(name: str, call: Callable[[], object], changes: Iterable[tuple[Any, str, int]] = ()) -> Task:
    changes = list(changes)

    def timer(count: int) -> float:
        before = [record[field].copy() for record, field, _ in changes]
        for record, field, value in changes:
            record[field] = value
        try:
            # what other programs take of a core is no part of it
            started = time.thread_time()
            for _ in range(count):
                call()
            return time.thread_time() - started
        finally:
            for (record, field, _), value in zip(changes, before, strict=True):
                record[field] = value

    return Task(name, 1, timer)


def _equations(problem: CaseData) -> Task:
    """The activation functions of the recurrent layer in all steps of the batch."""
    layer = _recurrent(problem)
    functions, run = _EQUATIONS[layer.kind]
    vectors = layer.state_size * (LANES // WIDTH)
    memory = np.zeros(functions * vectors * WIDTH, np.float32)
    times = layer.time_steps * -(-len(problem.X) // LANES)
    return _task("equations", lambda: run(times, vectors, memory.ctypes.data))


def _recurrent(problem: CaseData) -> Any:
    return next(layer for layer in problem.model.layers if isinstance(layer, Recurrent))


def _flops(problem: CaseData, names: str) -> int:
    """Operations of the recurrent layer's products with matrices whose names begin so, once through the batch."""
    layer = _recurrent(problem)
    products = sum(prod(shape) for name, shape in layer.weight_shapes().items() if name[0] in names)
    return int(2 * len(problem.X) * layer.time_steps * products)


def _seconds(tasks: list[Task], rounds: int, seconds: float) -> dict[str, float]:
    """By name the quickest round."""
    return {timing.contestant: timing.shortest for timing in interleave(tasks, rounds, seconds)}


def _profile(
    problem: CaseData, what: str, seconds: float, parts: dict[str, Part], saved: float | None = None
) -> Profile:
    title, name = f"{problem.case.name} {problem.layer}", problem.case.name
    return Profile(title, work_of(problem, what), seconds, parts, saved, SHARE_GOALS[what].get(name))


def profile_step(problem: CaseData, rounds: int, seconds: float) -> Profile:
    """Of a training step."""
    ours = Ours(problem, 1)
    X, y, n = problem.X, problem.y, len(problem.X)
    w, order, keys = np.ones(n, np.float32), np.arange(n)[np.newaxis], np.zeros(1, np.int64)
    engine: Any = ours.engine
    training = engine._training(n, input_gradient=False)
    records = _Records(training.workspace)

    def gradient() -> None:
        engine._train(training, X, y, w, order, keys, 0)

    tasks = [
        _task("step", ours.call("train")),
        _task("gradient", gradient),
        _task("states", gradient, records.without("product")),
        _task("weights", gradient, records.without("outer_product")),
        _task("transposes", gradient, records.without("transpose")),
        _task("forward", gradient, records.without("backward")),
        _task("none", gradient, records.without("forward", "backward")),
        _task("saved", gradient, records.in_one_place()),
        _equations(problem),
    ]
    took = _seconds(tasks, rounds, seconds)
    whole = took["gradient"]
    states, weights, transposes = (whole - took[name] for name in ("states", "weights", "transposes"))
    parts = {
        "products forward": Part(took["forward"] - took["none"] - took["equations"], _flops(problem, "WU")),
        "gradients of states": Part(states, _flops(problem, "U")),
        "gradients of weights": Part(weights, _flops(problem, "WU")),
        "activation functions": Part(took["equations"]),
        "gradients of cells": Part(whole - took["forward"] - states - weights - transposes),
        "transposes": Part(transposes),
        "optimizer, packing": Part(took["step"] - whole),
        "other layers, events": Part(took["none"]),
    }
    return _profile(problem, "train", took["step"], parts, whole - took["saved"])


def profile_scores(problem: CaseData, rounds: int, seconds: float) -> Profile:
    """Of the scores of a batch."""
    engine: Any = Ours(problem, 1).engine

    def scores() -> None:
        engine.outputs(problem.X)

    records = _Records(engine._inference(None).workspace)
    tasks = [_task("scores", scores), _task("none", scores, records.without("forward")), _equations(problem)]
    took = _seconds(tasks, rounds, seconds)
    parts = {
        "products": Part(took["scores"] - took["none"] - took["equations"], _flops(problem, "WU")),
        "activation functions": Part(took["equations"]),
        "other layers, events": Part(took["none"]),
    }
    return _profile(problem, "infer", took["scores"], parts)

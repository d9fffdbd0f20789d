"""One event, as Python has it: what a call must cost is the score."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.compile import (
    ARRAY,
    LEGIBLE,
    Operation,
    answering,
    array_at,
    builtin,
    filled,
    helper,
    python_function,
    python_functions,
)
from pytmva_rnn.kernels import NO_SCORE
from pytmva_rnn.kernels.cpu.machine.alone import Alone, walk_event
from pytmva_rnn.kernels.cpu.machine.intrinsics import answer, call, floats, record_at
from pytmva_rnn.kernels.cpu.machine.op import EVENT, record_type
from pytmva_rnn.kernels.cpu.outputs import sigmoid_of_one

__all__ = ["Preparation", "function_of", "may_share"]

SINGLE = record_type(
    "sigmoid",  # whether to take it of the output
    "reports",  # whether NaN is reported as -999
    "kind",  # what an array has to be: address of its type and of its numbers' type, and its sizes
    "dtype",
    "steps",
    "inputs",
    "prepare",  # address of what transforms an event first, 0 for nothing; of its program and of its result
    "prepare_program",
    "prepared",
    "otherwise",  # address of the `_Otherwise` that takes care of everything else
    "ask",  # addresses of Python's functions
    "as_float",
    "release",  # 0: Python's lock is held
    "hold",
    extends=EVENT,
)
"""What is to be done with an event."""

_LONG = 50_000
"""Multiply-adds of an event, 2 microseconds, from which on other threads of Python may run meanwhile."""


@dataclass(frozen=True)
class Preparation:
    """What transforms an event before it is scored, for one thread at a time."""

    operation: Operation  # which is given the addresses of the program and of the event
    program: NDArray[Any]
    result: NDArray[np.float32]
    owner: Any  # what lives as long


class _Otherwise:
    """A Python function that compiled code calls by `PyObject_GetItem`: Python 3.10 has none to call by."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self._function = function

    def __getitem__(self, x: Any) -> Any:
        return self._function(x)


@helper
def _score(record_address, X):
    """The score of the event at an address."""
    of = record_at(record_address, SINGLE)
    event = X
    if of.prepare:
        call(of.prepare, (of.prepare_program, X))
        event = of.prepared
    walk_event(record_address, event)
    raw = np.float64(floats(of.raw, 1)[0])
    score = sigmoid_of_one(raw) if of.sigmoid else raw
    return np.float64(NO_SCORE) if of.reports and np.isnan(score) else score


@helper
def _fits(of, x):
    """Whether an object is a float32 array (T, D) or (T*D,) that can be read as it lies."""
    if x.kind != of.kind or x.dtype != of.dtype or (x.flags & LEGIBLE) != LEGIBLE:
        return False
    shape = array_at(x.shape, 2, np.int64)
    if x.dimensions == 1:
        return shape[0] == of.steps * of.inputs
    return x.dimensions == 2 and shape[0] == of.steps and shape[1] == of.inputs


@answering
def score_object(program, x_address):
    """The score of an event, or what `otherwise` makes of another object."""
    record_address = record_at(program, ARRAY).data
    of, x = record_at(record_address, SINGLE), record_at(x_address, ARRAY)
    if not _fits(of, x):
        return answer(of.ask, (of.otherwise, x_address))
    if of.release == 0:
        return answer(of.as_float, (_score(record_address, x.data),))
    state = answer(of.release, ())
    score = _score(record_address, x.data)
    call(of.hold, (state,))
    return answer(of.as_float, (score,))


def may_share(work: int) -> bool:
    """Whether threads may share a function for events of so many multiply-adds: Python's lock is held meanwhile."""
    locks: Callable[[], bool] = getattr(sys, "_is_gil_enabled", lambda: True)
    return work < _LONG and locks()


def function_of(
    alone: Alone,
    shape: tuple[int, int],
    work: int,
    *,
    sigmoid: bool,
    reports: bool,
    otherwise: Callable[[Any], Any],
    prepare: Preparation | None,
    owner: Any,
) -> Callable[[Any], Any]:
    """The function from an object to the score of the event that it is, or to all of them in memory used again.

    Parameters
    ----------
    alone : Alone
        What scores the event.
    shape : tuple of int
        T and D of an event.
    work : int
        Multiply-adds of an event.
    sigmoid, reports : bool
        Whether to take that function of the output, and whether NaN is reported as -999.
    otherwise : callable
        What takes care of everything but arrays that are read as they lie.
    prepare : Preparation, optional
    owner
        What lives as long as the function.
    """
    asked = _Otherwise(otherwise)
    functions = python_functions()
    if may_share(work):
        del functions["release"], functions["hold"]
    if prepare is not None:
        functions["prepare"], functions["prepare_program"] = prepare.operation.address, prepare.program.ctypes.data
        functions["prepared"] = prepare.result.ctypes.data
    record = filled(
        np.zeros(1, SINGLE),
        **{name: alone.record[name] for name in EVENT.names},
        sigmoid=sigmoid,
        reports=reports,
        kind=id(np.ndarray),
        dtype=id(np.dtype(np.float32)),
        steps=shape[0],
        inputs=shape[1],
        otherwise=id(asked),
        ask=python_function("PyObject_GetItem"),
        **functions,
    )
    score = builtin(score_object, record, (owner, alone, prepare, asked))
    score(np.zeros(shape, np.float32))

    def evaluate(x: Any) -> NDArray[np.float32]:
        score(x)
        return alone.raw

    return score if len(alone.raw) == 1 else evaluate

"""Runs the instructions of a chain: compiled, event by event, in double precision."""

from __future__ import annotations

from typing import Any

import numpy as np

from pytmva_rnn.compile import array_at, kernel
from pytmva_rnn.transformations.gauss import flat_of_normal, flatten, flatten_back, normal_of_flat
from pytmva_rnn.transformations.instruction import (
    FLAT,
    FROM_FLAT,
    FROM_NORMAL,
    FROM_SCALED,
    NORMAL,
    ROTATED,
    SCALED,
)
from pytmva_rnn.transformations.normalize import scale, scale_back
from pytmva_rnn.transformations.rotation import rotate

__all__ = ["PROGRAM", "STEP", "run"]

STEP = np.dtype(
    [
        ("operation", np.int64),
        ("count", np.int64),  # of values that it works on
        ("window", np.int64),  # the first, where they stand side by side and stay there; else -1, and
        ("sources", np.int64),  # where their places begin among all places,
        ("goals", np.int64),  # and the places of the results
        ("parameters", np.int64),  # where its parameters begin
        ("table", np.int64),  # where its table begins
    ]
)

PROGRAM = np.dtype(
    [
        ("steps", np.int64),  # addresses of the arrays, and their lengths
        ("places", np.int64),
        ("parameters", np.int64),
        ("table", np.int64),
        ("step_count", np.int64),
        ("place_count", np.int64),
        ("parameter_count", np.int64),
        ("table_count", np.int64),
        ("width", np.int64),  # of an event
        ("room", np.int64),  # address of room for three events in double precision
        ("double", np.int64),  # whether events and results are in double precision, else in single
        ("out", np.int64),  # address of the results
    ]
)


@kernel
def run(program: int, numbers: Any) -> None:
    """Transform events, one or many, into the program's results, which may lie where the events do.

    Parameters
    ----------
    program : int
        Address of a record PROGRAM: Numba looks at the types of all arguments in every call from Python.
    numbers : flat float32 array in C order
        The memory of the events, whatever their precision: compiled once for all.
    """
    of = array_at(program, 1, PROGRAM)[0]
    width = of.width
    steps, places = array_at(of.steps, of.step_count, STEP), array_at(of.places, of.place_count, np.int64)
    parameters = array_at(of.parameters, of.parameter_count, np.float64)
    table = array_at(of.table, of.table_count, np.float32)
    room = array_at(of.room, (3, width), np.float64)
    event, gathered, spare = room[0], room[1], room[2]
    size = numbers.size // 2 if of.double else numbers.size
    singles, doubles = numbers, array_at(numbers.ctypes.data, size, np.float64)
    single_results, double_results = array_at(of.out, size, np.float32), array_at(of.out, size, np.float64)
    if len(steps) == 1 and steps[0].operation == SCALED and steps[0].window >= 0 and not of.double:
        _scale_only(steps[0], parameters, singles, width, single_results)
        return
    for first in range(0, size, width):
        if of.double:
            for i in range(width):
                event[i] = doubles[first + i]
        else:
            for i in range(width):
                event[i] = singles[first + i]
        for k in range(len(steps)):
            step = steps[k]
            if step.window >= 0:
                values = event[step.window : step.window + step.count]
            else:
                values = gathered[: step.count]
                for i in range(step.count):
                    values[i] = event[places[step.sources + i]]
            _operate(step.operation, values, parameters[step.parameters :], table[step.table :], spare)
            if k < len(steps) - 1:
                # what the next step reads is an event of TMVA, whose values are float32
                for i in range(step.count):
                    values[i] = np.float32(values[i])
            if step.window < 0:
                for i in range(step.count):
                    event[places[step.goals + i]] = values[i]
        if of.double:
            for i in range(width):
                double_results[first + i] = event[i]
        else:
            for i in range(width):
                single_results[first + i] = event[i]


@kernel
def _scale_only(step: Any, parameters: Any, numbers: Any, width: int, results: Any) -> None:
    """The commonest chain, N alone, without a detour over double precision: as `scale`, three times as quickly."""
    count, begin = step.count, step.parameters
    low, factor = np.empty(count, np.float32), np.empty(count, np.float32)
    for i in range(count):
        low[i], factor[i] = parameters[begin + i], parameters[begin + count + i]
    for first in range(0, len(numbers), width):
        event, result = numbers[first : first + width], results[first : first + width]
        if count < width:
            for i in range(width):
                result[i] = event[i]
        event, result = event[step.window :], result[step.window :]
        for i in range(count):
            result[i] = (event[i] - low[i]) * factor[i] * np.float32(2) - np.float32(1)


@kernel
def _operate(operation: int, values: Any, parameters: Any, table: Any, spare: Any) -> None:
    if operation == SCALED:
        scale(values, parameters)
    elif operation == FROM_SCALED:
        scale_back(values, parameters)
    elif operation == ROTATED:
        rotate(values, parameters, spare)
    elif operation in (FLAT, NORMAL):
        flatten(values, parameters, table)
        if operation == NORMAL:
            normal_of_flat(values)
    elif operation in (FROM_FLAT, FROM_NORMAL):
        if operation == FROM_NORMAL:
            flat_of_normal(values)
        flatten_back(values, parameters, table)

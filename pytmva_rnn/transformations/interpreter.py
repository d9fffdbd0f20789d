"""Runs the instructions of a chain: compiled, event by event, in double precision."""

from __future__ import annotations

import numpy as np

from pytmva_rnn.compile import array_at, call, operation
from pytmva_rnn.transformations.gauss import flatten, flatten_back, make_normal, make_normal_back
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

__all__ = ["FUNCTIONS", "PROGRAM", "STEP", "run", "scale_only"]

STEP = np.dtype(
    [
        ("function", np.int64),  # address of what it does, one of `FUNCTIONS`
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
        ("steps", np.int64),  # addresses of the arrays, and the lengths of two
        ("places", np.int64),
        ("parameters", np.int64),
        ("table", np.int64),
        ("step_count", np.int64),
        ("place_count", np.int64),
        ("events", np.int64),
        ("width", np.int64),  # of an event
        ("room", np.int64),  # address of room for three events in double precision
        ("double", np.int64),  # whether events and results are in double precision, else in single
        ("out", np.int64),  # address of the results
    ]
)


@operation
def run(program: int, numbers: int) -> None:
    """Transform events, one or many, into the program's results, which may lie where the events do.

    Parameters
    ----------
    program, numbers : int
        Addresses of a record PROGRAM and of the events, in C order.
    """
    of = array_at(program, 1, PROGRAM)[0]
    width, size = of.width, of.events * of.width
    steps, places = array_at(of.steps, of.step_count, STEP), array_at(of.places, of.place_count, np.int64)
    event, gathered, spare = array_at(of.room, width, np.float64), of.room + 8 * width, of.room + 16 * width
    singles, doubles = array_at(numbers, size, np.float32), array_at(numbers, size, np.float64)
    single_results, double_results = array_at(of.out, size, np.float32), array_at(of.out, size, np.float64)
    for number in range(of.events):
        first = number * width
        for i in range(width):
            if of.double:
                event[i] = doubles[first + i]
            else:
                event[i] = singles[first + i]
        for k in range(len(steps)):
            step = steps[k]
            place = of.room + 8 * step.window if step.window >= 0 else gathered
            values = array_at(place, step.count, np.float64)
            if step.window < 0:
                for i in range(step.count):
                    values[i] = event[places[step.sources + i]]
            parameters, table = of.parameters + 8 * step.parameters, of.table + 4 * step.table
            call(step.function, (place, step.count, parameters, table, spare))
            if k < len(steps) - 1:
                # what the next step reads is an event of TMVA, whose values are float32
                for i in range(step.count):
                    values[i] = np.float32(values[i])
            if step.window < 0:
                for i in range(step.count):
                    event[places[step.goals + i]] = values[i]
        for i in range(width):
            if of.double:
                double_results[first + i] = event[i]
            else:
                single_results[first + i] = event[i]


@operation
def scale_only(program: int, numbers: int) -> None:
    """The commonest chain, N alone of what stands side by side, in single precision.

    As `scale`, three times as quickly without a detour over double precision.
    """
    of = array_at(program, 1, PROGRAM)[0]
    width, size = of.width, of.events * of.width
    step = array_at(of.steps, 1, STEP)[0]
    count, window = step.count, step.window
    parameters = array_at(of.parameters + 8 * step.parameters, 2 * count, np.float64)
    low, factor = array_at(of.room, count, np.float32), array_at(of.room + 8 * width, count, np.float32)
    events, results = array_at(numbers, size, np.float32), array_at(of.out, size, np.float32)
    for i in range(count):
        low[i] = parameters[i]
        factor[i] = parameters[count + i]
    one, two = np.float32(1), np.float32(2)
    for number in range(of.events):
        first = number * width
        if count < width:
            for i in range(width):
                results[first + i] = events[first + i]
        for i in range(count):
            results[first + window + i] = (events[first + window + i] - low[i]) * factor[i] * two - one


FUNCTIONS = {
    SCALED: scale,
    FROM_SCALED: scale_back,
    ROTATED: rotate,
    FLAT: flatten,
    FROM_FLAT: flatten_back,
    NORMAL: make_normal,
    FROM_NORMAL: make_normal_back,
}
"""What an instruction's operation does, to so many values at an address: with its parameters, its table and room for
as many values, all addresses. Values, parameters and room are float64, and a table float32."""

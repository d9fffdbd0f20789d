"""A model's chain of transformations, compiled once, and run on one event or many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.compile import Operation, compilation, data_address, readable
from pytmva_rnn.description import Transformation, Variable
from pytmva_rnn.errors import DataError
from pytmva_rnn.transformations.instruction import SCALED, Instruction
from pytmva_rnn.transformations.interpreter import FUNCTIONS, PROGRAM, STEP, run, scale_only
from pytmva_rnn.transformations.registry import BY_TYPE
from pytmva_rnn.transformations.selection import places_of
from pytmva_rnn.transformations.transformer import Values

__all__ = [
    "Chain",
    "apply_transformations",
    "chain_steps",
    "compile_chain",
    "invert_targets",
    "invert_transformations",
    "undone",
]


class Chain:
    """Transformations as plain arrays: which columns each reads and writes, and its numbers.

    Threads may share it. `bool(chain)` says whether it does anything.

    Attributes
    ----------
    width : int
        Columns of an event.
    """

    def __init__(self, width: int, steps: Sequence[tuple[Instruction, Sequence[int], Sequence[int]]]) -> None:
        self.width = width
        self._steps = np.zeros(len(steps), STEP)
        self._operations = [instruction.operation for instruction, _, _ in steps]
        places: list[int] = []
        parameters, tables = [np.empty(0)], [np.empty(0, np.float32)]
        for record, (instruction, sources, goals) in zip(self._steps, steps, strict=True):
            side_by_side = list(sources) == list(goals) == list(range(sources[0], sources[0] + len(sources)))
            record["count"] = len(sources)
            record["window"] = sources[0] if side_by_side else -1
            record["sources"], record["goals"] = len(places), len(places) + len(sources)
            record["parameters"] = sum(map(len, parameters))
            record["table"] = sum(map(len, tables))
            places += [*sources, *goals]
            parameters.append(instruction.parameters)
            tables.append(instruction.table)
        self._places = np.array(places, np.int64)
        self._parameters = np.concatenate(parameters)
        self._table = np.concatenate(tables)

    def __bool__(self) -> bool:
        return len(self._steps) > 0

    def __call__(self, events: NDArray[Any], out: NDArray[Any] | None = None) -> NDArray[Any]:
        """Transform events.

        Parameters
        ----------
        events : array, shape (n, width)
            Float64 is transformed to float64, everything else to float32; quickest in C order.
        out : array of the same shape, float32 or float64 in C order, optional
            Where the results go; may be `events`.

        Returns
        -------
        ndarray, shape (n, width)
            `events` itself where there is nothing to do and no `out`.

        Raises
        ------
        DataError
            For another shape.
        ValueError
            For an `out` of another shape, type or order.
        """
        if events.ndim != 2 or events.shape[1] != self.width:
            raise DataError(f"transformations of {self.width} columns cannot be applied to the shape {events.shape}")
        if out is None:
            if not self:
                return events
            out = np.empty(events.shape, np.float64 if events.dtype == np.float64 else np.float32)
        if out.shape != events.shape or out.dtype not in (np.float32, np.float64) or not out.flags.carray:
            raise ValueError(f"out must be float32 or float64 in C order, writable, of the shape {events.shape}")
        if not self:
            out[...] = events
            return out
        numbers = readable(events, out.dtype)
        with compilation("transformations"):
            function, program, _ = self._program(out, len(events))
            function.entry(program.ctypes.data, numbers.ctypes.data)
        return out

    def single(self) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
        """A function from one event, float32 in C order and writable, to the transformed event, (width,).

        The result lies in memory that is used again: the function is for one thread at a time.
        """
        operation, program, out, owner = self.preparation()
        address = program.ctypes.data
        with compilation("single events"):
            function = operation.entry

        def transformed(x: NDArray[np.float32]) -> NDArray[np.float32]:
            function(address, data_address(x))
            return out

        transformed.owner = (program, owner)  # type: ignore[attr-defined]  # to keep what the address means
        return transformed

    def preparation(self) -> tuple[Operation, NDArray[Any], NDArray[np.float32], Any]:
        """The same for compiled code.

        Returns
        -------
        an operation that is given the addresses of the program and of an event; the program; the transformed
        event (width,), in memory that is used again; and what is to live as long.
        """
        out = np.empty(self.width, np.float32)
        with compilation("single events"):
            operation, program, room = self._program(out, 1)
        return operation, program, out, (self, room)

    def _program(self, out: NDArray[Any], events: int) -> tuple[Operation, NDArray[Any], NDArray[np.float64]]:
        """What runs, what it needs to know, and room for it to work in."""
        program, room = np.zeros(1, PROGRAM), np.empty((3, self.width))
        for name in ("step", "place"):
            array = getattr(self, f"_{name}s")
            program[f"{name}s"], program[f"{name}_count"] = array.ctypes.data, len(array)
        program["parameters"], program["table"] = self._parameters.ctypes.data, self._table.ctypes.data
        program["events"], program["width"], program["room"] = events, self.width, room.ctypes.data
        program["double"], program["out"] = out.dtype == np.float64, out.ctypes.data
        if self._operations == [SCALED] and self._steps["window"][0] >= 0 and out.dtype == np.float32:
            return scale_only, program, room
        if self._steps["function"][0] == 0:
            # none is compiled before it is needed
            self._steps["function"] = [FUNCTIONS[each].address for each in self._operations]
        return run, program, room


def compile_chain(
    transformations: Sequence[Transformation],
    known: Sequence[Variable],
    kind: str = "Variable",
    *,
    inverse: bool = False,
) -> Chain:
    """Look up columns and check parameters, once.

    Parameters
    ----------
    transformations : sequence of Transformation
        In the order of the file.
    known : sequence of Variable, length k
        What the columns are: the model's `variables` or its `targets`.
    kind : "Variable" or "Target"
    inverse : bool
        Undo the chain: of targets, as in TMVA, only the first transformation that they take part in; of variables all,
        from the end.

    Raises
    ------
    DataError
        If a transformation asks for an input that is not among `known`, or its parameters do not fit its inputs.
    """
    return Chain(len(known), chain_steps(transformations, known, kind, inverse=inverse))


def chain_steps(
    transformations: Sequence[Transformation],
    known: Sequence[Variable],
    kind: str = "Variable",
    *,
    inverse: bool = False,
) -> list[tuple[Instruction, list[int], list[int]]]:
    """What `compile_chain` compiles: instructions, with the columns that each reads and writes."""
    steps = []
    for transformation in undone(transformations, kind) if inverse else transformations:
        places, sources, goals = places_of(transformation, kind, known)
        if not places:
            continue
        method = BY_TYPE[type(transformation)]
        if not transformation.by_column and len(places) < len(transformation.inputs):
            raise DataError(f"{transformation.kind}: expected inputs of one type, found variables mixed with others")
        entry = _entry(transformation)
        if inverse:
            steps.append((method.inverse(transformation, entry, places), goals, sources))
        else:
            steps.append((method.forward(transformation, entry, places), sources, goals))
    return steps


def undone(transformations: Sequence[Transformation], kind: str) -> list[Transformation]:
    """The transformations that are undone, in this order; see `compile_chain`."""
    if kind == "Variable":
        return list(reversed(transformations))
    return [each for each in transformations if any(item.type == kind for item in each.inputs)][:1]


def _entry(transformation: Transformation) -> int:
    """The entry of the class that is used; the parameters fit the inputs."""
    entries = transformation.check_parameters()
    reference = transformation.reference
    if reference is not None and reference not in range(entries):
        raise DataError(f"{transformation.kind}: expected a class below {entries} as reference, found {reference}")
    if not entries:
        raise DataError(f"{transformation.kind}: expected parameters for all classes together, found none")
    return -1 if reference is None else reference


def apply_transformations(
    transformations: Sequence[Transformation],
    values: NDArray[np.floating],
    known: Sequence[Variable],
    kind: str = "Variable",
) -> Values:
    """Transform variables, or with kind "Target" regression targets, in the order of the file.

    Parameters
    ----------
    transformations : sequence of Transformation
    values : array, shape (n, k)
    known : sequence of Variable, length k
        What the columns are: the model's `variables` or its `targets`.
    kind : "Variable" or "Target"

    Returns
    -------
    ndarray of float64, shape (n, k)

    Raises
    ------
    DataError
        As `compile_chain`.
    """
    return compile_chain(transformations, known, kind)(np.array(values, np.float64, order="C"))


def invert_transformations(
    transformations: Sequence[Transformation],
    values: NDArray[np.floating],
    known: Sequence[Variable],
    kind: str = "Variable",
) -> Values:
    """Map transformed variables or targets, shape (n, k), back; see `apply_transformations`."""
    return compile_chain(transformations, known, kind, inverse=True)(np.array(values, np.float64, order="C"))


def invert_targets(
    transformations: Sequence[Transformation], values: NDArray[np.floating], targets: Sequence[Variable]
) -> Values:
    """Map a network's regression outputs, shape (n, O), back to the scale of the targets."""
    return invert_transformations(transformations, values, targets, "Target")

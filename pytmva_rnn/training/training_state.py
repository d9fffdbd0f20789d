"""Where a training stands between two batches, and the same as plain data and arrays for a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.description import HistoryRow
from pytmva_rnn.errors import CheckpointError
from pytmva_rnn.kernels import Weights
from pytmva_rnn.network.threads import MOST
from pytmva_rnn.options import TrainingPhase
from pytmva_rnn.training.problem import Problem
from pytmva_rnn.trandom import TRandom3

__all__ = ["Position", "TrainingState", "largest_state"]

_LARGEST_SEED = 2**32 - 1


_PLAIN = ("phase", "epoch", "batch", "loss", "lowest", "unimproved", "plateaus")
"""What of a position is plain data."""


@dataclass(eq=False)
class Position:
    """Where a phase of a training stands.

    Attributes
    ----------
    phase : int
        From 1.
    order : (n,) int64
        The training events in the order of the epoch at hand.
    shuffles : TRandom3
        What the next epoch is shuffled with.
    keys : numpy Generator
        What the next batches' dropout is drawn with.
    lowest : float
        Validation error so far.
    epoch, batch : int
        Whole epochs that are done, and batches of the next that are.
    loss : float
        What those batches add to the mean of the epoch's losses.
    unimproved : int
        Epochs since the validation error fell: what ConvergenceSteps counts.
    plateaus : int
        How often a schedule's patience has ended.
    """

    phase: int
    order: NDArray[np.int64]
    shuffles: TRandom3
    keys: np.random.Generator
    lowest: float
    epoch: int = 0
    batch: int = 0
    loss: float = 0.0
    unimproved: int = 0
    plateaus: int = 0

    @classmethod
    def at_the_start(cls, phase: int, events: int, seed: int, lowest: float) -> Position:
        """Of a phase: the same events begin each in their own order, shuffled with TMVA's numbers."""
        return cls(phase, np.arange(events), TRandom3(seed + phase), np.random.default_rng([seed, phase]), lowest)

    def copied(self) -> Position:
        """The same, that stays where it is."""
        shuffles, keys = TRandom3.from_state(self.shuffles.state()), deepcopy(self.keys)
        return replace(self, order=self.order.copy(), shuffles=shuffles, keys=keys)


@dataclass(frozen=True, eq=False)
class TrainingState:
    """All that a training needs to go on.

    Attributes
    ----------
    seed : int
        Of all random numbers.
    threads : int, optional
        That were asked for.
    best : one mapping of arrays a layer
        The weights of the lowest validation error.
    improved : bool
        Whether that is lower than at the start.
    history : list of HistoryRow
    initial_error, floor : float
        Of the validation sample before any training, and what no training can reach.
    seconds : float
        Of training so far.
    position : Position, optional
        None when the training is done.
    engine : mapping of arrays
        The engine's own state.
    """

    seed: int
    threads: int | None
    best: Weights
    improved: bool
    history: Sequence[HistoryRow]
    initial_error: float
    floor: float
    seconds: float
    position: Position | None = None
    engine: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def __str__(self) -> str:
        if self.position is None:
            return "the end of the training"
        at = self.position
        within = f", with {at.batch} batches of the next," if at.batch else ""
        return f"epoch {at.epoch}{within} of phase {at.phase}"

    def parts(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Plain data that JSON can hold, and arrays; `of_parts` takes them back."""
        plain: dict[str, Any] = {
            "done": self.position is None,
            "seed": self.seed,
            "threads": self.threads,
            "improved": self.improved,
            "initial_error": self.initial_error,
            "floor": self.floor,
            "seconds": self.seconds,
        }
        rows = np.array(self.history, np.float64).reshape(-1, len(HistoryRow._fields))
        arrays: dict[str, NDArray[Any]] = {"history": rows}
        arrays |= {f"best/{n}/{name}": value for n, each in enumerate(self.best) for name, value in each.items()}
        if self.position is not None:
            at = self.position
            plain |= {name: getattr(at, name) for name in _PLAIN}
            keys: Any = at.keys.bit_generator.state
            plain["keys"] = [*keys["state"].values(), keys["has_uint32"], keys["uinteger"]]
            arrays |= {"order": at.order, "shuffles": at.shuffles.state()}
            arrays |= {f"engine/{name}": value for name, value in self.engine.items()}
        return plain, arrays

    @classmethod
    def of_parts(
        cls,
        plain: Mapping[str, Any],
        arrays: Mapping[str, NDArray[Any]],
        problem: Problem,
        phases: Sequence[TrainingPhase],
    ) -> TrainingState:
        """What `parts` gave, for this problem.

        Raises
        ------
        CheckpointError
            If it is not such; what the engine says of its own arrays comes when it takes them.
        """
        threads = plain.get("threads")
        return cls(
            _whole(plain, "seed", 1, _LARGEST_SEED),
            None if threads is None else _whole(plain, "threads", 1, MOST),
            _best(arrays, problem),
            _flag(plain, "improved"),
            _history(arrays, phases),
            _number(plain, "initial_error"),
            _number(plain, "floor"),
            _number(plain, "seconds"),
            None if _flag(plain, "done") else _position(plain, arrays, len(problem.training), phases),
            {n.removeprefix("engine/"): value for n, value in arrays.items() if n.startswith("engine/")},
        )


def largest_state(problem: Problem, phases: Sequence[TrainingPhase]) -> int:
    """Bytes that the arrays of a training's state have at most."""
    parameters = sum(rows * columns for layer in problem.layers for rows, columns in _shapes(layer).values())
    remembered = sum(sum(layer.state_widths) for layer in problem.layers) * max(p.batch_size for p in phases)
    tests = sum(phase.max_epochs // phase.test_repetitions + 1 for phase in phases)
    # in float64, with two moments and the best weights; and for each array what it says of itself
    return 8 * (4 * parameters + 2 * remembered + len(problem.training) + 4 * tests) + (1 << 22)


def _shapes(layer: Any) -> dict[str, tuple[int, int]]:
    return {name: array.shape for name, array in layer.arrays().items()}


def _whole(plain: Mapping[str, Any], name: str, least: int, most: int) -> int:
    value = plain.get(name)
    if type(value) is not int or not least <= value <= most:
        raise CheckpointError(f"its {name} is {str(value)[:40]}; expected a whole number from {least} to {most}")
    return value


def _number(plain: Mapping[str, Any], name: str) -> float:
    value = plain.get(name)
    if type(value) is not float:
        raise CheckpointError(f"its {name} is {str(value)[:40]}; expected a number")
    return value


def _flag(plain: Mapping[str, Any], name: str) -> bool:
    value = plain.get(name)
    if type(value) is not bool:
        raise CheckpointError(f"its {name} is {str(value)[:40]}; expected true or false")
    return value


def _taken(arrays: Mapping[str, NDArray[Any]], name: str, kinds: str, shape: tuple[int | None, ...]) -> NDArray[Any]:
    """An array of this kind of numbers and this shape, in which None stands for any size."""
    array = arrays.get(name)
    if array is None:
        raise CheckpointError(f"it has no {name}")
    fits = len(array.shape) == len(shape) and all(w in (None, s) for s, w in zip(array.shape, shape, strict=True))
    if array.dtype.str not in kinds.split() or not fits:
        raise CheckpointError(f"its {name} is {array.dtype} of shape {array.shape}; expected {kinds}, {shape}")
    return array


def _best(arrays: Mapping[str, NDArray[Any]], problem: Problem) -> Weights:
    return [
        {name: _taken(arrays, f"best/{n}/{name}", "<f4 <f8", shape) for name, shape in _shapes(layer).items()}
        for n, layer in enumerate(problem.layers)
    ]


def _history(arrays: Mapping[str, NDArray[Any]], phases: Sequence[TrainingPhase]) -> list[HistoryRow]:
    rows = []
    for phase, epoch, *errors in _taken(arrays, "history", "<f8", (None, len(HistoryRow._fields))).tolist():
        if not (phase in range(1, len(phases) + 1) and epoch in range(1, phases[int(phase) - 1].max_epochs + 1)):
            raise CheckpointError(f"its history tells of epoch {epoch:g} of phase {phase:g}")
        rows.append(HistoryRow(int(phase), int(epoch), *errors))
    return rows


def _position(
    plain: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], events: int, phases: Sequence[TrainingPhase]
) -> Position:
    number = _whole(plain, "phase", 1, len(phases))
    phase = phases[number - 1]
    order = _taken(arrays, "order", "<i8", (events,))
    if order.min() < 0 or order.max() >= events or (np.bincount(order, minlength=events) != 1).any():
        raise CheckpointError("its order has not each of the training events once")
    try:
        shuffles = TRandom3.from_state(_taken(arrays, "shuffles", "<u4", (None,)))
    except ValueError as error:
        raise CheckpointError(f"its shuffles: {error}") from error
    return Position(
        number,
        order.copy(),
        shuffles,
        _keys(plain),
        _number(plain, "lowest"),
        _whole(plain, "epoch", 0, phase.max_epochs),
        _whole(plain, "batch", 0, events // phase.batch_size - 1),
        _number(plain, "loss"),
        _whole(plain, "unimproved", 0, phase.max_epochs + phase.test_repetitions),
        _whole(plain, "plateaus", 0, phase.max_epochs),
    )


def _keys(plain: Mapping[str, Any]) -> np.random.Generator:
    limits = (2**128, 2**128, 2, 2**32)
    match plain.get("keys"):
        case [*values] if len(values) == len(limits) and all(
            type(value) is int and 0 <= value < limit for value, limit in zip(values, limits, strict=True)
        ):
            generator = np.random.Generator(np.random.PCG64())
            state = {"state": values[0], "inc": values[1]}
            inner = {"bit_generator": "PCG64", "state": state, "has_uint32": values[2], "uinteger": values[3]}
            generator.bit_generator.state = inner
            return generator
    raise CheckpointError("its keys are no state of a generator of random numbers")

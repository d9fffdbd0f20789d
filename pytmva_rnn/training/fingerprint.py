"""What a training is of, as plain data: its options and the content of its events; and how two of them differ."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.data import Dataset
from pytmva_rnn.errors import CheckpointError, OptionError
from pytmva_rnn.model import Model
from pytmva_rnn.options import MethodOptions, TrainingPhase, parse_options
from pytmva_rnn.training.additions import Additions
from pytmva_rnn.training.problem import Problem
from pytmva_rnn.training.training_events import Events

__all__ = ["differences", "fingerprint"]

_PIECES = 32
"""That a sample is taken in, so that the events that differ can be told."""

_WITHOUT_EFFECT = ("v", "verbosity_level", "h", "text")
"""Options that no weight depends on."""

_ARRAYS = {"X": "inputs", "y": "targets", "w": "weights"}


def fingerprint(
    problem: Problem,
    options: MethodOptions,
    datasets: Sequence[Dataset],
    initial: Model | None,
    *,
    shuffle: bool,
    backend: str,
    additions: Additions,
) -> dict[str, Any]:
    """Everything that the weights of a training depend on, besides the machine.

    Parameters
    ----------
    problem : Problem
        The events as they are trained with: two samples that agree in these are the same, wherever they were read.
    options : MethodOptions
    datasets : sequence of Dataset
        That the events came in, if they did: for the names of files.
    initial : Model, optional
        What is started from in place of fresh weights.
    shuffle, backend, additions
        As for `pytmva_rnn.train`.
    """
    training = problem.training
    recipe = None if not datasets or datasets[0].recipe is None else datasets[0].recipe.to_dict()
    return {
        "options": str(options),
        "arguments": {
            "backend": backend,
            "shuffle": shuffle,
            "analysis": problem.analysis,
            "classes": list(problem.classes),
            "variables": [variable.label for variable in problem.variables],
            "targets": [target.label for target in problem.targets],
            "initial weights": None if initial is None else _digest(_of_weights(initial)),
            "additions": additions.to_dict() | ({"mask_padding": True} if problem.mask_padding else {}),
            "recipe": recipe,
            "memory for a block of events": _block(training),
        },
        "samples": {"training": _sample(training), "validation": _sample(problem.validation)},
        "files": {name: each for data in datasets for name, each in _files(data)},
    }


def differences(saved: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """In words, what of a saved fingerprint is otherwise now; nothing if they are of the same training.

    Raises
    ------
    CheckpointError
        If what was saved is no fingerprint.
    """
    try:
        found = [*_of_options(saved["options"], now["options"]), *_of_tables(saved["arguments"], now["arguments"])]
        samples = [
            text
            for name in ("training", "validation")
            for text in _of_samples(name, saved["samples"][name], now["samples"][name])
        ]
        # where the events are the same, it does not matter which files they came from
        return [*found, *(_of_files(saved["files"], now["files"]) if samples else ()), *samples]
    except (AttributeError, KeyError, TypeError, ValueError, OptionError) as error:
        raise CheckpointError(f"what it says of its training is not understood: {error}") from error


def _block(sample: Events) -> int | None:
    """Bytes of the blocks in which a sample is trained with that is not in memory."""
    return None if sample.in_memory or sample.storage is None else sample.storage.share


def _digest(arrays: Iterable[NDArray[Any]]) -> str:
    sha = hashlib.sha256()
    for array in arrays:
        sha.update(f"{array.dtype.str}{array.shape}".encode())
        sha.update(np.ascontiguousarray(array).data)
    return sha.hexdigest()


def _of_weights(model: Model) -> Iterator[NDArray[Any]]:
    return (np.asarray(layer.weights[name]) for layer in model.layers for name in sorted(layer.weights))


def _bounds(events: int) -> list[tuple[int, int]]:
    """The pieces of a sample."""
    cuts = [events * k // _PIECES for k in range(_PIECES + 1)]
    return list(pairwise(cuts))


def _sample(sample: Events) -> dict[str, Any]:
    arrays: dict[str, NDArray[Any]] = {name: getattr(sample, name) for name in _ARRAYS}
    digests = {name: [_digest([array[a:b]]) for a, b in _bounds(len(sample))] for name, array in arrays.items()}
    return {"events": len(sample), **digests}


def _files(data: Dataset) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name, number of events and content of each file."""
    counts = [0] * len(data.files)
    digests = [hashlib.sha256() for _ in data.files]
    for first in range(0, len(data) if digests else 0, _ROWS):
        rows = slice(first, first + _ROWS)
        order = np.argsort(data.file_index[rows], kind="stable")
        numbers, starts = np.unique(data.file_index[rows][order], return_index=True)
        arrays = [array[rows][order] for array in (data.X, data.class_index, data.weights, data.target_values)]
        for number, (start, stop) in zip(numbers.tolist(), pairwise([*starts.tolist(), len(order)]), strict=True):
            counts[number] += stop - start
            for array in arrays:
                digests[number].update(np.ascontiguousarray(array[start:stop]).data)
    for name, count, digest in zip(data.files, counts, digests, strict=True):
        yield name, {"events": count, "sha256": digest.hexdigest()}


_ROWS = 100_000
"""Of a sample that are looked at together, so that one of any size needs no memory beside it."""


def _of_options(saved: str, now: str) -> Iterator[str]:
    before, after = parse_options(saved), parse_options(now)
    for field in fields(MethodOptions):
        old, new = getattr(before, field.name), getattr(after, field.name)
        if field.name in _WITHOUT_EFFECT or old == new:
            continue
        if field.name == "training_strategy" and len(old) == len(new):
            yield from _of_phases(old, new)
        else:
            key = field.metadata["key"]
            yield _told(key.name, key.text(old), key.text(new))


def _of_phases(saved: Sequence[TrainingPhase], now: Sequence[TrainingPhase]) -> Iterator[str]:
    for number, (old, new) in enumerate(zip(saved, now, strict=True), 1):
        for field in fields(TrainingPhase):
            key, values = field.metadata["key"], (getattr(old, field.name), getattr(new, field.name))
            if values[0] != values[1]:
                yield _told(f"{key.name} of phase {number}", key.text(values[0]), key.text(values[1]))


def _of_tables(saved: Mapping[str, Any], now: Mapping[str, Any], where: str = "") -> Iterator[str]:
    for name in now:
        old, new = saved[name], now[name]
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _of_tables({**dict.fromkeys(new), **old}, {**dict.fromkeys(old), **new}, f"{where}{name} ")
        elif old != new:
            yield _told(f"{where}{name}", old, new)


def _told(name: str, saved: Any, now: Any) -> str:
    return f"{name} was {_short(saved)}, now it is {_short(now)}"


def _short(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 60 else f"{text[:28]} ... {text[-28:]}"


def _of_files(saved: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted(saved.keys() | now.keys()):
        if name not in now:
            yield f"{name} is not read now"
        elif name not in saved:
            yield f"{name} was not read"
        elif saved[name]["events"] != now[name]["events"]:
            yield f"{name} gave {saved[name]['events']} events, now it gives {now[name]['events']}"
        elif saved[name] != now[name]:
            yield f"the events of {name} are others"


def _of_samples(which: str, saved: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    if saved["events"] != now["events"]:
        yield f"the {which} sample had {saved['events']} events, now it has {now['events']}"
        return
    for name, what in _ARRAYS.items():
        changed = [
            bounds
            for bounds, old, new in zip(_bounds(now["events"]), saved[name], now[name], strict=True)
            if old != new
        ]
        if changed:
            first, last = changed[0][0], changed[-1][1] - 1
            yield f"the {what} of events in {first} to {last} of the {which} sample are others"

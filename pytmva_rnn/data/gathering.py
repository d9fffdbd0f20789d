"""The pieces of all sources put together: in memory, or in files."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.data.array_files import ArrayWriter, read_array
from pytmva_rnn.data.dataset import OF_EVENTS, Dataset, joined
from pytmva_rnn.data.growing_array import GrowingArray
from pytmva_rnn.data.labelled_events import LabelledPiece
from pytmva_rnn.data.reading_progress import ReadingProgress
from pytmva_rnn.data.same_numbers import same
from pytmva_rnn.outputs import check_space

__all__ = ["Gathering", "InFiles", "InMemory", "arrays_of_files"]


class Gathering(Protocol):
    """Takes the events of sources, one source after the other."""

    room: int | None
    """Bytes that a piece may take."""

    def add(self, piece: LabelledPiece) -> None:
        """Further events of a source; those of a repetition come after all of the one before."""

    def end_source(self) -> None:
        """All of a source has come."""


class InMemory:
    """Keeps the pieces, and joins them; the inputs, which are most of it, as they come."""

    room: int | None = None

    def __init__(self) -> None:
        self._X = GrowingArray()
        self._parts: list[Dataset] = []
        self._repeated: dict[int, list[Dataset]] = {}

    def add(self, piece: LabelledPiece) -> None:
        """See `Gathering`."""
        if piece.repetition:
            self._repeated.setdefault(piece.repetition, []).append(piece.events)
        else:
            self._append(piece.events, piece.following)

    def end_source(self) -> None:
        """See `Gathering`."""
        for _, pieces in sorted(self._repeated.items()):
            following = sum(map(len, pieces))
            for events in pieces:
                following -= len(events)
                self._append(events, following)
        self._repeated.clear()

    def _append(self, events: Dataset, following: int) -> None:
        self._X.append(events.X, following)
        # its shape, without its memory
        self._parts.append(replace(events, X=np.broadcast_to(np.float32(0), events.X.shape)))

    @property
    def is_empty(self) -> bool:
        """Whether nothing has come."""
        return not self._parts

    def finish(self, **known: Any) -> Dataset:
        """All events, with other attributes as given."""
        return joined(self._parts, X=self._X.finish(), **known)


class InFiles:
    """Writes each attribute of the events into a file of a folder; as a context, closes them all in the end.

    Parameters
    ----------
    folder : Path
        Of its own, and empty.
    room : int
        Bytes that a piece may take.
    progress : ReadingProgress
        Is told of the entries that are read, and tells how many are still to come.

    Attributes
    ----------
    files : list of str
        Where events come from, each `file.root:tree`.
    """

    def __init__(self, folder: Path, room: int, progress: ReadingProgress) -> None:
        self.room: int | None = room
        self.files: list[str] = []
        self._folder = folder
        self._progress = progress
        self._whole = _Arrays(folder)
        self._of_repetition: dict[int, _Arrays] = {}

    def __enter__(self) -> InFiles:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for arrays in (self._whole, *self._of_repetition.values()):
            arrays.close()

    def add(self, piece: LabelledPiece) -> None:
        """See `Gathering`.

        Raises
        ------
        OutputError
            If the disk has not the space for these events and, at this rate, for those that are to come.
        """
        events, repetition = piece.events, piece.repetition
        (place,) = events.files
        if place not in self.files:
            self.files.append(place)
        goal = self._whole
        if repetition:
            # the repetitions come side by side, and belong one after the other
            if repetition not in self._of_repetition:
                self._of_repetition[repetition] = _Arrays(self._folder / str(repetition))
            goal = self._of_repetition[repetition]
        goal.append(replace(events, file_index=same(self.files.index(place), len(events))))
        self._progress.advance(piece.entries)
        self._check_space()

    def end_source(self) -> None:
        """See `Gathering`."""
        for _, arrays in sorted(self._of_repetition.items()):
            self._whole.append_files(arrays)
        self._of_repetition.clear()

    def close(self) -> dict[str, dict[str, Any]]:
        """What is needed to read the files with `arrays_of_files`, as plain data."""
        return self._whole.close()

    def _check_space(self) -> None:
        """What is still to come will take as much an entry as what has come."""
        done = self._progress.share_done
        if done:
            written = sum(file.stat().st_size for file in self._folder.rglob("*") if file.is_file())
            check_space("events", self._folder.parent / "events", int(written * (1 - done) / done))


class _Arrays:
    """The files of a folder, one for each attribute."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._writers = {name: ArrayWriter(folder / name) for name in OF_EVENTS}

    def append(self, events: Dataset) -> None:
        for name, writer in self._writers.items():
            writer.append(getattr(events, name))

    def append_files(self, other: _Arrays) -> None:
        """Take over what others have written."""
        for name, description in other.close().items():
            self._writers[name].append_file(description, other._folder / name)
        shutil.rmtree(other._folder)

    def close(self) -> dict[str, dict[str, Any]]:
        return {name: writer.close() for name, writer in self._writers.items()}


def arrays_of_files(folder: Path, descriptions: Mapping[str, Mapping[str, Any]]) -> dict[str, NDArray[Any]]:
    """The attributes of events that `InFiles` has written.

    Raises
    ------
    ValueError, KeyError, TypeError, OSError
        If they are not what the descriptions say.
    """
    arrays = {name: read_array(descriptions[name], folder / name) for name in OF_EVENTS}
    if len({len(array) for array in arrays.values()}) != 1:
        raise ValueError(f"the arrays in {folder} have different lengths")
    return arrays

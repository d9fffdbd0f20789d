"""Arrays of events in plain files: written piece by piece, checked and mapped to memory when they are read."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.data.mapped_files import let_pages_go, mapped
from pytmva_rnn.data.same_numbers import is_same, same

__all__ = ["ArrayWriter", "read_array"]

_AT_ONCE = 1 << 24
"""Bytes."""


class ArrayWriter:
    """Writes an array, one piece after the other: raw numbers, or nothing where all are one and the same.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: Any = None
        self._value: int | None = None
        self._dtype: np.dtype[Any] | None = None
        self._row: tuple[int, ...] = ()
        self._checksum = 0
        self.rows = 0

    def append(self, array: NDArray[Any]) -> None:
        """Write further rows."""
        if self._dtype is None:
            self._dtype, self._row = array.dtype, array.shape[1:]
        if not len(array):
            return
        if self._file is None and is_same(array) and (not self.rows or self._value == array[0]):
            self._value = int(array[0])
            self.rows += len(array)
            return
        if self._file is None:
            self._begin()
        kind = np.result_type(self._dtype, array.dtype)
        if kind != self._dtype:
            self._convert(kind)
        self._write(array.astype(kind, copy=False))
        self.rows += len(array)

    def append_file(self, description: Mapping[str, Any], path: Path) -> None:
        """Write all rows that another writer has written."""
        whole = read_array(description, path)
        rows = len(whole) if is_same(whole) else _AT_ONCE // max(1, whole[:1].nbytes)
        for first in range(0, len(whole), max(1, rows)):
            self.append(whole[first : first + rows])
        let_pages_go()

    def close(self) -> dict[str, Any]:
        """What is needed to read the array, as plain data."""
        if self._file is not None:
            self._file.close()
        dtype = np.dtype(np.int64) if self._dtype is None else self._dtype
        found: dict[str, Any] = {"dtype": dtype.str, "shape": [self.rows, *self._row]}
        if self._file is None and self.rows:
            return {**found, "same": self._value}
        return {**found, "crc32": self._checksum}

    def _begin(self) -> None:
        """Numbers that are not all the same after all."""
        self._file = self._path.open("w+b")
        if self.rows:
            assert self._value is not None
            for first in range(0, self.rows, _AT_ONCE // 8):
                self._write(np.full(min(_AT_ONCE // 8, self.rows - first), self._value, np.int64))

    def _write(self, array: NDArray[Any]) -> None:
        if array.size:
            numbers = np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
            self._file.write(numbers)
            self._checksum = zlib.crc32(numbers, self._checksum)

    def _convert(self, kind: np.dtype[Any]) -> None:
        """Bring what is written into another type, as numbers of another file have it."""
        before, self._file = self._file, self._path.with_name(f"{self._path.name}.new").open("w+b")
        assert self._dtype is not None
        kind_before, self._dtype, self._checksum = self._dtype, kind, 0
        before.seek(0)
        while len(numbers := np.fromfile(before, kind_before, _AT_ONCE // 8)):
            self._write(numbers.astype(kind))
        before.close()
        self._file.close()
        Path(self._file.name).replace(self._path)
        self._file = self._path.open("r+b")
        self._file.seek(0, 2)


def read_array(description: Mapping[str, Any], path: Path) -> NDArray[Any]:
    """The array that a writer has written.

    Raises
    ------
    ValueError, OSError
        If the file is not what the description says.
    """
    shape = tuple(int(size) for size in description["shape"])
    dtype = np.dtype(str(description["dtype"]))
    if min(shape) < 0 or dtype.kind not in "biuf":
        raise ValueError(f"no array of numbers has the shape {shape} and the type {dtype}")
    if description.get("same") is not None:
        if len(shape) != 1 or dtype != np.int64:
            raise ValueError("only whole numbers, one an event, may be all the same")
        return same(int(description["same"]), shape[0])
    size = dtype.itemsize * int(np.prod(shape, dtype=object))
    if not size:
        return np.empty(shape, dtype)
    with path.open("rb") as file:
        checksum = length = 0
        while block := file.read(_AT_ONCE):
            checksum, length = zlib.crc32(block, checksum), length + len(block)
        if length != size or checksum != description["crc32"]:
            raise ValueError(f"{path} has {length} bytes with the checksum {checksum}")
        return mapped(file, dtype, shape)

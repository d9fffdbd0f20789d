"""One file of arrays and plain data, an .npz with JSON in it: never half there, and checked before it is used.

What is read may be anybody's. Nothing in it is compressed or pickled, and no array is longer than the file.
"""

from __future__ import annotations

import json
import math
import os
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from pytmva_rnn.errors import CheckpointError, first_line
from pytmva_rnn.files import atomic_path

__all__ = ["MARK", "previous", "read_header", "read_parts", "write_parts"]

MARK = "pytmva_rnn checkpoint"
"""The first key of the header; its value is the number of the format."""

_FORMAT = 1
_HEADER = "header.npy"
LARGEST_HEADER = 1 << 26
"""Bytes of JSON, for thousands of files of events."""

_DAMAGED = (
    *(zipfile.BadZipFile, struct.error, EOFError, KeyError, OSError, OverflowError, RuntimeError),
    *(SyntaxError, TypeError, ValueError),
)
"""What zipfile, NumPy and JSON raise for a file that is none of theirs."""


def previous(path: Path) -> Path:
    """Where the checkpoint before the newest is kept."""
    return path.with_name(f"{path.stem}.previous{path.suffix}")


def write_parts(
    path: Path, header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], *, keep_previous: bool
) -> None:
    """Write a file; there is a whole one at any moment, and with `keep_previous` the one before stays as well.

    Raises
    ------
    OSError
        If it cannot be written; then what was there is untouched.
    """
    text = json.dumps({MARK: _FORMAT, **header}).encode()
    if len(text) > LARGEST_HEADER:
        raise OSError(f"{path}: what is to be said of the training takes {len(text):,} bytes, too many")
    with atomic_path(path) as temporary:
        with zipfile.ZipFile(temporary, "w") as archive:
            for name, array in {
                _HEADER: np.frombuffer(text, np.uint8),
                **{f"{n}.npy": a for n, a in arrays.items()},
            }.items():
                with archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as member:
                    npy.write_array(member, np.ascontiguousarray(array), (1, 0), allow_pickle=False)
        if keep_previous and path.exists():
            with temporary.open("r+b") as file:
                os.fsync(file)  # or neither might be whole after a power failure
            path.replace(previous(path))


def read_header(path: Path) -> dict[str, Any]:
    """What a file says of itself, without the arrays.

    Raises
    ------
    CheckpointError
        If it is no checkpoint, or damaged.
    """
    return _read(path, LARGEST_HEADER, arrays=False)[0]


def read_parts(path: Path, largest: int) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Header and arrays; `largest` is how many bytes all arrays together may have.

    Raises
    ------
    CheckpointError
        If it is no checkpoint, damaged, or larger.
    """
    return _read(path, largest, arrays=True)


def _read(path: Path, largest: int, *, arrays: bool) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    try:
        if not path.is_file():
            raise ValueError("it is no file")
        with zipfile.ZipFile(path) as archive:
            members = _members(archive, path.stat().st_size)
            header = _header(archive, members)
            wanted = {name: info for name, info in members.items() if arrays and name != _HEADER}
            if sum(info.file_size for info in wanted.values()) > largest:
                raise ValueError(f"it is larger than a checkpoint of this training, {largest:,} bytes")
            return header, {name.removesuffix(".npy"): _array(archive, info) for name, info in wanted.items()}
    except _DAMAGED as error:
        raise CheckpointError(f"{path} is no checkpoint, or damaged: {first_line(error)}") from error


def _members(archive: zipfile.ZipFile, size: int) -> dict[str, zipfile.ZipInfo]:
    members = {info.filename: info for info in archive.infolist()}
    if len(members) != len(archive.infolist()):
        raise ValueError("two of its parts have one name")
    if any(
        info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size for info in members.values()
    ):
        raise ValueError("it is compressed")
    if sum(info.file_size for info in members.values()) > size:
        raise ValueError("its parts are longer than the file")
    return members


def _header(archive: zipfile.ZipFile, members: Mapping[str, zipfile.ZipInfo]) -> dict[str, Any]:
    if _HEADER not in members:
        raise ValueError("it does not say what it is")
    if members[_HEADER].file_size > LARGEST_HEADER:
        raise ValueError("what it says of itself is too long")
    header = json.loads(_array(archive, members[_HEADER]).tobytes())
    if not isinstance(header, dict) or MARK not in header:
        raise ValueError("it does not say what it is")
    if header[MARK] != _FORMAT:
        raise ValueError(f"its format is {str(header[MARK])[:20]}, this version of pytmva_rnn reads {_FORMAT}")
    return header


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> NDArray[Any]:
    with archive.open(info) as member:
        shape, dtype = _described(member, info.filename)
        content = member.read()  # all of it, with its checksum
    if math.prod(shape) * dtype.itemsize != len(content):
        raise ValueError(f"{info.filename} has not as many numbers as it says")
    return np.frombuffer(content, dtype).reshape(shape)


def _described(member: IO[bytes], name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    if npy.read_magic(member) != (1, 0):
        raise ValueError(f"{name} is in another form than ours")
    shape, fortran, dtype = npy.read_array_header_1_0(member)
    if fortran or dtype.kind not in "iuf" or any(size < 0 for size in shape):
        raise ValueError(f"{name} is no plain array of numbers")
    return shape, dtype

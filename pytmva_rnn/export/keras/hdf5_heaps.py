"""What the HDF5 library does not look at itself: lists in a file that lead nowhere, which it follows for good.

Texts of an attribute lie in a heap, one object after the other, each with its size (HDF5 File Format Specification,
III.E). A free object of size 0 sends the library round and round, where no signal of Python's reaches it.
"""

from __future__ import annotations

import struct

from pytmva_rnn.errors import DataError

__all__ = ["check_heaps"]

_FILE, _HEAP = b"\x89HDF\r\n\x1a\n", b"GCOL\x01\0\0\0"
_LENGTHS = {0: 14, 1: 14, 2: 10, 3: 10}
"""Where a superblock of each version has the bytes of a length."""

_SIZE, _OBJECT = struct.Struct("<Q"), struct.Struct("<HHIQ")
"""Of a heap; and of an object: its number, 0 for free space, references, nothing, its size."""


def check_heaps(name: str, content: bytes) -> None:
    """Follow the objects of each heap of a file's content, as h5py writes it: from byte 0 on, with lengths of 8.

    Raises
    ------
    DataError
        If an object ends outside its heap or has no size, or the file does not begin so.
    """
    place = _LENGTHS.get(content[8] if len(content) > 8 else -1)
    if not content.startswith(_FILE) or place is None or content[place : place + 1] != b"\x08":
        raise DataError(f"{name}: it does not begin as HDF5 files of Keras do, or is damaged")
    at = content.find(_HEAP)
    while at >= 0:
        _check_heap(name, content, at)
        at = content.find(_HEAP, at + len(_HEAP))


def _check_heap(name: str, content: bytes, at: int) -> None:
    begin = at + len(_HEAP)
    end = min(at + _SIZE.unpack_from(content, begin)[0], len(content)) if begin + 8 <= len(content) else begin
    place = begin + _SIZE.size
    while place + _OBJECT.size <= end:
        number, _, _, size = _OBJECT.unpack_from(content, place)
        # free space counts its own head, an object its content, in pieces of 8 bytes
        taken = size if number == 0 else _OBJECT.size + -(-size // 8) * 8
        if not 0 < taken <= end - place:
            raise DataError(f"{name} is damaged at byte {place:,}: an object of {size:,} bytes in a heap")
        place += taken

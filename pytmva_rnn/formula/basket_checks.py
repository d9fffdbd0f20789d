"""What a basket of a ROOT file says of its own lists, looked at before uproot and compiled code go by it.

A basket that is not compressed has no checksum: a flipped bit in its offsets would move elements from one event to
another, or lead beyond the memory. Its numbers themselves cannot be checked; what says where they belong can.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.errors import DataError
from pytmva_rnn.packages import ak, uproot

__all__ = ["checked_interpretation"]

_VECTOR_HEADER = 10
"""Bytes before the elements of a `std::vector`: how many follow, with a mark, a version, how many elements."""

_COUNT = 4
"""Bytes before those of one within another: how many elements."""

_BYTE_COUNT = 0x40000000


def checked_interpretation(branch: Any, place: str) -> Any:
    """How uproot is to read a branch: as it would, with a look at each basket's lists where those are plain numbers.

    Parameters
    ----------
    branch : uproot.TBranch
    place : str
        `branch 'x' of file.root:tree`, for messages.
    """
    plain = branch.interpretation
    if type(plain) is uproot.interpretation.jagged.AsJagged:
        return _CheckedLists(plain, place)
    if type(plain) is uproot.interpretation.objects.AsObjects:
        return _CheckedObjects(plain, place)
    if type(plain) is uproot.interpretation.objects.AsStridedObjects:
        return _Records(plain)
    return plain


class _Basket:
    """The offsets of one basket.

    Parameters
    ----------
    place : str
    basket : uproot basket
    offsets : (n + 1,) int64
        Where the entries begin and end in `data`.
    """

    def __init__(self, place: str, basket: Any, data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> None:
        self._place, self._data = place, data
        self.first, stop = basket.entry_start_stop
        self.starts, self.lengths = offsets[:-1], np.diff(offsets)
        if len(self.starts) != stop - self.first:
            raise self._damaged(f"a basket of {len(self.starts)} entries where {stop - self.first} belong", self.first)
        self.refuse(
            (self.lengths < 0) | (self.starts < 0) | (offsets[1:] > len(data)), "it ends before it begins, or beyond"
        )
        if offsets[0] != 0 or offsets[-1] != len(data):
            raise self._damaged(f"entries of {offsets[-1] - offsets[0]} bytes in a basket of {len(data)}", self.first)

    def refuse(self, wrong: NDArray[np.bool_], what: str) -> None:
        """Raise a DataError that names the first entry that is wrong, if any is."""
        if wrong.any():
            raise self._damaged(what, self.first + int(np.argmax(wrong)))

    def number(self, at: int) -> NDArray[np.int64]:
        """The big-endian number of four bytes, `at` bytes behind the start of each entry."""
        size = max(len(self._data) - 3, 0)
        anywhere = np.ndarray((size,), ">u4", np.ascontiguousarray(self._data), strides=(1,))
        return anywhere[self.starts + at].astype(np.int64)

    def check_headers(self) -> None:
        """Each entry begins with how many bytes follow."""
        self.refuse(self.lengths < _VECTOR_HEADER, "it is too short to begin as it should")
        self.refuse(self.number(0) != ((self.lengths - 4) | _BYTE_COUNT), "it is of another length than it says")

    def _damaged(self, what: str, entry: int) -> DataError:
        return DataError(f"{self._place} is damaged at entry {entry}: {what}")


class _CheckedLists(uproot.interpretation.jagged.AsJagged):  # type: ignore[misc]
    """Lists of numbers, whose lengths a basket tells twice."""

    def __init__(self, plain: Any, place: str) -> None:
        super().__init__(plain.content, plain.header_bytes, plain.typename, plain.original)
        self._place = place

    def hook_before_basket_array(self, *, data: Any, byte_offsets: Any, basket: Any, **others: Any) -> None:
        """See uproot: called with what `basket_array` is called with.

        Raises
        ------
        DataError
            For offsets that fall, lead beyond the basket, or say something else than the lists themselves.
        """
        size = self.content.itemsize
        counts = None
        # compressed ones have a checksum, and a counter is a branch to be read
        if byte_offsets is None or basket.compressed_bytes == basket.uncompressed_bytes:
            counts = basket.counts
        if byte_offsets is None:
            if counts is None:
                raise DataError(f"{self._place} does not say how long its lists are")
            byte_offsets = np.concatenate([[0], np.cumsum(counts, dtype=np.int64) * size])
        entries = _Basket(self._place, basket, data, np.asarray(byte_offsets, np.int64))
        lengths = entries.lengths - self.header_bytes
        if self.header_bytes == _VECTOR_HEADER:
            entries.check_headers()
            entries.refuse(entries.number(6) * size != lengths, "it has another number of elements than it says")
        entries.refuse((lengths < 0) | (lengths % size != 0), "it ends within an element")
        if counts is not None:
            entries.refuse(
                np.asarray(counts) * size != lengths, "it has another number of elements than its counter says"
            )


class _CheckedObjects(uproot.interpretation.objects.AsObjects):  # type: ignore[misc]
    """Lists of lists and the like."""

    def __init__(self, plain: Any, place: str) -> None:
        super().__init__(plain.model, plain.branch)
        self._place = place
        self._baskets: list[_Basket] = []

    def hook_before_basket_array(self, *, data: Any, byte_offsets: Any, basket: Any, **others: Any) -> None:
        """See uproot: called with what `basket_array` is called with.

        Raises
        ------
        DataError
            For offsets that fall, lead beyond the basket, or say something else than the objects themselves.
        """
        if byte_offsets is None:
            return
        entries = _Basket(self._place, basket, data, np.asarray(byte_offsets, np.int64))
        if getattr(self.model, "header", False):
            entries.check_headers()
        self._baskets.append(entries)

    def hook_after_final_array(self, *, entry_start: int, entry_stop: int, output: Any, **others: Any) -> None:
        """See uproot: `output` are the entries from `entry_start` to `entry_stop`.

        Raises
        ------
        DataError
            For an entry that takes up other bytes than were there.
        """
        if not isinstance(output, ak.Array):
            return
        taken = _bytes_of(self.model, ak.to_layout(output))
        if taken is None:
            return
        for entries in self._baskets:
            first, stop = max(entries.first, entry_start), min(entries.first + len(entries.lengths), entry_stop)
            wrong = np.zeros(len(entries.lengths), bool)
            inside = slice(first - entries.first, max(first, stop) - entries.first)
            wrong[inside] = entries.lengths[inside] != taken[first - entry_start : max(first, stop) - entry_start]
            entries.refuse(wrong, "its lists have other numbers of elements than it has room for")


class _Records(uproot.interpretation.objects.AsStridedObjects):  # type: ignore[misc]
    """Objects of a fixed size, also up to where a basket ends: uproot then looks for the next one, which it has not."""

    def __init__(self, plain: Any) -> None:
        self.__dict__.update(vars(plain))

    def final_array(
        self, baskets: Any, entry_start: int, entry_stop: int, entry_offsets: list[int], *others: Any
    ) -> Any:
        """See uproot; of the baskets only those up to the last entry are told."""
        ends = int(np.searchsorted(entry_offsets, entry_stop)) + 1
        return super().final_array(baskets, entry_start, entry_stop, entry_offsets[:ends], *others)


def _bytes_of(model: Any, layout: Any) -> NDArray[np.int64] | None:
    """The bytes that each row takes up in a file; None where that is not known."""
    if isinstance(model, np.dtype):
        return np.full(len(layout), model.itemsize, np.int64)
    if not isinstance(model, uproot.containers.AsVector) or not layout.is_list:
        return None
    lists = layout.to_ListOffsetArray64(True)
    below = _bytes_of(model.values, lists.content)
    if below is None:
        return None
    offsets = np.asarray(lists.offsets.data)
    sums = np.concatenate([[0], np.cumsum(below)])[offsets]
    return np.asarray(np.diff(sums) + (_VECTOR_HEADER if model.header else _COUNT), np.int64)

"""What an RNTuple says of its own pages, looked at as uproot reads them: it passes over their checksums.

ROOT writes one behind each page, and one at the end of each list of pages. A file without those of pages, as uproot
writes it, has nothing that would tell a number from another.
"""

from __future__ import annotations

import struct
from typing import Any

import xxhash

from pytmva_rnn.errors import DataError

__all__ = ["check_pages"]

_CHECKSUM = struct.Struct("<Q")


def check_pages(ntuple: Any, place: str) -> None:
    """Look at the lists of pages now, and at each page when it is read.

    Parameters
    ----------
    ntuple : RNTuple of uproot
        Just opened: its file answers for pages from now on with a DataError where they are damaged.
    place : str
        `file.root:tree`, for messages.

    Raises
    ------
    DataError
        For a list of pages that has another checksum than it was written with.
    """
    for record in ntuple.footer.cluster_group_records:
        link = record.page_list_link
        envelope, _ = ntuple.read_locator(link.locator, link.env_uncomp_size)
        if not _is_sound(bytes(envelope.raw_data[: link.env_uncomp_size])):
            raise DataError(f"{place} is damaged: the list of its pages has another checksum than it was written with")
    source, pages = ntuple.file.source, _pages(ntuple, place)
    plain = source.chunk

    def chunk(start: int, stop: int) -> Any:
        damaged = pages.get((start, stop))
        if damaged is None:
            return plain(start, stop)
        found = plain(start, stop + _CHECKSUM.size)
        if not _is_sound(bytes(found.raw_data)):
            raise DataError(f"{damaged}: a page has another checksum than it was written with")
        return found

    source.chunk = chunk


def _is_sound(data: bytes) -> bool:
    """Whether bytes end with the checksum of all before."""
    end = len(data) - _CHECKSUM.size
    return end >= 0 and _CHECKSUM.unpack_from(data, end)[0] == xxhash.xxh3_64_intdigest(data[:end])


def _pages(ntuple: Any, place: str) -> dict[tuple[int, int], str]:
    """Where the pages that have a checksum begin and end, and what to say if one is damaged."""
    found = {}
    for summary, columns in zip(ntuple.cluster_summaries, ntuple.page_link_list, strict=True):
        first, last = summary.num_first_entry, summary.num_first_entry + summary.num_entries - 1
        for number, column in enumerate(columns):
            field = ntuple.all_fields[ntuple.column_records[number].field_id]
            while field.path is None:  # the elements of a list
                field = field.parent
            damaged = f"branch {field.path!r} of {place} is damaged in the entries from {first} to {last}"
            for page in column.pages:
                if page.has_checksum:
                    start = page.locator.offset
                    found[start, start + page.locator.num_bytes] = damaged
    return found

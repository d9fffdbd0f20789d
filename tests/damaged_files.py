"""ROOT files with one flipped bit; a program reads a number of them: `python -m tests.damaged_files NAME SEED COUNT`.

What comes out is what the whole file gives, or an error of ours. Other numbers come only of bits that are numbers: a
basket that is not compressed has no checksum, and nobody can see those; nor those in pages that uproot wrote. Of the
text that describes a tree they are the names and titles, whose bits make other names.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot

from pytmva_rnn.data import Source
from pytmva_rnn.data.sources import read_columns
from pytmva_rnn.errors import DataError
from pytmva_rnn.formula import Formula

FOLDER = Path(__file__).parent / "data" / "damage"
FILE = FOLDER / "uncompressed.root"
NAMES = ("x", "n", "v", "w", "ww", "a")


def read(path: Path) -> dict[str, Any]:
    pieces = list(read_columns(Source(str(path)), [Formula.parse(name) for name in NAMES]))
    return {name: ak.to_list(ak.concatenate([piece.arrays[name] for piece in pieces])) for name in NAMES}


def places_of_numbers(path: Path) -> set[int]:
    """The bytes of a file that are numbers of events: all else in its baskets says where they belong."""
    found: set[int] = set()
    with uproot.open(f"{path}:t") as tree:
        for branch in tree.branches:
            for number in range(branch.num_baskets):
                basket, start = branch.basket(number), int(branch.member("fBasketSeek")[number])
                first = start + int(basket.member("fKeylen")) if start else 0
                if not start:
                    continue
                data = set(range(first, first + len(basket.data)))
                if branch.name in ("w", "ww"):
                    data -= _headers(branch.name, first, basket)
                found |= data
    return found


def _headers(name: str, first: int, basket: Any) -> set[int]:
    """Byte counts and numbers of elements; the version between them is passed over."""
    found: set[int] = set()
    for start in basket.byte_offsets[:-1]:
        at = first + int(start)
        found |= {*range(at, at + 4), *range(at + 6, at + 10)}
        if name == "ww":
            place, left = int(start) + 10, int.from_bytes(basket.data[start + 6 : start + 10].tobytes(), "big")
            for _ in range(left):
                found |= set(range(first + place, first + place + 4))
                place += 4 + 4 * int.from_bytes(basket.data[place : place + 4].tobytes(), "big")
    return found


def places_in_pages(path: Path) -> set[int]:
    """The bytes of an RNTuple's pages without a checksum, those that say where lists end among them."""
    with uproot.open(f"{path}:t") as ntuple:
        pages = [page for cluster in ntuple.page_link_list for column in cluster for page in column.pages]
        bounds = [(p.locator.offset, p.locator.offset + p.locator.num_bytes) for p in pages if not p.has_checksum]
    return {place for first, last in bounds for place in range(first, last)}


def main(name: str, seed: int, count: int) -> None:
    file = FOLDER / name
    whole, expected, events = file.read_bytes(), read(file), (0, file.stat().st_size)
    if file == FILE:
        numbers = places_of_numbers(file)
        with uproot.open(file) as opened:
            events = min(numbers) - 100, int(opened.key("t").fSeekKey + opened.key("t").fNbytes)
    else:
        numbers = places_in_pages(file)
    assert (len(numbers) > 500) == (name != "ntuple.root")
    random, counted = np.random.default_rng(seed), Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "damaged.root"
        for number in range(count):
            data = bytearray(whole)
            # half of them where the events and their tree are, not in what the file says of ROOT's classes
            place, bit = int(random.integers(*((0, len(data)) if number % 2 else events))), int(random.integers(8))
            data[place] ^= 1 << bit
            path.write_bytes(data)
            try:
                try:
                    found = read(path)
                except DataError as error:
                    said = str(error)
                    assert str(path) in said, said
                    assert not said.endswith((":", ",", " ")), said
                    assert len(said) < 600, said
                    counted["refused"] += 1
                    continue
                same = np.array_equal(repr(found), repr(expected))
                assert same or place in numbers, "other numbers"
                counted["the same" if same else "other numbers"] += 1
            except BaseException as error:
                raise AssertionError(f"case {number}: bit {bit} of byte {place}") from error
    print(dict(counted))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))

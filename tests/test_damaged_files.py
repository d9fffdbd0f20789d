"""ROOT files that are damaged: an error that names file, branch and entry, and nothing that reaches compiled code."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from pytmva_rnn.data import Source
from pytmva_rnn.data.sources import read_columns
from pytmva_rnn.errors import DataError
from pytmva_rnn.formula import Formula, evaluate
from pytmva_rnn.formula.friends import friends_of_tree
from tests.damaged_files import FILE, read


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("name", "seed", "count"),
    [("uncompressed.root", 1000, 500), ("ntuple.root", 0, 200), ("ntuple_plain.root", 0, 200)],
)
def test_a_flipped_bit_gives_the_same_or_an_error(name: str, seed: int, count: int) -> None:
    program = [sys.executable, "-X", "faulthandler", "-m", "tests.damaged_files", name, str(seed), str(count)]
    done = subprocess.run(program, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1])
    assert done.returncode == 0, done.stderr[-4000:]
    assert "refused" in done.stdout


def flipped(tmp_path: Path, branch: str, where: str, entry: int, bit: int) -> Path:
    """A file in which one bit of what tells an entry's place in its basket is another: its offset or its header."""
    with uproot.open(f"{FILE}:t") as tree:
        basket, start = tree[branch].basket(1), int(tree[branch].member("fBasketSeek")[1])
        first = start + int(basket.member("fKeylen"))
        # behind the data the number of offsets, and they
        place = first + len(basket.data) + 4 + 4 * (entry + 1) - 1
        if where == "header":
            place = first + int(basket.byte_offsets[entry]) + 9
    data = bytearray(FILE.read_bytes())
    data[place - bit // 8] ^= 1 << bit % 8
    path = tmp_path / "damaged.root"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("branch", ["x", "v", "w", "ww"])
def test_pages_of_an_ntuple(branch: str, tmp_path: Path) -> None:
    """Those that ROOT writes have a checksum, which uproot does not look at."""
    file = FILE.with_name("ntuple.root")
    with uproot.open(f"{file}:t") as ntuple:
        number = next(
            record.idx for record in ntuple.column_records if ntuple.all_fields[record.field_id].path == branch
        )
        place = ntuple.page_link_list[1][number].pages[0].locator.offset
    data = bytearray(file.read_bytes())
    data[place] ^= 1
    path = tmp_path / "damaged.root"
    path.write_bytes(data)
    told = rf"branch '{branch}' of {path}:t is damaged in the entries from 12 to 23: a page has another checksum"
    with pytest.raises(DataError, match=told):
        read(path)


def test_lists_of_pages_of_an_ntuple(tmp_path: Path) -> None:
    file = FILE.with_name("ntuple.root")
    with uproot.open(f"{file}:t") as ntuple:
        place = ntuple.footer.cluster_group_records[0].page_list_link.locator.offset
    data = bytearray(file.read_bytes())
    # a cluster's first entry
    data[place + 40] ^= 1
    path = tmp_path / "damaged.root"
    path.write_bytes(data)
    with pytest.raises(DataError, match=rf"{path}:t( is damaged: the list of its pages|.* cannot be read)"):
        read(path)


@pytest.mark.parametrize("changed", ["replaced", "written", "removed"])
def test_a_file_that_changes_while_it_is_read(changed: str, tmp_path: Path) -> None:
    """uproot opens it anew for each basket."""
    path = tmp_path / "events.root"
    path.write_bytes(FILE.read_bytes())
    pieces = read_columns(Source(str(path)), [Formula.parse("x")], step=20)
    next(pieces)
    if changed == "replaced":
        (tmp_path / "other.root").write_bytes(FILE.read_bytes())
        (tmp_path / "other.root").replace(path)
    elif changed == "written":
        with path.open("ab") as file:
            file.write(b"more")
    else:
        path.unlink()
    with pytest.raises(DataError, match=rf"{path} was changed while it was read; read it again"):
        list(pieces)


@pytest.mark.parametrize("branch", ["v", "w", "ww"])
@pytest.mark.parametrize("bit", [0, 2, 4, 7, 16, 31])
def test_offsets(branch: str, bit: int, tmp_path: Path) -> None:
    path = flipped(tmp_path, branch, "offsets", 5, bit)
    # entry 17 begins elsewhere, so that 16 or 17 do not fit: the baskets have twelve entries
    with pytest.raises(DataError, match=rf"branch '{branch}' of {path}:t is damaged at entry 1[67]: "):
        read(path)


@pytest.mark.parametrize("branch", ["w", "ww"])
def test_numbers_of_elements(branch: str, tmp_path: Path) -> None:
    path = flipped(tmp_path, branch, "header", 5, 1)
    with pytest.raises(DataError, match=rf"branch '{branch}' of {path}:t (is damaged at entry 17|cannot be read)"):
        read(path)


def test_one_file_does_not_spoil_the_next(tmp_path: Path) -> None:
    before = {name: dict(getattr(known, "known_versions", {})) for name, known in uproot.classes.items()}
    data = bytearray(FILE.read_bytes())
    # the version of a branch's class: uproot would make a reader for it from what this file says
    place = data.index(b"TBranch\x00") + len(b"TBranch\x00") + 5
    data[place] ^= 1 << 2
    path = tmp_path / "damaged.root"
    path.write_bytes(data)
    with pytest.raises(DataError, match=str(path)):
        read(path)
    assert read(FILE)
    after = {name: dict(getattr(known, "known_versions", {})) for name, known in uproot.classes.items()}
    assert after == before


@pytest.mark.parametrize(
    ("offsets", "entry"), [([0, 2, 1, 3], 1), ([0, 1, 2, 99], 2), ([-1, 1, 2, 3], 0), ([0, 2**40, 2, 3], 0)]
)
@pytest.mark.parametrize("inner", [False, True])
def test_arrays_in_memory(offsets: list[int], entry: int, inner: bool) -> None:
    content: Any = ak.contents.NumpyArray(np.arange(3.0))
    layout = ak.contents.ListOffsetArray(ak.index.Index64(np.array(offsets)), content)
    if inner:
        layout = ak.contents.ListOffsetArray(ak.index.Index64(np.arange(4)), layout)
    with pytest.raises(DataError, match=rf"'v' of .* is damaged at entry {entry}"):
        evaluate("Sum$(v)", {"v": ak.Array(layout)})


def test_a_file_on_disk_sends_nobody_into_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    friend = {"fName": "other", "fTitle": "https://example.org/other.root", "fTreeName": "t"}
    tree = SimpleNamespace(num_entries=1, member=lambda name, **_: [SimpleNamespace(member=friend.__getitem__)])
    monkeypatch.setattr(uproot, "open", lambda *_, **__: pytest.fail("a file was opened"))
    with ExitStack() as stack:
        assert friends_of_tree(tree, "mine.root:t", 0, "mine.root", stack, set()) == []

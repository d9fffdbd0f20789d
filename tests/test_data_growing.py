"""Pieces are put together as they come, and baskets decompressed by other threads."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from pytmva_rnn.data import Recipe, Source, Steps, Variables, load, load_inputs
from pytmva_rnn.data.growing_array import GrowingArray
from pytmva_rnn.formula import opened_trees


@pytest.mark.parametrize("expected", [0, 1, 40, 2**40, 2**61], ids=str)
@pytest.mark.parametrize("lengths", [(3,), (0, 2), (1, 5, 2, 30, 0, 4), (20, 1, 1, 1)])
def test_rows_of_pieces_are_those_of_all(lengths: tuple[int, ...], expected: int) -> None:
    """Whatever is said of how many will follow."""
    random = np.random.default_rng(1)
    pieces = [random.standard_normal((length, 2, 3), np.float32) for length in lengths]
    growing = GrowingArray()
    for piece in pieces:
        kept = piece.copy()
        growing.append(piece, expected)
        piece[:] = -1  # it has its own
        piece[:] = kept
    found = growing.finish()
    np.testing.assert_array_equal(found, np.concatenate(pieces))
    assert found.dtype == np.float32
    assert found.base is None


def test_rows_that_are_expected_have_their_place(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that nothing is moved or filled with zeros as they come: of a tree, its pieces tell how many will follow."""
    monkeypatch.setattr("pytmva_rnn.formula.pieces._ENOUGH", 20)
    asked: list[tuple[int, int]] = []
    append = GrowingArray.append

    def noted(self: GrowingArray, piece: Any, following: int = 0) -> None:
        asked.append((len(piece), following))
        append(self, piece, following)
        assert self._rows is not None
        assert len(self._rows) == asked[0][0] + asked[0][1]

    monkeypatch.setattr(GrowingArray, "append", noted)
    recipe = Recipe(Variables(("k",)))
    assert load_inputs(recipe, Source((file,), "t")).X.reshape(-1).tolist() == list(range(60))
    assert asked == [(20, 40), (20, 20), (20, 0)]
    asked.clear()
    assert load_inputs(recipe, Source((file,), "t", share=(0, 2))).X.reshape(-1).tolist() == list(range(30))
    assert asked == [(20, 10), (10, 0)]
    asked.clear()
    half = {"even": "k % 2 == 0", "other": "k == 1 || k == 21 || k == 41"}
    assert len(load(recipe, Source((file,), "t"), classes=half).X) == 33
    assert asked == [(11, 22), (11, 11), (11, 0)]


def test_nothing_is_no_array() -> None:
    with pytest.raises(ValueError, match="no rows"):
        GrowingArray().finish()


@pytest.fixture
def file(tmp_path: Path) -> str:
    """Lists in three baskets each."""
    path = tmp_path / "lists.root"
    with uproot.recreate(path, compression=uproot.ZLIB(1)) as written:
        tree = written.mktree("t", {"x": "var * float32", "k": "int32"})
        for first in range(0, 60, 20):
            numbers = np.arange(first, first + 20)
            tree.extend({"x": ak.Array([[float(n)] * (n % 5) for n in numbers]), "k": numbers.astype(np.int32)})
    return str(path)


def test_baskets_are_decompressed_by_threads(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[threading.Thread] = []
    decompress = uproot.compression.decompress

    def noted(*given: Any, **named: Any) -> Any:
        seen.append(threading.current_thread())
        return decompress(*given, **named)

    noted.hook_before_block = decompress.hook_before_block  # type: ignore[attr-defined]
    noted.hook_after_block = decompress.hook_after_block  # type: ignore[attr-defined]
    recipe, source = Recipe(Steps({"x": "x"}, 3)), Source((file,), "t")
    read = {}
    monkeypatch.setattr(opened_trees, "_SMALL", 1)
    for cores in ({0, 1}, {0}):
        monkeypatch.setattr(opened_trees.uproot.compression, "decompress", noted)
        monkeypatch.setattr(os, "sched_getaffinity", lambda process, cores=cores: cores, raising=False)
        seen.clear()
        read[len(cores)] = load_inputs(recipe, source).X
        baskets = [thread for thread in seen if isinstance(thread, uproot.source.futures.Worker)]
        assert bool(baskets) is (len(cores) > 1)
        assert not any(thread.is_alive() for thread in baskets)
    np.testing.assert_array_equal(read[1], read[2])
    assert read[2][4].tolist() == [[4], [4], [4]]

    monkeypatch.setattr(opened_trees, "_SMALL", 65_536)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1}, raising=False)
    seen.clear()
    np.testing.assert_array_equal(load_inputs(recipe, source).X, read[1])
    assert seen, "small baskets are decompressed by the thread that reads them"
    assert not any(isinstance(thread, uproot.source.futures.Worker) for thread in seen)


def test_repetitions_come_after_one_another(file: str) -> None:
    """Of each source, though its entries are read once for all of them."""
    recipe = Recipe(Variables(("k * {sign}",)), for_each={"sign": [1, -1]})
    sources = {
        "Signal": Source((file,), "t"),
        "Background": [Source((file,), "t", "k < 2"), Source((file,), "t", "k > 57")],
    }
    data = load(recipe, sources)
    expected = [*range(60), *(-n for n in range(60)), 0, 1, 0, -1, 58, 59, -58, -59]
    assert data.X.reshape(-1).tolist() == expected
    assert data.repetition.tolist() == [0] * 60 + [1] * 60 + [0, 0, 1, 1] * 2

"""Ragged lists -> sequences."""

from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytmva_rnn.data import Steps
from pytmva_rnn.errors import DataError
from pytmva_rnn.formula import Columns


def columns(**arrays: Any) -> Columns:
    as_arrays = {name: ak.Array(array) for name, array in arrays.items()}
    n = len(next(iter(as_arrays.values())))
    return Columns(as_arrays, np.arange(n) + 100, "a.root:t")


TRACKS = {"pt": [[2.0, 5.0, 3.0], [], [1.0]], "q": [[1, -1, 0], [], [1]], "jet": [10.0, 20.0, 30.0]}


def test_file_order_cut_and_padded() -> None:
    X = Steps({"pt": "pt", "q": "q"}, 2, pad_value=-9).build(columns(**TRACKS))
    assert X.dtype == np.float32
    assert X.tolist() == [[[2, 1], [5, -1]], [[-9, -9], [-9, -9]], [[1, 1], [-9, -9]]]


def test_sorted_by_an_expression_then_cut() -> None:
    X = Steps({"pt": "pt", "q": "q"}, 2, sort_by="pt").build(columns(**TRACKS))
    assert X[0].tolist() == [[5, -1], [3, 0]]
    X = Steps({"pt": "pt"}, 2, sort_by="-pt", descending=True).build(columns(**TRACKS))
    assert X[0].tolist() == [[2], [3]]
    X = Steps({"pt": "pt"}, 4, sort_by="pt", descending=False).build(columns(**TRACKS))
    assert X[0].tolist() == [[2], [3], [5], [0]]


def test_padded_at_the_start() -> None:
    X = Steps({"pt": "pt"}, 2, sort_by="pt", pad_side="start").build(columns(**TRACKS))
    assert X[:, :, 0].tolist() == [[5, 3], [0, 0], [0, 1]]


def test_a_value_per_event_counts_for_every_element() -> None:
    X = Steps({"jet": "jet", "share": "pt / jet"}, 2).build(columns(**TRACKS))
    assert X[0].tolist() == pytest.approx(np.array([[10, 0.2], [10, 0.5]]))
    assert X[1].tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize("descending", [True, False])
def test_equal_elements_keep_their_order(descending: bool) -> None:
    data = columns(key=[[1, 2, 1, 2, 1] * 20], i=[list(range(100))])
    X = Steps({"key": "key", "i": "i"}, 100, sort_by="key", descending=descending).build(data)
    key, i = X[0].T
    for value in (1, 2):
        assert np.all(np.diff(i[key == value]) > 0)
    assert np.all(np.diff(key) <= 0 if descending else np.diff(key) >= 0)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.lists(st.integers(-50, 50), max_size=6), min_size=1, max_size=20),
    st.integers(1, 7),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_like_awkward(lists: list[list[int]], steps: int, sort: bool, descending: bool, at_end: bool) -> None:
    array = ak.values_astype(ak.Array([*lists, [1]]), np.int64)
    wanted = ak.sort(array, ascending=not descending) if sort else array
    rows = [row[:steps] for row in wanted.to_list()]
    filler = [[99] * (steps - len(row)) for row in rows]
    expected = [row + fill if at_end else fill + row for row, fill in zip(rows, filler, strict=True)]
    sequence = Steps(
        {"x": "x"},
        steps,
        sort_by="x" if sort else None,
        descending=descending,
        pad_value=99,
        pad_side="end" if at_end else "start",
    )
    assert sequence.build(columns(x=array))[:, :, 0].tolist() == expected


def test_views_and_fixed_arrays_are_taken() -> None:
    array = ak.Array([[9.0], [1.0, 2.0], [3.0, 4.0, 5.0]])[[2, 1]]
    assert Steps({"x": "x"}, 2).build(columns(x=array))[:, :, 0].tolist() == [[3, 4], [1, 2]]
    fixed = np.arange(6.0).reshape(2, 3)
    assert Steps({"x": "x"}, 2, sort_by="x").build(columns(x=fixed))[:, :, 0].tolist() == [[2, 1], [5, 4]]


def test_no_events_at_all() -> None:
    nothing = columns(**TRACKS).select(np.zeros(3, dtype=bool))
    assert Steps({"pt": "pt"}, 2, sort_by="pt").build(nothing).shape == (0, 2, 1)


def test_different_lengths_name_the_first_event() -> None:
    data = columns(pt=[[1.0], [2.0, 3.0]], q=[[1], [1]])
    with pytest.raises(
        DataError, match=r"inputs of the sequence differ in length in event 101 of a.root:t: pt has 2, charge has 1"
    ):
        Steps({"pt": "pt", "charge": "q"}, 3).build(data)
    with pytest.raises(DataError, match=r"event 101 .*pt has 2, sort_by \(q\) has 1"):
        Steps({"pt": "pt"}, 3, sort_by="q").build(data)


def test_single_values_are_no_sequence() -> None:
    with pytest.raises(DataError, match=r"inputs of the sequence \(jet\) give one value per event in a.root:t"):
        Steps({"jet": "jet"}, 2).build(columns(**TRACKS))
    with pytest.raises(DataError, match="sort_by = 'jet': does not give one list per event"):
        Steps({"pt": "pt"}, 2, sort_by="jet").build(columns(**TRACKS))


def test_lists_of_lists_are_refused() -> None:
    with pytest.raises(DataError, match="'x': gives lists of lists"):
        Steps({"x": "x"}, 2).build(columns(x=[[[1.0], [2.0, 3.0]], []]))


def test_names_are_time_major() -> None:
    assert Steps({"pt": "a", "q": "b"}, 2).names == ["pt_0", "q_0", "pt_1", "q_1"]


def test_plain_data_there_and_back() -> None:
    sequence = Steps({"pt": "a", "q": "b"}, 3, sort_by="a", descending=False, pad_value=-1.0, pad_side="start")
    assert Steps.from_dict(sequence.to_dict()) == sequence


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"inputs": {}}, "at least one input"),
        ({"inputs": {"a b": "x"}}, "input name 'a b'"),
        ({"inputs": {"a": 3}}, "3 is not an expression"),
        ({"steps": 0}, "whole number of steps"),
        ({"steps": "4"}, "whole number of steps"),
        ({"pad_side": "left"}, "pad_side is 'end' or 'start'"),
        ({"pad_value": "0"}, "pad_value is a number"),
        ({"sortby": "x"}, "no key 'sortby'; near names: sort_by"),
    ],
)
def test_wrong_sequence(change: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        Steps.from_dict({"inputs": {"x": "x"}, "steps": 2} | change)


@pytest.mark.parametrize("key", ["inputs", "steps"])
def test_missing_key(key: str) -> None:
    values = {"inputs": {"x": "x"}, "steps": 2}
    del values[key]
    with pytest.raises(DataError, match=f"needs the key '{key}'"):
        Steps.from_dict(values)

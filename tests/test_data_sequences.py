"""Ragged lists -> sequences."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import awkward as ak
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytmva_rnn.data import Collection, Steps
from pytmva_rnn.data.padding import order_within
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


@settings(deadline=None)
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
    with pytest.raises(DataError, match=r"'x': gives lists of lists .* give steps_from = 'inner' for .*, or .*'outer'"):
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


def test_inputs_per_event_stand_at_every_step() -> None:
    sequence = Steps({"pt": "pt"}, 2, pad_value=-1, per_event={"jet": "jet", "n": "num(pt)"})
    X = sequence.build(columns(**TRACKS))
    assert X.tolist() == [[[2, 10, 3], [5, 10, 3]], [[-1, 20, 0], [-1, 20, 0]], [[1, 30, 1], [-1, 30, 1]]]
    assert sequence.names == ["pt_0", "jet_0", "n_0", "pt_1", "jet_1", "n_1"]
    with pytest.raises(DataError, match="gives several values per event"):
        Steps({"pt": "pt"}, 2, per_event={"q": "q"}).build(columns(**TRACKS))


LEPTONS = {"e": [[30.0, 10.0], [], [5.0]], "mu": [[20.0, 40.0], [7.0], []], "met": [1.0, 2.0, 3.0]}


def test_several_collections_are_sorted_together() -> None:
    collections = (Collection({"pt": "e"}, sort_by="e"), Collection({"pt": "mu"}, sort_by="mu"))
    X = Steps({}, 3, collections=collections, which="kind", per_event={"met": "met"}).build(columns(**LEPTONS))
    assert X[0].tolist() == [[40, 1, 1], [30, 0, 1], [20, 1, 1]]
    assert X[1].tolist() == [[7, 1, 2], [0, 0, 2], [0, 0, 2]]
    assert X[2].tolist() == [[5, 0, 3], [0, 0, 3], [0, 0, 3]]


def test_collections_without_sorting_come_one_after_the_other() -> None:
    sequence = Steps({}, 4, collections=(Collection({"pt": "mu"}), Collection({"pt": "e"})))
    assert sequence.build(columns(**LEPTONS))[:, :, 0].tolist() == [[20, 40, 30, 10], [7, 0, 0, 0], [5, 0, 0, 0]]


NESTED = {"hit": [[[1.0, 2.0], [3.0, 4.0]], [], [[5.0, 6.0]]], "layer": [[7.0, 8.0], [], [9.0]], "run": [1, 2, 3]}


def test_steps_from_the_inner_lists() -> None:
    X = Steps({"hit": "hit", "layer": "layer", "run": "run"}, 3, steps_from="inner", sort_by="hit").build(
        columns(**NESTED)
    )
    assert X[0].tolist() == [[4, 8, 1], [3, 8, 1], [2, 7, 1]]
    assert X[1].tolist() == [[0, 0, 0]] * 3
    assert X[2].tolist() == [[6, 9, 3], [5, 9, 3], [0, 0, 0]]


def test_steps_from_the_outer_lists() -> None:
    sequence = Steps({"hit": "hit", "layer": "layer"}, 2, steps_from="outer", sizes={"hit": 2})
    assert sequence.input_names == ["hit_0", "hit_1", "layer"]
    assert sequence.build(columns(**NESTED)).tolist() == [[[1, 2, 7], [3, 4, 8]], [[0, 0, 0]] * 2, [[5, 6, 9], [0] * 3]]


@pytest.mark.parametrize(
    ("sequence", "message"),
    [
        (Steps({"hit": "hit"}, 2, steps_from="outer"), "sizes says how many numbers .* sizes = { hit = 3 }"),
        (Steps({"h": "hit"}, 2, steps_from="outer", sizes={"h": 3}), "has 2 numbers instead of 3 in event 100"),
        (Steps({"l": "layer"}, 2, steps_from="inner"), "is for lists of lists, but .* give none in a.root:t; leave"),
        (
            Steps({"h": "hit", "b": "bad"}, 2, steps_from="inner"),
            "differ in length in event 100 .*a list of b has 1, a list of h has 2",
        ),
        (Steps({"h": "hit"}, 2, steps_from="inner", sort_by="run"), "sort_by = 'run': does not give one list"),
    ],
)
def test_wrong_lists_of_lists(sequence: Steps, message: str) -> None:
    with pytest.raises(DataError, match=message):
        sequence.build(columns(**NESTED, bad=[[[1.0], [2.0, 3.0]], [], [[4.0, 5.0]]]))


@pytest.mark.parametrize(
    "sequence",
    [
        Steps({"a": "x"}, 3, per_event={"b": "y"}),
        Steps({"a": "x", "b": "y"}, 3, steps_from="outer", sizes={"a": 2}),
        Steps({}, 3, collections=(Collection({"a": "x"}, "x"), Collection({"a": "y"}, "y")), which="kind"),
    ],
)
def test_every_kind_of_sequence_there_and_back(sequence: Steps) -> None:
    assert Steps.from_dict(sequence.to_dict()) == sequence
    assert sequence.substitute(lambda text: text.replace("x", "z")) != sequence


COLLECTIONS = [{"inputs": {"a": "x"}}, {"inputs": {"a": "y"}}]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"inputs": {"a": "x"}, "per_event": {"a": "y"}}, "two inputs called 'a'"),
        ({"inputs": {"a": "x", "a_1": "y"}, "steps_from": "outer", "sizes": {"a": 2}}, "two inputs called 'a_1'"),
        ({"inputs": {"a": "x"}, "sizes": {"a": 2}}, "sizes is for steps_from = 'outer'"),
        ({"inputs": {"a": "x"}, "steps_from": "outer", "sizes": {"b": 2}}, "no input 'b'"),
        ({"inputs": {"a": "x"}, "steps_from": "both"}, "'inner' or 'outer', not 'both'"),
        ({"inputs": {"a": "x"}, "which": "kind"}, "tells collections apart, and the sequence has none"),
        ({"inputs": {"a": "x"}, "collections": COLLECTIONS}, "either inputs and sort_by of its own or collections"),
        ({"collections": COLLECTIONS, "sort_by": "x"}, "either inputs and sort_by of its own or collections"),
        ({"collections": COLLECTIONS[:1]}, "without collections"),
        (
            {
                "inputs": {f"a{i}": "x" for i in range(60)},
                "steps_from": "outer",
                "sizes": {f"a{i}": 9999 for i in range(60)},
            },
            "the inputs are 1,199,880 variables an event",
        ),
        ({"collections": [{"input": {}}]}, "no key 'input'; near names: inputs"),
        (
            {"collections": [COLLECTIONS[0], {"inputs": {"b": "y"}}]},
            "collection 1 are b, but those of collection 0 are a",
        ),
        ({"collections": [COLLECTIONS[0], {**COLLECTIONS[1], "sort_by": "y"}]}, "all have sort_by, or none has"),
        ({"collections": {"inputs": {}}}, "are a list of tables"),
    ],
)
def test_wrong_kinds_of_sequences(given: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        Steps.from_dict({"steps": 2, **given})


@given(
    lists=st.lists(
        st.lists(st.sampled_from([0.0, -0.0, 1.0, 1.5, 2.0, -3.0, math.inf, -math.inf, math.nan]), max_size=7),
        max_size=5,
    ),
    descending=st.booleans(),
    steps=st.integers(1, 9),
    dtype=st.sampled_from([np.float64, np.float32]),
)
@example(lists=[[]], descending=True, steps=1, dtype=np.float32)
def test_first_places_are_those_of_whole_lists(
    lists: list[list[float]], descending: bool, steps: int, dtype: type[np.floating[Any]]
) -> None:
    """NaN, infinities, zeros of both signs and equal elements included."""
    key = np.array([x for each in lists for x in each], dtype)
    offsets = np.concatenate([[0], np.cumsum([len(each) for each in lists], dtype=np.int64)]).astype(np.int64)
    whole, first = order_within(key, offsets, descending), order_within(key, offsets, descending, steps)
    for start, stop in pairwise(offsets):
        places = slice(start, min(stop, start + steps))
        assert first[places].tolist() == whole[places].tolist()


def test_large_integers_are_sorted_exactly() -> None:
    """They have no float64 of their own."""
    key, offsets = np.array([2**53, 2**53 + 1, 2**53 - 1]), np.array([0, 3])
    assert order_within(key, offsets, True, 2).tolist() == [1, 0, 2]

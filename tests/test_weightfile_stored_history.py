"""The history of the training in a weight file."""

from __future__ import annotations

import pytest

from pytmva_rnn.description import Description, HistoryRow
from pytmva_rnn.errors import WeightFileError
from pytmva_rnn.weightfile.stored_history import HISTORY, history_info, stored_history


def with_info(*info: tuple[str, str]) -> Description:
    return Description((), (), (1, 1, 1), (1, 1, 1), info=info)


def test_rows_come_back_with_seven_digits() -> None:
    rows = [HistoryRow(1, 5, 0.123456789, float("inf")), HistoryRow(2, 10, 1e-9, 2.0)]
    name, text = history_info(rows)
    assert (name, text) == (HISTORY, "[[1, 5, 0.1234568, Infinity], [2, 10, 1e-09, 2.0]]")
    assert stored_history(with_info((name, text))) == [HistoryRow(1, 5, 0.1234568, float("inf")), rows[1]]


def test_a_file_without_one_has_no_rows() -> None:
    assert stored_history(with_info()) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[1, 1, 0.5, 0.6], [2, 0.5, 0.6]]", r"row 1 is \[2, 0.5, 0.6\]; expected phase and epoch, from 1,"),
        ("[[0, 1, 0.5, 0.6]]", "row 0"),
        ("[[1, 1.5, 0.5, 0.6]]", "row 0"),
        ("[[true, 1, 0.5, 0.6]]", "row 0"),
        ('[[1, 1, 0.5, "0.6"]]', "row 0"),
        ("[[1, 1, 0.5, null]]", "row 0"),
        ("[3]", "row 0 is 3"),
        ('{"1": 2}', "is not a list of rows"),
        ("[", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("1" * 5000, "is not JSON"),
    ],
)
def test_anything_else_is_refused(text: str, message: str) -> None:
    with pytest.raises(WeightFileError, match=message):
        stored_history(with_info((HISTORY, text)))

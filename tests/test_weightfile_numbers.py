from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytmva_rnn.weightfile.numbers import format_values, parse_float, parse_floats, parse_integer, scientific, widened

STRTOF = {
    "1": 1.0,
    "+1.": 1.0,
    "-.5": -0.5,
    "1e3": 1000.0,
    "1.25E-2": 0.0125,
    "0x1.8p3": 12.0,
    "-0X1P-1": -0.5,
    "0x.8": 0.5,
    "0xff": 255.0,
    "0x1p99999": math.inf,
    "-0x1p99999": -math.inf,
    "inf": math.inf,
    "-INFINITY": -math.inf,
    "+Inf": math.inf,
    "1e999": math.inf,
    "1e-999": 0.0,
}
NO_NUMBERS = ["", "abc", "1.0x", "1_0", "١", "1,5", "0x", "0xg", "--1", "1e", "nan(", "nan(a-b)", "in", "inf(1)", "."]


@pytest.mark.parametrize(("text", "value"), STRTOF.items())
def test_every_form_of_strtof(text: str, value: float) -> None:
    assert parse_float(text) == value
    np.testing.assert_array_equal(parse_floats(f"7 {text}\n\t8"), [7.0, value, 8.0])


@pytest.mark.parametrize("text", ["nan", "NaN", "-nan", "nan()", "NAN(0x7ff_a)"])
def test_every_form_of_nan(text: str) -> None:
    assert math.isnan(parse_float(text))
    assert np.isnan(parse_floats(f"7 {text} 8")).tolist() == [False, True, False]


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_what_strtof_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="is not a number"):
        parse_float(text)


@pytest.mark.parametrize("text", NO_NUMBERS[1:])
def test_a_wrong_number_in_a_list_is_named_with_its_place(text: str) -> None:
    with pytest.raises(ValueError, match=r"^value 2: '.*' is not a number$"):
        parse_floats(f"1 2 {text} 3 nonsense")


def test_long_nonsense_is_refused_at_once_and_shown_short() -> None:
    start = time.perf_counter()
    with pytest.raises(ValueError, match=r"^value 0: '1{37}\.\.\.' is not a number$"):
        parse_floats("1" * 200_000 + "x")
    assert time.perf_counter() - start < 2


@pytest.mark.parametrize(("text", "value"), [("5", 5), (" -12 ", -12), ("+007", 7)])
def test_whole_numbers(text: str, value: int) -> None:
    assert parse_integer(text) == value


@pytest.mark.parametrize("text", ["", "1.0", "1_0", "٣", "0x10", "9" * 5000])
def test_no_whole_numbers(text: str) -> None:
    with pytest.raises(ValueError, match="is not a whole number"):
        parse_integer(text)


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), max_size=20))
def test_seven_digits_survive_reading_and_writing(values: list[float]) -> None:
    text = "".join(format_values(np.array(values, dtype=np.float32)))
    assert "".join(format_values(parse_floats(text))) == text


def test_a_matrix_is_printed_row_by_row_whatever_its_memory_order() -> None:
    matrix = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    assert "".join(format_values(matrix)) == (
        "0.000000e+00  1.000000e+00  2.000000e+00  3.000000e+00  4.000000e+00  5.000000e+00  "
    )


def test_a_long_matrix_is_printed_without_gaps() -> None:
    values = np.arange(20_001.0)
    np.testing.assert_array_equal(parse_floats("".join(format_values(values))), values)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.01, "9.9999997764825821e-03"), (0.9, "8.9999997615814209e-01"), (0, "0.0000000000000000e+00")],
)
def test_settings_are_printed_as_widened_float32(value: float, text: str) -> None:
    assert scientific(widened(value), 16) == text

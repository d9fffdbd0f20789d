"""How TMVA prints numbers, and every form of a number that C's `strtof` reads."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["format_values", "parse_float", "parse_floats", "parse_integer", "scientific", "widened"]

# The repetitions cannot overlap, so that a long token without sense is refused in linear time.
_NUMBER = re.compile(
    r"""(?P<sign>[+-]?)
    (?: (?P<hex> 0x (?: [0-9a-f]+ (?: \.[0-9a-f]* )? | \.[0-9a-f]+ ) (?: p[+-]?[0-9]+ )? )
      | (?P<decimal> (?: [0-9]+ (?: \.[0-9]* )? | \.[0-9]+ ) (?: e[+-]?[0-9]+ )? )
      | (?P<infinite> inf (?: inity )? )
      | nan (?: \([0-9a-z_]*\) )?
    )""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_CHUNK = 8192


def parse_integer(text: str) -> int:
    """The whole number that `text` is; ValueError if it is none."""
    if not _INTEGER.fullmatch(text.strip()):
        raise ValueError(f"{_shown(text)} is not a whole number")
    return int(text)


def parse_float(text: str) -> float:
    """The number that C's `strtof` makes of the whole of `text`: decimal, hexadecimal, inf or nan, in any case.

    Raises
    ------
    ValueError
        If `text` is not entirely one number.
    """
    match = _NUMBER.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{_shown(text)} is not a number")
    if match["decimal"]:
        return float(match[0])
    if match["hex"]:
        try:
            return float.fromhex(match[0])
        except OverflowError:
            return float(match["sign"] + "inf")
    return float(match["sign"] + ("inf" if match["infinite"] else "nan"))


def parse_floats(text: str) -> NDArray[np.float64]:
    """All numbers of `text`, separated by white space.

    They are kept in double precision: files with more than the 7 digits of TMVA lose nothing.

    Returns
    -------
    ndarray of float64, shape (n,)

    Raises
    ------
    ValueError
        If a token is not a number; names its place.
    """
    tokens = text.split()
    # Python's float is the quick way, but it also takes 1_000 and the digits of other scripts, which strtof does not.
    quick = text.isascii() and "_" not in text
    if quick:
        try:
            return np.fromiter(map(float, tokens), dtype=np.float64, count=len(tokens))
        except ValueError:
            pass
    values = np.empty(len(tokens))
    for place, token in enumerate(tokens):
        try:
            values[place] = _quickly(token) if quick else parse_float(token)
        except ValueError as error:
            raise ValueError(f"value {place}: {error}") from None
    return values


def _quickly(token: str) -> float:
    try:
        return float(token)
    except ValueError:
        return parse_float(token)


def format_values(values: ArrayLike) -> Iterator[str]:
    """Pieces of a matrix's text line: row by row, each number as `%.6e` and two spaces."""
    flat = np.asarray(values, dtype=np.float64).ravel()
    for start in range(0, flat.size, _CHUNK):
        chunk = flat[start : start + _CHUNK].tolist()
        yield "%.6e  " * len(chunk) % tuple(chunk)


def scientific(value: float, digits: int) -> str:
    """`value` as C's `%.<digits>e`."""
    return f"{value:.{digits}e}"


def widened(value: float) -> float:
    """`value` rounded to float32 and made a double again, as TMVA prints its `Float_t` settings."""
    return float(np.float32(value))


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")

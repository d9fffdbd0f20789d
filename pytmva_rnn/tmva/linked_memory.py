"""A score of the values that a script has in arrays of its own: compiled code looks into these for each event."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.compile import ARRAY, answer, answering, array_at, builtin, compilation, filled, python_function
from pytmva_rnn.compile.builtin import word_at

__all__ = ["score_of_links"]

_FLOAT32 = np.dtype(np.float32)
_HEAD = object.__basicsize__

LINK = np.dtype(
    [
        ("data", np.int64),  # address of the word that tells where the numbers are: an `array` moves when it grows,
        ("length", np.int64),  # of the one that tells how many there are,
        ("count", np.int64),  # and how many there have to be
    ]
)

GATHERING = np.dtype(
    [
        ("links", np.int64),  # address of the array of LINK, and its length
        ("number", np.int64),
        ("values", np.int64),  # address of what is gathered, and how many these are
        ("count", np.int64),
        ("score", np.int64),  # address of what scores them, and of the tuple of its only argument, the gathered array
        ("arguments", np.int64),
        ("otherwise", np.int64),  # of what is called in its place where a link is not as it was
        ("ask", np.int64),  # of `PyObject_Call`
    ]
)


@answering
def score_linked(program: int, _argument: int) -> Any:
    """Gather the values, and call what scores them."""
    of = array_at(array_at(program, 1, ARRAY)[0].data, 1, GATHERING)[0]
    links, values = array_at(of.links, of.number, LINK), array_at(of.values, of.count, np.float32)
    place = 0
    for k in range(of.number):
        count = links[k].count
        if array_at(links[k].length, 1, np.int64)[0] != count:
            return answer(of.ask, (of.otherwise, of.arguments, 0))
        numbers = array_at(array_at(links[k].data, 1, np.int64)[0], count, np.float32)
        for j in range(count):
            values[place + j] = numbers[j]
        place += count
    return answer(of.ask, (of.score, of.arguments, 0))


def score_of_links(
    links: Sequence[Any], score: Callable[[NDArray[np.float32]], Any], otherwise: Callable[[Any], Any]
) -> Callable[[Any], Any] | None:
    """A function, of any argument, that scores what is in some arrays now; None for what compiled code cannot read.

    Parameters
    ----------
    links : sequence of array.array or flat ndarray
        Nobody else has these views of NumPy's arrays.
    score : callable
        Of an event, float32 (n,), in memory that is used again.
    otherwise : callable
        What is called in place of `score` if one of the arrays has another length by then.
    """
    found = [_words(link) for link in links]
    words = [each for each in found if each is not None]
    if not found or len(words) < len(found):
        return None
    table = np.array([(*each, len(link)) for each, link in zip(words, links, strict=True)], LINK)
    values = np.zeros(int(table["count"].sum()), np.float32)
    arguments = (values,)
    record = filled(
        np.zeros(1, GATHERING),
        links=table.ctypes.data,
        number=len(table),
        values=values.ctypes.data,
        count=len(values),
        score=id(score),
        arguments=id(arguments),
        otherwise=id(otherwise),
        ask=python_function("PyObject_Call"),
    )
    with compilation("single events"):
        return builtin(score_linked, record, (list(links), table, arguments, score, otherwise))


def _words(link: Any) -> tuple[int, int] | None:
    """Addresses of the words that tell where an array's numbers are, and how many; None for others than float32."""
    if isinstance(link, array):
        length, data = id(link) + _HEAD, id(link) + _HEAD + 8
        known = link.typecode == "f" and (word_at(data), word_at(length)) == link.buffer_info()
        return (data, length) if known else None
    if link.dtype is not _FLOAT32 or not link.flags.carray or word_at(id(link) + _DATA) != link.ctypes.data:
        return None
    return id(link) + _DATA, word_at(id(link) + _SHAPE)


_DATA, _SHAPE = (ARRAY.fields[name][1] for name in ("data", "shape"))  # type: ignore[index]

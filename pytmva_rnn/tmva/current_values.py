"""The memory of a script that a Reader looks into for each event."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.data import Column
from pytmva_rnn.data.flat_variables import without_blanks
from pytmva_rnn.errors import DataError
from pytmva_rnn.tmva.arguments import text_of
from pytmva_rnn.tmva.datasetinfo import DataSetInfo
from pytmva_rnn.tmva.declarations import Declared
from pytmva_rnn.tmva.linked_memory import score_of_links

__all__ = ["CurrentValues", "ReaderInfo"]

_FLOAT32 = np.dtype(np.float32)


class CurrentValues:
    """Declared variables or spectators with the arrays that hold their values of the current event."""

    def __init__(self) -> None:
        self.declared: list[Declared] = []
        self._links: list[Any] = []
        self._missing: str | None = None
        self._reading: Callable[[], NDArray[np.float32]] | None = None

    @property
    def expressions(self) -> list[str]:
        """The expression of each value, without blanks; that of an array for each element."""
        return [each.expression for each in self.declared for _ in range(each.column.width)]

    def add(self, expression: Any, link: Any, size: int | None = None) -> None:
        """Declare the next value, or the next few of an array.

        Parameters
        ----------
        expression : str
            `label := expression` is understood.
        link : array.array, NumPy array or None
            With None the values cannot be read.
        size : int, optional
            Of an array without link.

        Raises
        ------
        DataError
            For anything else.
        """
        label, _, formula = text_of(expression).rpartition(":=")
        if link is not None:
            flat = _buffer(expression, link)
            if size is not None and len(flat) != size:
                raise DataError(f"variable {text_of(expression)!r}: its array has {len(flat)} elements, not {size}")
            size = len(flat) if len(flat) > 1 or size is not None else None
            # quicker to ask than one of NumPy
            link = link if isinstance(link, array) else flat
        elif self._missing is None:
            self._missing = text_of(expression)
        self.declared.append(Declared(without_blanks(formula), Column(without_blanks(formula), label, size=size)))
        self._links.append(link)
        self._reading = None

    def read(self) -> NDArray[np.float32]:
        """All values now.

        Raises
        ------
        DataError
            If one was declared without memory for its value.
        """
        if self._reading is None:
            self._reading = self._reader()
        return self._reading()

    def scoring(self, score: Callable[[NDArray[np.float32]], Any]) -> Callable[[Any], Any]:
        """The function, of any argument, that scores all values that are declared by now; it raises as `read`.

        It is called for every event of a loop: compiled code looks into memory of single precision itself.
        """
        read = self._reader()

        def read_here(_: Any) -> Any:
            return score(read())

        if self._missing is not None or [*map(len, self._links)] != self._widths():
            return read_here
        return score_of_links(list(self._links), score, read_here) or read_here

    def _reader(self) -> Callable[[], NDArray[np.float32]]:
        """What gives all values: memory of single precision is joined as it is, other numbers are converted."""
        if self._missing is not None:
            return self._refuse
        values: Any = np.zeros(len(self.expressions), np.float32)
        declared, links, widths = list(self.declared), list(self._links), self._widths()
        copy = self._copying(values, links, widths)

        def reading() -> NDArray[np.float32]:
            # where one array has become longer and the next shorter their values would still fill the place
            if [*map(len, links)] != widths:
                raise _resized(declared, links)
            copy()
            return values  # type: ignore[no-any-return]

        return reading

    @staticmethod
    def _copying(values: Any, links: list[Any], widths: list[int]) -> Callable[[], None]:
        if links and all(_is_float32(link) for link in links):
            memory, join = memoryview(values).cast("B"), b"".join

            def joined() -> None:
                memory[:] = join(links)

            return joined
        starts = np.cumsum([0, *widths]).tolist()
        places = list(zip(starts, widths, links, strict=False))
        singles = [(start, link) for start, width, link in places if width == 1]
        blocks = [(values[start : start + width], link) for start, width, link in places if width > 1]

        def converted() -> None:
            for place, link in singles:
                values[place] = link[0]
            for part, link in blocks:
                part[:] = link

        return converted

    def _widths(self) -> list[int]:
        return [each.column.width for each in self.declared]

    def _refuse(self) -> NDArray[np.float32]:
        raise DataError(
            f"{self._missing!r} was declared without an array for its value: use AddVariable(name, array), or give the "
            "values, EvaluateMVA(values, tag)"
        )


@dataclass(frozen=True)
class ReaderInfo(DataSetInfo):
    """What a Reader has declared."""

    _values: CurrentValues = field(default_factory=CurrentValues)

    def AddVariablesArray(
        self,
        expression: Any,
        size: int,
        title: Any = "",
        unit: Any = "",
        min: float = 0.0,
        max: float = 0.0,
        type: Any = "F",
        normalized: bool = True,
        external: Any = None,
    ) -> None:
        """Declare the next variables of a Reader: the `size` elements of an array.

        Parameters
        ----------
        expression : str
            Name of the array in the weight file.
        size : int
        external : array.array or NumPy array, optional
            Holds the current event's values. Without it these go into the calls, `EvaluateMVA(values, tag)`. What
            stands between `size` and this has no effect.

        Raises
        ------
        DataError
            For an array of another size.
        """
        if size < 1:
            raise DataError(f"variable {text_of(expression)}: an array has at least one element, not {size}")
        self._values.add(expression, external, int(size))


def _resized(declared: list[Declared], links: list[Any]) -> DataError:
    each, link = next(pair for pair in zip(declared, links, strict=True) if len(pair[1]) != pair[0].column.width)
    return DataError(
        f"the array of {each.expression!r} has {len(link)} elements now; when it was declared it had "
        f"{each.column.width}"
    )


def _is_float32(link: Any) -> bool:
    if isinstance(link, array):
        return link.typecode == "f"
    return bool(link.dtype is _FLOAT32 and link.flags.c_contiguous)


def _buffer(expression: Any, link: Any) -> NDArray[Any]:
    """The memory of an array as a flat NumPy array, no copy."""
    values = np.frombuffer(link, link.typecode) if isinstance(link, array) else link
    is_plain = isinstance(values, np.ndarray) and not hasattr(values, "mask")  # what is masked is no number
    if not is_plain or values.dtype.kind not in "fiu" or not values.size:
        raise DataError(
            f"variable {text_of(expression)!r}: its value must be in an array, array('f', [0]) or a NumPy array of one "
            f"element, that the script fills for each event, not in {type(link).__name__}"
        )
    flat = np.asarray(values).reshape(-1)  # a matrix would keep its two dimensions
    if not np.shares_memory(flat, values):
        raise DataError(
            f"variable {text_of(expression)!r}: its array does not lie in one piece, so that its values cannot be seen "
            "when the script changes them; give numpy.ascontiguousarray(...) and fill that"
        )
    return flat

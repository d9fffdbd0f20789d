"""Elements of lists, methods and sizes of objects, and entries of maps, on arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from pytmva_rnn.errors import DataError
from pytmva_rnn.formula.array_values import ArrayComputation
from pytmva_rnn.formula.event_columns import map_fields
from pytmva_rnn.formula.reductions import element, over_lists
from pytmva_rnn.formula.tree import Index, MapEntry, Method, Term, path_of, written
from pytmva_rnn.formula.values import Value, from_awkward, taken
from pytmva_rnn.formula.vectors import LorentzVectors
from pytmva_rnn.packages import ak

__all__ = ["Elements"]


class Elements(ArrayComputation):
    """Computes what is taken out of a column."""

    def _index(self, node: Index) -> Value:
        value = self.visit(node.base)
        if value.levels < len(node.indices):
            what = ("one value per event", "one list per event")[value.levels] if value.levels < 2 else "fewer levels"
            given = node.indices[value.levels]
            self._refuse(node.base, f"has {what}, so it has no element [{'' if given is None else written(given)}]")
        level = 0
        for index in node.indices:
            if index is None:
                level += 1
                continue
            number = self.visit(index)
            if number.levels and (level or number.levels > 1 or len(node.indices) > 1):
                self._refuse(node, "takes lists of elements, which is supported for the first of one index only")
            value, level = self._element(node, value, level, index, number)
        return value

    def _element(self, node: Index, value: Value, level: int, index: Term, number: Value) -> tuple[Value, int]:
        state: dict[str, Any] = {}

        def words(event: int) -> str:
            if number.levels or level:
                what = f"has no element [{written(index)}] of {written(node.base)}"
            else:
                asked = np.broadcast_to(number.content, state["lengths"].shape)[event]
                at = int(asked) if np.isfinite(asked) else asked
                count = state["lengths"][event]
                what = (
                    f"has {count} element{'' if count == 1 else 's'} of {written(node.base)}, so [{at}] does not exist"
                )
            return f"{what}; write Alt$({written(node)}, 0), or another value, for such events"

        problem = self._problem(node, True, number.levels == 0, words)
        try:
            found, state["lengths"], _ = element(value, level, number, problem)
        except ValueError:
            self._refuse(node, "takes an element for each event")
        return found, level + (1 if number.levels else 0)

    def _method(self, node: Method) -> Value:
        path = path_of(node.base)
        if node.name in ("size", "@size"):
            return self._size(node, path)
        if path is None:
            self._refuse(node.base, f"is no branch of objects, so there is no method {node.name}()")
        try:
            vectors = self._memory.vectors.get(path) or LorentzVectors(self._columns.arrays[path])
            return self._memory.vectors.setdefault(path, vectors).method(node.name)
        except ValueError as error:
            raise DataError(f"{written(node)}: {path} holds {error}, in {self._columns.place}") from error

    def _size(self, node: Method, path: str | None) -> Value:
        if path is not None:
            array = self._columns.arrays[path]
            text = array.layout.purelist_parameter("__array__") in ("string", "bytestring")
            if array.ndim - text < 2:
                self._refuse(node.base, "has one value per event, so it has no size")
            if array.ndim - text > 2 and node.name == "size":
                self._refuse(node, f"could be one size or many; write @{path}.size() or Length$({path})")
            return Value(np.asarray(ak.num(array, axis=1)))
        value = self._listed("size", node.base, self.visit(node.base))
        return over_lists("num", value, np.zeros(len(self._memory.problems) + 1, bool))

    def _entry(self, node: MapEntry) -> Value:
        array = self._columns.arrays[str(path_of(node.base))]
        pair = map_fields(array)
        if pair is None:
            self._refuse(node.base, "is no map, so it has no entry of a key")
        same = from_awkward(array[pair[0]] == node.key)
        number = self._problem(node, True, True, lambda _: f"has no key {node.key} in {written(node.base)}; write "
                               f"Alt$({written(node)}, 0), or another value, for such events")  # fmt: skip
        counted = np.concatenate([[0], np.cumsum(same.content)])
        starts = counted[same.offsets[0]]
        found = np.diff(starts) > 0
        where = np.append(np.flatnonzero(same.content), 0)[np.minimum(starts[:-1], counted[-1])]
        values = from_awkward(array[pair[1]])
        flat = Value(values.content, values.offsets[1:], values.problem)
        return taken(flat, where, np.where(found, 0, number).astype(np.int32))

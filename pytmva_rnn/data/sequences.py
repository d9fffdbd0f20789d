"""Lists of different lengths in each event -> sequences of T steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.compile import compilation, kernel, readable
from pytmva_rnn.errors import DataError
from pytmva_rnn.formula import Columns, Formula
from pytmva_rnn.formula.values import Value, to_awkward
from pytmva_rnn.suggestions import near

__all__ = ["Steps", "pad"]


@dataclass(frozen=True)
class Steps:
    """D inputs with a value for each element of an event (track, cluster, hit ...), as T steps.

    Attributes
    ----------
    inputs : mapping of str -> str
        Name -> expression, in the order of the D inputs of a step. An expression with one value per event counts for
        every element.
    steps : int
        T. Of longer events the first T elements, after sorting, are taken.
    sort_by : str, optional
        Formula with a value for each element; without it the file's order is kept.
    descending : bool
        Whether the largest comes first. Equal elements keep their order.
    pad_value : float
        What fills the steps of shorter events.
    pad_side : "end" or "start"
        Where those steps are.
    """

    inputs: Mapping[str, str]
    steps: int
    sort_by: str | None = None
    descending: bool = True
    pad_value: float = 0.0
    pad_side: Literal["end", "start"] = "end"

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", dict(self.inputs))
        if not self.inputs:
            raise DataError("a sequence needs at least one input")
        for name in self.inputs:
            if not name.isidentifier():
                raise DataError(f"input name {name!r} of the sequence: use letters, digits and _ only, e.g. pt_rel")
            if not isinstance(self.inputs[name], str):
                raise DataError(f"input {name!r} of the sequence: {self.inputs[name]!r} is not an expression in quotes")
        if type(self.steps) is not int or self.steps < 1:
            raise DataError(f"a sequence needs a whole number of steps, at least 1; not {self.steps!r}")
        if type(self.pad_value) not in (int, float):
            raise DataError(f"pad_value is a number, not {self.pad_value!r}")
        if self.pad_side not in ("end", "start"):
            raise DataError(f"pad_side is 'end' or 'start', not {self.pad_side!r}")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Steps:
        """From plain data, e.g. a TOML table: the attributes by name.

        Raises
        ------
        DataError
            For a key that is unknown or missing, or a value that cannot be.
        """
        names = [f.name for f in fields(cls)]
        for key in values:
            if key not in names:
                raise DataError(f"a sequence has no key {key!r}; {near(key, names)}")
        for key in ("inputs", "steps"):
            if key not in values:
                raise DataError(f"a sequence needs the key {key!r}")
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """The attributes as plain data; `from_dict` takes it back."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {k: dict(v) if k == "inputs" else v for k, v in values.items() if v is not None}

    def substitute(self, replaced: Callable[[str], str]) -> Steps:
        """The same with every expression passed through `replaced`."""
        inputs = {name: replaced(text) for name, text in self.inputs.items()}
        return replace(self, inputs=inputs, sort_by=None if self.sort_by is None else replaced(self.sort_by))

    def formulas(self, define: Mapping[str, str] | None = None) -> list[Formula]:
        """Every formula that is needed, checked."""
        return [Formula.parse(text, define) for text in (*self.inputs.values(), self.sort_by) if text is not None]

    @property
    def names(self) -> list[str]:
        """Names of the T*D variables, time-major: `pt_0`, `eta_0`, ..., `pt_1`, ..."""
        return [f"{name}_{t}" for t in range(self.steps) for name in self.inputs]

    def build(self, columns: Columns, define: Mapping[str, str] | None = None) -> NDArray[np.float32]:
        """Sequences of every event.

        Parameters
        ----------
        columns : Columns
            n events, with what `formulas` name.
        define : mapping of str -> str, optional
            Names for formulas that the inputs may use.

        Returns
        -------
        (n, T, D) float32

        Raises
        ------
        DataError
            If the inputs of an event differ in length (naming the first such event), or no input is a list.
        """
        values = {name: Formula.parse(text, define).value(columns) for name, text in self.inputs.items()}
        if self.sort_by is None:
            offsets = _offsets(values, columns)
            order = None
        else:
            key = Formula.parse(self.sort_by, define).value(columns)
            if key.levels != 1:
                raise DataError(f"sort_by = {self.sort_by!r}: does not give one list per event in {columns.place}")
            offsets = _offsets({**values, f"sort_by ({self.sort_by})": key}, columns)
            order = _order(key, offsets, self.descending)
        X = np.full((len(columns), self.steps, len(self.inputs)), self.pad_value, dtype=np.float32)
        for d, value in enumerate(values.values()):
            pad(X, d, _flat(value, offsets), offsets, order, at_end=self.pad_side == "end")
        return X


def pad(
    X: NDArray[np.float32],
    d: int,
    flat: NDArray[np.float32],
    offsets: NDArray[np.int64],
    order: NDArray[np.int64] | None = None,
    *,
    at_end: bool = True,
) -> None:
    """Copy the first elements of each event into `X[:, :, d]`; what is there stays where an event has no more.

    Parameters
    ----------
    X : (n, T, D) float32 in C order
        Changed in place.
    d : int
    flat : (m,) float32
        The elements of all events, one event after the other.
    offsets : (n + 1,) int64
        Event i has the elements offsets[i] to offsets[i + 1].
    order : (m,) int64, optional
        For each event in turn, where in `flat` its elements are, in the order wanted.
    at_end : bool
        Whether free places are at the end, or else at the start.
    """
    order = np.empty(0, np.int64) if order is None else readable(order, np.int64)
    with compilation("sequences"):
        _pad(X, d, readable(flat, np.float32), readable(offsets, np.int64), order, at_end)


@kernel
def _pad(
    X: NDArray[np.float32],
    d: int,
    flat: NDArray[np.float32],
    offsets: NDArray[np.int64],
    order: NDArray[np.int64],
    at_end: bool,
) -> None:
    n, steps, _ = X.shape
    for i in range(n):
        first = offsets[i]
        taken = min(offsets[i + 1] - first, steps)
        free = 0 if at_end else steps - taken
        for t in range(taken):
            X[i, free + t, d] = flat[first + t if len(order) == 0 else order[first + t]]


def _offsets(values: Mapping[str, Value], columns: Columns) -> NDArray[np.int64]:
    """Where each event's elements begin and end; all lists of an event must be equally long."""
    for name, value in values.items():
        if value.levels > 1:
            raise DataError(
                f"sequence input {name!r}: gives lists of lists in {columns.place}; a sequence takes one list per event"
            )
    counts = {name: np.diff(value.offsets[0]) for name, value in values.items() if value.levels == 1}
    if not counts:
        raise DataError(
            f"the inputs of the sequence ({', '.join(values)}) give one value per event in {columns.place}: there are "
            "no elements to make steps of; such branches are for a list of variables"
        )
    first_counts, *others = counts.values()
    differ = np.zeros(len(columns), dtype=bool)
    for other in others:
        differ |= other != first_counts
    if differ.any():
        event = int(np.argmax(differ))
        listed = ", ".join(f"{name} has {n[event]}" for name, n in counts.items())
        raise DataError(f"the inputs of the sequence differ in length in {columns.event(event)}: {listed}")
    return np.concatenate([[0], np.cumsum(first_counts, dtype=np.int64)])


def _flat(value: Value, offsets: NDArray[np.int64]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite and is reported as such
        flat = value.content.astype(np.float32)
    return flat if value.levels else np.repeat(flat, np.diff(offsets))


def _order(key: Value, offsets: NDArray[np.int64], descending: bool) -> NDArray[np.int64]:
    within = ak.argsort(to_awkward(key), axis=1, ascending=not descending, stable=True)
    within = np.asarray(ak.to_numpy(ak.flatten(within, axis=1)), dtype=np.int64)
    order: NDArray[np.int64] = within + np.repeat(offsets[:-1], np.diff(offsets))
    return order

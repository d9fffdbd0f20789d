"""The inputs of events as a report names them: steps that are there, and columns for formulas."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.data import Dataset, Steps
from pytmva_rnn.description import Description, padded_steps
from pytmva_rnn.errors import DataError
from pytmva_rnn.formula import Columns, Formula
from pytmva_rnn.packages import ak
from pytmva_rnn.suggestions import near

__all__ = ["EventInputs"]

_DEFAULT_VARIABLES = 4
"""Flat variables against which efficiencies are shown unless somebody says which."""
_MOST_VARIABLES = 12


@dataclass(frozen=True)
class EventInputs:
    """How the inputs of an event are laid out.

    Attributes
    ----------
    names : tuple of str
        Of the D inputs of a step, or of the variables of a flat event.
    steps : int
        T; 1 for a flat event.
    pad_value : float, optional
        What all inputs of a step are that is not there, NaN where the network leaves such steps out; None where every
        step is.
    pad_side : "end" or "start"
    per_event : frozenset of str
        Inputs that are there at every step.
    spectators : tuple of str
    """

    names: tuple[str, ...]
    steps: int
    pad_value: float | None = None
    pad_side: str = "end"
    per_event: frozenset[str] = frozenset()
    spectators: tuple[str, ...] = ()

    @classmethod
    def of(cls, model: Description, data: Dataset) -> EventInputs:
        """Of a dataset that the model scores.

        Without a recipe, steps at the end of a sequence in which every input is 0 count as padding.
        """
        steps, inputs = model.event_shape
        recipe = data.recipe
        spectators = () if recipe is None else tuple(column.name for column in recipe.spectators)
        if recipe is not None and isinstance(recipe.inputs, Steps):
            made = recipe.inputs
            names = tuple(made.input_names)
            value = np.nan if made.mask_padding else made.pad_value
            return cls(names, steps, value, made.pad_side, frozenset(made.per_event), spectators)
        if model.mask_padding:
            return cls(_names(model, data, steps, inputs), steps, np.nan, spectators=spectators)
        pad_value = 0.0 if recipe is None and data.X.ndim == 3 and steps > 1 else None
        return cls(_names(model, data, steps, inputs), steps, pad_value, spectators=spectators)

    def shaped(self, X: NDArray[np.float32]) -> NDArray[np.float32]:
        """Inputs of n events as (n, T, D)."""
        return X.reshape(len(X), self.steps, len(self.names))

    def there(self, X: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Which steps of events (n, T, D) are no padding, (n, T)."""
        if self.pad_value is None:
            return np.ones(X.shape[:2], bool)
        if np.isnan(self.pad_value):
            return ~padded_steps(X)
        padded = np.ones(X.shape[:2], bool)
        for d, name in enumerate(self.names):  # one by one, which takes no memory beside them
            if name not in self.per_event:
                padded &= X[:, :, d] == np.float32(self.pad_value)
        if self.pad_side == "end":
            return np.asarray(~np.logical_and.accumulate(padded[:, ::-1], axis=1)[:, ::-1])
        return np.asarray(~np.logical_and.accumulate(padded, axis=1))

    def variables(self) -> tuple[str, ...]:
        """What efficiencies are shown against where nobody says so: spectators, the length, some flat variables."""
        length = ("length",) if self.pad_value is not None and "length" not in self.spectators else ()
        names = [_quoted(name) for name in self.spectators]
        flat = [_quoted(name) for name in self.names[:_DEFAULT_VARIABLES]] if self.steps == 1 else []
        return tuple(dict.fromkeys([*names, *length, *flat]))[:_MOST_VARIABLES]

    def values(self, texts: Iterable[str], data: Dataset) -> dict[str, NDArray[np.float64]]:
        """The value of each formula for every event, (n,).

        Raises
        ------
        DataError
            For a name that is not known, and a formula that gives no number.
        """
        formulas = {text: Formula.parse(text) for text in texts}
        needed = dict.fromkeys(name for formula in formulas.values() for name in formula.names)
        columns = Columns({name: self._column(name, data) for name in needed}, data.entries, "the events of the report")
        return {text: np.asarray(formula.per_event(columns), np.float64) for text, formula in formulas.items()}

    def _column(self, name: str, data: Dataset) -> ak.Array:
        if name in self.spectators:
            return ak.Array(data.spectators[:, self.spectators.index(name)])
        if name == "entry":
            return ak.Array(data.entries)
        X = self.shaped(data.X)
        if name == "length" and self.pad_value is not None:
            return ak.Array(self.there(X).sum(axis=1))
        if name not in self.names:
            known = [*self.spectators, *self.names, *(["length"] if self.pad_value is not None else []), "entry"]
            raise DataError(f"against: {name!r} is neither spectator nor input; {near(name, known)}")
        values = X[:, :, self.names.index(name)]
        if self.steps == 1 or name in self.per_event:
            first = self.there(X).argmax(axis=1) if self.pad_value is not None and np.isnan(self.pad_value) else 0
            return ak.Array(values[np.arange(len(X)), first])
        there = self.there(X)
        return ak.unflatten(ak.Array(values[there]), there.sum(axis=1))


def _names(model: Description, data: Dataset, steps: int, inputs: int) -> tuple[str, ...]:
    found = data.variables or tuple(variable.label for variable in model.variables)
    if steps > 1 and len(found) == steps * inputs:
        first = [name.removesuffix("_0") for name in found[:inputs]]
        if list(found) == [f"{name}_{t}" for t in range(steps) for name in first]:
            return tuple(first)
    if len(found) == inputs and len(set(found)) == inputs:
        return tuple(found)
    return tuple(f"input{d}" for d in range(inputs))


def _quoted(name: str) -> str:
    """A name as a formula: in back quotes where it would be something else."""
    try:
        formula = Formula.parse(name)
    except DataError:
        return f"`{name}`"
    return name if formula.column == name else f"`{name}`"

"""Events that a script hands to the data loader one by one, each with its class and its sample."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.data import Column, Dataset, Recipe
from pytmva_rnn.data.sampling import TEST, TRAINING
from pytmva_rnn.errors import DataError
from pytmva_rnn.formula import Formula
from pytmva_rnn.formula.tree_reading import columns_of_arrays
from pytmva_rnn.packages import ak

__all__ = ["AssignedEvents"]


@dataclass(eq=False)
class AssignedEvents:
    """The events of one class in one sample.

    Attributes
    ----------
    name : str
        Of the class.
    sample : "training" or "test"
    """

    name: str
    sample: str
    _values: array[float] = field(default_factory=lambda: array("d"))
    _weights: array[float] = field(default_factory=lambda: array("d"))

    def __len__(self) -> int:
        return len(self._weights)

    def add(self, event: Iterable[Any], weight: float, width: int) -> None:
        """Add one event: its variables, targets and spectators in the order of their declarations.

        Raises
        ------
        DataError
            If these are not `width` finite numbers, or the weight is none.
        """
        try:
            values = np.asarray(list(event), np.float64)
        except (TypeError, ValueError) as error:
            raise DataError(f"an event is a list of numbers, not {event!r:.80}") from error
        if values.shape != (width,):
            raise DataError(
                f"an event has its variables, targets and spectators in a row, here {width} numbers, not {values.size};"
                " declare all of them before the first event"
            )
        for what, given in (("value", values), ("weight", np.float64(weight))):
            if not np.isfinite(given).all():
                raise DataError(f"event {len(self)} added to class {self.name!r}: a {what} is NaN or infinite")
        self._values.extend(values)
        self._weights.append(float(weight))

    def dataset(
        self, recipe: Recipe, variables: Sequence[Column], targets: Sequence[Column], cut: str, number: int
    ) -> Dataset:
        """The events that pass a cut.

        Parameters
        ----------
        recipe : Recipe
            With the spectators.
        variables, targets : sequences of Column
        cut : str
            A formula of variables, targets and spectators that are plain names; may be empty.
        number : int
            Of these events among the sources of their class.

        Raises
        ------
        DataError
            If variables were declared after the first event, or the cut cannot be computed.
        """
        columns = [*variables, *targets, *recipe.spectators]
        widths = [column.width for column in columns]
        values = np.frombuffer(self._values, np.float64).reshape(len(self), -1)
        if values.shape[1] != sum(widths):
            raise DataError(
                f"the events added to class {self.name!r} have {values.shape[1]} numbers each, but {sum(widths)} "
                "variables, targets and spectators are declared now; declare all of them before the first event"
            )
        places = np.cumsum([0, *widths])
        entries: NDArray[np.int64] = np.arange(len(self))
        if cut:
            parts = {c.expression: values[:, a:b] for c, a, b in zip(columns, places, places[1:], strict=False)}
            entries = np.flatnonzero(self._passed(cut, parts))
        first, second = (places[len(variables)], places[len(variables) + len(targets)])
        kept = values[entries]
        return Dataset(
            kept[:, :first].astype(np.float32),
            np.zeros(len(kept), np.int64),
            np.frombuffer(self._weights, np.float64)[entries],
            (),
            kept[:, first:second].astype(np.float32),
            tuple(targets),
            kept[:, second:],
            entries,
            (),
            recipe=recipe,
            files=(f"the {self.sample} events added to class {self.name!r}",),
            source=np.full(len(kept), number),
            sample=np.full(len(kept), TRAINING if self.sample == "training" else TEST),
        )

    def _passed(self, cut: str, parts: Mapping[str, NDArray[np.float64]]) -> NDArray[np.bool_]:
        arrays = {name: ak.Array(part[:, 0] if part.shape[1] == 1 else part) for name, part in parts.items()}
        formula = Formula.parse(cut)
        place = f"the events added to class {self.name!r}"
        return formula.truth(columns_of_arrays(arrays, len(self), [formula], place))

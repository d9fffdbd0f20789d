"""Lists of different lengths in each event -> sequences of T steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.data.flat_variables import Definitions
from pytmva_rnn.data.limits import check_variables
from pytmva_rnn.data.padding import order_within, pad
from pytmva_rnn.data.step_collections import Collection, named_texts
from pytmva_rnn.data.step_elements import joined_elements
from pytmva_rnn.description import padded_steps
from pytmva_rnn.errors import DataError
from pytmva_rnn.formula import Columns, Formula
from pytmva_rnn.suggestions import check_keys, near

__all__ = ["Steps"]

_MOST_NUMBERS = 10_000
"""Of an inner list, each of which is an input."""


@dataclass(frozen=True)
class Steps:
    """D inputs with a value for each element of an event (track, cluster, hit ...), as T steps.

    Attributes
    ----------
    inputs : mapping of str -> str
        Name -> expression, in the order of the D inputs of a step. An expression with one value per event counts for
        every element. Empty where `collections` are given.
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
    per_event : mapping of str -> str
        Name -> expression of inputs with one number per event, which stands at every step, those that fill up included,
        so that an event without any element has it too. They come after the others.
    steps_from : "inner" or "outer", optional
        Needed for lists of lists. "inner": each number of the inner lists is a step, one list after the other, and what
        has one value for each list goes with all of its numbers. "outer": each inner list is a step, its numbers are
        inputs.
    sizes : mapping of str -> int
        With "outer", for an input that gives lists of lists: how many numbers each inner list has. `hits` of size 3
        makes the inputs `hits_0`, `hits_1`, `hits_2`.
    collections : tuple of Collection
        In place of `inputs` and `sort_by`: several collections, whose elements are joined and then sorted together;
        without sorting one collection comes after the other.
    mask_padding : bool
        Whether the network leaves out the steps that fill up: states stay as they are there, and what follows sees
        nothing. They are NaN in X in place of `pad_value`, inputs of `per_event` too. A file of TMVA cannot hold such a
        network.
    which : str, optional
        With `collections`: name of a further input that tells the collection of the element, 0 for the first. It comes
        after those of the collections.
    """

    inputs: Mapping[str, str] = field(default_factory=dict)
    steps: int = 0
    sort_by: str | None = None
    descending: bool = True
    pad_value: float = 0.0
    pad_side: Literal["end", "start"] = "end"
    per_event: Mapping[str, str] = field(default_factory=dict)
    steps_from: Literal["inner", "outer"] | None = None
    sizes: Mapping[str, int] = field(default_factory=dict)
    collections: tuple[Collection, ...] = ()
    which: str | None = None
    mask_padding: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", named_texts(self.inputs, "inputs"))
        object.__setattr__(self, "per_event", named_texts(self.per_event, "per_event"))
        if type(self.steps) is not int or self.steps < 1:
            raise DataError(f"a sequence needs a whole number of steps, at least 1; not {self.steps!r}")
        if type(self.pad_value) not in (int, float):
            raise DataError(f"pad_value is a number, not {self.pad_value!r}")
        if type(self.descending) is not bool:
            raise DataError(f"descending is true or false, not {self.descending!r}")
        if type(self.mask_padding) is not bool:
            raise DataError(f"mask_padding is true or false, not {self.mask_padding!r}")
        if self.mask_padding and self.pad_value != 0:
            raise DataError(
                f"pad_value = {self.pad_value!r} fills the steps of shorter events, which mask_padding leaves out: "
                "give one of them"
            )
        if self.pad_side not in ("end", "start"):
            raise DataError(f"pad_side is 'end' or 'start', not {self.pad_side!r}")
        if self.steps_from not in (None, "inner", "outer"):
            raise DataError(f"steps_from is 'inner' or 'outer', not {self.steps_from!r}")
        self._check_collections()
        self._check_sizes()
        width = sum(self.sizes.get(name, 1) for name in self._parts[0].inputs) + len(self.per_event)
        check_variables(self.steps * (width + (self.which is not None)))
        for name, count in Counter(self.input_names).items():
            if count > 1:
                raise DataError(f"the sequence has two inputs called {name!r}; give them different names")

    def _check_collections(self) -> None:
        given: Any = self.collections
        if not isinstance(given, list | tuple):
            raise DataError(
                f"the collections of a sequence are a list of tables, [[sequence.collections]], not {given!r}"
            )
        collections = tuple(c if isinstance(c, Collection) else Collection.from_dict(c) for c in given)
        object.__setattr__(self, "collections", collections)
        which: Any = self.which
        if which is not None and (not isinstance(which, str) or not which.isidentifier()):
            raise DataError(f"which = {which!r}: needed is a name of letters, digits and _")
        if not collections:
            if not self.inputs:
                raise DataError("a sequence needs at least one input")
            if self.which is not None:
                raise DataError(f"which = {self.which!r} tells collections apart, and the sequence has none")
            return
        if self.inputs or self.sort_by is not None:
            raise DataError(
                "a sequence has either inputs and sort_by of its own or collections, each with its inputs and sort_by"
            )
        if len(collections) == 1:
            raise DataError("a sequence of one collection takes its inputs and sort_by without collections")
        first = collections[0]
        for number, other in enumerate(collections[1:], start=1):
            if list(other.inputs) != list(first.inputs):
                raise DataError(
                    f"the inputs of collection {number} are {', '.join(other.inputs)}, but those of collection 0 are "
                    f"{', '.join(first.inputs)}: all have the same names in the same order"
                )
            if (other.sort_by is None) != (first.sort_by is None):
                raise DataError("the collections of a sequence are sorted together: all have sort_by, or none has")

    def _check_sizes(self) -> None:
        sizes: Any = self.sizes
        if not isinstance(sizes, Mapping):
            raise DataError(f"sizes is a table of names of inputs with numbers, not {sizes!r}")
        object.__setattr__(self, "sizes", dict(sizes))
        for name, size in sizes.items():
            if name not in self._parts[0].inputs:
                raise DataError(f"sizes: the sequence has no input {name!r}; {near(name, self._parts[0].inputs)}")
            if type(size) is not int or not 1 <= size <= _MOST_NUMBERS:
                raise DataError(f"sizes: {name} = {size!r}; needed is a whole number from 1 to {_MOST_NUMBERS}")
        if sizes and self.steps_from != "outer":
            raise DataError("sizes is for steps_from = 'outer', where the numbers of an inner list are inputs")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Steps:
        """From plain data, e.g. a TOML table: the attributes by name.

        Raises
        ------
        DataError
            For a key that is unknown or missing, or a value that cannot be.
        """
        check_keys(values, [f.name for f in fields(cls)], "a sequence has no key")
        if "steps" not in values:
            raise DataError("a sequence needs the key 'steps'")
        if "inputs" not in values and "collections" not in values:
            raise DataError("a sequence needs the key 'inputs', or 'collections'")
        return cls(**{"inputs": {}, **values})

    def to_dict(self) -> dict[str, Any]:
        """The attributes as plain data; `from_dict` takes it back."""
        values: dict[str, Any] = {"inputs": dict(self.inputs)} if self.inputs else {}
        values |= {
            key: getattr(self, key) for key in ("steps", "sort_by", "descending", "pad_value", "pad_side", "steps_from")
        }
        values |= {"per_event": dict(self.per_event), "sizes": dict(self.sizes)}
        values |= {"collections": [each.to_dict() for each in self.collections], "which": self.which}
        if self.mask_padding:
            del values["pad_value"]
            values["mask_padding"] = True
        return {key: value for key, value in values.items() if value is not None and value not in ({}, [])}

    def substitute(self, replaced: Callable[[str], str]) -> Steps:
        """The same with every expression passed through `replaced`."""
        return replace(
            self,
            inputs={name: replaced(text) for name, text in self.inputs.items()},
            sort_by=None if self.sort_by is None else replaced(self.sort_by),
            per_event={name: replaced(text) for name, text in self.per_event.items()},
            collections=tuple(each.substitute(replaced) for each in self.collections),
        )

    @property
    def _parts(self) -> tuple[Collection, ...]:
        """The collections; the only one where none are given."""
        return self.collections or (Collection(self.inputs, self.sort_by),)

    @property
    def plain(self) -> bool:
        """Whether there is one collection of lists and nothing beside it."""
        return not (self.collections or self.per_event or self.steps_from)

    def texts(self) -> dict[str, str]:
        """What each input is made of: name -> expression, the collections one after the other."""
        several = len(self._parts) > 1
        own = {
            f"{name} of collection {number}" if several else name: text
            for number, part in enumerate(self._parts)
            for name, text in part.inputs.items()
        }
        return {**own, **self.per_event}

    def check_distinct(self) -> None:
        """Refuse inputs that are the same.

        Raises
        ------
        DataError
            For two inputs of one collection with the same expression.
        """
        for part in self._parts:
            names: dict[str, str] = {}
            for name, text in {**part.inputs, **self.per_event}.items():
                other = names.setdefault("".join(text.split()), name)
                if other != name:
                    raise DataError(
                        f"the inputs {other!r} and {name!r} of the sequence are both {text!r}; leave one out"
                    )

    def formulas(self, define: Definitions = None) -> list[Formula]:
        """Every formula that is needed, checked."""
        texts = [text for part in self._parts for text in part.texts]
        return [Formula.parse(text, define) for text in (*texts, *self.per_event.values())]

    @property
    def input_names(self) -> list[str]:
        """Names of the D inputs of a step."""
        own = [
            each
            for name in self._parts[0].inputs
            for each in ([f"{name}_{i}" for i in range(self.sizes[name])] if name in self.sizes else [name])
        ]
        return [*own, *([] if self.which is None else [self.which]), *self.per_event]

    @property
    def names(self) -> list[str]:
        """Names of the T*D variables, time-major: `pt_0`, `eta_0`, ..., `pt_1`, ..."""
        return [f"{name}_{t}" for t in range(self.steps) for name in self.input_names]

    def build(self, columns: Columns, define: Definitions = None) -> NDArray[np.float32]:
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
            If the inputs of an event differ in length (naming the first such event), no input is a list, there are
            lists of lists without `steps_from`, an input of `per_event` is a list, or with `mask_padding` all inputs of
            an element are NaN.
        """
        parts = [part.elements(columns, define, self.steps_from, self.sizes) for part in self._parts]
        elements = parts[0]
        inputs = list(elements.inputs)
        if self.collections:
            elements, number = joined_elements(parts)
            inputs = [*elements.inputs, *([] if self.which is None else [number])]
        offsets = elements.offsets
        order = None
        if elements.key is not None:
            order = order_within(elements.key, offsets, self.descending, self.steps)
        X = np.full((len(columns), self.steps, len(self.input_names)), self.pad_value, dtype=np.float32)
        for d, flat in enumerate(inputs):
            pad(X, d, flat, offsets, order, at_end=self.pad_side == "end")
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite and is reported as such
            for d, text in enumerate(self.per_event.values(), start=len(inputs)):
                X[:, :, d] = Formula.parse(text, define).per_event(columns).astype(np.float32)[:, None]
        if self.mask_padding:
            self._mark(X, offsets, columns)
        return X

    def _mark(self, X: NDArray[np.float32], offsets: NDArray[np.int64], columns: Columns) -> None:
        """Make all inputs of the steps NaN that are not there, and those only."""
        count = np.minimum(np.diff(offsets), self.steps)[:, np.newaxis]
        step = np.arange(self.steps)
        there = step < count if self.pad_side == "end" else step >= self.steps - count
        X[~there] = np.nan
        lost = there & padded_steps(X)
        if lost.any():
            event, number = (int(i) for i in np.argwhere(lost)[0])
            raise DataError(
                f"step {number} of entry {columns.entries[event]} of {columns.place} is NaN in all its inputs, as "
                "mask_padding marks steps that are not there; write where(isnan(x), 0, x) in place of one of them"
            )

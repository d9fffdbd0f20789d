"""Scores of columns that dask computes later, and reads only where they are needed: collections of dask-awkward."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn import extras
from pytmva_rnn.data import ArrayTree
from pytmva_rnn.description import Description, padded_steps
from pytmva_rnn.errors import DataError
from pytmva_rnn.formula.branches import Branches, Place, member
from pytmva_rnn.packages import ak
from pytmva_rnn.weightfile.model_inputs import are_variables, labelled_columns, made_inputs, single_recipe

__all__ = ["lazy_scores"]


def lazy_scores(model: Any, data: Any, backend: str) -> Any:
    """The scores of a collection of dask-awkward, as such a collection: nothing is read or computed yet.

    Parameters
    ----------
    model : Model
    data : dask_awkward.Array
        Events, whose fields are what the recipe needs or the variables; or arrays of n events of numbers.
    backend : str

    Returns
    -------
    dask_awkward.Array
        Of n numbers, or of n lists of as many as there are outputs; divided as the events are. Of a file only those
        columns will be read that the recipe needs.

    Raises
    ------
    DataError
        For a column that is missing, and a network that makes several events of an entry.
    MissingExtraError
        Without dask-awkward.
    """
    dask_awkward = extras.dask_awkward()
    if not isinstance(data, dask_awkward.Array):
        raise DataError(f"of dask-awkward an Array of events can be scored, not a {type(data).__name__}")
    scores = _LazyScores(model, data.fields, backend)
    return dask_awkward.map_partitions(scores, data, label="score", meta=scores(data._meta))


class _LazyScores:
    """What is called for each partition, and for its typetracer, which only tells which columns it was asked for."""

    def __init__(self, model: Any, fields: list[str], backend: str) -> None:
        self._model = model
        self._backend = backend
        self._labelled = bool(fields) and are_variables(model, fields)
        self._places = _needed(model, fields, labelled=self._labelled) if fields else {}

    def __dask_tokenize__(self) -> tuple[str, str]:
        """By which dask knows this call again, in another process too."""
        content = pickle.dumps((self._model, self._places), protocol=5)
        return hashlib.sha256(content).hexdigest(), self._backend

    def __call__(self, array: Any) -> Any:
        parts = {name: member(array[field], name, inner, "the events") for name, (field, inner) in self._places.items()}
        if ak.backend(array) == "typetracer":
            for part in parts.values() if parts else [array]:
                ak.typetracer.touch_data(part)
            empty = ak.from_numpy(self._shaped(np.zeros(0, np.float32)), regulararray=True)
            return ak.Array(empty.layout.to_typetracer(forget_length=True))
        if len(array) == 0:
            return ak.from_numpy(self._shaped(np.zeros(0, np.float32)), regulararray=True)
        inputs = self._inputs(array, parts)
        mask = None
        if self._model.mask_padding and parts:  # whoever made them has looked at the steps
            mask = ~padded_steps(inputs.reshape(len(inputs), *self._model.event_shape))
        scores = self._model.predict(inputs, mask=mask, backend=self._backend)
        return ak.from_numpy(scores, regulararray=True)

    def _inputs(self, array: Any, parts: Mapping[str, Any]) -> Any:
        if not parts:
            return ak.to_numpy(array)
        if self._labelled:
            return labelled_columns(self._model, parts)
        return made_inputs(self._model, ArrayTree.of(parts, place="the events"))

    def _shaped(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        outputs = self._model.outputs
        return scores if outputs == 1 else scores.reshape(-1, outputs)


def _needed(model: Description, fields: list[str], *, labelled: bool) -> dict[str, Place]:
    """Where the columns are that are needed, by the names that formulas call them."""
    if labelled:
        return {variable.label: (variable.label, ()) for variable in model.variables}
    names = Branches.of_arrays(dict.fromkeys(fields))
    recipe = single_recipe(model)
    found = {}
    for name in dict.fromkeys(name for each in recipe.formulas() for name in each.names):
        place = names.find(name, "the events")
        if place is None:
            raise DataError(f"no field {name!r} in the events; {names.near(name)}")
        found[name] = place
    return found

"""The RDataFrame side of the bridge: scores as columns."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, TypeAlias

from pytmva_rnn import extras
from pytmva_rnn.data import Column, Recipe, Source, Steps, Variables
from pytmva_rnn.errors import DataError
from pytmva_rnn.formula import Formula
from pytmva_rnn.formula.cpp_writer import NAMESPACE
from pytmva_rnn.model import Model, read_weights
from pytmva_rnn.pyroot.compiled import score_function
from pytmva_rnn.weightfile.stored_recipe import stored_recipe

__all__ = ["as_frame", "as_recipe", "define", "files_of", "plain_source"]

FrameInputs: TypeAlias = Recipe | Steps | Variables | Iterable[str]


def define(rdf: Any, name: str, model: Model | str | os.PathLike[str], columns: FrameInputs | None = None) -> Any:
    """Add a network's score to an RDataFrame.

    The network and the expressions of its inputs are compiled by ROOT as C++, once per session, and run in the event
    loop: no Python, so that EnableImplicitMT, Snapshot and everything else of RDataFrame work.

    Parameters
    ----------
    rdf : RDataFrame, or any node of one; or a TTree
    name : str
        Of the new column.
    model : Model, or the path of a weight file
    columns : optional
        What the network reads. If None, what it was trained with: the recipe in its weight file, or else the
        expressions of the file's variables. Or a Recipe, a Steps (lists of any length, padded and cut to T steps)
        or Variables; or a list of columns or expressions in the order of the network's variables, where one that
        holds a list (array, vector, RVec) must have as many elements in each event as variables are left for it.

    Returns
    -------
    RDataFrame node
        With a column `name`: float, or for several outputs RVec<float> and one column `name_0`, `name_1`, ... of float
        for each. A recipe with `for_each` gives these for each value: `name_jet1`, `name_jet2`.

    Raises
    ------
    DataError
        For a column that is missing or taken, or not fit for the network, and for a network with RememberState, whose
        scores depend on the order of events. What is wrong with an event ends the event loop with a C++ exception.
    MissingExtraError
        If ROOT is not installed.
    """
    frame = as_frame(rdf)
    if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
        raise DataError(f"the column {name!r}: use letters, digits and _ only, with no digit at the start")
    if not isinstance(model, Model):
        model = read_weights(model)
    if model.remembers:
        raise DataError(
            "a network with RememberState scores an event by those before it, and an RDataFrame has no order of "
            "events; use Model.predict on what to_arrays gives"
        )
    recipe = stored_recipe(model) if columns is None else as_recipe(columns, frame, len(model.variables))
    recipe = replace(recipe, spectators=())
    if len(recipe.inputs.names) != len(model.variables):
        raise DataError(
            f"the columns make {len(recipe.inputs.names)} variables, but the network takes {len(model.variables)}"
        )
    for values in recipe.repetitions():
        base = "_".join([name, *(re.sub(r"\W", "_", f"{key}{value}") for key, value in values.items())])
        call = score_function(model, recipe.at(values), frame)
        frame = call.define(_without_column(frame, base), base)
        if model.outputs > 1:
            runtime = getattr(extras.root(), NAMESPACE)
            for number in range(model.outputs):
                name_of_output = f"{base}_{number}"
                frame = runtime.define_output(_without_column(frame, name_of_output), name_of_output, base, number)
    return frame


def _without_column(frame: Any, name: str) -> Any:
    if name in {str(column) for column in frame.GetColumnNames()}:
        raise DataError(f"the RDataFrame has a column {name!r} already; choose another name")
    return frame


def as_frame(data: Any) -> Any:
    """An RDataFrame's node as it is, or one that reads a TTree or TChain.

    Raises
    ------
    DataError
        For anything else.
    """
    if hasattr(data, "Define") and hasattr(data, "GetColumnNames"):
        return data
    if hasattr(data, "InheritsFrom") and data and data.InheritsFrom("TTree"):
        return extras.root().RDataFrame(data)
    raise DataError(f"{type(data).__name__} is neither an RDataFrame nor a TTree")


def as_recipe(given: FrameInputs, frame: Any, size: int | None = None) -> Recipe:
    """How to make the inputs.

    Parameters
    ----------
    given : Recipe, Steps, Variables or list of str
    frame : RDataFrame node
        Tells which columns hold lists.
    size : int, optional
        Number of variables, from which the sizes of lists follow that are not given.
    """
    if isinstance(given, Recipe):
        return given
    if isinstance(given, Steps | Variables):
        return Recipe(given)
    texts: Any = tuple(given)
    variables = Variables(texts)
    if size is None:
        return Recipe(variables)
    open_ended = [column for column in variables.columns if column.size is None and _holds_list(frame, column)]
    left = size - sum(column.width for column in variables.columns if column not in open_ended)
    if not open_ended:
        return Recipe(variables)
    each, rest = divmod(left, len(open_ended))
    if rest or each < 1:
        names = ", ".join(column.expression for column in open_ended)
        raise DataError(
            f"{names}: {left} variables are left for {len(open_ended)} lists of equal length; give sizes, e.g. "
            f"'{open_ended[0].expression}[10]', or a Steps for lists of different lengths"
        )
    return Recipe(
        Variables(tuple(replace(c, size=each) if c in open_ended else c for c in variables.columns)),
    )


def _holds_list(frame: Any, column: Column) -> bool:
    """Whether a variable is nothing but a column with a list."""
    if Formula.parse(column.expression).column != column.expression:
        return False
    if column.expression not in {str(name) for name in frame.GetColumnNames()}:
        return False
    return bool(re.search(r"RVec|vector|array", str(frame.GetColumnType(column.expression))))


def files_of(frame: Any) -> tuple[str, ...]:
    """The files that an RDataFrame reads, in its order; none if it does not read trees of files."""
    described = str(frame.Describe().AsString()).partition("\n\n")[0]
    found = re.match(r"Dataframe from (?:TTree|TChain|RNTuple)\b.*? in files?\s", described)
    return tuple(line.strip() for line in described[found.end() :].splitlines()) if found else ()


def plain_source(frame: Any, names: Iterable[str]) -> Source | None:
    """The files behind an RDataFrame, if reading them gives the same as reading it.

    That is so where no event is left out and none of the columns `names` is defined in Python or C++.
    """
    kind = str(getattr(type(frame), "__cpp_name__", ""))
    found = re.match(r"Dataframe from (?:TTree|TChain) (\S+) in files?\s", str(frame.Describe().AsString()))
    if found is None or not re.fullmatch(
        r"ROOT::RDataFrame|ROOT::RDF::RInterface<ROOT::Detail::RDF::RLoopManager(,void)?>", kind
    ):
        return None
    defined = {str(name) for name in frame.GetDefinedColumnNames()}
    if any(name == column or name.startswith(f"{column}.") for name in names for column in defined):
        return None
    return Source(tuple(f"{file}:{found[1]}" for file in files_of(frame)))

"""ROOT data -> arrays, and training on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn import extras
from pytmva_rnn.data import Column, Dataset, Inputs, Recipe, Steps, Variables, count_entries, load_inputs
from pytmva_rnn.errors import DataError
from pytmva_rnn.formula.cpp_writer import NAMESPACE
from pytmva_rnn.pyroot.compiled import compile_runtime, row_function
from pytmva_rnn.pyroot.frames import as_frame, as_recipe, files_of, plain_source
from pytmva_rnn.training import Result
from pytmva_rnn.training import train as train_on_dataset
from pytmva_rnn.trandom import TRandom3, shuffle

__all__ = ["to_arrays", "train"]


def to_arrays(
    data: Any, inputs: Recipe | Steps | Variables | list[str], values: Mapping[str, Any] | None = None
) -> Inputs:
    """The inputs of every event of an RDataFrame or a tree.

    Plain files are read with uproot. What only ROOT can give (defined columns, filters, ranges, friends, trees in
    memory) is computed by compiled C++ in one event loop.

    Parameters
    ----------
    data : RDataFrame, or any node of one; or a TTree or TChain
    inputs : Recipe, Steps, Variables or list of str
    values : mapping, optional
        One of `inputs.repetitions()`, for a Recipe with `for_each`.

    Returns
    -------
    Inputs
        `X` (n, T, D) or (n, NVar) float32, in the order of the files and entries whatever the number of threads;
        `spectators`; `entries`, numbers from 0 of the events that passed the filters.

    Raises
    ------
    DataError
        For a column that is missing or does not fit, and for an event that does not.
    MissingExtraError
        If ROOT is not installed.
    """
    frame = as_frame(data)
    recipe = as_recipe(inputs, frame).at(values or {})
    source = plain_source(frame, [name for formula in recipe.formulas() for name in formula.names])
    if source is not None:
        try:
            # An entry list or a range leaves events out without a trace in the description of the RDataFrame.
            entries = count_entries(source)
            if entries == int(frame.Count().GetValue()):
                found = load_inputs(recipe, source)
                # Lists as variables make several events of an entry, which an RDataFrame does not.
                if found.elements is None or (len(found.X) == entries and not found.elements.any()):
                    return replace(found, entries=np.arange(entries), elements=None)
        except DataError:
            pass  # what uproot does not find or read, as a friend's branch or an alias, ROOT may
    return _through_root(frame, recipe)


def train(
    rdf_signal: Any,
    rdf_background: Any,
    inputs: Recipe | Steps | Variables | list[str],
    options: Any,
    *,
    weight: str | None = None,
    seed: int = 100,
    **settings: Any,
) -> Result:
    """Train a classifier on events of two RDataFrames or trees.

    All events are used, mixed at random, the last `ValidationSize` of them to validate; keep test events apart with
    filters. The weights of each class are scaled so that they add up to the number of signal events, TMVA's
    NormMode=EqualNumEvents. The result's model holds the recipe of its inputs, so that `define` needs no columns.

    Parameters
    ----------
    rdf_signal, rdf_background : RDataFrame, or any node of one; or a TTree or TChain
    inputs : Recipe, Steps, Variables or list of str
    options : str, mapping or MethodOptions
        As for `pytmva_rnn.train`.
    weight : str, optional
        Expression for the weight of each event.
    seed : int
        Of the order of the events, TMVA's SplitSeed; 0 is different every time.
    **settings
        Further arguments of `pytmva_rnn.train`: title, backend, threads, initial, progress ...

    Raises
    ------
    DataError
        As `to_arrays`; for weights that cannot be scaled; and whatever `pytmva_rnn.train` raises.
    """
    frames = {"Signal": as_frame(rdf_signal), "Background": as_frame(rdf_background)}
    recipe = as_recipe(inputs, frames["Signal"])
    recipe.check_distinct()
    recipe.check_for_each([] if weight is None else [weight])
    added = () if weight is None else (Column(weight),)
    asked = replace(recipe, spectators=(*recipe.spectators, *added))
    samples = {name: _all_repetitions(frame, asked) for name, frame in frames.items()}
    X = np.concatenate([sample.X for sample in samples.values()])
    spectators = np.concatenate([sample.spectators for sample in samples.values()])
    is_signal = np.repeat(np.array([1, 0], np.float32), [len(sample.X) for sample in samples.values()])
    weights = spectators[:, -1].astype(np.float64) if added else np.ones(len(X))
    for name, of_class in (("Signal", is_signal == 1), ("Background", is_signal == 0)):
        total = weights[of_class].sum()
        if not 0 < total < np.inf:
            raise DataError(f"the weights of the {of_class.sum()} events of class {name!r} add up to {total:g}")
        weights[of_class] *= is_signal.sum() / total
    order = np.arange(len(X))
    shuffle(order, TRandom3(seed))
    class_index = np.asarray(is_signal == 0, np.int64)
    dataset = Dataset(
        X,
        class_index,
        weights,
        tuple(frames),
        np.empty((len(X), 0), np.float32),
        (),
        spectators[:, : len(recipe.spectators)],
        np.concatenate([sample.entries for sample in samples.values()]),
        (1.0, 1.0),
        recipe=recipe,
        variables=tuple(recipe.inputs.names),
        files=tuple(frames),
        file_index=class_index,
        repetition=np.concatenate([_repetition(sample, recipe) for sample in samples.values()]),
        mask_padding=recipe.mask_padding,
    )
    return train_on_dataset(dataset.take(order), options, **settings)


def _all_repetitions(frame: Any, recipe: Recipe) -> Inputs:
    parts = [to_arrays(frame, recipe, values) for values in recipe.repetitions()]
    X, spectators, entries = (
        np.concatenate([getattr(part, field) for part in parts]) for field in ("X", "spectators", "entries")
    )
    return Inputs(X, spectators, entries)


def _repetition(sample: Inputs, recipe: Recipe) -> NDArray[np.int64]:
    """Of each event of `_all_repetitions`."""
    count = len(recipe.repetitions())
    return np.repeat(np.arange(count), len(sample.X) // count)


def _through_root(frame: Any, recipe: Recipe) -> Inputs:
    """One event loop of compiled C++, whose rows are then brought into the order of the files."""
    compile_runtime()
    samples = f"{NAMESPACE}::samples().number(rdfsampleinfo_.AsString())"
    node = (
        row_function(recipe, frame)
        .define(frame, "pytmva_rnn_row")
        .DefinePerSample("pytmva_rnn_sample", samples)
        .DefinePerSample("pytmva_rnn_first", "rdfsampleinfo_.EntryRange().first")
    )
    taken = node.Take["ROOT::VecOps::RVec<double>"]("pytmva_rnn_row")
    keys = [
        node.Take[kind](column)
        for column, kind in (
            ("rdfentry_", "ULong64_t"),
            ("pytmva_rnn_first", "ULong64_t"),
            ("pytmva_rnn_sample", "unsigned int"),
        )
    ]
    try:
        rows = taken.GetValue()
    except Exception as error:  # PyROOT's own class for what was thrown in the event loop
        raise DataError(str(error).rpartition("runtime_error: ")[2]) from error
    entry, first, sample = (np.array(key.GetValue(), np.int64) for key in keys)
    values = np.empty((len(rows), len(recipe.inputs.names) + len(recipe.spectators)))
    runtime = getattr(extras.root(), NAMESPACE)
    runtime.flatten(rows, values.ctypes.data)
    names = [str(name) for name in runtime.samples().names()]
    values = values[np.lexsort((entry, first, _rank(names, files_of(frame))[sample]))]
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite
        X = values[:, : len(recipe.inputs.names)].astype(np.float32).reshape(len(values), *recipe.shape)
    return Inputs(X, values[:, len(recipe.inputs.names) :], np.arange(len(values)))


def _rank(samples: list[str], files: tuple[str, ...]) -> NDArray[np.int64]:
    """For each sample, `file/tree`, the place of its file among the files; 0 for what is no file.

    With several threads, `rdfentry_` counts the tasks' events in the order in which the tasks happen to start: only
    within a task, which is told by its file and its first entry, do these numbers follow the file.
    """
    ranks = {file: place for place, file in enumerate(files)}
    # One file's name may begin another's: the longest decides.
    found = [max((file for file in files if name.startswith(f"{file}/")), key=len, default="") for name in samples]
    return np.array([ranks.get(file, 0) for file in found], np.int64)

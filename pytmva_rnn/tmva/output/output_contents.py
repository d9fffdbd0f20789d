"""What TMVA's output file holds: histograms and trees that TMVAGui and people's macros read after a training.

Source of the layout: TMVA's MethodBase.cxx, DataSet.cxx (GetTree), Factory.cxx, ResultsMulticlass.cxx and
TrainingHistory.cxx.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.data.dataset import Dataset
from pytmva_rnn.description import Transformation, Variable, running_epochs
from pytmva_rnn.errors import DataError
from pytmva_rnn.files import atomic_path
from pytmva_rnn.packages import uproot
from pytmva_rnn.tmva.output.histograms import Axis, listed
from pytmva_rnn.tmva.output.inputs import chain_name, correlation_histograms, flat, input_histograms
from pytmva_rnn.tmva.output.method_output import MethodOutput, check_methods
from pytmva_rnn.tmva.output.multiclass import class_histograms
from pytmva_rnn.tmva.output.regression import deviation_histograms
from pytmva_rnn.tmva.output.responses import Response

__all__ = ["check_folder", "write_output"]

_CHUNK = 200_000
"""Events of a tree that are written at once."""

Named = Iterator[tuple[str, Any]]


def write_output(
    path: str | os.PathLike[str],
    dataset_name: str,
    training: Dataset,
    test: Dataset,
    methods: Sequence[MethodOutput],
    *,
    variables: Sequence[Variable],
    spectators: Sequence[Variable] = (),
    transformations: Sequence[Sequence[Transformation]] = (),
    update: bool = False,
) -> None:
    """Write the output of all methods that were trained with one dataset.

    In the folder `<dataset_name>`:

    - `TrainTree` and `TestTree`: `classID`, `className`, the variables (an array branch for those that came from one),
      targets, spectators, `weight`, and a branch for each method. Where TMVA has one branch with several leaves,
      `<title>` with the leaves of the classes or targets, there are branches `<title>.<class>`, which the same
      expression in TTree::Draw finds.
    - `InputVariables_Id/<variable>__<class>_Id`: variables and targets of the training sample, and
      `InputVariables_<chain>` for each chain of transformations.
    - `CorrelationMatrixS` and `CorrelationMatrixB`.
    - `Method_<kind>/<title>/`: the training history, the variables of the test sample as the method sees them, and
      classification: `MVA_<title>_S`, `_B`, `_Train_S`, `_Train_B`, `_S_high`, `_B_high`, `_effS`, `_effB`,
      `_effBvsS`, `_rejBvsS`, `_invBeffvsSeff`, `_trainingEffS`, `_trainingEffB`, `_trainingEffBvsS`,
      `_trainingRejBvsS`;
      multiclass: `MVA_<title>_Test_<output>_prob_for_<class>` and `_Train_`, and of each class against the rest
      `MVA_<title>_Test_rejBvsS_<class>` (a histogram; TMVA has a graph) and `_Train_`;
      regression: `MVA_<title>test_reg_var<i>_rtgt<j>`, `_reg_tgt<i>_rtgt<j>`, `_Quadr_Deviation_target_<j>_`,
      `_Quadr_Dev_best90perc_target_<j>_`, and the same with `train`.

    Two-dimensional scatter plots and profiles of pairs of variables are not written; TMVA has them for up to 20
    variables. A training of several phases has their epochs one after the other in its history.

    Parameters
    ----------
    path : path-like
        The file appears complete or not at all.
    dataset_name : str
        As the DataLoader is called.
    training, test : Dataset
        With the weights that training and test used.
    methods : sequence of MethodOutput
    variables : sequence of NVar Variable
        `Recipe.variable_table(training.X)` or `Model.variables`.
    spectators : sequence of S Variable
    transformations : sequence of chains
        Learned from the training sample, as the Factory's option `Transformations` asks for them.
    update : bool
        Add the dataset to a file that is there, if there is one. Otherwise the file is replaced.

    Raises
    ------
    DataError
        If samples, scores and variables do not fit, two branches would have one name, or the file to be updated has
        the dataset already.
    OSError
        If the file cannot be written, or is no ROOT file.
    """
    _check(dataset_name, training, test, methods, variables, spectators)
    targets = training.target_table()
    trees = {
        "TrainTree": _columns("training", training, variables, targets, spectators, methods),
        "TestTree": _columns("test", test, variables, targets, spectators, methods),
    }
    with atomic_path(path) as temporary:
        adding = update and Path(path).exists()
        if adding:
            shutil.copyfile(path, temporary)
        with (uproot.update if adding else uproot.recreate)(temporary) as file:
            if adding and dataset_name in file.keys(recursive=False, cycle=False):
                raise DataError(f"{os.fspath(path)} has a dataset {dataset_name!r} already; take another name or file")
            _fill(file.mkdir(dataset_name), correlation_histograms(training, variables))
            for chain in ((), *transformations):
                folder = file[dataset_name].mkdir(f"InputVariables_{chain_name(chain)}")
                _fill(folder, input_histograms(training, variables, targets, chain))
            for method in methods:
                folder = file[dataset_name].mkdir(f"Method_{method.kind}/{method.title}")
                _fill(folder, _history(method))
                _fill(folder, _performance(method, training, test, variables, targets))
                _fill(folder, input_histograms(test, variables, targets, method.transformations, suffix=False))
            for name, columns in trees.items():
                _write_tree(file[dataset_name], name, columns)


def check_folder(name: str) -> None:
    """Refuse what cannot be the name of a folder in a ROOT file: the data loader's and the method's.

    Raises
    ------
    DataError
        For a name that is empty or has a slash or a semicolon.
    """
    if not name or set(name) & set("/;"):
        raise DataError(f"{name!r} cannot be the name of a folder in a ROOT file; leave out / and ;")


def _check(
    dataset_name: str,
    training: Dataset,
    test: Dataset,
    methods: Sequence[MethodOutput],
    variables: Sequence[Variable],
    spectators: Sequence[Variable],
) -> None:
    check_methods(training, test, methods)
    for name in (dataset_name, *(method.title for method in methods)):
        check_folder(name)
    for data in (training, test):
        for what, table, values in (("variables", variables, flat(data)), ("spectators", spectators, data.spectators)):
            if len(table) != values.shape[1]:
                raise DataError(f"{len(table)} {what} are declared, but the events have {values.shape[1]}")


def _columns(
    sample: Literal["training", "test"],
    data: Dataset,
    variables: Sequence[Variable],
    targets: Sequence[Variable],
    spectators: Sequence[Variable],
    methods: Sequence[MethodOutput],
) -> dict[str, NDArray[Any]]:
    """Branches of a tree in TMVA's order."""
    pairs: list[tuple[str, NDArray[Any]]] = [
        ("classID", data.class_index.astype(np.int32)),
        ("className", np.asarray(data.classes)[data.class_index]),
        *_branches(variables, flat(data)),
        *_branches(targets, data.target_values),
        *_branches(spectators, data.spectators),
        ("weight", data.weights.astype(np.float32)),
    ]
    outputs = [target.internal for target in targets] or list(data.classes)
    for method in methods:
        scores = method.scores(sample, data)
        if scores.shape[1] == 1:
            pairs.append((method.title, scores[:, 0]))
        else:
            pairs += [(f"{method.title}.{name}", scores[:, i]) for i, name in enumerate(outputs)]
    columns: dict[str, NDArray[Any]] = {}
    for name, values in pairs:
        if name in columns:
            raise DataError(f"two branches of the output trees would be called {name!r}; give one another label")
        columns[name] = values
    return columns


def _branches(table: Sequence[Variable], values: NDArray[np.float32]) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """A branch for each variable, and one for the variables of one array."""
    first = 0
    while first < len(table):
        after = first + 1
        if not table[first].type.endswith("[]"):
            yield table[first].internal, values[:, first]
        else:
            while after < len(table) and _continues(table[first], table[after]):
                after += 1
            yield table[first].internal.removesuffix("[0]"), values[:, first:after]
        first = after


def _continues(first: Variable, variable: Variable) -> bool:
    """Whether a variable belongs to the array that begins with `first`; the same array may follow once more."""
    is_of_it = variable.type.endswith("[]") and variable.expression == first.expression
    return is_of_it and variable.internal != first.internal


def _write_tree(folder: Any, name: str, columns: dict[str, NDArray[Any]]) -> None:
    types = {
        branch: "string" if values.dtype.kind == "U" else np.dtype((values.dtype, values.shape[1:]))
        for branch, values in columns.items()
    }
    folder.mktree(name, types, title=name)
    for start in range(0, len(columns["weight"]), _CHUNK):
        folder[name].extend({branch: values[start : start + _CHUNK] for branch, values in columns.items()})


def _fill(folder: Any, histograms: Iterable[tuple[str, Any]]) -> None:
    for name, histogram in histograms:
        folder[name] = histogram


def _history(method: MethodOutput) -> Named:
    if not method.history:
        return
    epochs = running_epochs(method.history)
    bins = len(epochs)
    half = (epochs[-1] - epochs[0]) / (bins - 1) / 2 if bins > 1 else 0.5
    axis = Axis(bins, epochs[0] - half, epochs[-1] + half)
    for name, field in (("trainingError", "training_error"), ("valError", "validation_error")):
        title = f"TrainingHistory_{method.title}_{name}"
        yield title, listed(title, axis, [getattr(row, field) for row in method.history])


def _performance(
    method: MethodOutput,
    training: Dataset,
    test: Dataset,
    variables: Sequence[Variable],
    targets: Sequence[Variable],
) -> Named:
    if test.analysis == "classification":
        yield from Response(method, training, test).histograms().items()
        return
    samples: tuple[tuple[Literal["test", "training"], Dataset], ...] = (("test", test), ("training", training))
    for sample, data in samples:
        scores = method.scores(sample, data)
        short = "test" if sample == "test" else "train"
        if test.analysis == "multiclass":
            yield from class_histograms(f"MVA_{method.title}_{short.capitalize()}", scores, data)
        else:
            prefix = f"MVA_{method.title}{short}"
            yield from deviation_histograms(
                prefix, scores, data.target_values, data.weights, flat(data), variables, targets
            )

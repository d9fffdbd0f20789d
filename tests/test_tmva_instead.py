"""What TMVA has and this package has not: each name is refused with what to use instead."""

from __future__ import annotations

import copy
import inspect
import pickle
from typing import Any

import numpy as np
import pytest

from pytmva_rnn import tmva as TMVA
from pytmva_rnn.errors import TMVAError, UnavailableError
from pytmva_rnn.tmva.explained import Explained
from pytmva_rnn.tmva.instead import INSTEAD
from pytmva_rnn.tmva.roc import ROCCurve

loader: Any = TMVA.DataLoader("dataset")
factory: Any = TMVA.Factory("Job", "Silent")
reader: Any = TMVA.Reader()


@pytest.mark.parametrize(
    ("owner", "name", "message"),
    [
        (factory, "AddSignalTree", r"Factory.AddSignalTree is not part of pytmva_rnn: call it on a data loader"),
        (factory, "OptimizeAllMethods", "book a method for each choice of options"),
        (factory, "MakeClass", "pytmva-rnn convert"),
        (factory, "TrainAll", r"Factory has no 'TrainAll'; near names: TrainAllMethods"),
        (loader, "VarTransform", "give VarTransform in the options of BookMethod"),
        (loader, "SetOptions", "options are read when the object is made"),
        (reader, "GetMVAError", "a network tells no error of an event"),
        (reader, "EvaluateMva", r"Reader has no 'EvaluateMva'; near names: EvaluateMVA"),
        (loader.GetDataSetInfo(), "GetDataSet", r"loader.samples\(\).training"),
        (TMVA.gConfig(), "SetNumWorkers", "PYTMVA_RNN_THREADS"),
        (TMVA.Types, "kBTD", r"Types has no 'kBTD'; near names: kBDT"),
        (TMVA, "TMVAGui", r"pytmva_rnn.tmva.TMVAGui is not part of pytmva_rnn: GetROCCurve"),
        (TMVA, "MethodBDT", r"book networks, Types.kDL"),
        (TMVA, "DataLaoder", r"pytmva_rnn.tmva has no 'DataLaoder'; near names: DataLoader"),
        (ROCCurve("A", np.ones(1), np.ones(1), 0.5), "SetLineColor", "Matplotlib figure"),
    ],
)
def test_a_name_that_is_missing_is_explained(owner: Any, name: str, message: str) -> None:
    with pytest.raises(UnavailableError, match=message) as error:
        getattr(owner, name)
    assert isinstance(error.value, TMVAError)
    assert isinstance(error.value, AttributeError)
    assert not hasattr(owner, name)


def classes() -> dict[str, type]:
    found: dict[str, type] = {"Types": TMVA.Types}
    todo = list(Explained.__subclasses__())
    while todo:
        each = todo.pop()
        found[each.__name__] = each
        todo += each.__subclasses__()
    return found


def test_the_tables_name_what_is_not_there() -> None:
    there = classes()
    for owner, table in INSTEAD.items():
        names = set(dir(there[owner])) if owner in there else set(TMVA.__all__)
        assert owner in {*there, "tmva", "Experimental"}
        assert names & set(table) == set()


def test_objects_can_still_be_copied_and_asked_about() -> None:
    assert copy.deepcopy(loader).GetName() == pickle.loads(pickle.dumps(loader)).GetName() == "dataset"
    assert not hasattr(loader, "_repr_html_")
    assert inspect.isclass(TMVA.Types)

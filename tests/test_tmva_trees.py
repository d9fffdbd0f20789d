from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from pytmva_rnn.data import ArrayTree, Source
from pytmva_rnn.data.in_memory import read
from pytmva_rnn.errors import DataError
from pytmva_rnn.formula import Formula
from pytmva_rnn.tmva.trees import as_tree


def values(tree: Any, expression: str) -> list[float]:
    parsed = Formula.parse(expression)
    return [float(x) for columns in read(as_tree(tree), [parsed]) for x in parsed.per_event(columns)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "events.root"
    with uproot.recreate(path) as written:
        for name in ("a", "dir/b"):
            written.mktree(name, {"x": "float64"})
            written[name].extend({"x": np.arange(3) + len(name)})
    return path


def test_trees_in_files(file: Path) -> None:
    assert values(f"{file}:a", "x") == [1, 2, 3]
    with uproot.open(file) as opened:
        assert values(opened["a"], "x") == [1, 2, 3]
        assert values(opened["dir/b"], "x") == [5, 6, 7]
    assert values(Source((str(file),), "dir/b"), "x") == [5, 6, 7]


def test_events_in_memory() -> None:
    columns = {"x": np.arange(3.0), "v": ak.Array([[1.0], [2.0, 3.0], []])}
    assert values(columns, "x + sum(v)") == [1, 6, 2]
    assert values(ak.zip({"x": [1.0, 2.0], "p": ak.zip({"px": [3.0, 4.0]})}, depth_limit=1), "x + p.px") == [4, 6]
    assert values(np.array([(1.0,), (2.0,)], dtype=[("x", "f8")]), "x") == [1, 2]


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        (3, "int is no tree: give 'file.root:tree'"),
        ({"x": [1, 2], "y": [1]}, "same length each: x 2, y 1"),
        ({}, "there are none"),
    ],
)
def test_what_is_no_tree_is_refused(tree: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        as_tree(tree)


def test_missing_columns_and_events_are_named() -> None:
    with pytest.raises(DataError, match=r"no branch 'xx' in the arrays; near names: x"):
        values({"x": [1.0]}, "xx")
    with pytest.raises(DataError, match="no entries in the arrays"):
        values({"x": np.empty(0)}, "x")


class RootObject:
    """What PyROOT's objects answer."""

    def __init__(self, name: str, kind: str, **answers: Any) -> None:
        self._name, self._kind, self._answers = name, kind, answers

    def GetName(self) -> str:
        return self._name

    def ClassName(self) -> str:
        return self._kind

    def InheritsFrom(self, name: str) -> bool:
        return name in (self._kind, "TTree" if self._kind == "TChain" else self._kind)

    def __getattr__(self, name: str) -> Any:
        return lambda: self.__dict__["_answers"].get(name)


def test_trees_of_pyroot_are_read_from_their_files() -> None:
    tfile = RootObject("/data/events.root", "TFile")
    folder = RootObject("dir", "TDirectory", GetPath="/data/events.root:/dir/sub")
    tree = RootObject("b", "TTree", GetDirectory=folder, GetCurrentFile=tfile)
    assert as_tree(tree) == Source(("/data/events.root",), "dir/sub/b")
    links = [RootObject(name, "TNamed", GetTitle=title) for name, title in (("a", "1.root"), ("b", "2.root"))]
    assert as_tree(RootObject("a", "TChain", GetListOfFiles=links)) == Source(("1.root:a", "2.root:b"))


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        (RootObject("t", "TTree", GetDirectory=None, GetCurrentFile=None), "lives in memory: write it to a file"),
        (RootObject("c", "TChain", GetListOfFiles=[]), "TChain c has no files"),
        (RootObject("h", "TH1F"), "h is a TH1F, not a TTree"),
    ],
)
def test_other_objects_of_pyroot_are_refused(tree: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        as_tree(tree)


@pytest.mark.slow
def test_pyroot_itself(file: Path) -> None:
    script = f"""
import ROOT
from pytmva_rnn.errors import DataError
from pytmva_rnn.tmva.trees import as_tree
file = ROOT.TFile.Open({str(file)!r})
print(as_tree(file.Get("a")))
print(as_tree(file.Get("dir/b")))
chain = ROOT.TChain("a")
chain.Add({str(file)!r})
print(as_tree(chain))
ROOT.gROOT.cd()
for tree in (file.Get("nothing"), ROOT.TTree("m", "m")):
    try:
        as_tree(tree)
    except DataError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    if "No module named 'ROOT'" in done.stderr:
        pytest.skip("ROOT is not installed")
    *found, missing, in_memory = done.stdout.splitlines() or ["", done.stderr]
    expected = [Source((str(file),), "a"), Source((str(file),), "dir/b"), Source((f"{file}:a",))]
    assert found == [str(source) for source in expected]
    assert missing == "the tree is a null pointer: its file has no tree of this name"
    assert "TTree m lives in memory" in in_memory


def test_arrays_are_kept_as_they_are() -> None:
    tree = as_tree({"x": [1.0]})
    assert isinstance(tree, ArrayTree)
    assert as_tree(tree) is tree

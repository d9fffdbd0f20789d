"""Files, trees and branches of every kind."""

from __future__ import annotations

import sys
from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from pytmva_rnn.data import Source, count_entries
from pytmva_rnn.data.sources import read_columns
from pytmva_rnn.errors import DataError
from pytmva_rnn.formula import Formula
from pytmva_rnn.formula.locations import locations

PACKAGE = "package://skhep_testdata/data/"


def values(source: Source, text: str, step: int = 1000) -> list[object]:
    expression = Formula.parse(text)
    return [
        v for columns in read_columns(source, [expression], step=step) for v in expression.evaluate(columns).to_list()
    ]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "all.root"
    with uproot.recreate(path) as root:
        root.mktree("t", {"x": "float32", "i": "int16", "b": "bool", "f": ("f8", (3,)), "v": "var * float32"})
        root["t"].extend(
            {
                "x": np.array([0.5, 1.5, 2.5], np.float32),
                "i": np.array([1, 2, 3], np.int16),
                "b": np.array([True, False, True]),
                "f": np.arange(9.0).reshape(3, 3),
                "v": ak.Array([[1.0], [], [2.0, 3.0]]),
            }
        )
    return path


@pytest.mark.parametrize(
    ("branch", "expected"),
    [
        ("x", [0.5, 1.5, 2.5]),
        ("i", [1, 2, 3]),
        ("b", [True, False, True]),
        ("f", [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0], [6.0, 7.0, 8.0]]),
        ("v", [[1.0], [], [2.0, 3.0]]),
        ("select(v, v > 1.5) * i", [[], [], [6.0, 9.0]]),
    ],
)
@pytest.mark.parametrize("step", [1, 2, 1000])
def test_branches_that_uproot_writes(file: Path, branch: str, expected: list[object], step: int) -> None:
    assert values(Source((str(file),)), branch, step) == expected


@pytest.mark.parametrize(
    ("name", "branch", "event", "expected"),
    [
        ("uproot-small-evnt-tree-fullsplit.root", "StlVecF32", 3, [3.0, 3.0, 3.0]),  # std::vector<float>
        ("uproot-small-evnt-tree-fullsplit.root", "evt.SliceF64", 2, [2.0, 2.0]),
        ("uproot-small-evnt-tree-fullsplit.root", "ArrayI16", 4, [4] * 10),
        ("uproot-small-evnt-tree-fullsplit.root", "evt.P3.Py", 5, 5.0),  # a member of a split object
        ("uproot-small-evnt-tree-fullsplit.root", "P3.Py", 5, 5.0),
        ("uproot-small-evnt-tree-nosplit.root", "evt.P3.Py", 5, 5.0),  # and of one in a single branch
        ("uproot-small-evnt-tree-nosplit.root", "evt.StlVecF32", 3, [3.0, 3.0, 3.0]),
        ("uproot-HZZ-objects.root", "MET.fX", 0, 5.912771224975586),  # TVector2
        ("uproot-HZZ-objects.root", "muonp4.fP.fX", 1, [-0.8164593577384949]),  # std::vector<TLorentzVector>
        ("uproot-HZZ-objects.root", "muonq", 0, [1, -1]),
    ],
)
def test_branches_that_root_wrote(name: str, branch: str, event: int, expected: object) -> None:
    assert values(Source((PACKAGE + name,)), branch)[event] == expected


def test_an_rntuple_is_a_tree_too(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "n.root") as root:
        root.mkrntuple("n", {"v": ak.Array([[1.0, 2.0], [], [3.0]]), "x": np.arange(3.0)})
    assert values(Source((str(tmp_path / "n.root"),)), "v + x") == [[1.0, 2.0], [], [5.0]]


def test_many_files_are_one_source(tmp_path: Path) -> None:
    for i in (2, 0, 1):
        with uproot.recreate(tmp_path / f"run{i}.root") as root:
            root["t"] = {"x": np.array([10.0 * i, 10.0 * i + 1])}
    everything = Source((str(tmp_path / "run*.root"),))
    assert values(everything, "x") == [0.0, 1.0, 10.0, 11.0, 20.0, 21.0]
    assert count_entries(everything) == 6
    assert values(Source((f"{tmp_path}/run1.root:t", f"{tmp_path}/run0.root"), tree="t"), "x") == [10.0, 11.0, 0.0, 1.0]


def test_the_tree_after_the_file_goes_before_the_tree_of_the_source(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "two.root") as root:
        root["sgn"] = {"x": np.array([1.0])}
        root["folder/bkg"] = {"x": np.array([2.0])}
    assert values(Source((f"{tmp_path}/two.root:folder/bkg", f"{tmp_path}/two.root"), tree="sgn"), "x") == [2.0, 1.0]


def test_urls_are_passed_on() -> None:
    source = Source(("root://host:1094//data/a.root", "https://host/b.root:tree"), tree="t")
    assert source.locations() == [("root://host:1094//data/a.root", "t"), ("https://host/b.root", "tree")]


def test_only_the_newest_cycle_counts(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "cycles.root") as root:
        root["t"] = {"x": np.array([1.0])}
        root["t"] = {"x": np.array([2.0])}
    assert values(Source((str(tmp_path / "cycles.root"),)), "x") == [2.0]


def test_several_trees_are_listed() -> None:
    with pytest.raises(DataError, match=r"several trees: tree, CollectionTree; name one, e.g. .*96.root:tree"):
        values(Source((PACKAGE + "uproot-issue96.root",)), "jet1ID")


def test_no_tree(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "h.root") as root:
        root["h"] = np.histogram([1.0, 2.0])
    with pytest.raises(DataError, match=r"h.root holds no tree"):
        values(Source((str(tmp_path / "h.root"),)), "x")


def test_a_missing_tree_lists_near_ones() -> None:
    with pytest.raises(DataError, match="holds no tree 'tre'; near names: tree"):
        values(Source((PACKAGE + "uproot-issue96.root",), tree="tre"), "x")


def test_a_missing_branch_lists_near_ones() -> None:
    with pytest.raises(
        DataError, match=r"no branch 'jet1TrkP4.fP.fX' in .*uproot-issue96.root:tree; near names: jet1TrksP4"
    ):
        values(Source((PACKAGE + "uproot-issue96.root",), tree="tree"), "jet1TrkP4.fP.fX")


def test_a_missing_member_lists_near_ones() -> None:
    with pytest.raises(DataError, match=r"no member 'fPt' for 'jet1P4.fPt' in .*; near names: fP"):
        values(Source((PACKAGE + "uproot-issue96.root",), tree="tree"), "jet1P4.fPt")


def test_an_unreadable_branch_is_named() -> None:
    with pytest.raises(DataError, match=r"branch 'evt' of .*fullsplit.root:tree cannot be read"):
        values(Source((PACKAGE + "uproot-small-evnt-tree-fullsplit.root",)), "evt")


def test_a_tree_without_entries(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "empty.root") as root:
        root.mktree("t", {"x": "float32"})
    with pytest.raises(DataError, match=r"no entries in .*empty.root:t"):
        values(Source((str(tmp_path / "empty.root"),)), "x")


def test_an_empty_file_among_others_does_not_matter(tmp_path: Path, file: Path) -> None:
    with uproot.recreate(tmp_path / "empty.root") as root:
        root.mktree("t", {"x": "float32"})
    assert values(Source((str(tmp_path / "empty.root"), str(file))), "x") == [0.5, 1.5, 2.5]


def test_a_missing_file_lists_near_ones(file: Path) -> None:
    with pytest.raises(DataError, match=r"no such file: .*al.root; near names: all.root"):
        values(Source((str(file.with_name("al.root")),)), "x")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"is a folder; for all its ROOT files write .*\*.root"):
        values(Source((str(tmp_path),)), "x")


def test_a_pattern_stops_looking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "deep" / "deeper").mkdir(parents=True)
    for number in range(5):
        (tmp_path / "deep" / "deeper" / f"{number}.root").touch()
    (tmp_path / "deep" / "again.root").mkdir()
    pattern = f"{tmp_path}/**/*.root"
    assert [Path(file).name for file, _ in locations((pattern,))] == [f"{k}.root" for k in range(5)]
    monkeypatch.setattr("pytmva_rnn.formula.locations._MOST_PLACES", 4)
    with pytest.raises(DataError, match=r"more than 4 files and folders in .*begin the pattern further down"):
        locations((pattern,))


@pytest.mark.skipif(sys.platform == "win32", reason="links need a permission there")
def test_a_pattern_does_not_go_in_circles(tmp_path: Path) -> None:
    inside = tmp_path / "runs" / "deep"
    inside.mkdir(parents=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for folder in (inside, elsewhere):
        (folder / "a.root").touch()
    (inside / "linked").symlink_to(elsewhere)
    (inside / ".hidden").symlink_to(tmp_path)  # ** does not go there
    found = [file for file, _ in locations((f"{tmp_path}/runs/**/*.root",))]
    assert found == [str(inside / "a.root"), str(inside / "linked" / "a.root")]
    for name in ("one", "two"):  # 2^40 paths
        (inside / name).symlink_to(tmp_path / "runs")
    with pytest.raises(DataError, match=r"/deep/(one|two) is a link to a folder that it is in, and \*\* follows it"):
        locations((f"{tmp_path}/r*/**/*.root",))


def test_a_pattern_without_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no file matches the pattern .*nothing\*.root"):
        values(Source((str(tmp_path / "nothing*.root"),)), "x")


def test_a_file_that_is_not_root(tmp_path: Path) -> None:
    (tmp_path / "text.root").write_text("hello")
    with pytest.raises(DataError, match=r"text.root is not a ROOT file"):
        values(Source((str(tmp_path / "text.root"),)), "x")


def test_a_truncated_file(tmp_path: Path, file: Path) -> None:
    (tmp_path / "cut.root").write_bytes(file.read_bytes()[:200])
    with pytest.raises(DataError, match=r"cut.root: cannot be opened as a ROOT file: it ends too early, .* again$"):
        values(Source((str(tmp_path / "cut.root"),)), "x")


def test_a_package_that_is_missing_or_has_no_such_file() -> None:
    with pytest.raises(DataError, match="package 'no_such_package' is not installed"):
        Source(("package://no_such_package/a.root",)).locations()
    with pytest.raises(DataError, match=r'does not carry this file; run: pip install "scikit-hep-testdata==0.3.12"'):
        Source((PACKAGE + "no-such-file.root",)).locations()


def test_source_as_plain_data() -> None:
    source = Source.from_dict(
        {"files": "a.root", "tree": "t", "weight": 2, "selection": "x > 0", "tree_weight": 0.5, "sample": "test"}
    )
    assert source == Source(("a.root",), "t", "x > 0", "2", 0.5, sample="test")
    assert Source.from_dict(source.to_dict()) == source
    assert Source(("a.root",)).to_dict() == {"files": ["a.root"]}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"file": "a.root"}, "no key 'file'; near names: files"),
        ({"tree": "t"}, "needs the key 'files'"),
        ({"files": []}, "at least one file"),
        ({"files": [3]}, r"files of a source are a path or a list of paths, not \[3\]"),
        ({"files": "a.root", "weight": ["w"]}, r"the weight of a source is a formula in quotes, not \['w'\]"),
        ({"files": "a.root", "selection": True}, "the selection of a source is a formula in quotes, not True"),
        ({"files": "a.root", "tree": 5}, "the tree of a source is its name, not 5"),
        ({"files": "a.root", "aliases": 5}, "the aliases of a source are a mapping of names to formulas, not 5"),
        ({"files": "a.root", "sample": "Test"}, "one of training, validation, test, not 'Test'"),
        ({"files": "a.root", "tree_weight": "2 * xsec"}, "xsec is no number; .*key 'weight'"),
        ({"files": "a.root", "tree_weight": "1 / 0"}, "tree_weight = '1 / 0' is 0"),
        ({"files": "a.root", "tree_weight": float("inf")}, "is inf"),
        ({"files": "a.root", "tree_weight": True}, "a number or arithmetic in quotes, not True"),
    ],
)
def test_wrong_source(given: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        Source.from_dict(given)


def test_a_tree_weight_may_be_arithmetic() -> None:
    assert Source(("a.root",), tree_weight="59.7 * 831.76e3 / 2.5e7").factor == pytest.approx(1.98624288)
    assert Source(("a.root",), tree_weight=3).factor == 3.0


@pytest.mark.parametrize("kind", ["tree", "rntuple"])
def test_pieces_end_where_clusters_end(tmp_path: Path, kind: str) -> None:
    with uproot.recreate(tmp_path / "c.root") as file:
        tree = (file.mktree if kind == "tree" else file.mkrntuple)("t", {"x": "float64", "y": "float64"})
        for first in range(0, 100, 30):
            values = np.arange(first, min(first + 30, 100), dtype=np.float64)
            tree.extend({"x": values, "y": values})
    source = Source((str(tmp_path / "c.root"),))
    formula = Formula.parse("x + y")
    for step, sizes in ((70, [60, 40]), (30, [30, 30, 30, 10]), (20, [20, 10, 20, 10, 20, 20]), (200, [100])):
        pieces = list(read_columns(source, [formula], step=step))
        assert [len(piece) for piece in pieces] == sizes
        assert [entry for piece in pieces for entry in piece.entries.tolist()] == list(range(100))
        values = [value for piece in pieces for value in formula.evaluate(piece).to_list()]
        assert values == [2.0 * number for number in range(100)]
    # what two numbers of eight bytes an entry take, three times
    sizes = [len(piece) for piece in read_columns(source, [formula], room=3 * 16 * 35)]
    assert max(sizes) <= 35
    assert sum(sizes) == 100


def test_objects_up_to_the_end_of_a_basket() -> None:
    """Where uproot alone looks for a basket that it has not read."""
    source = Source((PACKAGE + "uproot-HZZ-objects.root",))
    whole = values(source, "MET.fX", step=10_000)
    assert values(source, "MET.fX", step=798) == values(source, "MET.fX", step=1000) == whole

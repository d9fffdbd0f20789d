"""Names as ROOT finds them: leaves, members, friends, aliases, entries of maps; and as TMVA writes them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from pytmva_rnn import extras
from pytmva_rnn.data import Column, Recipe, Source, Steps, Variables, load_inputs
from pytmva_rnn.errors import DataError, MissingExtraError
from pytmva_rnn.formula import evaluate

NAMES = json.loads((Path(__file__).parent / "data" / "names.json").read_text(encoding="utf-8"))["names"]

MAKE = r"""
import warnings; warnings.simplefilter("ignore")
import os, sys, ROOT
os.chdir(sys.argv[1])
ROOT.gInterpreter.GenerateDictionary("map<int,float>", "map")
ROOT.gInterpreter.Declare('''
struct Leaves { float a; int b; };
void make() {
  TFile other("scores.root", "RECREATE"); TTree u("scores", ""); double y, z; u.Branch("y", &y); u.Branch("z", &z);
  for (int e = 0; e < 4; ++e) { y = 100 * e; z = -e; u.Fill(); } u.Write();
  TFile file("main.root", "RECREATE"); TTree t("t", "t");
  double x; Leaves s, r; std::map<int, float> weights; TLorentzVector lv;
  t.Branch("x", &x); t.Branch("s", &s, "a/F:b/I"); t.Branch("r", &r, "b/F:q/I"); t.Branch("weights", &weights);
  t.Branch("lv", &lv); t.Branch("split.", &lv, 32000, 1);
  for (int e = 0; e < 4; ++e) {
    x = e; s = {e * 2.f, e}; r = {-1.f, e + 7}; weights.clear(); for (int k = 0; k <= e; ++k) weights[k] = 10 * e + k;
    lv.SetPtEtaPhiM(10 + e, 0.5, 1, 2); t.Fill();
  }
  t.AddFriend("fr = scores", "scores.root"); t.SetAlias("twice", "x * 2 + fr.y"); t.Write();
}''')
ROOT.make()
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        extras.root()
    except MissingExtraError as error:
        pytest.skip(f"ROOT is not installed: {error}")
    path = tmp_path_factory.mktemp("names")
    subprocess.run([sys.executable, "-c", MAKE, str(path)], check=True, capture_output=True)
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", [0, 2, 4, 6]),
        ("s.a + s.b + r.b", [-1, 2, 5, 8]),
        ("q", [7, 8, 9, 10]),
        ("weights{0}", [0, 10, 20, 30]),
        ("Alt$(weights{2}, -1)", [-1, -1, 22, 32]),
        ("lv.Pt() - split.Pt()", [0, 0, 0, 0]),
        ("lv.fP.X() - lv.fP.fX + split.fE - lv.E()", [0, 0, 0, 0]),
        ("fr.y + z", [0, 99, 198, 297]),
        ("twice", [0, 102, 204, 306]),
    ],
)
def test_names_of_a_tree(folder: Path, text: str, expected: list[float]) -> None:
    assert evaluate(text, f"{folder}/main.root:t").to_list() == pytest.approx(expected)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("b", "could be one of several in .*: s.b, r.b"),
        ("weights", r"it is a map; take the entry of a key, e.g. weights\{1\}"),
        ("weights{3}", r"event 0 of .* has no key 3 in weights; write Alt\$"),
        ("nowhere", "no branch 'nowhere' in .* and its friends fr"),
        ("s_a", "no branch 's_a' in .*; near names: .*s.a"),
        ("x.a", "no 'x.a' in .*: what stands before .a has no members"),
    ],
)
def test_names_that_do_not_do(folder: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        evaluate(text, f"{folder}/main.root:t")


@pytest.mark.slow
def test_friends_that_trees_name_themselves_go_along_file_by_file(folder: Path) -> None:
    recipe = Recipe(Variables((Column("fr.y"), Column("Entry$"))))
    twice = load_inputs(recipe, Source((f"{folder}/main.root:t", f"{folder}/main.root:t"))).X
    assert twice.T.tolist() == [[0, 100, 200, 300] * 2, [*range(8)]]


def write(path: Path, **columns: Any) -> str:
    with uproot.recreate(path) as file:
        file["t"] = columns
    return f"{path}:t"


def test_friends_of_a_source_go_along_entry_by_entry(tmp_path: Path) -> None:
    one, two = write(tmp_path / "1.root", x=np.arange(3.0)), write(tmp_path / "2.root", x=np.arange(3.0, 5.0))
    friend = write(tmp_path / "f.root", y=np.arange(5) * 10, x=np.zeros(5))
    recipe = Recipe(Variables((Column("x + fr.y"), Column("y"), Column("fr.x"))))
    X = load_inputs(recipe, Source((one, two), friends=(f"fr = {friend}",))).X
    assert X.T.tolist() == [[0, 11, 22, 33, 44], [0, 10, 20, 30, 40], [0, 0, 0, 0, 0]]
    with pytest.raises(DataError, match=r"fr has 5 entries, the tree 3 \(.*1\.root:t\); a friend"):
        load_inputs(recipe, Source((one,), friends=(f"fr = {friend}",)))
    with pytest.raises(DataError, match="has 2 entries, fewer than"):
        load_inputs(Recipe(Variables((Column("t.x"),))), Source((one,), friends=(two,)))


@pytest.mark.slow
def test_trees_of_pyroot_bring_their_friends_and_aliases(folder: Path) -> None:
    code = """
import os, sys, ROOT
from pytmva_rnn.formula import evaluate
from pytmva_rnn.tmva.trees import as_tree
file = ROOT.TFile.Open(sys.argv[1] + "/main.root")
tree = file.Get("t")
tree.AddFriend("more = scores", sys.argv[1] + "/scores.root")
tree.SetAlias("sum", "x + more.y")
print(evaluate("sum + more.z", as_tree(tree)).to_list())
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=False, cwd=folder
    )
    assert done.stdout.strip() == "[0.0, 100.0, 200.0, 300.0]", done.stderr


def test_odd_names(tmp_path: Path) -> None:
    data = {"in": [1.0], "is": [2.0], "lambda": [3.0], "B0-mass": [4.0], "2nd": [5.0], "µ": [6.0], "μ": [7.0]}
    assert evaluate("in + is * lambda", data).to_list() == [7]
    assert evaluate("`B0-mass` + `2nd`", data).to_list() == [9]
    assert evaluate("µ - μ", data).to_list() == [-1]
    with pytest.raises(DataError, match="no branch 'B0'"):
        evaluate("B0-mass", data)


@pytest.mark.parametrize("case", NAMES, ids=lambda case: case["given"]["expression"])
def test_names_in_files_are_those_of_cpp_tmva(case: dict[str, dict[str, str]]) -> None:
    given = case["given"]
    label, assigned, expression = given["expression"].partition(":=")
    parsed = Column(expression if assigned else label, label if assigned else "", given["title"], given["unit"])
    (variable,) = parsed.describe()
    found = {
        "Expression": variable.expression,
        "Label": variable.label,
        "Title": variable.title,
        "Unit": variable.unit,
        "Internal": variable.internal,
    }
    assert found == case["cxx"]


def test_spectators_keep_their_digits(tmp_path: Path) -> None:
    numbers = np.array([3010000000, 2**53 + 1], np.int64)
    source = Source((write(tmp_path / "n.root", x=np.arange(2.0), event=numbers),))
    assert load_inputs(Recipe(Variables((Column("x"),)), (Column("event"),)), source).spectators.tolist() == [
        [3010000000],
        [2**53 + 1],
    ]
    with pytest.raises(DataError, match=r"integers beyond 2\^53"):
        load_inputs(Recipe(Variables((Column("x"),)), (Column("event"), Column("x"))), source)


def test_definitions_go_with_the_recipe() -> None:
    recipe = Recipe(
        Steps({"pt": "part * 2"}, 2, sort_by="part"),
        for_each={"j": (1, 2)},
        define={"part": "pt{j} / scale", "scale": "2"},
    )
    again = Recipe.from_dict(json.loads(json.dumps(recipe.to_dict())))
    assert again == recipe
    assert again.at({"j": 2}).formulas()[0].names == ("pt2",)
    with pytest.raises(DataError, match="needs itself"):
        Recipe(Variables((Column("a"),)), define={"a": "a + 1"})
    assert ak.to_list(evaluate("v.size()", {"v": [[1, 2], []]})) == [2, 0]

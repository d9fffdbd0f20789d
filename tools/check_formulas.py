"""Compare formulas of pytmva_rnn with TTreeFormula, and their C++ with RDataFrame, on formulas made at random.

    python tools/check_formulas.py [--formulas N] [--seed N] [--cpp]

ROOT makes a file with scalars of all types, fixed and variable arrays, a leaf list, vectors, vectors of vectors, texts
and Lorentz vectors. Each formula goes to TTreeFormula in a process of its own, which a formula may end; it prints every
disagreement, and how many formulas agree. Where ROOT gives a number to an element that is not there, or lists differ in
length, ours has none or refuses: these are counted apart.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import subprocess
import sys
import tempfile
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

EVENTS = 12
SCALARS = ("x", "y", "i", "u", "s", "uc", "sc", "b", "nv", "ll.a", "ll.bb", "c", "lv.Pt()", "lv.fE", "gv.M()")
LISTS = {"nv": ("v", "k", "vec", "vi", "vb"), "four": ("fix", "four"), "three": ("mat[0]", "mat[1]"), "own": ("vd",)}
ONE = ("sqrt", "exp", "log", "abs", "sin", "cos", "atan", "floor", "ceil", "sign", "int", "TMath::Abs", "TMath::Nint",
       "TMath::Sq", "TMath::Odd", "TMath::Even", "TMath::Erf", "TVector2::Phi_mpi_pi", "asin", "tanh", "log10",
       "TMath::IsNaN", "TMath::Finite", "TMath::Freq", "TMath::ATan", "TMath::Gaus")  # fmt: skip
TWO = ("TMath::Max", "TMath::Min", "TMath::Power", "TMath::ATan2", "TMath::Hypot", "TMath::Sign", "min", "max", "pow",
       "atan2", "fmod")  # fmt: skip
OPERATORS = ("+", "-", "*", "/", "%", "^", "<", ">", "<=", ">=", "==", "!=", "&&", "||", "&", "|", "<<", ">>")
TOTALS = ("Sum$", "Length$", "Max$", "Min$")

MAKE = r"""
#include "Math/Vector4D.h"
#include "TFile.h"
#include "TLorentzVector.h"
#include "TTree.h"
void make_formula_tree(const char *path, int n) {
  TFile file(path, "RECREATE");
  TTree t("t", "t");
  double x, fix[4]; float y, v[10], vm[10][2], four[4]; int i, nv, k[10], mat[2][3]; unsigned u; short s; bool b;
  unsigned char uc; signed char sc; Long64_t l; ULong64_t ul; char type[20];
  struct { float a; int bb; double c; } leaves;
  std::string str; std::vector<float> vec; std::vector<double> vd; std::vector<int> vi; std::vector<bool> vb;
  std::vector<std::vector<double>> vv; TLorentzVector lv; ROOT::Math::PtEtaPhiMVector gv;
  t.Branch("x", &x); t.Branch("y", &y); t.Branch("i", &i); t.Branch("u", &u); t.Branch("s", &s); t.Branch("uc", &uc);
  t.Branch("sc", &sc, "sc/B"); t.Branch("l", &l); t.Branch("ul", &ul); t.Branch("b", &b); t.Branch("nv", &nv);
  t.Branch("v", v, "v[nv]/F"); t.Branch("k", k, "k[nv]/I"); t.Branch("fix", fix, "fix[4]/D");
  t.Branch("four", four, "four[4]/F"); t.Branch("mat", mat, "mat[2][3]/I"); t.Branch("vm", vm, "vm[nv][2]/F");
  t.Branch("ll", &leaves, "a/F:bb/I:c/D"); t.Branch("type", type, "type/C"); t.Branch("str", &str);
  t.Branch("vec", &vec); t.Branch("vd", &vd); t.Branch("vi", &vi); t.Branch("vb", &vb); t.Branch("vv", &vv);
  t.Branch("lv", &lv); t.Branch("gv", &gv);
  for (int e = 0; e < n; ++e) {
    x = (e * 7 % 11 - 5) * 0.75; y = (e * 5 % 7 - 3) * 1.5f; i = e * 3 % 7 - 3; u = e * 5 % 6; s = -e; uc = 250 + e % 5;
    sc = 60 - 11 * e; l = 9007199254740993LL + e; ul = (1ULL << 63) + e; b = e % 2; nv = e * 3 % 5;
    vec.clear(); vd.clear(); vi.clear(); vb.clear(); vv.clear();
    for (int j = 0; j < nv; ++j) {
      v[j] = (j * 3 + e) % 7 - 2.5f; k[j] = (j + e) % 4; vm[j][0] = j; vm[j][1] = 10 + j + e;
      vec.push_back(v[j] * 2); vi.push_back(j - 1); vb.push_back((j + e) % 2);
    }
    for (int j = 0; j < 4; ++j) { fix[j] = j * 1.5 - e * 0.5; four[j] = (j * e) % 3 - 1; }
    for (int j = 0; j < 6; ++j) mat[j / 3][j % 3] = 10 * (j / 3) + j % 3 - e;
    for (int j = 0; j < e % 4; ++j) {
      vd.push_back(j + 0.5 * e);
      std::vector<double> w;
      for (int m = 0; m < (j + e) % 3; ++m) w.push_back(100 * e + 10 * j + m);
      vv.push_back(w);
    }
    leaves.a = e * 0.5f; leaves.bb = e; leaves.c = -e * 0.25; snprintf(type, 20, "%s", e % 3 ? "GT" : "XYZ");
    str = e % 2 ? "GT" : "abc"; lv.SetPtEtaPhiM(10 + e, 0.1 * e, 0.2 * e - 1, 1 + e);
    gv.SetCoordinates(20 + e, -0.1 * e, 1 - 0.2 * e, 2 + e);
    t.Fill();
  }
  t.Write();
}
"""
ORACLE = """
import json, sys, warnings
warnings.simplefilter("ignore")
import ROOT
ROOT.gErrorIgnoreLevel = 6000
file = ROOT.TFile.Open(sys.argv[1])
tree = file.Get("t")
for line in sys.stdin:
    formula = ROOT.TTreeFormula("f", json.loads(line), tree)
    if formula.GetNdim() <= 0:
        print("null", flush=True)
        continue
    formula.GetManager().Sync()
    events = []
    for entry in range(tree.GetEntries()):
        tree.GetEntry(entry)  # or it reads nothing for the second element that the first did not need
        events.append([formula.EvalInstance(i) for i in range(formula.GetNdata())])
    print(json.dumps(events), flush=True)
"""


class Generator:
    """Formulas at random, whose lists have as many elements as one another."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def formula(self) -> str:
        """A formula of one value or of a list for each event."""
        lists = self.random.choice([(), (), *LISTS.values()])
        return self.part(self.random.randint(1, 4), lists)

    def part(self, depth: int, lists: tuple[str, ...]) -> str:
        pick = self.random.random()
        if depth == 0 or pick < 0.1:
            return self.leaf(lists)
        below = depth - 1
        if pick < 0.55:
            left, right = self.part(below, lists), self.part(below, lists)
            operator = self.random.choice(OPERATORS)
            if operator in ("%", "<<", ">>", "&", "|"):  # of what 64 bits hold; a negative number is ROOT's own affair
                low = "-1000" if operator == "%" else "0"
                left, right = f"max({low},min({left},1000))", f"max(0,min({right},9))"
            if operator in ("%", "<<", ">>"):
                right = str(self.random.randint(1, 5))
            if operator in ("<", ">", "<=", ">=", "==", "!="):
                return f"({left}{operator}{right})"
            if operator in ("<<", ">>"):  # which ROOT mistakes beside < and >
                return f"(({left}){operator}({right}))"
            return (
                f"{left}{operator}{right}"
                if self.random.random() < 0.3 and left[0] not in "-!"
                else f"({left}){operator}({right})"
            )
        if pick < 0.65:
            return f"{self.random.choice(ONE)}({self.part(below, lists)})"
        if pick < 0.75:
            return f"{self.random.choice(TWO)}({self.part(below, lists)},{self.part(below, lists)})"
        if pick < 0.82:
            return f"({self.part(below, lists)}?{self.part(below, lists)}:{self.part(below, lists)})"
        if pick < 0.9:
            inner = self.random.choice(list(LISTS.values()))
            name = self.random.choice([*TOTALS, "MaxIf$", "MinIf$"])
            more = f",{self.part(0, inner)}>0" if name.endswith("If$") else ""
            return f"{name}({self.part(min(below, 1), inner)}{more})"
        if pick < 0.95:
            return f"({self.random.choice('-!')}({self.part(below, lists)}))"
        if lists:  # of one element beside a list, ROOT takes the first only
            return f"Alt$({self.random.choice(lists)},{self.there()})"
        return f"Alt$({self.random.choice(('v[2]', 'vd[1]', 'k[0]'))},{self.there()})"

    def there(self) -> str:
        """A number that every event has: of another, ROOT may read what is in memory by chance."""
        while (leaf := self.leaf(())) in ("vm[0][1]", "v[0]", "vec[1]"):
            pass
        return leaf

    def leaf(self, lists: tuple[str, ...]) -> str:
        pick = self.random.random()
        if pick < 0.2:
            return self.random.choice(["1", "2", "0.5", "3", "1.5e1", "0x1F", "pi", "TMath::Pi()"])
        if lists and pick < 0.7:
            return self.random.choice(lists)
        if pick < 0.78:
            return self.random.choice(["fix[2]", "fix[1+1]", "mat[1][2]", "vm[0][1]", "v[0]", "vec[1]", "fix[u%4]"])
        if pick < 0.82:
            return self.random.choice(['(type=="GT")', '(str!="GT")', "Entry$", "@vec.size()", "@vv.size()"])
        if pick < 0.86:
            return self.random.choice(["Sum$(vv)", "Length$(vv)", "Max$(vm)", "Sum$(vv[0])", "Sum$(mat[][2])"])
        return self.random.choice(SCALARS)


def make_file(path: Path) -> None:
    """The file, made by ROOT in another process."""
    code = (
        f"import warnings; warnings.simplefilter('ignore'); import ROOT; ROOT.gInterpreter.Declare({MAKE!r}); "
        f"ROOT.make_formula_tree({str(path)!r}, {EVENTS})"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def of_root(path: Path, formulas: list[str]) -> list[Any]:
    """What TTreeFormula gives for each: lists of numbers by event, None if it refuses, "ended" if its process ended."""
    results: list[Any] = []
    while len(results) < len(formulas):
        given = "".join(json.dumps(text) + "\n" for text in formulas[len(results) :])
        command = [sys.executable, "-c", ORACLE, str(path)]
        done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
        results += [json.loads(line) for line in done.stdout.splitlines()]
        if len(results) < len(formulas):
            results.append("ended")
    return results


def of_arrays(path: Path, text: str) -> list[list[float]]:
    """The same by pytmva_rnn, without the elements that are not there."""
    import numpy as np

    from pytmva_rnn.data.sources import Source, read_columns
    from pytmva_rnn.formula import Formula
    from pytmva_rnn.formula.values import bounds_of

    formula = Formula.parse(text)
    source = Source((f"{path}:t",))
    columns = next(iter(read_columns(source, [formula, Formula.parse("x")])))
    value = formula.raw(columns)
    bounds = bounds_of(value.offsets) if value.levels else np.arange(len(columns) + 1)
    there = np.ones(len(value.content), bool) if value.problem is None else value.problem == 0
    return [value.content[a:b][there[a:b]].astype(float).tolist() for a, b in pairwise(bounds)]


def same(ours: list[list[float]], roots: list[list[float]]) -> bool:
    """Whether all numbers agree within rounding."""
    return all(
        len(a) == len(b) and all(_near(x, y) for x, y in zip(a, b, strict=True))
        for a, b in zip(ours, roots, strict=True)
    )


def _near(x: float, y: float) -> bool:
    if math.isnan(x) or math.isnan(y) or math.isinf(x) or math.isinf(y):
        return (math.isnan(x) and math.isnan(y)) or x == y
    return abs(x - y) <= 1e-9 * max(abs(x), abs(y), 1e-3)


def judged(path: Path, text: str, roots: Any) -> tuple[str, str]:
    """How a formula compares, in one word, and what to print."""
    from pytmva_rnn.errors import DataError

    try:
        ours = of_arrays(path, text)
    except DataError as error:
        kind = "refused for its lengths" if "different numbers of elements" in str(error) else "refused"
        return ("both refuse" if roots is None else kind), str(error).splitlines()[0]
    if roots is None or roots == "ended":
        return f"ROOT {roots or 'refuses'}", ""
    if same(ours, roots):
        return "same", ""
    if any(len(a) != len(b) for a, b in zip(ours, roots, strict=True)):
        return "an element that is not there", ""
    event = next(event for event in range(EVENTS) if not same(ours[event : event + 1], roots[event : event + 1]))
    return "DIFFERENT", f"in event {event} ROOT has {roots[event]}, ours {ours[event]}"


def compare(formulas: list[str], path: Path) -> tuple[Counter[str], list[str]]:
    """Numbers of formulas by how they compare, and the disagreements."""
    counts: Counter[str] = Counter()
    disagreements = []
    for text, roots in zip(formulas, of_root(path, formulas), strict=True):
        kind, more = judged(path, text, roots)
        counts[kind] += 1
        if kind in ("DIFFERENT", "refused"):
            disagreements.append(f"{text}: {more}")
    return counts, disagreements


def compare_cpp(formulas: list[str], path: Path, at_a_time: int = 25) -> tuple[int, list[str]]:
    """How many formulas, or their sums over an event, were compared with their C++, and the disagreements."""
    import numpy as np

    from pytmva_rnn import extras
    from pytmva_rnn.data import Column, Recipe, Source, Variables, load_inputs
    from pytmva_rnn.errors import DataError
    from pytmva_rnn.pyroot import to_arrays

    source = Source((f"{path}:t",))
    taken = []
    for text in formulas:
        if "vm" in text:  # RDataFrame cannot read it
            continue
        for tried in (text, f"Sum$({text})"):  # the sum of lists, and of what some event lacks
            try:
                inputs = load_inputs(Recipe(Variables((Column(tried),)), allow_nan=True), source)
            except DataError:
                continue
            if inputs.elements is None:  # or it is a list, of which an event is made for each element
                taken.append((tried, inputs.X[:, 0]))
                break
    disagreements = []
    for first in range(0, len(taken), at_a_time):
        some = taken[first : first + at_a_time]
        recipe = Recipe(Variables(tuple(Column(text) for text, _ in some)), allow_nan=True)
        found = to_arrays(extras.root().RDataFrame("t", str(path)).Filter("true"), recipe).X
        for (text, ours), theirs in zip(some, found.T, strict=True):
            if not np.allclose(ours, theirs, rtol=1e-6, atol=1e-6, equal_nan=True):
                disagreements.append(f"{text}: arrays {ours[:6]} C++ {theirs[:6]}")
    return len(taken), disagreements


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--formulas", type=int, default=2000, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--cpp", action="store_true", help="compare with RDataFrame as well")
    given = parser.parse_args()
    generator = Generator(given.seed)
    formulas = [generator.formula() for _ in range(given.formulas)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "formulas.root"
        make_file(path)
        counts, disagreements = compare(formulas, path)
        if given.cpp:
            number, more = compare_cpp(formulas, path)
            counts["compared with their C++"] = number
            disagreements += more
    for line in disagreements:
        print(line)
    for kind, count in counts.most_common():
        print(f"{count:6} {kind}")
    return 1 if disagreements else 0


if __name__ == "__main__":
    sys.exit(main())

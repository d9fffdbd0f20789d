"""Time single events in the C++ of the TMVA plugin, against the generated header and `predict_one`.

The plugin's network is read from a `<Weights>` node, its sizes are known at run time only, and one program serves every
CPU; the generated header has the sizes and weights of one network and is compiled for this CPU. The networks are those
of `tools/bench`. All sides take turns within each round; a ratio is the median of the ratios within the rounds, to the
generated header.

    python tools/bench_plugin.py [--layers LSTM GRU RNN] [--cases 1 2 3] [--rounds N] [--compiler g++] [-o FILE.json]

Where ROOT is installed, its interpreter compiles both sides too, as PyROOT's users have them.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any
from xml.etree import ElementTree

import numpy as np
from bench.cases import CASES, LAYERS, USUAL, CaseData, make_problem
from bench.machine import describe_machine
from bench_scoring import interleaved, ratio

from pytmva_rnn import extras
from pytmva_rnn.errors import MissingExtraError
from pytmva_rnn.export.cpp import generate
from pytmva_rnn.export.cpp.literals import text
from pytmva_rnn.files import atomic_path
from pytmva_rnn.pyroot.plugin.method_header import evaluator
from pytmva_rnn.weightfile.writing import network_node

BASE = "generated header, -O3 -march=native"
LIMIT = 1.3
"""Of the plugin's time, as a multiple of the generated header's."""
ROUND = 0.002
"""Seconds of each side in a round, about: short, so that other work on the machine disturbs few of many rounds."""

HEAD = "| what | us an event | ratio | limit |\n| --- | ---: | ---: | ---: |"

Score = Callable[[int, int, int], None]
_SIGNATURE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p)


def generated(problem: CaseData, tag: str) -> str:
    """C++ of the function `score_<tag>(x, n, out)`, by the generated header."""
    return f"""{generate(problem.model, f"Net_{tag}")}
extern "C" void score_{tag}(const float* x, std::size_t n, float* out) {{ Net_{tag}().evaluate(x, n, out); }}
"""


def plugin(problem: CaseData, tag: str) -> str:
    """The same by the plugin; what is shared comes before it."""
    model = problem.model
    node = literal(ElementTree.fromstring(network_node(model)))
    return f"""
extern "C" void score_{tag}(const float* x, std::size_t n, float* out)
{{
  using namespace pytmva_rnn;
  static Network network = read_network({node}, {len(model.variables)}, 1, Analysis::Classification);
  static std::vector<Line> work = network.work();
  for (std::size_t i = 0; i < n; ++i)
    network.score(x + i * network.variables, out + i, work);
}}
"""


def literal(node: ElementTree.Element) -> str:
    """A Node in C++."""
    attributes = ", ".join(f"{{{text(name)}, {text(value)}}}" for name, value in node.attrib.items())
    children = ", ".join(map(literal, node))
    return f"Node{{{text(node.tag)}, {{{attributes}}}, {text((node.text or '').strip())}, {{{children}}}}}"


def library(source: str, folder: Path, tag: str, compiler: str, *flags: str) -> Score:
    """Compile and load."""
    path = folder / f"{tag}.cxx"
    path.write_text(source, encoding="utf-8")
    made = path.with_suffix(".so")
    subprocess.run([compiler, "-std=c++17", *flags, "-shared", "-fPIC", str(path), "-o", str(made)], check=True)
    return _SIGNATURE((f"score_{tag}", ctypes.CDLL(str(made))))


def interpreted(root: Any, source: str, tag: str) -> Score:
    """Compile in ROOT's interpreter."""
    if not root.gInterpreter.Declare(source):
        raise RuntimeError("ROOT does not compile it; the messages are above")
    return _SIGNATURE(int(root.gInterpreter.Calc(f"(long)(void*)&score_{tag}")))


def sides_of(problem: CaseData, tag: str, folder: Path, compiler: str, root: Any) -> dict[str, Score]:
    """The functions by what made them."""
    shared = evaluator()
    native = ("-O3", "-march=native")
    sides = {
        BASE: library(generated(problem, f"g_{tag}"), folder, f"g_{tag}", compiler, *native),
        "plugin, -O2": library(shared + plugin(problem, f"p_{tag}"), folder, f"p_{tag}", compiler, "-O2"),
    }
    if root is not None:
        sides["plugin, in ROOT"] = interpreted(root, plugin(problem, f"r_{tag}"), f"r_{tag}")
        sides["generated header, in ROOT"] = interpreted(root, generated(problem, f"rg_{tag}"), f"rg_{tag}")
    return sides


def timed(problem: CaseData, sides: dict[str, Score], rounds: int) -> list[dict[str, Any]]:
    """Median microseconds of an event and ratios; first the scores are compared."""
    X = np.ascontiguousarray(problem.X.reshape(len(problem.X), -1))
    expected = problem.model.predict(X)
    out = np.empty(len(X), np.float32)
    for name, score in sides.items():
        score(X.ctypes.data, len(X), out.ctypes.data)
        if not np.allclose(out, expected, rtol=0, atol=3e-6):
            raise RuntimeError(f"{name}: scores differ by {np.abs(out - expected).max():.3g}")

    def loop(score: Score) -> Callable[[], None]:
        def run() -> None:
            for _ in range(repeats):
                score(X.ctypes.data, len(X), out.ctypes.data)

        return run

    def one_by_one() -> None:
        for _ in range(repeats):
            for event in events:
                problem.model.predict_one(event)

    events = list(X)
    repeats = 1
    (first,) = interleaved({BASE: loop(sides[BASE])}, 1)[BASE]
    repeats = max(1, round(ROUND / first))
    seconds = interleaved({name: loop(score) for name, score in sides.items()} | {"predict_one": one_by_one}, rounds)
    return [
        {
            "what": f"{problem.layer}, case {problem.case.name}, {name}",
            "value": median(times) / (repeats * len(X)) * 1e6,
            "unit": "us",
            "ratio": ratio(seconds, name, BASE),
            "limit": LIMIT if name.startswith("plugin") else None,
        }
        for name, times in seconds.items()
    ]


def interpreter() -> Any:
    """ROOT with what the plugin shares; None without ROOT."""
    try:
        root = extras.root()
    except MissingExtraError as error:
        print(error, file=sys.stderr)
        return None
    root.gInterpreter.Declare(evaluator())
    return root


def table(rows: list[dict[str, Any]]) -> str:
    """The measurements in Markdown, without the head."""
    return "\n".join(
        f"| {row['what']} | {row['value']:.3g} | {row['ratio']:.2f} | {row['limit'] or ''} |" for row in rows
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--layers", nargs="+", choices=LAYERS, default=list(LAYERS))
    parser.add_argument("--cases", nargs="+", choices=list(CASES), default=list(USUAL))
    parser.add_argument("--rounds", type=int, default=150, help="default: %(default)s")
    parser.add_argument("--compiler", default="g++", help="default: %(default)s")
    parser.add_argument("-o", "--output", type=Path, help="JSON file to write")
    given = parser.parse_args()
    machine = describe_machine()
    print(json.dumps(machine))
    root = interpreter()
    print(HEAD)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for layer in given.layers:
            for name in given.cases:
                problem = make_problem(CASES[name], layer)
                sides = sides_of(problem, f"{layer}{name}", Path(folder), given.compiler, root)
                found = timed(problem, sides, given.rounds)
                print(table(found), flush=True)
                rows += found
    if given.output:
        with atomic_path(given.output) as temporary:
            temporary.write_text(json.dumps({"machine": machine, "rows": rows}, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

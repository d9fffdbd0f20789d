"""The C++ that reads a `<Weights>` node and runs its network, on every kind of CPU that is here; without ROOT."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from numpy.typing import NDArray

from pytmva_rnn import Model
from pytmva_rnn.description import ACTIVATIONS, GRU, LSTM, RNN, BatchNorm, Dense, Layer, Reshape
from pytmva_rnn.pyroot.plugin.method_header import evaluator
from pytmva_rnn.weightfile.writing import network_node
from tests.cpp import build, output, random_network
from tests.reference import CASES, Case

ANALYSES = ("Classification", "Regression", "Multiclass")
FUSED = {"avx512", "avx2", "single_fused"}
"""Whose products and sums are rounded once, together; those of the others twice."""

_PROGRAM = """
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>

using namespace pytmva_rnn;

// A node in lines: its name, numbers of attributes and children; names and values; its text; its children.
Node parsed(std::istream& in)
{
  Node node;
  std::string line;
  std::getline(in, node.name);
  std::getline(in, line);
  std::istringstream counts(line);
  std::size_t attributes = 0, children = 0;
  counts >> attributes >> children;
  for (std::size_t i = 0; i < attributes; ++i) {
    std::pair<std::string, std::string> attribute;
    std::getline(in, attribute.first);
    std::getline(in, attribute.second);
    node.attributes.push_back(attribute);
  }
  std::getline(in, node.text);
  for (std::size_t i = 0; i < children; ++i)
    node.children.push_back(parsed(in));
  return node;
}

int main()
{
  std::vector<Machine> all = machines();
  all.push_back({"single", single::run});
  all.push_back({"single_fused", single_fused::run});
  std::ifstream cases("cases");
  std::string name;
  std::size_t variables = 0, outputs = 0;
  int analysis = 0;
  while (cases >> name >> variables >> outputs >> analysis) {
    std::ifstream nodes(name + ".node"), events(name + ".x", std::ios::binary);
    try {
      Network network = read_network(parsed(nodes), variables, outputs, static_cast<Analysis>(analysis));
      std::vector<Line> work = network.work();
      std::vector<char> bytes{std::istreambuf_iterator<char>(events), std::istreambuf_iterator<char>()};
      std::vector<float> x(bytes.size() / sizeof(float));
      std::memcpy(x.data(), bytes.data(), bytes.size());
      std::vector<float> out(x.size() / variables * outputs);
      for (const Machine& machine : all) {
        network.machine = machine;
        for (std::size_t i = 0; i < x.size() / variables; ++i)
          network.score(&x[i * variables], &out[i * outputs], work);
        std::ofstream file(name + "." + machine.name, std::ios::binary);
        file.write(reinterpret_cast<const char*>(out.data()), static_cast<std::streamsize>(out.size() * sizeof(float)));
      }
    } catch (const std::runtime_error& error) {
      std::cout << name << ": " << error.what() << std::endl;
    }
  }
}
"""


def flat(node: ElementTree.Element) -> str:
    """As the program reads it."""
    attributes = "".join(f"{name}\n{value}\n" for name, value in node.attrib.items())
    text = " ".join((node.text or "").split())
    return f"{node.tag}\n{len(node.attrib)} {len(node)}\n{attributes}{text}\n" + "".join(map(flat, node))


def sized() -> dict[str, Model]:
    """Sizes on both sides of those of registers and tiles, steps with and without a second one, every activation."""
    models = {}
    for H, T in ((1, 3), (3, 1), (10, 4), (12, 3), (17, 3), (40, 3)):
        layers: list[Layer] = [
            RNN(H, 4, T, return_sequence=True),
            LSTM(H, H, T, return_sequence=True),
            GRU(H, H, T, return_sequence=True),
            GRU(H, H, T, reset_gate_after=True),
            Reshape(1, 1, 1, True),
            BatchNorm(H),
            Dense(2, H, "LINEAR"),
        ]
        models[f"states_{H}"] = random_network(layers, T, 4, output_function="I")
    layers = [Dense(150, 7), *(Dense(width, before) for width, before in ((90, 150), (70, 90), (65, 70), (20, 65)))]
    models["widths"] = random_network([*layers, Dense(1, 20, "LINEAR")], 1, 7, output_function="S")
    for activation in ACTIVATIONS:
        layers = [Dense(23, 7, activation), Dense(3, 23, activation), Dense(1, 3, activation)]
        models[f"activation_{activation}"] = random_network(layers, 1, 7, output_function="S")
    return models


class Program:
    """The program, and the folder of the cases that it reads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        text = evaluator(("any", "single", "single_fused")) + _PROGRAM
        (folder / "evaluate.cxx").write_text(text, encoding="utf-8")
        self._program = build("g++", folder / "evaluate.cxx")

    def run(self, cases: dict[str, tuple[str, Model, NDArray[np.float32]]]) -> dict[str, str]:
        """Read and score; what was wrong with which."""
        lines = []
        for name, (node, model, X) in cases.items():
            (self.folder / f"{name}.node").write_text(flat(ElementTree.fromstring(node)), encoding="utf-8")
            X.astype(np.float32).tofile(self.folder / f"{name}.x")
            lines.append(f"{name} {len(model.variables)} {model.outputs} {ANALYSES.index(model.analysis)}\n")
        (self.folder / "cases").write_text("".join(lines), encoding="utf-8")
        return dict(line.split(": ", 1) for line in output(self._program).splitlines())

    def scores(self, name: str, outputs: int) -> dict[str, NDArray[np.float32]]:
        """(n, O) of each kind of CPU."""
        paths = [p for p in self.folder.glob(f"{name}.*") if p.suffix not in (".node", ".x")]
        return {p.suffix[1:]: np.fromfile(p, np.float32).reshape(-1, outputs) for p in paths}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    return Program(tmp_path_factory.mktemp("evaluator"))


def events(model: Model, count: int = 40) -> NDArray[np.float32]:
    X = np.random.default_rng(2).normal(size=(count, len(model.variables))).astype(np.float32)
    X[-1, 2] = np.nan
    return X


@pytest.mark.slow
def test_scores_are_those_of_the_reference_to_the_bit_on_any_cpu(program: Program) -> None:
    models = sized()
    cases = {name: (network_node(model), model, events(model)) for name, model in models.items()}
    for name in CASES:
        case = Case(name)
        if not case.model.transformations and not case.model.remembers:
            X = case.data["X"][:200].reshape(-1, len(case.model.variables))
            cases[name] = (network_node(case.model), case.model, X)
    assert program.run(cases) == {}
    for name, (_, model, X) in cases.items():
        expected = np.asarray(model.predict(X, backend="reference")).reshape(len(X), model.outputs)
        found = program.scores(name, model.outputs)
        assert {"any", "single", "single_fused"} <= set(found)
        for kinds in (FUSED, set(found) - FUSED):
            first, *others = [values.view(np.uint32) for kind, values in found.items() if kind in kinds]
            for other in others:
                np.testing.assert_array_equal(first, other, err_msg=name)
        for values in found.values():
            np.testing.assert_allclose(values, expected, rtol=3e-6, atol=3e-6, err_msg=name)


WRONG: dict[str, tuple[str, Any, str]] = {
    "count": ("lstm_last", ('NetDepth="4"', 'NetDepth="9"'), "<Weights>: NetDepth: expected 9 layers, found 4"),
    "missing": ("lstm_last", (" TimeSteps=", " Steps="), "<LSTMLayer> (layer 0): expected an attribute TimeSteps"),
    "cell": ("lstm_last", (r'CellSize="\d+"', 'CellSize="1"'), "(layer 0): CellSize: expected the StateSize"),
    "steps": ("lstm_last", (r'TimeSteps="\d+"', 'TimeSteps="77"'), "expected 77 time steps (depth or height) of"),
    "rows": ("lstm_last", (r'Rows="\d+"', 'Rows="1"'), "<InputWeights> (layer 0): Rows: expected"),
    "matrix": ("lstm_last", ("OuputWeights", "OutputWeights"), "(layer 0): expected a node <OuputWeights> in it"),
    "word": ("lstm_last", (r"e-01  ", "e-01 x "), "expected finite float32 numbers, found x "),
    "glued": ("lstm_last", (r"e-01  ", "e-01,"), "expected finite float32 numbers, found "),
    "large": ("lstm_last", (r"e-01  ", "e+77  "), "expected finite float32 numbers, found "),
    "fewer": ("lstm_last", (r"\S+e-01  ", ""), "numbers, found "),
    "number": ("lstm_last", (r'StateSize="\d+"', 'StateSize="many"'), "StateSize: expected a whole number from 1 to"),
    "negative": ("lstm_last", (r'StateSize="\d+"', 'StateSize="-3"'), "StateSize: expected a whole number from 1 to"),
    "huge": (
        "lstm_last",
        (r'StateSize="\d+"( .*?)CellSize="\d+"', r'StateSize="999999999"\1CellSize="999999999"'),
        "Rows: expected 999999999",
    ),
    "product": (
        "lstm_last",
        (r'Depth="1" Height="1" Width="8"', 'Depth="1000000000" Height="1000000000" Width="1000000000"'),
        "(layer 1): expected sizes whose product is at most 1000000000, found depth 1000000000",
    ),
    "conv": ("lstm_last", ("LSTMLayer", "ConvLayer"), "<ConvLayer> (layer 0): expected one of "),
    "function": ("lstm_last", ('OutputFunction="S"', 'OutputFunction="I"'), "OutputFunction: expected S"),
    "loss": ("lstm_last", (r'LossFunction="."', 'LossFunction="Q"'), "LossFunction: expected one of "),
    "input": ("lstm_last", (r'InputWidth="\d+"', 'InputWidth="9"'), "expected the number of variables, "),
    "activation": ("lstm_last", (r'ActivationFunction="\d"', 'ActivationFunction="8"'), "expected 0 to 7, found 8"),
    "remember": ("remember_state", None, "RememberState: its scores depend on the events before"),
}


@pytest.mark.slow
def test_what_is_wrong_with_a_node_is_said(program: Program) -> None:
    cases = {}
    for name, (case, change, _) in WRONG.items():
        model = Case(case).model
        node = network_node(model)
        count = 0 if change and change[0].isalpha() else 1  # tags open and close
        changed = node if change is None else re.sub(*change, node, count=count)
        assert change is None or changed != node, name
        cases[name] = (changed, model, events(model, 1))
    found = program.run(cases)
    for name, (_, _, message) in WRONG.items():
        assert message in found.get(name, "nothing"), name

"""The ways to call an exported model: containers, sequences, columns, and TMVA's Reader."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest

from pytmva_rnn import Model
from pytmva_rnn.cli import main
from pytmva_rnn.config import load_config
from pytmva_rnn.data import Recipe, Steps
from pytmva_rnn.description import LSTM, Dense, Layer, Reshape, Variable
from pytmva_rnn.export.cpp.header import generate
from pytmva_rnn.formula import Columns
from pytmva_rnn.weightfile import write_weights
from pytmva_rnn.weightfile.stored_recipe import recipe_info
from tests.cpp import FLAGS, available, build, output, random_network
from tests.reference import Case

EXAMPLES = Path(__file__).parents[1] / "examples"
NAN = float("nan")
EVENTS: dict[str, Any] = {
    "a": [[2.0, 5.0, 3.0, 4.0], [], [1.0], [3.0, 1.0, 3.0], [0.25, 8.0]],
    "b": [[1, -1, 0, 2], [], [1], [1, 2, 3], [4, 5]],
    "key": [[0.5, NAN, 2.0, 1.0], [], [NAN], [1.0, 1.0, 1.0], [-1.0, 4.0]],
    "one": [10.0, 20.0, 30.0, 40.0, 50.0],
}
SEQUENCES = {
    "Plain": Steps({"a": "a", "b": "b", "one": "one"}, 3),
    "ByInput": Steps({"a": "a", "b": "b", "one": "one"}, 3, sort_by=" a ", pad_value=-1.5),
    "ByKey": Steps({"a": "a", "b": "b", "one": "one"}, 3, sort_by="key", pad_side="start"),
    "Ascending": Steps({"a": "a", "b": "b", "one": "one"}, 3, sort_by="key", descending=False),
    "Single": Steps({"a": "a"}, 2, sort_by="-a"),
}


def network(recipe: Recipe, states: int = 4) -> Model:
    """An LSTM with random weights for the inputs."""
    T, D = recipe.shape
    layers: list[Layer] = [LSTM(states, D, T), Reshape(1, 1, 1, True), Dense(1, states, "LINEAR")]
    return random_network(layers, T, D, variables=recipe.variable_table(), info=(recipe_info(recipe),))


def trained(inputs: Steps) -> Model:
    return network(Recipe(inputs, allow_nan=True))


def run(folder: Path, models: dict[str, Model], body: str) -> str:
    includes = ""
    for name, model in models.items():
        (folder / f"{name}.hxx").write_text(generate(model, name), encoding="utf-8")
        includes += f'#include "{name}.hxx"\n'
    text = f"{includes}#include <cstdio>\n\nint main()\n{{\n{body}}}\n"
    (folder / "main.cxx").write_text(text, encoding="utf-8")
    return output(build("g++", folder / "main.cxx"))


def numbers(values: Any) -> str:
    return "{" + ", ".join("NAN" if np.isnan(value) else str(value) for value in values) + "}"


@pytest.mark.slow
def test_sequences_are_sorted_cut_and_padded_as_in_training(tmp_path: Path) -> None:
    columns = Columns({name: ak.Array(values) for name, values in EVENTS.items()}, np.arange(5), "a.root:t")
    models = {name: trained(sequence) for name, sequence in SEQUENCES.items()}
    body = ""
    for event in range(5):
        a, b, key, one = (EVENTS[name][event] for name in ("a", "b", "key", "one"))
        body += f"  {{ const std::vector<float> a = {numbers(a)}; const std::vector<int> b = {numbers(b)};\n"
        body += f"    const std::vector<double> key = {numbers(key)}, minus = {numbers([-x for x in a])};\n"
        calls = [f"{name}()(a, b, {one}{', key' if name in ('ByKey', 'Ascending') else ''})" for name in models][:4]
        for call in [*calls, "Single()(a, minus)"]:
            body += f'    std::printf("%.9g\\n", {call});\n'
        body += "  }\n"
    found = np.array([float(line) for line in run(tmp_path, models, body).split()]).reshape(5, 5).T
    for (name, model), scores in zip(models.items(), found, strict=True):
        X = SEQUENCES[name].build(columns)
        np.testing.assert_allclose(scores, model.predict(X), rtol=0, atol=2e-6, err_msg=name)
        assert len(set(scores)) > 2


@pytest.mark.slow
def test_a_sequence_takes_whole_events_too(tmp_path: Path) -> None:
    body = """\
  const float x[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  float copy[9];
  std::copy(x, x + 9, copy);
  float* pointer = copy;
  const std::array<float, 9> array = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  const ByKey model;
  std::printf("%.9g %.9g %.9g %.9g ", model(x), model(copy), model(pointer), model(array));
  std::printf("%.9g", model(1, 2.0, 3.0f, 4u, 5, 6, 7, 8, 9));
"""
    model = trained(SEQUENCES["ByKey"])
    found = [float(word) for word in run(tmp_path, {"ByKey": model}, body).split()]
    np.testing.assert_allclose(found, [model.predict_one(np.arange(1, 10))] * 5, rtol=0, atol=2e-6)


def test_what_the_names_of_variables_stand_for_is_in_the_header() -> None:
    define = {"ratio": "pt / sum", "sum": "Sum$(pt)"}
    text = generate(network(Recipe(Steps({"a": "ratio * 2", "b": "pt"}, 3), define=define)), "Net")
    assert "//   ratio = pt / sum\n//   sum = Sum$(pt)\n" in text
    assert "In the expressions" not in generate(trained(SEQUENCES["Plain"]), "Net")


@pytest.mark.slow
def test_columns_and_exact_sequences(tmp_path: Path) -> None:
    """Files of C++ TMVA: scalars and arrays are columns; else each input of a step must have all its steps."""
    model = Case("rnn_last").model  # 6 steps of 5 inputs
    element = Variable("v", "v", "[0]", internal="v[0]", type="F[]")
    arrays = tuple(replace(element, internal=f"v[{i}]", title=f"[{i}]") for i in range(20))
    mixed = replace(model, variables=(*model.variables[:4], *arrays, *model.variables[24:]))
    x = Case("rnn_last").data["X"][0]
    steps = x.reshape(6, 5).T
    inputs = "".join(f"  const std::vector<float> x{d} = {numbers(values)};\n" for d, values in enumerate(steps))
    body = f"""\
{inputs}  const std::vector<double> v = {numbers(x[4:24])};
  std::printf("%.9g\\n", Plain()(x0, x1, x2, x3, x4));
  std::printf("%.9g\\n", Mixed()({", ".join(map(str, x[:4]))}, v, {", ".join(map(str, x[24:]))}));
  const auto told = [](auto call) {{
    try {{
      call();
    }} catch (const std::invalid_argument& error) {{
      std::puts(error.what());
    }}
  }};
  told([&] {{ Plain()(x0, x1, x2, std::vector<float>(7), x4); }});
  told([&] {{ Plain()(v); }});
  told([&] {{ Mixed()(1, 2, 3, 4, x0, 25, 26, 27, 28, 29, 30); }});
"""
    lines = run(tmp_path, {"Plain": model, "Mixed": mixed}, body).splitlines()
    expected = model.predict_one(x)
    np.testing.assert_allclose([float(line) for line in lines[:2]], [expected] * 2, rtol=0, atol=2e-6)
    assert lines[2:] == [
        "Plain: sequence 3 has 7 elements; 6 are needed",
        "Plain: argument 0 has 20 elements; 30 are needed",
        "Mixed: argument 4 has 6 elements; 20 are needed",
    ]


@pytest.mark.slow
def test_sequences_of_an_event_that_differ_in_length(tmp_path: Path) -> None:
    body = """\
  try {
    Plain()(std::vector<float>(2), std::vector<float>(3), 1);
  } catch (const std::invalid_argument& error) {
    std::puts(error.what());
  }
"""
    said = run(tmp_path, {"Plain": trained(SEQUENCES["Plain"])}, body)
    assert said == "Plain: sequence 1 has 3 elements; 2 are needed\n"


@pytest.mark.slow
def test_calls_that_do_not_compile(tmp_path: Path) -> None:
    problems = {
        "Net()(v, v)": "give all variables in one container, or as many arguments as the model has inputs",
        "Net()(1, 2, 3)": "one of the inputs of a sequence must be a container",
        "Net()(static_cast<const double*>(nullptr))": "no match for call",
    }
    (tmp_path / "Net.hxx").write_text(generate(trained(SEQUENCES["Plain"]), "Net"), encoding="utf-8")
    calls = "\n".join(f"void f{number}(std::vector<float> v) {{ {call}; }}" for number, call in enumerate(problems))
    (tmp_path / "main.cxx").write_text(f'#include "Net.hxx"\n{calls}\n')
    command = [available("g++"), *FLAGS, "-fsyntax-only", "main.cxx"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    for line, problem in enumerate(problems.values(), 2):
        assert f"main.cxx:{line}:" in done.stderr
        assert problem in done.stderr


READER = """\
  namespace TMVA = {name}_TMVA;
  TMVA::Tools::Instance();
  TMVA::Reader* reader = new TMVA::Reader("!Color:!Silent");
  float x[30] = {{}};
  int whole = 1;
  double values[] = {numbers};
  const auto told = [](auto call) {{
    try {{
      call();
    }} catch (const std::exception& error) {{
      std::puts(error.what());
    }}
  }};
  told([&] {{ reader->BookMVA("early", "none.xml"); }});
  const std::string names[] = {expressions};
  for (int i = 0; i < 29; ++i)
    reader->AddVariable(names[i], &x[i]);
  reader->AddVariable("label := " + names[29], &whole);
  const std::string file = "weights.xml";
  reader->BookMVA(std::string("method"), file);
  told([&] {{ reader->BookMVA("method", "none.xml"); }});
  told([&] {{ reader->BookMVA("other", "other.xml"); }});
  for (int i = 0; i < 29; ++i)
    x[i] = static_cast<float>(values[i]);
"""


@pytest.mark.slow
def test_reader(tmp_path: Path) -> None:
    model, x = Case("lstm_last").model, Case("lstm_last").data["X"][0].copy()
    x[29] = 1
    weights = tmp_path / "weights.xml"
    write_weights(model, weights)
    (tmp_path / "other.xml").write_text("another")
    expressions = "{" + ", ".join(f'"{v.expression}"' for v in model.variables) + "}"
    setup = READER.format(name="Net", numbers=numbers(x), expressions=expressions)
    body = f"""{setup}
  std::printf("%.9g\\n", reader->EvaluateMVA("method"));
  std::printf("%.9g\\n", reader->EvaluateMVA(std::vector<double>(values, values + 30), "method", 0.5));
  x[3] = NAN;
  std::printf("%g\\n", reader->EvaluateMVA("method"));
  told([&] {{ reader->EvaluateMVA("another"); }});
  told([&] {{ reader->EvaluateMVA(std::vector<float>(3), "method"); }});
  told([&] {{ reader->EvaluateRegression("method"); }});
  delete reader;

  TMVA::Reader swapped;
  for (int i = 0; i < 30; ++i)
    swapped.AddVariable(names[i < 2 ? 1 - i : i], &x[i]);
  told([&] {{ swapped.BookMVA("method", "none.xml"); }});
  TMVA::Reader spectator;
  for (int i = 0; i < 30; ++i)
    spectator.AddVariable(names[i], &x[i]);
  spectator.AddSpectator("s", &whole);
  told([&] {{ spectator.BookMVA("method", "none.xml"); }});
"""
    assert main(["convert", str(weights), str(tmp_path / "Net.hxx")]) == 0
    (tmp_path / "main.cxx").write_text(f'#include "Net.hxx"\n#include <cstdio>\nint main()\n{{\n{body}}}\n')
    lines = output(build("g++", tmp_path / "main.cxx")).splitlines()
    assert lines[0] == "Net: 0 variables are declared, but the model has 30"
    assert lines[1] == "Net: a method 'method' is booked already"
    assert lines[2] == (
        "Net: other.xml is not the file from which this header was made; make it again with `pytmva-rnn convert`"
    )
    np.testing.assert_allclose([float(line) for line in lines[3:5]], [model.predict_one(x)] * 2, rtol=0, atol=2e-6)
    assert lines[5:] == [
        "-999",
        "Net: no method 'another' is booked",
        "Net: vector 0 has 3 elements; 30 are needed",
        "Net: EvaluateRegression is not for the analysis of this model",
        "Net: variable 0 is declared as 'x_t0_d1', but in the model it is 'x_t0_d0'",
        "Net: 1 spectators are declared, but the model has 0",
    ]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "call"), [("regression", "Regression"), ("multiclass_softmax", "Multiclass")])
def test_reader_of_several_outputs(name: str, call: str, tmp_path: Path) -> None:
    """An array variable is declared element by element, under its name; TString is what ROOT's users have."""
    model, x = Case(name).model, Case(name).data["X"][0]
    element = Variable("v", "v", "[0]", type="F[]")
    arrays = tuple(replace(element, internal=f"v[{i}]", title=f"[{i}]") for i in range(30))
    model = replace(model, variables=arrays, spectators=(Variable("s", "s", "s"),))
    body = f"""\
  struct TString {{
    const char* Data() const {{ return "tag"; }}
  }};
  float x[] = {numbers(x)}, s = 0;
  Net_TMVA::Reader reader;
  for (int i = 0; i < 30; ++i)
    reader.AddVariable(i % 2 ? "v" : "v[" + std::to_string(i) + "]", x + i);
  reader.AddSpectator("s", &s);
  reader.BookMVA(TString(), "none.xml");
  for (float score : reader.Evaluate{call}("tag"))
    std::printf("%.9g ", score);
  std::printf("%.9g", reader.Evaluate{call}(0, TString()));
"""
    found = [float(word) for word in run(tmp_path, {"Net": model}, body).split()]
    expected = np.atleast_1d(model.predict_one(x))
    np.testing.assert_allclose(found, [*expected, expected[0]], rtol=0, atol=2e-6)


def test_what_is_no_plain_sequence_takes_its_variables() -> None:
    """Inputs per event, several collections, lists of lists: the numbers of all steps, as the Reader has them."""
    code = generate(trained(Steps({"a": "x"}, 3, per_event={"b": "y"})), "Net")
    assert "sequence = false" in code
    assert "columns = 6" in code


@pytest.mark.slow
def test_example(tmp_path: Path) -> None:
    """examples/cpp, with a network of random weights."""
    config = load_config(EXAMPLES / "quark_gluon.toml")
    model = network(config.recipe, 32)
    weights = tmp_path / "dataset" / "weights" / "TMVAClassification_LSTM.weights.xml"
    weights.parent.mkdir(parents=True)
    write_weights(model, weights)
    assert main(["convert", str(weights), str(tmp_path / "QuarkGluon.hxx")]) == 0
    (tmp_path / "main.cxx").write_text((EXAMPLES / "cpp" / "main.cxx").read_text())
    lines = dict(line.split(": ") for line in output(build("g++", tmp_path / "main.cxx")).splitlines())

    def jet(pt: float, tracks: list[tuple[float, float, float, float]]) -> float:
        x = np.zeros((6, 6))
        for t, (track, eta, phi, charge) in enumerate(sorted(tracks, reverse=True)[:6]):
            share = track / pt
            x[t] = share, eta, phi, charge, np.log(max(share, 0.001)), np.log(max(0.001, np.hypot(eta, phi)))
        return float(model.predict_one(x))

    narrow = [(30, 0.01, -0.02, 1), (42, -0.01, 0.01, -1)]
    assert float(lines["narrow jet"]) == pytest.approx(jet(80, narrow), abs=1e-5)
    assert float(lines["no tracks"]) == pytest.approx(jet(50, []), abs=1e-5)
    assert lines["no tracks, from the reader"] == lines["no tracks"]
    assert 0 < float(lines["wide jet"]) < 1

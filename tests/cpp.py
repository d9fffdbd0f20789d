"""C++ compilers, as tests want them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pytmva_rnn import Model
from pytmva_rnn.description import Layer, Variable
from pytmva_rnn.export.cpp.header import generate

FLAGS = ("-std=c++17", "-O1", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror", "-pthread")

_COMPARE = """\
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <thread>

std::vector<float> read(const std::string& name)
{
  std::ifstream file(name, std::ios::binary | std::ios::ate);
  std::vector<float> values(static_cast<std::size_t>(file.tellg()) / sizeof(float));
  file.seekg(0);
  file.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(float)));
  return values;
}

// bit by bit: a NaN is itself
bool equal(const std::vector<float>& one, const std::vector<float>& other)
{
  return one.size() == other.size() && std::memcmp(one.data(), other.data(), one.size() * sizeof(float)) == 0;
}

void same(bool equal, const char* name, const char* what)
{
  if (!equal) {
    std::printf("%s: %s gives other scores\\n", name, what);
    std::exit(1);
  }
}

template <class M>
void run(const char* name)
{
  const M model;
  const std::vector<float> x = read(std::string(name) + ".x");
  const std::size_t n = x.size() / M::variables, size = n * M::outputs;
  std::vector<float> scores(size), others(size);
  model.evaluate(x.data(), n, scores.data());

  for (std::size_t i = 0; i < n; ++i) {
    const auto of_pointer = model(x.data() + i * M::variables);
    static_assert(sizeof of_pointer == M::outputs * sizeof(float), "");
    std::memcpy(&others[i * M::outputs], &of_pointer, sizeof of_pointer);
  }
  same(equal(others, scores), name, "a pointer");
  for (std::size_t i = 0; i < n; ++i) {
    const std::vector<double> event(&x[i * M::variables], &x[i * M::variables] + M::variables);
    const auto of_vector = model(event);
    std::memcpy(&others[i * M::outputs], &of_vector, sizeof of_vector);
  }
  same(equal(others, scores), name, "a vector");

  std::vector<std::vector<float>> of_threads(4, std::vector<float>(size));
  std::vector<std::thread> threads;
  for (auto& of_thread : of_threads)
    threads.emplace_back([&] { model.evaluate(x.data(), n, of_thread.data()); });
  for (auto& thread : threads)
    thread.join();
  for (const auto& of_thread : of_threads)
    same(equal(of_thread, scores), name, "a thread");

  std::ofstream file(std::string(name) + ".scores", std::ios::binary);
  file.write(reinterpret_cast<const char*>(scores.data()), static_cast<std::streamsize>(size * sizeof(float)));
}
"""


def random_network(layers: list[Layer], steps: int, inputs: int, **changes: Any) -> Model:
    """Layers with random weights."""
    rng = np.random.default_rng(len(layers) + steps)
    filled = []
    for layer in layers:
        shapes = layer.weight_shapes() | layer.statistic_shapes()
        weights = {
            name: (rng.normal(size=shape) / np.sqrt(shape[1])).astype(np.float32) for name, shape in shapes.items()
        }
        weights |= {name: np.abs(weights[name]) + 0.5 for name in weights if name == "variance"}
        filled.append(replace(layer, weights=weights))
    names = [f"x{i}" for i in range(steps * inputs)]
    variables = tuple(Variable(name, name, name, internal=name) for name in names)
    given: dict[str, Any] = {"variables": variables, **changes}
    model = Model(tuple(filled), input_layout=(steps, 1, inputs), batch_layout=(1, steps, inputs), **given)
    if model.outputs == 1 or model.analysis != "Classification":
        return model
    targets = tuple(Variable(f"t{k}", f"t{k}", f"t{k}") for k in range(model.outputs))
    return replace(model, analysis="Regression", targets=targets)


def available(compiler: str) -> str:
    """The compiler; without it the test is skipped."""
    if shutil.which(compiler) is None:
        pytest.skip(f"there is no {compiler} here")
    return compiler


def build(compiler: str, source: Path, *flags: str) -> Path:
    """Compile a program beside its source, without any warning."""
    program = source.with_suffix("")
    command = [available(compiler), *FLAGS, *flags, source.name, "-o", program.name]
    done = subprocess.run(command, cwd=source.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:4000]
    return program


def output(program: Path) -> str:
    done = subprocess.run([program], cwd=program.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def scores(
    compiler: str, folder: Path, cases: Mapping[str, tuple[Model, NDArray[np.float32]]], *flags: str
) -> dict[str, NDArray[np.float32]]:
    """Scores (n, O) of each model's events by one C++ program, which takes every event in several ways."""
    lines = []
    for name, (model, X) in cases.items():
        (folder / f"{name}.hxx").write_text(generate(model, f"Net_{name}"), encoding="utf-8")
        X.astype(np.float32).tofile(folder / f"{name}.x")
        lines.append(f'  run<Net_{name}>("{name}");')
    includes = "".join(f'#include "{name}.hxx"\n' for name in cases)
    main = f"{includes}{_COMPARE}\nint main()\n{{\n" + "\n".join(lines) + "\n}\n"
    (folder / "compare.cxx").write_text(main, encoding="utf-8")
    output(build(compiler, folder / "compare.cxx", *flags))
    return {
        name: np.fromfile(folder / f"{name}.scores", np.float32).reshape(len(X), model.outputs)
        for name, (model, X) in cases.items()
    }

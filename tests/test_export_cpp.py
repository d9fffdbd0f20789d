"""The C++ of a model, compiled and run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pytmva_rnn import Model
from pytmva_rnn.description import ACTIVATIONS, GRU, LSTM, RNN, BatchNorm, Dense, Layer, Reshape
from pytmva_rnn.errors import DataError
from pytmva_rnn.export.cpp.header import generate
from pytmva_rnn.transformations import learn_transformations
from tests.cpp import available, build, output, random_network, scores
from tests.reference import CASES, QUICK, Case

CHAINS = {
    "normalize": "N",
    "decorrelation": "D",
    "principal_components": "P",
    "uniform": "U",
    "gauss": "G",
    "of_a_class": "N_Signal,G_Background",
    "chain": "G,N,P,D,U",
    "some": "N(x_t0_d1,x_t3_d2),G(x_t1_d1)",
    "rearranged": "D(x_t1_d0,x_t0_d0,_REARRANGE_)",
}
TARGET_CHAINS = {
    "of_n": "N",
    "of_u": "U",
    "of_g": "G(_T_)",
    "of_d": "D(_T_),N",
    "of_p": "N(_T_),P(_T_)",
}


def sized() -> dict[str, Model]:
    """Sizes on both sides of those of registers and tiles, and every activation."""
    flat = Reshape(1, 1, 1, True)
    models = {}
    for H in (1, 3, 17, 40):
        layers: list[Layer] = [
            RNN(H, 4, 3, return_sequence=True),
            LSTM(H, H, 3, return_sequence=True),
            GRU(H, H, 3, return_sequence=True),
            GRU(H, H, 3, reset_gate_after=True),
            flat,
            BatchNorm(H),
            Dense(2, H, "LINEAR"),
        ]
        models[f"states_{H}"] = random_network(layers, 3, 4, output_function="I")
    for activation in ACTIVATIONS:
        layers = [Dense(23, 7, activation), Dense(3, 23, activation), Dense(5, 3, activation), Dense(1, 5, activation)]
        models[f"activation_{activation}"] = random_network(layers, 1, 7, output_function="I")
    return models


def learned(name: str, chain: str) -> Model:
    case = Case(name)
    X, y, model = case.data["X"], case.data["y"], case.model
    classes = np.arange(len(X)) % max(1, len(model.classes))
    targets = y if model.targets else None
    made = learn_transformations(chain, X, classes, model.variables, model.classes, model.targets, targets)
    return replace(model, transformations=made)


def expected(model: Model, X: NDArray[np.float32]) -> NDArray[np.float32]:
    """One event at a time, for RememberState."""
    return np.array([model.predict_one(x) for x in X]).reshape(len(X), model.outputs)


def hard(X: NDArray[np.float32], far: float = 1e4) -> NDArray[np.float32]:
    """Events with a NaN, and with values far out, too."""
    X = X[:60].astype(np.float32).copy()
    X[3, 1] = np.nan
    X[4] = np.nan
    X[5] *= far
    X[6, ::2] = -far
    return X


def scores_like_predict(
    folder: Path, cases: dict[str, tuple[Model, NDArray[np.float32]]]
) -> dict[str, NDArray[np.float32]]:
    """The scores of a C++ program, once they are found to be those of Python."""
    available("g++")
    found = scores("g++", folder, cases)
    for name, values in found.items():
        wanted = expected(*cases[name])
        # far out, large outputs of LINEAR and its like differ in their last digits
        np.testing.assert_allclose(values, wanted, rtol=2e-6, atol=2e-6, err_msg=name)
        assert ((values == -999) == (wanted == -999)).all()
    return found


@pytest.mark.slow
@pytest.mark.parametrize("cases", [QUICK, pytest.param(CASES, marks=pytest.mark.slow)], ids=["some", "all"])
def test_scores_of_the_reference_cases(cases: Sequence[str], tmp_path: Path) -> None:
    found = scores_like_predict(tmp_path, {name: (Case(name).model, Case(name).data["X"]) for name in cases})
    for name in set(cases) - {"remember_state"}:
        np.testing.assert_allclose(found[name], Case(name).data["scores"], rtol=0, atol=2e-6, err_msg=name)


@pytest.mark.slow
def test_scores_after_transformations(tmp_path: Path) -> None:
    chains = {name: ("lstm_last", chain) for name, chain in CHAINS.items()}
    chains |= {name: ("regression", chain) for name, chain in TARGET_CHAINS.items()}
    cases = {name: (learned(case, chain), hard(Case(case).data["X"])) for name, (case, chain) in chains.items()}
    scores_like_predict(tmp_path, cases)


@pytest.mark.slow
def test_scores_of_all_sizes_and_activations(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    cases = {name: (model, hard(rng.normal(size=(60, len(model.variables))), 30)) for name, model in sized().items()}
    for name, values in scores_like_predict(tmp_path, cases).items():
        told = values[3:5]
        assert (told == -999).all() if cases[name][0].analysis == "Classification" else np.isnan(told).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("compiler", "flags"),
    [
        ("g++", ("-O3", "-march=native")),
        ("g++", ("-O2", "-ffast-math")),
        pytest.param("g++", ("-O0", "-fsanitize=address,undefined"), marks=pytest.mark.thorough),
        ("clang++", ("-O3", "-march=native")),
    ],
)
def test_compilers_and_optimisations(compiler: str, flags: tuple[str, ...], tmp_path: Path) -> None:
    names = ["lstm_sequence", "gru_before_sequence", "dense_activations", "multiclass_softmax"]
    cases = {name: (Case(name).model, hard(Case(name).data["X"])) for name in names}
    cases["chain"] = learned("regression", "G(x_t0_d0,x_t3_d2),P,N(_T_)"), hard(Case("regression").data["X"])
    for name, values in scores(compiler, tmp_path, cases, *flags).items():
        np.testing.assert_allclose(values, expected(*cases[name]), rtol=0, atol=2e-6, err_msg=name)
        analysis = cases[name][0].analysis
        assert (values[3:5] == -999).all() if analysis == "Classification" else np.isnan(values[3:5]).all()


def test_a_model_is_the_same_text_again() -> None:
    model = Case("stacked").model
    assert generate(model, "Net") == generate(model, "Net")
    assert "from a state of zero" not in generate(model, "Net")
    assert "from a state of zero" in generate(Case("remember_state").model, "Net")


@pytest.mark.parametrize("name", ["", "1st", "a-b", "a b", "class", "__x", "_X", "a__b", "evaluate", "Größe", "a\n"])
def test_a_name_that_cpp_does_not_take(name: str) -> None:
    with pytest.raises(DataError, match="cannot be the name of a C\\+\\+ class"):
        generate(Case("rnn_last").model, name)


def test_weights_that_are_missing_or_not_finite() -> None:
    model = Case("rnn_last").model
    with pytest.raises(
        DataError, match=r"layer 0 \(RNN\): expected the weights W, U, b, found none; train the model first"
    ):
        generate(replace(model, layers=(replace(model.layers[0], weights={}), *model.layers[1:])), "Net")
    weights = {**model.layers[0].weights, "b": model.layers[0].weights["b"] * np.inf}
    with pytest.raises(DataError, match=r"layer 0 \(RNN\): b: expected finite float32 numbers, found -?inf"):
        generate(replace(model, layers=(replace(model.layers[0], weights=weights), *model.layers[1:])), "Net")


@pytest.mark.slow
def test_texts_come_through(tmp_path: Path) -> None:
    title = 'a "b" \\ ??/ \n \x01' + "7 ΔR²"
    model = replace(Case("rnn_last").model, title=title)
    (tmp_path / "net.hxx").write_text(generate(model, "Net"), encoding="utf-8")
    main = '#include "net.hxx"\n#include <iostream>\nint main() { std::cout << Net::title; }\n'
    (tmp_path / "main.cxx").write_text(main)
    assert output(build("g++", tmp_path / "main.cxx")) == title


@pytest.mark.slow
def test_programs_of_several_parts_for_several_cpus(tmp_path: Path) -> None:
    """Two headers in two files of one program, of which each is compiled for a CPU of its own."""
    model = Case("rnn_last").model
    for name in ("One", "Two"):
        (tmp_path / f"{name}.hxx").write_text(generate(model, name), encoding="utf-8")
    part = '#include "One.hxx"\n#include "Two.hxx"\nfloat NAME(const float* x) { return One()(x) + Two()(x); }\n'
    for name in ("first", "second"):
        (tmp_path / f"{name}.cxx").write_text(part.replace("NAME", name))
    (tmp_path / "main.cxx").write_text(
        '#include "first.cxx"\n#include <iostream>\nfloat second(const float*);\n'
        "int main() { float x[One::variables] = {}; std::cout << first(x) - second(x); }\n"
    )
    second = build("g++", tmp_path / "second.cxx", "-march=native", "-c")
    assert abs(float(output(build("g++", tmp_path / "main.cxx", second.name)))) < 2e-6

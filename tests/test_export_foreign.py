"""Networks of other frameworks as Models: what a weight file needs, asked for or refused in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pytmva_rnn import read_weights
from pytmva_rnn.description import GRU, LSTM, BatchNorm, Dense, Layer, OutputFunction, Recurrent, Reshape, Variable
from pytmva_rnn.errors import DataError
from pytmva_rnn.export.foreign import ForeignNetwork, check_agreement, foreign_model
from pytmva_rnn.export.gates import GATE_ORDERS, Framework, join_gates, one_bias, split_gates
from pytmva_rnn.weightfile.validation import validate

STEPS, INPUTS = 5, 3


def trained(layer: Layer) -> Any:
    random = np.random.default_rng(4)
    return replace(layer, weights={name: random.uniform(size=a.shape) for name, a in layer.arrays().items()})


def network(*more: Layer, ending: OutputFunction = "I", outputs: int = 1) -> ForeignNetwork:
    recurrent = [LSTM(4, INPUTS, STEPS, return_sequence=True), Reshape(1, 1, 4 * STEPS, flat=True)]
    layers = [*recurrent, *more, Dense(outputs, 4 * STEPS, "LINEAR")]
    return ForeignNetwork("net.onnx", [trained(layer) for layer in layers], (STEPS, INPUTS), ending)


def test_what_is_made_is_written_and_valid(tmp_path: Path) -> None:
    path = tmp_path / "net.weights.xml"
    found = network(BatchNorm(4 * STEPS, -1.0, 1e-5), ending="S")
    model = foreign_model(found, variables=["v{0..4}[3]"], title="net")
    model.save(path)
    assert validate(path) == []
    again = read_weights(path)
    assert (again.analysis, again.classes, again.title) == ("Classification", ("Signal", "Background"), "net")
    assert (again.input_layout, again.batch_layout) == ((STEPS, 1, INPUTS), (30, STEPS, INPUTS))
    assert dict(again.info)["pytmva_rnn Source"] == "net.onnx"
    assert again.variables[4].internal == "v1[1]"


def test_one_time_step_is_written_as_tmva_wants_it() -> None:
    found = ForeignNetwork("one.onnx", [trained(GRU(1, 2, 1))], (1, 2))
    model = foreign_model(found, variables=["a", "b"], analysis="regression", targets=["y"])
    assert (model.input_layout, model.batch_layout[1:]) == ((1, 1, 2), (1, 2))
    assert model.batch_layout[0] > 1


@pytest.mark.parametrize(
    ("ending", "outputs", "analysis", "expected"),
    [
        ("S", 1, None, "Classification"),
        ("M", 3, None, "Multiclass"),
        ("I", 2, "multiclass", "Multiclass"),
        ("I", 1, "Classification", "Classification"),
        ("I", 2, "regression", "Regression"),
        ("S", 2, "regression", "Regression"),
    ],
)
def test_analyses(ending: OutputFunction, outputs: int, analysis: str | None, expected: str) -> None:
    """What the source answers, and what it answers after TMVA's own output function, agree with the Model."""
    found = network(ending=ending, outputs=outputs)
    model = foreign_model(found, variables=["v{0..4}[3]"], analysis=analysis)
    assert model.analysis == expected
    raw = foreign_model(network(outputs=outputs), variables=["v{0..4}[3]"], analysis="regression")

    def source(X: NDArray[np.float32]) -> Any:
        values = raw.predict(X, backend="reference").reshape(len(X), outputs).astype(np.float64)
        powers = np.exp(values)
        return {"I": values, "S": 1 / (1 + 1 / powers), "M": powers / powers.sum(1, keepdims=True)}[ending]

    assert check_agreement(model, found, source) < 1e-6
    with pytest.raises(DataError, match="answers otherwise than its source, by up to"):
        check_agreement(model, found, lambda X: source(X) * 1.001)
    with pytest.raises(DataError, match="answers otherwise"):
        check_agreement(model, found, lambda X: source(X) * np.nan)


@pytest.mark.parametrize(
    ("ending", "outputs", "given", "message"),
    [
        ("I", 1, {}, "without an output function, with 1 output.*give analysis="),
        ("S", 2, {}, "with a sigmoid, with 2 output.*give analysis="),
        ("M", 2, {"analysis": "regression"}, "a softmax is no regression of TMVA's"),
        ("S", 3, {"analysis": "multiclass"}, "a sigmoid is no multiclass"),
        ("S", 1, {"analysis": "class"}, "expected one of classification, regression, multiclass; found 'class'"),
        ("S", 1, {"variables": None}, r"give the 15 names, time-major.*5 steps of 3"),
        ("S", 1, {"variables": ["a", "b"]}, r"the names of 15 variables \(5 step\(s\) of 3\), found 2"),
        ("S", 1, {"variables": "abc"}, "a list of names, not 'abc'"),
        ("S", 1, {"ranges": [[0, 1]]}, r"ranges: expected the shape \(15, 2\), found \(1, 2\)"),
        ("M", 3, {"classes": ["a", "b"]}, "net.onnx: expected 2 outputs of the last layer"),
    ],
)
def test_what_is_missing_or_cannot_be(ending: OutputFunction, outputs: int, given: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        foreign_model(network(ending=ending, outputs=outputs), **{"variables": ["v{0..4}[3]"], **given})


def test_a_sequence_at_the_end_is_refused() -> None:
    found = ForeignNetwork("net.onnx", [trained(LSTM(1, 3, 5, return_sequence=True))], (5, 3))
    with pytest.raises(DataError, match="ends with 5 steps of 1 outputs"):
        foreign_model(found, variables=["v[15]"], analysis="regression")


def test_ranges_and_variables_are_taken() -> None:
    ranges = np.stack([np.arange(15.0), np.arange(15.0) + 1], 1)
    model = foreign_model(network(ending="S"), variables=[*"abcdefghijklmn", Variable("o", "p", "q")], ranges=ranges)
    assert (model.variables[2].expression, model.variables[2].min, model.variables[2].max) == ("c", 2, 3)
    assert model.variables[14] == Variable("o", "p", "q", min=14, max=15)


@pytest.mark.parametrize("framework", ["onnx", "torch", "keras"])
@pytest.mark.parametrize("kind", [LSTM, GRU])
def test_gates_come_back(kind: type[Recurrent], framework: Framework) -> None:
    layer = trained(kind(4, 3, 5))
    arrays = {name: join_gates(layer, name, framework) for name in "WUb"}
    first = GATE_ORDERS[framework][layer.kind][0]
    np.testing.assert_array_equal(arrays["W"][:4], layer.weights[f"W_{first}"])
    back = split_gates(layer.kind, arrays, 4, framework)
    assert back.keys() == layer.weights.keys()
    for name, values in back.items():
        np.testing.assert_array_equal(values, layer.weights[name])


def test_two_biases_become_one_where_that_is_exact() -> None:
    bias, recurrent = np.arange(6.0), np.array([1.0, 1, 1, 1, 0, -0.25])
    summed = bias + recurrent
    np.testing.assert_array_equal(
        one_bias("lstm", "LSTM", bias, recurrent, reset_gate_after=False, framework="torch"), summed
    )
    np.testing.assert_array_equal(
        one_bias("gru", "GRU", bias, recurrent, reset_gate_after=False, framework="keras"), summed
    )
    with pytest.raises(DataError, match=r"gru: expected a recurrent bias of the candidate of 0 .* found up to -0.25"):
        one_bias("gru", "GRU", bias, recurrent, reset_gate_after=True, framework="torch")
    recurrent[5] = 0
    one_bias("gru", "GRU", bias, recurrent, reset_gate_after=True, framework="torch")

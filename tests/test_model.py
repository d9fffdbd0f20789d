from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

from pytmva_rnn import Model, read_weights
from pytmva_rnn.description import GRU, LSTM, RNN, BatchNorm, Dense, Layer, Normalize, Reshape, TransformInput, Variable
from pytmva_rnn.errors import DataError

REFERENCE = Path(__file__).parent / "data" / "reference"


@pytest.mark.parametrize(
    ("layer", "names"),
    [
        (RNN(3, 2, 4), "W U b"),
        (LSTM(3, 2, 4), "W_i W_f W_c W_o U_i U_f U_c U_o b_i b_f b_c b_o"),
        (GRU(3, 2, 4), "W_r W_z W_c U_r U_z U_c b_r b_z b_c"),
        (Dense(3, 2), "W b"),
        (BatchNorm(3), "gamma beta"),
        (Reshape(1, 1, 8, flat=True), ""),
    ],
)
def test_weights_have_tmvas_order_and_shapes(layer: Layer, names: str) -> None:
    shapes = {"W": (3, 2), "U": (3, 3), "b": (3, 1), "gamma": (1, 3), "beta": (1, 3)}
    assert list(layer.weight_shapes().items()) == [(name, shapes[name.split("_")[0]]) for name in names.split()]
    assert layer.parameter_count == sum(math.prod(shape) for shape in layer.weight_shapes().values())


def test_statistics_are_kept_apart_from_weights() -> None:
    assert BatchNorm(3).statistic_shapes() == {"mu": (1, 3), "variance": (1, 3)}
    assert Dense(3, 2).statistic_shapes() == {}


@pytest.mark.parametrize(
    ("layer", "given", "made"),
    [
        (LSTM(3, 2, 4), (4, 1, 2), (1, 1, 3)),
        (LSTM(3, 2, 4, return_sequence=True), (4, 1, 2), (1, 4, 3)),
        (Dense(5, 2), (1, 1, 2), (1, 1, 5)),
        (Reshape(0, 0, 0, flat=True), (1, 4, 3), (1, 1, 12)),
        (Reshape(4, 1, 3), (1, 1, 12), (4, 1, 3)),
        (BatchNorm(7), (1, 1, 7), (1, 1, 7)),
    ],
)
def test_shapes_of_layers(layer: Layer, given: tuple[int, int, int], made: tuple[int, int, int]) -> None:
    assert layer.output_shape(given) == made
    assert layer.input_shape() in (given, None)


def test_only_a_reshape_takes_any_input() -> None:
    assert Reshape(1, 1, 8).input_shape() is None
    assert BatchNorm(7).input_shape() == (1, 1, 7)


def test_shapes_of_a_model() -> None:
    model = read_weights(REFERENCE / "lstm_sequence" / "weights.xml")
    assert model.shapes() == [(6, 1, 5), (1, 6, 8), (1, 1, 48), (1, 1, 12), (1, 1, 1)]
    assert model.outputs == 1
    assert read_weights(REFERENCE / "multiclass_softmax" / "weights.xml").outputs == 3


def linear(**changes: object) -> Model:
    """out = x - 2 y + 1."""
    weights = {"W": np.array([[1.0, -2.0]]), "b": np.array([[1.0]])}
    model = Model(
        (Dense(1, 2, "LINEAR", weights=weights),),
        (Variable("x", "x", "x"), Variable("y", "y", "y")),
        (1, 1, 2),
        (1, 30, 2),
        output_function="I",
    )
    return dataclasses.replace(model, **changes)  # type: ignore[arg-type]


def test_predict_gives_float32_scores() -> None:
    scores = linear().predict([[1, 2], [3, 4]], backend="reference")
    np.testing.assert_array_equal(scores, np.array([-2, -4], np.float32), strict=True)


def test_predict_takes_events_with_steps() -> None:
    X = np.arange(8.0).reshape(4, 1, 2)
    np.testing.assert_array_equal(
        linear().predict(X, backend="reference"), linear().predict(X.reshape(4, 2), backend="reference")
    )


def test_predict_applies_the_output_function() -> None:
    scores = linear(output_function="S").predict([[-1, 0], [1, 0], [-999, 0]], backend="reference")
    np.testing.assert_allclose(scores, [0.5, 1 / (1 + math.exp(-2)), 0], rtol=1e-6)
    two = Dense(2, 2, "LINEAR", weights={"W": np.eye(2), "b": np.zeros((2, 1))})
    scores = linear(layers=(two,), output_function="M", analysis="Multiclass").predict(
        [[1, 1], [1000, 0]], backend="reference"
    )
    np.testing.assert_allclose(scores, [[0.5, 0.5], [1, 0]], atol=1e-7)


def test_predict_reports_nan_as_minus_999() -> None:
    scores = linear().predict([[np.nan, 2], [1, 2]], backend="reference")
    assert scores.tolist() == [-999, -2]


def test_predict_applies_transformations_and_maps_targets_back() -> None:
    variables = (TransformInput("Variable", "x", "x"), TransformInput("Variable", "y", "y"))
    target = TransformInput("Target", "t", "t")
    ranges = np.array([[[0.0, 10.0], [-1.0, 1.0], [100.0, 300.0]]] * 2)
    step = Normalize((*variables, target), (*variables, target), ranges=ranges)
    targets = (Variable("t", "t", "t"),)
    model = linear(transformations=(step,), targets=targets, analysis="Regression", classes=("Regression",))
    # x = 5 -> 0, y = 0.5 -> 0.5, out = 0 - 1 + 1 = 0 -> 200
    assert model.predict([[5, 0.5]], backend="reference").tolist() == [200]
    with pytest.raises(DataError, match="expected 0 outputs of the last layer, one for each of the targets, found 1"):
        dataclasses.replace(model, targets=()).predict([[5, 0.5]], backend="reference")


def test_predict_of_no_events() -> None:
    scores = linear().predict(np.empty((0, 2)), backend="reference")
    assert scores.shape == (0,)
    assert scores.dtype == np.float32


def test_predict_names_the_shape() -> None:
    with pytest.raises(DataError, match=r"X has the shape \(4, 3\); expected \(n, 2\) or \(n, 1, 2\)"):
        linear().predict(np.ones((4, 3)))


def test_predict_refuses_unknown_backends() -> None:
    with pytest.raises(ValueError, match="unknown backend 'tpu'; choose one of cpu, cuda, reference"):
        linear().predict([[1, 2]], backend="tpu")


def test_a_model_shows_itself_in_a_few_lines() -> None:
    text = repr(read_weights(REFERENCE / "lstm_sequence" / "weights.xml"))
    assert text.splitlines() == [
        "Model(title='lstm_sequence'): classification of Signal, Background",
        "  30 variables (6 steps of 5)",
        "  layers LSTM|8|5|6|0|1,RESHAPE|FLAT,DENSE|12|TANH,DENSE|1|LINEAR",
        "  shapes (6, 1, 5) -> (1, 6, 8) -> (1, 1, 48) -> (1, 1, 12) -> (1, 1, 1)",
        "  1,049 parameters, loss C, output function S",
    ]
    assert repr(linear(layers=(BatchNorm(3),))).startswith("Model(title='DL'): layer 0 (BNORM): expected an input of")
    assert repr(dataclasses.replace(linear(), layers=(BatchNorm(2),))).splitlines()[2] == "  layers BNORM|-1|0.0001"

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytmva_rnn import read_weights
from pytmva_rnn.errors import DataError
from pytmva_rnn.export.metadata import carried_text, model_from
from tests.reference import Case

READER = Path(__file__).parent / "data" / "reader"
REFERENCE = Path(__file__).parent / "data" / "reference"


def single(model: Any) -> list[dict[str, Any]]:
    return [{name: np.asarray(values, np.float32) for name, values in layer.weights.items()} for layer in model.layers]


@pytest.mark.parametrize("case", ["chain_N_P_U", "mva_pdfs_G", "regression_U_weight_without_class", "arrays_none"])
def test_a_model_comes_back_to_the_digit(case: str, tmp_path: Path) -> None:
    model = read_weights(READER / case / "weights.xml")
    again, same = model_from(carried_text(model), single(model))
    assert same
    model.save(tmp_path / "a.xml")
    again.save(tmp_path / "b.xml")
    assert (tmp_path / "a.xml").read_bytes() == (tmp_path / "b.xml").read_bytes()


@pytest.mark.parametrize("case", ["lstm_last", "batch_norm", "regression"])
def test_digits_that_float32_has_not_are_carried(case: str, tmp_path: Path) -> None:
    model = read_weights(REFERENCE / case / "initial.xml")
    assert json.loads(carried_text(model))["digits"]
    again, same = model_from(carried_text(model), single(model))
    assert same
    model.save(tmp_path / "a.xml")
    again.save(tmp_path / "b.xml")
    assert (tmp_path / "a.xml").read_bytes() == (tmp_path / "b.xml").read_bytes()


def test_digits_do_not_replace_what_was_learned_in_double_precision() -> None:
    model = read_weights(REFERENCE / "lstm_last" / "initial.xml")
    learned = [
        {name: np.asarray(values) * (1 + 1e-12) for name, values in layer.weights.items()} for layer in model.layers
    ]
    again, _ = model_from(carried_text(model), learned)
    for layer, weights in zip(again.layers, learned, strict=True):
        for name, values in weights.items():
            np.testing.assert_array_equal(layer.weights[name], values)


def test_other_weights_are_told() -> None:
    model = Case("lstm_last").model
    weights = single(model)
    weights[0]["W_i"] = weights[0]["W_i"] * np.float32(1.001)
    assert model_from(carried_text(model), weights)[1] is False


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"analysis": "Ranking"}, "metadata, analysis: expected one of Classification, Regression, Multiclass, found"),
        ({"title": 3}, "metadata, title: expected a value of type str, found 3"),
        ({"layers": {}}, "metadata, layers: expected a list, found {}"),
        ({"layers": [{"kind": "CONV"}]}, r"metadata, layers\[0\], kind: expected one of RNN, LSTM, .*found 'CONV'"),
        ({"layers": [{"kind": ["LSTM"]}]}, r"metadata, layers\[0\], kind: expected one of"),
        ({"layers": [{"kind": "DENSE", "width": 3}]}, r"metadata, layers\[0\]: expected a table with 'input_size'"),
        ({"layers": [{"kind": "DENSE", "width": True, "input_size": 3, "activation": "TANH"}]}, "of type int"),
        ({"input_layout": [1, 2]}, "metadata, input_layout: expected a list of 3"),
        ({"input_layout": [1, 1, 31]}, r"metadata: layer 0 \(LSTM\): expected 6 time steps .* of 5 inputs"),
        ({"layers": [{"kind": "DENSE", "width": 3, "input_size": 30, "activation": "GAUS:S"}]}, "'GAUS:S'"),
        ({"layers": []}, "metadata: layers: expected one or more, found none"),
        ({"weight_decay": 10**400}, "metadata, weight_decay: expected a number, found 1000"),
        ({"variables": [3]}, r"metadata, variables\[0\]: expected a table of Variable, found 3"),
        ({"mva_pdfs": [{}]}, r"metadata, mva_pdfs\[0\]: expected a table with 'name'"),
        ({"transformations": 3}, "metadata, transformations: expected a list, found 3"),
        ({"digits": 3}, "metadata, digits: expected layer, array, place and number of weights"),
        ({"digits": [[0, "W", 0, 1.0]]}, "metadata, digits: expected layer, array, place and number of weights; 'W'"),
    ],
)
def test_damage_is_told(change: dict[str, Any], problem: str) -> None:
    model = Case("lstm_last").model
    text = json.dumps({**json.loads(carried_text(model)), **change})
    with pytest.raises(DataError, match=problem):
        model_from(text, single(model))


@pytest.mark.parametrize("text", ["", "[]", "{}", "3", "[" * 100000, "null", '{"layers": []}'])
def test_another_text_is_told(text: str) -> None:
    with pytest.raises(DataError, match="metadata"):
        model_from(text, [])


def test_arrays_of_transformations_are_checked() -> None:
    model = read_weights(READER / "chain_N_P_U" / "weights.xml")
    table = json.loads(carried_text(model))
    for wrong in ("text", {"shape": [3], "float64": "AAAA"}, {"shape": None, "float64": ""}, {"float64": "???"}):
        table["transformations"][0]["ranges"] = wrong
        with pytest.raises(DataError, match="transformation"):
            model_from(json.dumps(table), single(model))


def test_the_digest_knows_layers_without_arrays() -> None:
    model = Case("lstm_last").model
    bare = replace(model, layers=tuple(replace(layer, weights={}) for layer in model.layers))
    assert json.loads(carried_text(bare))["weights"] != json.loads(carried_text(model))["weights"]

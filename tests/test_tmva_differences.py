from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pytmva_rnn import parse_options, read_weights, train, write_weights
from pytmva_rnn.cli import main
from pytmva_rnn.description import Variable, tmva_differences
from pytmva_rnn.options.evaluable import evaluable
from pytmva_rnn.weightfile.validation import validate

READER = Path(__file__).parent / "data" / "reader"
STRATEGY = "TrainingStrategy=MaxEpochs=1,TestRepetitions=1,BatchSize=50"


@pytest.mark.parametrize(
    ("given", "layouts"),
    [
        ("InputLayout=1|5|4:Layout=LSTM|3|4|5,LINEAR", ("5|4", "0|0|0", "LSTM|3|4|5,LINEAR")),
        ("InputLayout=5|1|4:Layout=LSTM|3|4|5,LINEAR", ("5|1|4", "0|0|0", "LSTM|3|4|5,LINEAR")),
        ("InputLayout=1|6:Layout=GRU|3|6|1,LINEAR", ("1|6", "50|1|6", "GRU|3|6|1,LINEAR")),
        ("InputLayout=1|6:BatchLayout=9|1|6:Layout=RNN|3|6|1,LINEAR", ("1|6", "9|1|6", "RNN|3|6|1,LINEAR")),
        ("Layout=RESHAPE|1|5|4,RNN|3|4|5,LINEAR", ("0|0|0", "0|0|0", "RESHAPE|5|1|4,RNN|3|4|5|0|0,DENSE|0|LINEAR")),
        ("Layout=RESHAPE|5|1|4,RNN|3|4|5,LINEAR", ("0|0|0", "0|0|0", "RESHAPE|5|1|4,RNN|3|4|5,LINEAR")),
        ("InputLayout=1|5|4:Layout=RESHAPE|FLAT,LINEAR", ("1|5|4", "0|0|0", "RESHAPE|FLAT,LINEAR")),
    ],
)
def test_layouts_become_those_that_tmva_evaluates(given: str, layouts: tuple[str, ...]) -> None:
    options = evaluable(parse_options(f"{given}:{STRATEGY}"))
    found = {option.name: option.value for option in options.to_model_options()}
    assert tuple(found[name] for name in ("InputLayout", "BatchLayout", "Layout")) == layouts


@pytest.mark.parametrize("layout", ["InputLayout=1|5|4:Layout=LSTM|3|4|5|0|0", "InputLayout=1|20:Layout=LSTM|3|20|1"])
def test_what_is_trained_is_what_tmva_evaluates(layout: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(300, 20)), rng.integers(0, 2, 300)
    options = f"{layout},RESHAPE|FLAT,LINEAR:RandomSeed=1:{STRATEGY}"
    model = train(X, y, options, backend="reference").model
    assert model.input_layout[1] == 1
    assert model.batch_layout[0] == 50
    write_weights(model, tmp_path / "w.xml")
    assert validate(tmp_path / "w.xml") == []
    assert "C++ TMVA" not in caplog.text


def test_layouts_that_tmva_cannot_evaluate_are_told() -> None:
    model = read_weights(READER / "layout_three_numbers" / "weights.xml")
    assert tmva_differences(model) == []
    (told,) = tmva_differences(replace(model, input_layout=(1, 5, 4)))
    assert "it wants InputLayout=5|4 before a recurrent layer, not 1|5|4" in told
    one = read_weights(READER / "layout_one_step" / "weights.xml")
    assert tmva_differences(one) == []
    (told,) = tmva_differences(replace(one, batch_layout=(1, 50, 6)))
    assert "it wants the batch size first for one time step, BatchLayout=50|1|6" in told
    reshaped = read_weights(READER / "layout_three_numbers" / "weights.xml")
    reshape = replace(reshaped.layers[1], depth=1, height=5, width=4, flat=False)
    (told,) = tmva_differences(replace(reshaped, layers=(reshape, *reshaped.layers[:1])))
    assert "it wants RESHAPE|5|1|4 before a recurrent layer, not RESHAPE|1|5|4" in told


def test_elements_of_arrays_with_a_transformation(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    path = READER / "arrays_N" / "weights.xml"
    model = read_weights(path)
    told = "transforms all elements of vars_time0, vars_time1, vars_time2 as the first one"
    assert [told in difference for difference in tmva_differences(model)] == [True]
    assert [(finding.warning, told in str(finding)) for finding in validate(path)] == [(True, True)]
    assert main(["validate", str(path)]) == 0
    assert "warning: C++ TMVA" in capsys.readouterr().out
    write_weights(model, tmp_path / "arrays.xml")
    assert told in caplog.text
    caplog.clear()
    model.save(tmp_path / "scalars.xml", scalar_elements=True)
    assert caplog.text == ""
    again = read_weights(tmp_path / "scalars.xml")
    assert tmva_differences(again) == []
    assert [(v.expression, v.internal, v.type) for v in again.variables[:3]] == [
        ("vars_time0[0]", "vars_time0_0_", "F"),
        ("vars_time0[1]", "vars_time0_1_", "F"),
        ("vars_time1[0]", "vars_time1_0_", "F"),
    ]
    X = np.load(READER / "arrays_N" / "data.npz")["X"]
    np.testing.assert_array_equal(again.predict(X, backend="reference"), model.predict(X, backend="reference"))
    assert tmva_differences(read_weights(READER / "arrays_none" / "weights.xml")) == []


def test_training_with_such_arrays_warns(caplog: pytest.LogCaptureFixture) -> None:
    rng = np.random.default_rng(1)
    variables = [Variable("v", "v", f"[{k}]", internal=f"v[{k}]", type="F[]") for k in range(3)]
    options = f"VarTransform=N:Layout=DENSE|3|TANH,LINEAR:RandomSeed=1:{STRATEGY}"
    train(rng.normal(size=(300, 3)), rng.integers(0, 2, 300), options, variables=variables, backend="reference")
    assert "C++ TMVA's Reader transforms all elements of v as the first one (Normalize)" in caplog.text

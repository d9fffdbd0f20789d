from __future__ import annotations

from typing import Any

import pytest

from pytmva_rnn.description import ACTIVATIONS, GRU, LSTM, RNN, BatchNorm, Dense, Layer, Reshape
from pytmva_rnn.errors import OptionError
from pytmva_rnn.options.layer_specs import BatchNormSpec, DenseSpec, LayerSpec, RecurrentSpec, ReshapeSpec
from pytmva_rnn.options.layout import build_layers, parse_layout
from pytmva_rnn.options.width import width_of


def built(text: str, shape: tuple[int, int, int] = (10, 1, 30), variables: int = 300, outputs: int = 1) -> list[Layer]:
    return list(build_layers(parse_layout(text), shape, variables, outputs))


def fields(layer: Layer) -> dict[str, Any]:
    return {name: value for name, value in vars(layer).items() if name != "weights"}


# --- reading


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("RNN|10", RecurrentSpec("RNN", 10)),
        ("LSTM|10|30", RecurrentSpec("LSTM", 10, 30)),
        ("LSTM|10|30|5", RecurrentSpec("LSTM", 10, 30, 5)),
        ("RNN|10|30|5|1", RecurrentSpec("RNN", 10, 30, 5, remember_state=True)),
        ("lstm | 10 | 30 | 5 | 0 | 1", RecurrentSpec("LSTM", 10, 30, 5, return_sequence=True)),
        ("GRU|10|30|5|1|1|1", RecurrentSpec("GRU", 10, 30, 5, True, True, True)),
        ("GRU|10|30|5|0|1", RecurrentSpec("GRU", 10, 30, 5, return_sequence=True)),
        ("DENSE", DenseSpec("0", "TANH")),
        ("DENSE|64", DenseSpec("64", "TANH")),
        ("DENSE|64|RELU", DenseSpec("64", "RELU")),
        ("DENSE|RELU|64", DenseSpec("64", "RELU")),
        ("TANH|64", DenseSpec("64", "TANH")),
        ("64|relu", DenseSpec("64", "RELU")),
        ("64", DenseSpec("64", "TANH")),
        ("N", DenseSpec("N", "TANH")),
        ("(N+100)*2|SOFTSIGN", DenseSpec("(N+100)*2", "SOFTSIGN")),
        *[(name, DenseSpec("0", name)) for name in ACTIVATIONS],
        ("RESHAPE|FLAT", ReshapeSpec(flat=True)),
        ("reshape|1|10|30", ReshapeSpec(1, 10, 30)),
        ("RESHAPE|1|10|30|flat", ReshapeSpec(1, 10, 30, flat=True)),
        ("BNORM", BatchNormSpec(-1, 1e-4)),
        ("BNORM|0.9", BatchNormSpec(0.9, 1e-4)),
        ("bnorm|0.9|1e-3", BatchNormSpec(0.9, 1e-3)),
    ],
)
def test_layers(text: str, spec: LayerSpec) -> None:
    assert parse_layout(text) == (spec,)
    assert parse_layout(str(spec)) == (spec,)


def test_activations_have_the_numbers_of_tmva() -> None:
    assert ACTIVATIONS == ("LINEAR", "RELU", "SIGMOID", "TANH", "SYMMRELU", "SOFTSIGN", "GAUSS", "FTANH")


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("LSTM|10,CONV|3|3", "CONV is a convolutional layer; pytmva_rnn has recurrent and dense networks only", "CONV"),
        ("MAXPOOL|2|2,LINEAR", "MAXPOOL is a convolutional layer", "MAXPOOL"),
        ("LSTM|10, LSMT|10", "unknown layer or activation 'LSMT'; did you mean LSTM?", "LSMT"),
        ("LINEAR,Xyzzy|3", "unknown layer or activation 'Xyzzy'; known layers are RNN, LSTM, GRU, DENSE,", "Xyzzy"),
        ("DENSE|3|TNH", "unknown layer or activation 'TNH'; did you mean TANH?", "DENSE"),
        ("LINEAR,", "empty field in the layout", ""),
        ("LINEAR,DENSE||TANH", "empty field in the layout", "DENSE"),
        ("LSTM", "LSTM needs a state size of 1 or more, as in LSTM|10|30|10|0|1", "LSTM"),
        ("LSTM|0|3|2", "LSTM needs a state size of 1 or more", "LSTM"),
        ("LSTM|ten", "the state size of LSTM: 'ten' is not an integer", "LSTM"),
        ("LSTM|10|x", "the input size of LSTM: 'x' is not an integer", "LSTM"),
        ("LSTM|10|3|2.5", "the time steps of LSTM: '2.5' is not an integer", "LSTM"),
        ("LSTM|10|3|2|2", "the field 'remember state' of LSTM must be 0 or 1, not '2'", "LSTM"),
        ("LSTM|10|3|2|0|yes", "the field 'return sequence' of LSTM must be 0 or 1", "LSTM"),
        (
            "LSTM|10|3|2|0|1|1",
            "LSTM takes state size, input size, time steps, remember state, return sequence; '1'",
            "L",
        ),
        ("GRU|10|3|2|0|1|2", "the field 'reset gate after' of GRU must be 0 or 1", "GRU"),
        ("GRU|10|3|2|0|1|1|1", "'1' is one too many", "GRU"),
        ("DENSE|TANH|RELU", "a dense layer takes one activation, not both TANH and RELU", "DENSE"),
        ("DENSE|3|4", "a dense layer takes one width, not both 3 and 4", "DENSE"),
        ("DENSE|3+", "'3+' is not a width: a number or a formula in N such as (N+100)*2", "DENSE"),
        ("RESHAPE|10", "RESHAPE takes depth, height and width, or FLAT", "RESHAPE"),
        ("RESHAPE|1|2|FLAT", "RESHAPE takes depth, height and width, or FLAT", "RESHAPE"),
        ("RESHAPE|1|0|30", "the depth, height and width of RESHAPE must be 1 or more", "RESHAPE"),
        ("RESHAPE|1|x|30", "a size of RESHAPE: 'x' is not an integer", "RESHAPE"),
        ("BNORM|x", "the momentum of BNORM: 'x' is not a number", "BNORM"),
        ("BNORM|0.9|nan", "the epsilon of BNORM: 'nan' is not a number", "BNORM"),
        ("BNORM|0.9|0", "the epsilon of BNORM must be above 0", "BNORM"),
        ("BNORM|0.9|1e-3|4", "BNORM takes momentum and epsilon; '4' is one too many", "BNORM"),
    ],
)
def test_errors_name_the_layer(text: str, message: str, place: str) -> None:
    with pytest.raises(OptionError) as caught:
        parse_layout(text)
    assert message in str(caught.value)
    assert caught.value.position is not None
    assert text[caught.value.position :].startswith(place)
    assert caught.value.position == text.rindex(place)


# --- width formulas


@pytest.mark.parametrize(
    ("formula", "width"),
    [
        ("12", 12),
        ("N", 30),
        ("n", 30),
        ("(N+100)*2", 260),
        ("N/4", 7),
        ("N*0.5", 15),
        ("N^2", 900),
        ("N**2", 900),
        ("-N+31", 1),
        ("+3", 3),
        ("2*(N - 5)", 50),
    ],
)
def test_width_formulas(formula: str, width: int) -> None:
    assert width_of(formula, 30) == width


def test_a_formula_may_have_no_value_for_other_numbers_of_variables() -> None:
    assert [str(layer) for layer in parse_layout("DENSE|N-5,DENSE|60/(N-1)")] == [
        "DENSE|N-5|TANH",
        "DENSE|60/(N-1)|TANH",
    ]
    assert width_of("N-5", 30) == 25
    with pytest.raises(OptionError, match=r"the width 'N-5' is -4 for N = 1; it must not be negative"):
        width_of("N-5", 1)
    with pytest.raises(OptionError, match=r"the width '60/\(N-1\)' has no value for N = 1"):
        width_of("60/(N-1)", 1)


@pytest.mark.parametrize("formula", ["9^9^9^9^9", "(0-8)^0.5", "1/0", "9^300*9^100-9^300*9^100"])
def test_formulas_without_a_value(formula: str) -> None:
    with pytest.raises(OptionError, match="has no value"):
        width_of(formula, 30)


@pytest.mark.parametrize(
    "formula",
    ["", "3 4", "2N", "N(3)", "()", "3,4", "N//2", "(N", "1_0", "0x10", "NN", "'N'", "N if N else 3", "1j", "M"],
)
def test_what_is_no_formula(formula: str) -> None:
    with pytest.raises(OptionError, match="is not a width"):
        width_of(formula, 30)


def test_digits_without_end_are_refused_quickly() -> None:
    with pytest.raises(OptionError, match="is not a width"):
        width_of("1" * 50_000 + "!", 30)


# --- building


def test_building_a_recurrent_network() -> None:
    lstm, reshape, dense, last = built("LSTM|10|30|10|0|1,RESHAPE|FLAT,DENSE|N/3|RELU,LINEAR", outputs=3)
    assert isinstance(lstm, LSTM)
    assert fields(lstm) == {
        "state_size": 10,
        "input_size": 30,
        "time_steps": 10,
        "remember_state": False,
        "return_sequence": True,
    }
    assert isinstance(reshape, Reshape)
    assert fields(reshape) == {"depth": 1, "height": 1, "width": 100, "flat": True}
    assert isinstance(dense, Dense)
    assert fields(dense) == {"width": 100, "input_size": 100, "activation": "RELU"}
    assert isinstance(last, Dense)
    assert fields(last) == {"width": 3, "input_size": 100, "activation": "LINEAR"}
    assert not any(layer.weights for layer in (lstm, reshape, dense, last))


def test_building_stacked_recurrent_layers() -> None:
    first, second, _, _ = built("RNN|8|30|10|1|1,GRU|6|8|10|0|0|1,RESHAPE|1|1|6,LINEAR")
    assert isinstance(first, RNN)
    assert first.remember_state
    assert isinstance(second, GRU)
    assert second.reset_gate_after
    assert not second.return_sequence


def test_building_a_dense_network() -> None:
    dense, norm, last = built("TANH|16,BNORM|0.9|0.001,LINEAR", shape=(1, 1, 300))
    assert isinstance(dense, Dense)
    assert isinstance(norm, BatchNorm)
    assert fields(norm) == {"size": 16, "momentum": 0.9, "epsilon": 0.001}
    assert fields(last) == {"width": 1, "input_size": 16, "activation": "LINEAR"}


def test_a_reshape_makes_steps() -> None:
    _, rnn, _ = built("RESHAPE|10|1|30,RNN|4|30|10,LINEAR", shape=(1, 1, 300))
    assert rnn.input_shape() == (10, 1, 30)


@pytest.mark.parametrize(
    ("text", "message", "layer"),
    [
        ("LSTM|10|29|10,LINEAR", "the input size of LSTM|10|29|10|0|0 is 29, but the width before it is 30", 0),
        ("LSTM|10,LINEAR", "the input size of LSTM|10|0|0|0|0 is 0, but the width before it is 30", 0),
        ("LSTM|10|30|9,LINEAR", "asks for 9 time steps, but the input before it has depth 10 and height 1", 0),
        ("LSTM|10|30|10|0|1,RNN|4|10|9,LINEAR", "asks for 9 time steps, but the input before it has depth 1 and", 1),
        ("LSTM|10|30|10|0|0,RNN|4|10|10,LINEAR", "asks for 10 time steps", 1),
        (
            "RESHAPE|2|5|30,RNN|4|30|10,LINEAR",
            "asks for 10 time steps, but the input before it has depth 2 and height 5",
            1,
        ),
        ("LSTM|10|30|10|0|1,LINEAR", "follows an output of 10 steps of 10; put RESHAPE|FLAT before it", 1),
        ("LINEAR", "follows an output of 10 steps of 30", 0),
        ("LSTM|10|30|10|0|1,RESHAPE|1|1|99,LINEAR", "RESHAPE|1|1|99 holds 99 values, the layer before it 100", 1),
        ("LSTM|10|30|10|0|1,BNORM,LINEAR", "BNORM|-1.0|0.0001 follows a sequence", 1),
        ("RESHAPE|FLAT,DENSE|4|TANH", "output of depth, height, width (1, 1, 4), but 1 output(s) are needed", 1),
        ("LSTM|10|30|10|0|1", "output of depth, height, width (1, 10, 10), but 1 output(s) are needed", 0),
        ("RESHAPE|FLAT,DENSE|N-301,LINEAR", "the width 'N-301' is -1 for N = 300", 1),
    ],
)
def test_sizes_that_do_not_fit(text: str, message: str, layer: int) -> None:
    with pytest.raises(OptionError) as caught:
        built(text)
    assert message in str(caught.value)
    printed = [str(spec) for spec in parse_layout(text)]
    assert caught.value.position == len("".join(each + "," for each in printed[:layer]))


def test_a_missing_input_layout_is_named() -> None:
    with pytest.raises(OptionError, match=r"the width before it is 300; set InputLayout=10\|30"):
        built("LSTM|8|30|10,LINEAR", shape=(1, 1, 300))

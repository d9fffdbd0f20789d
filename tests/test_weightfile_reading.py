from __future__ import annotations

import pickle
import re
from pathlib import Path

import numpy as np
import pytest

from pytmva_rnn.description import GRU, LSTM, RNN, BatchNorm, Dense, Option, Reshape
from pytmva_rnn.model import Model, read_weights

REFERENCE = Path(__file__).parent / "data" / "reference"


def text_of(case: str) -> str:
    return (REFERENCE / case / "weights.xml").read_text()


def read(text: str | bytes, folder: Path) -> Model:
    path = folder / "w.xml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_weights(path)


def replaced(text: str, old: str, new: str, count: int = 1) -> str:
    assert old in text
    return text.replace(old, new, count)


def matrix(text: str, tag: str) -> np.ndarray:
    found = re.search(rf'<{tag} Rows="(\d+)" Columns="(\d+)">([^<]*)<', text)
    assert found
    return np.array(found[3].split(), dtype=float).reshape(int(found[1]), int(found[2]))


# Tag -> what the tag holds, which for the weights (not the biases) of gated layers is not what its name says.
LSTM_TAGS = {
    "InputWeights": "W_i",
    "InputStateWeights": "W_f",
    "ForgetWeights": "W_c",
    "ForgetStateWeights": "W_o",
    "CandidateWeights": "U_i",
    "CandidateStateWeights": "U_f",
    "OuputWeights": "U_c",
    "OutputStateWeights": "U_o",
    "InputBiases": "b_i",
    "ForgetBiases": "b_f",
    "CandidateBiases": "b_c",
    "OutputBiases": "b_o",
}
GRU_TAGS = {
    "ResetWeights": "W_r",
    "ResetStateWeights": "W_z",
    "UpdateWeights": "W_c",
    "UpdateStateWeights": "U_r",
    "CandidateWeights": "U_z",
    "CandidateStateWeights": "U_c",
    "ResetBiases": "b_r",
    "UpdateBiases": "b_z",
    "CandidateBiases": "b_c",
}
RNN_TAGS = {"InputWeights": "W", "StateWeights": "U", "Biases": "b"}


@pytest.mark.parametrize(
    ("case", "tags"), [("lstm_last", LSTM_TAGS), ("gru_after_last", GRU_TAGS), ("rnn_last", RNN_TAGS)]
)
def test_weights_are_named_by_what_the_tags_hold(case: str, tags: dict[str, str]) -> None:
    model = read_weights(REFERENCE / case / "weights.xml")
    layer = model.layers[0]
    assert set(layer.weights) == set(tags.values()) == set(layer.weight_shapes())
    for tag, name in tags.items():
        np.testing.assert_array_equal(layer.weights[name], matrix(text_of(case), tag))


def test_a_stack_of_layers() -> None:
    model = read_weights(REFERENCE / "stacked" / "weights.xml")
    assert [type(layer) for layer in model.layers] == [LSTM, GRU, RNN, Reshape, Dense, Dense]
    first, second, *_ = model.layers
    assert isinstance(first, LSTM)
    assert (first.state_size, first.input_size, first.time_steps) == (7, 5, 6)
    assert first.return_sequence
    assert not first.remember_state
    assert isinstance(second, GRU)
    assert not second.reset_gate_after
    assert model.shapes() == [(6, 1, 5), (1, 6, 7), (1, 6, 6), (1, 6, 5), (1, 1, 30), (1, 1, 10), (1, 1, 1)]


def test_everything_around_the_layers() -> None:
    model = read_weights(REFERENCE / "sgd_momentum_l2" / "weights.xml")
    assert model.title == "sgd_momentum_l2"
    assert model.analysis == "Classification"
    assert model.classes == ("Signal", "Background")
    assert model.info[6:8] == (("Training events", "600"), ("TrainingTime", "1.00000000e+00"))
    assert model.options[6] == Option("InputLayout", "6|5", True)
    assert model.options[0] == Option("V", "False", False)
    assert (model.input_layout, model.batch_layout) == ((6, 1, 5), (40, 6, 5))
    assert (model.loss, model.initialization, model.regularization, model.output_function) == ("C", "F", "2", "S")
    assert model.weight_decay == float(np.float32(1e-3))
    assert [v.expression for v in model.variables[:2]] == ["x_t0_d0", "x_t0_d1"]
    assert model.variables[0].min < model.variables[0].max


def test_regression_has_targets_and_multiclass_its_classes() -> None:
    regression = read_weights(REFERENCE / "regression" / "weights.xml")
    assert (regression.analysis, regression.classes) == ("Regression", ("Regression",))
    assert [target.label for target in regression.targets] == ["target0", "target1"]
    multiclass = read_weights(REFERENCE / "multiclass_softmax" / "weights.xml")
    assert (multiclass.analysis, multiclass.classes) == ("Multiclass", ("class0", "class1", "class2"))
    assert (multiclass.loss, multiclass.output_function, multiclass.outputs) == ("S", "M", 3)


def test_batch_normalisation_keeps_its_settings_and_statistics() -> None:
    layer = read_weights(REFERENCE / "batch_norm" / "weights.xml").layers[1]
    assert isinstance(layer, BatchNorm)
    assert (layer.size, layer.momentum, layer.epsilon) == (16, float(np.float32(0.9)), float(np.float32(1e-3)))
    text = text_of("batch_norm")
    for tag, name in {"Training-mu": "mu", "Training-variance": "variance", "Gamma": "gamma", "Beta": "beta"}.items():
        np.testing.assert_array_equal(layer.weights[name], matrix(text, tag))


def test_a_model_travels_between_processes() -> None:
    model = read_weights(REFERENCE / "stacked" / "weights.xml")
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.layers[0].weights["W_i"], model.layers[0].weights["W_i"])
    assert again.layers[3].weights == {}


# --- old files


def test_an_old_rnn_without_return_sequence_returns_the_sequence(tmp_path: Path) -> None:
    text = replaced(text_of("rnn_sequence"), ' ReturnSequence="1"', "")
    layer = read(text, tmp_path).layers[0]
    assert isinstance(layer, RNN)
    assert layer.return_sequence


def test_an_old_gru_without_reset_gate_after_resets_before(tmp_path: Path) -> None:
    text = replaced(text_of("gru_after_last"), ' ResetGateAfter="1"', "")
    layer = read(text, tmp_path).layers[0]
    assert isinstance(layer, GRU)
    assert not layer.reset_gate_after


# --- other ways to write the same XML


def shuffled(text: str) -> str:
    def reverse(match: re.Match[str]) -> str:
        attributes = re.findall(r'[\w]+="[^"]*"', match[2])
        return match[1] + "\n   " + "\t".join(reversed(attributes)) + " " + match[3]

    return re.sub(r'(<[\w-]+)((?: \w+="[^"]*")+)(/?>)', reverse, text)


OTHER_FORMS = {
    "attribute order": shuffled,
    "Windows line ends": lambda text: text.replace("\n", "\r\n"),
    "no indentation": lambda text: re.sub(r"\n +", "\n", text),
    "one line": lambda text: text.replace("\n", " "),
    "comments": lambda text: text.replace("<Option ", "<!-- note --><Option ").replace("  -", " <!-- minus --> -"),
    "CDATA": lambda text: text.replace(">6|5<", "><![CDATA[6|5]]><"),
    "processing instruction": lambda text: text.replace("<MethodSetup", "<?note?><MethodSetup"),
    "single quotes": lambda text: text.replace('"', "'"),
    "character references": lambda text: text.replace("x_t0_d0", "x&#95;t0_d&#x30;").replace(">6|5<", ">6&#124;5<"),
    "blanks around text": lambda text: text.replace(">6|5<", ">\n   6|5\n  <"),
    "blanks in numbers": lambda text: text.replace('Rows="8"', 'Rows=" +8 "'),
    "number forms": lambda text: text.replace("e-01  ", "E-1\n\t"),
    "unknown nodes": lambda text: text.replace("<MVAPdfs/>", '<MVAPdfs><Other Name="p"/></MVAPdfs><Extra x="1"/>'),
}


@pytest.mark.parametrize("form", OTHER_FORMS)
def test_every_form_of_the_same_content_is_read(form: str, tmp_path: Path) -> None:
    plain = text_of("rnn_last")
    changed = OTHER_FORMS[form](plain)
    assert changed != plain
    assert_equal(read(changed, tmp_path), read(plain, tmp_path))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_byte_order_marks_and_encodings(encoding: str, tmp_path: Path) -> None:
    plain = replaced(text_of("rnn_last"), 'Unit=""', 'Unit="µm"')
    model = read(plain.encode(encoding), tmp_path)
    assert model.variables[0].unit == "µm"
    assert_equal(model, read(plain, tmp_path))


def test_a_declared_encoding_is_used(tmp_path: Path) -> None:
    text = replaced(text_of("rnn_last"), 'Unit=""', 'Unit="µm"')
    text = replaced(text, '<?xml version="1.0"?>', '<?xml version="1.0" encoding="iso-8859-1"?>')
    assert read(text.encode("latin-1"), tmp_path).variables[0].unit == "µm"


def test_nodes_are_found_by_name_in_any_order(tmp_path: Path) -> None:
    text = text_of("rnn_last")
    weights = text[text.index("  <Weights Net") : text.index("</MethodSetup>")]
    info = text[text.index("  <GeneralInfo>") : text.index("  <Options>")]
    moved = text.replace(weights, "").replace(info, weights).replace("</MethodSetup>", info + "</MethodSetup>")
    biases = re.search(r" *<Biases.*?</Biases>\n", moved, flags=re.S)
    assert biases
    moved = moved.replace(biases[0], "", 1).replace("      <InputWeights", biases[0] + "      <InputWeights", 1)
    assert_equal(read(moved, tmp_path), read(text, tmp_path))


def test_variables_stand_where_their_index_says(tmp_path: Path) -> None:
    text = text_of("rnn_last")
    first, second = re.findall(r" *<Variable [^\n]*\n", text)[:2]
    swapped = replaced(text, first + second, second + first)
    assert [v.label for v in read(swapped, tmp_path).variables[:2]] == ["x_t0_d0", "x_t0_d1"]


def test_missing_optional_nodes(tmp_path: Path) -> None:
    text = text_of("rnn_last")
    for node in ('  <Spectators NSpec="0"/>\n', '  <Transformations NTransformations="0"/>\n', "  <MVAPdfs/>\n"):
        text = replaced(text, node, "")
    text = re.sub(r"  <Options>.*</Options>\n", "", text, flags=re.S)
    model = read(text, tmp_path)
    assert (model.spectators, model.transformations, model.options) == ((), (), ())


def test_array_variables_and_spectators(tmp_path: Path) -> None:
    text = replaced(
        text_of("rnn_last"),
        '  <Spectators NSpec="0"/>\n',
        '  <Spectators NSpec="1"><Spectator SpecIndex="0" Expression="v" Label="v" Title="[3]" Unit="GeV" '
        'Internal="v[3]" Type="F[]" Min="3.40282347e+38" Max="-3.40282347e+38"/></Spectators>\n',
    )
    (spectator,) = read(text, tmp_path).spectators
    assert (spectator.title, spectator.internal, spectator.type, spectator.unit) == ("[3]", "v[3]", "F[]", "GeV")
    assert (spectator.min, spectator.max) == (3.40282347e38, -3.40282347e38)


def test_an_infinite_range_of_a_variable_is_no_reason_to_refuse_the_file(tmp_path: Path) -> None:
    text = re.sub(r'Max="[^"]*"/>', 'Max="inf"/>', text_of("rnn_last"), count=1)
    line = text[: text.index('"inf"')].count("\n") + 1
    with pytest.warns(UserWarning, match=rf":{line}: <Variable> Max: expected a finite number, found inf: did the"):
        model = read(text, tmp_path)
    assert model.variables[0].max == np.inf


def test_a_dense_layer_may_follow_a_last_state_directly(tmp_path: Path) -> None:
    text = replaced(
        text_of("rnn_last"), '    <ReshapeLayer Depth="1" Height="1" Width="8" Flattening="1"/>\n', ""
    ).replace('NetDepth="4"', 'NetDepth="3"')
    assert [type(layer) for layer in read(text, tmp_path).layers] == [RNN, Dense, Dense]


def test_a_text_node_beyond_ten_megabytes_is_read(tmp_path: Path) -> None:
    text = text_of("rnn_last")
    padded = replaced(text, "</InputWeights>", " " * 11_000_000 + "</InputWeights>")
    assert_equal(read(padded, tmp_path), read(text, tmp_path))


@pytest.mark.slow
def test_a_matrix_beyond_ten_megabytes_is_read(tmp_path: Path) -> None:
    text = text_of("rnn_last")
    wide = 100_000
    text = re.sub(r'NetDepth="4"', 'NetDepth="6"', text)
    columns, rows = "0.5000000 " * 12, "0.2500000 "
    layers = (
        f'<DenseLayer Width="{wide}" ActivationFunction="0">'
        f'<Weights Rows="{wide}" Columns="12">{columns * wide}</Weights>'
        f'<Biases Rows="{wide}" Columns="1">{rows * wide}</Biases></DenseLayer>'
        f'<DenseLayer Width="12" ActivationFunction="0">'
        f'<Weights Rows="12" Columns="{wide}">{rows * (12 * wide)}</Weights>'
        f'<Biases Rows="12" Columns="1">{rows * 12}</Biases></DenseLayer>'
    )
    model = read(replaced(text, '    <DenseLayer Width="1"', layers + '<DenseLayer Width="1"'), tmp_path)
    assert model.layers[3].weights["W"].shape == (wide, 12)
    assert (model.layers[4].weights["W"] == 0.25).all()


@pytest.mark.parametrize(
    ("written", "value"),
    [("1e+00", 1.0), ("-0", -0.0), ("+.5E-1", 0.05), ("7.", 7.0), ("0x1.8p1", 3.0), ("1e-50", 1e-50), ("00012", 12.0)],
)
def test_a_weight_in_any_form_of_a_number(written: str, value: float, tmp_path: Path) -> None:
    text = re.sub(r'(<Biases Rows="8" Columns="1">\s+)\S+', rf"\g<1>{written}", text_of("rnn_last"), count=1)
    read_back = read(text, tmp_path).layers[0].weights["b"][0, 0]
    assert read_back == value
    assert np.signbit(read_back) == np.signbit(value)


def assert_equal(a: Model, b: Model) -> None:
    for name in ("title", "analysis", "info", "options", "variables", "classes", "input_layout", "batch_layout"):
        assert getattr(a, name) == getattr(b, name)
    assert [type(layer) for layer in a.layers] == [type(layer) for layer in b.layers]
    for one, other in zip(a.layers, b.layers, strict=True):
        assert set(one.weights) == set(other.weights)
        for name, values in one.weights.items():
            np.testing.assert_array_equal(values, other.weights[name])

"""ONNX files of other programs: each is read right, or refused in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytmva_rnn import read_weights
from pytmva_rnn.errors import DataError, TMVAError
from pytmva_rnn.export.onnx import from_onnx, to_onnx
from pytmva_rnn.weightfile.validation import validate
from tests.reference import Case

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnx.reference")
pytest.importorskip("onnxruntime")

ZOO = Path(__file__).parent / "data" / "onnx"
FILES = {path.stem: path for path in sorted(ZOO.glob("*.onnx"))}
VARIABLES = ["v{0..3}[3]"]

_CELL = "the cell state of .*, which TMVA does not hand on"
_EACH_STEP = r"expected 5 numbers for each event, found the shape \(5, 4, 5\).*do not work on every step"
_UNROLLED = "an RNN that the exporter wrote out step by step is not read: export it with dynamo=False"
_LOOP = r"\(Loop\): a network written out as Loop cannot be read; of Keras read the .keras or .h5 file"
OF_BOTH = {
    "gru_candidate_bias": "expected a recurrent bias of the candidate of 0 .* found up to 0.41095;",
    "lstm_activation": r"\(LSTM\), Relu: RELU follows a layer LSTM\|5\|3\|4\|0\|1; in TMVA it can follow",
    "lstm_bidirectional": "expected direction forward, found bidirectional",
    "lstm_cell": _CELL,
    "lstm_each_step": _EACH_STEP,
    "lstm_first": r"it takes step 0 of .*\(LSTM\), where TMVA has the last one or all",
    "lstm_layer_norm": r"\(LayerNormalization\): TMVA has no layer that does this",
    "lstm_mean": r"\(ReduceMean\): TMVA has no layer that does this",
    "lstm_reversed": "it takes all outputs of the network's input, but in another order than step by step",
    "lstm_scaled": "what it is given went through Sub, Div, which is none of TMVA's activations",
    "lstm_skipping": r"it takes what comes of the network's input past .*\(LSTM\); TMVA's layers form a chain",
    "lstm_started": "expected an initial state of 0, found initial_h up to 0.5",
}
REFUSED = {f"{exporter}_{name}": message for name, message in OF_BOTH.items() for exporter in ("legacy", "dynamo")} | {
    "legacy_rnn_relu": "expected the activations tanh, which TMVA's RNN has, found relu",
    "dynamo_gru_defect": r"linear_before_reset=0 is a defect of its exporter \(onnxscript before 0.7\)",
    "dynamo_lstm_projection": "it cannot be run on events",
    **{f"dynamo_rnn_{name}": _UNROLLED for name in ("last", "final_state", "flat", "no_bias", "relu", "two_layers")},
    "tf2onnx_dense": "what it is given went through Relu, Mul, which is none of TMVA's activations",
    **{f"tf2onnx_{name}": _LOOP for name in ("gru_last", "gru_after", "rnn_last")},
    "tf2onnx_lstm_masking": r"\(Equal\): TMVA has no layer that does this",
}
LAYERS = {
    "dense": "DENSE|6|SOFTSIGN,DENSE|1|LINEAR",
    "flat": "{kind},RESHAPE|FLAT,DENSE|6|TANH,DENSE|1|LINEAR",
    "logits": "{kind},DENSE|1|LINEAR",
    "multiclass": "{kind},DENSE|6|RELU,DENSE|3|LINEAR",
    "norm_then_relu": "{kind},DENSE|6|RELU,DENSE|1|LINEAR",
    "batch_norm": "{kind},DENSE|6|LINEAR,BNORM|0.9|1e-05,DENSE|1|LINEAR",
    "dynamo_lstm_batch_norm": "{kind},DENSE|6|LINEAR,DENSE|1|LINEAR",  # the exporter has put it into the layer before
}
"""What the files hold, by the ends of their names."""


def test_every_network_is_there() -> None:
    names = {name.split("_", 1)[1] for name in FILES}
    for kind in ("lstm", "gru", "rnn"):
        assert {f"{kind}_{what}" for what in ("last", "final_state", "flat", "two_layers", "no_bias")} <= names
    assert set(REFUSED) <= set(FILES)
    assert {name.split("_")[0] for name in FILES} == {"legacy", "dynamo", "tf2onnx"}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_read_right_or_refused(name: str, tmp_path: Path) -> None:
    path = FILES[name]
    analysis = "classification" if name.endswith("logits") else None
    if name in REFUSED:
        with pytest.raises(DataError, match=REFUSED[name]) as raised:
            from_onnx(path, variables=VARIABLES, analysis=analysis)
        assert str(path) in str(raised.value)
        assert len(str(raised.value)) < 500
        return
    model = from_onnx(path, variables=VARIABLES, analysis=analysis)
    data = np.load(path.with_suffix(".npz"))
    x = data["x"].transpose(1, 0, 2) if name.endswith("time_first") else data["x"]
    x = x.reshape(len(x), -1)
    found = model.predict(x, backend="reference").reshape(data["y"].shape)
    expected = 1 / (1 + np.exp(-data["y"])) if analysis else data["y"]
    np.testing.assert_allclose(found, expected, rtol=0, atol=5e-7)
    kinds = ",".join(layer.layout() for layer in model.layers if layer.kind in ("LSTM", "GRU", "RNN"))
    ends = sorted(
        (end for end in LAYERS if name.removesuffix("_of_one").removesuffix("_of_four").endswith(end)), key=len
    )
    wanted = LAYERS[ends[-1]] if ends else "{kind},DENSE|6|TANH,DENSE|1|LINEAR"
    assert ",".join(layer.layout() for layer in model.layers) == wanted.format(kind=kinds)
    assert kinds.count(",") == ("two_layers" in name)
    # it is a weight file of TMVA's, from which the same scores come
    model.save(tmp_path / "net.weights.xml")
    assert validate(tmp_path / "net.weights.xml") == []
    again = read_weights(tmp_path / "net.weights.xml").predict(x, backend="reference")
    np.testing.assert_allclose(again.reshape(found.shape), found, rtol=0, atol=1e-6)


def changed(name: str, change: Any) -> Any:
    """A file of the zoo with something else in it."""
    model = onnx.load(FILES[name])
    change(model)
    return model


def of_type(model: Any, *operators: str) -> Any:
    return next(node for node in model.graph.node if node.op_type in operators)


def with_attribute(key: str, value: Any, *operators: str) -> Any:
    def change(model: Any) -> None:
        node = of_type(model, *(operators or ("LSTM", "GRU")))
        kept = [each for each in node.attribute if each.name != key]
        del node.attribute[:]
        node.attribute.extend([*kept, onnx.helper.make_attribute(key, value)])

    return change


def with_input(place: int, values: Any) -> Any:
    def change(model: Any) -> None:
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.asarray(values), "added"))
        node = of_type(model, "LSTM")
        node.input.extend([""] * (place + 1 - len(node.input)))
        node.input[place] = "added"

    return change


def second_output(model: Any) -> None:
    model.graph.output.append(onnx.helper.make_tensor_value_info(of_type(model, "LSTM").output[1], 1, [1, "N", 5]))


def free_steps(model: Any) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_param = "T"


def without_node(*operators: str) -> Any:
    def change(model: Any) -> None:
        node = of_type(model, *operators)
        for other in model.graph.node:
            for place, name in enumerate(other.input):
                if name == node.output[0]:
                    other.input[place] = node.input[0]
        for output in model.graph.output:
            if output.name == node.output[0]:
                output.name = node.input[0]
        model.graph.node.remove(node)

    return change


def of_opset_11(model: Any) -> None:
    """As exporters of the time wrote it: along which axes to squeeze is an attribute."""
    model.opset_import[0].version = 11
    for node in model.graph.node:
        if node.op_type in ("Squeeze", "Unsqueeze"):
            node.attribute.append(onnx.helper.make_attribute("axes", [1 if node.op_type == "Squeeze" else 0]))
            del node.input[1]


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("legacy_lstm_last", with_attribute("clip", 3.0), "expected no clip, found 3"),
        ("legacy_lstm_last", with_attribute("input_forget", 1), "expected input_forget=0, found 1"),
        ("legacy_lstm_last", with_attribute("direction", "reverse"), "expected direction forward, found reverse"),
        ("legacy_lstm_last", with_attribute("activations", ["Sigmoid", "Tanh", "Relu"]), "found sigmoid, tanh, relu"),
        ("legacy_lstm_last", with_input(4, np.full(3, 2, np.int32)), "expected sequences of all 4 steps"),
        ("legacy_lstm_last", with_input(7, np.ones((1, 15), np.float32)), r"expected no peepholes \(input P\)"),
        ("legacy_lstm_last", with_input(3, np.zeros((1, 8), np.float32)), "expected 40 biases B, found 8"),
        ("legacy_lstm_last", second_output, "expected one input and one output, found x and y, "),
        ("legacy_lstm_last", free_steps, r"found \(\?, \?, 3\); give steps=T where T is open"),
        ("legacy_lstm_last", without_node("Sigmoid"), "ends without an output function.*give analysis="),
        (
            "legacy_lstm_batch_norm",
            with_attribute("training_mode", 1, "BatchNormalization"),
            "This number of op outputs should be 3 when Training_mode",
        ),
        ("legacy_gru_last", with_attribute("linear_before_reset", 0), "a defect of its exporter"),
        ("legacy_lstm_last", of_opset_11, r"\(Unsqueeze\): it cannot be evaluated: .*opset 11, export it with 13"),
    ],
)
def test_variants_are_refused(name: str, change: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        from_onnx(changed(name, change), variables=VARIABLES)


def between(*nodes: Any, **constants: Any) -> Any:
    """Nodes from "in" to "out" before the first Gemm."""

    def change(model: Any) -> None:
        gemm = of_type(model, "Gemm")
        added = [onnx.helper.make_node(operator, given, [made], **more) for operator, given, made, more in nodes]
        for node in added:
            node.input[:] = [gemm.input[0] if name == "in" else name for name in node.input]
        place = list(model.graph.node).index(gemm)
        gemm.input[0] = "out"
        rest = list(model.graph.node)[place:]
        del model.graph.node[place:]
        model.graph.node.extend([*added, *rest])
        for name, values in constants.items():
            model.graph.initializer.append(onnx.numpy_helper.from_array(np.asarray(values), name))

    return change


REVERSED = {"first": [-1], "last": [-100], "step": [-1]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (between(("Gather", ["in", "k"], "out", {"axis": 1}), k=[1, 0, 2, 3, 4]), "which are neither all outputs nor"),
        (between(("Slice", ["in", "first", "last", "axis", "step"], "out", {}), axis=[0], **REVERSED), "from event to"),
        (between(("Add", ["in", "in"], "out", {})), "went through Add, which is none of TMVA's activations"),
        (between(("Add", ["in", "c"], "out", {}), c=np.arange(5, dtype=np.float32)), "with several constants"),
        (between(("Mul", ["in", "c"], "out", {}), c=np.float32(1.01)), "went through Mul, which is none"),
        (between(("Clip", ["in", "", "c"], "out", {}), c=np.float32(6)), "went through Clip, which is none"),
        (
            between(("Concat", ["in", "c"], "out", {"axis": 0}), c=np.ones((0, 5), np.float32)),
            "it mixes outputs of .* with other numbers",
        ),
        (
            between(
                ("Relu", ["in"], "r", {}), ("Sub", ["in", "r"], "d", {}), ("Add", ["d", "r"], "e", {}),
                ("Identity", ["e"], "out", {}),
            ),
            None,
        ),
    ],
)  # fmt: skip
def test_what_stands_between_layers_is_seen(change: Any, message: str | None) -> None:
    """The last comes to nothing, whatever it is made of."""
    model = changed("legacy_lstm_last", change)
    if message is None:
        assert from_onnx(model, variables=VARIABLES).layers[0].layout() == "LSTM|5|3|4|0|0"
        return
    with pytest.raises(DataError, match=message):
        from_onnx(model, variables=VARIABLES)


def test_what_the_metadata_says_is_taken() -> None:
    path = FILES["legacy_lstm_last"]
    with pytest.raises(DataError, match="give the 12 names, time-major, as variables="):
        from_onnx(path)
    model = onnx.load(path)
    names = '["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"]'
    onnx.helper.set_model_props(model, {"variables": names, "classes": '["quark", "gluon"]', "title": "jets"})
    found = from_onnx(model)
    assert "".join(variable.expression for variable in found.variables) == "abcdefghijkl"
    assert (found.classes, found.title) == (("quark", "gluon"), "jets")
    assert from_onnx(model, title="net", classes=["s", "b"]).classes == ("s", "b")
    onnx.helper.set_model_props(model, {"variables": "a, b"})
    with pytest.raises(DataError, match="metadata, variables: expected a list of names in JSON, found 'a, b'"):
        from_onnx(model)


@pytest.mark.parametrize("name", ["legacy_lstm_last", "dynamo_lstm_time_first"])
def test_open_steps_are_asked_for(name: str) -> None:
    model = onnx.load(FILES[name])
    for place in (0, 1):
        model.graph.input[0].type.tensor_type.shape.dim[place].dim_param = f"n{place}"
    expected = [layer.layout() for layer in from_onnx(FILES[name], variables=VARIABLES).layers]
    assert [layer.layout() for layer in from_onnx(model, variables=VARIABLES, steps=4).layers] == expected


def test_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        from_onnx(tmp_path / "none.onnx")
    (tmp_path / "text.onnx").write_text("a text")
    with pytest.raises(DataError, match=r"text.onnx: it (cannot be read as an ONNX|is no valid ONNX) file"):
        from_onnx(tmp_path / "text.onnx")


@pytest.mark.parametrize("count", [60, pytest.param(2000, marks=pytest.mark.thorough)])
def test_damaged_files_give_our_errors(count: int, tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    names = ["legacy_gru_flat", "dynamo_lstm_two_layers", "legacy_lstm_batch_norm", "tf2onnx_lstm_last"]
    files = [FILES[name].read_bytes() for name in names] + [to_onnx(Case("lstm_last").model).SerializeToString()]
    refused = 0
    for number in range(count):
        content = bytearray(files[number % len(files)])
        if random.random() < 0.3:
            content = content[: random.integers(0, len(content))]
        else:
            for place in random.integers(0, len(content), random.integers(1, 4)):
                content[place] ^= 1 << random.integers(0, 8)
        path = tmp_path / "damaged.onnx"
        path.write_bytes(content)
        try:
            from_onnx(path, variables=None if number % len(files) == len(names) else VARIABLES)
        except TMVAError:
            refused += 1
    assert refused > count / 5

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytmva_rnn import Model, read_weights
from pytmva_rnn.errors import DataError
from pytmva_rnn.export.keras import from_keras, to_keras
from tests.reference import CASES, Case

h5py: Any = pytest.importorskip("h5py")

FOLDER = Path(__file__).parent / "data" / "keras"
READER = Path(__file__).parent / "data" / "reader"
FILES = sorted(path.name for path in FOLDER.iterdir() if path.suffix != ".npz" and "biased" not in path.name)
QUICK = ("batch_norm", "gru_after_last", "gru_before_sequence", "multiclass_softmax", "regression", "stacked")
EXPRESSIBLE = [
    pytest.param(case, marks=[] if case in QUICK else [pytest.mark.slow])
    for case in CASES
    if case not in ("remember_state", "dense_activations")
]
NAMES = [f"x{k}" for k in range(20)]


def stored(name: str) -> Any:
    """X and the outputs that Keras gave for it."""
    return np.load(FOLDER / f"{name.replace('.', '_')}.npz")


@pytest.mark.parametrize("name", FILES)
def test_keras_answers_of_the_time(name: str) -> None:
    X, outputs = stored(name)["X"], stored(name)["outputs"]
    regression = "before" in name or "reshaped" in name
    model = from_keras(
        FOLDER / name,
        variables=[f"x{k}" for k in range(X[0].size)],
        analysis="regression" if regression else None,
    )
    assert model.analysis == ("Regression" if regression else "Multiclass" if "dense" in name else "Classification")
    scores = model.predict(X.reshape(len(X), -1))
    np.testing.assert_allclose(scores.reshape(outputs.shape), outputs, rtol=0, atol=2e-6)


@pytest.mark.parametrize("release", ["keras2", "keras3"])
def test_the_candidate_bias_that_tmva_has_not(release: str) -> None:
    with pytest.raises(
        DataError, match=r"gru: expected a recurrent bias of the candidate of 0 .* found up to 0.426554"
    ):
        from_keras(FOLDER / f"{release}_gru_after_biased.keras", variables=NAMES)


def text(model: Model, folder: Path) -> bytes:
    path = folder / "text.xml"
    model.save(path)
    return path.read_bytes()


@pytest.mark.parametrize("case", EXPRESSIBLE)
def test_the_same_file_again(case: str, tmp_path: Path) -> None:
    model = Case(case).model
    to_keras(model, tmp_path / "a.keras")
    assert text(from_keras(tmp_path / "a.keras"), tmp_path) == text(model, tmp_path)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # Keras has its own
@pytest.mark.parametrize("case", EXPRESSIBLE)
def test_keras_loads_what_is_written(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "KERAS_BACKEND", os.environ.get("KERAS_BACKEND", "torch"))
    keras: Any = pytest.importorskip("keras", minversion="3")
    model, X = Case(case).model, Case(case).data["X"][:50].astype(np.float32)
    to_keras(model, tmp_path / "a.keras")
    loaded = keras.models.load_model(tmp_path / "a.keras")
    scores = np.asarray(loaded.predict(X.reshape(len(X), *loaded.input_shape[1:]), verbose=0))
    np.testing.assert_allclose(scores.squeeze(), model.predict(X), rtol=0, atol=2e-6)


@pytest.mark.parametrize(
    ("model", "problem"),
    [
        (Case("remember_state").model, r"layer 0 \(LSTM\): with RememberState"),
        (Case("dense_activations").model, r"layer 3 \(DENSE\): Keras has no activation SYMMRELU"),
        (
            read_weights(READER / "chain_D_G" / "weights.xml"),
            "cannot make the transformations Decorrelation, Gauss",
        ),
    ],
)
def test_what_keras_has_not(model: Model, problem: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=problem):
        to_keras(model, tmp_path / "a.keras")
    assert not list(tmp_path.iterdir())


def changed(name: str, folder: Path, change: Callable[[dict[str, Any]], Any]) -> Path:
    """A stored file with another configuration."""
    path = folder / name
    if path.suffix == ".h5":
        path.write_bytes((FOLDER / name).read_bytes())
        with h5py.File(path, "r+") as file:
            config = json.loads(file.attrs["model_config"])
            change(config)
            file.attrs["model_config"] = json.dumps(config)
        return path
    with zipfile.ZipFile(FOLDER / name) as old, zipfile.ZipFile(path, "w") as new:
        for member in old.namelist():
            content = old.read(member)
            if member == "config.json":
                config = json.loads(content)
                change(config)
                content = json.dumps(config).encode()
            new.writestr(member, content)
    return path


def layer(kind: str, **changes: Any) -> Callable[[dict[str, Any]], None]:
    def change(config: dict[str, Any]) -> None:
        found = next(each for each in config["config"]["layers"] if each["class_name"] == kind)
        if "class_name" in changes:
            found["class_name"] = changes.pop("class_name")
        found["config"].update(changes)

    return change


def inbound(name: str, nodes: Any) -> Callable[[dict[str, Any]], None]:
    def change(config: dict[str, Any]) -> None:
        found = next(each for each in config["config"]["layers"] if each["config"]["name"] == name)
        found["inbound_nodes"] = nodes(found["inbound_nodes"]) if callable(nodes) else nodes

    return change


def tensors(*names: str) -> dict[str, Any]:
    """A call in Keras 3's form."""
    made = [{"class_name": "__keras_tensor__", "config": {"keras_history": [name, 0, 0]}} for name in names]
    return {"args": [made[0] if len(made) == 1 else made], "kwargs": {}}


def register(config: dict[str, Any]) -> None:
    config["config"]["layers"][1]["registered_name"] = "mine>LSTM"


LSTM = "keras3_lstm.keras"


@pytest.mark.parametrize(
    ("name", "change", "problem"),
    [
        (
            LSTM,
            layer("LSTM", class_name="Bidirectional"),
            "lstm: Bidirectional is none of the layers that TMVA has",
        ),
        (LSTM, layer("LSTM", go_backwards=True), "lstm: go_backwards=True, which TMVA's layers have not"),
        (LSTM, layer("LSTM", stateful=True), "lstm: stateful=True"),
        (LSTM, layer("LSTM", dtype="float16"), "lstm: Keras computes it in float16, with other scores than float32's"),
        (
            LSTM,
            layer("Dense", dtype={"class_name": "DTypePolicy", "config": {"name": "mixed_float16"}}),
            "dense: Keras computes it in mixed_float16",
        ),
        (LSTM, layer("LSTM", activation="relu"), "lstm: activation is relu; TMVA's layer has tanh"),
        (LSTM, layer("LSTM", recurrent_activation="hard_sigmoid"), "lstm: recurrent_activation is hard_sigmoid"),
        (LSTM, layer("LSTM", units=7), r"lstm: expected kernel of the shape \(4, 28\), found \(4, 24\)"),
        (LSTM, layer("LSTM", units="7"), "lstm: expected a whole number of units from 1 on, found '7'"),
        (LSTM, layer("LSTM", return_sequences=True), "dense: a Dense on every step of a sequence of 5 steps"),
        (LSTM, layer("Dense", activation="gelu"), "dense: TMVA has no activation gelu; it has linear, relu"),
        (LSTM, layer("Dense", activation={"class_name": "function", "config": "selu"}), "TMVA has no activation selu"),
        (LSTM, layer("Dense", activation="softmax"), "dense_1: it follows a softmax, which TMVA has"),
        (LSTM, layer("Dense", units=8), r"dense: expected kernel of the shape \(6, 8\), found \(6, 7\)"),
        (LSTM, layer("Dense", use_bias=False), "dense: expected 1 arrays, found 2"),
        (LSTM, register, "lstm: LSTM is none of the layers that TMVA has"),
        (
            LSTM,
            layer("InputLayer", batch_shape=[None, None, 4]),
            "time steps is left open, .* give steps=T",
        ),
        (LSTM, layer("InputLayer", batch_shape=[None, 5, None]), "the number of inputs is left open"),
        (
            LSTM,
            layer("InputLayer", batch_shape=[None, 5, 4, 3]),
            r"of the shape \(steps, inputs\) or \(inputs\)",
        ),
        (
            LSTM,
            inbound("dense", [tensors("lstm", "lstm")]),
            "dense: expected one input, found 2; TMVA's layers take the output of one layer",
        ),
        (LSTM, inbound("dense", lambda old: old * 2), "dense: expected a layer that is called once"),
        (LSTM, inbound("dense", [tensors("dense_1")]), "dense: expected a layer before it, found dense_1"),
        (LSTM, inbound("dense", [tensors("input_layer")]), "expected layers one after another, found lstm"),
        (
            LSTM,
            inbound("lstm", lambda old: [{**old[0], "kwargs": {"training": True}}]),
            "lstm: it is called with training=True, which TMVA's layers have not",
        ),
        ("keras3_dense.keras", layer("BatchNormalization", axis=0), "a batch normalisation over another"),
        (
            "keras3_dense.keras",
            layer("BatchNormalization", scale=True),
            "batch_normalization: expected 4 arrays",
        ),
        (
            "keras3_gru_after.keras",
            layer("Flatten", data_format="channels_first"),
            "flatten: data_format=channels_f",
        ),
        ("keras3_reshaped.keras", layer("Reshape", target_shape=[4, 6]), r"found the shape \[4, 6\]"),
        ("keras2_rnn_stacked.h5", layer("SimpleRNN", class_name="CuDNNLSTM"), "CuDNNLSTM is none of the"),
        ("keras2_rnn_stacked.h5", layer("SimpleRNN", name="other"), "other: expected the arrays kernel, .* none"),
        (
            "keras2_lstm.h5",
            lambda config: config.update(class_name="Mine"),
            "or Functional model, found Mine",
        ),
        ("keras2_lstm.h5", lambda config: config["config"].update(layers=3), "expected a list of layers"),
        (
            "keras2_lstm.h5",
            lambda config: config["config"].update(output_layers=[]),
            "one output, found 0 output",
        ),
        ("keras2_lstm.h5", lambda config: config.clear(), "expected the configuration of a Sequential or Functional"),
    ],
)
def test_what_tmva_has_not(name: str, change: Callable[[dict[str, Any]], Any], problem: str, tmp_path: Path) -> None:
    path = changed(name, tmp_path, change)
    with pytest.raises(DataError, match=problem) as caught:
        from_keras(path, variables=NAMES)
    assert str(path) in str(caught.value)


def test_steps_that_are_left_open(tmp_path: Path) -> None:
    path = changed(LSTM, tmp_path, layer("InputLayer", batch_shape=[None, None, 4]))
    X, outputs = stored(LSTM)["X"], stored(LSTM)["outputs"]
    model = from_keras(path, steps=5, variables=NAMES)
    np.testing.assert_allclose(model.predict(X), outputs[:, 0], rtol=0, atol=2e-6)
    with pytest.raises(DataError, match="expected 5 steps, found steps=3"):
        from_keras(FOLDER / LSTM, steps=3, variables=NAMES)


class TestFiles:
    def test_a_folder_and_another_suffix(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="a folder of TensorFlow"):
            from_keras(tmp_path)
        with pytest.raises(DataError, match=r"expected a name that ends in .keras or .h5"):
            from_keras(tmp_path / "a.xml")
        with pytest.raises(DataError, match=r"expected a name that ends in .keras, found '.h5'"):
            to_keras(Case("lstm_last").model, tmp_path / "a.h5")
        with pytest.raises(FileNotFoundError):
            from_keras(tmp_path / "a.keras")

    def test_weights_alone(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(FOLDER / LSTM) as archive:
            (tmp_path / "a.weights.h5").write_bytes(archive.read("model.weights.h5"))
        with pytest.raises(DataError, match=r"no configuration; save the whole model, model.save\('net.keras'"):
            from_keras(tmp_path / "a.weights.h5")

    def test_what_a_file_says_is_not_said_twice(self, tmp_path: Path) -> None:
        to_keras(Case("lstm_last").model, tmp_path / "a.keras")
        with pytest.raises(DataError, match="it says itself what variables are; leave that out"):
            from_keras(tmp_path / "a.keras", variables=NAMES)

    def test_an_array_in_another_file_is_not_followed(self, tmp_path: Path) -> None:
        secret, path = tmp_path / "secret.h5", tmp_path / "keras2_lstm.h5"
        with h5py.File(secret, "w") as file:
            file["kernel"] = np.zeros((4, 24), np.float32)
        kernel = "model_weights/lstm/lstm/lstm_cell/kernel:0"
        for problem in ("is in another file; that is not followed", "expected an array at"):
            path.write_bytes((FOLDER / path.name).read_bytes())
            with h5py.File(path, "r+") as file:
                del file[kernel]
                if "another" in problem:
                    file.create_dataset(kernel, (4, 24), np.float32, external=[(str(secret), 0, 384)])
                else:
                    file[kernel] = h5py.ExternalLink(str(secret), "kernel")
            with pytest.raises(DataError, match=problem):
                from_keras(path, variables=NAMES)

    def test_an_array_that_was_never_written(self, tmp_path: Path) -> None:
        path = tmp_path / "keras2_lstm.h5"
        path.write_bytes((FOLDER / path.name).read_bytes())
        kernel = "model_weights/lstm/lstm/lstm_cell/kernel:0"
        with h5py.File(path, "r+") as file:
            del file[kernel]
            file.create_dataset(kernel, (10**6, 10**6), np.float32)
        with pytest.raises(DataError, match="was never written"):
            from_keras(path, variables=NAMES)

    @pytest.mark.parametrize("name", ["keras3_lstm.keras", "keras2_dense.h5"])
    def test_damage_gives_our_errors(self, name: str, tmp_path: Path) -> None:
        content, path = (FOLDER / name).read_bytes(), tmp_path / name
        random = np.random.default_rng(2)
        read = 0
        for number in range(40):
            damaged = bytearray(content)
            if number % 2:
                damaged = damaged[: random.integers(0, len(content))]
            else:
                for place in random.integers(0, len(content), 20):
                    damaged[place] ^= 1 << random.integers(0, 8)
            path.write_bytes(damaged)
            with suppress(DataError):
                from_keras(path, variables=[f"x{k}" for k in range(8 if "dense" in name else 20)])
                read += 1
        assert read < 20

    def test_metadata_of_another_network(self, tmp_path: Path) -> None:
        to_keras(Case("lstm_last").model, tmp_path / "a.keras")
        to_keras(Case("rnn_last").model, tmp_path / "b.keras")
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as made:
            for path, members in (("a", ["metadata.json"]), ("b", ["config.json", "model.weights.h5"])):
                with zipfile.ZipFile(tmp_path / f"{path}.keras") as archive:
                    for member in members:
                        made.writestr(member, archive.read(member))
        (tmp_path / "c.keras").write_bytes(content.getvalue())
        with pytest.raises(DataError, match="its layers are others than its metadata says"):
            from_keras(tmp_path / "c.keras")

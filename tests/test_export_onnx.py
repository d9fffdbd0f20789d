"""Models as ONNX files: what ONNX Runtime and ONNX's own evaluator make of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pytmva_rnn import Model, read_weights
from pytmva_rnn.data import Recipe, Variables
from pytmva_rnn.description import ACTIVATIONS, Dense, Gauss, Layer, Variable
from pytmva_rnn.errors import DataError
from pytmva_rnn.export.onnx import from_onnx, onnx_outputs, save_onnx, to_onnx
from pytmva_rnn.export.onnx.graph_builder import GraphBuilder
from pytmva_rnn.export.onnx.layer_operators import add_layer
from pytmva_rnn.weightfile.stored_recipe import recipe_info
from tests import random_models
from tests.reference import CASES, FOLDER, Case

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnx.reference")
onnxruntime = pytest.importorskip("onnxruntime")

READER = Path(__file__).parent / "data" / "reader"
STATELESS = [name for name in CASES if name != "remember_state"]


def events_for(graph: Any, X: NDArray[Any]) -> NDArray[Any]:
    """Events in the shape that the graph wants."""
    sizes = [each.dim_value for each in graph.graph.input[0].type.tensor_type.shape.dim]
    return X.reshape(-1, *sizes[1:])


def runtime(graph: Any, X: NDArray[Any]) -> NDArray[Any]:
    """Scores of ONNX Runtime."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph.SerializeToString(), options)
    return np.asarray(session.run(None, {"x": events_for(graph, X).astype(np.float32)})[0])


def evaluated(graph: Any, X: NDArray[Any]) -> NDArray[Any]:
    """Scores of ONNX's own evaluator in double precision, for a graph in double precision."""
    onnx.checker.check_model(graph, full_check=True)
    return np.asarray(
        onnx.reference.ReferenceEvaluator(graph).run(None, {"x": events_for(graph, X).astype(np.float64)})[0]
    )


@pytest.mark.parametrize("name", STATELESS)
def test_reference_cases(name: str) -> None:
    """Within what C++ TMVA's scores in the file allow: float32, and much closer in double precision."""
    case = Case(name)
    X = case.data["X"]
    graph = to_onnx(case.model)
    onnx.checker.check_model(graph, full_check=True)
    np.testing.assert_allclose(runtime(graph, X), case.data["scores"], rtol=0, atol=2e-6)
    expected = case.model.predict(X, backend="reference").reshape(case.data["scores"].shape)
    np.testing.assert_allclose(evaluated(to_onnx(case.model, dtype="float64"), X), expected, rtol=0, atol=1e-7)


@pytest.mark.parametrize("name", sorted(path.name for path in READER.iterdir() if (path / "weights.xml").exists()))
def test_what_the_reader_answers(name: str) -> None:
    """Transformations of all kinds, targets on their scale."""
    data = np.load(READER / name / "data.npz")
    expected = data["scores_by_position" if "scores_by_position" in data.files else "scores"]
    model = read_weights(READER / name / "weights.xml")
    tolerance = json.loads((READER / name / "case.json").read_text(encoding="utf-8"))["tolerance"]
    np.testing.assert_allclose(runtime(to_onnx(model), data["X"]), expected, rtol=0, atol=tolerance)


def test_nan_and_infinite_inputs() -> None:
    """A NaN that no transformation takes away gives -999, NaN in other analyses, whatever the operators make of it."""
    data = np.load(READER / "nan_inputs" / "data.npz")
    for path in sorted((READER / "nan_inputs").glob("*.xml")):
        expected = data["scores_" + path.name.removesuffix(".weights.xml")]
        found = runtime(to_onnx(read_weights(path)), data["X"])
        np.testing.assert_allclose(found, expected, rtol=0, atol=2e-4, err_msg=path.name)


def stateless(seed: int) -> Model | None:
    model = random_models.right(np.random.default_rng(seed))
    return None if model.remembers else model


@pytest.mark.parametrize("first", [0, pytest.param(1000, marks=pytest.mark.slow)])
def test_random_models(first: int) -> None:
    compared = 0
    for seed in range(first, first + (40 if first == 0 else 400)):
        model = stateless(seed)
        if model is None:
            continue
        random = np.random.default_rng(seed)
        X = random.normal(0, 2, (9, len(model.variables))).astype(np.float32)
        X[8, random.integers(0, X.shape[1])] = np.nan
        expected = model.predict(X, backend="reference").reshape(len(X), model.outputs)
        # of a network that ends with a sequence, the steps before the NaN would be numbers
        expected[np.isnan(expected).any(1)] = np.nan
        with np.errstate(all="ignore"):  # NumPy warns of the NaN
            found = evaluated(to_onnx(model, dtype="float64"), X)
        np.testing.assert_allclose(found, expected, rtol=2e-7, atol=2e-7, err_msg=f"seed {seed}: {model}")
        np.testing.assert_allclose(runtime(to_onnx(model), X), expected, rtol=1e-4, atol=1e-4, err_msg=f"seed {seed}")
        compared += 1
    assert compared > 25


def test_normal_targets_are_mapped_back() -> None:
    """G of a target, which has to be asked for: the error function and the inverse of the distribution."""
    model = read_weights(READER / "regression_U_targets_only" / "weights.xml")
    (step,) = model.transformations
    assert isinstance(step, Gauss)
    layers = (Dense(1, len(model.variables), "LINEAR", weights=_ramp(len(model.variables))),)
    model = replace(model, transformations=(replace(step, flat=False),), layers=layers)
    X = np.zeros((2001, len(model.variables)), np.float32)
    X[:, 0] = np.linspace(-8, 8, len(X))
    found = evaluated(to_onnx(model, dtype="float64"), X)[:, 0]
    np.testing.assert_allclose(found, model.predict(X, backend="reference"), rtol=1e-6)
    assert len(np.unique(found)) > 500


def _ramp(size: int) -> dict[str, Any]:
    return {"W": np.eye(1, size), "b": np.zeros((1, 1))}


@pytest.mark.parametrize("name", ["lstm_sequence", "gru_before_sequence", "regression"])
def test_one_event_at_a_time(name: str) -> None:
    case = Case(name)
    graph = to_onnx(case.model, batch=1, check_nan=False)
    shape = graph.graph.input[0].type.tensor_type.shape
    assert [each.dim_value for each in shape.dim] == [1, *case.model.event_shape]
    assert not {node.op_type for node in graph.graph.node} & {"Shape", "ConstantOfShape", "IsNaN", "Where", "Softsign"}
    _, outputs = onnx_outputs(to_onnx(case.model, batch=1))
    np.testing.assert_allclose(outputs(case.data["X"][:5]), case.data["scores"][:5], rtol=0, atol=2e-6)
    scores = np.concatenate([runtime(graph, x[np.newaxis]) for x in case.data["X"][:20]])
    np.testing.assert_allclose(scores, case.data["scores"][:20], rtol=0, atol=2e-6)


def test_newer_operators() -> None:
    case = Case("stacked")
    graph = to_onnx(case.model, opset=21)
    assert graph.opset_import[0].version == 21
    assert to_onnx(case.model).ir_version == 9
    np.testing.assert_allclose(runtime(graph, case.data["X"]), case.data["scores"], rtol=0, atol=2e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"opset": 16}, "opset: expected 17 to .*; found 16"),
        ({"opset": 999}, "opset: .* found 999"),
        ({"batch": 0}, "batch: expected a number of events from 1 on, found 0"),
        ({"dtype": "int32"}, "dtype: expected float32 or float64, found int32"),
    ],
)
def test_what_cannot_be_asked_for(arguments: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        to_onnx(Case("rnn_last").model, **arguments)


def test_remembered_states_are_refused() -> None:
    with pytest.raises(DataError, match=r"RememberState has no ONNX: each score .* depends on the events before"):
        to_onnx(Case("remember_state").model)


def test_a_layer_without_onnx_is_refused() -> None:
    class Odd(Layer):
        kind = "ODD"

    with pytest.raises(DataError, match="ODD layers have no ONNX; there is one of RNN, LSTM, GRU, DENSE"):
        add_layer(GraphBuilder("float32"), Odd(), 0, Any)  # type: ignore[arg-type]


def test_the_file_says_what_it_is(tmp_path: Path) -> None:
    model = Case("regression").model
    recipe = Recipe(Variables(tuple(f"a{k}" for k in range(len(model.variables)))))
    save_onnx(replace(model, info=(*model.info, recipe_info(recipe))), tmp_path / "net.onnx")
    found = onnx.load(tmp_path / "net.onnx")
    names = {each.key: each.value for each in found.metadata_props}
    assert (names["title"], names["analysis"]) == (model.title, "Regression")
    assert json.loads(names["variables"]) == [variable.expression for variable in model.variables]
    assert json.loads(names["targets"]) == [target.expression for target in model.targets]
    assert json.loads(names["classes"]) == list(model.classes)
    assert Recipe.from_dict(json.loads(names["recipe"])) == recipe
    assert (found.producer_name, found.graph.output[0].name) == ("pytmva_rnn", "scores")


def test_arrays_are_named_as_they_are_declared() -> None:
    graph = to_onnx(read_weights(READER / "arrays_none" / "weights.xml"), check_nan=False)
    names = json.loads({each.key: each.value for each in graph.metadata_props}["variables"])
    assert names == ["vars_time0[2]", "vars_time1[2]", "vars_time2[2]"]


def test_all_activations() -> None:
    weights = {"W": np.eye(4), "b": np.zeros((4, 1))}
    X = np.linspace(-3, 3, 40, dtype=np.float32).reshape(10, 4)
    for name in ACTIVATIONS:
        model = Model(
            (Dense(4, 4, name, weights=weights),),
            tuple(Variable(f"x{k}", f"x{k}", "") for k in range(4)),
            (1, 1, 4),
            (1, 10, 4),
            analysis="Regression",
            classes=("Regression",),
            targets=tuple(Variable(f"t{k}", f"t{k}", "") for k in range(4)),
            output_function="I",
            loss="R",
        )
        found = runtime(to_onnx(model), X)
        np.testing.assert_allclose(found, model.predict(X, backend="reference"), rtol=0, atol=5e-7, err_msg=name)


def without_metadata(graph: Any) -> Any:
    del graph.metadata_props[:]
    return graph


@pytest.mark.parametrize(
    "path",
    [*READER.glob("*/*.xml"), *(path for path in FOLDER.glob("*/*.xml") if path.parent.name in STATELESS)],
    ids=lambda path: f"{path.parent.name}-{path.name}",
)
def test_a_weight_file_comes_back_to_the_digit(path: Path, tmp_path: Path) -> None:
    model = read_weights(path)
    save_onnx(model, tmp_path / "net.onnx")
    model.save(tmp_path / "before.xml")
    from_onnx(tmp_path / "net.onnx").save(tmp_path / "after.xml")
    assert (tmp_path / "after.xml").read_bytes() == (tmp_path / "before.xml").read_bytes()


def test_digits_that_float32_has_not_come_back() -> None:
    """9.765626e-04 and the like: float32 is coarser than seven digits just above a power of 2."""
    random = np.random.default_rng(5)
    case = Case("rnn_last")
    odd = random.uniform(9.766e-4, 9.999e-4, case.model.layers[0].weights["W"].shape)
    weights = {**case.model.layers[0].weights, "W": np.round(odd, 10)}
    model = replace(case.model, layers=(replace(case.model.layers[0], weights=weights), *case.model.layers[1:]))
    lost = [w for w in np.round(odd, 10).ravel() if f"{w:.6e}" != f"{np.float32(w):.6e}"]
    assert lost
    again = from_onnx(to_onnx(model)).layers[0].weights["W"]
    assert [f"{w:.6e}" for w in again.ravel()] == [f"{w:.6e}" for w in np.round(odd, 10).ravel()]


def test_weights_trained_elsewhere_are_taken(caplog: pytest.LogCaptureFixture) -> None:
    model = read_weights(READER / "mva_pdfs" / "weights.xml")
    graph = to_onnx(model)
    last = f"layer{len(model.layers) - 1}.W"
    (weights,) = (each for each in graph.graph.initializer if each.name == last)
    values = onnx.numpy_helper.to_array(weights) * np.float32(1.5)
    weights.CopyFrom(onnx.numpy_helper.from_array(values, last))
    found = from_onnx(graph)
    np.testing.assert_array_equal(found.layers[-1].weights["W"], values)
    assert (bool(model.mva_pdfs), found.mva_pdfs) == (True, ())
    assert "the distributions of the scores (CreateMVAPdfs) were those of other weights" in caplog.text


def test_a_file_that_was_changed_is_refused() -> None:
    graph = to_onnx(Case("lstm_last").model)
    for node in graph.graph.node:
        if node.op_type == "Sigmoid":
            node.op_type = "Tanh"
    with pytest.raises(DataError, match="answers otherwise than its source, by up to"):
        from_onnx(graph)
    with pytest.raises(DataError, match="it says itself what variables are; leave that out"):
        from_onnx(to_onnx(Case("lstm_last").model), variables=["a"])
    onnx.helper.set_model_props(graph, {"pytmva_rnn": "{}"})
    with pytest.raises(DataError, match="metadata"):
        from_onnx(graph)


@pytest.mark.parametrize("name", STATELESS)
def test_without_metadata_the_layers_are_found(name: str) -> None:
    """By their numbers, as those of any other file: also activations that are made of several operators."""
    case = Case(name)
    found = from_onnx(
        without_metadata(to_onnx(case.model, check_nan=False)),
        variables=list(case.model.variables),
        analysis="regression" if name == "regression" else None,
    )
    # what is flat already is not made so again, and a batch normalisation does not tell its momentum
    layouts = [[layer.layout() for layer in each.layers if layer.kind != "RESHAPE"] for each in (found, case.model)]
    wanted = [layout.replace("FTANH", "TANH").replace("BNORM|-1|", "BNORM|0.9|") for layout in layouts[1]]
    assert layouts[0] == wanted
    expected = case.data["scores"]
    np.testing.assert_allclose(found.predict(case.data["X"]).reshape(expected.shape), expected, rtol=0, atol=2e-6)


def test_a_file_in_double_precision_or_for_one_event_comes_back() -> None:
    model = Case("gru_before_sequence").model
    for arguments in ({"dtype": "float64"}, {"batch": 1}, {"opset": 21}):
        found = from_onnx(to_onnx(model, **arguments))  # type: ignore[arg-type]
        assert found.layers[0].layout() == model.layers[0].layout()

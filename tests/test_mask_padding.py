"""Steps that are not there, left out of states and gradients: kernels, arrays, files, training, and what is refused."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
from numpy.typing import NDArray

from pytmva_rnn import (
    Dataset,
    Ensemble,
    Model,
    Recipe,
    Steps,
    evaluate,
    load,
    load_config,
    make_report,
    mark_padding,
    score,
    train,
    train_many,
    vary,
)
from pytmva_rnn.cli import main
from pytmva_rnn.description import GRU, LSTM, RNN, Dense, Layer, Reshape, Variable
from pytmva_rnn.errors import BackendError, CheckpointError, ConfigError, DataError, OptionError, WeightFileError
from pytmva_rnn.export.cpp.header import generate
from pytmva_rnn.kernels import Computation, engine_class
from pytmva_rnn.pyroot.compiled import row_function
from pytmva_rnn.report.event_inputs import EventInputs
from tests.streamed import limited, write_events

T, D, H, N = 5, 3, 4, 37
OPTIONS = (
    "InputLayout=5|3:Layout=LSTM|4|3|5|0|1,RESHAPE|FLAT,LINEAR:VarTransform=N:RandomSeed=3:"
    "TrainingStrategy=MaxEpochs=2,BatchSize=20,TestRepetitions=1,LearningRate=1e-2"
)
NETWORKS: dict[str, list[Layer]] = {
    "LSTM": [LSTM(H, D, T), Dense(1, H, "LINEAR")],
    "GRU": [GRU(H, D, T), Dense(1, H, "LINEAR")],
    "GRU, reset gate after, sequence": [
        GRU(H, D, T, return_sequence=True, reset_gate_after=True),
        Reshape(1, 1, T * H, flat=True),
        Dense(1, T * H, "LINEAR"),
    ],
    "three layers": [
        RNN(H, D, T, return_sequence=True),
        LSTM(H, H, T, return_sequence=True),
        RNN(H, H, T),
        Dense(1, H, "LINEAR"),
    ],
    "a sequence at the end": [RNN(1, D, T, return_sequence=True)],
}


def _weights(layers: list[Layer]) -> list[dict[str, NDArray[Any]]]:
    random = np.random.default_rng(1)
    return [{name: random.normal(0, 0.5, each.shape) for name, each in layer.arrays().items()} for layer in layers]


def _engine(backend: str, layers: list[Layer], weights: Any, *, mask_padding: bool = True) -> Any:
    steps = layers[0].steps
    return engine_class(backend)(Computation(layers, weights, steps, D, "R", mask_padding=mask_padding))


@pytest.fixture(scope="module")
def there() -> NDArray[np.bool_]:
    """Steps of all kinds of events: without any, with all, with gaps, and without the first or the last."""
    mask = np.random.default_rng(2).random((N, T)) < 0.6
    mask[:3] = [[False] * T, [True] * T, [False, True, False, True, False]]
    return mask


@pytest.fixture(scope="module")
def events(there: NDArray[np.bool_]) -> NDArray[np.float32]:
    return mark_padding(np.random.default_rng(3).normal(size=(N, T, D)).astype(np.float32), mask=there)


@pytest.mark.parametrize("layers", NETWORKS.values(), ids=NETWORKS)
def test_gradients_are_those_of_finite_differences_and_of_both_backends(
    layers: list[Layer], there: NDArray[np.bool_], events: NDArray[np.float32]
) -> None:
    random = np.random.default_rng(4)
    weights = _weights(layers)
    y = random.integers(0, 2, (N, T if len(layers) == 1 else 1)).astype(np.float32)
    batch = events, y, random.uniform(0.5, 2, N).astype(np.float32)
    reference, cpu = (_engine(backend, layers, weights) for backend in ("reference", "cpu"))
    scores, (loss, gradients, of_inputs) = reference.outputs(events), reference.gradients(*batch)
    for number, each in enumerate(weights):
        for name, values in each.items():
            place = tuple(random.integers(0, size) for size in values.shape)
            losses = []
            for change in (1e-6, -1e-6):
                changed = [dict(given) for given in weights]
                changed[number][name] = values.copy()
                changed[number][name][place] += change
                losses.append(_engine("reference", layers, changed).loss(*batch))
            assert gradients[number][name][place] == pytest.approx((losses[0] - losses[1]) / 2e-6, abs=1e-7)
    assert not of_inputs[~there].any()
    np.testing.assert_allclose(cpu.outputs(events), scores, atol=3e-6)
    found = cpu.gradients(*batch)
    assert found[0] == pytest.approx(loss, abs=1e-5)
    for mine, its in zip(found[1], gradients, strict=True):
        for name in its:
            np.testing.assert_allclose(mine[name], its[name], atol=5e-6)
    np.testing.assert_allclose(found[2], of_inputs, atol=5e-6)
    single = cpu.single()
    np.testing.assert_allclose([np.ravel(single(x)).copy() for x in events], scores, atol=3e-6)


@pytest.mark.parametrize("name", ["LSTM", "GRU", "three layers"])
def test_an_event_has_the_score_of_its_steps_alone(
    name: str, there: NDArray[np.bool_], events: NDArray[np.float32]
) -> None:
    layers = NETWORKS[name]
    weights = _weights(layers)
    scores = _engine("reference", layers, weights).outputs(events)
    for event in range(1, 8):
        own = events[event][there[event]]
        short: Any = [replace(each, time_steps=len(own)) if each.state_widths else each for each in layers]
        alone = _engine("reference", short, weights, mask_padding=False).outputs(own[np.newaxis])
        np.testing.assert_allclose(alone[0], scores[event], atol=1e-12)


@pytest.mark.parametrize("backend", ["cpu", "reference"])
def test_where_all_steps_are_there_nothing_changes_to_the_last_bit(backend: str) -> None:
    X, y = np.random.default_rng(5).normal(size=(N, T, D)).astype(np.float32), np.ones((N, 1), np.float32)
    for name in ("LSTM", "GRU"):
        layers, weights = NETWORKS[name], _weights(NETWORKS[name])
        one, other = (_engine(backend, layers, weights, mask_padding=masks) for masks in (True, False))
        np.testing.assert_array_equal(one.outputs(X), other.outputs(X))
        mine, its = (each.gradients(X, y, np.ones(N, np.float32)) for each in (one, other))
        np.testing.assert_array_equal(mine[1][0]["U_c"], its[1][0]["U_c"])


@pytest.mark.parametrize("kind", ["LSTM", "RNN", "GRU"])
def test_states_and_gradients_are_those_of_packed_sequences(kind: str) -> None:
    torch = pytest.importorskip("torch")
    from pytmva_rnn.export.pytorch import to_torch

    layer = {"LSTM": LSTM(H, D, T), "RNN": RNN(H, D, T), "GRU": GRU(H, D, T, reset_gate_after=True)}[kind]
    layers: list[Layer] = [layer, Dense(1, H, "LINEAR")]
    weights = _weights(layers)
    model = _model(tuple(replace(each, weights=own) for each, own in zip(layers, weights, strict=True)))
    module = to_torch(model, dtype=torch.float64).layers
    lengths = np.random.default_rng(6).integers(1, T + 1, N)
    X = np.random.default_rng(7).normal(size=(N, T, D))
    packed = torch.nn.utils.rnn.pack_padded_sequence(
        torch.from_numpy(X), torch.from_numpy(lengths), batch_first=True, enforce_sorted=False
    )
    last = module[0](packed)[1]
    wanted = module[-1]((last[0] if kind == "LSTM" else last)[0])
    y = np.ones((N, 1))
    ((wanted - torch.from_numpy(y)) ** 2).mean().backward()
    engine = _engine("reference", layers, weights)
    marked = mark_padding(X, lengths=lengths)
    np.testing.assert_allclose(engine.outputs(marked), wanted.detach().numpy(), atol=1e-12)
    gradients = engine.gradients(marked, y, np.ones(N))[1][0]
    gates = {"LSTM": ["_i", "_f", "_c", "_o"], "RNN": [""], "GRU": ["_r", "_z", "_c"]}[kind]
    for ours, its in (("W", "weight_ih_l0"), ("U", "weight_hh_l0")):
        stacked = np.concatenate([gradients[f"{ours}{gate}"] for gate in gates])
        np.testing.assert_allclose(stacked, getattr(module[0], its).grad.numpy(), atol=1e-12)


def _model(layers: tuple[Layer, ...]) -> Model:
    variables = tuple(Variable(f"x{k}", f"x{k}", f"x{k}") for k in range(T * D))
    return Model(layers, variables, (T, 1, D), (4, T, D), mask_padding=True)


@pytest.fixture(scope="module")
def sample() -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """X with numbers everywhere, labels, and how many steps are there."""
    random = np.random.default_rng(8)
    y = random.integers(0, 2, 300)
    X = (random.normal(size=(300, T, D)) + y[:, None, None]).astype(np.float32)
    return X, y, random.integers(0, T + 1, 300)


@pytest.fixture(scope="module")
def model(sample: Any) -> Model:
    X, y, lengths = sample
    return train(X, y, OPTIONS, lengths=lengths).model


def test_what_padded_steps_hold_does_not_matter(sample: Any, model: Model) -> None:
    X, y, lengths = sample
    mask = np.arange(T) < lengths[:, None]
    other = np.where(mask[:, :, None], X, np.float32(1e30))
    other[~mask & (np.arange(T) == 4)] = np.inf
    again = train(other, y, OPTIONS, mask=mask).model
    scores = model.predict(X, lengths=lengths)
    np.testing.assert_array_equal(again.predict(other, mask=mask), scores)
    marked = mark_padding(X, lengths=lengths)
    np.testing.assert_array_equal(model.predict(marked.reshape(len(X), -1)), scores)
    np.testing.assert_allclose(model.predict(marked, backend="reference"), scores, atol=1e-6)
    np.testing.assert_allclose([model.predict_one(x) for x in marked[:20]], scores[:20], atol=1e-6)
    assert len(set(scores[lengths == 0].tolist())) == 1
    ranges = model.transformations[0].ranges[-1]  # type: ignore[attr-defined]
    assert ranges[0][0] == X[lengths > 0, 0, 0].min()
    assert ranges[-1][1] == X[lengths > 4, 4, 2].max()


def test_nan_among_inputs_of_a_step_that_is_there_is_no_padding(sample: Any, model: Model) -> None:
    X = sample[0][:2].copy()
    X[0, 1, 0] = np.nan
    assert model.predict(X, lengths=np.array([2, 5]))[0] == -999
    X[0, 1] = np.nan
    with pytest.raises(DataError, match="step 1 of event 0 is there, but NaN in all its inputs"):
        model.predict(X, lengths=np.array([2, 5]))
    bad = sample[0].copy()
    bad[7, 0, 0] = np.nan
    with pytest.raises(DataError, match="NaN or infinity in 1 event"):
        train(bad, sample[1], OPTIONS, lengths=np.full(300, T))


def test_zeros_are_not_taken_for_padding_nor_for_steps_where_nobody_tells(sample: Any, model: Model) -> None:
    X = sample[0][:4].copy()
    X[2, 3:] = 0
    with pytest.raises(DataError, match="steps of zeros at an end, first in event 2"):
        model.predict(X)
    with pytest.raises(DataError, match="steps of zeros at an end"):
        model.predict_one(X[2])
    told = model.predict(X, lengths=np.full(4, T))
    assert told[2] != model.predict(X, lengths=np.array([5, 5, 3, 5]))[2]
    np.testing.assert_array_equal(model.predict(X[:2]), told[:2])
    with pytest.raises(DataError, match=r"validation: .* steps of zeros"):
        train(*sample[:2], OPTIONS, lengths=sample[2], validation=(X, np.array([0, 1, 0, 1])))


def test_what_does_not_fit_is_refused(sample: Any, model: Model) -> None:
    X, y, lengths = sample
    for wrong, message in (
        ({"lengths": lengths + 3}, "event . cannot have . of 5 steps"),
        ({"lengths": lengths[:4]}, "lengths are 300 whole numbers"),
        ({"mask": np.ones((300, T))}, "mask is true or false for each step"),
        ({"mask": np.ones((300, T), bool), "lengths": lengths}, "either mask"),
    ):
        with pytest.raises(DataError, match=message):
            model.predict(X, **wrong)
    with pytest.raises(DataError, match="trained without mask_padding"):
        replace(model, mask_padding=False).predict(X, lengths=lengths)
    with pytest.raises(BackendError, match="Architecture=CPU"):
        train(X, y, OPTIONS, lengths=lengths, backend="cuda")
    with pytest.raises(BackendError, match='use backend="cpu"'):
        model.predict(X, lengths=lengths, backend="cuda")
    with pytest.raises(OptionError, match="VarTransform, D: with mask_padding"):
        train(X, y, OPTIONS.replace("=N:", "=D:"), lengths=lengths)
    with pytest.raises(DataError, match=r"expected layers first that can leave out steps .* RESHAPE as layer 0"):
        train(X, y, "InputLayout=5|3:Layout=RESHAPE|FLAT,LINEAR", lengths=lengths)
    with pytest.raises(DataError, match=r"InputLayout=.* does not describe: InputLayout=5\|3 does"):
        train(X, y, "Layout=LSTM|4|15|1|0|0,LINEAR", lengths=lengths)
    with pytest.raises(DataError, match="a Dataset tells"):
        train(Dataset.from_arrays(X, y, lengths=lengths), OPTIONS, lengths=lengths)  # type: ignore[call-overload]
    with pytest.raises(DataError, match="make both alike"):
        model.predict(Dataset.from_arrays(X, y))


def test_files_that_cannot_say_it_are_refused(model: Model, tmp_path: Path) -> None:
    with pytest.raises(WeightFileError, match=r"C\+\+ TMVA would score the padding .* save_onnx and save_torch"):
        model.save(tmp_path / "net.weights.xml")
    with pytest.raises(DataError, match="headers score every step"):
        generate(model, "Net")
    assert not list(tmp_path.iterdir())


def test_a_pickle_keeps_it_and_what_is_shown_tells_it(sample: Any, model: Model) -> None:
    X, _, lengths = sample
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X, lengths=lengths), model.predict(X, lengths=lengths))
    assert "steps that are not there are left out" in repr(model)
    assert "left out" in model._repr_html_()


def test_a_dataset_of_lists_knows_which_steps_are_there(sample: Any) -> None:
    columns = _columns(sample)
    data = load(_recipe(), columns, classes={"Signal": "label == 1", "Background": "label == 0"})
    np.testing.assert_array_equal(data.X, mark_padding(sample[0], lengths=sample[2])[data.entries])
    result = train(data, OPTIONS)
    scores = result.model.predict(data)
    np.testing.assert_array_equal(result.model.predict(columns), scores[np.argsort(data.entries)])
    assert make_report(result.model, data, history=result.history).to_dict()
    assert evaluate(result.model, data)
    inputs = EventInputs.of(result.model, data)
    np.testing.assert_array_equal(inputs.there(data.X).sum(1), sample[2][data.entries])
    start = load(
        replace(_recipe(), inputs=replace(_recipe().inputs, pad_side="start")),
        columns,
        classes={"Signal": "label == 1", "Background": "label == 0"},
    )
    assert np.isnan(start.X[:, 0]).all(1).sum() == (sample[2] < T).sum()


def test_variables_one_by_one_have_to_be_marked(sample: Any, model: Model, caplog: pytest.LogCaptureFixture) -> None:
    marked = mark_padding(sample[0], lengths=sample[2])
    wanted = model.predict(marked)

    def columns(X: NDArray[Any]) -> dict[str, NDArray[Any]]:
        flat = X.reshape(len(X), -1)
        return {variable.label: flat[:, place] for place, variable in enumerate(model.variables)}

    np.testing.assert_array_equal(model.predict(columns(marked)), wanted)
    with caplog.at_level("WARNING", "pytmva_rnn"):
        np.testing.assert_array_equal(score(model, columns(marked))[model.title], wanted)
    assert not caplog.records
    padded = columns(np.nan_to_num(marked))
    for scored in (model.predict, lambda given: score(model, given), lambda given: Ensemble((model,)).predict(given)):
        with pytest.raises(DataError, match="steps of zeros at an end"):
            scored(padded)


def test_an_ensemble_is_of_one_kind_and_knows_the_steps_of_a_dataset(sample: Any, model: Model) -> None:
    X, y, _ = sample
    with pytest.raises(DataError, match="the mask_padding of member 2"):
        Ensemble((model, replace(model, mask_padding=False)))
    zeros = X.copy()
    zeros[:, -1] = 0
    data = Dataset.from_arrays(zeros, y, lengths=np.full(len(X), T))
    np.testing.assert_array_equal(Ensemble((model, model)).predict(data), model.predict(data))


def test_a_recipe_and_a_network_agree_about_steps_that_are_not_there(sample: Any) -> None:
    columns = _columns(sample)
    data = load(_recipe(), columns, classes={"Signal": "label == 1", "Background": "label == 0"})
    trained = train(data, OPTIONS).model
    with pytest.raises(WeightFileError, match="marks steps that are not there, but the network takes all"):
        replace(trained, mask_padding=False).predict(columns)
    with pytest.raises(DataError, match="in an RDataFrame steps that are not there"):
        row_function(_recipe(), None)


def test_networks_with_and_without_masks_are_not_compared(
    model: Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    from pytmva_rnn.export.pytorch import save_torch

    save_torch(model, tmp_path / "net.pt")
    replace(model, mask_padding=False).save(tmp_path / "net.weights.xml")
    assert main(["compare", *(str(tmp_path / name) for name in ("net.weights.xml", "net.pt", "none.root"))]) == 1
    assert "net.pt leaves out steps that are not there (mask_padding), and" in capsys.readouterr().err


def test_partitions_of_full_events_know_their_steps(sample: Any) -> None:
    dask_awkward = pytest.importorskip("dask_awkward")
    X, y, lengths = sample
    X = X.copy()
    X[:40, -1], full = 0, np.where(np.arange(len(X)) < 40, T, lengths)
    columns = _columns((X, y, full))
    data = load(_recipe(), columns, classes={"Signal": "label == 1", "Background": "label == 0"})
    trained = train(data, OPTIONS).model
    lazy = dask_awkward.from_awkward(ak.Array(columns)[:80], npartitions=2)
    found = trained.predict(lazy).compute()
    np.testing.assert_array_equal(found, trained.predict(columns)[:80])


def _columns(sample: Any) -> dict[str, Any]:
    X, y, lengths = sample
    lists = {f"j{d}": ak.Array([X[n, : lengths[n], d] for n in range(len(X))]) for d in range(D)}
    return {**lists, "label": y, "ht": np.arange(len(X), dtype=np.float32)}


def _recipe(**more: Any) -> Recipe:
    return Recipe(Steps({f"j{d}": f"j{d}" for d in range(D)}, steps=T, mask_padding=True, **more))


def test_an_element_of_zeros_is_a_step_and_one_of_nan_is_refused() -> None:
    columns: dict[str, Any] = {
        "j": ak.Array([[0.0, 1.0], [0.0], []]),
        "label": np.array([1, 0, 0]),
        "ht": [7.0, 8.0, 9.0],
    }
    recipe = Recipe(Steps({"j": "j"}, steps=2, per_event={"ht": "ht"}, mask_padding=True))
    classes = {"Signal": "label == 1", "Background": "label == 0"}
    nan = np.nan
    X = load(recipe, columns, classes=classes).X
    np.testing.assert_array_equal(X, [[[0, 7], [1, 7]], [[0, 8], [nan, nan]], [[nan, nan], [nan, nan]]])
    columns["j"] = ak.Array([[0.0, 1.0], [nan], []])
    with pytest.raises(DataError, match=r"step 0 of entry 1 .* is NaN in all its inputs"):
        load(Recipe(Steps({"j": "j"}, steps=2, mask_padding=True), allow_nan=True), columns, classes=classes)
    with pytest.raises(DataError, match="input j_0 is nan"):
        load(recipe, columns, classes=classes)
    with pytest.raises(DataError, match="give one of them"):
        Steps({"j": "j"}, steps=2, pad_value=-1.0, mask_padding=True)
    assert Steps.from_dict(recipe.inputs.to_dict()) == recipe.inputs  # type: ignore[union-attr]


def test_a_training_goes_on_from_its_checkpoint_and_not_from_one_that_takes_all_steps(
    sample: Any, tmp_path: Path
) -> None:
    X, y, lengths = sample
    whole = train(X, y, OPTIONS, lengths=lengths)
    path = tmp_path / "c.npz"
    with pytest.raises(ZeroDivisionError):
        train(X, y, OPTIONS, lengths=lengths, checkpoint=path, on_epoch=lambda row: 1 / 0)
    again = train(X, y, OPTIONS, lengths=lengths, checkpoint=path, resume=True)
    np.testing.assert_array_equal(again.model.layers[0].weights["U_f"], whole.model.layers[0].weights["U_f"])
    with pytest.raises(CheckpointError, match="mask_padding"):
        train(mark_padding(X, lengths=np.full(300, T)), y, OPTIONS, checkpoint=path, resume=True)


def test_events_beyond_memory_are_left_out_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_events(tmp_path)
    memory = limited(monkeypatch, tmp_path / "cache")
    recipe = Recipe(Steps({"a": "x", "b": "x * y"}, steps=3, sort_by="x", mask_padding=True))
    sources = {name: f"{tmp_path}/a.root:{tree}" for name, tree in (("Signal", "sgn"), ("Background", "bkg"))}
    plain, beyond = load(recipe, sources), load(recipe, sources, memory=memory)
    assert beyond.storage is not None
    assert np.isnan(plain.X).any()
    options = (
        "Layout=LSTM|4|2|3|0|0,LINEAR:VarTransform=N,G:RandomSeed=3:"
        "TrainingStrategy=MaxEpochs=1,BatchSize=20,TestRepetitions=1"
    )
    one, other = (train(data.divide().training, options) for data in (plain, beyond))
    normalized, gauss = zip(one.model.transformations, other.model.transformations, strict=True)
    np.testing.assert_array_equal(normalized[0].ranges, normalized[1].ranges)  # type: ignore[attr-defined]
    tables = [each.distributions[3][-1].contents for each in gauss]  # type: ignore[attr-defined]
    np.testing.assert_array_equal(*tables)
    assert np.isfinite(other.history[0].training_error)
    np.testing.assert_array_equal(one.model.predict(beyond), one.model.predict(plain))
    with pytest.raises(DataError, match="one by one, or without a folder"):
        train_many(plain, vary(seeds=[1, 2]), options, folder=tmp_path)


def test_onnx_has_the_mask_in_its_graph(sample: Any, model: Model) -> None:
    onnx = pytest.importorskip("onnx")
    from pytmva_rnn.export.onnx import from_onnx, to_onnx

    X = mark_padding(sample[0], lengths=sample[2])[:40]
    wanted = model.predict(X)
    graph = to_onnx(model)
    (found,) = onnx.reference.ReferenceEvaluator(graph).run(None, {"x": X})
    np.testing.assert_allclose(found[:, 0], wanted, atol=1e-6)
    np.testing.assert_array_equal(from_onnx(graph).predict(X), wanted)


def test_pytorch_has_it_too(sample: Any, model: Model, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from pytmva_rnn.export.pytorch import from_torch, save_torch, to_torch

    X = mark_padding(sample[0], lengths=sample[2])
    network = to_torch(model)
    np.testing.assert_allclose(network(torch.from_numpy(X)).detach()[:, 0], model.predict(X), atol=1e-6)
    network(torch.from_numpy(X)).sum().backward()
    assert torch.isfinite(network.layers[0].weight_ih_l0.grad).all()
    save_torch(model, tmp_path / "net.pt")
    np.testing.assert_array_equal(from_torch(tmp_path / "net.pt").predict(X), model.predict(X))


def test_the_estimator_leaves_out_steps_of_nan(sample: Any) -> None:
    pytest.importorskip("sklearn")
    from pytmva_rnn.estimator import RNNClassifier

    X, y, lengths = sample
    marked = mark_padding(X, lengths=lengths)
    estimator = RNNClassifier(layout="LSTM|4,LINEAR", mask_padding=True, max_epochs=2, random_state=1)
    fitted = estimator.fit(marked, y)
    assert fitted.model_.mask_padding
    assert fitted.predict_proba(marked.reshape(300, -1)).shape == (300, 2)
    with pytest.raises(ValueError, match="NaN"):
        RNNClassifier(layout="LSTM|4,LINEAR", max_epochs=2).fit(marked, y)
    with pytest.raises(ValueError, match="steps of zeros"):
        estimator.fit(np.where(np.isnan(marked), 0, marked), y)


CONFIG = """
[input]
files = "events.root"
classes = { Signal = "label == 1", Background = "label == 0" }
[sequence]
steps = 5
inputs = { j0 = "j0", j1 = "j1", j2 = "j2" }
mask_padding = true
[method]
title = "DL"
options = "Layout=LSTM|4|3|5|0|0,LINEAR:RandomSeed=3:TrainingStrategy=MaxEpochs=2,BatchSize=20,TestRepetitions=1"
[output]
"""


def test_the_command_trains_scores_and_reports_with_a_file_that_can_say_it(
    sample: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnx")
    monkeypatch.chdir(tmp_path)
    with uproot.recreate("events.root") as file:
        file["t"] = {name: ak.Array(values) for name, values in _columns(sample).items()}
    for line, message in (("", "weights is missing"), ('weights = "net.weights.xml"', "ends with .onnx")):
        Path("c.toml").write_text(CONFIG + line)
        with pytest.raises(ConfigError, match=message):
            load_config("c.toml")
    Path("c.toml").write_text(CONFIG + 'weights = "net.onnx"')
    assert main(["train", "c.toml", "--seeds", "1..2"]) == 1
    assert "one by one" in capsys.readouterr().err
    assert main(["train", "c.toml"]) == 0
    assert main(["evaluate", "net.onnx", "events.root", "-o", "scores.root"]) == 0
    assert main(["inspect", "net.onnx"]) == 0
    assert "left out" in capsys.readouterr().out
    with uproot.open("scores.root") as file:
        scores = file["scores"]["DL"].array(library="np")
    assert np.isfinite(scores).all()
    assert len(scores) == 300

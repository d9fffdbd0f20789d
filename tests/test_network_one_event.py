"""One event at a time."""

from __future__ import annotations

import copy
import gc
import importlib
import pickle
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest

from pytmva_rnn import mark_padding, train
from pytmva_rnn.compile import records
from pytmva_rnn.errors import DataError
from pytmva_rnn.kernels.cpu.engine import Engine
from pytmva_rnn.kernels.cpu.machine import single
from pytmva_rnn.network.one_event import Scorer, scorer
from pytmva_rnn.options import TrainingPhase
from tests.reference import CASES, Case
from tests.test_kernels_cpu import ALL_LAYERS, Net, recurrent


@pytest.mark.parametrize("name", [name for name in CASES if name != "remember_state"])
def test_reference_cases(name: str) -> None:
    case = Case(name)
    steps = case.model.input_layout
    for event, expected in zip(case.data["X"][:40], case.data["scores"], strict=False):
        score = case.model.predict_one(event)
        assert isinstance(score, float if len(expected) == 1 else np.ndarray)
        np.testing.assert_allclose(score, expected[0] if len(expected) == 1 else expected, rtol=0, atol=2e-6)
    shaped = event.reshape(steps[0] * steps[1], steps[2])
    np.testing.assert_array_equal(case.model.predict_one(shaped), score)
    np.testing.assert_array_equal(case.model.predict_one(shaped.astype(np.float64)), score)
    np.testing.assert_array_equal(case.model.predict_one(shaped.tolist()), score)
    np.testing.assert_array_equal(case.model.predict_one(np.asfortranarray(shaped)), score)


@ALL_LAYERS
@pytest.mark.parametrize("H", [1, 3, 15, 16, 17, 33, 64, 65, 130])
def test_sizes(kind: str, H: int) -> None:
    lower, upper = recurrent(kind, H, 5, 3), recurrent(kind, H, H, 3, sequence=0)
    net = Net(f"{lower},{upper},DENSE|20|TANH,DENSE|70|GAUSS,BNORM,DENSE|2|LINEAR", (3, 1, 5), 6, outputs=2, loss="R")
    engine = net.engine(Engine)
    evaluate = engine.single()
    scores = np.array([evaluate(x.ravel()).copy() for x in net.X])
    np.testing.assert_array_equal(scores, engine.outputs(net.X))


def test_reshape() -> None:
    net = Net("RESHAPE|6|1|5,RNN|4|5|6|0|1,RESHAPE|3|1|8,LSTM|4|8|3|0|1,RESHAPE|FLAT,LINEAR", (1, 1, 30), 4)
    engine = net.engine(Engine)
    evaluate = engine.single()
    scores = np.array([evaluate(x) for x in net.X])
    np.testing.assert_array_equal(scores, engine.outputs(net.X)[:, 0])


def test_weights_are_those_of_the_time() -> None:
    """A function has a copy of them in an order of its own."""
    net = Net("LSTM|6|5|4|0|1,RESHAPE|FLAT,DENSE|17|TANH,LINEAR", (4, 1, 5), 60)
    engine = net.engine(Engine, settings=TrainingPhase(learning_rate=1e-2))
    scores, x = [engine.single(), engine.single()], net.X[0]
    start, state = scores[0](x), engine.state()
    engine.step(*net.batch, np.arange(60), 1)
    after = float(engine.outputs(net.X[:1])[0, 0])
    assert after != pytest.approx(start, abs=1e-4)
    assert [score(x) for score in scores] == pytest.approx([after, after], abs=1e-6)
    engine.gradient(*net.batch, np.arange(60), 1)
    engine.descend()
    assert scores[0](x) == pytest.approx(float(engine.outputs(net.X[:1])[0, 0]), abs=1e-6)
    engine.restore(state)
    assert [score(x) for score in scores] == [start, start]


def test_functions_that_are_made_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """All look at the same description of the compiled function, which nothing frees: else a call ends the process."""
    builtin = importlib.import_module("pytmva_rnn.compile.builtin")  # the package has the function
    together, described = threading.Barrier(4), []
    check, make = builtin.check_arrays, builtin._MAKE

    def check_together() -> None:
        check()
        together.wait(60)

    def noted(method: int, *others: Any) -> Any:
        described.append(method)
        return make(method, *others)

    monkeypatch.setattr(builtin, "_methods", {})
    monkeypatch.setattr(builtin, "check_arrays", check_together)
    monkeypatch.setattr(builtin, "_MAKE", noted)
    model = Case("adadelta").model
    with ThreadPoolExecutor(4) as pool:
        scorers = list(pool.map(lambda _: scorer(copy.deepcopy(model)), range(4)))
    assert len(scorers) == 4
    assert len(set(described)) == 1


def test_remembered_states_start_at_zero() -> None:
    case = Case("remember_state")
    event = case.data["X"][3]
    first = case.model.predict_one(event)
    assert case.model.predict_one(event) == first
    assert first == pytest.approx(float(case.model.predict(event[np.newaxis])[0]), abs=1e-6)


@pytest.mark.slow
def test_many_threads() -> None:
    case = Case("lstm_sequence")
    events = case.data["X"]
    expected = case.model.predict(events)
    with ThreadPoolExecutor(8) as pool:
        scores = list(pool.map(case.model.predict_one, list(events) * 5))
    np.testing.assert_allclose(scores, np.tile(expected, 5), rtol=0, atol=1e-6)


def test_nan_is_reported_as_by_tmva() -> None:
    for name, reported in (("lstm_sequence", -999), ("multiclass_softmax", np.nan), ("regression", np.nan)):
        case = Case(name)
        event = case.data["X"][0].copy()
        event[3] = np.nan
        for found in (case.model.predict_one(event), case.model.predict(event[np.newaxis])):
            np.testing.assert_array_equal(found, np.full_like(found, reported))


@pytest.mark.parametrize("kind", ["one output", "classes", "a target", "targets", "masked"])
def test_a_handler_of_a_signal_may_score_events_too(kind: str) -> None:
    """In the middle of an event, of the same model: Python calls it between any two of its instructions."""
    random = np.random.default_rng(1)
    X = random.standard_normal((40, 6), np.float32) * 3
    numbers, given = random.standard_normal((40, 2), np.float32) * 20 + 100, {}
    analysis = {"classes": "multiclass", "targets": "regression", "a target": "regression"}.get(kind, "classification")
    y: Any = np.arange(40) % (3 if kind == "classes" else 2)
    if analysis == "regression":
        y = numbers if kind == "targets" else numbers[:, :1]
    if kind == "masked":
        given["lengths"] = np.arange(40) % 4
    options = (
        "InputLayout=3|2:Layout=RNN|3|2|3|0|0,LINEAR:VarTransform=N:RandomSeed=1:"
        "TrainingStrategy=MaxEpochs=1,TestRepetitions=1,BatchSize=8"
    )
    shaped = X.reshape(40, 3, 2)
    model = train(shaped, y, options, analysis=analysis, backend="reference", progress=False, **given).model
    if kind == "masked":
        X = mark_padding(shaped, lengths=given["lengths"]).reshape(40, 6)
    expected = [model.predict_one(x) for x in X[:4]]
    before, package, handled = sys.gettrace(), str(Path(single.__file__).parents[3]), 0

    def handler(frame: FrameType, event: str, _: object) -> Any:
        nonlocal handled
        if frame.f_code.co_filename.startswith(package):
            handled += 1
            for x in X[4:6]:
                model.predict_one(x)
        return handler

    found = []
    for x in (X[0], X[1].tolist(), X[2].astype(float), X[3]):
        sys.settrace(handler)
        found.append(model.predict_one(x))
        sys.settrace(before)
    np.testing.assert_array_equal(found, expected)
    assert handled > 8


def test_wrong_shape() -> None:
    model = Case("lstm_sequence").model
    for wrong in (np.zeros(29), np.zeros((5, 6)), np.zeros((1, 6, 5)), 3.0):
        with pytest.raises(DataError, match="expected"):
            model.predict_one(wrong)


def test_what_only_looks_like_a_float32_array_is_prepared() -> None:
    """Compiled code looks into objects itself: what it does not read as it lies is brought into that form."""
    model = Case("lstm_sequence").model
    event = Case("lstm_sequence").data["X"][0].astype(np.float32)
    score = model.predict_one(event)
    described = event.view(np.dtype(np.float32, metadata={"unit": "GeV"}))
    read_only, strided = event.copy(), np.repeat(event, 2)[::2]
    read_only.flags.writeable = False
    unaligned = np.frombuffer(b"." + event.tobytes(), np.float32, offset=1)
    others = (pickle.loads(pickle.dumps(event)), event.view(np.matrix).A1, event.astype(">f4"), list(event))
    for each in (described, read_only, strided, unaligned, *others):
        assert model.predict_one(each) == score
    for wrong in ("text", None, object(), 3, b"", np.float32(1), event[:-1], event.reshape(1, -1), {}):
        with pytest.raises((DataError, TypeError)):
            model.predict_one(wrong)
    with pytest.raises(TypeError, match="float32 array"):
        Net("RNN|3|4|5|0|0,LINEAR", (5, 1, 4), 1).engine(Engine).single()([1.0])


def test_the_function_of_a_thread_goes_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its scratch memory too, and not only when Python looks for cycles next."""
    monkeypatch.setattr(single, "_LONG", 0)
    event = Case("lstm_sequence").data["X"][0]
    long = scorer(Case("lstm_sequence").model)
    assert isinstance(long, Scorer)
    made: list[weakref.ref[Any]] = []

    def score() -> None:
        assert long(list(event)) == long(event)
        made.append(weakref.ref(long._of_thread.evaluate))

    gc.disable()
    try:
        thread = threading.Thread(target=score)
        thread.start()
        thread.join()
        assert [each() for each in made] == [None]
    finally:
        gc.enable()


def test_only_functions_that_all_versions_of_python_have_are_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python 3.10 has some of its interface for C, as `PyObject_CallOneArg`, in header files only."""
    names: list[str] = []
    plain = single.python_function
    for module in (single, records):
        monkeypatch.setattr(module, "python_function", lambda name: names.append(name) or plain(name))
    monkeypatch.setattr(single, "_LONG", 0)
    scorer(Case("lstm_sequence").model)(Case("lstm_sequence").data["X"][0])
    assert set(names) == {"PyObject_GetItem", "PyFloat_FromDouble", "PyEval_SaveThread", "PyEval_RestoreThread"}


def test_long_events_let_other_threads_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """They have a function for each thread, with scratch memory of its own; short ones share one."""
    short = scorer(Case("lstm_sequence").model)
    assert not isinstance(short, Scorer)
    monkeypatch.setattr(single, "_LONG", 0)
    case = Case("lstm_sequence")
    long = scorer(case.model)
    assert isinstance(long, Scorer)
    events = list(case.data["X"].astype(np.float32)) * 5
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(long, events)) == [short(x) for x in events]


def test_a_used_model_can_be_copied() -> None:
    case = Case("gru_after_last")
    event = case.data["X"][0]
    score = case.model.predict_one(event)
    assert copy.deepcopy(case.model).predict_one(event) == score
    assert pickle.loads(pickle.dumps(case.model)).predict_one(event) == score

"""What is checked of a network before anything is computed from it."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytmva_rnn import Model, train
from pytmva_rnn.description import (
    LSTM,
    PCA,
    RNN,
    BatchNorm,
    CumulativeDistribution,
    Decorrelation,
    Dense,
    Gauss,
    Layer,
    Normalize,
    Reshape,
    TransformInput,
    Variable,
    memory,
)
from pytmva_rnn.errors import DataError, OptionError, WeightFileError
from pytmva_rnn.export.cpp.header import generate
from pytmva_rnn.network import Network
from pytmva_rnn.weightfile import write_weights

INPUTS = tuple(TransformInput("Variable", f"x{n}", f"x{n}") for n in range(6))
STEPS = CumulativeDistribution(np.array([0.0, 1.0, 2.0]), np.array([0.5, 1.0]))


def filled(layer: Layer, **weights: Any) -> Any:
    return dataclasses.replace(layer, weights={n: np.ones(a.shape) for n, a in layer.arrays().items()} | weights)


def model(**changes: Any) -> Model:
    """Three steps of two inputs, and one output."""
    variables = tuple(Variable(f"x{n}", f"x{n}", f"x{n}") for n in range(6))
    layers = (filled(RNN(4, 2, 3, return_sequence=True)), Reshape(1, 1, 12, flat=True), filled(Dense(1, 12, "LINEAR")))
    return dataclasses.replace(Model(layers, variables, (3, 1, 2), (10, 3, 2)), **changes)


def rnn(*sizes: Any, **changes: Any) -> Model:
    layers = model().layers
    return model(layers=(RNN(*sizes, weights=layers[0].weights, **changes), *layers[1:]))


def dense(**changes: Any) -> Model:
    layers = model().layers
    return model(layers=(*layers[:-1], dataclasses.replace(layers[-1], **changes)))


def weights(**changes: Any) -> Model:
    layers = model().layers
    return model(layers=(filled(layers[0], **changes), *layers[1:]))


def transformed(step: Any) -> Model:
    return model(transformations=(step,))


WRONG: list[tuple[Callable[[], Model], str]] = [
    (lambda: model(layers=()), "layers: expected one or more, found none"),
    (lambda: model(layers=("RNN",)), "layers: expected a tuple of Layer, found \\('RNN',\\)"),
    (lambda: model(variables=model().variables[:5]), "input_layout: expected the number of variables, 5, .* = 6"),
    (lambda: model(input_layout=(3, 2)), r"input_layout: expected \(depth, height, width\) .*, found \(3, 2\)"),
    (lambda: model(input_layout=(-3, 1, -2)), "input_layout: expected"),
    (lambda: model(loss="X"), "loss: expected one of C, R, S; found 'X'"),
    (lambda: model(output_function=""), "output_function: expected one of I, S, M; found ''"),
    (lambda: model(analysis="Clustering"), "analysis: expected one of Classification, Regression, Multiclass; found"),
    (lambda: model(analysis="Multiclass"), "expected 2 outputs of the last layer, one for each of the classes, found"),
    (lambda: model(analysis="Regression"), "expected 0 outputs of the last layer, one for each of the targets, found"),
    (lambda: model(classes=("a",)), "classes: expected 2 for a classification, found 1"),
    (
        lambda: model(layers=model().layers[:2]),
        "expected 1 output of the last layer for a classification, found 12",
    ),
    (lambda: rnn(0, 2, 3), r"layer 0 \(RNN\): state_size: expected a whole number from 1 on, found 0"),
    (lambda: rnn(4.0, 2, 3), r"layer 0 \(RNN\): state_size: expected a whole number from 1 on, found 4.0"),
    (lambda: rnn(4, 2, 3, return_sequence=2), r"layer 0 \(RNN\): return_sequence: expected True or False, found 2"),
    (
        lambda: rnn(4, 3, 2, return_sequence=True),
        r"layer 0 \(RNN\): expected 2 time steps \(depth or height\) of 3 inputs \(width\), found an input of depth 3",
    ),
    (
        lambda: rnn(4, 2, 3),
        r"layer 2 \(DENSE\): expected an input of depth 1, height 1, width 12, found .* height 1, width 4",
    ),
    (
        lambda: model(layers=(model().layers[0], filled(Dense(1, 12)))),
        r"layer 1 \(DENSE\): expected an input of depth 1, height 1, width 12, found an input of depth 1, height 3",
    ),
    (
        lambda: model(layers=(model().layers[0], Reshape(1, 1, 11), filled(Dense(1, 11)))),
        r"layer 1 \(RESHAPE\): expected 11 values",
    ),
    (lambda: rnn(10**6, 2, 3, return_sequence=True), r"layer 2 \(DENSE\): expected an input of"),
    (lambda: dense(activation="TANHH"), r"layer 2 \(DENSE\): activation: expected one of LINEAR.*found 'TANHH'"),
    (lambda: model(layers=(*model().layers, BatchNorm(1, np.nan))), r"layer 3 \(BNORM\): momentum: expected a finite"),
    (lambda: model(layers=(*model().layers, BatchNorm(1))), r"layer 3 \(BNORM\): expected the weights gamma, beta, mu"),
    (lambda: weights(W=np.ones((2, 4))), r"layer 0 \(RNN\): W: expected the shape \(4, 2\), found \(2, 4\)"),
    (lambda: weights(b=np.ones(4)), r"layer 0 \(RNN\): b: expected the shape \(4, 1\), found \(4,\)"),
    (lambda: weights(b=[["a"]] * 4), r"layer 0 \(RNN\): b: expected an array of numbers, found list"),
    (lambda: weights(b=np.ones((4, 1), complex)), "b: expected an array of numbers, found one of complex128"),
    (lambda: weights(b=[[1], [1, 2]]), "b: expected an array of numbers, found list"),
    (lambda: weights(U=np.full((4, 4), 1e39)), r"U: expected finite float32 numbers, found 1e\+39 in row 0, column 0"),
    (lambda: weights(V=np.ones(1)), "expected the weights W, U, b only, found 'V' as well"),
    (lambda: dense(weights=None), "expected a mapping of weights, found NoneType"),
    (
        lambda: transformed(Normalize(INPUTS, INPUTS, np.ones((2, 6, 2)))),
        "transformation 0: Normalize: expected 3 entries for 2 classes, found 2",
    ),
    (
        lambda: transformed(Normalize(INPUTS, INPUTS, np.ones((3, 6, 2)), reference=3)),
        "expected a class below 3 as reference, found 3",
    ),
    (lambda: transformed(Normalize(INPUTS, INPUTS[:5], np.ones((3, 6, 2)))), "as many outputs as inputs"),
    (
        lambda: transformed(Normalize((*INPUTS[:5], INPUTS[0]), INPUTS, np.ones((3, 6, 2)))),
        "asks for the variable x0, more often than there are such inputs",
    ),
    (
        lambda: transformed(Decorrelation(INPUTS, INPUTS, np.ones((3, 6, 5)))),
        r"Decorrelation: expected finite matrices of the shape \(classes \+ 1, 6, 6\), found the shape \(3, 6, 5\)",
    ),
    (lambda: transformed(PCA(INPUTS, INPUTS, np.ones((3, 6)), np.ones((2, 6, 6)))), "as many of each array"),
    (lambda: transformed(Gauss(INPUTS, INPUTS, ((STEPS,) * 3,) * 5)), "expected distributions of 6 inputs, found 5"),
    (
        lambda: transformed(
            Gauss(INPUTS, INPUTS, ((CumulativeDistribution(STEPS.edges[::-1], STEPS.contents),) * 3,) * 6)
        ),
        "Gauss, input 0: expected edges of bins in ascending order",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("wrong", "message"), WRONG)
def test_what_does_not_fit_is_told(wrong: Callable[[], Model], message: str) -> None:
    with pytest.raises(DataError, match=message):
        wrong().check()


def test_everything_that_runs_a_model_checks_it(tmp_path: Path) -> None:
    """A layer whose input was another one wrote beyond its memory in compiled code."""
    wrong = rnn(4, 2, 2, return_sequence=True)
    X = np.ones((20, 6))
    options = "InputLayout=3|2:Layout=RNN|4|2|3|0|1,RESHAPE|FLAT,LINEAR:TrainingStrategy=MaxEpochs=1,BatchSize=2"
    runs: list[Callable[[], Any]] = [
        lambda: wrong.predict(X),
        lambda: wrong.predict_one(X[0]),
        lambda: Network(wrong, "reference"),
        lambda: generate(wrong, "Net"),
        lambda: train(X, np.arange(20) % 2, options, initial=wrong),
    ]
    for run in runs:
        with pytest.raises(DataError, match=r"layer 0 \(RNN\): expected 2 time steps"):
            run()
    with pytest.raises(WeightFileError, match=r"cannot be written: layer 0 \(RNN\): expected 2 time steps"):
        write_weights(wrong, tmp_path / "w.xml")


def test_an_initial_model_whose_arrays_have_other_shapes() -> None:
    options = "InputLayout=3|2:Layout=RNN|4|2|3|0|1,RESHAPE|FLAT,LINEAR:TrainingStrategy=MaxEpochs=1,BatchSize=2"
    with pytest.raises(DataError, match=r"`initial`: layer 0 \(RNN\): W: expected the shape \(4, 2\), found \(1, 2\)"):
        train(np.ones((20, 6)), np.arange(20) % 2, options, initial=weights(W=np.ones((1, 2))))


def test_the_file_of_a_classification_has_its_output_function(tmp_path: Path) -> None:
    with pytest.raises(WeightFileError, match="output_function: expected S in the file of a classification, found I"):
        write_weights(model(output_function="I"), tmp_path / "w.xml")


@pytest.mark.parametrize("layer", ["LSTM|1000000", "DENSE|10000000000|TANH", "LSTM|" + "9" * 17])
def test_impossible_sizes_are_told_before_anything_is_allocated(layer: str) -> None:
    sizes = "|2|3|0|0" if layer.startswith("LSTM") else ""
    options = f"InputLayout={'3|2' if sizes else '1|6'}:Layout={layer}{sizes},LINEAR"
    with pytest.raises(
        OptionError, match=r"layer 0 \(\w+\) would take .* GB of memory for its .* parameters, but this"
    ):
        train(np.ones((20, 6)), np.arange(20) % 2, options)


def test_layers_that_have_no_room_beside_others(monkeypatch: pytest.MonkeyPatch) -> None:
    layers = (LSTM(100, 2, 3, return_sequence=True), LSTM(100, 100, 3))
    monkeypatch.setattr(memory, "machine_memory", lambda: 1_500_000)
    with pytest.raises(
        DataError, match=r"layer 1 \(LSTM\) would take 0.0 GB .* of which the layers before it take 0.0"
    ):
        memory.check_memory(layers, (3, 1, 2))
    memory.check_memory(layers[:1], (3, 1, 2))
    monkeypatch.undo()
    assert memory.machine_memory() > 1_500_000


def test_nobody_changes_what_has_been_checked() -> None:
    """Weights changed in place made `predict` and `predict_one` of one model disagree."""
    mine = np.ones((4, 2))
    ranges = np.tile([0.0, 2.0], (3, 6, 1))
    used = dataclasses.replace(weights(W=mine), transformations=(Normalize(INPUTS, INPUTS, ranges),))
    X = np.ones((1, 6), np.float32)
    before = used.predict(X, backend="reference")
    mine += 1
    ranges += 1
    for kept in (used.layers[0].weights["W"], used.transformations[0].ranges):  # type: ignore[attr-defined]
        with pytest.raises(ValueError, match="read-only"):
            kept[...] += 1
        with pytest.raises(ValueError, match="cannot set WRITEABLE"):
            kept.flags.writeable = True
    with pytest.raises(TypeError, match="does not support item assignment"):
        used.layers[0].weights["W"] = mine  # type: ignore[index]
    for same in (used, copy.deepcopy(used), copy.copy(used), pickle.loads(pickle.dumps(used))):
        assert same.predict(X, backend="reference") == before
        with pytest.raises(ValueError, match="read-only"):
            same.layers[0].weights["W"][...] = 0


def test_arrays_that_nobody_can_change_are_shared() -> None:
    layer = model().layers[0]
    again = dataclasses.replace(layer, remember_state=True)
    assert np.shares_memory(again.weights["W"], layer.weights["W"])


@pytest.mark.parametrize(
    "array",
    [
        np.arange(8).reshape(2, 4).T,
        np.arange(8, dtype=">f4").reshape(4, 2),
        np.ones((8, 4))[::2, ::2],
        np.ones((4, 2), bool),
        [[1, 2]] * 4,
    ],
)
def test_arrays_may_lie_as_they_like(array: Any) -> None:
    found = weights(W=array)
    found.check()
    np.testing.assert_array_equal(found.layers[0].weights["W"], array)


def test_a_model_is_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    checked = model()
    checked.check()
    monkeypatch.setattr(Layer, "check_weights", lambda _: pytest.fail("checked again"))
    checked.check()

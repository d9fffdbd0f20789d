"""Models built by hand at random, right and wrong ones; as a program, runs a number of them.

A right one gives the reference's scores on the CPU, a wrong one an error of ours before anything native runs. In a
process of its own a crash is seen as a failure: `python -m tests.random_models SEED COUNT`.
"""

from __future__ import annotations

import dataclasses
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytmva_rnn import Model
from pytmva_rnn.description import (
    ACTIVATIONS,
    ANALYSES,
    GRU,
    LSTM,
    OUTPUT_FUNCTIONS,
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
    Shape,
    Transformation,
    TransformInput,
    Variable,
)
from pytmva_rnn.errors import TMVAError
from pytmva_rnn.export.cpp.header import generate
from pytmva_rnn.network import network

Random = np.random.Generator


def _pick(random: Random, choices: Sequence[Any]) -> Any:
    return choices[random.integers(0, len(choices))]


# --- right ones


def right(random: Random) -> Model:
    steps, inputs = (int(n) for n in random.integers(1, 7, 2))
    input_layout = (steps, 1, inputs) if random.random() < 0.8 else (1, steps, inputs)
    layers: list[Layer] = []
    shape: Shape = input_layout
    for _ in range(random.integers(0, 5)):
        layers.append(_layer(random, shape))
        shape = layers[-1].output_shape(shape)
    analysis = _pick(random, ANALYSES)
    if analysis == "Classification" or not layers or (analysis == "Multiclass" and prod(shape) < 2):
        if shape[0] * shape[1] > 1:
            layers.append(Reshape(1, 1, prod(shape), flat=True))
        outputs = {"Classification": 1, "Multiclass": 3}.get(analysis, int(random.integers(1, 4)))
        layers.append(Dense(outputs, prod(shape), "LINEAR"))
        shape = (1, 1, outputs)
    names = {"Regression": ("Regression",), "Multiclass": tuple(f"class{k}" for k in range(prod(shape)))}
    targets = tuple(Variable(f"t{k}", f"t{k}", "") for k in range(prod(shape))) if analysis == "Regression" else ()
    model = Model(
        tuple(dataclasses.replace(layer, weights=_weights(random, layer)) for layer in layers),
        tuple(Variable(f"x{k}", f"x{k}", "") for k in range(steps * inputs)),
        input_layout,
        (10, steps, inputs),
        analysis=analysis,
        classes=names.get(analysis, ("Signal", "Background")),
        targets=targets,
        output_function=OUTPUT_FUNCTIONS[analysis],
        loss="R" if analysis == "Regression" else "C",
    )
    chain = tuple(_transformation(random, model) for _ in range(random.choice([0, 0, 1, 2])))
    return dataclasses.replace(model, transformations=chain)


def _layer(random: Random, shape: Shape) -> Layer:
    depth, height, width = shape
    steps, size = depth * height, int(random.integers(1, 20))
    kinds = ["reshape", "flat"]
    if 1 in (depth, height):
        kinds += ["rnn", "lstm", "gru"] * 2
    if steps == 1:
        kinds += ["dense", "norm"] * 3
    flags = {"remember_state": bool(random.random() < 0.1), "return_sequence": bool(random.random() < 0.5)}
    match _pick(random, kinds):
        case "rnn":
            return RNN(size, width, steps, **flags)
        case "lstm":
            return LSTM(size, width, steps, **flags)
        case "gru":
            return GRU(size, width, steps, **flags, reset_gate_after=bool(random.random() < 0.5))
        case "dense":
            return Dense(size, width, _pick(random, ACTIVATIONS))
        case "norm":
            return BatchNorm(width)
        case "flat":
            return Reshape(1, 1, prod(shape), flat=True)
    total = prod(shape)
    first = _pick(random, [n for n in range(1, total + 1) if total % n == 0])
    return Reshape(*((first, 1, total // first) if random.random() < 0.5 else (1, first, total // first)))


def _weights(random: Random, layer: Layer) -> dict[str, Any]:
    weights = {}
    for name, array in layer.arrays().items():
        values = random.normal(size=array.shape) / np.sqrt(array.shape[1])
        if name == "variance":
            values = random.uniform(0.5, 2, array.shape)
        weights[name] = _lying(random, values)
    return weights


def _lying(random: Random, values: Any) -> Any:
    """The same numbers in memory of another kind."""
    match random.integers(0, 9):
        case 0:
            return np.asfortranarray(values)
        case 1:
            return np.repeat(np.repeat(values, 2, 0), 3, 1)[::2, ::3]
        case 2:
            return values.astype(">f4")
        case 3:
            return values.astype(np.float16)
        case 4:
            return values.tolist()
        case 5:
            return np.round(values + 0.5).astype(np.int8)
        case 6:
            values.flags.writeable = False
        case 7:
            return values[::-1, ::-1][::-1, ::-1].astype(np.float32)
    return values


def _transformation(random: Random, model: Model) -> Transformation:
    entries = 2 if len(model.classes) == 1 else len(model.classes) + 1
    kind = _pick(random, "NDPGU")
    chosen = random.permutation(len(model.variables))[: random.integers(1, len(model.variables) + 1)]
    inputs = [TransformInput("Variable", f"x{k}", f"x{k}") for k in chosen]
    if kind == "N" and model.targets and random.random() < 0.5:
        inputs += [TransformInput("Target", v.label, v.expression) for v in model.targets]
    given = tuple(inputs)
    n = len(given)
    reference = int(random.integers(0, entries)) if random.random() < 0.2 else None
    matrices = random.normal(size=(entries, n, n)) / n + np.eye(n)
    match kind:
        case "N":
            low = random.normal(size=(entries, n)) - 3
            return Normalize(
                given, given, np.stack([low, low + random.uniform(4, 8, low.shape)], 2), reference=reference
            )
        case "D":
            return Decorrelation(given, given, matrices, reference=reference)
        case "P":
            return PCA(given, given, random.normal(size=(entries, n)), matrices, reference=reference)
    histograms = tuple(tuple(_distribution(random) for _ in range(entries)) for _ in given)
    return Gauss(given, given, histograms, kind == "U", reference=reference)


def _distribution(random: Random) -> CumulativeDistribution:
    steps = random.uniform(0.1, 1, random.integers(2, 9))
    contents = np.cumsum(steps) / steps.sum()
    return CumulativeDistribution(np.linspace(-5, 5, len(steps) + 1), contents)


# --- wrong ones: each makes a model that must be refused, or gives None where it cannot


def _of_layer(model: Model, number: int, **changes: Any) -> Model:
    layers = list(model.layers)
    layers[number] = dataclasses.replace(layers[number], **changes)
    return dataclasses.replace(model, layers=tuple(layers))


def _weight(random: Random, model: Model, change: Callable[[Any], Any]) -> Model | None:
    places = [(k, name) for k, layer in enumerate(model.layers) for name in layer.weights]
    if not places:
        return None
    number, name = _pick(random, places)
    weights = model.layers[number].weights
    changed = change(np.array(weights[name], np.float64))
    return None if changed is None else _of_layer(model, number, weights={**weights, name: changed})


def wrong_shape(random: Random, model: Model) -> Model | None:
    def change(values: Any) -> Any:
        rows, columns = values.shape
        shapes = [(rows + 1, columns), (rows, columns + 1), (columns + 1, rows), (rows * columns,), (), (0, columns)]
        shapes += [(1, rows, columns), (rows - 1, columns), (rows, 0)] + ([(columns, rows)] if rows != columns else [])
        return np.ones(_pick(random, shapes))

    return _weight(random, model, change)


def wrong_numbers(random: Random, model: Model) -> Model | None:
    def change(values: Any) -> Any:
        values[tuple(random.integers(0, n) for n in values.shape)] = random.choice(
            [np.nan, np.inf, -np.inf, 1e39, -1e300]
        )
        return _lying(random, values) if random.random() < 0 else values

    return _weight(random, model, change)


def wrong_type(random: Random, model: Model) -> Model | None:
    kinds: list[Callable[[Any], Any]] = [
        lambda values: values.astype(object),
        lambda values: values.astype(str),
        lambda values: values.astype(complex),
        lambda values: np.zeros(values.shape, "M8[s]"),
        lambda values: np.zeros(values.shape, [("a", "f4")]),
        lambda values: [[1.0], [1.0, 2.0]],
        lambda values: None,
        lambda values: "weights",
        lambda values: {"a": 1},
    ]
    return _weight(random, model, _pick(random, kinds))


def wrong_names(random: Random, model: Model) -> Model | None:
    number = int(random.integers(0, len(model.layers)))
    weights = dict(model.layers[number].weights)
    match random.integers(0, 4):
        case 0 if weights:
            del weights[random.choice(list(weights))]
        case 1 if weights:
            name = random.choice(list(weights))
            weights[f"{name}_"] = weights.pop(name)
        case 2:
            weights["Q"] = np.ones((1, 1))
        case _:
            return _of_layer(model, number, weights=_pick(random, [None, 3, (1, 2)]))
    return _of_layer(model, number, weights=weights)


def wrong_size(random: Random, model: Model) -> Model | None:
    places = [(k, name) for k, layer in enumerate(model.layers) for name in layer.sizes()]
    if not places:
        return None
    number, name = _pick(random, places)
    size = getattr(model.layers[number], name)
    sizes = [0, -1, -size, size + 1, size * 2, 10**6, 2**31, 2**63, 10**30, float(size), str(size), None, True, np.nan]
    return _of_layer(model, number, **{name: _pick(random, sizes)})


def wrong_layout(random: Random, model: Model) -> Model | None:
    depth, height, width = model.input_layout
    layouts: list[Any] = [
        (depth + 1, height, width),
        (depth, height, width + 1),
        (0, height, width),
        (-depth, height, -width),
    ]
    layouts += [(depth, width), (depth, height, float(width)), None, 3, (10**12, 1, 1)]
    if random.random() < 0.2:
        layouts = [(1, 2), (-1, 1, 1), (1.0, 1, 1)]
        return dataclasses.replace(model, batch_layout=_pick(random, layouts))
    return dataclasses.replace(model, input_layout=_pick(random, layouts))


def wrong_description(random: Random, model: Model) -> Model | None:
    variables, outputs = model.variables, model.outputs
    changes: list[dict[str, Any]] = [
        {"variables": variables[1:]},
        {"variables": (*variables, variables[0])},
        {"variables": None},
        {"variables": ("x",) * len(variables)},
        {"layers": ()},
        {"layers": None},
        {"layers": (*model.layers, "LINEAR")},
        {"layers": (*model.layers, Dense(outputs, outputs))},
        {"loss": "X"},
        {"output_function": "softmax"},
        {"regularization": 1},
        {"initialization": None},
        {"analysis": "Clustering"},
        {"analysis": "Classification", "classes": ("a", "b", "c")},
        {"analysis": "Multiclass", "classes": tuple(map(str, range(outputs + 1)))},
        {"analysis": "Regression", "targets": tuple(variables[:1]) * (outputs + 1)},
        {"weight_decay": "x"},
        {"weight_decay": np.nan},
        {"transformations": ("N",)},
    ]
    return dataclasses.replace(model, **_pick(random, changes))


def wrong_transformation(random: Random, model: Model) -> Model | None:
    step = _transformation(random, model)
    changes: list[dict[str, Any]] = [
        {"inputs": (*step.inputs[:-1], TransformInput("Variable", "y", "y"))},
        {"inputs": (*step.inputs, step.inputs[0]), "outputs": (*step.outputs, step.outputs[0])},
        {"inputs": ()},
        {"outputs": step.outputs[1:]},
        {"inputs": (*step.inputs[:-1], TransformInput("Column", "x0", "x0"))},
        {"reference": len(model.classes) + 2},
        {"reference": -1},
        {"reference": "Signal"},
    ]
    if isinstance(step, Gauss):
        first = step.distributions[0]
        edges, contents = first[0].edges, first[0].contents
        for bad in (
            CumulativeDistribution(edges[::-1], contents),
            CumulativeDistribution(edges[:-1], contents),
            CumulativeDistribution(edges, contents[:1]),
            CumulativeDistribution(edges * np.nan, contents),
            CumulativeDistribution(np.zeros(0), np.zeros(0)),
            None,
        ):
            changes.append({"distributions": ((bad, *first[1:]), *step.distributions[1:])})
        changes += [{"distributions": step.distributions[1:]}, {"distributions": None}]
        changes += [{"distributions": tuple(each[:1] for each in step.distributions) if len(model.classes) > 1 else ()}]
    else:
        name = step.array_names[random.integers(0, len(step.array_names))]
        values = getattr(step, name)
        bads = [values[:, 1:], values[0], values[:0], np.concatenate([values] * 3), values * np.nan, None, "x"]
        bads += [values.astype(object), values[..., np.newaxis]]
        changes += [{name: bad} for bad in bads]
    step = dataclasses.replace(step, **_pick(random, changes))
    return dataclasses.replace(model, transformations=(step,))


def other_order(random: Random, model: Model) -> Model | None:
    """Layers in another order, or fewer of them: mostly wrong."""
    order = random.permutation(len(model.layers))[: random.integers(1, len(model.layers) + 1)]
    return dataclasses.replace(model, layers=tuple(model.layers[k] for k in order))


WRONG = [
    wrong_shape,
    wrong_numbers,
    wrong_type,
    wrong_names,
    wrong_size,
    wrong_layout,
    wrong_description,
    wrong_transformation,
]


# --- what has to happen


class _Engines:
    """Counts the engines that are made: none for a wrong model."""

    def __init__(self) -> None:
        self.count = 0
        self._make = network.backend_engine

    def __call__(self, backend: str, *, mask_padding: bool) -> Any:
        self.count += 1
        return self._make(backend, mask_padding=mask_padding)


def check_scores(model: Model, random: Random) -> None:
    X = random.normal(size=(int(random.choice([1, 3, 16, 33])), len(model.variables))).astype(np.float32)
    expected = model.predict(X, backend="reference")
    scores = model.predict(X)
    assert np.isfinite(expected).all()
    assert scores.shape == expected.shape
    near = {"rtol": 1e-3, "atol": 1e-4 * max(1.0, float(np.abs(expected).max()))}
    np.testing.assert_allclose(scores, expected, **near)
    # with RememberState every event starts from zero here
    events = X[:1] if model.remembers else X[:4]
    np.testing.assert_allclose([model.predict_one(x) for x in events], expected[: len(events)], **near)


def check_refused(model: Model, engines: _Engines, folder: Path) -> None:
    before = engines.count
    X = np.zeros((3, 4), np.float32)
    uses: list[Callable[[], Any]] = [
        model.check,
        lambda: model.predict(X),
        lambda: model.predict_one(X[0]),
        lambda: model.predict(X, backend="reference"),
        lambda: generate(model, "Net"),
        lambda: model.save(folder / "w.xml"),
    ]
    for use in uses:
        with pytest.raises(TMVAError) as caught:
            use()
        assert len(str(caught.value)) < 1000
    assert isinstance(repr(model), str)
    assert engines.count == before, "an engine was made"


def _fits(model: Model) -> bool:
    try:
        model.check()
    except TMVAError:
        return False
    return True


def main(seed: int, count: int) -> None:
    engines = network.backend_engine = _Engines()  # type: ignore[assignment]
    counted: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        for number in range(seed, seed + count):
            random = np.random.default_rng(number)
            model, made = right(random), "right"
            if number % 2:
                change = _pick(random, [*WRONG, other_order])
                changed = change(random, model)
                model, made = (model, made) if changed is None else (changed, change.__name__)
            try:
                if made == "right" or (made == "other_order" and _fits(model)):
                    check_scores(model, random)
                else:
                    check_refused(model, engines, Path(name))
            except BaseException as error:
                parts = f"{model.layers}, {model.transformations}, {model.input_layout}, {model.analysis}"
                raise AssertionError(f"model {number}, {made}: {parts}") from error
            counted[made] += 1
    print(dict(counted))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))

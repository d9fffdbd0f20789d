"""Compiled chains against plain NumPy, on random selections, orders, types and classes."""

from __future__ import annotations

import dataclasses
import math
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from pytmva_rnn import read_weights, train, write_weights
from pytmva_rnn.description import (
    PCA,
    CumulativeDistribution,
    Decorrelation,
    Gauss,
    Normalize,
    TransformInput,
    Variable,
)
from pytmva_rnn.errors import DataError, OptionError, WeightFileError
from pytmva_rnn.transformations import apply_transformations, compile_chain, invert_targets, learn_transformations
from pytmva_rnn.transformations.cumulative import points

VARIABLES = tuple(Variable(f"v{k}", f"v{k}", f"v{k}", internal=f"v{k}") for k in range(5))
TARGETS = tuple(Variable(f"t{k}", f"t{k}", f"t{k}", internal=f"t{k}") for k in range(3))
KNOWN = {"Variable": VARIABLES, "Target": TARGETS}


def events(n: int = 300) -> tuple[Any, Any, Any]:
    """Variables and targets, each on a scale of its own, and classes."""
    random = np.random.default_rng(4)
    X = (random.normal(size=(n, 5)) @ random.normal(size=(5, 5)) * [1, 10, 0.1, 3, 100] + [0, 50, 1, -7, 1e3]).astype(
        "f4"
    )
    y = (random.uniform(size=(n, 3)) * [1, 1000, 5] + [0, 1000, -3]).astype("f4")
    return X, y, random.integers(0, 2, n)


def one_by_one(transformation: Any, values: Any, kind: str, inverse: bool) -> Any:
    """The definition, with a dictionary of columns by name in place of tables."""
    columns = {v.label: values[:, k] for k, v in enumerate(KNOWN[kind])}
    places = [k for k, item in enumerate(transformation.inputs) if item.type == kind]
    read = [transformation.inputs[k].label for k in places]
    made = [transformation.outputs[k].label for k in places]
    if inverse:
        read, made = made, read
    entry = -1 if transformation.reference is None else transformation.reference
    given = np.stack([columns[label] for label in read], 1) if places else values[:, :0]
    results = DEFINITIONS[type(transformation)](transformation, entry, places, given, inverse)
    columns.update(zip(made, results.T, strict=True))
    return np.stack(list(columns.values()), 1)


def normalize(t: Normalize, entry: int, places: list[int], x: Any, inverse: bool) -> Any:
    low, high = t.ranges[entry, places].T.astype("f4")
    factor, x = (1 / (high - low).astype(float)).astype("f4"), x.astype("f4")
    return (low + (x + 1) / (factor * 2) if inverse else (x - low) * factor * 2 - 1).astype(float)


def decorrelation(t: Decorrelation, entry: int, places: list[int], x: Any, inverse: bool) -> Any:
    if not places:
        return x
    return np.linalg.solve(t.matrices[entry], x.T).T if inverse else x @ t.matrices[entry].T


def pca(t: PCA, entry: int, places: list[int], x: Any, inverse: bool) -> Any:
    if not places:
        return x
    mean, vectors = t.means[entry], t.eigenvectors[entry]
    return x @ vectors.T + mean if inverse else (x - mean) @ vectors


def gauss(t: Gauss, entry: int, places: list[int], x: Any, inverse: bool) -> Any:
    result = np.empty_like(x)
    for k, place in enumerate(places):
        distribution = t.distributions[place][entry]
        table, low, high = points(distribution).astype(float), distribution.edges[0], distribution.edges[-1]
        middles = low + (np.arange(len(table)) + 0.5) * (high - low) / len(table)
        if inverse:
            u = x[:, k] if t.flat else [(math.erf(value / 1.414213562) + 1) / 2 for value in x[:, k]]
            result[:, k] = [low + bisected(table, fraction) * (high - low) / len(table) for fraction in u]
        else:
            inside = np.clip(x[:, k], middles[0], middles[-1])
            beyond = (x[:, k] - inside) / (middles[1] - middles[0])
            slope = np.where(beyond < 0, table[1] - table[0], table[-1] - table[-2])
            u = np.clip(np.interp(inside, middles, table) + beyond * slope, 1e-9, 1 - 1e-9)
            cut = np.clip(2 * u - 1, -0.99999999, 0.99999999)
            normal = [NormalDist().inv_cdf((value + 1) / 2) for value in cut]
            result[:, k] = u if t.flat else np.array(normal) * 1.414213562 / math.sqrt(2)
    return result


def bisected(table: Any, fraction: float) -> float:
    """The place of a fraction between the bins, by tmva's PDF::GetValInverse."""
    bins = {0: 0.0, len(table): 0.0}
    below, above = 0, len(table)
    while above - below > 1:
        middle = (below + above) // 2
        bins[middle] = table[middle - 1]
        below, above = (below, middle) if fraction < bins[middle] else (middle, above)
    height = bins[above] - bins[below]
    return below - 0.5 + (above - below) * ((fraction - bins[below]) / height if height > 1e-10 else bins[below])


def in_turn(transformations: Any, values: Any, kind: str, inverse: bool = False) -> Any:
    """One after the other, each on the float32 numbers that the one before makes."""
    for number, each in enumerate(transformations):
        values = one_by_one(each, values.astype("f4").astype(float) if number else values, kind, inverse)
    return values


DEFINITIONS: dict[type, Any] = {Normalize: normalize, Decorrelation: decorrelation, PCA: pca, Gauss: gauss}


def random_chain(random: np.random.Generator) -> str:
    """One to three transformations, each of random inputs in a random order, of all classes or one."""
    steps = []
    for _ in range(random.integers(1, 4)):
        letter = "NDPUG"[random.integers(5)]
        names = [v.label for v in VARIABLES]
        if letter in "NUG":
            names += [t.label for t in TARGETS]
        elif random.integers(3) == 0:
            names = [t.label for t in TARGETS]
        chosen = random.permutation(names)[: random.integers(2, len(names) + 1)].tolist()
        if random.integers(2):
            chosen.insert(random.integers(len(chosen) + 1), "_REARRANGE_")
        steps.append(f"{letter}{('', '_A', '_B')[random.integers(3)]}({','.join(chosen)})")
    return ",".join(steps)


@pytest.mark.parametrize("seed", range(60))
def test_random_chains(seed: int) -> None:
    text = random_chain(np.random.default_rng(seed))
    X, y, classes = events()
    learned = learn_transformations(text, X, classes, VARIABLES, ("A", "B"), TARGETS, y)
    for kind, values in (("Variable", X), ("Target", y)):
        found = apply_transformations(learned, values, KNOWN[kind], kind)
        expected = in_turn(learned, values.astype(float), kind)
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6, err_msg=text)
        chain = compile_chain(learned, KNOWN[kind], kind)
        singles = chain(values)
        np.testing.assert_array_equal(singles, found.astype(np.float32), err_msg=text)
        alone = chain.single() if chain else lambda event: event
        np.testing.assert_array_equal([alone(event).copy() for event in values], singles, err_msg=text)

        back = compile_chain(learned, KNOWN[kind], kind, inverse=True)(found)
        mine = [each for each in learned if any(item.type == kind for item in each.inputs)]
        # of targets, the first is undone and no other, as in TMVA
        undone = in_turn(mine[::-1] if kind == "Variable" else mine[:1], found, kind, inverse=True)
        size = np.ptp(values, axis=0)
        np.testing.assert_allclose(back / size, undone / size, rtol=1e-5, atol=1e-5, err_msg=text)
        # what was cut, far out, cannot come back; what is flat or normal has few bins here
        if not {"U", "G"} & set(text) and (kind == "Variable" or len(mine) <= 1):
            np.testing.assert_allclose(back / size, values / size, rtol=1e-4, atol=1e-4, err_msg=text)


@pytest.mark.parametrize("seed", range(20))
def test_what_is_rearranged_keeps_its_type_and_its_parameters(seed: int) -> None:
    random = np.random.default_rng(seed)
    names = random.permutation([v.label for v in (*VARIABLES, *TARGETS)]).tolist()
    X, y, _ = events()
    zeros = np.zeros(len(X), int)
    (learned,) = learn_transformations(f"N(_R_,{','.join(names)})", X, zeros, VARIABLES, ("R",), TARGETS, y)
    assert [item.label for item in learned.inputs] == names
    assert [item.type for item in learned.outputs] == [item.type for item in learned.inputs]
    order = [int(name[1:]) for name in names if name.startswith("t")]
    scaled = apply_transformations([learned], y, TARGETS, "Target")
    low, high = y.min(0).astype(float), y.max(0).astype(float)
    np.testing.assert_allclose(scaled, (2 * (y - low) / (high - low) - 1)[:, order], atol=1e-6)
    size = np.ptp(y, axis=0)
    np.testing.assert_allclose(invert_targets([learned], scaled, TARGETS) / size, y / size, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    "chain", ["N(_REARRANGE_,_T_,_V_)", "N(v3,t1,v0,_R_,t0)", "D(v4,v0,v2,_R_),U(t1,_R_,t0)", "P(t1,t0,_R_)"]
)
def test_a_rearranged_regression_is_written_and_read(chain: str, tmp_path: Any) -> None:
    X, y, _ = events()
    options = (
        f"VarTransform={chain}:Layout=DENSE|3|TANH,LINEAR:RandomSeed=2:"
        "TrainingStrategy=MaxEpochs=2,TestRepetitions=1,BatchSize=20,LearningRate=1e-2"
    )
    trained = train(
        X, y[:, :2], options, analysis="regression", variables=VARIABLES, targets=TARGETS[:2], backend="reference"
    )
    write_weights(trained.model, tmp_path / "w.xml")
    read = read_weights(tmp_path / "w.xml")
    write_weights(read, tmp_path / "again.xml")
    assert (tmp_path / "again.xml").read_bytes() == (tmp_path / "w.xml").read_bytes()
    np.testing.assert_allclose(read.predict(X), trained.model.predict(X), rtol=2e-6, atol=2e-6)
    np.testing.assert_allclose([read.predict_one(x) for x in X[:20]], read.predict(X[:20]), rtol=2e-6, atol=2e-6)


def test_a_target_in_the_place_of_a_variable_is_refused(tmp_path: Any) -> None:
    x, t = TransformInput("Variable", "v0", "v0"), TransformInput("Target", "t0", "t0")
    ranges = np.array([[[0.0, 1.0], [5.0, 9.0]]])
    with pytest.raises(DataError, match="of the same types in the same order; found target t0, variable v0"):
        compile_chain([Normalize((t, x), (x, t), ranges)], VARIABLES)


def test_elements_of_an_array_cannot_change_places() -> None:
    variables = (*VARIABLES[:1], *(Variable("a", "a", f"[{k}]", type="F[]") for k in range(2)))
    X = events()[0][:, :3]
    with pytest.raises(OptionError, match="or its elements in another order"):
        learn_transformations("N(_V2_,_V1_,_R_)", X, np.zeros(len(X), int), variables, ("R",))


GOOD = CumulativeDistribution(np.array([0.0, 1, 2]), np.array([0.5, 1.0]))
SHORT, UNSORTED = (dataclasses.replace(GOOD, edges=np.array(edges)) for edges in ([0.0, 1], [0.0, 2, 1]))
XY = tuple(TransformInput("Variable", v.label, v.expression) for v in VARIABLES[:2])
XT = (XY[0], TransformInput("Target", "t0", "t0"))


@pytest.mark.parametrize(
    ("transformation", "problem"),
    [
        (Normalize(XY, XY, np.zeros((1, 1, 2))), r"finite ranges of the shape \(classes \+ 1, 2, 2\)"),
        (Normalize(XY, XY[:1], np.zeros((1, 2, 2))), "as many outputs as inputs"),
        (Normalize(XY, XY, np.ones((1, 2, 2)), reference=1), "a class below 1 as reference, found 1"),
        (Normalize(XY, XY, np.ones((1, 2, 2)), reference=-1), "a class below 1 as reference, found -1"),
        (Normalize(XY, XY, np.zeros((0, 2, 2))), "found none"),
        (Decorrelation(XY, XY, np.zeros((1, 4))), "finite matrices"),
        (Decorrelation(XT, XT, np.zeros((1, 2, 2))), "variables mixed with others"),
        (PCA(XY, XY, np.zeros((1, 2)), np.zeros((2, 2, 2))), "as many of each array"),
        (Gauss(XY, XY, ((GOOD,),)), "distributions of 2 inputs, found 1"),
        (Gauss(XY, XY, ((GOOD,), (SHORT,))), "one more edge than contents"),
        (Gauss(XY, XY, ((GOOD,), (UNSORTED,))), "ascending order"),
    ],
)  # fmt: skip
def test_parameters_that_do_not_fit_are_refused(transformation: Any, problem: str) -> None:
    with pytest.raises(DataError, match=problem):
        compile_chain([transformation], VARIABLES)


def test_a_singular_matrix_has_no_way_back() -> None:
    learned = Decorrelation(XY, XY, np.ones((1, 2, 2)))
    assert compile_chain([learned], VARIABLES)
    with pytest.raises(DataError, match="the matrix is singular"):
        compile_chain([learned], VARIABLES, inverse=True)


def test_events_of_another_width_are_refused() -> None:
    chain = compile_chain([Normalize(XY, XY, np.array([[[0.0, 1], [0, 2]]]))], VARIABLES)
    for wrong in (np.zeros((2, 4), np.float32), np.zeros(5, np.float32)):
        with pytest.raises(DataError, match="of 5 columns cannot be applied to the shape"):
            chain(wrong)
    X = np.zeros((4, 5), np.float32)
    for out in (X[:3], X.astype(np.int32), np.asfortranarray(X), np.zeros((4, 10), np.float32)[:, ::2]):
        with pytest.raises(ValueError, match=r"out must be .* of the shape \(4, 5\)"):
            chain(X, out=out)


def test_numbers_of_any_kind_are_transformed_and_left_as_they_are() -> None:
    X, _, classes = events()
    chain = compile_chain(learn_transformations("N(v1,v3),D", X, classes, VARIABLES, ("A", "B")), VARIABLES)
    expected, before = chain(X), X.copy()
    np.testing.assert_array_equal(X, before)
    X.flags.writeable = False
    np.testing.assert_array_equal(chain(X), expected)
    np.testing.assert_array_equal(chain(np.asfortranarray(X)), expected)
    np.testing.assert_array_equal(chain(np.repeat(X, 2, 0)[::2]), expected)
    inside = X.copy()
    assert chain(inside, out=inside) is inside
    np.testing.assert_array_equal(inside, expected)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_neither_stops_nor_reaches_its_neighbours(value: float) -> None:
    X, _, classes = events()
    X[3, 2] = value
    for letter in "NUG":
        learned = learn_transformations(letter, events()[0], classes, VARIABLES, ("A", "B"))
        found, clean = (apply_transformations(learned, values, VARIABLES) for values in (X, events()[0]))
        same = np.full(X.shape, True)
        same[3, 2] = False
        np.testing.assert_array_equal(found[same], clean[same])
        # U and G have the least fraction for NaN
        sign = 1 if value > 0 else -1
        end = {"N": value, "U": 1e-9 if sign < 0 else 1 - 1e-9, "G": 5.73 * sign}[letter]
        np.testing.assert_allclose(found[3, 2], end, rtol=1e-3)


def test_a_file_with_a_target_in_the_place_of_a_variable(tmp_path: Any) -> None:
    X, y, _ = events()
    options = "VarTransform=N(_R_,t0,v0):Layout=LINEAR:TrainingStrategy=MaxEpochs=1,TestRepetitions=1,BatchSize=20"
    model = train(
        X, y[:, :1], options, analysis="regression", variables=VARIABLES, targets=TARGETS[:1], backend="reference"
    ).model
    write_weights(model, tmp_path / "w.xml")
    text = (tmp_path / "w.xml").read_text()
    outputs = text[text.index("<Output NOutputs") : text.index("</Output>")]
    first, second = outputs.splitlines()[1:3]
    swapped = outputs.replace(f"{first}\n{second}", f"{second}\n{first}")
    (tmp_path / "w.xml").write_text(text.replace(outputs, swapped))
    with pytest.raises(WeightFileError, match="of the same types in the same order"):
        read_weights(tmp_path / "w.xml")

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from pytmva_rnn import read_weights, train, write_weights
from pytmva_rnn.description import PCA, CumulativeDistribution, Gauss, Normalize, TransformInput, Variable
from pytmva_rnn.errors import DataError, OptionError, TrainingError
from pytmva_rnn.transformations import (
    apply_transformations,
    invert_targets,
    invert_transformations,
    learn_transformations,
)
from pytmva_rnn.transformations.cumulative import fraction_below, learn_distribution, points, value_at
from pytmva_rnn.transformations.eigenvectors import eigenvectors
from pytmva_rnn.transformations.errorfunction import erfinv
from pytmva_rnn.transformations.smoothing import smooth

CLASSES = ("Signal", "Background")


def described(*labels: str) -> tuple[Variable, ...]:
    return tuple(Variable(label, label, label) for label in labels)


READER = Path(__file__).parent / "data" / "reader"
ABC = described("a", "b", "c")


def sample(n: int = 4000) -> tuple[Any, Any, Any]:
    """Correlated variables of two classes, with weights; float32 numbers."""
    random = np.random.default_rng(3)
    mix = np.array([[1.0, 0.6, -0.2], [0.0, 0.8, 0.5], [0.3, 0.0, 2.0]])
    X = (random.normal(size=(n, 3)) @ mix + [1, -2, 5]).astype(np.float32)
    classes = random.integers(0, 2, n)
    X[classes == 1] *= np.float32(1.5)
    return X, classes, random.uniform(0.5, 2, n).astype(np.float32)


def learn(text: str, variables: Sequence[Variable] = ABC, **changes: Any) -> Any:
    X, classes, weights = sample()
    given: dict[str, Any] = {"X": X, "classes": classes, "class_names": CLASSES, "weights": weights, **changes}
    return learn_transformations(text, variables=variables, **given)


def entries(X: Any, classes: Any) -> list[Any]:
    """Which events each entry of a transformation is learned from."""
    return [classes == 0, classes == 1, np.full(len(X), True)]


# --- each transformation


def test_normalize_is_linear_between_the_extremes_of_each_class_and_of_all() -> None:
    X, classes, _ = sample()
    (learned,) = learn("N")
    for entry, chosen in enumerate(entries(X, classes)):
        np.testing.assert_array_equal(learned.ranges[entry, :, 0], X[chosen].min(0))
        np.testing.assert_array_equal(learned.ranges[entry, :, 1], X[chosen].max(0))
    low, high = X.min(0), X.max(0)
    transformed = apply_transformations([learned], X, ABC)
    # in single precision, operation by operation, as in TMVA
    factor = (1.0 / (high - low).astype(np.float64)).astype(np.float32)
    np.testing.assert_array_equal(transformed, (X - low) * factor * np.float32(2) - np.float32(1))
    assert (transformed.min(), transformed.max()) == pytest.approx((-1, 1), abs=2e-7)


def weighted_covariance(X: Any, w: Any) -> Any:
    X, w = X.astype(float), w.astype(float)
    return np.cov(X.T, aweights=w, bias=True)


def test_decorrelation_is_the_symmetric_inverse_root_of_the_weighted_covariance() -> None:
    X, classes, weights = sample()
    (learned,) = learn("D")
    for matrix, chosen in zip(learned.matrices, entries(X, classes), strict=True):
        np.testing.assert_allclose(matrix, matrix.T, atol=1e-14)
        assert (np.linalg.eigvalsh(matrix) > 0).all()
        inverse = np.linalg.inv(weighted_covariance(X[chosen], weights[chosen]))
        np.testing.assert_allclose(matrix @ matrix, inverse, rtol=1e-10, atol=1e-12)
    transformed = apply_transformations([learned], X, ABC)
    np.testing.assert_allclose(transformed, X @ learned.matrices[-1], rtol=1e-10)
    np.testing.assert_allclose(weighted_covariance(transformed, weights), np.eye(3), atol=1e-12)


def test_principal_components_are_those_of_the_unweighted_covariance_the_largest_first() -> None:
    X, classes, _ = sample()
    (learned,) = learn("P")
    for entry, chosen in enumerate(entries(X, classes)):
        rows = X[chosen].astype(float)
        values, vectors = np.linalg.eigh(np.cov(rows.T))
        assert (np.diff(values) > 0).all()
        # nine digits, as in a file
        np.testing.assert_allclose(learned.means[entry], rows.mean(0), rtol=5e-9)
        overlaps = learned.eigenvectors[entry].T @ vectors[:, ::-1]
        np.testing.assert_allclose(np.abs(overlaps), np.eye(3), atol=2e-8)
    transformed = apply_transformations([learned], X, ABC)
    np.testing.assert_allclose(transformed, (X - learned.means[-1]) @ learned.eigenvectors[-1], rtol=1e-9, atol=1e-12)
    covariance = np.cov(transformed.T)
    np.testing.assert_allclose(covariance, np.diag(np.diag(covariance)), atol=1e-7)
    assert (np.diff(np.diag(covariance)) < 0).all()
    np.testing.assert_allclose(transformed.mean(0), 0, atol=1e-7)


@pytest.mark.parametrize("case", ["learned_P_3", "learned_P_7"])
def test_eigenvectors_have_the_signs_of_root(case: str) -> None:
    data = np.load(READER / case / "data.npz")
    model = read_weights(READER / case / "weights.xml")
    (theirs,) = model.transformations
    (ours,) = learn_transformations("P", data["training_X"], data["training_class"], model.variables, model.classes)
    assert isinstance(theirs, PCA)
    assert isinstance(ours, PCA)
    # the file has nine digits
    np.testing.assert_allclose(ours.eigenvectors, theirs.eigenvectors, atol=1e-9)
    np.testing.assert_allclose(ours.means, theirs.means, atol=1e-8)


def test_eigenvectors_of_what_needs_no_work() -> None:
    for matrix in (np.zeros((3, 3)), np.eye(4), np.diag([1.0, 3.0, 2.0]), np.array([[2.0]])):
        vectors = eigenvectors(matrix)
        np.testing.assert_allclose(vectors.T @ vectors, np.eye(len(matrix)), atol=1e-15)
        assert (np.diff(np.diag(vectors.T @ matrix @ vectors)) <= 0).all()


def test_uniform_is_flat_and_gauss_is_normal() -> None:
    X, _, _ = sample(20000)
    X[:, 1] = np.exp(X[:, 1])
    flat, normal = (
        apply_transformations(learn(text, X=X, classes=sample(20000)[1], weights=None), X, ABC) for text in ("U", "G")
    )
    assert flat.min() >= 1e-9
    assert flat.max() <= 1 - 1e-9
    for column in (0, 2):
        counts = np.histogram(flat[:, column], 10, (0, 1))[0]
        np.testing.assert_allclose(counts, 2000, atol=60)
        np.testing.assert_allclose(np.quantile(normal[:, column], [0.1, 0.5, 0.9]), [-1.2816, 0, 1.2816], atol=0.03)
        assert normal[:, column].std() == pytest.approx(1, abs=0.02)


def test_gauss_is_the_normal_quantile_of_uniform() -> None:
    X, _, _ = sample()
    flat, normal = (apply_transformations(learn(text), X, ABC) for text in ("U", "G"))
    cut = np.clip(flat, 5e-9, 1 - 5e-9)
    quantiles = np.vectorize(NormalDist().inv_cdf)(cut)
    np.testing.assert_allclose(normal, quantiles, rtol=1e-7, atol=1e-8)


def test_gauss_is_cut_where_tmva_cuts() -> None:
    (flat,), (normal,) = learn("U"), learn("G")
    far = np.array([[-1e3] * 3, [1e3] * 3])
    np.testing.assert_array_equal(apply_transformations([flat], far, ABC), [[1e-9] * 3, [1 - 1e-9] * 3])
    largest = 1.414213562 * 4.052237189349273  # TMath::ErfInverse(0.99999999) in ROOT 6.40
    np.testing.assert_allclose(apply_transformations([normal], far, ABC)[1], largest, rtol=1e-7)


# --- cumulative distributions, against numbers of ROOT 6.40's TH1F, binned as TMVA does

VALUES = ((np.arange(60) * 37 % 61) ** 2 / 100).astype(np.float32)
WEIGHTS = (1 + np.arange(60) % 3 * 0.25).astype(np.float32)
EDGES = [-9.99999975e-05, 0, 0.639999986, 2.55999994, 6.25, 10.8900003, 17.6399994, 26.0100002, 34.8100014, 36]
CONTENTS = [
    0.102340899, 0.209622398, 0.32113868, 0.436183989, 0.553523123, 0.672861993, 0.792436182, 0.904717088, 1
]  # fmt: skip


def test_bins_and_contents_are_those_of_tmva() -> None:
    learned = learn_distribution(VALUES, WEIGHTS)
    assert learned is not None
    np.testing.assert_allclose(learned.edges, EDGES, rtol=1e-8)
    np.testing.assert_allclose(learned.contents, CONTENTS, rtol=1e-8)


def test_there_are_hardly_more_than_2000_bins() -> None:
    learned = learn_distribution(np.arange(50000, dtype=np.float32), np.ones(50000, np.float32))
    assert learned is not None
    assert len(learned.contents) == 2001
    assert np.diff(learned.edges)[1:-1].tolist() == [24.0, *[25.0] * 1998]


def test_equal_values_are_not_torn_apart() -> None:
    values = np.repeat(np.float32([1, 2, 3, 4]), 25)
    learned = learn_distribution(values, np.ones(100, np.float32))
    assert learned is not None
    np.testing.assert_allclose(learned.edges, [0.9999, 1, 2, 3, 4, 4], rtol=1e-6)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9],
            [3, 3, 3.3125, 4.1875, 5, 5.25, 5.1875, 5.0625, 5, 5, 5.75, 7.25, 8.25, 8.75, 9],
        ),
        (
            [0, 0, 6, 6, 6, 2, 1, 1, 1, 5, 9, 9, 9, 0, -3],
            [
                0, 71 / 48, 241 / 48, 22 / 3, 6, 61 / 24, -1 / 24, -47 / 96, 1.09375, 4.796875, 8.862847222222221,
                10.00173611111111, 6.675347222222222, 115 / 96, -3,
            ],
        ),
        ([2, 7, 1, 8], [2, 3.25, 6, 8]),
        ([7, 6, 1], [7, 5.75, 4]),
        ([5, 1], [5, 1]),
    ],
)  # fmt: skip
def test_smoothing_is_that_of_root(before: list[float], after: list[float]) -> None:
    np.testing.assert_allclose(smooth(np.array(before, float)), after, rtol=1e-12)


def fractions(distribution: CumulativeDistribution, *values: float) -> list[float]:
    table, (low, *_, high) = points(distribution), distribution.edges
    return [fraction_below(table, low, high, x) for x in values]


def values_at(distribution: CumulativeDistribution, *fractions: float) -> list[float]:
    table, (low, *_, high) = points(distribution), distribution.edges
    return [value_at(table, low, high, each) for each in fractions]


def test_the_fraction_is_linear_between_the_middles_of_the_bins() -> None:
    # edges on the grid of TMVA's 10000 points, so that its table is exact
    distribution = CumulativeDistribution(np.array([0.0, 1, 3, 4]), np.array([0.25, 0.5, 1.0]))
    found = fractions(distribution, 0.5, 1.0, 2.0, 2.75, 3.5)
    np.testing.assert_allclose(found, [0.25, 1 / 3, 0.5, 0.75, 1], atol=2e-5)
    # and goes on as it began and ended
    np.testing.assert_allclose(fractions(distribution, 0.2, 4.0), [0.2, 7 / 6], atol=2e-5)
    assert fractions(distribution, -5.0) == [1e-12]


def test_a_fraction_beyond_the_sample_has_a_value_beyond_it_as_in_tmva() -> None:
    distribution = CumulativeDistribution(np.array([1.0, 2, 4]), np.array([0.5, 1.0]))
    low, high = values_at(distribution, -3.0, 7.0)
    # below, the line from the underflow bin, 0, to the first, in steps of the table; above, the last bin counts as 0
    first = points(distribution)[0]
    width = 3 / 10000
    assert low == pytest.approx(1 + width * (-0.5 - 3 / first), rel=1e-9)
    assert high == pytest.approx(1 + width * (9999 - 0.5 + points(distribution)[9998]), rel=1e-9)
    assert math.isnan(values_at(distribution, math.nan)[0])


def test_a_level_part_is_mapped_to_its_upper_end() -> None:
    distribution = CumulativeDistribution(np.array([0.0, 1, 2, 3, 4]), np.array([0.0, 0.5, 0.5, 1.0]))
    assert values_at(distribution, 0.5) == [pytest.approx(2.5, abs=1e-3)]


def test_the_inverse_of_the_error_function() -> None:
    x = np.linspace(-1.5, 1.5, 1001)
    np.testing.assert_allclose([erfinv(math.erf(each)) for each in x], x, rtol=1e-15, atol=1e-300)
    # ROOT 6.40's TMath::ErfInverse
    np.testing.assert_allclose(
        [erfinv(y) for y in (0.5, 0.99, 0.999999, 1e-3)],
        [0.4769362762044698, 1.8213863677184403, 3.4589107366502576, 0.0008862271574665637],
        rtol=1e-9,
    )
    edge = [erfinv(y) for y in (0.0, 1.0, -1.0, 1.5, np.nan)]
    np.testing.assert_array_equal(edge, [0, np.inf, -np.inf, np.nan, np.nan])
    # far out, where the digits of 1 - y count: the complement of the result is that of y
    for y in (0.9999, 1 - 1e-8, 1 - 1e-12):
        assert math.erfc(erfinv(y)) == pytest.approx(1 - y, rel=1e-13)
        assert erfinv(-y) == -erfinv(y)


# --- chains


@pytest.mark.parametrize("text", ["N", "D", "P", "U", "G", "N,D,P", "G,D,N_Signal", "D_Background+U", "P(a,c),N(b)"])
def test_the_inverse_undoes_a_chain(text: str) -> None:
    X, _, _ = sample()
    learned = learn(text)
    inner = X[((np.quantile(X, 0.01, 0) < X) & (np.quantile(X, 0.99, 0) > X)).all(1)]
    again = invert_transformations(learned, apply_transformations(learned, inner, ABC), ABC)
    np.testing.assert_allclose(again, inner, rtol=1e-6, atol=2e-5)


def test_each_transformation_learns_from_what_those_before_it_make() -> None:
    X, classes, weights = sample()
    first, second = learn("P,N")
    between = apply_transformations([first], X, ABC).astype(np.float32)
    np.testing.assert_allclose(second.ranges[-1, :, 0], between.min(0), rtol=1e-6)
    alone = learn_transformations("N", between, classes, ABC, CLASSES, weights=weights)
    np.testing.assert_array_equal(second.ranges, alone[0].ranges)


@pytest.mark.parametrize("text", ["N", "D", "P", "U", "G"])
def test_a_named_class_is_the_one_that_is_used(text: str, caplog: pytest.LogCaptureFixture) -> None:
    X, classes, weights = sample()
    (named,) = learn(f"{text}_Signal")
    assert "all classes together in place of class Signal" in caplog.text
    only = classes == 0
    alone = learn_transformations(text, X[only], classes[only] * 0, ABC, ("Signal",), weights=weights[only])
    assert named.reference == 0
    np.testing.assert_allclose(
        apply_transformations([named], X, ABC), apply_transformations(alone, X, ABC), rtol=1e-9, atol=1e-9
    )
    assert not np.allclose(apply_transformations([named], X, ABC), apply_transformations(learn(text), X, ABC))


@pytest.mark.parametrize("text", ["D", "U", "G"])
def test_weights_count(text: str) -> None:
    X, classes, _ = sample()
    doubled = np.concatenate([X, X[:2000]]), np.concatenate([classes, classes[:2000]])
    weights = np.where(np.arange(len(X)) < 2000, 2, 1)
    heavy = apply_transformations(learn(text, weights=weights), X, ABC)
    twice = apply_transformations(learn(text, X=doubled[0], classes=doubled[1], weights=None), X, ABC)
    # bins differ; far out a bin is a wide part of the distribution
    inner = np.abs(twice) < 1.5
    np.testing.assert_allclose(heavy[inner], twice[inner], atol=1e-5 if text == "D" else 0.03)
    alike = apply_transformations(learn(text, weights=None), X, ABC)
    assert not np.allclose(heavy[inner], alike[inner], atol=1e-5)


# --- selections


def selected(text: str, variables: Sequence[Variable] = ABC, **changes: Any) -> tuple[list[str], list[str]]:
    (learned,) = learn(text, variables, **changes)
    return [item.label for item in learned.inputs], [item.label for item in learned.outputs]


@pytest.mark.parametrize(
    ("text", "inputs"),
    [
        ("N", ["a", "b", "c"]),
        ("N(c,a)", ["a", "c"]),
        ("N(_V1_)", ["b"]),
        ("N(_V_,a)", ["a", "b", "c"]),
        ("D(_V2_,a)", ["a", "c"]),
    ],
)
def test_a_selection_is_in_the_order_of_the_variables(text: str, inputs: list[str]) -> None:
    assert selected(text) == (inputs, inputs)
    X, _, _ = sample()
    untouched = [column for column, label in enumerate("abc") if label not in inputs]
    np.testing.assert_array_equal(apply_transformations(learn(text), X, ABC)[:, untouched], X[:, untouched])


def test_rearranged_inputs_change_places() -> None:
    assert selected("N(c,a,_REARRANGE_)") == (["c", "a"], ["a", "c"])
    X, _, _ = sample()
    learned = learn("N(c,a,_R_)")
    plain, moved = apply_transformations(learn("N"), X, ABC), apply_transformations(learned, X, ABC)
    np.testing.assert_array_equal(moved[:, 0], plain[:, 2])
    np.testing.assert_array_equal(moved[:, 2], plain[:, 0])
    np.testing.assert_allclose(invert_transformations(learned, moved, ABC), X, rtol=1e-6, atol=1e-6)


def test_an_array_is_selected_as_a_whole_and_its_elements_go_by_position() -> None:
    variables = (*described("x"), Variable("v", "v", "[0]", type="F[]"), Variable("v", "v", "[1]", type="F[]"))
    assert selected("N(v)", variables) == (["v", "v"], ["v", "v"])
    X, _, _ = sample()
    transformed = apply_transformations(learn("N(v)", variables), X, variables)
    np.testing.assert_array_equal(transformed, np.c_[X[:, 0], apply_transformations(learn("N"), X, ABC)[:, 1:]])
    with pytest.raises(OptionError, match="a part of an array variable"):
        learn("N(_V2_)", variables)


def test_the_targets_are_transformed_by_n_and_u_only_unless_selected() -> None:
    X, _, _ = sample()
    y = X[:, :2] * 3 + 1
    for text, expected in (("N", "abcst"), ("U", "abcst"), ("D", "abc"), ("P", "abc"), ("G", "abc"), ("D(_T_)", "st")):
        (learned,) = learn_transformations(text, X, np.zeros(len(X), int), ABC, ("Regression",), described("s", "t"), y)
        assert "".join(item.label for item in learned.inputs) == expected


@pytest.mark.parametrize("text", ["N", "U", "N,U", "G(_T_)", "D(_T_)", "P(_T_),N"])
def test_targets_are_mapped_back(text: str) -> None:
    X, _, weights = sample()
    y = X[:, :2] * 3 + 1
    targets = described("s", "t")
    learned = learn_transformations(text, X, np.zeros(len(X), int), ABC, ("Regression",), targets, y, weights)
    scaled = apply_transformations(learned, y, targets, "Target")
    assert not np.allclose(scaled, y)
    inner = ((y > np.quantile(y, 0.01, 0)) & (y < np.quantile(y, 0.99, 0))).all(1)
    # as in C++ TMVA, of a chain only the first transformation that takes targets is undone
    first = apply_transformations(learned[:1], y, targets, "Target")
    np.testing.assert_allclose(invert_targets(learned, first, targets)[inner], y[inner], rtol=1e-6, atol=2e-5)
    np.testing.assert_array_equal(
        invert_targets(learned, scaled, targets), invert_targets(learned[:1], scaled, targets)
    )


def test_a_chain_on_targets_warns_that_it_is_not_undone(caplog: pytest.LogCaptureFixture) -> None:
    X, _, _ = sample()
    for text, warns in (("U,N", True), ("N,G(_V_)", False), ("N", False)):
        caplog.clear()
        learn_transformations(text, X, np.zeros(len(X), int), ABC, ("Regression",), described("s"), X[:, :1])
        assert ("predictions undo the first only, as in C++ TMVA" in caplog.text) == warns


# --- errors


def changed(column: int, value: float, rows: Any = slice(None)) -> Any:
    X = sample()[0].copy()
    X[rows, column] = value
    return X


@pytest.mark.parametrize(
    ("text", "error", "problem"),
    [
        ("Q", OptionError, "there is no transformation 'Q'; there are N (Normalize), D (Decorrelate), P (PCA), U"),
        ("N_Nobody", OptionError, "there is no class 'Nobody'; there are Signal, Background, AllClasses"),
        ("N(d)", OptionError, "there is no variable or target 'd'; there are a, b, c"),
        ("N(_V3_)", OptionError, "_V3_ is beyond the 3 variables"),
        ("N(_T_)", OptionError, "nothing is selected"),
        ("N(_S_)", OptionError, "spectators are not transformed"),
        ("N(a,a,_R_)", OptionError, "an input is selected twice"),
        ("P(a)", OptionError, "principal components need two inputs or more"),
    ],
)  # fmt: skip
def test_a_wrong_option(text: str, error: type[Exception], problem: str) -> None:
    with pytest.raises(error) as caught:
        learn(text)
    assert problem in str(caught.value)


@pytest.mark.parametrize("text", ["N", "D", "U", "G"])
def test_a_constant_variable_is_named(text: str) -> None:
    with pytest.raises(TrainingError, match=rf"VarTransform, {text}: variable b has the same value"):
        learn(text, X=changed(1, 4))


@pytest.mark.parametrize("text", ["N", "D", "U", "G"])
def test_a_variable_may_be_constant_in_a_class_that_is_not_used(text: str, tmp_path: Path) -> None:
    X, classes, _ = sample()
    X = changed(1, 4, classes == 1)
    (learned,) = learn(text, X=X)
    assert np.isfinite(apply_transformations([learned], X, ABC)).all()
    with pytest.raises(TrainingError, match=r"variable b has the same value.* in all events of class Background"):
        learn(f"{text}_Background", X=X)
    for each in vars(learned).values():
        assert not isinstance(each, np.ndarray) or np.isfinite(each).all()


@pytest.mark.parametrize("text", ["U", "G"])
@pytest.mark.parametrize("padding", [-9, 0])
def test_padding_that_is_nearly_all_is_one_value_of_the_distribution(text: str, padding: float) -> None:
    X = changed(1, padding, slice(0, 3960))
    values = apply_transformations(learn(text, X=X), X, ABC)[:, 1]
    assert np.isfinite(values).all()
    assert len(np.unique(values[:3960])) == 1
    assert len(np.unique(values[3960:])) > 20


@pytest.mark.parametrize("text", ["U", "G"])
def test_hardly_anything_but_the_largest_value(text: str) -> None:
    with pytest.raises(TrainingError, match=rf"variable b has the value 99 in 99.9\d* % .*, as in {text}\(a,c\)"):
        learn(text, X=changed(1, 99, slice(0, 3999)))


def test_a_singular_covariance_names_the_variables() -> None:
    X, _, _ = sample()
    X[:, 2] = 2 * X[:, 0]
    with pytest.raises(
        TrainingError, match="singular: the inputs depend on each other linearly, variable a and variable c"
    ):
        learn("D", X=X)
    assert np.isfinite(apply_transformations(learn("P", X=X), X, ABC)).all()


def test_weights_without_a_positive_sum() -> None:
    with pytest.raises(TrainingError, match=r"the weights of class Signal add up to -"):
        learn("D", weights=np.where(sample()[1] == 0, -1.0, 1.0))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_variable_that_is_no_number_is_named(value: float) -> None:
    with pytest.raises(TrainingError, match=rf"variable c is {value} in event 7"):
        learn("N", X=changed(2, value, 7))


def test_a_class_without_events() -> None:
    with pytest.raises(TrainingError, match="no events of class Background"):
        learn("N", classes=np.zeros(4000, int))


def test_targets_and_variables_are_not_mixed_by_a_matrix() -> None:
    X, _, _ = sample()
    with pytest.raises(OptionError, match="variables and targets cannot be mixed"):
        learn_transformations("D(_V_,_T_)", X, np.zeros(len(X), int), ABC, ("R",), described("t"), X[:, :1])


def test_inputs_that_are_not_there() -> None:
    x = (TransformInput("Variable", "x", "x"),)
    normalize = Normalize(x, x, np.array([[[0.0, 1.0]]]))
    with pytest.raises(DataError, match="asks for the variable x, which is not among the inputs"):
        apply_transformations([normalize], np.zeros((2, 1)), described("y"))
    with pytest.raises(DataError, match="asks for the variable x, more often"):
        apply_transformations([Normalize(x * 2, x * 2, np.zeros((1, 2, 2)))], np.zeros((2, 1)), described("x"))


def test_more_inputs_than_tmva_takes(caplog: pytest.LogCaptureFixture) -> None:
    random = np.random.default_rng(1)
    X = random.normal(size=(600, 201)).astype(np.float32)
    with caplog.at_level(logging.WARNING):
        (learned,) = learn_transformations("P", X, np.zeros(600, int), described(*map(str, range(201))), ("R",))
    assert "C++ TMVA refuses more than 200 inputs" in caplog.text
    assert learned.eigenvectors.shape == (1, 201, 201)


def test_nan_is_passed_over_where_it_is_allowed() -> None:
    X, classes, weights = sample()
    some = np.arange(len(X)) % 10 != 0
    with_nan = X.copy()
    with_nan[~some, 1], with_nan[5, 1], with_nan[6, 1] = np.nan, np.inf, -np.inf
    some[[5, 6]] = False
    for text in ("N(b)", "U(b)", "G(b)", "N,G(b)"):
        found = apply_transformations(learn(text, X=with_nan, allow_nan=True), X, ABC)
        expected = learn(text, X=X[some], classes=classes[some], weights=weights[some])
        np.testing.assert_array_equal(found[:, 1], apply_transformations(expected, X, ABC)[:, 1])
    for text in ("D", "P"):
        with pytest.raises(TrainingError, match="variable b is nan in event 0"):
            learn(text, X=with_nan, allow_nan=True)
    with pytest.raises(TrainingError, match="variable b is NaN or infinite in all events"):
        learn("U", X=np.where(np.arange(3) == 1, np.float32(np.nan), X), allow_nan=True)


def test_a_nan_is_nan_after_linear_transformations_and_the_least_value_after_the_others() -> None:
    for text in ("N", "D", "P"):
        assert np.isnan(apply_transformations(learn(text), np.full((1, 3), np.nan), ABC)).all()
    for text in ("U", "G"):
        least, nan = apply_transformations(learn(text), np.array([[-np.inf] * 3, [np.nan] * 3]), ABC)
        np.testing.assert_array_equal(nan, least)


# --- from the option to the score

OPTIONS = (
    "Layout=DENSE|4|TANH,LINEAR:WeightInitialization=XAVIERUNIFORM:RandomSeed=5:ValidationSize=0.25:"
    "TrainingStrategy=LearningRate=0.02,BatchSize=20,MaxEpochs=3,TestRepetitions=1,ConvergenceSteps=9:VarTransform="
)


@pytest.mark.parametrize("chain", ["N,D,P,G_Signal", "U,D_Background,N", "G(a,b)+P"])
def test_train_write_read_and_predict(chain: str, tmp_path: Path) -> None:
    X, classes, weights = sample(400)
    result = train(X, 1 - classes, OPTIONS + chain, sample_weight=weights, variables=ABC, backend="reference")
    write_weights(result.model, tmp_path / "w.xml")
    again = read_weights(tmp_path / "w.xml")
    # the file, as C++ TMVA's Reader has it, knows of no class
    of_all = tuple(replace(t, reference=None) for t in result.model.transformations)
    assert [t.reference for t in again.transformations] == [None] * len(of_all)
    scores = replace(result.model, transformations=of_all).predict(X, backend="reference")
    assert np.isfinite(scores).all()
    np.testing.assert_allclose(again.predict(X, backend="reference"), scores, atol=2e-6)
    write_weights(again, tmp_path / "again.xml")
    assert (tmp_path / "again.xml").read_bytes() == (tmp_path / "w.xml").read_bytes()


@pytest.mark.parametrize(
    "chain", [*(pytest.param(each, marks=pytest.mark.slow) for each in ("N", "U")), "G(_V_),N(_T_)"]
)
def test_a_regression_answers_on_the_scale_of_its_targets(chain: str, tmp_path: Path) -> None:
    X, _, _ = sample(400)
    y = 1000 + 50 * X[:, 0] + 20 * X[:, 1]
    options = OPTIONS.replace("MaxEpochs=3", "MaxEpochs=150").replace("ConvergenceSteps=9", "ConvergenceSteps=150")
    result = train(X, y, options + chain, analysis="regression", variables=ABC, backend="reference")
    predicted = result.model.predict(X, backend="reference")
    assert np.sqrt(np.mean((predicted - y) ** 2)) < 0.25 * y.std()
    write_weights(result.model, tmp_path / "w.xml")
    np.testing.assert_allclose(read_weights(tmp_path / "w.xml").predict(X, backend="reference"), predicted, rtol=2e-6)


def test_event_weights_of_train_reach_the_transformation() -> None:
    X, classes, weights = sample(400)
    result = train(X, 1 - classes, OPTIONS + "D", sample_weight=weights, variables=ABC, backend="reference")
    (learned,) = result.model.transformations
    expected = learn_transformations("D", X, classes, ABC, CLASSES, weights=weights)[0]
    np.testing.assert_array_equal(learned.matrices, expected.matrices)


def test_a_gauss_transformation_of_a_file_needs_no_training() -> None:
    distribution = CumulativeDistribution(np.array([0.0, 1, 2]), np.array([0.5, 1.0]))
    x = (TransformInput("Variable", "x", "x"),)
    flat = Gauss(x, x, ((distribution,),), flat=True)
    np.testing.assert_allclose(
        apply_transformations([flat], np.array([[0.5], [1.0]]), described("x")), [[0.5], [0.75]], atol=1e-6
    )

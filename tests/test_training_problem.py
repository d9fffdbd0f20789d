from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pytmva_rnn import parse_options, train
from pytmva_rnn.data import Recipe, Variables, load
from pytmva_rnn.description import Normalize, Variable
from pytmva_rnn.errors import DataError, OptionError, TrainingError
from pytmva_rnn.training.learning_sample import sample_of_dataset
from pytmva_rnn.training.problem import Problem, make_problem

STRATEGY = "TrainingStrategy=BatchSize=5"
SMALL = f"Layout=DENSE|3|TANH,LINEAR:{STRATEGY}"


def sample(n: int = 40, variables: int = 6) -> tuple[Any, Any]:
    """Events that count up, alternating background and signal."""
    X = np.arange(n * variables, dtype=float).reshape(n, variables)
    return X, np.arange(n) % 2


def problem(options: str = SMALL, X: Any = None, y: Any = None, **changes: Any) -> Problem:
    given_X, given_y = sample()
    arguments: dict[str, Any] = {
        "analysis": "classification",
        "sample_weight": None,
        "variables": None,
        "classes": None,
        "targets": (),
    }
    X = given_X if X is None else X
    y = given_y[: len(X)] if y is None else y
    return make_problem(X, y, parse_options(options), **(arguments | changes))


# --- the two samples


@pytest.mark.parametrize(("text", "size"), [("20%", 8), ("0.3", 12), ("10", 10), ("21%", 8)])
def test_the_last_events_validate(text: str, size: int) -> None:
    X, y = sample()
    weights = np.arange(40) / 10
    made = problem(f"{SMALL}:ValidationSize={text}", sample_weight=weights)
    assert (len(made.training), len(made.validation)) == (40 - size, size)
    np.testing.assert_array_equal(made.training.X, X[:-size, np.newaxis].astype(np.float32), strict=True)
    np.testing.assert_array_equal(made.validation.X, X[-size:, np.newaxis].astype(np.float32), strict=True)
    np.testing.assert_array_equal(made.training.y, y[:-size, np.newaxis].astype(np.float32), strict=True)
    np.testing.assert_array_equal(made.validation.w, weights[-size:].astype(np.float32), strict=True)


def test_events_of_one_entry_are_not_parted() -> None:
    made = problem(f"{SMALL}:ValidationSize=25%", entries=np.arange(40) // 3)  # the first of the 10 begins an entry
    assert (len(made.training), len(made.validation)) == (30, 10)
    made = problem(f"{SMALL}:ValidationSize=20%", entries=np.arange(40) // 3)
    assert (len(made.training), len(made.validation)) == (30, 10)


def test_repetitions_of_an_entry_train_or_validate_together() -> None:
    recipe = Recipe.from_dict({"variables": ["x * {k}"], "for_each": {"k": [1, 2, 3]}})
    sources = {name: {"x": start + np.arange(20.0)} for name, start in (("Signal", 1), ("Background", 101))}
    training, _ = load(recipe, sources).split()
    sample = sample_of_dataset(training, None, None, (), (), ())
    made = make_problem(
        sample.X,
        sample.y,
        parse_options(f"{SMALL}:ValidationSize=23%"),
        analysis="classification",
        sample_weight=sample.weights,
        variables=None,
        classes=sample.classes,
        targets=(),
        entries=sample.entries,
    )
    total = len(made.training) + len(made.validation)
    assert total == 60
    assert len(made.validation) % 3 == 0
    assert 0.23 <= len(made.validation) / total < 0.28


@pytest.mark.parametrize(("text", "events"), [("0", 0), ("0.01", 0), ("40", 40), ("50", 50), ("1%", 0)])
def test_a_sample_without_events(text: str, events: int) -> None:
    with pytest.raises(TrainingError, match=f"ValidationSize={text} takes {events} of 40 events; both samples need"):
        problem(f"{SMALL}:ValidationSize={text}")


def test_batches_must_fit_into_both_samples() -> None:
    layout = "Layout=LINEAR:TrainingStrategy="
    with pytest.raises(TrainingError, match=r"BatchSize=9 of phase 2 is larger than the sample to validate with \(32 "):
        problem(f"{layout}BatchSize=8|BatchSize=9:ValidationSize=8")
    with pytest.raises(TrainingError, match="BatchSize=9 of phase 1 is larger than the sample to train with"):
        problem(f"{layout}BatchSize=9:ValidationSize=32")
    assert len(problem(f"{layout}BatchSize=8:ValidationSize=8").validation) == 8


def test_negative_weights_are_ignored_on_request() -> None:
    weights = np.where(np.arange(40) % 4 == 3, -1.0, 2.0)
    assert len(problem(sample_weight=weights).training) == 32
    made = problem(f"{SMALL}:IgnoreNegWeightsInTraining", sample_weight=weights)
    assert (len(made.training), len(made.validation)) == (24, 6)
    assert (np.concatenate([made.training.w, made.validation.w]) == 2).all()
    np.testing.assert_array_equal(made.training.X[:4, 0, 0], [0, 6, 12, 24])
    with pytest.raises(TrainingError, match="takes 0 of 0 events"):
        problem(f"{SMALL}:IgnoreNegWeightsInTraining", sample_weight=-np.ones(40))


# --- layout of the events


def test_events_are_time_major() -> None:
    X, _ = sample()
    made = problem(f"InputLayout=2|3:Layout=RNN|4|3|2,LINEAR:{STRATEGY}")
    assert made.input_layout == (2, 1, 3)
    np.testing.assert_array_equal(made.training.X[7, 1], X[7, 3:6])
    steps = problem(f"InputLayout=2|3:Layout=RNN|4|3|2,LINEAR:{STRATEGY}", X=X.reshape(40, 2, 3))
    np.testing.assert_array_equal(steps.training.X, made.training.X)
    assert [v.label for v in steps.variables] == [f"x_t{t}_d{d}" for t in range(2) for d in range(3)]


def test_steps_are_flattened_for_a_dense_network() -> None:
    X, _ = sample()
    made = problem(X=X.reshape(40, 2, 3))
    assert made.training.X.shape == (32, 1, 6)
    assert made.input_layout == (1, 1, 6)


def test_steps_that_the_input_layout_does_not_describe() -> None:
    X, _ = sample()
    with pytest.raises(DataError, match=r"X has the shape \(40, 3, 2\), which InputLayout=2\|3 does not describe"):
        problem(f"InputLayout=2|3:Layout=RNN|4|3|2,LINEAR:{STRATEGY}", X=X.reshape(40, 3, 2))


def test_layout_and_events_must_fit() -> None:
    with pytest.raises(OptionError, match=r"InputLayout=2\|4 holds 8 values, but an event has 6 variables"):
        problem(f"InputLayout=2|4:Layout=RNN|4|4|2,LINEAR:{STRATEGY}")
    with pytest.raises(OptionError, match=r"the width before it is 6; set InputLayout=2\|3"):
        problem(f"Layout=RNN|4|3|2,LINEAR:{STRATEGY}")
    with pytest.raises(OptionError, match="3 output"):
        problem(f"Layout=DENSE|2|LINEAR:{STRATEGY}", y=np.arange(40) % 3, analysis="multiclass")


def test_variables_are_described() -> None:
    made = problem()
    assert made.variables[1] == Variable("x1", "x1", "x1", internal="x1", min=1, max=235)
    named = tuple(Variable(n, n, n) for n in "abcdef")
    assert problem(variables=named).variables == named
    with pytest.raises(DataError, match="5 variables are described, but an event has 6"):
        problem(variables=named[:5])


@pytest.mark.parametrize("shape", [(40,), (0, 6), (40, 0), (2, 2, 2, 2), (40, 0, 3)])
def test_events_of_a_wrong_shape(shape: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match=r"expected \(n, NVar\) or \(n, T, D\) with at least one event"):
        problem(X=np.ones(shape))


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_what_is_not_finite(bad: float) -> None:
    X, y = sample()
    X[[3, 7], 2] = bad
    with pytest.raises(DataError, match=r"X has a NaN or infinity in 2 event\(s\), first in event 3"):
        problem(X=X)
    weights = np.ones(40)
    weights[5] = bad
    with pytest.raises(DataError, match=r"sample_weight has a NaN or infinity in 1 event\(s\), first in event 5"):
        problem(sample_weight=weights)
    targets = y.astype(float)
    targets[6] = bad
    with pytest.raises(DataError, match=r"y has a NaN or infinity in 1 event\(s\), first in event 6"):
        problem(y=targets, analysis="regression")


def test_weights_of_a_wrong_shape() -> None:
    with pytest.raises(DataError, match=r"sample_weight has the shape \(1, 40\); expected \(40,\)"):
        problem(sample_weight=np.ones((1, 40)))
    problem(sample_weight=np.ones((40, 1)))
    with pytest.raises(TrainingError, match="all event weights are zero"):
        problem(sample_weight=np.zeros(40))


# --- analyses


@pytest.mark.parametrize(
    ("analysis", "strategy", "letters"),
    [
        ("classification", "", "CS"),
        ("classification", "CROSSENTROPY", "CS"),
        ("Classification", "SUMOFSQUARES", "RS"),
        ("multiclass", "", "CM"),
        ("Multiclass", "SUMOFSQUARES", "RM"),
        ("multiclass", "MUTUALEXCLUSIVE", "SM"),
        ("regression", "", "RI"),
        ("REGRESSION", "SUMOFSQUARES", "RI"),
    ],
)
def test_the_analysis_fixes_loss_and_output_function(
    analysis: str, strategy: str, letters: str, caplog: pytest.LogCaptureFixture
) -> None:
    options = f"{SMALL}:ErrorStrategy={strategy}" if strategy else SMALL
    made = problem(options, analysis=analysis, y=np.arange(40) % (3 if analysis.lower() == "multiclass" else 2))
    assert made.loss + made.output_function == letters
    assert made.analysis == analysis.capitalize()
    assert not caplog.records


def test_regression_takes_sum_of_squares_whatever_was_asked(caplog: pytest.LogCaptureFixture) -> None:
    assert problem(f"{SMALL}:ErrorStrategy=CROSSENTROPY", analysis="regression").loss == "R"
    assert "for regression only ErrorStrategy=SUMOFSQUARES is valid; using it in place of CROSSENTROPY" in caplog.text


def test_two_classes_are_not_mutually_exclusive() -> None:
    with pytest.raises(OptionError, match="ErrorStrategy=MUTUALEXCLUSIVE is for multiclass; use CROSSENTROPY"):
        problem(f"{SMALL}:ErrorStrategy=MUTUALEXCLUSIVE")


def test_unknown_analysis() -> None:
    with pytest.raises(
        OptionError, match="unknown analysis 'cluster'; choose one of classification, regression, multiclass"
    ):
        problem(analysis="cluster")


def test_classes_may_be_numbers_or_one_hot() -> None:
    numbers = np.arange(40) % 3
    made = problem(y=numbers, analysis="multiclass")
    np.testing.assert_array_equal(made.training.y, np.eye(3, dtype=np.float32)[numbers[:32]], strict=True)
    assert made.classes == ("Class0", "Class1", "Class2")
    for y in (np.eye(3)[numbers], numbers[:, np.newaxis]):
        np.testing.assert_array_equal(problem(y=y, analysis="multiclass").training.y, made.training.y)
    assert problem(y=numbers, analysis="multiclass", classes="abc").classes == ("a", "b", "c")


def test_labels_of_two_classes() -> None:
    assert problem().classes == ("Signal", "Background")
    assert problem(classes=["quark", "gluon"]).classes == ("quark", "gluon")
    assert problem(y=(np.arange(40) % 2 == 1)[:, np.newaxis]).training.y[:3].tolist() == [[0], [1], [0]]


def test_regression_targets() -> None:
    y = np.arange(80.0).reshape(40, 2)
    made = problem(y=y, analysis="regression")
    np.testing.assert_array_equal(made.validation.y, y[-8:].astype(np.float32), strict=True)
    assert [(t.label, t.min, t.max) for t in made.targets] == [("target0", 0, 78), ("target1", 1, 79)]
    named = (Variable("e", "e", "e"), Variable("m", "m", "m"))
    assert problem(y=y, analysis="regression", targets=named).targets == named
    assert problem().targets == ()


@pytest.mark.parametrize(
    ("y", "analysis", "message"),
    [
        (np.arange(39) % 2, "classification", r"y has the shape \(39,\); expected \(40,\) or \(40, O\)"),
        (np.ones((40, 1, 1)), "regression", r"y has the shape \(40, 1, 1\)"),
        (np.ones((40, 0)), "regression", r"y has the shape \(40, 0\)"),
        (np.eye(2)[np.arange(40) % 2], "classification", "y of a classification has one column .*, not 2"),
        (
            np.arange(40) % 2 * 2 - 1,
            "classification",
            r"must be 1 for signal and 0 for background, but event 0 has \[-1",
        ),
        (np.arange(40) / 40, "classification", r"1 for signal and 0 for background, but event 1 has \[0.02"),
        (np.arange(40) - 1, "multiclass", "must be class numbers 0, 1, 2 ... or one-hot rows"),
        (np.arange(40) / 2, "multiclass", "must be class numbers"),
        (np.full(40, np.nan), "multiclass", "must be class numbers"),
        (np.ones((40, 3)), "multiclass", r"must be one-hot rows, but event 0 has \[1.0, 1.0, 1.0\]"),
        (np.zeros((40, 3)), "multiclass", r"must be one-hot rows, but event 0 has \[0.0, 0.0, 0.0\]"),
    ],
)
def test_labels_that_make_no_sense(y: Any, analysis: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        problem(y=y, analysis=analysis)


def test_class_names_must_be_as_many_as_classes() -> None:
    with pytest.raises(DataError, match="3 class names for 2 classes: a, b, c"):
        problem(classes="abc")
    with pytest.raises(DataError, match="2 class names for 3 classes: a, b"):
        problem(y=np.arange(40) % 3, analysis="multiclass", classes="ab")


def test_a_class_without_events() -> None:
    with pytest.raises(TrainingError, match="no events of the class Background in the training sample"):
        problem(y=np.ones(40))
    with pytest.raises(TrainingError, match="no events of the class b or d in"):
        problem(y=np.arange(40) % 2 * 2, analysis="multiclass", classes="abcd")
    with pytest.raises(TrainingError, match="validation: no events of the class Background in the validation sample"):
        problem(validation=(sample()[0][:8], np.ones(8)))


# --- transformations


def test_variables_are_normalised_on_request() -> None:
    made = problem(f"{SMALL}:VarTransform=N")
    (step,) = made.transformations
    assert isinstance(step, Normalize)
    # Signal has the odd events 1 ... 39, Background the even ones 0 ... 38
    np.testing.assert_array_equal(step.ranges[:, 0], [[6, 234], [0, 228], [0, 234]])
    values = np.concatenate([made.training.X, made.validation.X])[:, 0, 0]
    np.testing.assert_allclose(values, np.linspace(-1, 1, 40), atol=1e-6)
    assert problem().transformations == ()


def test_targets_are_normalised_too() -> None:
    y = np.linspace(100, 300, 40)
    made = problem(f"{SMALL}:VarTransform=N", y=y, analysis="regression")
    labels = np.concatenate([made.training.y, made.validation.y])
    np.testing.assert_allclose(labels[:, 0], np.linspace(-1, 1, 40), atol=1e-6)


def test_nan_is_trained_with_where_a_transformation_makes_numbers_of_it() -> None:
    random = np.random.default_rng(4)
    x = random.normal(size=400).astype(np.float32)
    data = {"x": np.where(random.random(400) < 0.1, np.nan, x), "y": random.normal(size=400), "signal": x > 0}
    classes = {"Signal": "signal", "Background": "!signal"}
    options = "Layout=DENSE|3|TANH,LINEAR:RandomSeed=1:TrainingStrategy=MaxEpochs=2,TestRepetitions=1,BatchSize=20"
    with pytest.raises(DataError, match=r"input x is nan in .* or set allow_nan"):
        load(Recipe(Variables(("x", "y"))), data, classes=classes)
    loaded = load(Recipe(Variables(("x", "y")), allow_nan=True), data, classes=classes)
    with pytest.raises(DataError, match=r"variable x is nan in event \d+, and \d+ events have such values, also after"):
        train(loaded, options, backend="reference")
    result = train(loaded, f"{options}:VarTransform=U", backend="reference")
    assert np.isfinite(result.history[-1].validation_error)
    assert (result.model.predict(loaded.X, backend="reference") > 0).all()
    assert -5 < result.model.variables[0].min < result.model.variables[0].max < 5

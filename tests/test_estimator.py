"""The scikit-learn front end: its own checks of an estimator, and what networks have beside them."""

from __future__ import annotations

import pickle
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytmva_rnn import read_weights
from pytmva_rnn.errors import EstimatorError, TMVAError
from pytmva_rnn.training import HistoryRow

pytest.importorskip("sklearn", minversion="1.6")

from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from pytmva_rnn.estimator import RNNClassifier, RNNRegressor

WEIGHTS_OF_BATCHES = "events are shuffled into batches of equal size, where one of weight 2 is not two of weight 1"


def failing(estimator: Any) -> dict[str, str]:
    """The checks that no network of TMVA can pass, and why; scikit-learn's own networks do not either."""
    return {"check_sample_weight_equivalence_on_dense_data": WEIGHTS_OF_BATCHES}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(
    [RNNClassifier(), RNNRegressor(), RNNClassifier(layout="RNN|4,LINEAR", learning_rate=0.03)],
    expected_failed_checks=failing,
)
def test_scikit_learns_checks(estimator: Any, check: Any) -> None:
    check(estimator)


def events(n: int = 120, steps: int = 3, seed: int = 1) -> tuple[Any, Any]:
    """Sequences of two inputs, whose first rises for half of them."""
    random = np.random.default_rng(seed)
    y = np.arange(n) % 2
    X = random.normal(size=(n, steps, 2))
    X[:, :, 0] += np.where(y[:, None] == 1, 1, -1) * np.arange(steps)
    return X, y


def quick(**parameters: Any) -> Any:
    """A classifier of the layers that other tests use."""
    return RNNClassifier(
        **{"layout": "RNN|4,LINEAR", "learning_rate": 0.03, "max_epochs": 8, "random_state": 3, **parameters}
    )


def test_the_weight_file_has_the_same_answers(tmp_path: Path) -> None:
    X, y = events()
    network = quick().fit(X, y)
    assert network.score(X, y) > 0.8
    network.model_.save(tmp_path / "rnn.weights.xml")
    model = read_weights(tmp_path / "rnn.weights.xml")
    assert model.classes == ("Signal", "Background")
    assert {option.name: option.value for option in model.options}["RandomSeed"] == "3"
    np.testing.assert_allclose(network.predict_proba(X)[:, 1], model.predict(X), atol=2e-6)
    np.testing.assert_allclose(np.exp(network.predict_log_proba(X)), network.predict_proba(X))
    assert network.n_iter_ == network.history_[-1].epoch == 8


def test_rows_of_features_are_steps_one_after_the_other() -> None:
    X, y = events()
    flat = quick(n_steps=3).fit(X.reshape(len(X), -1), y)
    steps = quick().fit(X, y)
    assert flat.n_features_in_ == steps.n_features_in_ == 6
    assert flat.n_steps_ == steps.n_steps_ == 3
    np.testing.assert_array_equal(flat.predict_proba(X), steps.predict_proba(X.reshape(len(X), -1)))
    assert str(flat.model_.layers[0].layout()) == "RNN|4|2|3|0|0"


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (("gluon", "quark"), ("quark", "gluon")),
        (("signal", "top"), ("signal", "top")),
        ((-1, 1), ("Signal", "Background")),
        ((False, True), ("Signal", "Background")),
        ((4, 7), ("7", "4")),
    ],
)
def test_labels_keep_their_kind(labels: tuple[Any, Any], classes: tuple[str, str]) -> None:
    X, y = events()
    named = np.array(labels)[y]
    network = quick().fit(X, named)
    assert network.classes_.tolist() == sorted(labels)
    assert network.model_.classes == classes
    assert (network.predict(X) == named).mean() > 0.8


def test_several_classes() -> None:
    X, y = events(150)
    y = np.arange(150) % 3
    X[:, :, 1] += 3 * y[:, None]
    network = quick(max_epochs=60, convergence_steps=60).fit(X, np.array(["a", "b", "c"])[y])
    assert network.model_.classes == ("a", "b", "c")
    assert network.model_.loss == "S"
    proba = network.predict_proba(X)
    np.testing.assert_allclose(proba.sum(1), 1, rtol=1e-12)
    assert network.score(X, np.array(["a", "b", "c"])[y]) > 0.7


def test_weights_count_and_their_scale_does_not() -> None:
    X, y = events()
    X = np.random.default_rng(0).normal(size=X.shape)  # nothing to be told
    weights = np.where(y == 1, 9.0, 1.0)
    network = quick().fit(X, y, sample_weight=weights)
    assert network.predict_proba(X)[:, 1].mean() > 0.6
    scaled = quick().fit(X, y, sample_weight=1024 * weights)
    np.testing.assert_allclose(scaled.predict_proba(X), network.predict_proba(X), rtol=1e-5)
    by_class = quick(class_weight={0: 1, 1: 9}).fit(X, y)
    np.testing.assert_allclose(by_class.predict_proba(X), network.predict_proba(X), rtol=1e-5)
    balanced = quick(class_weight="balanced").fit(X, y)
    assert abs(balanced.predict_proba(X)[:, 1].mean() - 0.5) < 0.1
    assert network.score(X, y, sample_weight=y) == (network.predict(X[y == 1]) == 1).mean()


def test_data_frames_name_variables_and_targets() -> None:
    pandas = pytest.importorskip("pandas")
    X, y = events()
    frame = pandas.DataFrame(X.reshape(len(X), -1), columns=[f"{name}_{step}" for step in range(3) for name in "ab"])
    network = quick(n_steps=3).fit(frame, pandas.Series(y))
    assert [variable.label for variable in network.model_.variables] == list(frame.columns)
    assert network.feature_names_in_.tolist() == list(frame.columns)
    with pytest.raises(ValueError, match="feature names"):
        network.predict(frame[frame.columns[::-1]])
    targets = pandas.DataFrame({"energy": X[:, 0, 0], "mass": X[:, 1, 1]})
    regressor = RNNRegressor(layout="LINEAR", max_epochs=2, random_state=1).fit(frame, targets)
    assert [target.label for target in regressor.model_.targets] == ["energy", "mass"]


def test_several_targets() -> None:
    X, _ = events()
    y = np.stack([1000 + 50 * X[:, 0, 0], X[:, 1, 1]], axis=1)
    X = X.reshape(len(X), -1)
    regressor = RNNRegressor(layout="LINEAR", learning_rate=0.03, random_state=1).fit(X, y)
    assert regressor.predict(X).shape == y.shape
    assert regressor.score(X, y) > 0.95
    assert regressor.fit(X, y[:, 0]).predict(X).shape == (len(X),)


def test_events_to_validate_with() -> None:
    X, y = events()
    other, labels = events(60, seed=2)
    network = quick().fit(X, y, validation=(other, labels))
    known = dict(network.model_.info)
    assert known["Training events"] == "180"
    assert dict(quick(validation_size=20).fit(X, y).model_.info)["Training events"] == "120"
    with pytest.raises(EstimatorError, match="validation has labels that y has not: 5"):
        quick().fit(X, y, validation=(other, labels + 5))
    weights = np.random.default_rng(0).random(60)
    target = X[:, 0, 0]
    regressor = RNNRegressor(layout="LINEAR", max_epochs=3, random_state=1)
    regressor.fit(X[:, 0], target, validation=(other[:, 0], other[:, 0, 0], weights))
    assert dict(regressor.model_.info)["Training events"] == "180"
    with pytest.raises(EstimatorError, match=r"validation is \(X, y\) or"):
        regressor.fit(X[:, 0], target, validation=other[0, 0, 0])


def test_constant_features_are_left_alone() -> None:
    X, y = events()
    X[:, 2] = 0  # padding
    network = quick(max_epochs=2).fit(X, y)
    assert {option.name: option.value for option in network.model_.options}["VarTransform"] == "N(_V0_,_V1_,_V2_,_V3_)"
    X[:, 2] = 1e6
    with pytest.raises(EstimatorError, match="has the same value, 1e"):
        network.fit(X, y)


def test_few_events_validate_themselves() -> None:
    X, y = events(6)
    network = quick(max_epochs=2).fit(X, y)
    assert dict(network.model_.info)["Training events"] == "12"  # each trains and validates


def test_a_warm_start_goes_on() -> None:
    X, y = events()
    network = quick(warm_start=True).fit(X, y)
    lowest = min(row.validation_error for row in network.history_)
    network.fit(X, y)
    assert network.history_[0].validation_error < lowest * 1.2
    with pytest.raises(EstimatorError, match=r"y has the classes \[2 3\], the fit before.*\[0 1\]"):
        network.fit(X, y + 2)
    with pytest.raises(EstimatorError, match="`initial`"):
        network.set_params(layout="RNN|5,LINEAR").fit(X, y)


def test_phases_and_what_ends_them() -> None:
    X, y = events()
    seen: list[Any] = []
    network = quick(phases=[{"max_epochs": 2}, {"max_epochs": 3, "learning_rate": 1e-4}], on_epoch=seen.append)
    network.fit(X, y)
    assert [(row.phase, row.epoch) for row in network.history_] == [(1, 1), (1, 2), (2, 1), (2, 2), (2, 3)]
    assert network.n_iter_ == 5
    assert seen == network.history_
    assert "LearningRate=0.0001" in str(network.model_.options)
    assert quick(on_epoch=lambda row: row.epoch == 3).fit(X, y).n_iter_ == 3
    falling = quick(max_epochs=3, additions={"schedule": {"kind": "step", "every": 1, "by": 0.1}}).fit(X, y)
    assert falling.history_[-1].training_error != network.history_[-1].training_error
    still = quick(max_epochs=100, convergence_steps=2, learning_rate=1e-9).fit(X, y)
    assert still.n_iter_ < 100


@pytest.mark.filterwarnings("error")
def test_what_does_not_converge_warns() -> None:
    X, y = events()
    with pytest.warns(ConvergenceWarning, match="never fell below its start"):
        quick(learning_rate=50.0, max_epochs=1, optimizer="SGD").fit(X, y)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_ends_a_fit_and_keeps_the_weights() -> None:
    X, y = events()

    def interrupt(row: HistoryRow) -> None:
        if row.epoch == 2:
            signal.raise_signal(signal.SIGINT)

    network = quick(max_epochs=1000, on_epoch=interrupt)
    with pytest.raises(KeyboardInterrupt):
        network.fit(X, y)
    assert network.predict(X).shape == y.shape
    assert network.n_iter_ == 2


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"layout": "RNN|4|9|9,LINEAR"}, "the input size of RNN"),
        ({"layout": "LSTN|4,LINEAR"}, "did you mean LSTM"),
        ({"n_steps": 2}, "n_steps is 2, but X has 3 steps"),
        ({"n_steps": 0}, "n_steps is a number of steps from 1 on, not 0"),
        ({"learning_rate": -1.0}, "LearningRate"),
        ({"optimizer": "ADMA"}, "Optimizer: 'ADMA' is not one of"),
        ({"batch_size": 1000}, "BatchSize=1000 of phase 1 is larger than the sample"),
        ({"validation_size": 1000}, "validation_size=1000 takes 1000 of 120 events"),
        ({"phases": [{"learning_rat": 1.0}]}, "a phase has no parameter 'learning_rat'; near names: learning_rate"),
        ({"phases": {"learning_rate": 1.0}}, "phases are a list of tables"),
        ({"n_jobs": 0}, "n_jobs is a number of threads"),
        ({"var_transform": "Q"}, "Q"),
    ],
)
def test_wrong_parameters(parameters: dict[str, Any], message: str) -> None:
    X, y = events()
    with pytest.raises(ValueError, match=message) as caught:
        quick(**parameters).fit(X, y)
    assert isinstance(caught.value, TMVAError)


def test_wrong_events() -> None:
    X, y = events()
    with pytest.raises(NotFittedError):
        quick().predict(X)
    network = quick().fit(X, y)
    with pytest.raises(EstimatorError, match="X has 2 steps of 3 inputs; expected 3 steps of 2"):
        network.predict(X.reshape(-1, 2, 3))
    with pytest.raises(EstimatorError, match="5 features cannot be 3 steps"):
        quick(n_steps=3).fit(X.reshape(len(X), -1)[:, :5], y)
    with pytest.raises(EstimatorError, match="y has one class only, '1'; a classifier needs two"):
        network.fit(X, np.ones(len(X), int))
    with pytest.raises(ValueError, match="too large for dtype"):
        network.predict(1e300 * X)
    linear = RNNRegressor(layout="LINEAR", max_epochs=2, random_state=1).fit(X[:, 0], X[:, 1, 0])
    with pytest.raises(EstimatorError, match="the network has no answer to 120 event"):
        linear.predict(np.full((120, 2), 3e38))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_with_the_rest_of_scikit_learn() -> None:
    X, y = events()
    rows = X.reshape(len(X), -1)
    pipeline = make_pipeline(StandardScaler(), quick(n_steps=3, max_epochs=4))
    pipeline.set_output(transform="default")
    search = GridSearchCV(pipeline, {"rnnclassifier__learning_rate": [1e-9, 1e-2]}, scoring="roc_auc", cv=3)
    search.fit(rows, y)
    assert search.best_params_ == {"rnnclassifier__learning_rate": 1e-2}
    again = pickle.loads(pickle.dumps(search))
    np.testing.assert_array_equal(again.predict_proba(rows), search.predict_proba(rows))
    proba = cross_val_predict(quick(max_epochs=4), X, y, method="predict_proba", cv=2)
    assert proba.shape == (len(X), 2)
    importance = permutation_importance(search.best_estimator_, rows, y, n_repeats=2, random_state=0).importances_mean
    assert importance[::2].max() > importance[1::2].max()
    copy = clone(search.best_estimator_[-1])
    assert copy.get_params() == search.best_estimator_[-1].get_params()
    assert not hasattr(copy, "model_")


def test_data_frames_out_of_a_pipeline() -> None:
    pandas = pytest.importorskip("pandas")
    X, y = events()
    frame = pandas.DataFrame(X.reshape(len(X), -1), columns=list("abcdef"))
    pipeline = make_pipeline(StandardScaler(), quick(n_steps=3, max_epochs=1)).set_output(transform="pandas")
    assert pipeline.fit(frame, y)[-1].feature_names_in_.tolist() == list("abcdef")

"""ROC integrals, efficiencies and deviations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytmva_rnn.errors import DataError
from pytmva_rnn.report import deviation, roc_curve, roc_integral, roc_uncertainty, separation, signal_efficiency

Y = [1, 0, 1, 1, 0]
SCORES = [0.9, 0.8, 0.8, 0.4, 0.1]


def test_the_curve_cut_by_cut() -> None:
    threshold, efficiency, rejection = roc_curve(Y, SCORES)
    assert threshold.tolist() == [np.inf, 0.9, 0.8, 0.4, 0.1]
    assert efficiency.tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1, 1])
    assert rejection.tolist() == pytest.approx([1, 1, 0.5, 0.5, 0])


def test_weights_count_as_events() -> None:
    repeated = [i for i, times in enumerate((1, 2, 3, 1, 4)) for _ in range(times)]
    assert roc_integral(Y, SCORES, [1, 2, 3, 1, 4]) == pytest.approx(
        roc_integral(np.take(Y, repeated), np.take(SCORES, repeated))
    )


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.integers(1, 4)), min_size=2, max_size=30).filter(
        lambda events: len({event[0] for event in events}) == 2
    )
)
def test_the_integral_is_the_chance_that_signal_scores_higher(events: list[tuple[bool, int, int]]) -> None:
    y, score, weight = (np.array(column) for column in zip(*events, strict=True))
    pairs = weight[y][:, None] * weight[~y]
    higher = np.sign(score[y][:, None] - score[~y])
    expected = (pairs * (higher + 1) / 2).sum() / pairs.sum()
    assert roc_integral(y, score, weight) == pytest.approx(expected)
    assert roc_integral(y, -score, weight) == pytest.approx(1 - expected)


def test_signal_efficiency_is_read_off_the_curve() -> None:
    y = np.repeat([1, 0], 10)
    scores = np.append(np.arange(10) + 5.5, np.arange(10))
    assert signal_efficiency(y, scores, 0.0) == pytest.approx(0.6)  # scores 9.5 and above
    assert signal_efficiency(y, scores, 0.3) == pytest.approx(0.9)  # 7 of background is in, 6.5 of signal is in
    assert signal_efficiency(y, scores, 1.0) == 1.0
    assert signal_efficiency([1, 0], [0.5, 0.5], 0.25) == pytest.approx(0.25)  # of equal scores, a part


def test_a_large_sample_of_known_shape() -> None:
    """Scores u for background and sqrt(u) for signal: background b is kept with signal 1 - (1 - b)^2."""
    u = (np.arange(100_000) + 0.5) / 100_000
    y, scores = np.repeat([1, 0], len(u)), np.append(np.sqrt(u), u)
    for background in (0.01, 0.10, 0.30):
        assert signal_efficiency(y, scores, background) == pytest.approx(1 - (1 - background) ** 2, abs=1e-4)
    assert roc_integral(y, scores) == pytest.approx(2 / 3, abs=1e-4)


@pytest.mark.parametrize(
    ("y", "scores", "weights", "message"),
    [
        ([1, 0], [0.5], None, r"one label, score and weight per event, not \(2,\), \(1,\)"),
        ([1, 1], [0.5, 0.6], None, "needs background events"),
        ([0, 0], [0.5, 0.6], None, "needs signal events"),
        ([], [], None, "needs signal events"),
        ([1, 0], [0.5, np.nan], None, "NaN or infinite"),
        ([1, 0], [0.5, 0.6], [1.0, -1.0], "needs background events whose weights"),
    ],
)
def test_what_gives_no_curve_is_refused(y: object, scores: object, weights: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        roc_curve(y, scores, weights)  # type: ignore[arg-type]


def test_a_background_efficiency_is_a_fraction() -> None:
    with pytest.raises(DataError, match="between 0 and 1, not at 10"):
        signal_efficiency(Y, SCORES, 10)


def test_deviation_is_bias_and_spread_about_it() -> None:
    targets = np.array([[1.0, 5.0], [2.0, 5.0], [4.0, 5.0]])
    bias, rms = deviation(targets, targets + np.array([[1, 0], [3, 0], [2, 6]]), [1, 1, 2])
    assert bias.tolist() == [2, 3]
    assert rms.tolist() == pytest.approx([np.sqrt(0.5), 3])
    assert deviation([1.0, 2.0], [[2.0], [3.0]])[0].tolist() == [1]
    with pytest.raises(DataError, match="do not fit"):
        deviation(targets, targets[:2])
    with pytest.raises(DataError, match="add up to something positive"):
        deviation([1.0], [1.0], [0.0])


@pytest.mark.parametrize("weighting", ["none", "exponential", "signs"])
def test_the_uncertainty_is_the_spread_of_many_samples(weighting: str) -> None:
    random = np.random.default_rng(1)
    y = np.repeat([1, 0], [60, 120])
    areas, uncertainties = [], []
    for _ in range(300):
        scores = random.normal(size=180) + y
        weights = {
            "none": np.ones(180),
            "exponential": random.exponential(size=180),
            "signs": np.where(random.random(180) < 0.1, -1.0, 1.0),
        }[weighting]
        areas.append(roc_integral(y, scores, weights))
        uncertainties.append(roc_uncertainty(y, scores, weights))
    assert np.mean(uncertainties) == pytest.approx(np.std(areas), rel=0.15)


def test_a_few_events_that_are_separated_are_not_certain() -> None:
    assert roc_integral([1, 1, 0, 0], [0.9, 0.8, 0.2, 0.1]) == 1
    assert 0.2 < roc_uncertainty([1, 1, 0, 0], [0.9, 0.8, 0.2, 0.1]) < 0.5
    many = np.repeat([1, 0], 10_000)
    assert roc_uncertainty(many, many) < 1e-3


def test_separation() -> None:
    y = np.repeat([1, 0], 1000)
    assert separation(y, y) == 1
    assert separation(y, np.tile(np.arange(1000), 2)) == 0
    assert separation(y, np.ones(2000)) == 0
    half = np.concatenate([np.tile([0, 1], 500), np.zeros(1000)])
    assert separation(y, half) == pytest.approx(0.5 * (0.5**2 / 1.5 + 0.5**2 / 0.5))

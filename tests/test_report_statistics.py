"""The numbers of a report: against SciPy, ROOT, and what can be worked out by hand; with weights of either sign."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pytmva_rnn import extras
from pytmva_rnn.errors import DataError, MissingExtraError
from pytmva_rnn.report import ReportOptions, roc_integral, roc_uncertainty
from pytmva_rnn.report.computing import efficiency_profiles
from pytmva_rnn.report.scored_sample import ScoredSample
from pytmva_rnn.report.statistics.binned import Binned, edges_of, quantiles
from pytmva_rnn.report.statistics.calibration import calibration
from pytmva_rnn.report.statistics.confusion import confusion
from pytmva_rnn.report.statistics.cuts import Cuts, kept_by_cuts, roc_band
from pytmva_rnn.report.statistics.fractions import fractions
from pytmva_rnn.report.statistics.moments import InputSums
from pytmva_rnn.report.statistics.plain_data import plain_data
from pytmva_rnn.report.statistics.profiles import efficiency_profile, error_profile, variable_edges
from pytmva_rnn.report.statistics.resolution import residuals
from pytmva_rnn.report.statistics.significance import significance_curve
from pytmva_rnn.report.statistics.two_samples import (
    chi_square,
    chi_square_probability,
    compatibility,
    kolmogorov,
    kolmogorov_of_histograms,
    kolmogorov_probability,
)

EDGES = np.linspace(-3, 3, 21)


def two_samples(weighted: bool) -> tuple[np.ndarray, ...]:
    random = np.random.default_rng(4)
    one, other = random.normal(size=400), random.normal(0.1, 1.1, 300)
    weights = [random.normal(1, 1, len(each)) if weighted else np.ones(len(each)) for each in (one, other)]
    return one, weights[0], other, weights[1]


def test_histograms_sum_weights_of_either_sign() -> None:
    found = Binned.of([0.5, 0.5, 1.0, 2.0, -1, 9, np.nan], [1, -3, 2, 4, 5, 6, 7], np.array([0.0, 1.0, 2.0]))
    assert found.contents.tolist() == [-2, 6]
    assert found.variances.tolist() == [10, 20]
    assert found.outside == (5, 6)
    assert found.outside_variances == (25, 36)
    height, error = found.density()
    assert height.tolist() == [-2 / 15, 6 / 15]
    np.testing.assert_allclose(error, np.sqrt([10, 20]) / 15)
    assert np.isnan(Binned.of([1.0], [-1.0], EDGES).density()[0]).all()


def test_edges_of_anything() -> None:
    assert edges_of([1, np.nan, 3, np.inf], 2).tolist() == [1, 2, 3]
    assert edges_of([7.0, 7.0], 2).tolist() == [3.5, 7, 10.5]
    assert edges_of([], 2).tolist() == [0, 0.5, 1]
    assert edges_of([*np.linspace(0, 1, 1001), 1e9], 1, most=0.01)[-1] < 2


def test_weighted_quantiles() -> None:
    values = [4.0, 1.0, 3.0, 2.0]
    assert quantiles(values, np.ones(4), [0.25, 0.5, 1]).tolist() == [1, 2, 4]
    assert quantiles(values, [1, 1, 6, 0], [0.5]).tolist() == [3]
    # the first value below which half of 3 - 1 + 1 is
    assert quantiles([1.0, 2.0, 3.0], [3, -1, 1], [0.5]).tolist() == [1]
    assert np.isnan(quantiles(values, -np.ones(4), [0.5])).all()


@pytest.mark.parametrize("z", [0.1, 0.3, 0.7, 0.76, 1.0, 2.0, 4.0, 8.0])
def test_kolmogorov_probability(z: float) -> None:
    assert kolmogorov_probability(z) == pytest.approx(extras.scipy().special.kolmogorov(z), abs=1e-12)


@pytest.mark.parametrize("degrees", [1, 2, 3, 8, 39, 100])
@pytest.mark.parametrize("value", [0.0, 0.5, 7.0, 60.0, 2000.0])
def test_chi_square_probability(degrees: int, value: float) -> None:
    expected = extras.scipy().special.chdtrc(degrees, value)
    assert chi_square_probability(value, degrees) == pytest.approx(expected, rel=1e-10, abs=1e-300)


def test_kolmogorov_is_scipys_without_weights() -> None:
    stats = pytest.importorskip("scipy.stats")
    one, _, other, _ = two_samples(weighted=False)
    distance, probability = kolmogorov(one, np.ones(400), other, np.ones(300))
    expected = stats.ks_2samp(one, other, method="asymp")
    assert distance == pytest.approx(expected.statistic, rel=1e-12)
    assert probability == pytest.approx(kolmogorov_probability(expected.statistic * math.sqrt(400 * 300 / 700)))


def test_a_weight_counts_as_often_as_it_says() -> None:
    one, weights, other, _ = two_samples(weighted=False)
    twice = kolmogorov(one, weights * 2, other, np.full(300, 0.5))
    assert twice == pytest.approx(kolmogorov(one, weights, other, np.ones(300)))
    assert all(map(math.isnan, kolmogorov(one, -weights, other, np.ones(300))))
    assert math.isnan(compatibility(one, -weights, other, np.ones(300), EDGES).binned_probability)


@pytest.mark.slow
@pytest.mark.parametrize("weighted", [False, True])
def test_histograms_compare_as_in_root(weighted: bool) -> None:
    try:
        root = extras.root()
    except MissingExtraError as error:
        pytest.skip(str(error))
    one, of_one, other, of_other = two_samples(weighted)
    histograms = []
    for number, (values, weights) in enumerate(((one, of_one), (other, of_other))):
        histogram = root.TH1D(f"compared{number}{weighted}", "", 20, EDGES)
        histogram.Sumw2()
        histogram.FillN(len(values), np.ascontiguousarray(values), np.ascontiguousarray(weights))
        histograms.append(histogram)
    mine = [Binned.of(one, of_one, EDGES), Binned.of(other, of_other, EDGES)]
    assert kolmogorov_of_histograms(*mine) == pytest.approx(histograms[0].KolmogorovTest(histograms[1]), rel=1e-9)
    value, degrees = chi_square(*mine)
    assert value == pytest.approx(histograms[0].Chi2Test(histograms[1], "WW CHI2"), rel=1e-9)
    assert value / degrees == pytest.approx(histograms[0].Chi2Test(histograms[1], "WW CHI2/NDF"), rel=1e-9)
    probability = root.TMath.Prob(value, degrees)
    assert chi_square_probability(value, degrees) == pytest.approx(probability, rel=1e-9)
    probability = root.TMath.KolmogorovProb(0.9)
    assert kolmogorov_probability(0.9) == pytest.approx(probability, rel=1e-9)


def test_fractions_are_never_certain() -> None:
    p, low, high = fractions([0, 4, 8, 1], [8, 4, 0, -2], [0, 4, 8, 1], [8, 4, 0, 4])
    assert p[:3].tolist() == [0, 0.5, 1]
    assert low[0] == 0
    assert high[0] == pytest.approx(1 / 9)  # Wilson: z^2 / (n + z^2)
    assert high[2] == 1
    assert low[2] == pytest.approx(8 / 9)
    assert low[1] == pytest.approx(1 - high[1])
    assert np.isnan([p[3], low[3], high[3]]).all()
    # weights of both signs: propagated
    p, low, high = fractions([3.0], [-1.0], [9.0], [1.0])
    assert p.tolist() == [1.5]
    assert high[0] - p[0] == pytest.approx(math.sqrt(0.5**2 * 9 + 1.5**2 * 1) / 2)


def scored(n: int, seed: int = 1, negative: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    signal = random.random(n) < 0.4
    scores = 1 / (1 + np.exp(-random.normal(np.where(signal, 0.7, -0.7), 1)))
    weights = random.random(n) + 0.5
    weights[random.random(n) < negative] *= -1
    return signal, scores, weights


def test_cuts_keep_what_is_above() -> None:
    cuts = kept_by_cuts([1, 1, 0, 0, 0], [0.9, 0.2, 0.8, 0.2, 0.1], [1, 3, 2, 1, 1])
    assert cuts.thresholds.tolist() == [0.1, 0.2, 0.8, 0.9]
    assert cuts.signal.tolist() == [1, 1, 0.25, 0.25]
    assert cuts.background.tolist() == [1, 0.75, 0.5, 0]
    assert cuts.background_events.tolist() == [4**2 / 6, 3**2 / 5, 1, 0]
    # keeps 2 with square 4, loses 2 with squares 1 and 1
    assert cuts.background_errors[2] == pytest.approx(math.sqrt(0.25 * 4 + 0.25 * 2) / 4)


@pytest.mark.parametrize("negative", [0.0, 0.15])
def test_the_curve_is_that_of_the_integral(negative: float) -> None:
    signal, scores, weights = scored(3000, negative=negative)
    band = roc_band(signal, scores, weights, [0.5], np.random.default_rng(1), replicas=300, points=1001)
    heights = (band.background_rejection[1:] + band.background_rejection[:-1]) / 2
    area = float(heights @ np.diff(band.signal_efficiency))
    assert area == pytest.approx(roc_integral(signal, scores, weights), abs=2e-3)
    (point,) = band.points
    kept = scores >= point.threshold
    assert weights[kept & signal].sum() / weights[signal].sum() == pytest.approx(0.5, abs=0.01)
    mine = weights[kept & ~signal].sum() / weights[~signal].sum()
    assert point.background_efficiency == pytest.approx(mine, abs=0.01)
    assert point.rejection == pytest.approx(1 / point.background_efficiency)
    assert point.low < point.background_efficiency < point.high


def test_the_band_holds_two_thirds_of_the_samples() -> None:
    random = np.random.default_rng(2)
    inside = 0
    truth = roc_band(*scored(200_000, seed=99), [0.5], random, replicas=0).points[0].background_efficiency
    for seed in range(60):
        (point,) = roc_band(*scored(400, seed=seed), [0.5], random, replicas=100).points
        inside += point.low <= truth <= point.high
    assert 0.5 < inside / 60 < 0.85


def test_the_bootstrap_has_the_width_of_the_formula() -> None:
    signal, scores, weights = scored(2000)
    band = roc_band(signal, scores, weights, [0.5], np.random.default_rng(1), replicas=400)
    doubled = [np.concatenate([each, each]) for each in (signal, scores, weights)]
    groups = np.tile(np.arange(2000), 2)
    together = roc_band(*doubled, [0.5], np.random.default_rng(1), replicas=400, groups=groups)
    width, same = (each.points[0].high - each.points[0].low for each in (band, together))
    # an event that is there twice, drawn together, tells no more than once
    assert same == pytest.approx(width, rel=0.2)
    half_width = np.mean(band.high - band.low) / 2
    assert 0.5 < half_width / roc_uncertainty(signal, scores, weights) < 2


def test_without_background_at_the_top() -> None:
    band = roc_band([1, 1, 0, 0], [4, 3, 2, 1], np.ones(4), [0.5], np.random.default_rng(1), replicas=20)
    assert band.points[0].background_efficiency == 0
    assert band.points[0].high == pytest.approx(1 / 3)  # two events tell that little
    assert band.points[0].rejection == math.inf


def flat_cuts(signal: list[float], background: list[float], events: list[float]) -> Cuts:
    nothing = np.zeros(len(signal))
    return Cuts(
        np.arange(len(signal)) / 10.0, np.array(signal), np.array(background), nothing + 0.01, nothing, np.array(events)
    )


def test_the_significance_and_its_best_cut() -> None:
    cuts = flat_cuts([1, 0.8, 0.5, 0.1], [1, 0.1, 0.01, 0], [1000, 100, 12, 0])
    found = significance_curve("s/sqrt(s+b)", cuts, (100, 1000))
    expected = [100 / math.sqrt(1100), 80 / math.sqrt(180), 50 / math.sqrt(60), math.sqrt(10)]
    np.testing.assert_allclose(found.values, expected)
    assert found.best_threshold == 0.2
    assert (found.signal, found.background) == (50, 10)
    # half of the distance from 49 to 51 signal events
    assert found.best_error == pytest.approx((51 / math.sqrt(61) - 49 / math.sqrt(59)) / 2)
    asimov = significance_curve("Asimov", cuts, (100, 1000))
    s, b = 50, 10
    assert asimov.values[2] == pytest.approx(math.sqrt(2 * ((s + b) * math.log(1 + s / b) - s)))
    assert asimov.values[3] == 0  # no background: the formula has no value
    own = significance_curve("s / sqrt(b + (0.1 * b)^2)", cuts, (100, 1000))
    assert own.values[1] == pytest.approx(80 / math.sqrt(100 + 100))


def test_no_cut_is_best_where_too_few_events_tell() -> None:
    found = significance_curve("s/sqrt(b)", flat_cuts([1, 0.5], [1, 0], [9, 0]), (1, 1))
    assert math.isnan(found.best_value)
    assert math.isnan(found.signal)
    # negative weights may leave less than no background, which is no reason to cut there
    found = significance_curve("s/sqrt(s+b)", flat_cuts([1, 0.5], [1, -0.02], [1000, 12]), (100, 1000))
    assert found.values[1] > found.values[0]
    assert found.best_threshold == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("s / sqrt(c)", "c is not known; s and b are the expected events"),
        ("sqrt(b)", "does not depend on s"),
        ("s / sqrt(", "s / sqrt\\("),
    ],
)
def test_wrong_significances(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        significance_curve(text, flat_cuts([1], [1], [20]), (1, 1))


def test_a_calibrated_score() -> None:
    random = np.random.default_rng(3)
    scores = random.random(40_000)
    member = random.random(40_000) < scores
    found = calibration("a", member, scores, np.ones(40_000), bins=10)
    assert len(found.score) == 10
    assert found.share.sum() == pytest.approx(1)
    assert found.expected_error < 0.02
    assert ((found.low - 0.01 <= found.score) & (found.score <= found.high + 0.01)).mean() > 0.6
    assert found.brier == pytest.approx(1 / 6, abs=0.01)
    wrong = calibration("a", member, scores**3, np.ones(40_000), bins=10)
    assert wrong.expected_error > 0.2
    one = calibration("a", [True, False], [0.5, 0.5], [1, 3])
    assert one.fraction[-1] == 0.25


def test_efficiency_profiles() -> None:
    values = np.array([1, 1, 2, 2, 2, np.nan])
    passed = np.array([1, 0, 1, 1, 0, 1], bool)
    found = efficiency_profile(
        "n", values, passed, [0, 0, 0, 0, 1, 1], np.array([1, 3, 2, -1, 1, 1]), ("a", "b"), cut="c"
    )
    assert found.edges.tolist() == [0.5, 1.5, 2.5]
    assert found.efficiency[0].tolist() == [0.25, 1]
    assert math.isnan(found.efficiency[1, 0])
    assert found.efficiency[1, 1] == 0
    assert found.left_out == 1


def test_bins_of_a_variable() -> None:
    assert variable_edges([3.0, 3.0]).tolist() == [2.5, 3.5]
    assert variable_edges([np.nan]).tolist() == [0, 1]
    random = np.random.default_rng(1).exponential(size=1000)
    edges = variable_edges(random)
    assert len(edges) == 11
    assert np.histogram(random, edges)[0].min() > 90
    assert len(variable_edges([0.0] * 900 + list(range(100)))) > 1  # most events have one value


def test_a_confusion_matrix() -> None:
    scores = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]])
    found = confusion(("a", "b", "c"), [0, 0, 1, 2], scores, [1, 3, 2, 2])
    assert found.fraction.tolist() == [[0.25, 0.75, 0], [0, 1, 0], [0, 0, 1]]
    assert found.accuracy == 5 / 8
    assert (found.low <= found.fraction).all()
    assert found.high[1, 0] > 0


def test_residuals() -> None:
    random = np.random.default_rng(1)
    true = random.random(20_000) * 4
    predicted = true + random.normal(0.1, 0.3, 20_000)
    found = residuals("e", true, predicted, np.ones(20_000))
    assert found.bias == pytest.approx(0.1, abs=0.01)
    assert found.rms == pytest.approx(0.3, abs=0.01)
    assert found.resolution == pytest.approx(0.3, abs=0.02)
    assert found.tails == pytest.approx((0.1 - 0.588, 0.1 + 0.588), abs=0.03)
    assert found.correlation == pytest.approx(np.corrcoef(true, predicted)[0, 1])
    np.testing.assert_allclose(found.against_target.bias, 0.1, atol=0.05)
    np.testing.assert_allclose(found.against_target.spread, 0.3, atol=0.05)
    profile = error_profile("e", "n", [1, 1, 2], [1.0, 3.0, 5.0], [1, 1, 4])
    assert profile.bias.tolist() == [2, 5]
    assert profile.spread.tolist() == [1, 0]
    assert profile.bias_error[0] == pytest.approx(1 / math.sqrt(2))
    constant = residuals("e", np.full(3, 0.1), np.array([0.1, 0.2, 0.4]), np.ones(3))
    assert math.isnan(constant.correlation)


def test_negative_weights_leave_no_resolution() -> None:
    weights = np.array([3.0, -1.0, -1.0])  # the mean is 0, and of the square about it -8 are left
    profile = error_profile("e", "n", [1, 1, 1], [0.0, -2.0, 2.0], weights)
    assert profile.bias.tolist() == [0]
    assert np.isnan([profile.spread[0], profile.bias_error[0]]).all()
    values = np.array([0.0, -2.0, 2.0])
    found = residuals("e", values, 2 * values, weights)
    assert np.isnan([found.rms, found.correlation]).all()
    far = error_profile("e", "n", [1, 1], [1e9, 1e9 + 2], [1, 1])
    assert far.spread.tolist() == [1]
    after = error_profile("e", "n", [1, 2, 2], [1.0, 3.0, 5.0], [-1, 1, 1])  # nothing positive in the first bin
    np.testing.assert_array_equal([after.bias, after.spread], [[np.nan, 4], [np.nan, 1]])


def test_the_cut_says_what_it_keeps() -> None:
    scores = np.array([0.9, 0.5, 0.5, 0.5, 0.1])
    test = ScoredSample(scores, np.array([1.0, 1, 1, 1, 2]), np.array([0, 1, 1, 1, 1]), np.empty((5, 0)))
    (found,) = efficiency_profiles(test, {"n": np.zeros(5)}, ("a", "b"), ReportOptions(background=0.1))
    assert found.cut == "score ≥ 0.5, which keeps 60 % of the background"
    assert found.efficiency[:, 0].tolist() == [1, 0.6]


def test_inputs_summed_piece_by_piece() -> None:
    random = np.random.default_rng(5)
    X = (random.normal(1e4, 1, (600, 3, 2)) * [1, 2]).astype(np.float32)
    X[:, :, 1] += X[:, :, 0]
    length = random.integers(0, 4, 600)
    there = np.arange(3) < length[:, None]
    weights = random.normal(1, 0.5, 600)
    sums = InputSums(3, 2)
    for first in range(0, 600, 250):
        block = slice(first, first + 250)
        sums.add(X[block], there[block], weights[block])
    found = sums.moments("a")
    assert found.events == 600
    for t in range(3):
        own, w = X[there[:, t], t].astype(np.float64), weights[there[:, t]]
        mean = w @ own / w.sum()
        np.testing.assert_allclose(found.mean[t], mean, rtol=1e-9)
        np.testing.assert_allclose(found.spread[t], np.sqrt(w @ (own - mean) ** 2 / w.sum()), rtol=1e-5)
        assert found.lowest[t, 0] == own[:, 0].min()
        assert found.padding[t] == pytest.approx(weights[~there[:, t]].sum() / weights.sum())
    assert found.lengths[0] == pytest.approx(weights[length == 0].sum() / weights.sum())
    flat, w = X[there].astype(np.float64), np.repeat(weights, length)
    mean = w @ flat / w.sum()
    covariance = ((flat - mean) * w[:, None]).T @ (flat - mean) / w.sum()
    expected = covariance[0, 1] / math.sqrt(covariance[0, 0] * covariance[1, 1])
    assert found.correlation[0, 1] == pytest.approx(expected, rel=1e-5)


def test_inputs_that_are_constant_infinite_or_missing() -> None:
    X = np.ones((4, 2, 2), np.float32)
    X[0, 0, 1] = np.inf
    X[:, :, 0] = 1e5
    there = np.ones((4, 2), bool)
    there[:, 1] = False
    sums = InputSums(2, 2)
    sums.add(X, there, np.ones(4))
    found = sums.moments("a")
    assert found.mean[0].tolist() == [1e5, 1]
    assert found.spread[0].tolist() == [0, 0]
    assert np.isnan(found.mean[1]).all()
    assert np.isnan(found.lowest[1]).all()
    assert found.not_finite == 1
    assert np.isnan(found.correlation).all()
    assert np.isnan(InputSums(2, 2).moments("nothing").mean).all()


def test_plain_data_is_json() -> None:
    band = roc_band([1, 0], [1, 0], [1, 1], [0.5], np.random.default_rng(1), replicas=2, points=2)
    found = plain_data(band)
    assert found["signal_efficiency"] == [0.0, 1.0]
    assert found["points"][0]["rejection"] is None  # infinite
    assert plain_data({"a": (np.float32(0.1), np.int64(3), None, True)}) == {"a": [0.100000001, 3, None, True]}

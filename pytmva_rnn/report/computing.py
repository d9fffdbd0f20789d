"""The numbers of a report from scored events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.description import Description, settings_in_words
from pytmva_rnn.model import Model
from pytmva_rnn.network.scoring import NO_SCORE
from pytmva_rnn.report.collected import CollectedSample
from pytmva_rnn.report.metrics import deviation, roc_integral
from pytmva_rnn.report.permutation import Executor, Importance, permutation_importance
from pytmva_rnn.report.report_numbers import LayerRow, RocSummary, SampleSummary, ScoreDistribution
from pytmva_rnn.report.report_options import ReportOptions
from pytmva_rnn.report.scored_sample import ScoredSample, finite_rows
from pytmva_rnn.report.statistics.binned import Binned, edges_of, quantiles
from pytmva_rnn.report.statistics.calibration import Calibration, calibration
from pytmva_rnn.report.statistics.cuts import kept_by_cuts, roc_band
from pytmva_rnn.report.statistics.profiles import EfficiencyProfile, ErrorProfile, efficiency_profile, error_profile
from pytmva_rnn.report.statistics.significance import SignificanceCurve, significance_curve
from pytmva_rnn.report.statistics.two_samples import compatibility

__all__ = [
    "calibrations",
    "efficiency_profiles",
    "error_profiles",
    "importance_of",
    "network_rows",
    "roc_summaries",
    "sample_summary",
    "score_distributions",
    "significances",
]

_CURVE = 200
"""Points of a curve without a band."""


def sample_summary(name: str, sample: CollectedSample, classes: tuple[str, ...]) -> SampleSummary:
    """How many events of which classes."""
    index = sample.scored.class_index
    counts = np.bincount(index, minlength=len(classes))
    weights = np.bincount(index, sample.weights, minlength=len(classes))
    return SampleSummary(
        name,
        dict(zip(classes, counts.tolist(), strict=True)),
        dict(zip(classes, weights.tolist(), strict=True)),
        sample.failed,
    )


def score_distributions(
    samples: Mapping[str, ScoredSample], classes: tuple[str, ...], bins: int, *, bounded: bool
) -> tuple[ScoreDistribution, ...]:
    """Of the score, or of each class's; with the compatibility of the first two samples."""
    found = []
    for number in range(1 if len(classes) == 2 else len(classes)):
        scores = {name: sample.one_against_rest(number)[1] for name, sample in samples.items()}
        every = np.concatenate([score[score != NO_SCORE] for score in scores.values()])
        edges = edges_of(every, bins, most=0.0 if bounded else 0.001)
        histograms = {
            name: {
                label: Binned.of(scores[name][chosen], sample.weights[chosen], edges)
                for label, chosen in _members(sample, classes)
            }
            for name, sample in samples.items()
        }
        tests = {}
        if len(samples) > 1:
            (one, first), (other, second) = list(samples.items())[:2]
            for (label, mine), (_, its) in zip(_members(first, classes), _members(second, classes), strict=True):
                tests[label] = compatibility(
                    scores[one][mine], first.weights[mine], scores[other][its], second.weights[its], edges
                )
        found.append(ScoreDistribution(classes[number], histograms, tests))
    return tuple(found)


def _members(sample: ScoredSample, classes: tuple[str, ...]) -> list[tuple[str, NDArray[np.bool_]]]:
    return [(name, sample.class_index == number) for number, name in enumerate(classes)]


def roc_summaries(
    test: ScoredSample,
    training: ScoredSample | None,
    classes: tuple[str, ...],
    options: ReportOptions,
    random: np.random.Generator,
    groups: NDArray[np.int64] | None,
) -> tuple[RocSummary, ...]:
    """Signal against background, or each of several classes against the rest."""
    found = []
    for number in range(1 if len(classes) == 2 else len(classes)):
        member, score = test.one_against_rest(number)
        band = roc_band(
            member, score, test.weights, options.efficiencies, random, replicas=options.replicas, groups=groups
        )
        efficiency = rejection = np.empty(0)
        if training is not None:
            cuts = kept_by_cuts(*training.one_against_rest(number), training.weights, _CURVE)
            efficiency = np.append(cuts.signal, 0.0)[::-1]
            rejection = 1 - np.append(cuts.background, 0.0)[::-1]
        found.append(RocSummary(classes[number], band, efficiency, rejection))
    return tuple(found)


def significances(
    test: ScoredSample, weights: NDArray[np.float64], classes: tuple[str, ...], options: ReportOptions
) -> tuple[SignificanceCurve, ...]:
    """Of the first class against all others, with the yields of the options or else the sums of these weights (n,)."""
    sums = np.bincount(test.class_index, weights, minlength=len(classes))
    expected = np.array([options.yields.get(name, total) for name, total in zip(classes, sums, strict=True)])
    if not (expected[0] > 0 and expected[1:].sum() > 0 and (sums > 0).all()):
        return ()
    member, score = test.one_against_rest(0)
    cuts = kept_by_cuts(member, score, weights * (expected / sums)[test.class_index])
    yields = (float(expected[0]), float(expected[1:].sum()))
    return tuple(significance_curve(text, cuts, yields) for text in options.significance)


def calibrations(test: ScoredSample, classes: tuple[str, ...], model: Description) -> tuple[Calibration, ...]:
    """Of the score, or of each class's, where the output function makes it a number from 0 to 1."""
    if model.output_function not in ("S", "M"):
        return ()
    sample = test.take(test.has_score)
    if not sample.weights.sum() > 0:
        return ()
    return tuple(
        calibration(classes[number], *sample.one_against_rest(number), sample.weights)
        for number in range(1 if len(classes) == 2 else len(classes))
    )


def efficiency_profiles(
    test: ScoredSample, values: Mapping[str, NDArray[np.float64]], classes: tuple[str, ...], options: ReportOptions
) -> tuple[EfficiencyProfile, ...]:
    """Of the cut that keeps the options' fraction of the background, or of the assignment to several classes."""
    if len(classes) == 2:
        of_background = test.class_index != 0
        score = np.asarray(test.scores, np.float64)
        (threshold,) = quantiles(-score[of_background], test.weights[of_background], [options.background])
        passed = score >= -threshold
        # more than was asked for where many events have one score
        weight = test.weights[of_background]
        kept = float(weight[passed[of_background]].sum() / weight.sum())
        cut = f"score ≥ {-threshold:.4g}, which keeps {100 * kept:.3g} % of the background"
    else:
        passed = np.asarray(test.scores).argmax(axis=1) == test.class_index
        cut = "taken for what it is"
    return tuple(
        efficiency_profile(name, each, passed, test.class_index, test.weights, classes, cut=cut)
        for name, each in values.items()
    )


def error_profiles(
    test: ScoredSample, values: Mapping[str, NDArray[np.float64]], targets: tuple[str, ...]
) -> tuple[ErrorProfile, ...]:
    """Of each target against each variable."""
    difference = test.scores.reshape(test.target_values.shape) - test.target_values
    return tuple(
        error_profile(target, name, each, difference[:, number], test.weights)
        for number, target in enumerate(targets)
        for name, each in values.items()
    )


def importance_of(
    model: Model,
    test: CollectedSample,
    classes: tuple[str, ...],
    options: ReportOptions,
    random: np.random.Generator,
    executor: Executor | None,
    backend: str,
) -> Importance:
    """By the ROC integral, the mean of those of several classes, or the RMS of a regression; raises as these."""
    own = test.scored.take(test.places)
    measure: Callable[[NDArray[Any], NDArray[np.int64]], float]
    if model.analysis == "Regression":

        def measure(scores: NDArray[Any], chosen: NDArray[np.int64]) -> float:
            true, weight = own.target_values[chosen], own.weights[chosen]
            known = finite_rows(scores)
            _, rms = deviation(true[known], scores[known], weight[known])
            if len(rms) == 1:
                return float(rms[0])
            _, spread = deviation(np.zeros_like(true[known]), true[known], weight[known])
            return float(np.mean(rms / np.where(spread > 0, spread, 1)))

        several = len(model.targets) > 1
        words = "RMS of prediction − target" + (" over the spread of the target, mean of all" if several else "")
    else:

        def measure(scores: NDArray[Any], chosen: NDArray[np.int64]) -> float:
            sample = ScoredSample(scores, own.weights[chosen], own.class_index[chosen], own.target_values[chosen])
            sample = sample.take(finite_rows(scores))
            numbers = range(1 if len(classes) == 2 else len(classes))
            return float(np.mean([roc_integral(*sample.one_against_rest(n), sample.weights) for n in numbers]))

        words = "ROC integral" if len(classes) == 2 else "ROC integral, mean of each class against the rest"
    return permutation_importance(
        model,
        test.chosen,
        test.layout,
        measure,
        words,
        random,
        sign=-1 if model.analysis == "Regression" else 1,
        repeats=options.repeats,
        executor=executor,
        backend=backend,
    )


def network_rows(model: Description) -> tuple[LayerRow, ...]:
    """The layers, from the input on."""
    return tuple(
        LayerRow(layer.kind, settings_in_words(layer).replace("_", " "), shape, layer.parameter_count, layer.steps)
        for layer, shape in zip(model.layers, model.shapes()[1:], strict=True)
    )

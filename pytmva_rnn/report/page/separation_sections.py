"""The sections on how well classes are told apart; None where a report has nothing for one."""

from __future__ import annotations

from pytmva_rnn.html_elements import details, number, table
from pytmva_rnn.report.page.section import Section
from pytmva_rnn.report.report_numbers import ReportNumbers

__all__ = ["calibration_section", "confusion_section", "roc_section", "scores_section", "significance_section"]


def scores_section(report: ReportNumbers) -> Section | None:
    """Their distributions, and whether training and test events have the same."""
    if not report.scores:
        return None
    rows = [
        [
            each.output if len(report.scores) > 1 else report.title,
            name,
            number(test.kolmogorov_distance),
            number(test.kolmogorov_probability, 3),
            number(test.binned_probability, 3),
            f"{number(test.chi_square)} / {test.degrees}",
            number(test.chi_square_probability, 3),
        ]
        for each in report.scores
        for name, test in each.compatibility.items()
    ]
    if not rows:
        return Section("scores", "Scores", ("scores",))
    columns = ["score of", "events of", "distance", "KS", "KS of histograms", "χ² / degrees", "χ²"]
    texts = (
        "Low probabilities, of a few per cent and less, say that training and test events are scored differently: "
        "the network knows its training events by heart, or the samples differ.",
    )
    return Section(
        "scores",
        "Scores",
        ("scores",),
        texts,
        [table("Probability that training and test sample are of one distribution", columns, rows, texts=2)],
    )


def roc_section(report: ReportNumbers) -> Section | None:
    """What cuts reject."""
    if not report.roc:
        return None
    rows = [
        [
            each.name,
            f"{point.signal_efficiency:g}",
            number(point.threshold),
            f"{number(point.background_efficiency)} ({number(point.low, 3)} to {number(point.high, 3)})",
            number(point.rejection),
        ]
        for each in report.roc
        for point in each.test.points
    ]
    columns = ["class", "signal efficiency", "cut", "background efficiency", "rejection"]
    caption = f"What cuts reject; one standard deviation by {report.roc[0].test.replicas} replicas of the bootstrap"
    return Section("roc", "ROC curve", ("roc", "rejection"), content=[table(caption, columns, rows)])


def significance_section(report: ReportNumbers) -> Section | None:
    """The best cuts."""
    if not report.significance:
        return None
    rows = [
        [
            each.name,
            number(each.best_threshold),
            f"{number(each.best_value)} ± {number(each.best_error, 2)}",
            number(each.signal),
            number(each.background),
            number(each.signal_efficiency),
            number(each.background_efficiency),
        ]
        for each in report.significance
    ]
    columns = ["significance", "best cut", "value", "s", "b", "signal kept", "background kept"]
    signal, background = report.significance[0].yields
    told = (
        "as given" if report.options.yields else "the sums of the weights of the test events, as no yields were given"
    )
    texts = (
        f"For {signal:.6g} events of {report.classes[0]} and {background:.6g} of {' and '.join(report.classes[1:])} "
        f"before the cut, {told}. A best cut keeps at least ten test events of the background, since of fewer nobody "
        "can tell how many there will be; the uncertainties come from the number of test events.",
    )
    return Section("significance", "Significance", ("significance",), texts, [table("Best cuts", columns, rows)])


def calibration_section(report: ReportNumbers) -> Section | None:
    """Whether scores are probabilities."""
    if not report.calibration:
        return None
    rows = [
        [
            each.name,
            f"{each.edges[k]:.3f} to {each.edges[k + 1]:.3f}",
            number(each.score[k]),
            f"{number(each.fraction[k])} ({number(each.low[k], 3)} to {number(each.high[k], 3)})",
            number(each.share[k], 3),
        ]
        for each in report.calibration
        for k in range(len(each.score))
    ]
    errors = [[each.name, number(each.expected_error), number(each.brier)] for each in report.calibration]
    texts = (
        "Classes count as in the training: where it made them equally frequent, the score is the probability for as "
        "many events of each.",
    )
    content = [
        table("Calibration", ["class", "expected error", "Brier score"], errors),
        details(
            "Bins",
            table("Bins of the score", ["class", "score", "mean score", "fraction", "share of events"], rows, texts=2),
        ),
    ]
    return Section("calibration", "Calibration", ("calibration",), texts, content)


def confusion_section(report: ReportNumbers) -> Section | None:
    """Which class is taken for which."""
    matrix = report.confusion
    if matrix is None:
        return None
    rows = [
        [name, *(f"{100 * value:.1f} ± {50 * (high - low):.1f}" for value, low, high in zip(*each, strict=True))]
        for name, *each in zip(matrix.classes, matrix.fraction, matrix.low, matrix.high, strict=True)
    ]
    caption = f"What events of each class (rows) are taken for, in per cent; accuracy {100 * matrix.accuracy:.1f} %"
    return Section(
        "confusion", "Confusion", ("confusion",), content=[table(caption, ["true class", *matrix.classes], rows)]
    )

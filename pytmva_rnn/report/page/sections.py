"""The sections of the page: what each says, its pictures and its tables."""

from __future__ import annotations

from pytmva_rnn.html_elements import details, element, number, table
from pytmva_rnn.report.metrics import BACKGROUNDS
from pytmva_rnn.report.page.reproduction_section import reproduction_content
from pytmva_rnn.report.page.section import Section
from pytmva_rnn.report.page.separation_sections import (
    calibration_section,
    confusion_section,
    roc_section,
    scores_section,
    significance_section,
)
from pytmva_rnn.report.report_numbers import ReportNumbers

__all__ = ["sections_of"]


def sections_of(report: ReportNumbers) -> list[Section]:
    """Those that the report has something for."""
    found = [
        _summary(report),
        _training(report),
        scores_section(report),
        roc_section(report),
        significance_section(report),
        calibration_section(report),
        confusion_section(report),
        _regression(report),
        _efficiencies(report),
        _inputs(report),
        _importance(report),
        _network(report),
        Section("reproduction", "How to make it again", content=reproduction_content(report.reproduction)),
    ]
    return [each for each in found if each is not None]


def _summary(report: ReportNumbers) -> Section:
    rows = [
        [name, each.name, f"{each.events[name]:,}", number(each.weights[name], 6)]
        for name in report.samples[0].events
        for each in report.samples
    ]
    content = [table("Events", ["class", "sample", "events", "sum of weights"], rows, texts=2)]
    separations = [
        [
            row.name,
            sample,
            f"{row.roc_integral:.4f} ± {row.roc_uncertainty:.4f}",
            *(f"{row.signal_efficiencies[at]:.4f}" for at in BACKGROUNDS),
            f"{row.separation:.4f}",
        ]
        for sample, performance in report.performance.items()
        for row in performance.separations
    ]
    if separations:
        columns = ["class", "sample", "ROC integral", *(f"signal at {100 * at:g} % background" for at in BACKGROUNDS)]
        content.append(table("Separation", [*columns, "separation"], separations, texts=2))
    deviations = [
        [row.name, sample, number(row.bias), number(row.rms)]
        for sample, performance in report.performance.items()
        for row in performance.deviations
    ]
    if deviations:
        content.append(table("Prediction − target", ["target", "sample", "bias", "RMS"], deviations, texts=2))
    if report.notes:
        content.insert(0, element("ul", *(element("li", note) for note in report.notes), class_="notes"))
    return Section("summary", "Summary", content=content)


def _training(report: ReportNumbers) -> Section | None:
    if not report.history:
        return None
    rows = [
        [
            str(each.number),
            each.settings or "–",
            f"{each.epochs:,}",
            number(each.first_error),
            number(each.best_error),
            f"{each.best_epoch:,}",
            number(each.training_error),
            number(each.last_error),
        ]
        for each in report.phases
    ]
    columns = [
        "phase",
        "settings",
        "epochs",
        "first error",
        "best error",
        "at epoch",
        "training error there",
        "last error",
    ]
    return Section("training", "Training", ("history",), content=[table("Phases", columns, rows, texts=2)], wide=True)


def _regression(report: ReportNumbers) -> Section | None:
    if not report.residuals:
        return None
    rows = [
        [
            each.target,
            number(each.bias),
            number(each.rms),
            number(each.median),
            number(each.resolution),
            f"{number(each.tails[0])} to {number(each.tails[1])}",
            number(each.correlation),
        ]
        for each in report.residuals
    ]
    columns = ["target", "bias", "RMS", "median", "half of the central 68 %", "central 95 %", "correlation"]
    return Section(
        "regression",
        "Residuals and resolution",
        ("residuals", "prediction", "resolution", "error"),
        content=[table("Prediction − target", columns, rows)],
    )


def _efficiencies(report: ReportNumbers) -> Section | None:
    if not report.efficiencies:
        return None
    rows = [
        [
            each.variable,
            f"{number(each.edges[k])} to {number(each.edges[k + 1])}",
            *(
                f"{number(each.efficiency[c, k], 3)} ({number(each.low[c, k], 3)} to {number(each.high[c, k], 3)})"
                for c in range(len(each.classes))
            ),
        ]
        for each in report.efficiencies
        for k in range(len(each.edges) - 1)
    ]
    left_out = [f"{each.left_out:,} events of {each.variable}" for each in report.efficiencies if each.left_out]
    texts = [f"Events are kept by the cut: {report.efficiencies[0].cut}."]
    if left_out:
        texts.append(f"NaN or infinite, and left out: {', '.join(left_out)}.")
    content = [
        details("Bins", table("Efficiencies", ["variable", "bin", *report.efficiencies[0].classes], rows, texts=2))
    ]
    return Section("efficiency", "Efficiency against variables", ("efficiency",), tuple(texts), content)


def _inputs(report: ReportNumbers) -> Section:
    inputs = report.inputs
    content = []
    if inputs.padded:
        rows = [
            [
                each.name,
                f"{each.events:,}",
                number(sum(length * share for length, share in enumerate(each.lengths.tolist())), 3),
                f"{100 * float(each.padding.mean()):.1f} %",
                f"{100 * float(each.lengths[0]):.1f} %",
                f"{100 * float(each.lengths[-1]):.1f} %",
            ]
            for each in inputs.classes
        ]
        columns = ["class", "events", "mean length", "padding", "empty", f"{inputs.steps} steps or more"]
        content.append(table("Lengths of the sequences", columns, rows))
    rows = [
        [
            name,
            str(step) if inputs.steps > 1 else "",
            each.name,
            *(number(float(a[step, d])) for a in (each.mean, each.spread, each.lowest, each.highest)),
            f"{100 * each.padding[step]:.1f} %" if inputs.padded else "–",
        ]
        for d, name in enumerate(inputs.names)
        for step in range(inputs.steps)
        for each in inputs.classes
    ]
    columns = ["input", "step", "class", "mean", "spread", "lowest", "highest", "padding"]
    content.append(details("All inputs", table("Inputs of the test sample", columns, rows, texts=3)))
    wrong = sum(each.not_finite for each in inputs.classes)
    texts = (f"{wrong:,} values are NaN or infinite, and left out here.",) if wrong else ()
    return Section("inputs", "Inputs", ("inputs", "lengths", "correlations"), texts, content)


def _importance(report: ReportNumbers) -> Section | None:
    found = report.importance
    if found is None:
        return None
    texts = (
        f"How much worse the {found.measure}, {found.base:.4g} with everything, becomes when the values of one input, "
        "or of one step, are exchanged among events with as many steps. Inputs that say the same stand in for each "
        "other, and then seem to be worth little.",
    )
    rows = [
        [kind, row.name, f"{number(row.mean, 3)} ± {number(row.spread, 2)}"]
        for kind, some in (("input", found.inputs), ("step", found.steps))
        for row in some
    ]
    caption = f"Loss by permutation of {found.events:,} events, {found.repeats} times each"
    content = [details("All numbers", table(caption, ["", "name", "loss"], rows, texts=2))]
    return Section("importance", "Importance of inputs and steps", ("importance",), texts, content)


def _network(report: ReportNumbers) -> Section:
    rows = [
        [str(number_), row.kind, row.settings, " × ".join(map(str, row.shape)), f"{row.parameters:,}"]
        for number_, row in enumerate(report.network)
    ]
    columns = ["layer", "kind", "settings", "output", "parameters"]
    return Section("network", "Network", ("network",), content=[table("Layers", columns, rows, texts=3)])

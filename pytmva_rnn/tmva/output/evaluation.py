"""The tables that TMVA's Factory prints in EvaluateAllMethods.

Source of wording and layout: Factory.cxx of ROOT 6.22 to 6.40.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.data.dataset import Dataset
from pytmva_rnn.report.metrics import BACKGROUNDS, roc_integral, signal_efficiency
from pytmva_rnn.tmva.output.method_output import MethodOutput, check_methods
from pytmva_rnn.tmva.output.regression import Deviation, deviation_of
from pytmva_rnn.tmva.output.responses import Response

__all__ = ["evaluation_table"]

_MARGIN = " " * 25 + ": "


def evaluation_table(
    training: Dataset,
    test: Dataset,
    methods: Sequence[MethodOutput],
    dataset_name: str = "dataset",
    *,
    margin: str = _MARGIN,
) -> str:
    """What `Factory::EvaluateAllMethods` prints of its results, best method first.

    Classification: the ROC integral of each method, then the signal efficiencies at `BACKGROUNDS` from the test sample
    and, in parentheses, from the training sample. The ROC integral is the area under background rejection against
    signal efficiency, unbinned; the efficiencies are TMVA's, which come from histograms (`Efficiencies.signal_at`).

    Regression: bias and rms with and without the events far off, and the mutual information, from the test and then
    from the training sample. TMVA tells of the first target only; here each has its line, `<title>:<target>`.

    Multiclass: each class against the rest, then each against each other one. TMVA's own table of the latter has
    training and test interchanged and calls a fraction a per cent; this one has not. In the former, TMVA weighs the
    classes of the rest by NormMode in the training sample only, so that its columns cannot be compared; here both have
    NormMode's factors.

    Parameters
    ----------
    training, test : Dataset
        With event weights, which all numbers respect.
    methods : sequence of MethodOutput
    dataset_name : str
    margin : str
        What each line begins with; TMVA's logger puts the source of a message here.

    Returns
    -------
    str
        Lines that end with a line feed.

    Raises
    ------
    DataError
        If samples and scores do not fit, a score is NaN or infinite, or a class has no positive sum of weights.
    """
    check_methods(training, test, methods)
    tables = {"classification": _classification, "multiclass": _multiclass, "regression": _regression}
    lines = tables[test.analysis](training, test, methods, dataset_name)
    return "".join(f"{margin}{line}\n" for line in lines)


def _classification(training: Dataset, test: Dataset, methods: Sequence[MethodOutput], dataset: str) -> Iterator[str]:
    areas = {m.title: roc_integral(test.y, m.scores("test", test)[:, 0], test.weights) for m in methods}
    for method in methods:  # so that the training sample is checked as the test sample is
        roc_integral(training.y, method.scores("training", training)[:, 0], training.weights)
    responses = {method.title: Response(method, training, test) for method in methods}
    ranked = sorted(responses, key=lambda title: -responses[title].test.area)
    line = "-" * 115
    yield ""
    yield "Evaluation results ranked by best signal efficiency and purity (area)"
    yield line
    yield "DataSet       MVA                       "
    yield "Name:         Method:          ROC-integ"
    for title in ranked:
        yield f"{dataset:<13} {title:<15}: {areas[title]:.3f}"
    yield line
    yield ""
    yield "Testing efficiency compared to training efficiency (overtraining check)"
    yield line
    yield "DataSet              MVA              Signal efficiency: from test sample (from training sample) "
    yield "Name:                Method:          @B=0.01             @B=0.10            @B=0.30   "
    yield line
    for title in ranked:
        found = responses[title]
        cells = [f"{found.test.signal_at(b):.3f} ({found.training.signal_at(b):.3f})" for b in BACKGROUNDS]
        yield f"{dataset:<20} {title:<15}: {cells[0]}       {cells[1]}      {cells[2]}"
    yield line
    yield ""


def _regression(training: Dataset, test: Dataset, methods: Sequence[MethodOutput], dataset: str) -> Iterator[str]:
    rows: list[tuple[str, Deviation, Deviation]] = []
    for method in methods:
        for number, target in enumerate(test.targets):
            of_test, of_training = (
                deviation_of(scores[:, number], data.target_values[:, number], data.weights)
                for data, scores in _both(method, test, training)
            )
            title = method.title if len(test.targets) == 1 else f"{method.title}:{target.name}"
            rows.append((title, of_test, of_training))
    rows.sort(key=lambda row: row[1].absolute)
    line = "-" * 98
    intro = {
        "test": [
            '("Bias" quotes the mean deviation of the regression from true target.',
            ' "MutInf" is the "Mutual Information" between regression and target.',
            ' Indicated by "_T" are the corresponding "truncated" quantities ob-',
            " tained when removing events deviating more than 2sigma from average.)",
        ],
        "training": ["(overtraining check)"],
    }
    yield ""
    for sample, text in intro.items():
        yield f"Evaluation results ranked by smallest RMS on {sample} sample:"
        yield from text
        yield line
        yield "DataSet Name:         MVA Method:        <Bias>   <Bias_T>    RMS    RMS_T  |  MutInf MutInf_T"
        yield line
        for title, of_test, of_training in rows:
            d = of_test if sample == "test" else of_training
            numbers = "".join(f"{v:#9.3g}" for v in (d.bias, d.bias_truncated, d.rms, d.rms_truncated))
            yield f"{dataset:<20} {title:<15}:{numbers}  |  {d.information:#5.3f}  {d.information_truncated:#5.3f}"
        yield line
        yield ""


def _multiclass(training: Dataset, test: Dataset, methods: Sequence[MethodOutput], dataset: str) -> Iterator[str]:
    line = "-" * 103
    yield ""
    yield "1-vs-rest performance metrics per class"
    yield line
    yield ""
    yield "Considers the listed class as signal and the other classes"
    yield "as background, reporting the resulting binary performance."
    yield "A score of 0.820 (0.850) means 0.820 was achieved on the"
    yield "test set and 0.850 on the training set."
    yield ""
    yield _row("Dataset", "MVA Method", "ROC AUC", *(f"Sig eff@B={b:.2f}" for b in BACKGROUNDS))
    yield _row("Name:", "/ Class:", *["test  (train)"] * 4)
    for method in methods:
        yield ""
        yield _row(dataset, method.title)
        yield "-" * 30
        for number, name in enumerate(test.classes):
            cells = []
            for background in (None, *BACKGROUNDS):
                numbers = [
                    _one_against(data.class_index == number, scores[:, number], data.comparable_weights, background)
                    for data, scores in _both(method, test, training)
                ]
                cells.append("{:5.3f} ({:5.3f})".format(*numbers))
            yield _row("", name, *cells)
    yield ""
    yield line
    yield ""
    yield ""
    yield "Confusion matrices for all methods"
    yield line
    yield ""
    yield "Does a binary comparison between the two classes given by a "
    yield "particular row-column combination. In each case, the class "
    yield "given by the row is considered signal while the class given "
    yield "by the column index is considered background."
    yield ""
    for method in methods:
        yield f"=== Showing confusion matrix for method : {method.title:<15}"
        for background in BACKGROUNDS:
            yield f"(Signal Efficiency for Background Efficiency {background:.2f})"
            yield "-" * 51
            yield from _confusion(method, test, training, background)
            yield ""
    yield line
    yield ""


def _row(*cells: str) -> str:
    return "".join(f"{cell:<15}" for cell in cells)


def _both(
    method: MethodOutput, test: Dataset, training: Dataset
) -> tuple[tuple[Dataset, NDArray[np.float32]], tuple[Dataset, NDArray[np.float32]]]:
    return (test, method.scores("test", test)), (training, method.scores("training", training))


def _one_against(
    member: NDArray[np.bool_], scores: NDArray[np.float32], weights: NDArray[np.float64], background: float | None
) -> float:
    """ROC integral, or with a background efficiency the signal efficiency there."""
    if background is None:
        return roc_integral(member, scores, weights)
    return signal_efficiency(member, scores, background, weights)


def _confusion(method: MethodOutput, test: Dataset, training: Dataset, background: float) -> Iterator[str]:
    yield "".join(f" {cell:<14}" for cell in ("", *test.classes))
    yield "".join(f" {cell:<14}" for cell in ("", *[" test (train)"] * len(test.classes)))
    for row, name in enumerate(test.classes):
        cells = [name]
        for column in range(len(test.classes)):
            numbers = []
            for data, scores in _both(method, test, training):
                pair = (data.class_index == row) | (data.class_index == column)
                if row != column:
                    own = data.class_index[pair] == row
                    numbers.append(_one_against(own, scores[pair, row], data.weights[pair], background))
            cells.append("{:5.3f} ({:5.3f})".format(*numbers) if numbers else "-")
        yield "".join(f" {cell:<14}" for cell in cells)

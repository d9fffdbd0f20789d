"""The tables of EvaluateAllMethods, and the numbers in them."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from pytmva_rnn.data import Column, Dataset
from pytmva_rnn.errors import DataError
from pytmva_rnn.report import roc_integral, signal_efficiency
from pytmva_rnn.tmva.output import MethodOutput, evaluation_table
from pytmva_rnn.tmva.output.histograms import Axis
from pytmva_rnn.tmva.output.regression import deviation_of
from pytmva_rnn.tmva.output.responses import Efficiencies, Response


def dataset(
    n: int, seed: int, classes: tuple[str, ...] = ("Signal", "Background"), targets: tuple[str, ...] = ()
) -> Dataset:
    random = np.random.default_rng(seed)
    return Dataset(
        X=random.normal(size=(n, 3)).astype(np.float32),
        class_index=np.arange(n) % len(classes),
        weights=random.uniform(0.5, 2, n),
        classes=classes,
        target_values=random.normal(size=(n, len(targets))).astype(np.float32),
        targets=tuple(Column(name) for name in targets),
        spectators=np.empty((n, 0), np.float32),
        entries=np.arange(n),
        efficiencies=(1.0,) * len(classes),
    )


def scores_of(data: Dataset, power: float = 1.5, seed: int = 0) -> NDArray[np.float64]:
    """Good scores for a large power; for multiclass and regression a column for each output."""
    noise = np.random.default_rng(seed).normal(size=data.y.shape)
    if data.targets:
        return data.target_values + noise / power
    raw = 1 / (1 + np.exp(-power * (data.y - 0.5) - noise))
    return raw if raw.ndim == 1 else raw / raw.sum(axis=1, keepdims=True)


TRAINING, TEST = dataset(3000, 1), dataset(2000, 2)
METHODS = [
    MethodOutput(title, scores_of(TRAINING, power, 3), scores_of(TEST, power, 4))
    for title, power in (("TMVA_GRU", 1.0), ("TMVA_LSTM", 2.0))
]


def kept(
    axis: Axis, scores: list[float], member: list[bool], weights: list[float], larger: bool
) -> NDArray[np.float64]:
    """Efficiencies event by event and bin by bin."""
    contents = np.zeros(axis.bins)
    for score, counts, weight in zip(scores, member, weights, strict=True):
        number = int((score - axis.low) / (axis.high - axis.low) * axis.bins) + 1
        if not counts or (number > axis.bins if larger else number < 1):
            continue
        number = max(number, 1) if larger else min(number, axis.bins)
        contents[slice(0, number) if larger else slice(number, None)] += weight
    return contents / contents.max()


@pytest.mark.parametrize("larger", [True, False])
def test_the_efficiencies_of_each_cut(larger: bool) -> None:
    axis = Axis(10, 0, 1)
    scores, weights = [0.05, 0.31, 0.62, 0.99, 1.2, -0.5, 0.31], [1.0, 2.0, 0.5, 1.0, 4.0, 3.0, -0.25]
    signal = [True, True, True, True, True, True, True]
    signal[1] = signal[3] = False
    found = Efficiencies.of(axis, np.array(scores), np.array(signal), np.array(weights), larger)
    np.testing.assert_allclose(found.signal, kept(axis, scores, signal, weights, larger))
    np.testing.assert_allclose(found.background, kept(axis, scores, [not s for s in signal], weights, larger))


def test_the_background_efficiency_is_that_of_the_nearest_signal_efficiency() -> None:
    scores = np.array([0.1, 0.3, 0.6, 0.1, 0.3, 0.6, 0.9])
    signal = np.array([True, True, True, False, False, False, False])
    weights = np.array([0.4, 0.1, 0.5, 0.4, 0.3, 0.2, 0.1])
    found = Efficiencies.of(Axis(4, 0, 1), scores, signal, weights, True)
    np.testing.assert_allclose(found.signal, [1, 0.6, 0.5, 0])
    np.testing.assert_allclose(found.background, [1, 0.6, 0.3, 0.1])
    # at 0.245, 0.255, 0.545, 0.555, 0.795 and 0.805
    np.testing.assert_allclose(found.background_at[[24, 25, 54, 55, 79, 80]], [0.1, 0.3, 0.3, 0.6, 0.6, 1])


def test_the_signal_efficiency_lies_in_the_middle_of_the_step_where_the_curve_is_crossed() -> None:
    at = (np.arange(100) + 0.5) / 100
    found = Efficiencies(at, at, at)
    assert [found.signal_at(b) for b in (0.001, 0.3, 0.999)] == pytest.approx([0.001, 0.3, 0.999])
    assert found.area == pytest.approx(0.5)
    assert Efficiencies(at, at, np.full(100, 0.2)).signal_at(0.3) == pytest.approx(0.9995)
    assert Efficiencies(at, at, np.full(100, 0.4)).signal_at(0.3) == pytest.approx(0.00025)


def test_the_numbers_taken_from_histograms_are_near_the_exact_ones() -> None:
    found = Response(METHODS[1], TRAINING, TEST)
    score = METHODS[1].scores("test", TEST)[:, 0]
    assert found.test.area == pytest.approx(roc_integral(TEST.y, score, TEST.weights), abs=2e-3)
    for background in (0.1, 0.3, 0.7):
        exact = signal_efficiency(TEST.y, score, background, TEST.weights)
        assert found.test.signal_at(background) == pytest.approx(exact, abs=0.02)
    score = METHODS[1].scores("training", TRAINING)[:, 0]
    exact = signal_efficiency(TRAINING.y, score, 0.3, TRAINING.weights)
    assert found.training.signal_at(0.3) == pytest.approx(exact, abs=0.02)


def test_scores_that_are_small_for_signal_are_cut_from_above() -> None:
    turned = replace(METHODS[1], train_scores=1 - METHODS[1].train_scores, test_scores=1 - METHODS[1].test_scores)
    found, expected = Response(turned, TRAINING, TEST).test, Response(METHODS[1], TRAINING, TEST).test
    assert found.signal[0] < found.signal[-1]
    assert found.area == pytest.approx(expected.area, abs=2e-3)


def test_scores_that_are_all_alike() -> None:
    flat = MethodOutput("flat", np.full(len(TRAINING), 0.5), np.full(len(TEST), 0.5))
    assert ": 0.500\n" in evaluation_table(TRAINING, TEST, [flat])


def test_the_table_of_a_classification_ranks_methods_and_is_laid_out_as_in_tmva() -> None:
    text = evaluation_table(TRAINING, TEST, METHODS, "data")
    assert all(line.startswith(" " * 25 + ": ") for line in text.splitlines())
    lines = [line[27:] for line in text.splitlines()]
    assert lines[1:5] == [
        "Evaluation results ranked by best signal efficiency and purity (area)",
        "-" * 115,
        "DataSet       MVA                       ",
        "Name:         Method:          ROC-integ",
    ]
    area = [roc_integral(TEST.y, m.scores("test", TEST)[:, 0], TEST.weights) for m in METHODS]
    assert lines[5:7] == [
        f"data          TMVA_LSTM      : {area[1]:.3f}",
        f"data          TMVA_GRU       : {area[0]:.3f}",
    ]
    assert lines[9] == "Testing efficiency compared to training efficiency (overtraining check)"
    assert lines[11].startswith(
        "DataSet              MVA              Signal efficiency: from test sample (from training"
    )
    assert lines[12] == "Name:                Method:          @B=0.01             @B=0.10            @B=0.30   "
    found = Response(METHODS[1], TRAINING, TEST)
    number = r"(\d\.\d{3}) \((\d\.\d{3})\)"
    row = re.fullmatch(rf"data                 TMVA_LSTM      : {number}       {number}      {number}", lines[14])
    assert row is not None
    expected = [part.signal_at(b) for b in (0.01, 0.1, 0.3) for part in (found.test, found.training)]
    assert [float(value) for value in row.groups()] == pytest.approx(expected, abs=5.1e-4)


def test_the_table_of_a_multiclass_has_each_class_against_the_rest_and_each_other() -> None:
    classes = ("Signal", "bg0", "bg1")
    training, test = dataset(900, 5, classes), dataset(600, 6, classes)
    method = MethodOutput("LSTM", scores_of(training, seed=1), scores_of(test, seed=2))
    lines = evaluation_table(training, test, [method], margin="").splitlines()
    cells = {}
    for name, data in (("test", test), ("training", training)):
        score = method.scores("test" if name == "test" else "training", data)[:, 1]
        cells[name] = [roc_integral(data.class_index == 1, score, data.weights)] + [
            signal_efficiency(data.class_index == 1, score, b, data.weights) for b in (0.01, 0.1, 0.3)
        ]
    row = "".join(f"{f'{a:5.3f} ({b:5.3f})':<15}" for a, b in zip(cells["test"], cells["training"], strict=True))
    assert f"{'':<15}{'bg0':<15}{row}" in lines
    start = lines.index("(Signal Efficiency for Background Efficiency 0.30)")
    pair = test.class_index != 1
    value = signal_efficiency(
        test.class_index[pair] == 2, method.scores("test", test)[pair, 2], 0.3, test.weights[pair]
    )
    cells_of_bg1 = lines[start + 6]
    assert cells_of_bg1.startswith(f" {'bg1':<14} {value:5.3f} (")
    assert cells_of_bg1.rstrip().endswith(" -")


def test_the_table_of_a_regression_has_bias_rms_and_mutual_information() -> None:
    training, test = dataset(500, 7, ("Regression",), ("fvalue",)), dataset(400, 8, ("Regression",), ("fvalue",))
    methods = [
        MethodOutput(title, scores_of(training, power)[:, 0], scores_of(test, power)[:, 0])
        for title, power in (("bad", 1.0), ("good", 10.0))
    ]
    lines = evaluation_table(training, test, methods, margin="").splitlines()
    first = lines.index(
        "DataSet Name:         MVA Method:        <Bias>   <Bias_T>    RMS    RMS_T  |  MutInf MutInf_T"
    )
    assert [line[21:25] for line in lines[first + 2 : first + 4]] == ["good", "bad "]
    d = deviation_of(methods[1].test_scores, test.target_values[:, 0], test.weights)
    assert d.rms == pytest.approx(0.1, rel=0.1)
    assert d.rms_truncated < d.rms
    numbers = "".join(f"{v:#9.3g}" for v in (d.bias, d.bias_truncated, d.rms, d.rms_truncated))
    tail = f"  |  {d.information:#5.3f}  {d.information_truncated:#5.3f}"
    assert lines[first + 2] == f"{'dataset':<20} {'good':<15}:{numbers}{tail}"


def test_the_mutual_information_of_what_is_equal_is_its_entropy() -> None:
    values = np.repeat([0.0, 1.0, 2.0, 3.0], 25)
    # ROOT leaves the largest value out of such a histogram.
    assert deviation_of(values, values, np.ones(100)).information == pytest.approx(np.log(3))
    assert deviation_of(np.ones(9), np.ones(9), np.ones(9)).information == -1


def test_each_target_has_its_line() -> None:
    training = dataset(50, 7, ("Regression",), ("e", "p"))
    method = MethodOutput("LSTM", scores_of(training), scores_of(training))
    text = evaluation_table(training, training, [method])
    assert "LSTM:e         :" in text
    assert "LSTM:p         :" in text


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        ([METHODS[0], METHODS[0]], "two methods are called 'TMVA_GRU'"),
        (
            [replace(METHODS[0], test_scores=np.zeros(7))],
            r"test sample needs scores of the shape \(2000, 1\), not \(7,\)",
        ),
        ([replace(METHODS[0], train_scores=np.full(len(TRAINING), np.nan))], "NaN or infinite"),
    ],
)
def test_what_cannot_be_evaluated(methods: list[MethodOutput], message: str) -> None:
    with pytest.raises(DataError, match=message):
        evaluation_table(TRAINING, TEST, methods)


def test_samples_that_do_not_belong_together() -> None:
    with pytest.raises(DataError, match="different classes"):
        evaluation_table(TRAINING, dataset(9, 1, ("A", "B", "C")), [])
    with pytest.raises(DataError, match="the test sample has no events"):
        evaluation_table(TRAINING, TEST.take(np.empty(0, np.int64)), [])

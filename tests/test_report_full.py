"""A report from events to page, numbers and pictures."""

from __future__ import annotations

import json
import math
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
from lxml import html

from pytmva_rnn import Dataset, Recipe, Report, ReportOptions, Steps, evaluate, load, make_report, train
from pytmva_rnn.data import ArrayTree
from pytmva_rnn.description import HistoryRow
from pytmva_rnn.errors import DataError, OutputError
from pytmva_rnn.report.event_inputs import EventInputs
from pytmva_rnn.report.statistics.binned import Binned

pytest.importorskip("matplotlib")

from matplotlib.figure import Figure

from pytmva_rnn.report.page import themed_svg
from pytmva_rnn.report.panels.catalogue import panels_of

pytestmark = pytest.mark.slow

HOSTILE = "</title><script>alert('x')</script>"
QUICK = ReportOptions(replicas=20, repeats=2, events=200, seed=3, checksums=False)
OPTIONS = (
    "Layout=RNN|4|2|3,RESHAPE|FLAT,LINEAR:RandomSeed=3:"
    "TrainingStrategy=LearningRate=3e-2,MaxEpochs=12,BatchSize=20,TestRepetitions=1,Optimizer=ADAM"
    "|LearningRate=3e-3,MaxEpochs=4,BatchSize=20,TestRepetitions=1,Optimizer=SGD,DropConfig=0.1"
)


def tracks(random: np.random.Generator, n: int, mean: float) -> dict[str, ak.Array]:
    """Of each event up to four: x tells the classes, noise does not."""
    counts = random.integers(0, 5, n)
    total = int(counts.sum())
    return {
        "x": ak.unflatten(random.normal(mean, 1, total), counts),
        "noise": ak.unflatten(random.normal(0, 1, total) + 5, counts),
        "w": ak.Array(random.normal(1, 0.5, n)),
        "pt": ak.Array(random.exponential(30, n)),
    }


@pytest.fixture(scope="module")
def sequences() -> tuple[Dataset, Dataset]:
    random = np.random.default_rng(5)
    recipe = Recipe(Steps({"x": "x", "noise": "noise"}, steps=3), spectators=("pt",))
    sources = {
        "Signal": ArrayTree.of(tracks(random, 300, 1), weight="w"),
        HOSTILE: ArrayTree.of(tracks(random, 400, -1), weight="w"),
    }
    return load(recipe, sources).split("SplitMode=Random")


@pytest.fixture(scope="module")
def model(sequences: tuple[Dataset, Dataset]):  # type: ignore[no-untyped-def]
    return train(sequences[0], OPTIONS, backend="reference", title="L$TM_{").model


@pytest.fixture(scope="module")
def report(model, sequences) -> Report:  # type: ignore[no-untyped-def]
    training, test = sequences
    return make_report(
        model,
        test,
        training,
        QUICK,
        backend="reference",
        command="pytmva-rnn train '<b>.toml'",
        configuration="a = 1 < 2",
    )


@pytest.fixture(scope="module")
def page(report: Report) -> str:
    return report.to_html()


def test_the_numbers_are_those_of_evaluate(report: Report, model, sequences) -> None:  # type: ignore[no-untyped-def]
    training, test = sequences
    assert report.performance["test"] == evaluate(model, test, backend="reference")
    assert report.performance["training"] == evaluate(model, training, backend="reference")
    assert report.samples[0].events == {"Signal": 150, HOSTILE: 200}
    assert report.samples[0].weights["Signal"] == pytest.approx(test.weights[test.class_index == 0].sum())
    assert [phase.number for phase in report.phases] == [1, 2]
    assert report.phases[0].settings == "ADAM, learning rate 0.03, batches of 20"
    assert report.phases[1].settings == "SGD, learning rate 0.003, batches of 20, momentum 0.3, dropout 0.1"
    assert len(report.history) == 16
    (scores,) = report.scores
    assert scores.histograms["test"]["Signal"].total == pytest.approx(
        test.comparable_weights[test.class_index == 0].sum()
    )
    assert 0 <= scores.compatibility["Signal"].kolmogorov_probability <= 1
    assert [point.signal_efficiency for point in report.roc[0].test.points] == list(QUICK.efficiencies)
    assert any("negative weights" in note for note in report.notes)


def test_yields_are_the_weights_unless_given(report: Report, model, sequences) -> None:  # type: ignore[no-untyped-def]
    test = sequences[1]
    expected = [test.weights[test.class_index == index].sum() for index in (0, 1)]
    assert report.significance[0].yields == pytest.approx(expected)
    options = ReportOptions(
        yields={"Signal": 10, HOSTILE: 1000}, significance="s / sqrt(b)", repeats=0, replicas=0, checksums=False
    )
    given = make_report(model, test, options=options, backend="reference")
    (curve,) = given.significance
    assert curve.yields == (10, 1000)
    assert curve.signal == pytest.approx(10 * curve.signal_efficiency)
    assert curve.background == pytest.approx(1000 * curve.background_efficiency)
    assert given.importance is None
    assert given.roc[0].training_efficiency.size == 0


def test_variables_and_inputs(report: Report, sequences) -> None:  # type: ignore[no-untyped-def]
    test = sequences[1]
    assert [each.variable for each in report.efficiencies] == ["pt", "length"]
    length = report.efficiencies[1]
    assert length.edges.tolist() == [-0.5, 0.5, 1.5, 2.5, 3.5]
    # nothing is known of an event without tracks: all of a class are kept, or none
    assert set(length.efficiency[:, 0]) <= {0.0, 1.0}
    (of_signal, _) = report.inputs.classes
    own = test.X[test.class_index == 0]
    there = (own != 0).any(axis=2)
    weights = test.comparable_weights[test.class_index == 0]
    assert of_signal.padding[2] == pytest.approx(weights[~there[:, 2]].sum() / weights.sum())
    chosen, w = own[there[:, 1], 1, 1].astype(float), weights[there[:, 1]]
    assert of_signal.mean[1, 1] == pytest.approx(w @ chosen / w.sum(), rel=1e-6)


def test_the_importance_tells_what_matters(report: Report, model, sequences) -> None:  # type: ignore[no-untyped-def]
    found = report.importance
    assert found is not None
    loss = {row.name: row.mean for row in found.inputs}
    assert loss["x"] > 10 * abs(loss["noise"])
    assert [row.name for row in found.steps] == ["0", "1", "2"]
    assert found.base > 0.7
    with ThreadPoolExecutor(2) as executor:
        again = make_report(model, sequences[1], options=QUICK, executor=executor, backend="reference")
    assert again.importance == found  # wherever it is computed


def test_pieces_give_what_the_whole_gives(report: Report, model, sequences) -> None:  # type: ignore[no-untyped-def]
    test = sequences[1]
    pieces = (test.take(np.arange(first, min(first + 90, len(test)))) for first in range(0, len(test), 90))
    again = make_report(model, pieces, options=QUICK, backend="reference")
    assert again.performance["test"] == report.performance["test"]
    np.testing.assert_allclose(again.inputs.classes[1].spread, report.inputs.classes[1].spread, rtol=1e-9)
    assert again.importance is not None
    assert again.importance.events == 200


def test_the_page_needs_and_runs_nothing(page: str) -> None:
    assert len(page) < 700_000
    document = html.document_fromstring(page)
    assert not document.xpath("//script | //link | //iframe | //img | //object | //form")
    assert not [name for each in document.iter() for name in each.attrib if name.startswith("on")]
    references = [each for each in document.xpath("//@href | //@src") if not each.startswith("data:image/png;base64,")]
    references += [f"#{each}" for each in re.findall(r"url\(#([^)]+)\)", page)]
    assert not re.search(r"url\((?!#)|@import", page)
    assert "default-src 'none'" in page
    assert not re.search(r"<\w+:", page)  # to a browser, an element of SVG with a prefix is nothing
    ids = document.xpath("//@id")
    assert len(ids) == len(set(ids))
    assert {f"#{each}" for each in ids} >= set(references)


def test_the_page_can_be_read_without_eyes(report: Report, page: str) -> None:
    document = html.document_fromstring(page)
    assert document.get("lang") == "en"
    levels = [int(each.tag[1]) for each in document.xpath("//h1 | //h2 | //h3")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    pictures = document.xpath("//figure/*[local-name() = 'svg']")
    assert len(pictures) == len(report.panels)
    assert all(len(each.get("aria-label")) > 30 and each.get("role") == "img" for each in pictures)
    assert all(each.xpath("caption") for each in document.xpath("//table"))
    assert all(each.get("scope") for each in document.xpath("//th"))


def test_names_are_text(page: str) -> None:
    assert HOSTILE not in page
    document = html.document_fromstring(page)
    assert document.xpath("string(//h1)") == f"L$TM_{{: Signal against {HOSTILE}"
    assert "pytmva-rnn train '<b>.toml'" in document.xpath("string(//main)")
    assert "a = 1 < 2" in document.xpath("string(//main)")


def test_light_and_dark(page: str) -> None:
    assert "prefers-color-scheme: dark" in page
    assert "var(--series-0)" in page
    used = set(re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})", page.partition("</style>")[2]))
    assert used.isdisjoint({"#2166ac", "#c4472b", "#1b1d21", "#6b7078", "#d9dce1"})


def test_a_picture_is_drawn_once(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Any] = []
    draw = Figure.draw
    monkeypatch.setattr(Figure, "draw", lambda figure, renderer: drawn.append(figure) or draw(figure, renderer))
    wanted = [panel for panel in panels_of(report) if panel.name in ("roc", "correlations-all", "importance-steps")]
    once = [html.tostring(themed_svg.themed_svg(panel, themed_svg.Letters())) for panel in wanted]
    assert len(drawn) == len(wanted) > 1
    # and is what Matplotlib makes of it by itself
    monkeypatch.setattr(themed_svg, "_lay_out", lambda figure: None)
    assert once == [html.tostring(themed_svg.themed_svg(panel, themed_svg.Letters())) for panel in wanted]


def test_the_numbers_as_json(report: Report, tmp_path: Path) -> None:
    path = tmp_path / "numbers.json"
    report.save(path)
    found = json.loads(path.read_text())
    assert found["title"] == "L$TM_{"
    assert found["performance"]["test"]["separations"][0]["roc_integral"] == pytest.approx(
        report.performance["test"].roc_integral, rel=1e-8
    )
    assert len(found["history"]) == 16
    assert found["reproduction"]["versions"]["numpy"] == np.__version__
    assert found["options"]["background"] == 0.1
    report.save(path)  # it is ours
    path.write_text("{}")
    with pytest.raises(OutputError, match="is there already and is not numbers of a report"):
        report.save(path)
    report.save(path, force=True)
    with pytest.raises(OutputError, match=r"must end with \.html"):
        report.save(tmp_path / "report.txt")


def test_each_picture_for_itself(report: Report, tmp_path: Path) -> None:
    written = report.save_panels(tmp_path / "new", ["svg"])
    assert [path.name for path in written] == [f"{name}.svg" for name in report.panels]
    assert {"history", "scores", "roc", "rejection", "significance", "calibration"} <= set(report.panels)
    assert {"inputs", "lengths", "importance-inputs", "importance-steps", "network"} <= set(report.panels)
    content = (tmp_path / "new" / "roc.svg").read_text()
    assert "#2166ac" in content  # colours of their own, wherever they are shown
    with pytest.raises(DataError, match="no picture 'rok'; near names: roc"):
        report.figure("rok")


def test_pictures_show_the_numbers(report: Report) -> None:
    (axes,) = report.figure("history").axes
    lines = {line.get_label(): line.get_ydata() for line in axes.lines}
    assert list(lines["validation"]) == [row.validation_error for row in report.history]
    (axes,) = report.figure("roc").axes
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), report.roc[0].test.background_rejection)
    axes = report.figure("significance").axes[0]
    best = report.significance[0]
    assert (best.best_threshold, best.best_value) in [
        (line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines if len(line.get_xdata()) == 1
    ]
    axes = report.figure("scores").axes[0]
    height, _ = report.scores[0].histograms["test"]["Signal"].density()
    np.testing.assert_array_equal(axes.patches[0].get_data().values, height)


def test_bins_of_negative_content_are_to_be_seen(report: Report) -> None:
    def drawn(*contents: float) -> Any:
        edges, values = np.linspace(0, 1, len(contents) + 1), np.array(contents)
        histograms = {"test": {"Signal": Binned(edges, values, np.abs(values))}}
        return replace(report, scores=(replace(report.scores[0], histograms=histograms),)).figure("scores").axes[0]

    assert drawn(-1, 2, 3).get_ylim()[0] < -0.7
    axes = drawn(-1, 1, 1, 1, 100)
    assert axes.get_yscale() == "log"
    assert "(1 bins below 0 not shown)" in axes.get_ylabel()
    assert drawn(1, 2, 3).get_ylim()[0] == 0


def test_in_a_notebook(report: Report, page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Report, "to_html", lambda self: page)
    frame = html.fragment_fromstring(report._repr_html_())
    assert frame.tag == "iframe"
    assert frame.get("sandbox") == ""
    assert html.document_fromstring(frame.get("srcdoc")).xpath("//h1")
    assert repr(report).startswith("Report('L$TM_{'): classification of Signal")


def test_in_the_style_of_an_experiment(report: Report, tmp_path: Path) -> None:
    pytest.importorskip("mplhep")
    options = replace(report.options, style="CMS", label="CMS Simulation")
    figure = replace(report, options=options).figure("roc")
    assert figure.get_size_inches()[0] == 10
    assert [text.get_text() for text in (*figure.texts, *figure.axes[0].texts)] == ["CMS", "Simulation"]
    with pytest.raises(DataError, match=r"mplhep has no style 'CSM'; near names: .*CMS"):
        replace(report, options=replace(options, style="CSM")).save_panels(tmp_path)


def test_histograms_for_others(report: Report) -> None:
    pytest.importorskip("hist")
    mine = report.scores[0].histograms["test"]["Signal"]
    found = mine.to_hist("score")
    np.testing.assert_array_equal(found.values(), mine.contents)
    np.testing.assert_array_equal(found.variances(), mine.variances)
    assert found.sum(flow=True).value == pytest.approx(mine.total)


@pytest.mark.parametrize("analysis", ["multiclass", "regression"])
def test_other_analyses(analysis: str) -> None:
    random = np.random.default_rng(1)
    X = random.normal(size=(600, 2)).astype(np.float32)
    if analysis == "multiclass":
        index = (X[:, 0] > 0) + (X[:, 1] > 0).astype(int)
        data = Dataset.from_arrays(X, np.array(["a", "b", "c"])[index], variables=("u", "v"))
        loss = "CROSSENTROPY"
    else:
        data = Dataset.from_arrays(
            X,
            np.stack([X[:, 0], X[:, 0] + X[:, 1]], 1),
            targets=("e", "f"),
            analysis="regression",
            variables=("u", "v"),
        )
        loss = "SUMOFSQUARES"
    training, test = data.split("")
    options = (
        f"Layout=DENSE|4|TANH,LINEAR:ErrorStrategy={loss}:RandomSeed=1:"
        "TrainingStrategy=MaxEpochs=5,BatchSize=20,LearningRate=0.05"
    )
    model = train(training, options, backend="reference").model
    found = make_report(model, test, training, QUICK, backend="reference")
    assert len(html.document_fromstring(found.to_html()).xpath("//figure")) == len(found.panels)
    assert found.importance is not None
    worth = {row.name: row.mean for row in found.importance.inputs}
    assert worth["u"] > 0
    assert found.importance.steps == ()
    if analysis == "multiclass":
        assert found.confusion is not None
        assert [each.name for each in found.roc] == ["a", "b", "c"]
        scores = model.predict(test, backend="reference")
        right = scores.argmax(1) == test.class_index
        assert found.confusion.accuracy == pytest.approx(np.average(right, weights=test.comparable_weights))
        assert {"scores-a", "confusion", "efficiency-u", "correlations-b"} <= set(found.panels)
        assert found.significance == ()
        yields = ReportOptions(yields={"a": 1, "b": 2, "c": 3}, repeats=0, replicas=0)
        assert make_report(model, test, options=yields, backend="reference").significance[0].yields == (1, 5)
        return
    bias, rms = (getattr(found.performance["test"].deviations[1], name) for name in ("bias", "rms"))
    assert (found.residuals[1].bias, found.residuals[1].rms) == pytest.approx((bias, rms))
    assert {"residuals-e", "prediction-f", "resolution-e", "error-e-u"} <= set(found.panels)
    assert found.roc == found.classes == ()
    assert found.samples[0].events == {"all": 300}
    with pytest.raises(DataError, match="yields are for the significance of a signal"):
        make_report(model, test, options=ReportOptions(yields={"e": 1}), backend="reference")


def test_events_without_a_score() -> None:
    random = np.random.default_rng(1)
    X = random.normal(size=(400, 2)).astype(np.float32)
    data = Dataset.from_arrays(X, X[:, 0] > 0)
    model = train(
        data, "Layout=DENSE|3|TANH,LINEAR:RandomSeed=1:TrainingStrategy=MaxEpochs=2,BatchSize=20", backend="reference"
    ).model
    data.X[:10] = np.nan
    found = make_report(model, data, options=QUICK, backend="reference")
    assert found.samples[0].failed == 10
    assert found.notes[0].startswith("10 of 400 test events have no score")
    # as evaluate has it: no cut keeps them
    assert found.performance["test"] == evaluate(model, data, backend="reference")
    assert sum(histogram.outside[0] for histogram in found.scores[0].histograms["test"].values()) == pytest.approx(10)
    assert found.inputs.classes[0].not_finite + found.inputs.classes[1].not_finite == 20


def test_what_cannot_be_reported(model, sequences) -> None:  # type: ignore[no-untyped-def]
    test = sequences[1]

    def made(**options: object) -> Report:
        return make_report(model, test, options=ReportOptions(**options), backend="reference")  # type: ignore[arg-type]

    with pytest.raises(DataError, match="against: 'pz' is neither spectator nor input; near names: pt"):
        made(against=["pz"])
    with pytest.raises(DataError, match="yields: there is no class 'Signl'; near names: Signal"):
        made(yields={"Signl": 3})
    with pytest.raises(DataError, match="expected events of </title>"):
        made(yields={"Signal": 3})
    with pytest.raises(DataError, match="an executor has a method submit"):
        make_report(model, test, executor=3, backend="reference")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="a report takes a Dataset, or several, not int"):
        make_report(model, 3, backend="reference")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="a report needs events"):
        make_report(model, [], backend="reference")
    for wrong, message in (
        ({"efficiencies": 1.5}, "efficiencies lie between 0 and 1"),
        ({"background": "x"}, "background is an efficiency"),
        ({"replicas": -1}, "replicas is a whole number from 0"),
        ({"formats": ["gif"]}, "formats are some of pdf, png, svg"),
        ({"yields": {"Signal": -1}}, "a number above 0"),
        ({"significance": ["x + s"]}, "x is not known"),
        ({"style": ""}, "style is a text"),
        ({"checksums": 1}, "checksums is true or false"),
    ):
        with pytest.raises(DataError, match=message):
            made(**wrong)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="a report has no key 'efficiency'; near names: efficiencies"):
        ReportOptions.from_dict({"efficiency": 1})


def test_formulas_over_the_events(model, sequences) -> None:  # type: ignore[no-untyped-def]
    test = sequences[1]
    layout = EventInputs.of(model, test)
    found = layout.values(["pt / 2", "length", "Sum$(x)", "Alt$(noise[0], -1)", "entry"], test)
    there = (test.X != 0).any(axis=2)
    np.testing.assert_array_equal(found["pt / 2"], test.spectators[:, 0] / 2)
    np.testing.assert_array_equal(found["length"], there.sum(axis=1))
    np.testing.assert_allclose(found["Sum$(x)"], test.X[:, :, 0].sum(axis=1, dtype=float), atol=1e-5)
    assert set(found["Alt$(noise[0], -1)"][~there[:, 0]]) == {-1}
    np.testing.assert_array_equal(found["entry"], test.entries)


def test_padding_at_the_start_and_inputs_per_event(model) -> None:  # type: ignore[no-untyped-def]
    layout = EventInputs(("a", "b"), 3, -1.0, "start", frozenset({"b"}))
    X = np.array([[[-1, 7], [-1, 7], [2, 7]], [[3, 8], [-1, 8], [4, 8]]], np.float32)
    assert layout.there(X).tolist() == [[False, False, True], [True, True, True]]


def test_a_long_history_stays_small(report: Report) -> None:
    rows = tuple(HistoryRow(1, epoch, 1 / epoch, 1 / epoch) for epoch in range(1, 50_001))
    long = replace(report, history=rows)
    (axes,) = long.figure("history").axes
    assert max(len(line.get_xdata()) for line in axes.lines) <= 3100
    assert not math.isnan(axes.lines[0].get_ydata()[0])

"""What models, results and datasets show of themselves in a notebook: small, escaped, without scripts."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from lxml import html

from pytmva_rnn import Dataset, Model, Result
from pytmva_rnn.data import Recipe, load
from pytmva_rnn.description import LSTM, Dense, HistoryRow, Reshape, Variable

NASTY = "<script>alert('1')</script>&\x1b"


def cells(view: Any) -> list[list[str]]:
    return [[cell.text_content() for cell in row] for row in view.iter("tr")]


def seen(shown: Any) -> Any:
    """The element, after what holds for all of them."""
    text = shown._repr_html_()
    assert len(text) < 12_000
    view = html.fragment_fromstring(text)
    assert view.get("class") == "pytmva-rnn"
    assert {"script", "iframe", "img", "b"}.isdisjoint(element.tag for element in view.iter())
    assert not [name for element in view.iter() for name in element.attrib if name.startswith("on") or "href" in name]
    assert "\x1b" not in text
    return view


@pytest.fixture(scope="module")
def model() -> Model:
    return Model(
        layers=(LSTM(5, 2, 12), Reshape(1, 1, 5, flat=True), Dense(1, 5, activation="LINEAR")),
        variables=tuple(Variable("v", NASTY, NASTY) for _ in range(24)),
        input_layout=(12, 1, 2),
        batch_layout=(4, 12, 2),
        title=NASTY,
        classes=(NASTY, "b"),
    )


def test_a_model(model: Model) -> None:
    view = seen(model)
    assert "alert('1')" in view.find("strong").text_content()
    found = cells(view)
    assert ["parameters", "166"] in found
    assert found[-3:] == [
        ["LSTM", "state size 5, input size 2, time steps 12", "5", "160"],
        ["RESHAPE", "depth 1, height 1, width 5, flat", "5", "0"],
        ["DENSE", "width 1, input size 5, activation LINEAR", "1", "6"],
    ]
    (variables,) = (row[1] for row in found if row[0] == "variables")
    assert variables.startswith("24: <script>")
    assert variables.endswith("and 4 more")


def test_a_model_of_many_layers_is_small(model: Model) -> None:
    deep = replace(model, layers=(*model.layers[:2], *(Dense(5, 5) for _ in range(500)), model.layers[2]))
    assert "… 484 more rows" in seen(deep).text_content()


def test_a_model_that_is_wrong_says_why(model: Model) -> None:
    wrong = replace(model, layers=(LSTM(5, 3, 12),))
    assert "layer 0 (LSTM): " in seen(wrong).text_content()


def test_a_result(model: Model) -> None:
    history = [HistoryRow(1, epoch, 1 / epoch, math.nan if epoch == 3 else 1 + 1 / epoch) for epoch in range(1, 6)]
    result = Result(model, [*history, HistoryRow(2, 1, 0.25, 1.5)], 2.5, 12.34)
    view = seen(result)
    assert cells(view)[:4] == [
        ["lowest validation error", "1.2 in epoch 5 of phase 1"],
        ["training error there", "0.2"],
        ["validation error before", "2.5"],
        ["time", "12.3 s"],
    ]
    (picture,) = view.iter("svg")
    lines = [line.get("points").split() for line in picture.iter("polyline")]
    assert [len(line) for line in lines] == [6, 2, 3]  # the NaN is a gap
    assert lines[0][0] == "4.0,66.2"  # 1 of 0.2 to 2
    assert lines[2][-1].startswith("356.0,")
    assert picture.get("aria-label") == "training error and validation error, from 0.2 to 2, against the epoch"
    assert ["parameters", "166"] in cells(view)


def test_a_result_of_no_or_many_epochs(model: Model) -> None:
    text = seen(Result(model, interrupted=15, improved=False)).text_content()
    assert "no epoch was better" in text
    assert "SIGTERM" in text
    seen(Result(model, [HistoryRow(1, epoch, 1.0, 1.0) for epoch in range(1, 20_000)]))
    assert "no finite values" in seen(Result(model, [HistoryRow(1, 1, math.nan, math.inf)])).text_content()


def test_a_dataset_of_arrays() -> None:
    X = np.zeros((5, 3, 2), np.float32)
    names = [NASTY, "other"]
    data = Dataset.from_arrays(X, [0, 0, 1, 1, 1], weights=[1, 1, 2, 2, 0.5], classes=names, variables=["pt", NASTY])
    view = seen(data)
    assert view.find("strong").text == "Dataset of 5 events for a classification"
    found = cells(view)
    assert found[0][1].startswith("3 steps of 2: pt, <script>")
    assert found[1] == ["size of the inputs", "120 B"]
    assert found[-1] == ["other", "2", "2"]
    assert found[-2][1:] == ["3", "4.5"]
    targets = Dataset.from_arrays(X[:, 0], [0.5, 1, 2, 3, 4], analysis="regression")
    assert cells(seen(targets))[-1] == ["Regression", "5", "5"]


def test_a_dataset_with_a_recipe() -> None:
    recipe = Recipe.from_dict({"variables": ["x", "y := 2 * x"], "spectators": ["run"]})
    columns = {"x": np.arange(3.0), "run": np.arange(3)}
    found = cells(seen(load(recipe, {"Signal": columns, "Background": columns})))
    assert found[:2] == [["inputs", "2 variables: x, y"], ["spectators", "run"]]

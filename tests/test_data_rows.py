"""Lists as variables: an event of each element, as C++ TMVA makes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from pytmva_rnn import score
from pytmva_rnn.data import ArrayTree, Dataset, Recipe, Source, iterate_inputs, load, load_inputs
from pytmva_rnn.description import Dense
from pytmva_rnn.errors import DataError
from pytmva_rnn.weightfile.stored_recipe import recipe_info
from tests.cpp import random_network

JETS: dict[str, Any] = {
    "pt": [[50.0, 30.0], [], [20.0], [60.0, 40.0, 10.0]],
    "eta": [[0.1, 0.2], [], [0.3], [0.4, 0.5, 0.6]],
    "w": [[1.0, 2.0], [], [3.0], [4.0, 5.0, 6.0]],
    "single": [[7.0], [8.0], [9.0], [10.0]],
    "met": [1.0, 2.0, 3.0, 4.0],
}


def recipe(*variables: str, **more: Any) -> Recipe:
    return Recipe.from_dict({"variables": list(variables), **more})


def jets(**attributes: Any) -> ArrayTree:
    return ArrayTree.of(JETS, **attributes)


def both(made: Recipe, **attributes: Any) -> Dataset:
    return load(made, {"Signal": jets(**attributes), "Background": jets(**attributes)})


@pytest.mark.parametrize("pt", ["pt", "pt[]"])
def test_an_event_of_each_element(pt: str) -> None:
    inputs = load_inputs(recipe(f"p := {pt}", "eta", "met", "single", spectators=["w", "met"]), jets())
    assert inputs.X[:, 0].tolist() == [50, 30, 20, 60, 40, 10]
    assert inputs.X[:, 2].tolist() == [1, 1, 3, 4, 4, 4]
    assert inputs.X[:, 3].tolist() == [7, 7, 9, 10, 10, 10]
    assert inputs.entries.tolist() == [0, 0, 2, 3, 3, 3]
    assert inputs.elements is not None
    assert inputs.elements.tolist() == [0, 1, 0, 0, 1, 2]
    assert inputs.spectators.tolist() == [[1, 1], [2, 1], [3, 3], [4, 4], [5, 4], [6, 4]]


def test_a_list_that_always_holds_one_element_is_a_number() -> None:
    inputs = load_inputs(recipe("met", "single", spectators=["single"]), jets())
    assert inputs.X.tolist() == [[1, 7], [2, 8], [3, 9], [4, 10]]
    assert inputs.entries.tolist() == [0, 1, 2, 3]
    data = both(recipe("met"), selection="single > 7.5", weight="single")
    assert data.weights.tolist() == [8, 9, 10] * 2


def test_numbers_alone_have_no_elements() -> None:
    assert load_inputs(recipe("met"), jets()).elements is None


def test_selection_and_weight_by_element() -> None:
    data = both(recipe("pt"), selection="pt > 25 && met > 0.5", weight="w * met", tree_weight=2)
    assert data.X.ravel().tolist() == [50, 30, 60, 40] * 2
    assert data.elements.tolist() == [0, 1, 0, 1] * 2
    assert data.weights.tolist() == [2, 4, 32, 40] * 2
    assert data.efficiencies == (pytest.approx(4 / 6),) * 2  # TMVA counts the elements


def test_classes_by_element() -> None:
    data = load(recipe("eta"), jets(), classes={"Signal": "pt >= 40", "Background": "pt < 40 && pt > 15"})
    assert data.X.ravel().tolist() == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])
    assert data.class_index.tolist() == [0, 1, 1, 0, 0]


def test_a_source_without_an_event_of_any_class() -> None:
    none = {"pt": [3.0, 4.0, 5.0], "c": [7, 7, 7]}
    some = {"pt": [1.0, 2.0], "c": [0, 1]}
    for sources in ([none, some], [some, none]):
        data = load(recipe("pt"), sources, classes={"Signal": "c == 1", "Background": "c == 0"})
        assert data.X.tolist() == [[1], [2]]
        assert data.class_index.tolist() == [1, 0]


def test_what_is_not_selected_may_be_infinite() -> None:
    made = recipe("TMath::Log(pt - 20)")
    with pytest.raises(DataError, match=r"is -inf in element 0 of event 2 of the arrays of Signal"):
        both(made, selection="pt >= 20")
    assert len(both(made, selection="pt > 20")) == 8


def test_arrays_of_variables_go_with_every_element() -> None:
    tree = ArrayTree.of({"pt": [[1.0, 2.0], [3.0]], "v": np.arange(4.0).reshape(2, 2)})
    assert load_inputs(recipe("pt", "v[2]"), tree).X.tolist() == [[1, 0, 1], [2, 0, 1], [3, 2, 3]]


@pytest.mark.parametrize(
    ("variables", "attributes", "message"),
    [
        (
            ("pt", "select(eta, eta < 0.5)"),
            {},
            r"'select.eta,eta<0.5.' holds one element in event 3 of .* beside longer",
        ),
        (("pt", "select(eta, eta > 0.45)"), {}, r"differ in length in event 0 of .*: pt has 2, select\(.*\) has 0"),
        (("pt",), {"weight": "select(w, w < 6)"}, "has 2 elements in event 3 of .*, where the variables have 3"),
        (("met",), {"selection": "pt > 3"}, "gives several values per event"),
        (("met",), {"weight": "w"}, "gives several values per event"),
    ],
)
def test_lists_that_do_not_go_together(variables: tuple[str, ...], attributes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        both(recipe(*variables), **attributes)


def test_a_list_is_not_a_number_in_one_event_only() -> None:
    tree = ArrayTree.of({"pt": [[1.0, 2.0], [3.0, 4.0]], "eta": [[0.1], [0.2, 0.3]]})
    message = r"'eta' holds one element in event 0 of .*, beside longer lists, and another number in event 1"
    with pytest.raises(DataError, match=message):
        load_inputs(recipe("pt", "eta"), tree)


def test_pieces_are_read_as_the_whole(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "j.root") as root:
        root["t"] = {"pt": np.array([[1.0, 2.0]] * 2 + [[3.0, 4.0]]), "i": np.arange(3)}
    source = Source((f"{tmp_path}/j.root:t",))
    made = recipe("pt", "select(pt, i < 2 || pt > 3.5)")
    with pytest.raises(DataError, match=r"holds one element in event 2 .*another number in event 0"):
        list(iterate_inputs(made, source, step=1))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"variables": ["met", "pt[0]", "m := met"]}, "variable 'met' is there twice, as 'met' and as 'm'"),
        ({"variables": ["met", "met"]}, "variable 'met' is there twice; leave one out"),
        ({"variables": ["a := met", "a := 2 * met"]}, "two variables are called 'a': 'met' and '2\\*met'"),
        ({"variables": ["pt[2]", "pt[0]"]}, "is there twice"),
        ({"variables": ["met"], "spectators": ["w[0]", "w[0]"]}, "spectator 'w\\[0\\]' is there twice"),
        ({"sequence": {"inputs": {"a": "pt", "b": "pt"}, "steps": 2}}, "'a' and 'b' of the sequence are both 'pt'"),
    ],
)
def test_the_same_variable_twice(given: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        both(Recipe.from_dict(given))


def test_scores_of_elements() -> None:
    made = recipe("p := pt", "met")
    info = (recipe_info(made),)
    description = random_network([Dense(1, 2, "LINEAR")], 1, 2, variables=made.variable_table(), info=info)
    with pytest.raises(DataError, match=r"variables are lists in the arrays, each .*: use score"):
        description.predict(jets(), backend="reference")
    found = score(description, jets(), backend="reference")
    assert found["entry"].to_list() == [0, 0, 2, 3, 3, 3]
    assert found["element"].to_list() == [0, 1, 0, 0, 1, 2]
    nothing = {"pt": ak.Array([[], []]), "met": [1.0, 2.0]}
    assert len(score(description, nothing, backend="reference")) == 0
    single = {"pt": [[1.0], [2.0]], "met": [1.0, 2.0]}
    assert len(description.predict(single, backend="reference")) == 2

from __future__ import annotations

import pytest

from pytmva_rnn.errors import OptionError
from pytmva_rnn.options.vartransform import parse_var_transform


def names(text: str) -> list[tuple[str, str | None, tuple[str, ...]]]:
    return [(step.name, step.class_name, step.selection) for step in parse_var_transform(text)]


@pytest.mark.parametrize("text", ["None", "none", "", " ", ","])
def test_nothing_to_do(text: str) -> None:
    assert names(text) == []


def test_identities() -> None:
    assert [step.is_identity for step in parse_var_transform("I,Ident,N,Identity,I_Signal")] == [1, 1, 0, 1, 1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("N", [("N", None, ())]),
        ("N,D", [("N", None, ()), ("D", None, ())]),
        ("n+d , P", [("N", None, ()), ("D", None, ()), ("P", None, ())]),
        ("N,,D,", [("N", None, ()), ("D", None, ())]),
        ("I,G", [("I", None, ()), ("G", None, ())]),
        ("D_Signal,P_AllClasses,Gauss_allclasses", [("D", "Signal", ()), ("P", None, ()), ("GAUSS", None, ())]),
        ("D_my_class", [("D", "my_class", ())]),
        ("N(x,y),G(z)", [("N", None, ("x", "y")), ("G", None, ("z",))]),
        ("D_Signal( x , y )", [("D", "Signal", ("x", "y"))]),
        ("D(x,y)_Signal", [("D", "Signal", ("x", "y"))]),
        ("U(_V0_,_T_)", [("U", None, ("_V0_", "_T_"))]),
        ("N(sqrt(x+y),max(a,b))", [("N", None, ("sqrt(x+y)", "max(a,b)"))]),
    ],
)
def test_chains_classes_and_selections(text: str, expected: object) -> None:
    assert names(text) == expected


@pytest.mark.parametrize(
    ("text", "problem", "position"),
    [
        ("N,D(x", "this ( is never closed", 3),
        ("N,D)", "there is no ( before this )", 3),
        ("N,D()", "nothing is selected", 3),
        ("N, _Signal", "the name of a transformation is missing", 3),
    ],
)
def test_what_is_wrong_is_shown_in_its_place(text: str, problem: str, position: int) -> None:
    with pytest.raises(OptionError) as caught:
        parse_var_transform(text)
    assert problem in str(caught.value)
    assert caught.value.position == position

"""Small files and short texts that ask for much: counted, and refused with the number, before anything is made."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytmva_rnn import load_config, read_weights
from pytmva_rnn.data import Recipe
from pytmva_rnn.data.labels import class_numbers
from pytmva_rnn.errors import ConfigError, DataError, OptionError, TMVAError, WeightFileError
from pytmva_rnn.formula import Formula
from pytmva_rnn.network.threads import VARIABLE, asked_threads
from pytmva_rnn.options.grammar import number
from pytmva_rnn.options.layout import parse_layout
from pytmva_rnn.options.strategy import parse_strategy
from pytmva_rnn.options.vartransform import parse_var_transform
from pytmva_rnn.weightfile.stored_history import HISTORY, stored_history
from pytmva_rnn.weightfile.stored_recipe import INPUTS, stored_recipe
from pytmva_rnn.weightfile.validation import MOST, validate

WEIGHTS = Path(__file__).parent / "data" / "reference" / "lstm_last" / "weights.xml"
DEMANDS: list[tuple[dict[str, Any], str]] = [
    ({"sequence": {"inputs": {"x": "x", "y": "y"}, "steps": 10**12}}, "2,000,000,000,000 variables"),
    ({"sequence": {"inputs": {"x": "x"}, "steps": 10**30}}, r"more than 10\^18 variables"),
    ({"variables": ["x[1000000000]"]}, "1,000,000,000 variables"),
    ({"variables": ["x[600000]", "y[600000]"]}, "1,200,000 variables"),
    ({"variables": ["x{0..999999999999}"]}, "1,000,000,000,000 variables"),
    ({"variables": ["x{0..9999}_{0..9999}[30]"]}, "100,000,000 variables"),
    ({"variables": ["x{1..20001}"]}, "20,001 variables with an expression each; at most 20,000"),
    ({"variables": ["x{1..20000}", "y"]}, "20,001 variables with an expression each"),
    ({"variables": ["x"] * 20_001}, "20,001 variables with an expression each"),
    ({"variables": ["x"], "spectators": ["x"] * 20_001}, "20,001 variables with an expression each"),
    (
        {"sequence": {"inputs": {f"x{k}": "x" for k in range(20_001)}, "steps": 1}},
        "20,001 variables with an expression",
    ),
    ({"variables": [{"expression": "x", "size": 10**15}]}, "1,000,000,000,000,000 variables"),
    ({"variables": [{"expression": "x", "size": -3}]}, "size is a whole number from 1 on, not -3"),
    ({"variables": ["x{a}{b}{c}"], "for_each": {key: [*range(100)] for key in "abc"}}, "makes 1,000,000 events"),
]


@pytest.mark.parametrize(("demand", "told"), DEMANDS)
def test_inputs(demand: dict[str, Any], told: str) -> None:
    with pytest.raises(DataError, match=told):
        Recipe.from_dict(demand)


def with_entry(name: str, text: str) -> Any:
    model = read_weights(WEIGHTS)
    return dataclasses.replace(model, info=(*model.info, (name, text)))


def test_a_recipe_in_a_weight_file() -> None:
    text = '{"sequence": {"inputs": {"x": "x"}, "steps": 1000000000000}}'
    with pytest.raises(WeightFileError, match="1,000,000,000,000 variables"):
        stored_recipe(with_entry(INPUTS, text))


@pytest.mark.parametrize(
    "text",
    ["[[1, 1, 1" + "0" * 400 + ", 0.5]]", "[[1, 1" + "0" * 30 + ", 0.5, 0.5]]", "[[1, " + "1" * 5000 + ", 1, 1]]"],
)
def test_a_history_in_a_weight_file(text: str) -> None:
    with pytest.raises(WeightFileError, match=HISTORY) as caught:
        stored_history(with_entry(HISTORY, text))
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("levels", [20, 200])
def test_definitions_that_double(levels: int) -> None:
    define = {f"a{k}": f"a{k + 1} * a{k + 1}" for k in range(levels)}
    with pytest.raises(
        DataError, match=r"'a0' stands, with those that it uses, for more than 100,000 char|levels deep"
    ):
        Formula.parse("a0", define)
    assert Formula.parse("a0", {"a0": "a1 * a1", "a1": "x + x"}).names == ("x",)


def test_very_many_values(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    for text in ("[for_each]\na = [" + "1," * 200_000 + "]", "a = 1\n" * 100_001 + "b = [" + "1," * 100_000 + "]"):
        path.write_text(text)
        with pytest.raises(
            ConfigError, match=r"it has 200,00[0-9] commas and ends of lines, and a configuration at most"
        ):
            load_config(path)


def test_names_of_very_many_parts(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    for text in ("[" + "a." * 100_000 + "a]", "a = 1\n" + "b." * 100_000 + "b = 1"):
        path.write_text(text)
        with pytest.raises(ConfigError, match="a name has more than 100 parts"):
            load_config(path)


def test_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="at most 4096, not 1000000"):
        asked_threads(10**6)
    for text in ("1000000", "1" * 5000, "0"):
        monkeypatch.setenv(VARIABLE, text)
        with pytest.raises(OptionError, match="from 1 to 4096"):
            asked_threads(None)


def test_options() -> None:
    with pytest.raises(OptionError, match="at most 1,000 training phases, found 50,001"):
        parse_strategy("LearningRate=1e-3|" * 50_000)
    with pytest.raises(OptionError, match="at most 10,000 layers, found 70,001"):
        parse_layout("DENSE|1|TANH," * 70_000)
    with pytest.raises(OptionError, match=r"more than 1,000 transformations"):
        parse_var_transform("N," * 1001)
    assert len(parse_var_transform("N," * 1000)) == 1000


def test_names_of_a_recipe_that_does_not_fit_are_not_made() -> None:
    text = '{"sequence": {"inputs": {"x": "x"}, "steps": 1000000}}'
    with pytest.raises(WeightFileError, match="makes 1,000,000 variables, but the network takes 30"):
        stored_recipe(with_entry(INPUTS, text))


def test_formulas_of_a_recipe_that_does_not_fit_are_not_read() -> None:
    text = '{"variables": [' + '"(", ' * 30 + '"x"]}'
    with pytest.raises(WeightFileError, match="makes 31 variables, but the network takes 30"):
        stored_recipe(with_entry(INPUTS, text))


def test_class_numbers() -> None:
    with pytest.raises(DataError, match="1,000,000,001 classes"):
        class_numbers(np.array([0.0, 1e9]), "Multiclass", 2, None)


@pytest.mark.parametrize(
    "text",
    [
        "1" * 15000 + "x",
        "1" * 15000,
        "(" * 15000,
        "[" * 15000,
        "x[" * 7000,
        "- " * 7000,
        "a % " * 5000 + "if",
        "9" * 5000,
    ],
    ids=lambda text: text[:4],
)
def test_texts(text: str) -> None:
    """In the time that a text of that length takes: these once took its square, or met Python's limits."""
    with pytest.raises(TMVAError) as caught:
        Formula.parse(text)
    assert len(str(caught.value)) < 2000
    with pytest.raises(OptionError):
        number("1" * 200_000 + "x")


@pytest.mark.parametrize(
    ("before", "node"), [("</Variables>", "<Variable/>"), ("</GeneralInfo>", "<Info/>"), ("</Weights>", "<LSTMLayer/>")]
)
def test_very_many_nodes(before: str, node: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.xml"
    path.write_text(WEIGHTS.read_text().replace(before, f"{node}\n" * 5000 + before))
    findings = validate(path)
    assert 300 <= len(findings) <= MOST + 1


def test_what_commands_a_terminal_is_not_said_to_it() -> None:
    for error in (
        DataError("branch \x1b[2J"),
        OptionError("a\x07", "b\x1bc", 1),
        WeightFileError("\u202e", "w.xml", 1, "a"),
    ):
        assert str(error).replace("\n", "").isprintable()
    assert len(str(DataError("x" * 100_000))) < 2000

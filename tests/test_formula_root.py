"""Formulas beside TTreeFormula and RDataFrame, on formulas made at random."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from check_formulas import Generator, compare, compare_cpp, make_file

from pytmva_rnn import extras
from pytmva_rnn.data import Column, Recipe, Source, Variables, load_inputs
from pytmva_rnn.errors import DataError, MissingExtraError
from pytmva_rnn.formula import evaluate
from pytmva_rnn.formula.special_functions import SPECIAL
from pytmva_rnn.pyroot import to_arrays


@pytest.fixture(scope="module")
def formulas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        extras.root()
    except MissingExtraError as error:
        pytest.skip(f"ROOT is not installed: {error}")
    path = tmp_path_factory.mktemp("formulas") / "formulas.root"
    make_file(path)
    return path


@pytest.mark.slow
def test_ttreeformula(formulas: Path) -> None:
    generator = Generator(2026)
    counts, disagreements = compare([generator.formula() for _ in range(300)], formulas)
    assert not disagreements
    assert counts["same"] > 250


@pytest.mark.parametrize("name", SPECIAL)
def test_special_functions(formulas: Path, name: str) -> None:
    x = np.concatenate([[-1, 0, 1, 2], *(sign * np.logspace(-9, 2, 300) for sign in (-1, 1)), np.linspace(0, 2, 300)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        roots = [getattr(extras.root().TMath, name)(float(value)) for value in x]
    ours = evaluate(f"TMath::{name}(x)", {"x": x})
    np.testing.assert_allclose(ours, roots, rtol=1.2e-9, atol=1e-15)


@pytest.mark.slow
def test_arrays_that_rdataframe_hands_over_flat(formulas: Path) -> None:
    frame = extras.root().RDataFrame("t", str(formulas)).Filter("true")
    texts = ("mat[1][2]", "Sum$(mat[0])", "Sum$(mat[][2])", "Length$(mat)", "c", "fix[1]")
    recipe = Recipe(Variables(tuple(map(Column, texts))))
    np.testing.assert_allclose(
        to_arrays(frame, recipe).X, load_inputs(recipe, Source((f"{formulas}:t",))).X, rtol=1e-6, atol=0
    )
    other = Recipe(Variables(("Sum$(other[0])",)))
    assert to_arrays(frame.Alias("other", "mat"), other).X[:2, 0].tolist() == [3, 0]
    with pytest.raises(DataError, match=r"RDataFrame cannot read vm\[nv\]\[2\]"):
        to_arrays(frame, Recipe(Variables(("vm[0][1]",))))


@pytest.mark.slow
def test_rdataframe(formulas: Path) -> None:
    generator = Generator(2027)
    compared, disagreements = compare_cpp([generator.formula() for _ in range(40)], formulas)
    assert not disagreements
    assert compared > 8

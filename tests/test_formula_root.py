"""Formulas beside TTreeFormula and RDataFrame, on formulas made at random."""

from __future__ import annotations

from pathlib import Path

import pytest
from check_formulas import Generator, compare, compare_cpp, make_file

from pytmva_rnn import extras
from pytmva_rnn.errors import MissingExtraError


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


@pytest.mark.slow
def test_rdataframe(formulas: Path) -> None:
    generator = Generator(2027)
    compared, disagreements = compare_cpp([generator.formula() for _ in range(40)], formulas)
    assert not disagreements
    assert compared > 8

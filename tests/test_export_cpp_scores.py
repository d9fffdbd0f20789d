from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pytmva_rnn.errors import BackendError, DataError
from pytmva_rnn.export.cpp.compiled_header import header_scores
from pytmva_rnn.export.cpp.header import generate
from tests.reference import Case


@pytest.fixture
def header(tmp_path: Path) -> Path:
    path = tmp_path / "net.hxx"
    path.write_text(generate(Case("rnn_last").model, "Net"), encoding="utf-8")
    return path


def test_another_header(tmp_path: Path) -> None:
    (tmp_path / "a.hxx").write_text("#pragma once\n")
    with pytest.raises(DataError, match=r"a.hxx: it is no header by pytmva_rnn"):
        header_scores(tmp_path / "a.hxx")


def test_without_a_compiler(header: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(BackendError, match=r"scored with a compiler, and there is none: c\+\+, g\+\+, clang\+\+"):
        header_scores(header)


@pytest.mark.slow
def test_a_header_that_does_not_compile(header: Path) -> None:
    with header.open("a", encoding="utf-8") as file:
        file.write("int net(\n")
    try:
        compiler, scores = header_scores(header)
    except BackendError:
        pytest.skip("there is no C++ compiler")
    with pytest.raises(DataError, match=f"net.hxx: {compiler.replace('+', '[+]')} does not compile it: "):
        scores(np.zeros((2, 30), np.float32))

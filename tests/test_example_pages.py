"""The code on the pages of examples, run as its readers run it: block after block, in an empty folder."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGES = sorted((Path(__file__).parents[1] / "examples").glob("*.md"))
CODE = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
OPTIONAL = ("h5py", "onnx", "onnxruntime", "torch")


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if CODE.search(page.read_text("utf-8"))], ids=lambda p: p.stem)
def test_code_runs_as_printed(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = page.read_text(encoding="utf-8")
    for package in OPTIONAL:
        if re.search(rf"^import {package}\b", text, re.MULTILINE):
            pytest.importorskip(package)
    names: dict[str, object] = {"__name__": page.stem}
    for block in CODE.findall(text):
        exec(compile(block, page.name, "exec"), names)

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON_BLOCKS = re.findall(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
PLACES = re.findall(r"^\| `([^`]+)` \|", README.partition("## Layout of the repository")[2], re.MULTILINE)


def test_readme_has_code() -> None:
    assert PYTHON_BLOCKS
    assert PLACES


@pytest.mark.parametrize("block", PYTHON_BLOCKS)
def test_code_runs_as_printed(block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "readme"}
    exec(compile(block, "README.md", "exec"), names)
    if "values" in names:  # those of a formula
        assert [float(value) for value in names["values"]] == [20, -1]  # type: ignore[attr-defined]
        return
    scores = names["scores"]
    assert getattr(scores, "shape", None) == (2000,)
    assert getattr(scores, "dtype", None) == "float32"


@pytest.mark.parametrize("place", PLACES)
def test_layout_names_what_is_there(place: str) -> None:
    assert (ROOT / place).exists()


def test_continuous_integration_runs_the_test_command() -> None:
    install, test = 'pip install ".[test]"', "python -m pytest"
    assert f"{install} && {test}" in README
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert re.search(r"^step pip install --quiet \"\.\[test\]\"$", script, re.MULTILINE)
    assert re.search(rf"^step {test}$", script, re.MULTILINE)

"""The benchmark of scoring; nothing here depends on how fast anything is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[1] / "tools" / "bench_scoring.py"


@pytest.mark.slow
def test_everything_is_measured(tmp_path: Path) -> None:
    output = tmp_path / "numbers.json"
    done = subprocess.run(
        [sys.executable, TOOL, "--quick", "-o", output],
        check=True,
        capture_output=True,
        text=True,
        cwd=TOOL.parents[1],
        env={**os.environ, "PYTHONPATH": str(TOOL.parents[1])},
    )
    found = json.loads(output.read_text())
    assert found["machine"]["packages"]["numba"]
    assert len(found["rows"]) == 20
    assert all(row["what"] in done.stdout and row["ratio"] != 0 for row in found["rows"])

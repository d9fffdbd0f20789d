"""Models built by hand: never a signal, never a silent score."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("seed", "count"), [(0, 12), pytest.param(1000, 2000, marks=pytest.mark.thorough)], ids=["few", "many"]
)
def test_a_model_scores_as_the_reference_or_is_refused(seed: int, count: int) -> None:
    program = [sys.executable, "-X", "faulthandler", "-m", "tests.random_models", str(seed), str(count)]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    assert "'right'" in done.stdout

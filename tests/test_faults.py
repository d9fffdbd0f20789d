"""Commands that are killed at random moments, a few times; `tools/faults.py` does it as often as one likes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there are no signals that end a process")
def test_what_killed_commands_wrote_is_whole() -> None:
    program = Path(__file__).parents[1] / "tools" / "faults.py"
    done = subprocess.run([sys.executable, program, "--kills", "12"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "12 kills" in done.stdout

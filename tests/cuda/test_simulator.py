"""The tests of this folder under Numba's CUDA simulator: all kernels, thread by thread, without a GPU."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pytmva_rnn.network.devices import simulated

HERE = Path(__file__).parent


@pytest.mark.thorough
@pytest.mark.skipif(simulated(), reason="this is the simulator")
def test_all_of_this_folder_under_the_simulator() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "-p", "no:cacheprovider", str(HERE)]
    environment = {**os.environ, "NUMBA_ENABLE_CUDASIM": "1", "PYTEST_ADDOPTS": ""}
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, cwd=HERE.parents[1], check=False, timeout=900
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None, done.stdout[-2000:]
    assert int(passed[1]) > 150
    skipped = [line for line in done.stdout.splitlines() if line.startswith("SKIPPED")]
    assert all("could not import 'torch'" in line for line in skipped), skipped

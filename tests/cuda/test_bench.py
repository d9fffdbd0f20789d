"""The benchmark on a GPU; under the simulator, which measures no times, all of them are a millisecond."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from numba import cuda

from pytmva_rnn.bench.cases import Case
from pytmva_rnn.bench.gpu import GpuSettings, run_gpu_suite, write_gpu_report
from pytmva_rnn.devices import simulated

pytestmark = pytest.mark.gpu


class Event:
    """A CUDA event."""

    def record(self) -> None:
        pass

    def synchronize(self) -> None:
        pass

    def elapsed_time(self, later: Event) -> float:
        return 1.0


def test_rows_and_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if simulated():
        monkeypatch.setattr(cuda, "event", Event)
    monkeypatch.setattr("pytmva_rnn.bench.gpu._COPIED", 64)
    settings = GpuSettings((Case("tiny", 3, 2, 2, 2, True, 0),), ("GRU",), batches=(2,), rounds=1, calls=1)
    results = run_gpu_suite(settings)
    assert [(row["what"], row["batch"]) for row in results["rows"]] == [("train", 2), ("infer", 2)]
    written = write_gpu_report(results, tmp_path)
    assert json.loads(written[0].read_text())["rows"][0]["case"] == "tiny"
    assert "| tiny GRU train | 2 |" in written[1].read_text()

"""The benchmark of training on files larger than memory; nothing here depends on how fast anything is."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

TOOL = Path(__file__).parents[1] / "tools" / "bench_streaming.py"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench_streaming", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(load: float, rate: float, peak: float) -> dict[str, object]:
    return {"load": load, "divide": 2.0, "rates": [rate, rate, 1.0], "peak": peak, "own": peak / 2}


def test_the_table_has_medians_and_the_ratio_of_rounds(tool: ModuleType) -> None:
    runs = {
        "in memory": [run(20, 1000, 3000), run(22, 2000, 3100), run(24, 3000, 3050)],
        "within the limit": [run(40, 900, 700), run(1, 1800, 800), run(3, 2400, 750)],
    }
    cells = [[cell.strip() for cell in line.split("|")] for line in tool.table(runs).split("\n")]
    rows = {what: values for _, what, *values, _ in cells}
    assert rows["reading the files, s (within the limit: into the cache)"] == ["20.0", "40.0", ""]
    assert rows["again, s (within the limit: from the cache)"] == ["23.0", "2.0", ""]
    assert rows["epochs, events/s"] == ["2,000", "1,800", "0.90"]
    assert rows["peak of memory, MiB"] == ["3,100", "800", ""]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what is mapped")
def test_a_measurement_is_a_process_of_its_own(tool: ModuleType, tmp_path: Path) -> None:
    tool.make_files(tmp_path, 4000)
    runs = tool.compare(tmp_path, 1, "1 GB", 1, tmp_path / "cache")
    for (found,) in runs.values():
        assert found["events"] == 4000
        assert len(found["rates"]) == 1
        assert found["peak"] > found["own"] > 0
    # what fits is in memory, and gives the same to the last bit
    assert len({found["error"] for (found,) in runs.values()}) == 1

"""The samples of the analysis in examples/four_classes.toml."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import awkward as ak
import numpy as np
import pytest
import uproot

TOOL = Path(__file__).parents[1] / "tools" / "make_four_classes.py"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_four_classes", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_samples_are_what_their_processes_say(tool: ModuleType) -> None:
    for name, process in tool.SAMPLES.items():
        columns, friend = tool.make_sample(name, 2000, 3)
        pt = columns["jet_pt"]
        assert ak.all(ak.num(pt) == ak.num(friend["jet_btag"]))
        assert ak.all(pt[:, :-1] >= pt[:, 1:])
        assert ak.min(pt) >= process.lowest
        assert float(ak.mean(ak.num(pt))) == pytest.approx(2 + process.jets, rel=0.05)
        assert np.mean(np.asarray(columns["weight"]) < 0) == pytest.approx(process.negative, abs=0.03)
        assert len(np.unique(columns["event"])) == 2000


def test_the_same_seed_gives_the_same_events(tool: ModuleType) -> None:
    first, again, other = (tool.make_sample("top", 20, seed)[0]["jet_pt"] for seed in (1, 1, 2))
    assert first.to_list() == again.to_list() != other.to_list()


def test_files_and_friends(tool: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tool.main(["--events=30", "--seed=5", str(tmp_path)])
    assert "30 events each of signal, top" in capsys.readouterr().out
    columns, friend = tool.make_sample("w_low", 30, 5)
    with uproot.open(f"{tmp_path}/w_low.root:events") as tree:
        assert tree["jet_pt"].array().to_list() == columns["jet_pt"].to_list()
        assert tree["event"].array().to_list() == columns["event"].to_list()
    with uproot.open(f"{tmp_path}/w_low_btag.root:btag") as tree:
        assert tree["jet_btag"].array().to_list() == friend["jet_btag"].to_list()
    with pytest.raises(SystemExit):
        tool.main(["--events=0", str(tmp_path)])

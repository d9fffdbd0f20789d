"""The benchmark of reading ROOT files; nothing here depends on how fast anything is."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

TOOL = Path(__file__).parents[1] / "tools" / "bench_data.py"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench_data", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_both_routes_give_the_same_lists(tool: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "events.root"
    tool.make_file(path, 500)
    ours = tool.our_lists(str(path))
    assert ours.shape == (500, tool.STEPS, 3)
    assert ours.dtype == np.float32
    assert (np.diff(ours[:, :, 0], axis=1) <= 0).all()
    assert (ours[:, -1] == 0).all(axis=1).any()
    np.testing.assert_array_equal(ours, tool.awkward_lists(str(path)))


@pytest.mark.slow
def test_both_routes_give_the_same_jets(tool: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("skhep_testdata")
    monkeypatch.syspath_prepend(tool.EXAMPLES)
    ours = tool.our_jets(tool.JETS)
    assert ours.shape[1:] == (6, 6)
    np.testing.assert_allclose(ours, tool.awkward_jets(tool.JETS), rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_a_measurement_is_a_process_of_its_own(tool: ModuleType, tmp_path: Path) -> None:
    path, saved = str(tmp_path / "events.root"), tmp_path / "X.npy"
    tool.make_file(Path(path), 50)
    found = tool.child("--load", "lists", "pytmva_rnn", path, path, str(saved))
    assert found["shape"] == [50, tool.STEPS, 3]
    assert found["seconds"] > 0
    assert found["peak"] >= found["peak_before"] > 1
    assert np.load(saved).shape == (50, tool.STEPS, 3)


def test_routes_that_differ_are_not_compared(tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = tmp_path / "a.npy", tmp_path / "b.npy"
    np.save(first, np.zeros((2, 3)))
    for other, expected in ((np.zeros((2, 3)), True), (np.full((2, 3), 0.01), False), (np.zeros((3, 2)), False)):
        np.save(second, other)
        assert tool.same(str(first), str(second)) is expected
    monkeypatch.setattr(tool, "child", lambda *arguments: {"same": False})
    with pytest.raises(RuntimeError, match="lists: the two routes do not give the same"):
        tool.compare("lists", "large.root", "small.root", 1, tmp_path)


@pytest.mark.slow
def test_a_failing_measurement_says_why(tool: ModuleType, tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.root")
    with pytest.raises(RuntimeError, match="failed"):
        tool.child("--load", "lists", "pytmva_rnn", missing, missing)

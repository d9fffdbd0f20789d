"""The toy data of ROOT's tutorial."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from pytmva_rnn.data import Recipe, Source, load

TOOL = Path(__file__).parents[1] / "tools" / "make_time_data.py"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_time_data", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_the_distribution_is_the_tutorials(tool: ModuleType) -> None:
    """Against the tutorial's own recipe: every number drawn and drawn again outside [0, 10]."""
    n = 4000
    for X, f in zip(tool.make_time_data(n, 10, 30, 1), (np.cos, np.sin), strict=True):
        assert X.shape == (n, 10, 30)
        assert X.dtype == np.float32
        random = np.random.default_rng(2)
        for j in (0, 4, 9):
            shift = f(np.pi * j / 10)
            drawn = random.normal(5 + 0.2 * shift, 4 + 0.3 * shift, 3_000_000)
            kept = drawn[(drawn >= 0) & (drawn <= 10)]
            expected = np.histogram(kept, 30, (0, 10))[0] / len(kept) * 1000
            sigma = np.sqrt(100 + expected * (1 - expected / 1000))
            assert np.abs((X[:, j].mean(axis=0) - expected) / sigma).max() < 5 / np.sqrt(n)
            assert X[:, j].std(axis=0) == pytest.approx(sigma, rel=0.06)
            # The histogram holds 1000 entries, so only the noise moves its sum.
            assert X[:, j].sum(axis=1).std() == pytest.approx(10 * np.sqrt(30), rel=0.06)


def test_the_same_seed_gives_the_same_events(tool: ModuleType) -> None:
    first, again, other = (tool.make_time_data(5, 2, 3, seed)[0] for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_file_is_read_back(tool: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "time_data.root"
    tool.main(["--events=20", "--steps=3", "--dims=4", "--seed=9", str(path)])
    assert "time_data.root: 20 events" in capsys.readouterr().out
    recipe = Recipe.from_dict({"variables": ["vars_time{0..2}[4]"]})
    data = load(recipe, {"Signal": Source((f"{path}:sgn",)), "Background": Source((f"{path}:bkg",))})
    np.testing.assert_array_equal(data.X, np.concatenate(tool.make_time_data(20, 3, 4, 9)).reshape(40, 12))


def test_wrong_sizes_are_refused(tool: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        tool.main(["--events=0", str(tmp_path / "x.root")])
    assert stopped.value.code == 2
    assert "--events must be at least 1" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())

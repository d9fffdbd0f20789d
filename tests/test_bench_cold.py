"""What the waiting for compiled code is measured with."""

from __future__ import annotations

import json
from pathlib import Path

import bench_cold
import pytest


@pytest.mark.slow
def test_an_empty_cache_and_a_filled_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    score = {"a first score": bench_cold.PROGRAMS["a first score"]}
    monkeypatch.setattr(bench_cold, "PROGRAMS", score)
    assert bench_cold.main(["--rounds", "1", "-o", str(tmp_path / "cold.json")]) == 0
    rows = json.loads((tmp_path / "cold.json").read_text())["rows"]
    assert [(row["cache"], row["side"], row["ratio"]) for row in rows] == [
        ("empty", "this checkout", 1.0),
        ("filled", "this checkout", 1.0),
    ]
    assert all(row["processor"] > 0.1 for row in rows)
    assert bench_cold.table(rows) in capsys.readouterr().out


def test_a_ratio_is_how_many_times_the_other_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = iter([(2.0, 1.0), (1.0, 1.0), (6.0, 1.0), (2.0, 1.0)] * 2)
    monkeypatch.setattr(bench_cold, "timed", lambda *_, **__: next(taken))
    rows = bench_cold.measured(tmp_path, {"this checkout": tmp_path, "the other": tmp_path}, 1)
    assert [(row["cache"], row["side"], row["ratio"]) for row in rows[:4]] == [
        ("empty", "this checkout", 3.0),
        ("filled", "this checkout", 2.0),
        ("empty", "the other", 1.0),
        ("filled", "the other", 1.0),
    ]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(["--rounds", "0"], "1 or more, not 0"), (["--against", "nowhere"], "nowhere is no checkout")],
)
def test_wrong_arguments(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        bench_cold.main(arguments)
    assert told in capsys.readouterr().err

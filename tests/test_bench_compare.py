"""`python tools/bench compare OLD NEW`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from bench.command import main


def write(path: Path, ours: list[float], other: list[float], version: str = "2.13", **machine: Any) -> Path:
    """Results of a run with one comparison, of an own and another program."""
    timings = [
        {"contestant": "pytmva_rnn", "threads": 1, "rounds": ours},
        {"contestant": "PyTorch", "threads": 1, "rounds": other},
    ]
    described = {"commit": "abc", "date": "2026", "cpu": "x", "cores": 2, "load": 0.1, "packages": {"numpy": "2"}}
    values = {
        "machine": described | machine,
        "versions": {"pytmva_rnn": "1", "PyTorch": version},
        "comparisons": [{"case": "1", "layer": "GRU", "what": "train", "batch": 100, "timings": timings}],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("ours", "factor", "ratio", "verdict"),
    [
        ([2e-6, 2.1e-6, 2.2e-6], "1.1", "2.10", "slower"),
        ([0.5e-6, 0.5e-6, 0.5e-6], "1.1", "0.50", "faster"),
        ([1e-6, 1.05e-6, 1.1e-6], "1.1", "1.05", ""),
        ([2e-6, 2.1e-6, 2.2e-6], "3", "2.10", ""),
        # a round of the one is as those of the other: that may be chance
        ([0.9e-6, 2.1e-6, 2.2e-6], "1.1", "2.10", ""),
    ],
)
def test_what_became_slower_or_faster(
    ours: list[float], factor: str, ratio: str, verdict: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = write(tmp_path / "old.json", [0.9e-6, 1e-6, 1.1e-6], [4e-6])
    new = write(tmp_path / "new.json", ours, [5e-6], commit="def+", cores=4)
    assert main(["compare", str(old), str(new), "--factor", factor]) == 0
    shown = capsys.readouterr().out
    assert f"| case 1 GRU train, batch 100, 1 thread(s) | 1.0 | {ours[1] * 1e6:.1f} | {ratio} | {verdict} |" in shown
    assert f"new: {new}, def+," in shown
    assert "not the same machine: cores 2 and 4" in shown
    assert "PyTorch 2.13 takes 1.25 times as long in the new run" in shown


def test_folders_and_other_versions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "a" / "bench.json", [1e-6], [4e-6])
    write(tmp_path / "b" / "bench.json", [1e-6], [5e-6], version="2.14", packages={"numpy": "3"})
    assert main(["compare", str(tmp_path / "a"), str(tmp_path / "b")]) == 0
    shown = capsys.readouterr().out
    assert "not the same packages: numpy 2 and 3" in shown
    assert "PyTorch" not in shown


def test_what_cannot_be_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = write(tmp_path / "good.json", [1e-6], [4e-6])
    (tmp_path / "other.json").write_text(good.read_text().replace('"train"', '"infer"'))
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "list.json").write_text("[1]")
    (tmp_path / "empty").mkdir()
    for name, message in {
        "other.json": "have no comparison in common",
        "broken.json": "cannot be read as results of a benchmark",
        "list.json": "holds no results of `python tools/bench`",
        "absent.json": "cannot be read as results of a benchmark",
        "empty": "should hold one of bench.json, gpu.json, sweep.json, and holds none",
    }.items():
        assert main(["compare", str(good), str(tmp_path / name)]) == 1
        assert message in capsys.readouterr().err
    with pytest.raises(SystemExit) as caught:
        main(["compare", str(good), str(good), "--factor", "0.5"])
    assert caught.value.code == 2

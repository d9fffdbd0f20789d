"""`python tools/bench sweep`; nothing here depends on how fast anything is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bench.cases import make_problem
from bench.command import main
from bench.roofline import Peaks, work_of
from bench.sweep import AXES, Curve, Point, cliffs, fit
from bench.sweep.axes import BASE, settings_of
from bench.sweep.floors import held_bytes, least_seconds

from pytmva_rnn.errors import DataError


def curve(costs: dict[int, float], floors: dict[int, float] | None = None, least: float = 0.0) -> Curve:
    """By value of an axis."""
    points = tuple(Point(value, cost, (floors or {}).get(value, value)) for value, cost in costs.items())
    return Curve("state", "LSTM", "train", "seconds", points, least)


def test_the_fit_finds_a_fixed_part_and_a_multiple_of_the_floor() -> None:
    found = fit(curve({value: 3.0 + 2.0 * value for value in (1, 4, 20, 100)}).points)
    assert (found.fixed, found.times) == pytest.approx((3.0, 2.0))
    falling = fit(curve({1: 1.0, 10: 20.0, 100: 400.0}).points)
    assert falling.fixed == 0
    assert falling.times > 0
    flat = fit(curve({1: 5.0, 10: 4.0, 100: 3.0}).points)
    assert (flat.times, 3 < flat.fixed < 5) == (0, True)
    assert fit([Point(1, 4.0, 2.0)]).times == 2


def test_cliffs_are_told_and_growth_is_none() -> None:
    assert cliffs(curve({value: 3.0 + 2.0 * value for value in AXES["state"]})) == []
    assert cliffs(curve({1: 5.0, 2: 4.0, 16: 3.9, 256: 40.0})) == []
    (step,) = cliffs(curve({64: 64.0, 65: 110.0, 128: 200.0}))
    assert step == ("state, LSTM train, time: 65 costs 1.72 times as much as 64, and the floor grows by 1.02")
    (bump,) = cliffs(curve({15: 40.0, 16: 16.0, 32: 30.0}))
    assert bump == "state, LSTM train, time: 15 costs 2.50 times as much as 16"
    assert cliffs(curve({15: 40.0, 16: 16.0, 32: 30.0}, least=30.0)) == []


def test_the_axes_vary_one_size_each() -> None:
    (small, large) = settings_of("inputs", (3, 5))
    assert (small.case.inputs, small.case.state, small.case.batch) == (3, BASE.state, BASE.batch)
    assert (large.value, large.threads, large.case.name) == (5, 1, "inputs 5")
    assert next(setting.threads for setting in settings_of("threads")) == 1
    with pytest.raises(DataError, match="9999 threads are more than the"):
        settings_of("threads", (1, 9999))
    for axis, (first, last) in {
        "state": (4, 512),
        "steps": (1, 500),
        "batch": (1, 65_536),
        "events": (10_000, 100_000_000),
    }.items():
        assert (AXES[axis][0], AXES[axis][-1]) == (first, last)


def test_what_threads_gain_is_no_cliff() -> None:
    assert not cliffs(curve({1: 2.0, 2: 1.05}, {1: 1.0, 2: 0.5}))
    assert cliffs(curve({1: 4.0, 2: 1.05}, {1: 1.0, 2: 0.5})) == [
        "state, LSTM train, time: 1 costs 3.81 times as much as 2"
    ]


def test_what_must_be_in_memory() -> None:
    problem = make_problem(settings_of("batch", (10,))[0].case, "RNN")
    weights = 64 * (64 + 8 + 1) + 32 * 64 + 32 + 32 + 1
    events = 10 * (20 * 8 + 1 + 1)
    assert held_bytes(problem, "infer", 1) == 4 * (events + 2 * weights)
    assert held_bytes(problem, "train", 2) == 4 * (events + 6 * weights)


def test_memory_limits_only_what_no_cache_holds() -> None:
    """What one event takes of the weights would take ten times as long from memory as it does."""
    problem = make_problem(settings_of("batch", (10,))[0].case, "RNN")
    work = work_of(problem, "one")
    slow = Peaks(1, 1e9, 1.0, working_set=1 << 20)
    assert least_seconds(problem, "one", slow) == work.flops / 1e9
    assert least_seconds(problem, "one", Peaks(1, 1e9, 1.0, working_set=1)) == work.bytes


@pytest.mark.slow
def test_a_sweep_is_printed_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["sweep", "--axes", "state", "--values", "4,6", "--layers", "rnn", "--rounds", "1", "--quick"]
    assert main([*arguments, "-o", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    for title in ("RNN train, time", "RNN infer, time", "RNN one, time", "RNN train, memory", "RNN infer, memory"):
        assert f"### state, {title}" in shown
    values = json.loads((tmp_path / "sweep.json").read_text(encoding="utf-8"))
    assert len(values["curves"]) == 5
    assert [point["value"] for point in values["curves"][0]["points"]] == [4, 6]
    assert all(point["cost"] > 0 and point["floor"] > 0 for each in values["curves"] for point in each["points"])
    assert "# How cost grows" in (tmp_path / "sweep.md").read_text(encoding="utf-8")
    assert main(["compare", str(tmp_path), str(tmp_path / "sweep.json")]) == 0
    assert "| case state 6 RNN infer, batch 256, 1 thread(s) |" in capsys.readouterr().out


@pytest.mark.slow
def test_events_are_streamed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["sweep", "--quick", "--axes", "events", "--values", "2000", "-o", str(tmp_path)]
    assert main([*arguments, "--folder", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    for title in ("score, time", "read, time", "epoch, time", "score, memory", "train, memory"):
        assert f"### events, LSTM {title}" in shown
    assert {path.name for path in tmp_path.iterdir()} <= {"sweep.json", "sweep.md", "sweep.png"}


def test_too_few_events_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", "--quick", "--axes", "events", "--values", "800", "-o", str(tmp_path)]) == 1
    assert "800 events are too few to train with; the fewest are 2,000" in capsys.readouterr().err


def test_values_that_the_disk_has_no_room_for_are_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["sweep", "--quick", "--axes", "events", "--values", str(10**15), "-o", str(tmp_path)]
    assert main(arguments) == 0
    assert "left out: 1,000,000,000,000,000 events" in capsys.readouterr().out


@pytest.mark.parametrize(
    "wrong", [["--axes", "width"], ["--values", "3"], ["--axes", "state,steps", "--values", "3"], ["--values", "0"]]
)
def test_wrong_arguments_are_refused(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["sweep", *wrong])
    assert caught.value.code == 2
    assert wrong[0].lstrip("-") in capsys.readouterr().err

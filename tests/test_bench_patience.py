"""Comparisons come to an end, whatever a contestant does; the clock is made up."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest
from bench import Settings, measure, patience, run_suite, suite
from bench.measure import Task, interleave, ratio
from bench.patience import Patience


class Clock:
    """Goes on only where a call takes its time."""

    def __init__(self) -> None:
        self.now = 0.0

    def task(self, name: str, *seconds: float, divisible: bool = True) -> Task:
        """Calls that take these times one after the other, and then always the last."""
        coming = list(seconds)

        def timer(count: int) -> float:
            spent = sum(coming.pop(0) if len(coming) > 1 else coming[0] for _ in range(count))
            self.now += spent
            return spent

        return Task(name, 1, timer, divisible=divisible)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    for module in (measure, patience, suite):
        monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=lambda: made.now, sleep=lambda _: None))
    return made


@pytest.mark.slow
def test_who_takes_more_than_a_share_allows_is_stopped(clock: Clock) -> None:
    given = Patience(times=10)
    tasks = [clock.task("ours", 0.5), clock.task("as slow", 4.0), clock.task("stalls", 70.0)]
    timings = interleave(tasks, rounds=3, seconds=1.0, patience=given)
    assert [timing.contestant for timing in timings] == ["ours", "as slow"]
    assert len(timings[1].rounds) == 3
    (stopped,) = given.overdue
    assert str(stopped) == (
        "stalls with 1 thread(s) took 70.0 s, its share is 3 s: stopped before it had finished a round"
    )


@pytest.mark.slow
def test_what_it_had_until_then_counts(clock: Clock) -> None:
    given = Patience(times=10)
    # two calls to begin with, two rounds, and then it stalls
    tasks = [clock.task("ours", 1.0), clock.task("other", 2.0, 2.0, 2.0, 2.0, 90.0)]
    ours, other = interleave(tasks, rounds=4, seconds=1.0, patience=given)
    assert (len(ours.rounds), other.rounds) == (4, (2.0, 2.0))
    assert ratio(other, ours) == 2
    assert [each.rounds for each in given.overdue] == [2]
    assert str(given.overdue[0]).endswith("stopped after 2 round(s), which count")


@pytest.mark.parametrize(("divisible", "spent"), [(True, 900), (False, 18_500)])
def test_many_calls_are_timed_in_parts(clock: Clock, divisible: bool, spent: float) -> None:
    """Else those of a turn that were quick before might take hours."""
    given = Patience(times=10)
    # 128 calls tell that 256 fill a turn, which stalls after 71
    stalling = clock.task("stalls", *[1 / 256] * 200, 100.0, divisible=divisible)
    interleave([clock.task("ours", 1.0), stalling], rounds=1, seconds=1.0, patience=given)
    assert given.overdue[0].seconds == pytest.approx(spent, abs=1)


def test_the_first_sets_the_measure_and_is_never_stopped(clock: Clock) -> None:
    given = Patience(times=2)
    timings = interleave([clock.task("ours", 500.0), clock.task("other", 100.0)], 1, 1.0, given)
    assert [timing.contestant for timing in timings] == ["ours", "other"]
    assert given.overdue == []


@pytest.mark.slow
def test_rounds_end_when_the_time_is_over(clock: Clock) -> None:
    tasks = [clock.task("ours", 1.0), clock.task("other", 1.0)]
    timings = interleave(tasks, rounds=100, seconds=1.0, patience=Patience(until=8.5))
    assert [len(timing.rounds) for timing in timings] == [3, 2]
    assert interleave(tasks, 100, 1.0, Patience(until=clock.now)) == []


def test_no_network_is_begun_that_would_not_be_finished(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []
    monkeypatch.setattr(suite, "describe_machine", dict)
    monkeypatch.setattr(suite, "_measure_peaks", lambda results: None)
    monkeypatch.setattr(suite, "available", lambda contestants: ({contestants[0].name: "1"}, []))

    def compared(problem: SimpleNamespace, *_: object) -> list[object]:
        begun.append(problem.title.partition(",")[0])
        clock.now += 30.0
        return []

    monkeypatch.setattr(suite, "_compare", compared)
    settings = Settings.quick(threads=(1,))
    assert settings.limit == 80
    *_, results = run_suite(settings)
    # another first layer of its kind would take 30 s; of one that was there before nothing is known yet
    assert begun == ["case 1 LSTM", "case 1 GRU", "case 2 LSTM"]
    assert len(results.left_out) == 6
    assert results.left_out[0] == "case 1 RNN, batch 100: of 80 s, 20 s are left"


def test_without_a_limit_all_are_compared(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []
    monkeypatch.setattr(suite, "describe_machine", dict)
    monkeypatch.setattr(suite, "_measure_peaks", lambda results: None)
    monkeypatch.setattr(suite, "available", lambda contestants: ({contestants[0].name: "1"}, []))
    compare: Callable[..., list[object]] = lambda problem, *_: begun.append(problem.title) or []  # noqa: E731
    monkeypatch.setattr(suite, "_compare", compare)
    list(run_suite(Settings(threads=(1,), epoch_batches=0)))
    assert len(begun) == 9

"""Threads that score beside trainings, and processes that are forked meanwhile: all have the numbers of one alone."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

import numpy as np

from faults.workbench import Outcome
from pytmva_rnn import Model, train

__all__ = ["forks", "threads"]

_OPTIONS = (
    "InputLayout=4|3:Layout=LSTM|5|3|4|0|0,LINEAR:RandomSeed=3:"
    "TrainingStrategy=MaxEpochs=3,TestRepetitions=1,BatchSize=140"
)
_SECONDS = 120.0
"""After which a forked process does not answer any more."""


class _Work:
    """A sample, a network that was trained on it alone, and its scores."""

    def __init__(self) -> None:
        generator = np.random.default_rng(1)
        self.X = generator.normal(size=(700, 4, 3)).astype(np.float32)
        self.y = (self.X[:, :, 0].sum(1) > 0).astype(np.float32)
        self.model = self.trained()
        self.weights = _weights(self.model)
        self.scores = self.model.predict(self.X)

    def trained(self) -> Model:
        """The same training again."""
        return train(self.X, self.y, _OPTIONS, progress=False).model

    def check_training(self) -> bool:
        """Whether a training comes to the same weights."""
        return _weights(self.trained()) == self.weights

    def check_scores(self) -> bool:
        """Whether all events, and one of them, have the scores that they had."""
        same = np.array_equal(self.model.predict(self.X), self.scores)
        return same and abs(float(self.model.predict_one(self.X[7])) - float(self.scores[7])) < 1e-6


def _weights(model: Model) -> list[bytes]:
    return [array.tobytes() for layer in model.layers for array in layer.weights.values()]


def threads(outcome: Outcome, rounds: int, scoring: int = 8, training: int = 2) -> None:
    """Let threads score while others train, each training `rounds` times, after all have done so for the first time."""
    work, stop = _first_uses(outcome, scoring), threading.Event()

    def until_stopped() -> None:
        while not stop.is_set():
            _count(outcome, "scorings", work.check_scores)

    def trainings() -> None:
        for _ in range(rounds):
            _count(outcome, "trainings", work.check_training)

    scorers = [threading.Thread(target=until_stopped) for _ in range(scoring)]
    trainers = [threading.Thread(target=trainings) for _ in range(training)]
    for thread in (*scorers, *trainers):
        thread.start()
    for thread in trainers:
        thread.join()
    stop.set()
    for thread in scorers:
        thread.join()


def _first_uses(outcome: Outcome, count: int) -> _Work:
    """Let threads begin at the same time, in a process that has compiled and read nothing so far."""
    together, made = threading.Barrier(count), list[_Work]()

    def begun() -> bool:
        together.wait()
        work = _Work()
        made.append(work)
        return work.check_scores()

    beginners = [threading.Thread(target=_count, args=(outcome, "first uses", begun)) for _ in range(count)]
    for thread in beginners:
        thread.start()
    for thread in beginners:
        thread.join()
    alone = _Work()
    for work in made:
        if work.weights != alone.weights or not np.array_equal(work.scores, alone.scores):
            outcome.fault("first uses: other numbers than alone")
    return alone


_counting = threading.Lock()


def _count(outcome: Outcome, what: str, check: Callable[[], bool]) -> None:
    try:
        wrong = "" if check() else "other numbers than alone"
    except Exception as error:
        wrong = f"{type(error).__name__}: {error}"
    with _counting:
        outcome.counted[what] += 1
        if wrong:
            outcome.fault(f"{what}: {wrong}")


def forks(outcome: Outcome, count: int, scoring: int = 4) -> None:
    """Fork while threads score and one trains; each new process scores, and each second one trains too."""
    if not hasattr(os, "fork"):
        outcome.counted["skipped, since this system has none"] += 1
        return
    work, stop = _Work(), threading.Event()

    def busy(check: Callable[[], bool]) -> None:
        while not stop.is_set():
            _count(outcome, "in the first process", check)

    checks = [*[work.check_scores] * scoring, work.check_training]
    others = [threading.Thread(target=busy, args=(check,)) for check in checks]
    for thread in others:
        thread.start()
    for number in range(count):
        process = os.fork()
        if process == 0:
            _in_fork(work, trains=number % 2 == 1)
        status = _waited(process)
        outcome.counted["forked"] += 1
        if status != 0:
            outcome.fault(f"fork {number}: {'no answer' if status is None else f'status {status}'}")
    stop.set()
    for thread in others:
        thread.join()


def _in_fork(work: _Work, *, trains: bool) -> None:
    """What a forked process does; its exit status says whether the numbers are the same."""
    status = 3
    try:
        status = 0 if work.check_scores() and (not trains or work.check_training()) else 2
    finally:
        os._exit(status)


def _waited(process: int) -> int | None:
    """The exit status of a process; None if it has to be killed."""
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end:
        done, status = os.waitpid(process, os.WNOHANG)
        if done:
            return status
        time.sleep(0.02)
    os.kill(process, 9)
    os.waitpid(process, 0)
    return None

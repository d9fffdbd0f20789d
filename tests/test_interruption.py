"""Ctrl-C, SIGTERM and SIGHUP: noted, checked for, raised; and no handler left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytmva_rnn import interruption as module
from pytmva_rnn import train
from pytmva_rnn.compile.waiting import saved, watched
from pytmva_rnn.files import atomic_path
from pytmva_rnn.interruption import Held, Interruption, RaisedSignals, Terminated, signal_number
from pytmva_rnn.kernels import Engine
from pytmva_rnn.options import TrainingPhase
from pytmva_rnn.training.loop import Loop

SIGNALS = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]


@pytest.fixture(autouse=True)
def no_handler_is_left(interruptible: None) -> Iterator[None]:
    before = [signal.getsignal(number) for number in SIGNALS]
    yield
    assert [signal.getsignal(number) for number in SIGNALS] == before


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_is_noted_until_it_suits(number: signal.Signals) -> None:
    with Interruption() as interruption:
        interruption.check()
        signal.raise_signal(number)
        with pytest.raises(KeyboardInterrupt) as raised:
            interruption.check()
        interruption.check()
    assert signal_number(raised.value) == number
    assert isinstance(raised.value, Terminated) == (number != signal.SIGINT)


@pytest.mark.parametrize("number", SIGNALS)
def test_what_nobody_checks_for_is_raised_at_the_end(number: signal.Signals) -> None:
    with pytest.raises(KeyboardInterrupt) as raised, Interruption():
        signal.raise_signal(number)
    assert signal_number(raised.value) == number


def test_a_signal_while_they_begin_to_be_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes effect, and the next are held again."""
    plain = module._set

    def pressed(*arguments: Any) -> None:
        plain(*arguments)
        monkeypatch.setattr(module, "_set", plain)
        raise KeyboardInterrupt

    for words in (None, list):
        monkeypatch.setattr(module, "_set", pressed)
        with pytest.raises(KeyboardInterrupt), Held(words):
            pytest.fail("it has come before")
        reached: list[bool] = []
        with pytest.raises(KeyboardInterrupt), Held():
            reached += [signal.raise_signal(signal.SIGINT) is None]
        assert reached


def test_the_second_comes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    with Interruption() as interruption:
        signal.raise_signal(signal.SIGINT)
        for number in SIGNALS:  # a launcher passes on what the terminal has sent too
            signal.raise_signal(number)
        now[0] = 1.1
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        interruption.check()


def test_blocks_in_blocks_wait_for_the_outermost() -> None:
    with Interruption() as interruption:
        with Held():
            signal.raise_signal(signal.SIGTERM)
        with Interruption():
            pass
        with pytest.raises(Terminated):
            interruption.check()


def test_while_something_is_compiled_it_says_what_it_waits_for(caplog: pytest.LogCaptureFixture) -> None:
    with Interruption() as interruption:
        watched(lambda: signal.raise_signal(signal.SIGINT))()
        saved()  # the compilation itself does not raise it
        assert "stopping as soon as the compilation is done; Ctrl-C once more stops at once" in caplog.messages
        with pytest.raises(KeyboardInterrupt):
            interruption.check()


def test_other_handlers_are_left_alone() -> None:
    heard = []
    before = signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    try:
        with Interruption() as interruption:
            signal.raise_signal(signal.SIGINT)
            interruption.check()
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard == [signal.SIGINT]


def test_other_threads_are_left_alone() -> None:
    failures = []

    def use() -> None:
        try:
            with Interruption() as interruption:
                interruption.check()
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert not failures


def test_a_file_is_written_to_its_end(tmp_path: Path) -> None:
    def write() -> None:
        with atomic_path(tmp_path / "w.xml") as temporary:
            temporary.write_text("begun")
            signal.raise_signal(signal.SIGINT)
            temporary.write_text("done")

    with pytest.raises(KeyboardInterrupt):
        write()
    assert (tmp_path / "w.xml").read_text() == "done"
    assert [path.name for path in tmp_path.iterdir()] == ["w.xml"]


@pytest.mark.skipif(os.name != "posix", reason="signals are those of POSIX")
def test_sigterm_ends_other_programs_after_the_file_is_written(tmp_path: Path) -> None:
    code = (
        "import signal, sys; from pytmva_rnn.files import atomic_path\n"
        "with atomic_path(sys.argv[1]) as temporary:\n"
        "    signal.raise_signal(signal.SIGTERM)\n"
        "    temporary.write_text('done')\n"
        "print('not reached')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "w.xml")],
        capture_output=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
    )
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGTERM, b"", b"")
    assert (tmp_path / "w.xml").read_text() == "done"


@pytest.mark.parametrize("number", SIGNALS)
def test_a_program_learns_of_each(number: signal.Signals) -> None:
    with RaisedSignals() as signals:
        with pytest.raises(KeyboardInterrupt) as raised:
            signal.raise_signal(number)
        with pytest.raises(KeyboardInterrupt), Held():
            signal.raise_signal(number)
        with Interruption() as interruption:
            signal.raise_signal(number)
            with pytest.raises(KeyboardInterrupt):
                interruption.check()
    assert signals.number == number == signal_number(raised.value)


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="signals are those of POSIX")
def test_what_is_ignored_stays_ignored() -> None:
    """As `nohup` has it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with RaisedSignals() as signals, Interruption() as interruption:
            signal.raise_signal(signal.SIGHUP)
            interruption.check()
    finally:
        signal.signal(signal.SIGHUP, before)
    assert not signals.number


def test_what_comes_before_the_first_batch_is_raised_where_a_caller_holds_signals(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """There is nothing to keep yet."""
    X = np.random.default_rng(1).normal(size=(100, 2))
    make = Loop._make_engine

    def pressed(self: Loop, phase: TrainingPhase) -> Engine:
        signal.raise_signal(signal.SIGINT)
        return make(self, phase)

    monkeypatch.setattr(Loop, "_make_engine", pressed)
    with Held(), pytest.raises(KeyboardInterrupt):
        train(X, X[:, 0] > 0, "Layout=LINEAR:TrainingStrategy=BatchSize=10", backend="reference")

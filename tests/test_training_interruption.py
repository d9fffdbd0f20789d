"""Ctrl-C during a training."""

from __future__ import annotations

import signal
import threading

import pytest

from pytmva_rnn.compile.waiting import saved, watched
from pytmva_rnn.training.interruption import Interruption

pytestmark = pytest.mark.usefixtures("interruptible")


def test_the_first_is_noted_until_it_suits() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Interruption() as interruption:
        interruption.check()
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            interruption.check()
    assert signal.getsignal(signal.SIGINT) is before


def test_the_second_comes_at_once() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Interruption():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


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

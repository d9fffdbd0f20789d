"""Names of the package that several threads use first at the same time, and forks meanwhile."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

import pytmva_rnn

NAMES = ("train", "load")


@pytest.fixture
def new(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has asked for these names yet."""
    for name in NAMES:
        getattr(pytmva_rnn, name)
        monkeypatch.delattr(pytmva_rnn, name)


@pytest.mark.usefixtures("new")
def test_threads_import_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that imports a package while another imports a module in it ends with an error of Python's."""
    together, met, plain = threading.Barrier(2), [], pytmva_rnn.import_module

    def meeting(name: str) -> Any:
        with suppress(threading.BrokenBarrierError):
            together.wait(0.2)
            met.append(name)
        return plain(name)

    monkeypatch.setattr(pytmva_rnn, "import_module", meeting)
    with ThreadPoolExecutor(2) as pool:
        assert all(map(callable, pool.map(lambda name: getattr(pytmva_rnn, name), NAMES)))
    assert not met


@pytest.mark.usefixtures("new")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot be forked here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_waits_for_an_import(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the new process nobody would end it, and who imports the same would wait for ever."""
    begun, to_end, ended, plain = threading.Event(), threading.Event(), threading.Event(), pytmva_rnn.import_module

    def long(name: str) -> Any:
        begun.set()
        to_end.wait(60)
        module = plain(name)
        ended.set()
        return module

    monkeypatch.setattr(pytmva_rnn, "import_module", long)
    thread = threading.Thread(target=lambda: pytmva_rnn.train)
    thread.start()
    assert begun.wait(60)
    threading.Timer(0.2, to_end.set).start()
    process = os.fork()
    if not process:
        os._exit(0 if ended.is_set() else 1)
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0

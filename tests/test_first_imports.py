"""Names of the package that several threads use first at the same time, and forks meanwhile."""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot

import pytmva_rnn
from pytmva_rnn import extras, formula, packages
from pytmva_rnn.first_imports import importing
from pytmva_rnn.formula import basket_checks
from pytmva_rnn.formula.friends import TreePart

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
    assert_fork_waits(lambda: pytmva_rnn.train, begun, to_end, ended)


def assert_fork_waits(
    use: Callable[[], Any], begun: threading.Event, to_end: threading.Event, ended: threading.Event
) -> None:
    """For the end of an import that a thread begins by `use`, and that goes on after `to_end`."""
    thread = threading.Thread(target=use)
    thread.start()
    assert begun.wait(60)
    threading.Timer(0.2, to_end.set).start()
    process = os.fork()
    if not process:
        os._exit(0 if ended.is_set() else 1)
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot be forked here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_waits_for_a_first_branch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next piece of a tree is read by another thread."""
    begun, to_end, ended = threading.Event(), threading.Event(), threading.Event()

    class Slow:
        """What the module extends, as it is executed: for finding it alone Python has forks wait itself."""

        def __getattr__(self, name: str) -> Any:
            begun.set()
            to_end.wait(60)
            ended.set()
            return getattr(uproot, name)

    monkeypatch.setattr(packages, "uproot", Slow())
    monkeypatch.setattr(formula, "basket_checks", basket_checks)  # put back afterwards, as here
    monkeypatch.delitem(sys.modules, basket_checks.__name__)
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mktree("t", {"x": np.float64}).extend({"x": np.arange(3.0)})
    found: list[Any] = []
    with uproot.open(tmp_path / "a.root") as file:
        part: Any = TreePart(file["t"], "a.root:t", str(tmp_path / "a.root"), None)  # type: ignore[arg-type]
        assert_fork_waits(lambda: found.append(part.read("x", 0, 3)), begun, to_end, ended)
    assert found[0].tolist() == [0.0, 1.0, 2.0]


def test_an_import_goes_on_that_another_one_waits_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that is being imported wants an optional package, while another thread's first use waits for it."""
    program = """
import threading
from pytmva_rnn import extras, formula, packages
begun, waited_for = threading.Event(), threading.Event()
begun.set()
waited_for.wait(60)
json = extras._optional("json", package="json", extra="plot", purpose="for nothing")
"""
    (tmp_path / "wants_a_package.py").write_text(program, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(extras, "_PATIENCE", 0.1)
    plain = threading.Thread(target=importlib.import_module, args=("wants_a_package",), daemon=True)
    plain.start()
    while not hasattr(sys.modules.get("wants_a_package"), "waited_for"):
        time.sleep(0.01)
    module: Any = sys.modules["wants_a_package"]

    def first_use() -> None:
        with importing:
            module.waited_for.set()
            importlib.import_module("wants_a_package")

    other = threading.Thread(target=first_use, daemon=True)
    other.start()
    for thread in (plain, other):
        thread.join(60)
    assert not plain.is_alive()
    assert not other.is_alive()
    assert sys.modules.pop("wants_a_package").json is json

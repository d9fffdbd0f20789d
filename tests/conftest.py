"""What all tests share: processes that run them side by side, and fixtures."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Spread the whole suite over the cores; some files, or a debugger, run in one process, and `-n` has the last word.

    Of the whole suite the thorough tests are left out, unless `-m` says something else.

    The processes, and those that tests start, find each other's compiled kernels, and those of earlier runs, beside the
    sources or in NUMBA_CACHE_DIR.
    """
    option = config.option
    whole = config.args_source == config.ArgsSource.TESTPATHS
    # a worker runs this too, and must not start workers of its own
    is_worker = "PYTEST_XDIST_WORKER" in os.environ
    plain = not (is_worker or option.usepdb or option.collectonly or option.capture == "no")
    if whole and plain and getattr(option, "numprocesses", 0) is None:
        option.numprocesses, option.dist = "auto", "worksteal"
    # here a worker decides too: it is given the arguments, and none of what was made of them
    if whole and not option.markexpr:
        option.markexpr = "not thorough"


def pytest_configure(config: pytest.Config) -> None:
    """Where the slow tests are left out, those of any value take fewer values; none is timed, on busy machines too."""
    settings.register_profile("untimed", deadline=None)
    settings.register_profile("quick", deadline=None, max_examples=20)
    settings.load_profile("quick" if "not slow" in config.option.markexpr else "untimed")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where several processes share the tests, begin with the long ones: no process is to be alone at the end.

    Thorough tests are slow ones.
    """
    for item in items:
        if item.get_closest_marker("thorough"):
            item.add_marker("slow")
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: "slow" not in item.keywords)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let Ctrl-C and a hangup end things, in this process and in those that it starts.

    What a shell starts in the background, as some continuous integration does, ignores the one, and what nohup starts
    the other.
    """
    handlers = {signal.SIGINT: signal.default_int_handler}
    if hasattr(signal, "SIGHUP"):
        handlers[signal.SIGHUP] = signal.SIG_DFL
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)

"""An executor whose calls run in processes of Python, each of which may end without taking other calls with it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any

from pytmva_rnn.network.threads import VARIABLE, asked_threads

__all__ = ["LostProcessError", "Processes", "exit_words"]

_PATIENCE = 10.0
"""Seconds that a process has to end after SIGTERM."""


class LostProcessError(RuntimeError):
    """A process that ended without an answer.

    Attributes
    ----------
    exit_code : int
        As a shell reports it: 128 and the number of the signal that ended it.
    """

    def __init__(self, code: int) -> None:
        self.exit_code = code if code >= 0 else 128 - code
        super().__init__(f"its process ended without an answer: {exit_words(self.exit_code)}")


def exit_words(code: int) -> str:
    """An exit code in words; a signal by its name."""
    try:
        return f"exit code {code}" + (f" ({signal.Signals(code - 128).name})" if code > 128 else "")
    except ValueError:
        return f"exit code {code}"


class Processes(Executor):
    """Calls functions in processes, a few at a time; what is called and returned must be picklable.

    Where a process ends in the middle of a call, that call fails, and a new process takes its place: the pools of
    concurrent.futures lose all calls with one process. The cores are shared out between the processes, unless the
    environment variable PYTMVA_RNN_THREADS says how many threads each takes.

    As everywhere with new processes of Python, a script that uses this does so below `if __name__ == "__main__":`.

    Parameters
    ----------
    workers : int
        Processes at a time.
    fresh : bool
        Whether each call has a new process, in place of one that goes on from call to call with what it has loaded.
    """

    def __init__(self, workers: int, *, fresh: bool = False) -> None:
        self._threads = ThreadPoolExecutor(workers)
        self._share = asked_threads(None) or max(1, (os.cpu_count() or 1) // workers)
        self._context = multiprocessing.get_context("spawn")
        self._fresh = fresh
        self._lock = threading.Lock()
        self._idle: list[_Process] = []
        self._running: set[_Process] = set()
        self._has_begun = False
        self._stopped = False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call a function of a module in a process; an end without an answer is a LostProcessError."""
        return self._threads.submit(self._call, fn, args, kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Wait for the calls that run; with `cancel_futures` the others are not begun."""
        self._threads.shutdown(wait=wait, cancel_futures=cancel_futures)
        with self._lock:
            idle, self._idle = self._idle, []
        for process in idle:
            process.close()

    def stop(self) -> None:
        """End all processes; what has not begun is cancelled."""
        with self._lock:
            self._stopped = True
            processes = [*self._running, *self._idle]
        for process in processes:
            process.handle.terminate()
        for process in processes:
            process.handle.join(_PATIENCE)
            if process.handle.is_alive():
                process.handle.kill()
        self.shutdown(cancel_futures=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for all calls; end them where the block has raised an error."""
        if kind is None:
            self.shutdown()
        else:
            self.stop()

    def _call(self, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        process = self._taken()
        try:
            good, value = process.answer((fn, args, kwargs))
        except BaseException:
            process.close()
            raise
        else:
            if self._fresh:
                process.close()
        finally:
            with self._lock:
                self._running.discard(process)
                if not process.closed:
                    self._idle.append(process)
        if not good:
            raise value
        return value

    def _taken(self) -> _Process:
        """A process that waits for a call."""
        with self._lock:
            if self._stopped:
                raise LostProcessError(-signal.SIGTERM)
            process = self._idle.pop() if self._idle else _Process(self._context, self._share)
            self._running.add(process)
        try:
            process.begin()
        except LostProcessError as error:
            process.close()
            with self._lock:
                self._running.discard(process)
                broken = not (self._has_begun or self._stopped)
            if broken:
                raise BrokenExecutor(
                    f"no process can be started ({error}); a script that uses several does so below "
                    'if __name__ == "__main__":'
                ) from None
            raise
        self._has_begun = True
        return process


class _Process:
    """A process and the pipe that leads to it."""

    def __init__(self, context: Any, threads: int) -> None:
        self._pipe, theirs = context.Pipe()
        self.handle = context.Process(target=_serve, args=(theirs, threads), daemon=True)
        self.handle.start()
        theirs.close()  # so that the end of the process is the end of the pipe
        self._is_new = True
        self.closed = False

    def begin(self) -> None:
        """Wait until it takes calls."""
        if self._is_new:
            self._received()
            self._is_new = False

    def answer(self, call: Any) -> Any:
        """Whether a call ended well, and what it gave or raised."""
        try:
            self._pipe.send(call)
        except OSError:  # it ended since its last call
            self._lost()
        return self._received()

    def _received(self) -> Any:
        try:
            return self._pipe.recv()
        except (EOFError, OSError):
            self._lost()

    def _lost(self) -> None:
        self.handle.join()
        raise LostProcessError(self.handle.exitcode or 0) from None

    def close(self) -> None:
        """Let it end, which it does where its pipe does."""
        self.closed = True
        self._pipe.close()
        self.handle.join(_PATIENCE)
        if self.handle.is_alive():
            self.handle.kill()
            self.handle.join()


def _serve(pipe: Connection, threads: int) -> None:
    """What a process runs. Ctrl-C in a terminal reaches it too: the process that asked decides, and says SIGTERM."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.setdefault(VARIABLE, str(threads))
    _end_with_parent()
    code = 0
    try:
        pipe.send(None)
        while True:
            fn, args, kwargs = pipe.recv()
            pipe.send(_answer(fn, args, kwargs))
    except (EOFError, OSError):
        pass
    except KeyboardInterrupt:
        code = 128 + signal.SIGTERM
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # libraries that threads of a call still use are not taken down under them


def _answer(fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[bool, Any]:
    try:
        return True, fn(*args, **kwargs)
    except Exception as error:
        return False, error


def _end_with_parent() -> None:
    """Where the process that asked is killed, nobody wants the answer any more."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(128 + signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()

"""Another checkout of pytmva_rnn, an older commit perhaps, in a process of its own that is asked for each turn."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from bench.cases import CaseData
from bench.contestants.base import Contestant
from pytmva_rnn.errors import DataError
from pytmva_rnn.weightfile import write_weights

__all__ = ["Checkout", "checkout"]

_PROGRAM = Path(__file__).with_name("checkout_program.py")


class Child:
    """The process: a line of JSON in, a line of JSON out."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._process = subprocess.Popen(
            [sys.executable, str(_PROGRAM), str(root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        weakref.finalize(self, _end, self._process)

    def ask(self, **request: Any) -> Any:
        """The answer to a request.

        Raises
        ------
        RuntimeError
            If the process failed; it has told why on the standard error.
        """
        pipes = self._process
        assert pipes.stdin is not None
        assert pipes.stdout is not None
        try:
            pipes.stdin.write(json.dumps(request) + "\n")
            pipes.stdin.flush()
            answer = pipes.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise RuntimeError(f"the pytmva_rnn in {self._root} ended with exit code {pipes.wait()}")
        return json.loads(answer)


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    with contextlib.suppress(BrokenPipeError):
        process.communicate()


class Checkout(Contestant):
    """A checkout's CPU backend, called as the contestant `Ours` calls that of this process."""

    threads_for_one = False
    root: ClassVar[Path]
    child: ClassVar[Child]

    def __init__(self, problem: CaseData, threads: int) -> None:
        super().__init__(problem, threads)
        self._folder = Path(tempfile.mkdtemp(prefix="bench"))
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        write_weights(problem.model, self._folder / "network.weights.xml")
        np.savez(self._folder / "events.npz", X=problem.X, y=problem.y)
        self._options = str(problem.options)

    @classmethod
    def version(cls) -> str:
        return str(cls.child.ask(what="version"))

    def call(self, what: str) -> Callable[[], Any]:
        return lambda: self._ask(what, 1)["value"]

    def timer(self, what: str) -> Callable[[int], float]:
        return lambda count: float(self._ask(what, count)["seconds"])

    def _ask(self, what: str, count: int) -> Any:
        return self.child.ask(
            what=what, count=count, folder=str(self._folder), threads=self.threads, options=self._options
        )


def checkout(root: Path, name: str) -> type[Checkout]:
    """A contestant for the checkout in a folder.

    Raises
    ------
    DataError
        If there is none.
    """
    if not (root / "pytmva_rnn" / "__init__.py").is_file():
        raise DataError(f"{root} is no checkout of pytmva_rnn: it has no pytmva_rnn/__init__.py")
    return type("Checkout", (Checkout,), {"name": name, "root": root, "child": Child(root)})

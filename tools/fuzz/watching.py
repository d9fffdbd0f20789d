"""Processes that read inputs, watched: one that dies or stands still was at the input that did it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from fuzz.targets import DATA, ROOT
from fuzz.trial import Progress

__all__ = ["ENGINES", "Find", "Tally", "available_engine", "run_batch"]

ENGINES = {"own": "fuzz.batch", "atheris": "fuzz.guided"}
"""Modules that read inputs: those of seeds one after the other, or what coverage leads to."""

_STUCK = 30.0
"""Seconds of processor time without the next input after which a process is ended."""

_STARTING = 600.0
"""The same before the first, when packages are imported and code is compiled."""

_ASLEEP = 1800.0
"""Seconds of the clock, which pass on a busy machine, and where a process waits for what never comes."""


def available_engine() -> str:
    """Atheris where it is installed."""
    return "atheris" if find_spec("atheris") is not None else "own"


@dataclass(frozen=True)
class Find:
    """An input and what it did.

    Attributes
    ----------
    target : str
    what : str
    kind : str
        The same for all inputs that one fault lets through.
    data : bytes
    """

    target: str
    what: str
    kind: str
    data: bytes = field(repr=False)

    @property
    def name(self) -> str:
        """A name for its file."""
        return hashlib.sha256(self.data).hexdigest()[:12]

    def save(self, folder: Path = DATA / "fuzz") -> Path:
        """Keep the input, by default among the tests' data."""
        path = folder / self.target / self.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.data)
        return path


@dataclass
class Tally:
    """What was done so far.

    Attributes
    ----------
    executions : Counter
        Inputs by target.
    finds : dict of (target, kind) -> list of Find
    """

    executions: Counter[str] = field(default_factory=Counter)
    finds: dict[tuple[str, str], list[Find]] = field(default_factory=dict)

    def add(self, find: Find) -> bool:
        """Count a find; whether it is the first of its kind."""
        alike = self.finds.setdefault((find.target, find.kind), [])
        alike.append(find)
        return len(alike) == 1


def run_batch(
    tally: Tally,
    target: str,
    first: int,
    count: int,
    *,
    seconds: float = 60.0,
    engine: str = "own",
    corpus: Path | None = None,
) -> list[Find]:
    """Read inputs in a process of its own.

    Parameters
    ----------
    tally : Tally
        What is counted in, also when Ctrl-C ends it.
    target : str
    first, count : int
        Seeds, or of atheris the seed of its search and a number.
    seconds : float
        After which the process is to end.
    engine : str
        Of `ENGINES`.
    corpus : path, optional
        Folder of inputs for atheris.

    Returns
    -------
    list of Find
        Those of a kind that was not there before.
    """
    with tempfile.TemporaryDirectory() as folder:
        progress, out = Path(folder) / "progress", Path(folder) / "out"
        Progress.create(progress)
        found = corpus or Path(folder) / "corpus"
        found.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "tools"), str(ROOT)]), "TMPDIR": folder}
        command = [sys.executable, "-m", ENGINES[engine], target, str(first), str(count), str(seconds), str(progress)]
        with out.open("wb") as stream:
            process = subprocess.Popen(
                [*command, str(found)], stdout=stream, stderr=subprocess.STDOUT, env=environment, cwd=folder
            )
        fault = ""
        try:
            fault = _watch(process, progress)
        finally:
            process.kill()
            process.wait()
            done, data = Progress.read(progress)
            lines = out.read_bytes().decode("utf-8", "replace").splitlines()
            tally.executions[target] += min(done + bool(fault), count)
            finds = [_find(target, line) for line in lines if line.startswith('{"what"')]
            if fault:
                said = "\n".join(line for line in lines if not line.startswith('{"what"'))[-2000:]
                finds.append(Find(target, f"{fault}: {said}", fault, data))
            new = [find for find in finds if tally.add(find)]
    return new


def _watch(process: subprocess.Popen[bytes], progress: Path) -> str:
    """Wait for a process; what is wrong with how it ended."""
    at, since, used = -1, time.monotonic(), 0.0
    while process.poll() is None:
        time.sleep(0.1)
        now, _ = Progress.read(progress)
        if now != at:
            at, since, used = now, time.monotonic(), _processor_time(process)
        elif _processor_time(process) - used > (_STUCK if now else _STARTING) or time.monotonic() - since > _ASLEEP:
            return "stands still"
    return f"the process ended with {process.returncode}" if process.returncode else ""


def _processor_time(process: subprocess.Popen[bytes]) -> float:
    """Seconds that a process has computed, where the system says it; else those of the clock."""
    try:
        fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError, ValueError):
        return time.monotonic()


def _find(target: str, line: str) -> Find:
    said = json.loads(line)
    return Find(target, said["what"], said["kind"], base64.b64decode(said["data"]))

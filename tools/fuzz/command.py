"""The command: batches of inputs in processes that are watched, until time or number is up."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fuzz.targets import DATA, ROOT, TARGETS

__all__ = ["Find", "main", "run_batch"]

STUCK = 60.0
"""Seconds of the clock without the next input after which a process is ended."""

STARTING = 600.0
"""The same before the first, when packages are imported and code is compiled."""

_EPILOG = """\
examples:
  python tools/fuzz --seconds 300
  python tools/fuzz --targets formula,options --executions 1000000
  python tools/fuzz --targets weights --seconds 60 --save

exit codes: 0 nothing found, 1 something found, 2 wrong usage
"""


@dataclass(frozen=True)
class Find:
    """An input and what it did."""

    target: str
    seed: int
    what: str

    def save(self) -> Path:
        """Keep the input among the tests' data."""
        data = TARGETS[self.target].input(self.seed)
        path = DATA / "fuzz" / self.target / hashlib.sha256(data).hexdigest()[:12]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path


@dataclass
class _Tally:
    """What was done so far."""

    executions: Counter[str] = field(default_factory=Counter)
    finds: list[Find] = field(default_factory=list)


def run_batch(target: str, first: int, count: int) -> tuple[int, list[Find]]:
    """Read the inputs of `count` seeds in a process of its own; how many were read, and what was found.

    A process that dies or stands still ends its batch; the input that it was at is a find.
    """
    with tempfile.TemporaryDirectory() as folder:
        progress = Path(folder) / "progress"
        progress.write_bytes(bytes(8))
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "tools"), str(ROOT)]), "TMPDIR": folder}
        command = [sys.executable, "-m", "fuzz.batch", target, str(first), str(count), str(progress)]
        with (Path(folder) / "out").open("w+b") as out:
            process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=environment, cwd=ROOT)
            at, since, stuck = -1, time.monotonic(), False
            try:
                while process.poll() is None:
                    time.sleep(0.05)
                    now = int.from_bytes(progress.read_bytes(), "little")
                    if now != at:
                        at, since = now, time.monotonic()
                    elif time.monotonic() - since > (STUCK if now else STARTING):
                        stuck = True
                        process.kill()
            finally:
                process.kill()
                process.wait()
            done = int.from_bytes(progress.read_bytes(), "little")
            out.seek(0)
            lines = out.read().decode("utf-8", "replace").splitlines()
    finds = [Find(target, **json.loads(line)) for line in lines if line.startswith('{"seed"')]
    if stuck:
        finds.append(Find(target, first + done, f"stands still for {STUCK:g} s"))
    elif process.returncode:
        said = "\n".join(line for line in lines if not line.startswith('{"seed"'))[-2000:]
        finds.append(Find(target, first + done, f"the process ended with {process.returncode}: {said}"))
    return min(done + 1, count), finds


def main(argv: Sequence[str] | None = None) -> int:
    """Read random inputs.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments after the program's name; those of the process by default.

    Returns
    -------
    int
        Exit code: 0 nothing found, 1 something found (argparse exits with 2 by itself for wrong usage).
    """
    given = _parser().parse_args(argv)
    tally, begun, seed = _Tally(), time.monotonic(), given.seed
    try:
        while not _enough(given, tally, begun):
            for target in given.targets:
                if _enough(given, tally, begun):
                    break
                done, finds = run_batch(target, seed, given.batch if target in _QUICK else -(-given.batch // 20))
                tally.executions[target] += done
                tally.finds += finds
                for find in finds:
                    kept = f", kept as {find.save().relative_to(ROOT)}" if given.save else ""
                    print(f"{find.target}, seed {find.seed}{kept}: {find.what}", flush=True)
            seed += given.batch
    except KeyboardInterrupt:
        pass
    counts = ", ".join(f"{name} {count:,}" for name, count in tally.executions.items())
    total = sum(tally.executions.values())
    seconds = time.monotonic() - begun
    print(f"{total:,} executions in {seconds:.0f} s ({counts}): {len(tally.finds)} finds; next seed {seed}")
    return 1 if tally.finds else 0


_QUICK = ("options", "formula")
"""Those whose inputs are read in less than a millisecond or two: more of them make a batch."""


def _enough(given: argparse.Namespace, tally: _Tally, begun: float) -> bool:
    if given.executions is not None:
        return bool(sum(tally.executions.values()) >= given.executions)
    return bool(time.monotonic() - begun > given.seconds)


def _names(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if unknown := [name for name in names if name not in TARGETS]:
        raise argparse.ArgumentTypeError(f"no target {unknown[0]!r}; there are {', '.join(TARGETS)}")
    return names


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "tools/fuzz", description=__doc__, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--targets", type=_names, default=tuple(TARGETS), metavar="NAME,...", help="what is read")
    parser.add_argument("--seconds", type=float, default=300, help="how long (300)")
    parser.add_argument("--executions", type=int, help="how many inputs, in place of how long")
    parser.add_argument("--batch", type=int, default=10_000, help="inputs of a process, of slow targets a 20th (10000)")
    parser.add_argument("--seed", type=int, default=0, help="the first input (0)")
    parser.add_argument("--save", action="store_true", help="keep what is found in tests/data/fuzz")
    return parser

"""The memory that a network takes, measured in a process of its own.

What Python, the packages and the compiled kernels take is not counted: a small network has run before.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[:1] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parents[3])]

from bench.cases import Case, CaseData, make_problem
from bench.contestants.ours import Ours

_SMALL = Case("small", 16, 2, 2, 4, False, 4)


def memory_of(name: str) -> int:
    """`VmRSS` or `VmHWM` of this process in bytes, as Linux tells them."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"/proc/self/status has no {name}")


def measure(case: Case, layer: str, threads: int) -> dict[str, int]:
    """Bytes that scores of a batch, and a training step, take at their peak, events and weights among them."""
    for what in ("infer", "train"):
        Ours(make_problem(_SMALL, layer), threads).call(what)()
    before = memory_of("VmRSS")
    found = {}
    problem: CaseData = make_problem(case, layer)
    for what in ("infer", "train"):
        contestant = Ours(problem, threads)
        # the peak from now on; the events are there already
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        for _ in range(2):
            contestant.call(what)()
        found[what] = memory_of("VmHWM") - before
        del contestant
    return found


if __name__ == "__main__":
    request = json.loads(sys.argv[1])
    print(json.dumps(measure(Case(**request["case"]), request["layer"], request["threads"])))

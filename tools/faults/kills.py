"""Commands killed at random moments, by SIGKILL, SIGTERM, SIGINT or SIGHUP.

Then every output is the old one, a whole new one or none, no temporary file is left (after SIGKILL: none after the next
run), and the exit code says which signal it was.
"""

from __future__ import annotations

import random
import signal
import subprocess
import time

from faults.workbench import COMMANDS, Outcome, Said, Workbench, left_behind

__all__ = ["kills"]

_SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, *((signal.SIGHUP,) if hasattr(signal, "SIGHUP") else ()))


def kills(outcome: Outcome, bench: Workbench, count: int, seed: int = 1) -> None:
    """Kill commands, each at a moment within the time that it takes by itself.

    Parameters
    ----------
    outcome : Outcome
        Of what was done so far, also when Ctrl-C ends it.
    bench : Workbench
    count : int
    seed : int
        Of commands, signals and moments.
    """
    generator = random.Random(seed)
    seconds = {}
    for name in COMMANDS:
        for _ in range(2):  # the first may compile
            begun = time.monotonic()
            said = bench.run(COMMANDS[name])
            seconds[name] = time.monotonic() - begun
        if said.code:
            outcome.fault(f"{name} fails by itself: {said.text}")
            return
    for number in range(count):
        name, kill = generator.choice(list(COMMANDS)), generator.choice(_SIGNALS)
        after = generator.uniform(0, 1.1 * seconds[name])
        if generator.random() < 0.3:
            bench.clear()
        for wrong in _kill(bench, name, kill, after):
            outcome.fault(f"number {number}, {name} by {kill.name} after {after:.2f} s: {wrong}")
        outcome.counted[f"{name} {kill.name}"] += 1
    for name in COMMANDS:  # the next run removes what SIGKILL left
        bench.run(COMMANDS[name])
    known = bench.inputs.union(*(command.outputs for command in COMMANDS.values()))
    for path in sorted(bench.files().keys() - known):
        outcome.fault(f"{path} is left in the end")


def _kill(bench: Workbench, name: str, number: signal.Signals, after: float) -> list[str]:
    """Kill a command after some seconds; what is wrong then."""
    before = bench.files()
    process = bench.start(COMMANDS[name])
    ended = False
    try:
        text, _ = process.communicate(timeout=after)
        ended = True
    except subprocess.TimeoutExpired:
        process.send_signal(number)
        text, _ = process.communicate()
    said = Said(process.returncode, text)
    # Python itself, or what is imported, was still starting: nobody has looked at signals
    starting = number == signal.SIGINT and "KeyboardInterrupt" in text
    wrong = []
    if said.code not in ((0,) if ended else (0, -number, 128 + number)) and not starting:
        wrong.append(f"exit code {said.code}: {text[-300:]}")
    if "Traceback" in text and not starting:
        wrong.append(f"a traceback: {text[-600:]}")
    found = left_behind(before, bench.files(), COMMANDS[name].outputs, bench.folder)
    return wrong + [each for each in found if number != signal.SIGKILL or not each.endswith(" is left")]

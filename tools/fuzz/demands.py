"""Inputs of up to 1 MB that ask for much, and what each takes."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Callable, Collection
from functools import partial

from fuzz.targets import DATA, LARGEST, TARGETS, Target
from fuzz.trial import MEMORY, SECONDS, limit_memory, warm_up

__all__ = ["DEMANDS", "run_demands"]

_OTHERS = 1 << 30
"""Bytes beyond `MEMORY` at which a process is stopped all the same: until then it says how many they were."""


def _weights() -> str:
    return (DATA / "reference" / "lstm_last" / "weights.xml").read_text(encoding="utf-8")


def _with_nodes(before: str, node: str, count: int) -> str:
    return _weights().replace(before, f"{node}\n" * count + before, 1)


def _digits(count: int) -> str:
    return "1" * count


_LONG = 1_000_000
_XML: dict[str, Callable[[], str]] = {
    "8,000 stray nodes": lambda: _with_nodes("</Variables>", "<Variable/>", 8_000),
    "80,000 stray nodes": lambda: _with_nodes("</Variables>", "<Variable/>", 80_000),
    "250,000 nodes": lambda: (
        _with_nodes("</Variables>", "<a/>", 150_000)
        .replace("</GeneralInfo>", "<a/>" * 100_000 + "</GeneralInfo>")
        .replace("<a/>\n", "<a/>")
    ),
    "a million of brackets": lambda: "<" * _LONG,
    "nodes in one another": lambda: "<a>" * 140_000 + "</a>" * 140_000,
    "very many attributes": lambda: "<MethodSetup " + " ".join(f"a{k}='x'" for k in range(80_000)) + "/>",
    "a number of a million digits": lambda: _weights().replace(' Width="', f' Width="{_digits(900_000)}', 1),
    "a long text": lambda: _weights().replace(
        "</GeneralInfo>", f'<Info name="a" value="{"b" * 900_000}"/></GeneralInfo>'
    ),
    "a long comment": lambda: f"<!--{'a' * _LONG}-->{_weights()}",
}
_TEXTS: dict[str, dict[str, Callable[[], str]]] = {
    "formula": {
        "digits and a letter": lambda: _digits(_LONG) + "x",
        "digits": lambda: _digits(_LONG),
        "a long sum": lambda: "+".join("x" * 1 for _ in range(_LONG // 2)),
        "brackets": lambda: "(" * _LONG,
        "indices": lambda: "v[" * (_LONG // 2),
        "signs": lambda: "-" * _LONG + "x",
        "conditions": lambda: "x?" * (_LONG // 2),
        "calls": lambda: "abs(" * (_LONG // 5) + "x" + ")" * (_LONG // 5),
        "quotes": lambda: '"' * (_LONG - 1),
        "powers": lambda: "^".join(["9"] * 300_000),
        "white space": lambda: " " * _LONG,
        "a long name": lambda: "x" * _LONG,
        "scopes": lambda: "a::" * (_LONG // 3),
    },
    "options": {
        "a long name": lambda: "method\n" + "a" * _LONG,
        "colons": lambda: "method\n" + ":" * _LONG,
        "layers": lambda: "layout\n" + "DENSE|1|TANH," * 70_000,
        "bars": lambda: "layout\n" + "LSTM" + "|" * _LONG,
        "phases": lambda: "strategy\n" + "LearningRate=1e-3|" * 50_000,
        "a number of a million digits": lambda: "method\nRandomSeed=" + _digits(_LONG),
        "a width of brackets": lambda: "width\n" + "(" * _LONG,
        "a width of powers": lambda: "width\n" + "9^" * (_LONG // 2) + "9",
        "a width that is a sum": lambda: "width\n" + "N+" * (_LONG // 2) + "N",
        "a width of digits": lambda: "width\n" + _digits(_LONG),
        "transformations": lambda: "transform\n" + "N," * (_LONG // 2),
        "brackets of a transformation": lambda: "transform\n" + "N(" * (_LONG // 2),
        "a split": lambda: "split\n" + "nTrain_a=1:" * 90_000,
    },
    "toml": {
        "brackets": lambda: "a = " + "[" * _LONG,
        "tables in one another": lambda: "[" + "a." * 300_000 + "a]",
        "very many tables": lambda: "".join(f"[input.c{k}]\nfiles = 'a'\n" for k in range(30_000)),
        "very many variables": lambda: "variables = [" + '"x",' * 200_000 + "]\n[input]\n[method]",
        "very many different variables": lambda: (
            "variables = [" + ",".join(f"'x{k}'" for k in range(100_000)) + "]\n[input]\n[method]"
        ),
        "a range": lambda: 'variables = ["x{0..999999999999}"]\n[input]\n[method]',
        "a range of a million": lambda: 'variables = ["x{1..1000000}"]\n[input]\n[method]',
        "very many spectators": lambda: (
            "variables = ['x']\nspectators = [" + ",".join(f"'x{k}'" for k in range(100_000)) + "]\n[input]\n[method]"
        ),
        "very many inputs of a step": lambda: (
            "[sequence]\nsteps = 1\ninputs = {" + ",".join(f"x{k}='x'" for k in range(80_000)) + "}\n[input]\n[method]"
        ),
        "very many collections": lambda: (
            "[sequence]\nsteps = 1\n" + "[[sequence.collections]]\ninputs.x='x'\n" * 24_000 + "[input]\n[method]"
        ),
        "very many steps": lambda: "[sequence]\nsteps = 1000000000000\ninputs = {x = 'x'}\n[input]\n[method]",
        "digits": lambda: "a = " + _digits(_LONG),
        "values of for_each": lambda: "[for_each]\na = [" + "1," * 400_000 + "]\n[input]\n[method]\n",
        "a chain of definitions": lambda: (
            "[define]\n" + "".join(f"a{k} = 'a{k + 1} * a{k + 1}'\n" for k in range(30_000))
        ),
    },
    "stored": {
        "brackets": lambda: "inputs\n" + "[" * _LONG,
        "a history": lambda: "history\n[" + ",".join(["[1,1,0.5,0.5]"] * 70_000) + "]",
        "very many steps": lambda: 'inputs\n{"sequence": {"steps": 1000000000000, "inputs": {"x": "x"}}}',
        "a range": lambda: 'inputs\n{"variables": ["x{0..9999}{0..9999}[9999]"]}',
        "definitions that double": lambda: (
            'inputs\n{"variables": ["a0"], "define": {'
            + ", ".join(f'"a{k}": "a{k + 1} * a{k + 1}"' for k in range(200))
            + "}}"
        ),
        "very many variables": lambda: 'inputs\n{"variables": [' + ", ".join(f'"x{k}"' for k in range(80_000)) + "]}",
    },
    "validate": _XML,
    "weights": _XML,
}
DEMANDS = {f"{target}: {name}": (target, make) for target, made in _TEXTS.items() for name, make in made.items()}
"""By target and name: the target, and what makes the text."""


def run_demands(targets: Collection[str]) -> int:
    """Read those of some targets, each in a process of its own, and show what they took; how many took too much."""
    logging.disable(logging.CRITICAL)
    faults = 0
    for target in targets:
        demands = {name: make for name, (of, make) in DEMANDS.items() if of == target}
        if demands:
            warm_up(TARGETS[target])
        for name, make in demands.items():
            data = make().encode()[:LARGEST]
            seconds, megabytes, wrong = _in_a_fork(partial(_demand, TARGETS[target], data))
            too_much = seconds > SECONDS or megabytes > MEMORY >> 20
            faults += bool(wrong) or too_much
            told = wrong or ("TOO MUCH" if too_much else "")
            print(f"{name:45} {len(data) / 1e6:5.2f} MB: {seconds:6.2f} s {megabytes:6.0f} MB {told}", flush=True)
    print(f"{faults} took more than {SECONDS:g} s or {MEMORY >> 20} MB, or ended otherwise")
    return faults


def _demand(target: Target, data: bytes) -> tuple[float, float, str]:
    """Seconds, MB and what was wrong, of an input in this process, which has to be a new one."""
    limit_memory(MEMORY + _OTHERS)
    before, begun, wrong = _peak(), time.process_time(), ""
    try:
        target.run(data)
    except Exception as error:
        wrong = f"{type(error).__name__}: {str(error)[:200]}"
    return time.process_time() - begun, (_peak() - before) / (1 << 20), wrong


def _in_a_fork(action: Callable[[], tuple[float, float, str]]) -> tuple[float, float, str]:
    """What a forked process finds: it has what was imported, and memory of its own to be measured."""
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            os.write(writing, json.dumps(action()).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        said = stream.read()
    _, status = os.waitpid(process, 0)
    seconds, megabytes, wrong = json.loads(said) if said else (0.0, 0.0, f"ended with status {status}")
    return seconds, megabytes, wrong


def _peak() -> int:
    """The most bytes of memory that the process has had."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

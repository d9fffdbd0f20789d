"""What must not be taken for granted: a network, and the calls of POSIX."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pytmva_rnn.outputs import _name_problem

ROOT = Path(__file__).parents[1]

BARE = """
import os, signal, sys

def refuse(event, arguments):
    if event.startswith(("socket.", "urllib.", "http.", "ftplib.", "smtplib.")):
        raise AssertionError(f"{event} {arguments}")

sys.addaudithook(refuse)

import awkward, lxml.etree, numba, numba.core.caching, rich.console, rich.table, uproot  # what others need is theirs
import multiprocessing.connection  # as its own system has it

for module, names in {
    os: ("fchmod", "fork", "geteuid", "getloadavg", "getuid", "pathconf", "register_at_fork", "sched_getaffinity",
         "sysconf"),
    signal: ("SIGHUP", "SIGKILL", "pthread_sigmask"),
}.items():
    for name in names:
        if hasattr(module, name):
            delattr(module, name)
sys.modules.update(fcntl=None, pwd=None, resource=None)
sys.platform = "win32"
"""
PROGRAM = """
import numpy as np, uproot
from pytmva_rnn.cli import main

x = np.random.default_rng(1).normal(size=(200, 2)).astype("f4")
with uproot.recreate("data.root") as file:
    file["events"] = {"x": x[:, 0], "y": x[:, 1]}
with open("c.toml", "w", encoding="utf-8") as file:
    file.write('''
variables = ["x", "y"]
[input]
files = "data.root"
[input.classes]
Signal = "x > 0"
Background = "x <= 0"
[method]
options = "Layout=DENSE|3|TANH,LINEAR:TrainingStrategy=MaxEpochs=1,BatchSize=10"
[output]
weights = "w.xml"
''')
for arguments in (
    ["train", "c.toml", "--backend=BACKEND"],
    ["train", "c.toml", "--backend=BACKEND"],  # over what is there
    ["evaluate", "w.xml", "data.root", "-o", "scores.root", "--backend=BACKEND"],
    ["convert", "w.xml", "w.hxx"],
):
    assert main(arguments) == 0, arguments
print("all done")
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_commands_work_without(backend: str, tmp_path: Path) -> None:
    program = PROGRAM.replace("BACKEND", backend)
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{BARE}{program}"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("all done\n")


@pytest.mark.parametrize("name", ["nul.xml", "C:\\data\\Con", "com1/w.xml", "w.xml:hidden.xml", "a?.xml", "w.xml. "])
def test_names_that_windows_takes_otherwise(name: str) -> None:
    assert "Windows" in _name_problem(name, windows=True)
    assert not _name_problem(name, windows=False)


@pytest.mark.parametrize(
    "name", ["w.xml", "C:\\data\\..\\w.xml", "\\\\server\\share\\w.xml", "console/null.xml", "../é.xml"]
)
def test_names_that_windows_takes_as_they_are(name: str) -> None:
    assert not _name_problem(name, windows=True)

"""Packages that are imported when something of them is first asked for."""

from __future__ import annotations

import subprocess
import sys

import awkward
import uproot

from pytmva_rnn import packages


def test_they_have_what_the_packages_have() -> None:
    assert packages.ak.Array is awkward.Array
    assert packages.uproot.behaviors is uproot.behaviors
    assert packages.is_awkward(awkward.Array([1, 2]))
    assert not packages.is_awkward([1, 2])


def test_threads_may_ask_first_at_once() -> None:
    program = """
import sys, threading, numpy as np
from pytmva_rnn.packages import ak, is_awkward, uproot
assert not is_awkward(np.ones(2))
assert not {"awkward", "uproot"} & set(sys.modules)
found = []
asked = [lambda: found.append(is_awkward(ak.Array([[1], []]))), lambda: found.append(callable(uproot.open))]
threads = [threading.Thread(target=ask) for ask in asked * 3]
for each in threads:
    each.start()
for each in threads:
    each.join()
assert found == [True] * 6
"""
    subprocess.run([sys.executable, "-c", program], check=True)

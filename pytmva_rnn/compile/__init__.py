"""The one way to compile with Numba: kept on disk where a folder can be written, and without where none can.

`decorators.py` has what compiles, `cache.py` keeps compiled code, `waiting.py` tells users what they wait for and has
Ctrl-C wait for it, `flavours.py` brings arrays into the one form that is compiled, `addresses.py` finds
them in memory, and `quick` compiles operations without Numba's front end.
"""

from __future__ import annotations

from pytmva_rnn.compile.addresses import array_at, call, place_array
from pytmva_rnn.compile.decorators import Operation, helper, inlined, kernel, operation, parallel_operation
from pytmva_rnn.compile.entry import Entry, entry
from pytmva_rnn.compile.flavours import readable
from pytmva_rnn.compile.waiting import compilation, seconds

__all__ = [
    "Entry",
    "Operation",
    "array_at",
    "call",
    "compilation",
    "entry",
    "helper",
    "inlined",
    "kernel",
    "operation",
    "parallel_operation",
    "place_array",
    "readable",
    "seconds",
]

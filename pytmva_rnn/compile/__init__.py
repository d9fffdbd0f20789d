"""The one way to compile with Numba: kept on disk where a folder can be written, and without where none can.

`decorators.py` has what compiles, `cache.py` keeps compiled code, `waiting.py` tells users what they wait for and has
Ctrl-C wait for it, `flavours.py` brings arrays into the one form that is compiled, `addresses.py` finds
them in memory, `quick` compiles operations without Numba's front end, and `builtin.py` has Python call compiled code as
it calls its own.
"""

from __future__ import annotations

from pytmva_rnn.compile.addresses import array_at, call, place_array
from pytmva_rnn.compile.builtin import ARRAY, LEGIBLE, builtin, data_address, python_function
from pytmva_rnn.compile.decorators import Operation, answering, helper, inlined, kernel, operation
from pytmva_rnn.compile.entry import Entry, entry
from pytmva_rnn.compile.flavours import readable
from pytmva_rnn.compile.waiting import compilation, seconds

__all__ = [
    "ARRAY",
    "LEGIBLE",
    "Entry",
    "Operation",
    "answering",
    "array_at",
    "builtin",
    "call",
    "compilation",
    "data_address",
    "entry",
    "helper",
    "inlined",
    "kernel",
    "operation",
    "place_array",
    "python_function",
    "readable",
    "seconds",
]

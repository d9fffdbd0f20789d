"""The one way to compile: kept on disk where a folder can be written, and without where none can.

`decorators.py` has what compiles, `cache.py` keeps compiled code in the folders of `places.py`, `waiting.py` tells
users what they wait for and has Ctrl-C wait for it, `flavours.py` brings arrays into the one form that is compiled,
`addresses.py` finds them in memory, `quick` compiles operations without Numba, `builtin.py` has Python call compiled
code as it calls its own, `records.py` fills what that is handed, and `ufunc_loops.py` finds NumPy's own for it.
`by_numba.py` has what Numba compiles: it alone imports Numba, which takes longer than a first score, and is imported
when that is needed. `numba_settings.py` knows what users set of Numba without it.
"""

from __future__ import annotations

from pytmva_rnn.compile.addresses import answer, array_at, call
from pytmva_rnn.compile.builtin import ARRAY, LEGIBLE, builtin, data_address, python_function
from pytmva_rnn.compile.decorators import Operation, answering, emitted, helper, inlined, kernel, operation
from pytmva_rnn.compile.entry import Entry, entry
from pytmva_rnn.compile.flavours import readable
from pytmva_rnn.compile.numba_settings import most_threads, processor_features, processor_name
from pytmva_rnn.compile.quick import intrinsic, located
from pytmva_rnn.compile.records import filled, python_functions
from pytmva_rnn.compile.ufunc_loops import LOOP, loop_of
from pytmva_rnn.compile.waiting import compilation, seconds

__all__ = [
    "ARRAY",
    "LEGIBLE",
    "LOOP",
    "Entry",
    "Operation",
    "answer",
    "answering",
    "array_at",
    "builtin",
    "call",
    "compilation",
    "data_address",
    "emitted",
    "entry",
    "filled",
    "helper",
    "inlined",
    "intrinsic",
    "kernel",
    "located",
    "loop_of",
    "most_threads",
    "operation",
    "processor_features",
    "processor_name",
    "python_function",
    "python_functions",
    "readable",
    "seconds",
]

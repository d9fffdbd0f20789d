"""Operations compiled without Numba's front end, which takes longer for them than LLVM does.

An operation is a few loops of integers, records and arrays at addresses around the blocks that are emitted. `walk.py`
goes through its syntax tree, with the functions that it calls in place of the calls, and emits instructions;
`registers.py` has the values that it works with, `meanings.py` what functions of Python and NumPy mean, and
`machine_code.py` what LLVM makes of it. Numbers are those of Numba to the last bit: the same types, conversions and
instructions in the same order. What is not known here is `Refused`, and Numba compiles it.
"""

from __future__ import annotations

from pytmva_rnn.compile.quick.machine_code import address_of
from pytmva_rnn.compile.quick.meanings import meaning
from pytmva_rnn.compile.quick.registers import ArrayAt, RecordAt, Refused, Scalar, array_of, integer
from pytmva_rnn.compile.quick.walk import emitted_module

__all__ = [
    "ArrayAt",
    "RecordAt",
    "Refused",
    "Scalar",
    "address_of",
    "array_of",
    "emitted_module",
    "integer",
    "meaning",
]

"""Operations compiled without Numba's front end, which takes longer for them than LLVM does.

An operation is a few loops of integers, records and arrays at addresses around the blocks that are emitted. `walk.py`
goes through its syntax tree, with the functions that it calls in place of the calls, and emits instructions;
`expressions.py` and `operators.py` have what expressions mean, `registers.py` the values that they work with,
`meanings.py` functions of Python and NumPy, and `declared_functions.py` those that are made for compiled code, of which
some emit instructions themselves, with the help of `emitting.py`. `c_functions.py` puts a function around it, and
`machine_code.py` has LLVM's part.

Numbers are those of Numba to the last bit: the same types, conversions and instructions in the same order. What is not
known here is `Refused`, and Numba compiles it.
"""

from __future__ import annotations

from pytmva_rnn.compile.quick.c_functions import emitted_module
from pytmva_rnn.compile.quick.declared_functions import Helper, Intrinsic, intrinsic, located, numba_import, numba_side
from pytmva_rnn.compile.quick.emitting import declared, loop, room, stored
from pytmva_rnn.compile.quick.machine_code import address_of
from pytmva_rnn.compile.quick.registers import ArrayAt, RecordAt, Refused, Scalar, array_of, integer
from pytmva_rnn.compile.quick.walk import Walk

__all__ = [
    "ArrayAt",
    "Helper",
    "Intrinsic",
    "RecordAt",
    "Refused",
    "Scalar",
    "Walk",
    "address_of",
    "array_of",
    "declared",
    "emitted_module",
    "integer",
    "intrinsic",
    "located",
    "loop",
    "numba_import",
    "numba_side",
    "room",
    "stored",
]

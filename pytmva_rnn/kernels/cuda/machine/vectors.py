"""Access to arrays by their flat index, without arithmetic of rows and columns, and to four floats at once.

Four floats that lie side by side take a quarter of the instructions, and the whole width of the memory.
"""

from __future__ import annotations

from typing import Any

from pytmva_rnn.kernels.cuda.machine.device import SIMULATED, device

WIDTH = 4
"""Floats of a vector. A vector's index is a multiple of it."""

if SIMULATED:

    @device
    def load(array, index):
        """The value of a float32 array, whose rows follow one another, at a flat index."""
        return array.reshape(-1)[index]

    @device
    def store(array, index, value):
        """Write a value into a float32 array, whose rows follow one another, at a flat index."""
        array.reshape(-1)[index] = value

    @device
    def load4(array, index):
        """The four values of a float32 array, whose rows follow one another, from a flat index on."""
        return tuple(array.reshape(-1)[index : index + WIDTH])

    @device
    def store4(array, index, a, b, c, d):
        """Write four values into a float32 array, whose rows follow one another, from a flat index on."""
        array.reshape(-1)[index : index + WIDTH] = a, b, c, d

else:
    from llvmlite import ir
    from numba.cuda import types
    from numba.cuda.extending import intrinsic

    _VECTOR = ir.VectorType(ir.FloatType(), WIDTH)

    def _place(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        """The address of a vector in an array."""
        array = signature.args[0]
        data = context.make_array(array)(context, builder, arguments[0]).data
        return builder.bitcast(builder.gep(data, [arguments[1]]), _VECTOR.as_pointer())

    @intrinsic
    def load(typing, array, index):
        """The value of a float32 array, whose rows follow one another, at a flat index."""

        def make(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            data = context.make_array(array)(context, builder, arguments[0]).data
            return builder.load(builder.gep(data, [arguments[1]]))

        return types.float32(array, index), make

    @intrinsic
    def store(typing, array, index, value):
        """Write a value into a float32 array, whose rows follow one another, at a flat index."""

        def make(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            data = context.make_array(array)(context, builder, arguments[0]).data
            builder.store(arguments[2], builder.gep(data, [arguments[1]]))
            return context.get_dummy_value()

        return types.void(array, index, types.float32), make

    @intrinsic
    def load4(typing, array, index):
        """The four values of a float32 array, whose rows follow one another, from a flat index on."""

        def make(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            loaded = builder.load(_place(context, builder, signature, arguments), align=4 * WIDTH)
            each = [builder.extract_element(loaded, ir.IntType(32)(k)) for k in range(WIDTH)]
            return context.make_tuple(builder, signature.return_type, each)

        return types.UniTuple(types.float32, WIDTH)(array, index), make

    @intrinsic
    def store4(typing, array, index, a, b, c, d):
        """Write four values into a float32 array, whose rows follow one another, from a flat index on."""

        def make(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            vector = ir.Constant(_VECTOR, ir.Undefined)
            for k, value in enumerate(arguments[2:]):
                vector = builder.insert_element(vector, value, ir.IntType(32)(k))
            builder.store(vector, _place(context, builder, signature, arguments), align=4 * WIDTH)
            return context.get_dummy_value()

        return types.void(array, index, *[types.float32] * WIDTH), make

"""Arrays at addresses. Numba looks at the types of all arguments in every call from Python; one address is quick."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils as _cgutils
from numba.extending import intrinsic as _intrinsic
from numba.np import arrayobj as _arrayobj

from pytmva_rnn.compile.quick import ArrayAt, array_of, meaning

__all__ = ["array_at", "call", "place_array"]

# without types
intrinsic: Any = _intrinsic
arrayobj: Any = _arrayobj
cgutils: Any = _cgutils


def place_array(context: Any, builder: Any, kind: Any, address: Any, lengths: Any) -> Any:
    """Emit the C-ordered array of a Numba type and some lengths, integers in registers, at an address.

    What `numba.carray` does, which is made of several functions that would be compiled for each shape and type.
    """
    made = arrayobj.make_array(kind)(context, builder)
    itemsize = cgutils.intp_t(arrayobj.get_itemsize(context, kind))
    strides = [itemsize]
    for length in lengths[:0:-1]:
        strides.insert(0, builder.mul(strides[0], length))
    data = builder.inttoptr(address, made.data.type)
    arrayobj.populate_array(made, data=data, shape=lengths, strides=strides, itemsize=itemsize, meminfo=None)
    return made._getvalue()


@intrinsic  # type: ignore[untyped-decorator]
def call(_: Any, function: Any, arguments: Any) -> Any:
    """Call the operation at an address with a tuple of integers."""
    kinds = tuple(arguments)

    def emit(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        address, given = values
        given = cgutils.unpack_tuple(builder, given)
        given = [context.cast(builder, value, kind, types.int64) for value, kind in zip(given, kinds, strict=True)]
        kind = ir.FunctionType(ir.VoidType(), [value.type for value in given])
        builder.call(builder.inttoptr(address, kind.as_pointer()), given)
        return context.get_dummy_value()

    return types.void(types.int64, arguments), emit


@intrinsic  # type: ignore[untyped-decorator]
def array_at(_: Any, address: Any, shape: Any, dtype: Any) -> Any:
    """The array of a shape at an address, for compiled code."""
    several = isinstance(shape, types.BaseTuple)
    array = types.Array(dtype.dtype, len(shape) if several else 1, "C")

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address, shape, _ = arguments
        of = signature.args[1]
        kinds, lengths = (of, cgutils.unpack_tuple(builder, shape)) if several else ((of,), (shape,))
        lengths = [context.cast(builder, n, kind, types.intp) for n, kind in zip(lengths, kinds, strict=True)]
        return place_array(context, builder, array, address, lengths)

    return array(types.int64, shape, dtype), emit


@meaning(array_at)
def _quick_array(builder: Any, address: Any, shape: Any, dtype: Any) -> ArrayAt:
    return array_of(builder, address, dtype, *(shape if isinstance(shape, tuple) else (shape,)))

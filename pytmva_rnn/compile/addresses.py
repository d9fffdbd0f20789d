"""Arrays at addresses. Numba looks at the types of all arguments in every call from Python; one address is quick."""

from __future__ import annotations

from typing import Any

from numba import carray, types  # type: ignore[attr-defined]
from numba.core import cgutils
from numba.extending import intrinsic as _intrinsic

from pytmva_rnn.compile.decorators import kernel

__all__ = ["array_at"]

intrinsic: Any = _intrinsic


@intrinsic  # type: ignore[untyped-decorator]
def _pointer(_: Any, address: Any) -> Any:
    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], cgutils.voidptr_t)

    return types.voidptr(types.int64), emit


@kernel
def array_at(address: Any, shape: Any, dtype: Any) -> Any:
    """The array of a shape at an address, for compiled code."""
    return carray(_pointer(address), shape, dtype)

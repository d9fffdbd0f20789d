"""What Numba compiles, and what it is told of functions that are declared: the one place that imports it.

An intrinsic is defined once, for the quick compiler; here Numba's types and values become those that it takes, and its
results Numba's. Which they are shows where it is emitted, for the types of a call into a function that is thrown away.
"""

from __future__ import annotations

import hashlib
import inspect
import pickle
from collections.abc import Callable
from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils, errors
from numba.core.caching import NullCache
from numba.core.ccallback import CFunc
from numba.core.compiler import CompileResult as _CompileResult
from numba.core.compiler_lock import global_compiler_lock as _compiler_lock
from numba.core.registry import cpu_target as _cpu
from numba.core.serialize import dumps as _dumps
from numba.core.typing import templates
from numba.np import arrayobj as _arrayobj
from numba.np import numpy_support as _numpy_support

from pytmva_rnn.compile.cache import CodeCache
from pytmva_rnn.compile.numba_settings import check_compiling
from pytmva_rnn.compile.quick.registers import (
    DOUBLE,
    INTEGER,
    LOGICAL,
    SINGLE,
    WORD,
    ArrayAt,
    RecordAt,
    Refused,
    Scalar,
    integer,
)
from pytmva_rnn.compile.waiting import making_ready, nothing_kept, saved, watched

__all__ = ["NumbaCache", "callback", "dispatcher", "helper_type", "intrinsic_type", "make_contexts"]

# without types, or with those of the documented interface alone
_njit: Any = numba.njit
_one_at_a_time: Any = _compiler_lock
_rebuild: Any = _CompileResult._rebuild
_pickled: Any = _dumps
_arrays: Any = _arrayobj
_dtypes: Any = _numpy_support
_values: Any = cgutils
_make_template: Any = templates.make_intrinsic_template
_tuple_of: Any = types.BaseTuple.from_types

OPTIONS: dict[str, Any] = {"error_model": "numpy"}
"""`error_model="numpy"`: a check for division by zero would forbid vector instructions.

No `fastmath`: LLVM could fuse a sum in one way where a function stands by itself and in another where it is inlined,
and the same training would give other weights when its code comes from the cache.
"""


class NumbaCache(CodeCache, NullCache):
    """A compiled function's cache in place of Numba's own.

    Numba's raises an error at the import where no folder can be written, and after the compilation where a disk is
    full. Here the function is compiled without, with a warning.
    """

    def load_overload(self, signature: Any, context: Any) -> Any:
        """What is kept for a signature, or None: where nothing is, or where it cannot be read."""
        with making_ready():
            try:
                content = self._read("", self._key(signature, context))
                context.refresh()
                return None if content is None else _rebuild(context, *pickle.loads(content))
            except Exception:
                # whatever is wrong with what was kept, it can be compiled again
                return None

    def save_overload(self, signature: Any, compiled: Any) -> None:
        """Keep what was compiled, if that is possible."""
        try:
            if not (compiled.lifted or compiled.library.has_dynamic_globals):
                self._keep("", self._key(signature, compiled.target_context), _pickled(compiled._reduce()))
        except (TypeError, pickle.PicklingError) as error:
            nothing_kept(f"{self._function.__qualname__}: {error}")
        finally:
            saved()

    def _key(self, signature: Any, context: Any) -> tuple[Any, ...]:
        """What code depends on beside the sources."""
        cells = tuple(cell.cell_contents for cell in self._function.__closure__ or ())
        parts = (self._function.__code__.co_code, _pickled(cells))
        hashes = tuple(hashlib.sha256(each).hexdigest() for each in parts)
        return numba.__version__, str(signature), context.codegen().magic_tuple(), *hashes


def make_contexts() -> None:
    """Have Numba make what all compilations share, which it does under a lock that forks do not wait for.

    They wait for its compiler's lock, which is needed for it; who has that may wait for the import of this module.
    """
    with _one_at_a_time:
        _cpu.typing_context, _cpu.target_context  # noqa: B018


def _prepared(compiled: Any, function: Any) -> Any:
    """Give what Numba will compile our cache, and tell users of its compilation."""
    compiled._cache = NumbaCache(function)
    compiled._compiler.compile = watched(compiled._compiler.compile)
    return compiled


def dispatcher(function: Any) -> Any:
    """What compiles a function for each kind of arguments; raises as `check_compiling`."""
    check_compiling()
    return _prepared(_njit(**OPTIONS, nogil=True, no_cfunc_wrapper=True)(function), function)


def callback(function: Any, *, answers: bool) -> Any:
    """A function of integers, compiled as one of C's, which gives an integer or nothing; it has an `address`."""
    signature = (types.int64,) * function.__code__.co_argcount, types.int64 if answers else types.void
    made = _prepared(CFunc(function, signature, {}, {**OPTIONS, "nopython": True}), function)
    made.compile()
    return made


def helper_type(function: Any, *, inline: str = "never") -> Any:
    """The type of a function that is compiled with those that call it; raises as `check_compiling`."""
    check_compiling()
    made = _njit(**OPTIONS, inline=inline, no_cfunc_wrapper=True)(function)
    _helpers.append(made)
    return made._numba_type_


_helpers: list[Any] = []  # their types do not keep them


def intrinsic_type(declared: Any, emit: Callable[..., Any], parameters: list[inspect.Parameter]) -> Any:
    """The type of what emits instructions itself."""

    def typed(_: Any, *kinds: Any) -> Any:
        given = [_taken(kind) for kind in kinds]

        def lowered(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            pairs = zip(signature.args, values, strict=True)
            found = emit(builder, *(_argument(builder, kind, value) for kind, value in pairs))
            return _result(context, builder, signature.return_type, found)

        return _type_of_result(emit, given)(*given), lowered

    # Numba takes arguments by it
    named = [inspect.Parameter("_", inspect.Parameter.POSITIONAL_ONLY), *parameters]
    whole = [each.replace(kind=inspect.Parameter.POSITIONAL_ONLY) for each in named]
    typed.__signature__ = inspect.Signature(whole)  # type: ignore[attr-defined]
    return types.Function(_make_template(declared, typed, declared.__name__))


def _parts(kind: Any) -> Any:
    return kind.types


def _is_dtype(kind: Any) -> bool:
    return isinstance(kind, types.DType | types.NumberClass)


def _taken(kind: Any) -> Any:
    """The type that an argument of a type is converted to."""
    if isinstance(kind, types.BaseTuple):
        return _tuple_of([_taken(each) for each in _parts(kind)])
    if isinstance(kind, types.Integer | types.Boolean):
        return types.int64
    if isinstance(kind, types.Float):
        return types.float64
    if isinstance(kind, types.Record) or _is_dtype(kind):
        return kind
    raise errors.TypingError(f"{kind} for an intrinsic")


def _argument(builder: Any, kind: Any, value: Any) -> Any:
    """A value of Numba's as the quick compiler has it."""
    if isinstance(kind, types.BaseTuple):
        parts = enumerate(_parts(kind))
        return tuple(_argument(builder, each, builder.extract_value(value, k)) for k, each in parts)
    if isinstance(kind, types.Record):
        return RecordAt(builder.bitcast(value, _values.voidptr_t), _dtypes.as_dtype(kind))
    if _is_dtype(kind):
        return _dtypes.as_dtype(kind.dtype)
    return Scalar(DOUBLE if kind == types.float64 else INTEGER, value)


def _undefined(kind: Any) -> Any:
    """Some value of a type, for code that is thrown away."""
    if isinstance(kind, types.BaseTuple):
        place = ir.LiteralStructType([_undefined(each).type for each in _parts(kind)])
    else:
        place = {types.int64: INTEGER.type, types.float64: DOUBLE.type}.get(kind, _values.voidptr_t)
    return ir.Constant(place, ir.Undefined)


def _type_of_result(emit: Callable[..., Any], given: list[Any]) -> Any:
    function = ir.Function(ir.Module(), ir.FunctionType(ir.VoidType(), []), "any")
    builder = ir.IRBuilder(function.append_basic_block())
    try:
        found = emit(builder, *(_argument(builder, kind, _undefined(kind)) for kind in given))
    except Refused as reason:
        raise errors.TypingError(str(reason)) from reason
    if found is None:
        return types.void
    if isinstance(found, Scalar):
        return {
            INTEGER: types.int64,
            LOGICAL: types.boolean,
            WORD: types.uint64,
            SINGLE: types.float32,
            DOUBLE: types.float64,
        }[found.kind]
    if isinstance(found, RecordAt):
        return _dtypes.from_dtype(found.dtype)
    return types.Array(_dtypes.from_dtype(found.dtype), len(found.shape), "C")


def _result(context: Any, builder: Any, kind: Any, found: Any) -> Any:
    """What was emitted as Numba has a value of a type."""
    if found is None:
        return context.get_dummy_value()
    if isinstance(found, ArrayAt):
        return _array(context, builder, kind, found)
    if isinstance(found, RecordAt):
        return builder.bitcast(found.pointer, context.get_value_type(kind))
    return found.value


def _array(context: Any, builder: Any, kind: Any, found: ArrayAt) -> Any:
    """What `numba.carray` does, which is made of several functions that would be compiled for each shape and type."""
    made = _arrays.make_array(kind)(context, builder)
    lengths = [integer(builder, length) for length in found.shape]
    strides = [each.value for each in found.strides(builder)]
    data = builder.bitcast(found.pointer, made.data.type)
    itemsize = _values.intp_t(found.dtype.itemsize)
    _arrays.populate_array(made, data=data, shape=lengths, strides=strides, itemsize=itemsize, meminfo=None)
    return made._getvalue()

"""Compiled kernels kept on disk, so that the next process does not compile them.

numba-cuda's own cache would not find a kernel again that was made in a function, as those of the steps are: its key has
the device functions that the kernel calls, each with a number that is drawn anew in every process. Here the key is what
they are made of, and only code of this package, whose sources the file's seal has, is kept.
"""

from __future__ import annotations

import importlib
import pickle
import pkgutil
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields, is_dataclass
from importlib.metadata import version
from inspect import isfunction, unwrap
from typing import Any

import numba
import numpy as np
from numba import cuda
from numba.core.caching import NullCache
from numba.cuda import dispatcher, serialize, utils  # type: ignore[attr-defined]
from numba.cuda.cudadrv.runtime import runtime

from pytmva_rnn.compile.cache import CodeCache, kept_files
from pytmva_rnn.compile.waiting import making_ready

__all__ = ["KernelCache", "kept_kernels"]

_PACKAGE = "pytmva_rnn.kernels.cuda"


class KernelCache(CodeCache, NullCache):
    """A kernel's cache in place of numba-cuda's; the bounds are those that it is compiled with, see `device.kernel`."""

    def __init__(self, function: Any, bounds: tuple[int, int] | None) -> None:
        super().__init__(function)
        self._bounds = bounds

    def load_overload(self, signature: Any, context: Any) -> Any:
        """The kernel for a signature and the device at hand, or None."""
        made_of = _made_of(self._function)
        if made_of is None:
            return None
        with making_ready():
            content = self._read(_label(), self._key(signature, made_of))
            if content is None:
                return None
            try:
                with utils.numba_target_override():
                    context.refresh()
                    return dispatcher._Kernel._rebuild(**pickle.loads(content))
            except Exception:
                # whatever is wrong with what was kept, it can be compiled again
                return None

    def save_overload(self, signature: Any, compiled: Any) -> None:
        """Keep a kernel, if that is possible."""
        made_of = _made_of(self._function)
        if made_of is not None:
            self._keep(_label(), self._key(signature, made_of), serialize.dumps(compiled._reduce_states()))

    def _key(self, signature: Any, made_of: str) -> tuple[Any, ...]:
        return numba.__version__, str(signature), self._bounds, version("numba-cuda"), runtime.get_version(), made_of


def _label() -> str:
    major, minor = cuda.get_current_device().compute_capability
    return f"sm_{major}{minor}"


def _made_of(function: Any) -> str | None:
    """What a function is made of beside the sources, as text; None if not all of it can be told."""
    try:
        return repr(list(_told(function, {})))
    except ValueError:
        return None


def _told(value: Any, seen: dict[Any, int]) -> Iterator[Any]:
    """The name of a function, and the values in its closure and among its globals, and so on.

    A function that was told already is told by its number: others that were made in the same function have its name.
    """
    if value is None or isinstance(value, bool | int | float | str | np.uint64):
        yield value
        return
    if isinstance(value, tuple):
        yield len(value)
        for each in value:
            yield from _told(each, seen)
        return
    if is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from [field.name, *_told(getattr(value, field.name), seen)]
        return
    function = getattr(value, "py_func", value)
    if not isfunction(function) or not function.__module__.startswith(_PACKAGE):
        raise ValueError(f"{value!r} is told by no text")
    if function in seen:
        yield "again", seen[function]
        return
    seen[function] = len(seen)
    yield f"{function.__module__}.{function.__qualname__}"
    for cell in function.__closure__ or ():
        yield from _told(cell.cell_contents, seen)
    for name in function.__code__.co_names:
        # modules and types are what the sources say
        with suppress(KeyError, ValueError):
            yield from [name, *_told(function.__globals__[name], seen)]


def kept_kernels() -> dict[str, Counter[str]]:
    """How many kernels of each module are kept, by the compute capability that they were compiled for."""
    package = importlib.import_module(_PACKAGE)
    kept: dict[str, Counter[str]] = {}
    for each in pkgutil.walk_packages(package.__path__, f"{_PACKAGE}."):
        functions = map(unwrap, filter(callable, vars(importlib.import_module(each.name)).values()))
        own = (function for function in functions if isfunction(function) and function.__module__ == each.name)
        first = next(own, None)
        for name in kept_files(first) if first else ():
            found = re.search(r"\.sm_(\d+)(\d)\.\w+\.nbc$", name)
            if found:
                kept.setdefault(f"{found[1]}.{found[2]}", Counter())[each.name.rpartition(".")[2]] += 1
    return kept

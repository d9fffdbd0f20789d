"""What LLVM makes of emitted instructions: optimised machine code, kept on disk, at an address."""

from __future__ import annotations

import gc
import hashlib
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import llvmlite
import llvmlite.binding as llvm

from pytmva_rnn.compile.cache import CodeCache
from pytmva_rnn.compile.numba_settings import has_avx, processor_features, processor_name
from pytmva_rnn.compile.quick.c_functions import emitted_module
from pytmva_rnn.compile.quick.registers import Refused
from pytmva_rnn.compile.waiting import making_ready, saved, watched

__all__ = ["address_of"]

_LABEL = "quick"


def address_of(function: Callable[..., Any], kinds: tuple[Any, ...] | None = None) -> int:
    """Address of the C function that an operation's function becomes, compiled or as it was kept.

    With `kinds` it is that of a function of such arguments; see `emitted_module`.

    Raises
    ------
    Refused
        If it has to be compiled by Numba.
    """
    if function.__closure__:
        raise Refused(f"{function.__qualname__} depends on values that code is not kept by")
    kept, key = CodeCache(function), (llvmlite.__version__, *_processor(), repr(kinds))
    with making_ready():
        code = kept._read(_LABEL, key)
    if code is not None:
        return _loaded(*code)
    code = watched(_code)(function, kinds)
    kept._keep(_LABEL, key, code)
    saved()
    with making_ready():
        return _loaded(*code)


def _code(function: Callable[..., Any], kinds: tuple[Any, ...] | None) -> tuple[str, list[str], bytes]:
    """Name of the C function, names of the functions that it needs, and its machine code."""
    try:
        return _emitted_code(function, kinds)
    except Refused:
        raise
    except Exception as error:
        # another version of llvmlite, or what Numba refuses too and explains to users
        raise Refused(f"{function.__qualname__}: {error!r}") from error


def _emitted_code(function: Callable[..., Any], kinds: tuple[Any, ...] | None) -> tuple[str, list[str], bytes]:
    if not hasattr(llvm, "create_pass_builder"):
        raise Refused("this version of llvmlite has other passes")
    with _nothing_collected():
        emitted = str(emitted_module(function, _name(function), kinds))
    module = llvm.parse_assembly(emitted)
    module.verify()
    machine = _machine()
    module.data_layout = str(machine.target_data)
    tuning = llvm.create_pipeline_tuning_options(speed_level=2)
    tuning.loop_vectorization = True
    # what gains by it is unrolled where it is emitted: the rest would take twice the time, and no less when it is run
    tuning.loop_unrolling = tuning.loop_interleaving = False
    passes = llvm.create_pass_builder(machine, tuning)
    passes.getModulePassManager().run(module, passes)
    others = [each.name for each in module.functions if each.is_declaration and not each.name.startswith("llvm.")]
    return _name(function), others, machine.emit_object(module)


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Spare Python its search for garbage while many objects are made, which would look at all that there are."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def _name(function: Callable[..., Any]) -> str:
    name = f"{function.__module__}.{function.__qualname__}"
    return f"operation_{hashlib.sha256(name.encode()).hexdigest()[:16]}"


_engines: list[tuple[Any, set[str]]] = []
"""What machine code lies in, as long as the process lives, and the names of the functions there.

To make one takes longer than to load the code of all operations of a score.
"""


def _loaded(name: str, others: list[str], code: bytes) -> int:
    """Address of a function of machine code in this process.

    Raises
    ------
    Refused
        If this process lacks a function that it needs, for which LLVM would end the process.
    """
    _machine()  # makes LLVM ready
    missing = [other for other in others if not llvm.address_of_symbol(other)]
    if missing:
        raise Refused(f"this process has no function {', '.join(missing)}")
    engine = _engine_without(name)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    address: int = engine.get_function_address(name)
    return address


def _engine_without(name: str) -> Any:
    """An engine that has no function of a name yet, which is noted as there from now on."""
    for engine, names in _engines:
        if name not in names:
            names.add(name)
            return engine
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _new_machine())
    _engines.append((engine, {name}))
    return engine


def _processor() -> tuple[str, str]:
    """Name and features of the CPU that is compiled for, as Numba has them."""
    name, features = processor_name() or llvm.get_host_cpu_name(), processor_features()
    if features is None:
        found = llvm.get_host_cpu_features()
        if not has_avx(name):
            found.update({name: False for name in found if name.startswith("avx")})
        features = found.flatten()
    return name, features


def _machine() -> Any:
    return _machine_of(*_processor())


@cache
def _machine_of(name: str, features: str) -> Any:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return _new_machine()


def _new_machine() -> Any:
    """What Numba has machine code made with: an engine takes one of its own."""
    name, features = _processor()
    on_x86 = platform.machine().lower() in ("x86_64", "amd64", "i386", "i686", "x86")
    return llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine(
        cpu=name,
        features=features,
        opt=3,
        reloc="static" if on_x86 else "default",
        codemodel="jitdefault",
        jit=True,
    )

"""Instructions that come again and again where code is emitted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from llvmlite import ir

__all__ = ["declared", "loop", "room", "stored"]

_INDEX = ir.IntType(64)


def declared(builder: Any, name: str, kind: Any) -> Any:
    """A function of LLVM's or another library, of a type, in the module that is emitted."""
    found = builder.module.globals.get(name)
    return ir.Function(builder.module, kind, name) if found is None else found


def room(builder: Any, kind: Any, count: int = 1) -> Any:
    """Pointer to room on the stack of the function, wherever in it that is emitted."""
    with builder.goto_entry_block():
        return builder.alloca(kind, count)


def stored(builder: Any, value: Any) -> Any:
    """Pointer to such room with a value, which is stored where that is emitted."""
    place = room(builder, value.type)
    builder.store(value, place)
    return place


@contextmanager
def loop(builder: Any, count: Any) -> Iterator[Any]:
    """Emit a loop, of what the block emits; yields its index, from 0, in a register."""
    head, body, after = (builder.append_basic_block(f"loop.{name}") for name in ("head", "body", "after"))
    before = builder.block
    builder.branch(head)
    builder.position_at_end(head)
    index = builder.phi(_INDEX)
    index.add_incoming(_INDEX(0), before)
    builder.cbranch(builder.icmp_signed("<", index, count), body, after)
    builder.position_at_end(body)
    yield index
    index.add_incoming(builder.add(index, _INDEX(1), flags=("nsw",)), builder.block)
    builder.branch(head)
    builder.position_at_end(after)

"""What the classes with TMVA's names share: a name that is not here is explained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytmva_rnn.errors import UnavailableError
from pytmva_rnn.tmva.instead import explanation

__all__ = ["Explained", "ExplainedType"]


class Explained:
    """Base class; the error for a missing name says what to use instead, or which names are near."""

    if not TYPE_CHECKING:  # for a type checker, what is not there is not there

        def __getattr__(self, name: str) -> Any:
            if name.startswith("_"):
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            raise UnavailableError(explanation(type(self).__name__, name, _public(self)))


class ExplainedType(type):
    """The same for what belongs to a class itself."""

    if not TYPE_CHECKING:

        def __getattr__(cls, name: str) -> Any:
            if name.startswith("_"):
                raise AttributeError(f"type object {cls.__name__!r} has no attribute {name!r}")
            raise UnavailableError(explanation(cls.__name__, name, _public(cls)))


def _public(owner: object) -> list[str]:
    return [name for name in dir(owner) if not name.startswith("_")]

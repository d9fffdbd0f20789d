"""Packages that come with this one and take long to import, for most of what is done without a ROOT file: later.

They are used as if they had been imported, and are when something of them is first asked for.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pytmva_rnn.first_imports import importing

if TYPE_CHECKING:
    import awkward as ak
    import fsspec
    import lark
    import uproot
    from typing_extensions import TypeIs

__all__ = ["ak", "fsspec", "is_awkward", "lark", "uproot"]


class _Later(ModuleType):
    """A package that is not imported yet, or is, and has what that has."""

    def __getattr__(self, name: str) -> Any:
        module = sys.modules.get(self.__name__)
        # another thread may be in the middle of it
        if module is None or getattr(module.__spec__, "_initializing", False):
            with importing:
                module = import_module(self.__name__)
        return getattr(module, name)


if not TYPE_CHECKING:
    ak, fsspec, lark, uproot = map(_Later, ("awkward", "fsspec", "lark", "uproot"))


def is_awkward(value: object) -> TypeIs[ak.Array]:
    """Whether something is an array of Awkward Array: nothing is where that has not been imported."""
    return "awkward" in sys.modules and isinstance(value, ak.Array)

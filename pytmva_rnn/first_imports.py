"""Imports that wait for a first use: threads make them one at a time, and no process is forked meanwhile.

Where one thread imports a package while another imports a module in it, each may wait for the other: Python notices,
and raises an error in one of them. A process that is forked during another thread's import has nobody who ends it, and
would wait for ever.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress

__all__ = ["importing"]

importing = threading.RLock()
"""To be entered around such an import. Who compiles does not ask for it; who imports may compile."""


def _release_in_child() -> None:
    with suppress(RuntimeError):  # C++ forked the process, without a word to Python before: it is not held
        importing.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=importing.acquire, after_in_parent=importing.release, after_in_child=_release_in_child)

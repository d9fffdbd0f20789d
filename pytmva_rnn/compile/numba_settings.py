"""What users set of Numba, for those that must not wait for its import: its own word where it has been imported.

It reads its environment when it is imported, and so it is here.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["cache_folder", "check_compiling", "has_avx", "most_threads", "processor_features", "processor_name"]

_CONFIG = "numba.core.config"
_ENVIRONMENT = dict(os.environ)
_HAS_FILE = Path(".numba_config.yaml").is_file()

_SLOW_AVX = {"corei7-avx", "core-avx-i", "sandybridge", "ivybridge", "nocona"}
"""Processors for which Numba may do without it."""


def cache_folder() -> str:
    """NUMBA_CACHE_DIR; an empty text if it is not set."""
    folder: str = _setting("CACHE_DIR", lambda: _ENVIRONMENT.get("NUMBA_CACHE_DIR", ""))
    return folder


def processor_name() -> str | None:
    """NUMBA_CPU_NAME, which may be empty."""
    name: str | None = _setting("CPU_NAME", lambda: _ENVIRONMENT.get("NUMBA_CPU_NAME"))
    return name


def processor_features() -> str | None:
    """NUMBA_CPU_FEATURES; None for those of this machine's."""
    plain = None if str(processor_name()).lower() != "generic" else ""
    features: str | None = _setting("CPU_FEATURES", lambda: _ENVIRONMENT.get("NUMBA_CPU_FEATURES", plain))
    return features


def has_avx(processor: str) -> bool:
    """NUMBA_ENABLE_AVX, or whether it pays on a processor."""
    return bool(_setting("ENABLE_AVX", lambda: int(_ENVIRONMENT.get("NUMBA_ENABLE_AVX", _pays(processor)))))


def _pays(processor: str) -> int:
    if processor in _SLOW_AVX:
        raise ValueError(f"versions of Numba differ about {processor}")
    return 1


def most_threads(cores: int) -> int:
    """NUMBA_NUM_THREADS, or the number of cores."""
    threads: int = _setting("NUMBA_NUM_THREADS", lambda: int(_ENVIRONMENT.get("NUMBA_NUM_THREADS", cores)))
    return threads


def check_compiling() -> None:
    """Refuse NUMBA_DISABLE_JIT, or what a program sets for it later.

    Raises
    ------
    RuntimeError
    """
    if _setting("DISABLE_JIT", lambda: int(_ENVIRONMENT.get("NUMBA_DISABLE_JIT", "0"))):
        raise RuntimeError("NUMBA_DISABLE_JIT is set, and nothing here runs without being compiled: unset it")


def _setting(name: str, read: Callable[[], Any]) -> Any:
    """Numba's setting of a name, or what is read in place of it: an error is Numba's to tell of."""
    # another thread may be importing it
    config = sys.modules.get(_CONFIG)
    if not hasattr(config, name):
        try:
            if not _HAS_FILE:
                return read()
        except ValueError:
            pass
        config = importlib.import_module(_CONFIG)
    return getattr(config, name)

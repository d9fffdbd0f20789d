"""What the numbers were measured on."""

from __future__ import annotations

import datetime
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pytmva_rnn.kernels.cpu.engine import available_threads
from pytmva_rnn.kernels.cpu.machine.lanes import WIDTH

__all__ = ["describe_machine"]

_PACKAGES = ("numpy", "numba", "llvmlite", "torch", "onnxruntime", "onnx", "numba-cuda", "cuda-bindings")


def describe_machine() -> dict[str, Any]:
    """Processor, system, versions, date and present load, as plain data."""
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "cpu": _cpu(),
        "cores": available_threads(),
        "vector_width": WIDTH,
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: found for name in _PACKAGES if (found := _version(name)) is not None},
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None

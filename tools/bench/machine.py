"""What the numbers were measured on."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pytmva_rnn.kernels.cpu.machine.concurrency import available_threads
from pytmva_rnn.kernels.cpu.machine.lanes import WIDTH

__all__ = ["describe_machine"]

_PACKAGES = (
    "numpy",
    "numba",
    "llvmlite",
    "uproot",
    "awkward",
    "torch",
    "onnxruntime",
    "onnx",
    "numba-cuda",
    "cuda-bindings",
)


def describe_machine() -> dict[str, Any]:
    """Processor, system, versions, the checkout's commit, date and present load, as plain data."""
    return {
        "commit": _commit(),
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


def _commit() -> str | None:
    """The commit that is checked out here, with a `+` behind it where files differ; None where git does not tell."""
    here = Path(__file__).parent
    told = []
    for command in ("rev-parse HEAD", "status --porcelain --untracked-files=no"):
        try:
            done = subprocess.run(["git", *command.split()], cwd=here, capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            return None
        told.append(done.stdout.strip())
    return told[0] + "+" * bool(told[1])


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None

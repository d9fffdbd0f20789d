"""The layers by the system's compiler: ROOT's interpreter keeps little in registers, and takes up to twice as long."""

from __future__ import annotations

import ctypes
import logging
import subprocess
import tempfile
from pathlib import Path

from pytmva_rnn.export.cpp.compiled_header import found_compiler
from pytmva_rnn.pyroot.plugin.method_header import runner

__all__ = ["native_run"]

log = logging.getLogger("pytmva_rnn")

_libraries: list[ctypes.CDLL] = []
"""What C++ has addresses in."""


def native_run(machine: str) -> int | None:
    """The address of a function that runs layers as `machine` does, to the bit; None where there is no compiler.

    Parameters
    ----------
    machine : str
        One of `method_header.MACHINES`, which this CPU must be.
    """
    compiler = found_compiler()
    if compiler is None:
        log.debug("there is no C++ compiler here: ROOT's interpreter compiles the networks' layers")
        return None
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder, "layers.cxx"), Path(folder, "layers.so")
        source.write_text(runner(machine), encoding="utf-8")
        command = [compiler, "-std=c++17", "-O2", "-shared", "-fPIC", str(source), "-o", str(library)]
        try:
            subprocess.run(command, capture_output=True, check=True)
            _libraries.append(ctypes.CDLL(str(library)))
        except (OSError, subprocess.CalledProcessError) as error:
            log.debug("%s does not compile the networks' layers: %s", compiler, error)
            return None
    return ctypes.cast(_libraries[-1].pytmva_rnn_run, ctypes.c_void_p).value

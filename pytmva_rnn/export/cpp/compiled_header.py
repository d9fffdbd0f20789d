"""Scores of a C++ header, by a program that is compiled for it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.errors import BackendError, DataError
from pytmva_rnn.export.cpp.literals import text

__all__ = ["found_compiler", "header_scores"]

_COMPILERS = ("c++", "g++", "clang++")
_PROGRAM = """\
#include {header}

#include <cstdio>
#include <vector>

int main()
{{
  const {name} model;
  const unsigned long long sizes[2] = {{{name}::variables, {name}::outputs}};
  std::fwrite(sizes, sizeof sizes, 1, stdout);
  std::vector<float> x({name}::variables), scores({name}::outputs);
  while (std::fread(x.data(), sizeof(float), x.size(), stdin) == x.size()) {{
    model.evaluate(x.data(), 1, scores.data());
    std::fwrite(scores.data(), sizeof(float), scores.size(), stdout);
  }}
}}
"""


def _wanted() -> tuple[str, ...]:
    return (os.environ["CXX"],) if os.environ.get("CXX") else _COMPILERS


def found_compiler() -> str | None:
    """The C++ compiler that is here: that of the variable CXX, or c++, g++ or clang++; None without one."""
    return next((each for each in map(shutil.which, _wanted()) if each is not None), None)


def header_scores(path: str | os.PathLike[str]) -> tuple[str, Callable[[NDArray[np.float32]], NDArray[np.float32]]]:
    """What scores events with a header that pytmva_rnn wrote, and the compiler that it is compiled with at each call.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    compiler : str
    scores : callable
        Of events (n, NVar), scores (n, O).

    Raises
    ------
    BackendError
        If there is no C++ compiler: that of the variable CXX, or c++, g++ or clang++.
    DataError
        For another header, one that does not compile, or events of another size.
    OSError
        If it cannot be opened.
    """
    found = re.search(
        r"^#ifndef PYTMVA_RNN_MODEL_(\w+)$", Path(path).read_text(encoding="utf-8", errors="replace"), re.M
    )
    if found is None:
        raise DataError(f"{os.fspath(path)}: it is no header by pytmva_rnn, which has a class with one network")
    compiler = found_compiler()
    if compiler is None:
        raise BackendError(f"a C++ header is scored with a compiler, and there is none: {', '.join(_wanted())}")
    name = found[1]

    def scores(X: NDArray[np.float32]) -> NDArray[np.float32]:
        with tempfile.TemporaryDirectory() as folder:
            program, source = Path(folder) / "scores", Path(folder) / "scores.cxx"
            source.write_text(_PROGRAM.format(header=text(str(Path(path).resolve())), name=name), encoding="utf-8")
            command = [compiler, "-std=c++17", "-O1", str(source), "-o", str(program)]
            done = subprocess.run(command, capture_output=True, check=False)
            if done.returncode:
                problem = done.stderr.decode(errors="replace").strip().partition("\n")[0]
                raise DataError(f"{os.fspath(path)}: {compiler} does not compile it: {problem[:200]}")
            made = subprocess.run(
                [program], input=np.ascontiguousarray(X, "<f4").tobytes(), capture_output=True, check=False
            )
        variables, outputs = (int(size) for size in np.frombuffer(made.stdout[:16], np.uint64))
        values = np.frombuffer(made.stdout[16:], np.float32)
        if variables != X.shape[1] or values.size != len(X) * outputs:
            raise DataError(f"{os.fspath(path)}: it takes events of {variables} variables, but there are {X.shape[1]}")
        return values.reshape(len(X), outputs)

    return compiler, scores

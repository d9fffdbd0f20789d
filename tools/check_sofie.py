"""What SOFIE makes of our ONNX files: its C++ of each weight file given, compiled and compared with `Model.predict`.

    pip install sofie==0.1.0 && python tools/check_sofie.py tests/data/reference/*/weights.xml

The same generator stands in ROOT. It needs a C++17 compiler, and no BLAS: the three routines that its code calls are
written out here. Each event is scored twice, one after the other, so that states which are left from the call before
show. `examples/exchange.md` has what came out.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn import Model, read_weights
from pytmva_rnn.errors import DataError
from pytmva_rnn.export.onnx import save_onnx

_PROGRAM = r"""
#include "net.hxx"
#include <cstdio>
extern "C" void saxpy_(const int* n, const float* a, const float* x, const int* incx, float* y, const int* incy)
{ for (int i = 0; i < *n; ++i) y[i * *incy] += *a * x[i * *incx]; }
extern "C" void sgemm_(const char* ta, const char* tb, const int* m, const int* n, const int* k, const float* alpha,
                       const float* A, const int* lda, const float* B, const int* ldb, const float* beta, float* C,
                       const int* ldc)
{
  for (int j = 0; j < *n; ++j)
    for (int i = 0; i < *m; ++i) {
      double s = 0;
      for (int l = 0; l < *k; ++l)
        s += double((*ta == 'n' || *ta == 'N') ? A[i + l * *lda] : A[l + i * *lda]) *
             ((*tb == 'n' || *tb == 'N') ? B[l + j * *ldb] : B[j + l * *ldb]);
      float& c = C[i + j * *ldc];
      c = float(*alpha * s + (*beta == 0 ? 0 : *beta * c));
    }
}
extern "C" void sgemv_(const char* t, const int* m, const int* n, const float* alpha, const float* A, const int* lda,
                       const float* x, const int* incx, const float* beta, float* y, const int* incy)
{
  const bool plain = *t == 'n' || *t == 'N';
  for (int i = 0; i < (plain ? *m : *n); ++i) {
    double s = 0;
    for (int l = 0; l < (plain ? *n : *m); ++l)
      s += double(plain ? A[i + l * *lda] : A[l + i * *lda]) * x[l * *incx];
    y[i * *incy] = float(*alpha * s + (*beta == 0 ? 0 : *beta * y[i * *incy]));
  }
}
int main()
{
  SOFIE_net::Session session("net.dat");
  std::vector<float> x(WIDTH);
  while (std::fread(x.data(), sizeof(float), WIDTH, stdin) == WIDTH)
    for (int again = 0; again < 2; ++again)
      for (float score : session.infer(x.data())) std::printf("%.9g\n", score);
}
"""


def scores_of_sofie(model: Model, X: NDArray[np.float32], folder: Path) -> NDArray[np.float64]:
    """Scores (n, 2, O) of events (n, NVar), each asked for twice.

    Raises
    ------
    RuntimeError
        With what SOFIE, the compiler or the program says, if one of them fails.
    """
    save_onnx(model, folder / "net.onnx", batch=1, check_nan=False)
    parsed: Any = import_module("sofie").onnx.parse(str(folder / "net.onnx"))
    parsed.generate()
    parsed.output_generated(str(folder / "net.hxx"))
    (folder / "check.cxx").write_text(_PROGRAM.replace("WIDTH", str(X.shape[1])), encoding="utf-8")
    _run(["g++", "-std=c++17", "-O1", "check.cxx", "-o", "check"], folder)
    printed = _run(["./check"], folder, X.tobytes())
    return np.array(printed.split(), np.float64).reshape(len(X), 2, -1)


def _run(command: list[str], folder: Path, given: bytes | None = None) -> bytes:
    done = subprocess.run(command, input=given, capture_output=True, cwd=folder, check=False)
    if done.returncode:
        lines = [line for line in done.stderr.decode().splitlines() if "error" in line] or ["it failed"]
        raise RuntimeError(f"{command[0]}: {lines[0]}")
    return done.stdout


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare SOFIE's C++ of weight files with the scores of the Models.")
    parser.add_argument("weights", nargs="+", type=Path)
    parser.add_argument("--events", type=int, default=50)
    given = parser.parse_args()
    for path in given.weights:
        model = read_weights(path)
        name = f"{path.parent.name}/{path.name}"
        X = np.random.default_rng(1).normal(size=(given.events, len(model.variables))).astype(np.float32)
        expected = model.predict(X).reshape(len(X), 1, -1)
        with tempfile.TemporaryDirectory() as folder:
            try:
                found = scores_of_sofie(model, X, Path(folder))
            except (DataError, RuntimeError) as error:
                print(f"{name}: {error}")
                continue
        first, again = np.abs(found - expected).max((0, 2))
        print(f"{name}: largest difference {first:.2g}, of a second call {again:.2g}")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

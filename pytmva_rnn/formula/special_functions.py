"""TMath's special functions: SciPy's where ROOT's are the same, and the rest refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from pytmva_rnn import extras

__all__ = ["REFUSED", "SPECIAL"]


def _struve_h1(x: Any) -> Any:
    return extras.scipy().special.struve(1, x)


def _dilog(x: Any) -> Any:
    real = np.real(extras.scipy().special.spence(1 - np.asarray(x, np.complex128)))
    return np.where(np.isinf(x), -np.inf, real)


def _normal_quantile(p: Any) -> Any:
    return np.where((p <= 0) | (p >= 1), 0.0, extras.scipy().special.ndtri(p))


def _erfc_inverse(x: Any) -> Any:
    return np.where((x <= 0) | (x >= 2), 0.0, extras.scipy().special.erfcinv(x))


def _kolmogorov(z: Any) -> Any:
    z = np.abs(z)
    return np.where(z < 0.2, 1.0, np.where(z <= 6.8116, extras.scipy().special.kolmogorov(z), 0.0))


SPECIAL: Mapping[str, tuple[Callable[[Any], Any], str]] = {
    "DiLog": (_dilog, "the real part"),
    "ErfcInverse": (_erfc_inverse, "0 unless 0 < x < 2"),
    "KolmogorovProb": (_kolmogorov, "1 for |x| < 0.2"),
    "NormQuantile": (_normal_quantile, "0 unless 0 < x < 1"),
    "StruveH1": (_struve_h1, ""),
}
"""Of one argument: on arrays, and for the documentation. They agree with TMath's to 1.2e-9."""

_ROUGH = "ROOT's has errors of 1e-7, which no other program would repeat"
REFUSED: Mapping[str, str] = {
    **dict.fromkeys(
        [*(f"Bessel{kind}{order}" for kind in "IJKY" for order in "01"), "StruveH0", "Landau", "LandauI"], _ROUGH
    ),
    **dict.fromkeys(["StruveL0", "StruveL1"], "ROOT's goes wrong beyond 20"),
}
"""TMath's functions that are not here, and why."""

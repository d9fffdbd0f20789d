"""The inverse of the error function, compiled. Neither NumPy nor the C library has it."""

from __future__ import annotations

import math
from typing import Any

from pytmva_rnn.compile import kernel

__all__ = ["CENTRE", "CENTRE_BORDER", "CENTRE_SHIFT", "TAIL", "TAIL_SHIFT", "erfinv"]

# The rational functions PPND16 of M. J. Wichura, Algorithm AS 241, Applied Statistics 37 (1988) 477, which are made for
# the normal quantile at (1 + y)/2: coefficients of the numerator and of the denominator, of the highest power first.
# fmt: off
CENTRE = (
    (2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4, 4.5921953931549871457e4,
     1.3731693765509461125e4, 1.9715909503065514427e3, 1.3314166789178437745e2, 3.3871328727963666080e0),
    (5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4, 2.1213794301586595867e4,
     5.3941960214247511077e3, 6.8718700749205790830e2, 4.2313330701600911252e1, 1.0),
)
# fmt: on
"""Of `CENTRE_SHIFT - y*y/4`, up to |y| = CENTRE_BORDER; y/2 times them."""
# fmt: off
TAIL = (
    (7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1, 1.27045825245236838258e0,
     3.64784832476320460504e0, 5.76949722146069140550e0, 4.63033784615654529590e0, 1.42343711074968357734e0),
    (1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2, 1.48103976427480074590e-1,
     6.89767334985100004550e-1, 1.67638483018380384940e0, 2.05319162663775882187e0, 1.0),
)
# fmt: on
"""Of `r - TAIL_SHIFT` with `r = sqrt(-log((1 - |y|)/2))`, up to r = 5."""
# fmt: off
_FAR_TAIL = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3, 2.65321895265761230930e-2,
     2.96560571828504891230e-1, 1.78482653991729133580e0, 5.46378491116411436990e0, 6.65790464350110377720e0),
    (2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5, 7.86869131145613259100e-4,
     1.48753612908506148525e-2, 1.36929880922735805310e-1, 5.99832206555887937690e-1, 1.0),
)
# fmt: on
CENTRE_BORDER, CENTRE_SHIFT, TAIL_SHIFT = 0.85, 0.180625, 1.6


@kernel
def erfinv(y: float) -> float:
    """The inverse of the error function in double precision; infinite at +-1, NaN beyond and for NaN.

    The relative error is below 1e-15.
    """
    size = abs(y)
    if size <= CENTRE_BORDER:
        centre: float = 0.5 * y * _quotient(CENTRE, CENTRE_SHIFT - 0.25 * y * y) / math.sqrt(2.0)
        return centre
    if not size < 1:
        return math.copysign(math.inf, y) if size == 1 else math.nan
    r = math.sqrt(-math.log(0.5 * (1 - size)))
    quotient = _quotient(TAIL, r - TAIL_SHIFT) if r <= 5 else _quotient(_FAR_TAIL, r - 5)
    return math.copysign(quotient / math.sqrt(2.0), y)


@kernel
def _quotient(coefficients: Any, r: float) -> Any:
    return _polynomial(coefficients[0], r) / _polynomial(coefficients[1], r)


@kernel
def _polynomial(coefficients: Any, r: float) -> Any:
    a, b, c, d, e, f, g, h = coefficients
    return ((((((a * r + b) * r + c) * r + d) * r + e) * r + f) * r + g) * r + h

"""The functions that formulas may call: one table for arrays, for C++ and for the documentation.

A bare name is what TTreeFormula makes of it: `log(-1)` is 0, `sqrt(-4)` is 2, `exp(800)` is exp(700), `asin(2)` is 0.
With `TMath::` or `std::` before it, it is the function of mathematics, which gives NaN or infinity there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any, Literal

import numpy as np

from pytmva_rnn.formula.special_functions import SPECIAL

__all__ = ["CONSTANTS", "FUNCTIONS", "Function", "markdown"]

Kind = Literal["elements", "list", "instances", "form"]


@dataclass(frozen=True)
class Function:
    """A function.

    Attributes
    ----------
    array : callable
        Of arrays of doubles, element by element.
    cpp : str
        The same in C++, of the doubles x, y, z, w.
    fewest, most : int
        Numbers of arguments.
    kind : str
        "elements": element by element. "list": over the elements of the innermost lists. "instances": over all
        elements of an event, as ROOT's functions with a `$`. "form": what needs more than the values of its arguments.
    says : str
        For the documentation.
    """

    array: Callable[..., Any]
    cpp: str
    fewest: int = 1
    most: int = 1
    kind: Kind = "elements"
    says: str = ""


def _each(function: Callable[[float], float]) -> Callable[..., Any]:
    """A function of Python's numbers for arrays; where it has no value, NaN."""

    def guarded(x: float) -> float:
        try:
            return function(x)
        except OverflowError:
            return math.inf
        except ValueError:
            return math.nan

    ufunc = np.frompyfunc(guarded, 1, 1)
    return lambda x: np.asarray(ufunc(x), np.float64)


def _factorial(x: float) -> float:
    return 1.0 if x < 1 else math.gamma(math.trunc(x) + 1.0)


def _inverse_erf(x: float) -> float:
    if not abs(x) < 1:
        return 0.0  # as TMath has it
    a = 0.147  # Winitzki's formula, then Halley's steps, which treble the digits
    log = math.log1p(-x * x)
    part = 2 / (math.pi * a) + log / 2
    y = math.copysign(math.sqrt(math.sqrt(part * part - log / a) - part), x)
    y, rest = abs(y), 1 - abs(x)
    for _ in range(3):
        step = (rest - math.erfc(y)) / (2 / math.sqrt(math.pi) * math.exp(-y * y))  # keeps the digits near 1
        y -= step / (1 + y * step)
    return math.copysign(y, x)


def _round(x: Any) -> Any:
    whole = np.trunc(x)
    return whole + np.copysign(np.abs(x - whole) >= 0.5, x)


def _atan2(y: Any, x: Any) -> Any:
    return np.where(x != 0, np.arctan2(y, x), np.where(y == 0, 0.0, np.copysign(math.pi / 2, y)))


def _gaus(x: Any, mean: Any = 0.0, sigma: Any = 1.0, norm: Any = 0.0) -> Any:
    argument = (x - mean) / sigma
    result = np.where(np.abs(argument) > 39, 0.0, np.exp(-0.5 * argument * argument))
    result = np.where(np.asarray(norm) != 0, result / (2.50662827463100024 * sigma), result)
    return np.where(np.asarray(sigma) == 0, 1e30, result)


def _wrapped(x: Any) -> Any:
    """[-pi, pi), as TVector2::Phi_mpi_pi."""
    return _delta_phi(x, 0.0)


def _positive(x: Any) -> Any:
    return x - 2 * math.pi * np.floor(x / (2 * math.pi))


def _delta_phi(a: Any, b: Any) -> Any:
    return (a - b + math.pi) % (2 * math.pi) - math.pi


def _odd(x: Any) -> Any:
    return np.trunc(np.where(np.isfinite(x), x, 0.0)) % 2 != 0


def _among(choose: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    return lambda *values: reduce(choose, values)


def _no_array(*_: Any) -> Any:
    raise NotImplementedError


def _within_one(function: Callable[[Any], Any], cpp: str) -> tuple[Callable[..., Any], str, str]:
    """What is 0 beyond 1."""
    return (lambda x: np.where(np.abs(x) > 1, 0.0, function(x)), f"(std::abs(x) > 1 ? 0. : {cpp})", "0 for |x| > 1")


_IEEE: Mapping[str, Callable[..., Any]] = {
    "sqrt": np.sqrt, "cbrt": np.cbrt, "exp": np.exp, "expm1": np.expm1, "log": np.log, "log10": np.log10,
    "log1p": np.log1p, "log2": np.log2, "sin": np.sin, "cos": np.cos, "tan": np.tan, "asin": np.arcsin,
    "acos": np.arccos, "atan": np.arctan, "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh, "asinh": np.arcsinh,
    "acosh": np.arccosh, "atanh": np.arctanh, "floor": np.floor, "ceil": np.ceil, "trunc": np.trunc, "round": _round,
    "abs": np.abs, "fabs": np.abs, "isnan": np.isnan, "isinf": np.isinf, "isfinite": np.isfinite,
    "erf": _each(math.erf), "erfc": _each(math.erfc), "tgamma": _each(math.gamma), "lgamma": _each(math.lgamma),
}  # fmt: skip
_CLAMPED: Mapping[str, tuple[Callable[..., Any], str, str]] = {
    "sqrt": (lambda x: np.sqrt(np.abs(x)), "std::sqrt(std::abs(x))", "square root of |x|"),
    "exp": (
        lambda x: np.where(x < -700, 0.0, np.exp(np.minimum(x, 700.0))),
        "(x < -700 ? 0. : std::exp(x > 700 ? 700. : x))",
        "0 below -700, exp(700) above 700",
    ),
    "log": (lambda x: np.where(x > 0, np.log(x), 0.0), "(x > 0 ? std::log(x) : 0.)", "0 for x <= 0 and NaN"),
    "log10": (lambda x: np.where(x > 0, np.log10(x), 0.0), "(x > 0 ? std::log10(x) : 0.)", "0 for x <= 0 and NaN"),
    "asin": _within_one(np.arcsin, "std::asin(x)"),
    "acos": _within_one(np.arccos, "std::acos(x)"),
    "atanh": _within_one(np.arctanh, "std::atanh(x)"),
    "acosh": (lambda x: np.where(x < 1, 0.0, np.arccosh(x)), "(x < 1 ? 0. : std::acosh(x))", "0 for x < 1"),
    "sign": (lambda x: np.where(x < 0, -1.0, 1.0), "(x < 0 ? -1. : 1.)", "-1 for x < 0, else 1"),
    "sq": (lambda x: x * x, "x * x", "x * x"),
    "int": (np.trunc, "std::trunc(x)", "the whole part"),
}  # fmt: skip
_TWO: Mapping[str, tuple[Callable[..., Any], str]] = {
    "hypot": (np.hypot, "std::hypot(x, y)"),
    "pow": (np.float_power, "std::pow(x, y)"),
    "fmod": (np.fmod, "std::fmod(x, y)"),
    "atan2": (_atan2, "TMath::ATan2(x, y)"),
}
# With NaN these are not the same: std::min gives the first, TMath::Min the second.
_LESSER = (_among(lambda a, b: np.where(b < a, b, a)), "(y < x ? y : x)")
_GREATER = (_among(lambda a, b: np.where(a < b, b, a)), "(x < y ? y : x)")
_TMATH_MIN = (lambda a, b: np.where(a <= b, a, b), "(x <= y ? x : y)")
_TMATH_MAX = (lambda a, b: np.where(a >= b, a, b), "(x >= y ? x : y)")
_TMATH = {
    "Abs": "abs", "Sqrt": "sqrt", "Exp": "exp", "Log": "log", "Log10": "log10", "Log2": "log2", "Sin": "sin",
    "Cos": "cos", "Tan": "tan", "ASin": "asin", "ACos": "acos", "ATan": "atan", "SinH": "sinh", "CosH": "cosh",
    "TanH": "tanh", "ASinH": "asinh", "ACosH": "acosh", "ATanH": "atanh", "Floor": "floor", "Ceil": "ceil",
    "Erf": "erf", "Erfc": "erfc", "Gamma": "tgamma", "LnGamma": "lgamma", "IsNaN": "isnan", "Finite": "isfinite",
    "Hypot": "hypot", "Power": "pow", "ATan2": "atan2", "FloorNint": "floor", "CeilNint": "ceil",
}  # fmt: skip
_ONE_OF_TMATH: Mapping[str, tuple[Callable[..., Any], str]] = {
    "Sq": (lambda x: x * x, "x * x"),
    "Nint": (np.rint, "std::nearbyint(x)"),
    "Even": (lambda x: ~_odd(x), "(whole(x) % 2 == 0)"),
    "Odd": (_odd, "(whole(x) % 2 != 0)"),
    "SignBit": (np.signbit, "std::signbit(x)"),
    "Freq": (lambda x: 0.5 * _each(math.erfc)(-x / math.sqrt(2)), "0.5 * std::erfc(-x / std::sqrt(2.))"),
    "ErfInverse": (_each(_inverse_erf), "TMath::ErfInverse(x)"),
    "Factorial": (_each(_factorial), "TMath::Factorial(int(std::min(x, 171.)))"),
}


def _table() -> dict[str, Function]:
    table = {name: Function(array, cpp, says=says) for name, (array, cpp, says) in _CLAMPED.items()}
    for name, function in _IEEE.items():
        cpp = f"std::{name}(x)"
        table.setdefault(name, Function(function, cpp))
        table[f"std::{name}"] = Function(function, cpp)
    for name, (function, cpp) in _TWO.items():
        table[name] = table[f"std::{name}"] = Function(function, cpp, 2, 2)
    for name in ("asin", "acos", "atan", "asinh", "acosh", "atanh", "atan2"):
        table[name.replace("a", "arc", 1)] = table[name]
    table |= {f"TMath::{name}": table.get(f"std::{other}", table[other]) for name, other in _TMATH.items()}
    table |= {f"TMath::{name}": Function(*given) for name, given in _ONE_OF_TMATH.items()}
    for name, (function, says) in SPECIAL.items():
        needed = "needs SciPy" if not says else f"{says}; needs SciPy"
        table[f"TMath::{name}"] = Function(function, f"TMath::{name}(x)", says=needed)
    for name, (function, cpp) in (
        ("TMath::Min", _TMATH_MIN),
        ("TMath::Max", _TMATH_MAX),
        ("std::min", _LESSER),
        ("std::max", _GREATER),
    ):
        table[name] = Function(function, cpp, 2, 2)
    sign = Function(
        lambda a, b: np.copysign(np.abs(a), b), "std::copysign(std::abs(x), y)", 2, 2, says="|x| with the sign of y"
    )
    between = Function(
        lambda low, high, x: np.where(x < low, low, np.where(x > high, high, x)),
        "(z < x ? x : z > y ? y : z)", 3, 3, says="(low, high, x): x, but not beyond these",
    )  # fmt: skip
    table["TMath::Sign"], table["TMath::Range"] = sign, between
    table["TMath::Gaus"] = Function(_gaus, "TMath::Gaus(x, y, z, w != 0)", 1, 4, says="(x, mean=0, sigma=1, norm=0)")
    for name in ("TVector2::Phi_mpi_pi", "ROOT::Math::VectorUtil::Phi_mpi_pi"):
        table[name] = Function(_wrapped, "delta_phi(x, 0)", says="x brought into [-pi, pi)")
    table["TVector2::Phi_0_2pi"] = Function(
        _positive, "x - 2 * kPi * std::floor(x / (2 * kPi))", says="x brought into [0, 2 pi)"
    )
    return table | _own() | _instances()


def _own() -> dict[str, Function]:
    number = ("the number of elements", "num")
    return {
        "minimum": Function(np.minimum, "minimum(x, y)", 2, 2, says="NaN if either is"),
        "maximum": Function(np.maximum, "maximum(x, y)", 2, 2, says="NaN if either is"),
        "clip": Function(
            lambda x, low, high: np.minimum(np.maximum(x, low), high),
            "minimum(maximum(x, y), z)",
            3,
            3,
            says="(x, low, high): x, but not beyond these",
        ),
        "delta_phi": Function(_delta_phi, "delta_phi(x, y)", 2, 2, says="x - y brought into [-pi, pi)"),
        "min": Function(*_LESSER, 1, 9, "form", "the least element of a list; of several arguments, the least"),
        "max": Function(*_GREATER, 1, 9, "form", "the greatest element of a list; of several arguments, the greatest"),
        "where": Function(_no_array, "", 3, 3, "form", "(condition, x, y): condition ? x : y"),
        "select": Function(_no_array, "", 2, 2, "form", "(list, condition): the elements for which it is true"),
        "first": Function(_no_array, "", 1, 1, "form", "the first element, list[0]"),
        "num": Function(_no_array, "num", 1, 1, "list", number[0]),
        "count": Function(_no_array, "num", 1, 1, "list", number[0]),
        "sum": Function(_no_array, "sum", 1, 1, "list", "the sum of the elements"),
        "mean": Function(_no_array, "mean", 1, 1, "list", "NaN for an empty list"),
        "any": Function(_no_array, "any", 1, 1, "list", "whether an element is not 0"),
        "all": Function(_no_array, "all", 1, 1, "list", "whether no element is 0"),
    }


def _instances() -> dict[str, Function]:
    return {
        "Sum$": Function(_no_array, "sum", 1, 1, "instances", "the sum; 0 of nothing"),
        "Length$": Function(_no_array, "num", 0, 1, "instances", "how many there are"),
        "Min$": Function(_no_array, "smallest", 1, 1, "instances", "the least; 0 of nothing"),
        "Max$": Function(_no_array, "largest", 1, 1, "instances", "the greatest; 0 of nothing"),
        "MinIf$": Function(_no_array, "smallest", 2, 2, "form", "(x, condition): the least of those that pass, or 0"),
        "MaxIf$": Function(_no_array, "largest", 2, 2, "form", "(x, condition): the greatest of those that pass, or 0"),
        "Alt$": Function(_no_array, "", 2, 2, "form", "(x, d): x, or d where there is no such element"),
        "Iteration$": Function(_no_array, "", 0, 0, "form", "the number of the element, from 0"),
        "Entry$": Function(_no_array, "", 0, 0, "form", "the number of the event, over all files"),
        "LocalEntry$": Function(_no_array, "", 0, 0, "form", "the number of the event in its tree"),
    }


FUNCTIONS: Mapping[str, Function] = _table()
"""Every function by name."""

CONSTANTS: Mapping[str, float] = {
    "Pi": math.pi, "TwoPi": 2 * math.pi, "PiOver2": math.pi / 2, "PiOver4": math.pi / 4, "InvPi": 1 / math.pi,
    "RadToDeg": 180 / math.pi, "DegToRad": math.pi / 180, "Sqrt2": math.sqrt(2), "E": math.e, "Ln10": math.log(10),
    "LogE": math.log10(math.e), "C": 299792458.0, "H": 6.62607015e-34, "Hbar": 1.054571817e-34, "K": 1.380649e-23,
    "Na": 6.02214076e23, "Qe": 1.602176634e-19, "Infinity": math.inf, "QuietNaN": math.nan,
}  # fmt: skip
"""Of TMath, called without arguments."""


def markdown() -> str:
    """The table for the documentation."""
    rows = ["| function | arguments | goes over | |", "| --- | --- | --- | --- |"]
    over = {"elements": "elements", "list": "the innermost list", "instances": "the whole event", "form": ""}
    for name in sorted(FUNCTIONS, key=lambda name: ("::" in name, "$" in name, name.lower())):
        function = FUNCTIONS[name]
        counts = str(function.fewest) if function.fewest == function.most else f"{function.fewest} to {function.most}"
        says = function.says.replace("|", "\\|")
        rows.append(f"| `{name}` | {counts} | {over[function.kind]} | {says} |")
    rows.append(f"\nConstants: `pi`, `true`, `false`, and {', '.join(f'`TMath::{name}()`' for name in CONSTANTS)}.")
    return "\n".join(rows)

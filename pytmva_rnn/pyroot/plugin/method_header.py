"""The C++ header of the method: what runs and reads networks, what TMVA calls, and tables that are ours too."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files

from pytmva_rnn._version import __version__
from pytmva_rnn.description import ACTIVATIONS
from pytmva_rnn.export.cpp.header import runtime
from pytmva_rnn.export.cpp.layer_calls import FUNCTORS, NARROW
from pytmva_rnn.export.cpp.literals import text
from pytmva_rnn.options import MethodOptions
from pytmva_rnn.pyroot.plugin.assembly import tiles_in_assembly
from pytmva_rnn.weightfile.layer_nodes import FORMATS
from pytmva_rnn.weightfile.reading import LETTERS

__all__ = ["MACHINES", "evaluator", "plugin_header"]

_BASE = ("V", "VerbosityLevel", "VarTransform", "H", "CreateMVAPdfs", "IgnoreNegWeightsInTraining")
"""Options that TMVA's MethodBase declares itself."""
_VECTOR = """\
typedef float Vector __attribute__((vector_size({bytes})));
typedef std::int32_t Bits __attribute__((vector_size({bytes})));
constexpr std::size_t lanes = {lanes};
PYTMVA_RNN_INLINE Vector madd(Vector a, Vector b, Vector c) {{ return {madd}; }}
"""
_SINGLE = """\
using Vector = float;
using Bits = std::int32_t;
constexpr std::size_t lanes = 1;
PYTMVA_RNN_INLINE Vector madd(Vector a, Vector b, Vector c) {{ return {madd}; }}
"""

MACHINES: dict[str, tuple[str, str]] = {
    "avx512": ("avx512f", _VECTOR.format(bytes=64, lanes=16, madd="(Vector)_mm512_fmadd_ps(a, b, c)")),
    "avx2": ("avx2,fma", _VECTOR.format(bytes=32, lanes=8, madd="(Vector)_mm256_fmadd_ps(a, b, c)")),
    "any": (
        "",
        "#if defined(__GNUC__)\n"
        + _VECTOR.format(bytes=16, lanes=4, madd="a * b + c")
        + "#else\n"
        + _SINGLE.format(madd="a * b + c")
        + "#endif\n",
    ),
    "single": ("", _SINGLE.format(madd="a * b + c")),
    "single_fused": ("", _SINGLE.format(madd="std::fma(a, b, c)")),
}
"""What the compiler may use, and the vectors, of each kind of CPU; the last two, without vectors, are for tests."""
_ASSEMBLED = {"avx512": 64, "avx2": 32}
"""Bytes of the vectors whose sums are in assembly."""


def plugin_header() -> str:
    """The header with which TMVA gets the method `PyTMVARNN`.

    A C++ program that includes it and calls `pytmva_rnn::install()` reads every weight file of MethodDL with recurrent
    and dense layers, without Python and without TMVA's own DL. Training needs Python in the process.

    Returns
    -------
    str
        C++17, for a ROOT with TMVA, 6.22 to 6.40.
    """
    return f"""\
// pytmva_rnn's networks as a method of TMVA.
// Made by pytmva_rnn {__version__}; for C++17 and a ROOT with TMVA.
//   pytmva_rnn::install();      // the method PyTMVARNN; and DL, where TMVA has none
//   pytmva_rnn::install(true);  // DL too: TMVA::Reader reads MethodDL's files with pytmva_rnn
#ifndef PYTMVA_RNN_TMVA_METHOD
#define PYTMVA_RNN_TMVA_METHOD

{_part("tmva_includes")}
{evaluator()}
namespace pytmva_rnn {{

{_options()}
{_part("method")}
}}  // namespace pytmva_rnn
#endif
"""


def evaluator(machines: tuple[str, ...] = ("any",)) -> str:
    """What reads a `<Weights>` node and runs the network; needs neither ROOT nor TMVA.

    Parameters
    ----------
    machines : tuple of str
        Of `MACHINES`, those for which code is there whatever the CPU.
    """
    parts = [
        _part("includes"),
        "namespace pytmva_rnn {\n",
        runtime("scores"),
        _part("layer"),
        "#if defined(PYTMVA_RNN_CHOOSES)",
        *(_machine(name) for name in _ASSEMBLED),
        "#endif\n",
        *(_machine(name) for name in machines),
        _part("network"),
        _part("formats"),
        _tables(),
        _part("reading"),
        "}  // namespace pytmva_rnn\n",
    ]
    return "\n".join(parts)


def _part(name: str) -> str:
    return files("pytmva_rnn.pyroot.plugin").joinpath("cxx").joinpath(f"{name}.hxx").read_text(encoding="utf-8")


def _machine(name: str) -> str:
    """The layers as one kind of CPU runs them, in a namespace of its own."""
    target, vector = MACHINES[name]
    cases = "\n".join(
        f"  case {number}: return activate<{FUNCTORS[activation]}>(y, n);"
        for number, activation in enumerate(ACTIVATIONS)
        if activation != "LINEAR"
    )
    tiles = tiles_in_assembly(_ASSEMBLED[name]) if name in _ASSEMBLED else runtime("rows")
    running = _part("running").replace("@ACTIVATIONS@", cases)
    parts = [vector, runtime("vectors"), runtime("affine"), tiles, runtime("columns"), runtime("layers"), running]
    body = "\n".join(parts)
    begin, end = ("", "") if not target else (_BEGIN.format(target=target), _END)
    return f"""\
{begin}namespace {name} {{

{body}
}}  // namespace {name}
{end}"""


_BEGIN = """\
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("{target}"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("{target}")
#endif
"""
_END = """\
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
"""


def _tables() -> str:
    entries = []
    for tag in FORMATS:
        entry = FORMATS.find(tag)
        gates = getattr(entry.layer, "gates", "") or "-"
        matrices = ", ".join(f"{{{text(matrix)}, {text(array)}}}" for matrix, array in entry.matrices)
        entries.append(f"{{{text(tag)}, {{{text(entry.layer.kind)}, {text(gates)}, {{{matrices}}}}}}}")
    letters = {attribute: "".join(allowed) for attribute, allowed in LETTERS.values()}
    return f"""\
constexpr std::size_t activations = {len(ACTIVATIONS)};
constexpr std::size_t narrow_layers = {NARROW};  // units up to which a dense layer's weights are stored unit by unit

inline const std::map<std::string, Format>& formats()
{{
  static const std::map<std::string, Format> all = {_list(entries)};
  return all;
}}

inline const std::map<std::string, std::string>& letters()
{{
  static const std::map<std::string, std::string> all = {_pairs(letters)};
  return all;
}}
"""


def _options() -> str:
    """MethodDL's own options with their defaults, in its order."""
    own = {option.name: option.value for option in MethodOptions().to_model_options() if option.name not in _BASE}
    return f"""\
// MethodDL's options and their defaults, in its order.
inline const std::vector<std::pair<const char*, const char*>>& options()
{{
  static const std::vector<std::pair<const char*, const char*>> all = {_pairs(own)};
  return all;
}}
"""


def _pairs(values: Mapping[str, str]) -> str:
    return _list([f"{{{text(name)}, {text(value)}}}" for name, value in values.items()])


def _list(entries: list[str]) -> str:
    return "{\n" + ",\n".join(f"    {entry}" for entry in entries) + "}"

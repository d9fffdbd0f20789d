"""A model as a C++ class in one header that needs nothing but the standard library."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Sequence
from importlib.resources import files

from pytmva_rnn._version import __version__
from pytmva_rnn.data import Steps
from pytmva_rnn.description import Variable
from pytmva_rnn.errors import DataError
from pytmva_rnn.export.cpp.layer_calls import step
from pytmva_rnn.export.cpp.literals import array, identifier_problem, literal, rows, text
from pytmva_rnn.export.cpp.transformation_calls import function
from pytmva_rnn.model import Model
from pytmva_rnn.weightfile.stored_recipe import stored_inputs, stored_recipe

__all__ = ["generate", "runtime"]

_PARTS = (
    "scores",
    "vector_type",
    "vectors",
    "affine",
    "rows",
    "columns",
    "layers",
    "fixed_layers",
    "transformations",
    "arguments",
    "model",
    "reader",
)
_TAKEN = ("analysis", "evaluate", "inputs", "main", "outputs", "std", "steps", "title", "variables", "Output")


def generate(model: Model, name: str, *, source: bytes | None = None) -> str:
    """The C++17 header of a model.

    It has a class `name`, whose objects are called with the variables of one event, and `name_TMVA::Reader`, with the
    calls of `TMVA::Reader`. States of layers with RememberState start at zero for each event, as in `predict_one`.

    Parameters
    ----------
    model : Model
        With weights in all layers.
    name : str
        Of the class.
    source : bytes, optional
        Content of the weight file, by which `Reader.BookMVA` recognises it.

    Returns
    -------
    str
        The same for the same arguments.

    Raises
    ------
    DataError
        If the name cannot be one in C++, or the model's parts do not fit; see `Description.check`.
    """
    problem = "the header uses it for something else" if name in _TAKEN else identifier_problem(name)
    if problem:
        raise DataError(f"{name!r} cannot be the name of a C++ class: {problem}; give another, e.g. QuarkGluon")
    model.check()
    if model.mask_padding:
        raise DataError(
            "headers score every step, and the network leaves out those that are not there (mask_padding); save_onnx "
            "and save_torch keep such a network"
        )
    parts = "\n".join(runtime(part) for part in _PARTS)
    space = f"pytmva_rnn_{hashlib.sha256(parts.encode()).hexdigest()[:8]}"
    return f"""\
{_comment(model, name)}
#ifndef PYTMVA_RNN_MODEL_{name}
#define PYTMVA_RNN_MODEL_{name}

{runtime("platform")}
// What all models share. The name stands for the content, so that headers of different versions go together.
#ifndef {space.upper()}
#define {space.upper()}
namespace {space} {{
inline namespace PYTMVA_RNN_ABI {{

{parts}
}}  // namespace PYTMVA_RNN_ABI
}}  // namespace {space}
#endif

namespace {space} {{
inline namespace PYTMVA_RNN_ABI {{

{_data(model, name, source)}
}}  // namespace PYTMVA_RNN_ABI
}}  // namespace {space}

class {name} : public {space}::Model<{space}::{name}_data> {{}};

namespace {name}_TMVA {{
using Reader = {space}::Reader<{space}::{name}_data>;
using Tools = {space}::Tools;
}}  // namespace {name}_TMVA

#endif
"""


def runtime(part: str) -> str:
    """A part of the text that all headers share."""
    return files("pytmva_rnn.export.cpp").joinpath("runtime").joinpath(f"{part}.hxx").read_text(encoding="utf-8")


def _comment(model: Model, name: str) -> str:
    layers = ", ".join(
        f"{layer.kind} {layer.output_shape(shape)}" for layer, shape in zip(model.layers, model.shapes(), strict=False)
    )
    lines = [
        f"{name}: {re.sub(r'[^ -~]', '?', model.title)}, a network of TMVA's MethodDL.",
        f"Made by pytmva_rnn {__version__}; for C++17, without dependencies.",
        f"Layers: {layers}.",
        f"  {name} model;",
        "  auto score = model(x);         // x: const float* or a container; see Model below for other arguments",
        "  model.evaluate(x, n, scores);  // n events, one after the other",
        f"In place of TMVA::Reader: namespace TMVA = {name}_TMVA;",
    ]
    if stored_inputs(model) is not None and (defined := stored_recipe(model).define):
        lines.append("In the expressions of its variables:")
        lines += [f"  {name} = {_printable(formula)}" for name, formula in defined.items()]
    if model.remembers:
        lines.append("The network was trained with RememberState. Here each event starts from a state of zero.")
    return "\n".join(f"// {line}".replace("\\", "/") for line in lines)


def _printable(formula: str) -> str:
    return "".join(character if character.isprintable() else " " for character in formula)


def _data(model: Model, name: str, source: bytes | None) -> str:
    steps, inputs = model.event_shape
    network, weights = _network(model)
    forward, forward_arrays = function(model.transformations, model.variables, "Variable", back=False)
    back, back_arrays = function(model.transformations, model.targets, "Target", back=True)
    return f"""\
struct {name}_data {{
  static constexpr const char *name = {text(name)}, *title = {text(model.title)};
  static constexpr Analysis analysis = Analysis::{model.analysis};
  static constexpr std::size_t steps = {steps}, inputs = {inputs}, outputs = {model.outputs};
  static constexpr char output_function = '{model.output_function}';
  static constexpr std::uint32_t file_checksum = {0 if source is None else zlib.crc32(source)}u;
{_inputs(model)}
{_names("variable", model.variables)}
{_names("spectator", model.spectators)}

{network}
  static constexpr bool transforms = {_bool(bool(forward))}, transforms_targets = {_bool(bool(back))};
{_procedure("transform", forward)}{_procedure("transform_back", back)}
private:
{weights}{forward_arrays}{back_arrays}}};
"""


def _network(model: Model) -> tuple[str, str]:
    """The function that runs the layers, and the arrays that it reads."""
    lines, arrays, given = [], "", "x"
    for number, (layer, shape) in enumerate(zip(model.layers, model.shapes()[1:], strict=True)):
        made = step(layer)
        if made is None:
            continue
        size = shape[0] * shape[1] * shape[2]
        names = [f"{key}{number}" for key in made.arrays]
        arrays += "".join(array(f"{key}{number}", values) for key, values in made.arrays.items())
        lines.append(f"alignas(64) float y{number}[padded({size}) + 16];")
        lines.append(f"{made.function}({', '.join(names)}, {given}, y{number});")
        given = f"y{number}"
    lines.append(f"std::copy({given}, {given} + outputs, out);")
    return _procedure("network", lines, "const float* x, float* out"), arrays


def _procedure(name: str, lines: Sequence[str], arguments: str = "double* v") -> str:
    if not lines:
        return ""
    body = "\n".join(f"    {line.rstrip(';')};" for line in lines)
    return f"  static void {name}({arguments})\n  {{\n{body}\n  }}\n"


def _inputs(model: Model) -> str:
    """How the arguments of a call become variables."""
    recipe = stored_recipe(model).inputs if stored_inputs(model) is not None else None
    if isinstance(recipe, Steps) and recipe.plain:
        keys = [expression.strip() for expression in recipe.inputs.values()]
        sort = None if recipe.sort_by is None else recipe.sort_by.strip()
        own = sort is not None and sort not in keys
        place = len(keys) if sort is None or own else keys.index(sort)
        return f"""\
  static constexpr bool sequence = true, sorted = {_bool(sort is not None)}, descending = {_bool(recipe.descending)};
  static constexpr std::size_t sort_keys = {int(own)}, sort_argument = {place};
  static constexpr bool pad_at_end = {_bool(recipe.pad_side == "end")};
  static constexpr float pad_value = {literal(recipe.pad_value)};"""
    widths: list[int] = []
    for number, variable in enumerate(model.variables):
        same = number > 0 and model.variables[number - 1].expression == variable.expression
        if same and variable.type.endswith("[]"):
            widths[-1] += 1
        else:
            widths.append(1)
    return f"""\
  static constexpr bool sequence = false;
  static constexpr std::size_t columns = {len(widths)}, sort_keys = 0;
  static constexpr std::size_t widths[] = {{
{rows(map(str, widths))}}};"""


def _names(what: str, variables: Sequence[Variable]) -> str:
    names = [
        f"Name{{{text(v.expression)}, {text(v.internal if v.type.endswith('[]') else v.expression)}}}"
        for v in variables
    ]
    body = "".join(f"\n    {name}," for name in names).rstrip(",")
    return f"  static constexpr std::array<Name, {len(names)}> {what}_names{{{{{body}}}}};"


def _bool(value: bool) -> str:
    return "true" if value else "false"

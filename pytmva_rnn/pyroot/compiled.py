"""C++ that the running ROOT compiles, each text once."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from pytmva_rnn import extras
from pytmva_rnn.data import Recipe, Steps
from pytmva_rnn.data.sources import resolve
from pytmva_rnn.errors import DataError
from pytmva_rnn.export.cpp.header import generate
from pytmva_rnn.formula.cpp import NAMESPACE, quoted, to_cpp
from pytmva_rnn.model import Model
from pytmva_rnn.suggestions import near

__all__ = ["Call", "compile_once", "compile_runtime", "row_function", "score_function"]


@dataclass(frozen=True)
class Call:
    """A compiled function and the columns that it is to be called with."""

    function: str
    columns: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.function}({', '.join(self.columns)})"


@cache
def compile_once(code: str, what: str) -> None:
    """Hand C++ to ROOT's interpreter, unless it has it already.

    Raises
    ------
    DataError
        If it does not compile; `what` says in which respect this is the caller's fault.
    """
    if not extras.root().gInterpreter.Declare(code):
        raise DataError(f"{what}; the compiler's messages are above")


def compile_runtime() -> None:
    """Compile what all other functions use."""
    text = resources.files(__package__).joinpath("runtime.hxx").read_text(encoding="utf-8")
    compile_once(text, "this ROOT does not compile the functions of expressions")


def score_function(model: Model, recipe: Recipe, frame: Any) -> Call:
    """A function from the columns of an event to its score: a float, or an RVec for several outputs."""
    code = generate(model, "Model")
    name = f"pytmva_rnn_{_digest(code)}"
    compile_once(generate(model, name), "this ROOT does not compile the network")
    size = len(model.variables)
    result = "out[0]" if model.outputs == 1 else f"ROOT::VecOps::RVec<float>(out, out + {model.outputs})"
    body = f"""
  static const {name} model{{}};
  float row[{size}], out[{model.outputs}];
  fill(row, VALUES);
  model.evaluate(row, 1, out);
  return {result};"""
    return _function(recipe, frame, body)


def row_function(recipe: Recipe, frame: Any) -> Call:
    """A function from the columns of an event to its inputs and spectators in one RVec of float."""
    size = len(recipe.inputs.names) + len(recipe.spectators)
    return _function(
        recipe, frame, f"\n  ROOT::VecOps::RVec<float> row({size});\n  fill(row.data(), VALUES);\n  return row;"
    )


def _function(recipe: Recipe, frame: Any, body: str) -> Call:
    """Compile a function of the columns; in its body `fill(float *, VALUES)` computes the inputs and spectators."""
    compile_runtime()
    names = list(dict.fromkeys(name for expression in recipe.expressions() for name in expression.names))
    known = {str(column): str(column) for column in frame.GetColumnNames()}
    resolved = {name: resolve(name, known, "the RDataFrame") for name in names}
    columns = list(dict.fromkeys(column for column, _ in resolved.values()))
    types = [_type_of(frame, column) for column in columns]
    parameters = ", ".join(f"const {kind} &a{number}" for number, kind in enumerate(types))
    values = ", ".join(f"a{number}" for number in range(len(columns)))
    variables = dict(zip(resolved, _numbered("v", len(resolved)), strict=True))
    lines = []
    for name, (column, path) in resolved.items():
        number = columns.index(column)
        lines.append(f"  const auto {variables[name]} = {_value(f'a{number}', types[number], path, name)};")
    lines += _filling(recipe, variables)
    code = f"""inline void fill(float *x, {parameters}) {{
{chr(10).join(lines)}
}}
inline auto evaluate({parameters}) {{{body.replace("VALUES", values)}
}}
"""
    # Inside the runtime's namespace its names go before those of std, which ROOT's interpreter uses as a whole.
    namespace = f"{NAMESPACE}::call_{_digest(code)}"
    listed = ", ".join(f"{column} ({kind})" for column, kind in zip(columns, types, strict=True))
    compile_once(
        f"namespace {namespace} {{\n{code}}}\n",
        f"the columns do not fit the expressions of the inputs ({listed}): a variable is one number per event, an "
        "array or an input of a sequence a list of numbers",
    )
    return Call(f"{namespace}::evaluate", tuple(columns))


def _filling(recipe: Recipe, variables: dict[str, str]) -> list[str]:
    """The lines that compute inputs and spectators into `x`."""
    lines = []
    if isinstance(recipe.inputs, Steps):
        lines += _sequence(recipe.inputs, variables)
        lines.append(f"  x += {len(recipe.inputs.names)};")
        columns = recipe.spectators
    else:
        columns = (*recipe.inputs.columns, *recipe.spectators)
    for column in columns:
        size = "" if column.size is None else f"{column.size}, "
        value = to_cpp(column.expression, variables)
        lines.append(f"  x = put(x, {quoted(column.expression)}, {size}{value});")
    return lines


def _sequence(sequence: Steps, variables: dict[str, str]) -> list[str]:
    inputs = list(sequence.inputs.values())
    lists = _numbered("s", len(inputs))
    lines = [f"  const auto {name} = {to_cpp(text, variables)};" for name, text in zip(lists, inputs, strict=True)]
    if sequence.sort_by is not None:
        lines.append(f"  const auto key = {to_cpp(sequence.sort_by, variables)};")
        lines.append(f"  const auto order = order_of(key, {str(sequence.descending).lower()});")
    else:
        lines.append("  const std::vector<std::size_t> order;")
    of = [*lists, *(["key"] if sequence.sort_by is not None else [])]
    text = quoted(", ".join(inputs))
    at_end = str(sequence.pad_side == "end").lower()
    steps, width = sequence.steps, len(inputs)
    lines += [
        f"  const std::size_t length = length_of({text}, {', '.join(of)});",
        f"  std::fill(x, x + {steps * width}, float({float(sequence.pad_value)!r}));",
        *(f"  place(x + {d}, {steps}, {width}, {name}, length, order, {at_end});" for d, name in enumerate(lists)),
    ]
    return lines


def _value(argument: str, kind: str, path: tuple[str, ...], name: str) -> str:
    """The numbers of a column, or of a member of the objects in it.

    Members are read where ROOT's dictionary says that they lie, since most are private: `fP.fX` of a TLorentzVector.
    """
    if not path:
        return f"column({argument})"
    listed = re.fullmatch(r"ROOT::(?:VecOps::)?RVec<(.*)>", kind)
    class_name = listed[1] if listed else kind
    described = extras.root().TClass.GetClass(class_name)
    if not described:
        raise DataError(f"{name!r}: the column holds {kind}, of which ROOT knows no members")
    if not described.GetListOfRealData():
        described.BuildRealData()
    found = described.GetRealData(".".join(path))
    if not found or not found.GetDataMember().IsBasic():
        known = [str(m.GetName()) for m in described.GetListOfRealData() if m.GetDataMember().IsBasic()]
        raise DataError(f"{name!r}: {class_name} has no number {'.'.join(path)!r}; {near('.'.join(path), known)}")
    return f"member<{found.GetDataMember().GetTrueTypeName()}>({argument}, {found.GetThisOffset()})"


def _type_of(frame: Any, column: str) -> str:
    kind = str(frame.GetColumnType(column))
    if re.search(r"\bstring\b|char *\*", kind):
        raise DataError(f"column {column!r} holds text ({kind}), not numbers")
    return kind


def _numbered(letter: str, n: int) -> list[str]:
    return [f"{letter}{number}" for number in range(n)]


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()[:16]

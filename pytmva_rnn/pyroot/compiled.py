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
from pytmva_rnn.errors import DataError
from pytmva_rnn.export.cpp.header import generate
from pytmva_rnn.formula.branches import Branches
from pytmva_rnn.formula.cpp_writer import NAMESPACE, Writer, columns_by_use, quoted
from pytmva_rnn.model import Model
from pytmva_rnn.network.threads import Turn
from pytmva_rnn.suggestions import near

__all__ = ["Call", "compile_once", "compile_runtime", "row_function", "score_function"]


@dataclass(frozen=True)
class Call:
    """A compiled function and the columns that it is to be called with."""

    namespace: str
    columns: tuple[str, ...]

    def define(self, frame: Any, name: str) -> Any:
        """The frame with a new column, made by the function.

        The columns go by their names, never as text of C++: ROOT would take `var1` in it for one of its own.
        """
        root = extras.root()
        space = root
        for part in self.namespace.split("::"):
            space = getattr(space, part)
        return space.define(root.RDF.AsRNode(frame), name, list(self.columns))


@cache
def _interpreter() -> Any:
    """ROOT's, which has compiled something: where the first thing does not compile, some ROOT ends the process."""
    interpreter = extras.root().gInterpreter
    interpreter.Declare("namespace pytmva_rnn {}")
    return interpreter


_turn = Turn()


def compile_once(code: str, what: str) -> None:
    """Hand C++ to ROOT's interpreter, unless it has it already.

    Raises
    ------
    DataError
        If it does not compile; `what` says in which respect this is the caller's fault.
    """
    with _turn.lock:  # C++ that is there twice does not compile
        _compile(code, what)


@cache
def _compile(code: str, what: str) -> None:
    if not _interpreter().Declare(code):
        raise DataError(f"{what}; the compiler's messages are above")


def compile_runtime() -> None:
    """Compile what all other functions use."""
    text = resources.files(__package__).joinpath("runtime.hxx").read_text(encoding="utf-8")
    compile_once(text, "this ROOT does not compile the functions of expressions")


def _refuse_sequences_of_files(recipe: Recipe) -> None:
    """Refuse what is made of files alone, before anything is compiled."""
    if isinstance(recipe.inputs, Steps) and not recipe.inputs.plain:
        raise DataError(
            "in an RDataFrame a sequence has inputs over the lists of one collection; per_event, collections and "
            "steps_from are for files: to_arrays of plain files, or `pytmva-rnn evaluate`"
        )
    if recipe.mask_padding:
        raise DataError(
            "in an RDataFrame steps that are not there cannot be told from others; mask_padding is for files: "
            "to_arrays of plain files that uproot can read, or `pytmva-rnn evaluate`"
        )


def score_function(model: Model, recipe: Recipe, frame: Any) -> Call:
    """A function from the columns of an event to its score: a float, or an RVec for several outputs."""
    _refuse_sequences_of_files(recipe)
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
    """A function from the columns of an event to its inputs and spectators in one RVec of double."""
    _refuse_sequences_of_files(recipe)
    size = len(recipe.inputs.names) + len(recipe.spectators)
    return _function(
        recipe, frame, f"\n  ROOT::VecOps::RVec<double> row({size});\n  fill(row.data(), VALUES);\n  return row;"
    )


_DEFINE = """\
inline ROOT::RDF::RNode define(ROOT::RDF::RNode node, const std::string &name,
                               const std::vector<std::string> &columns) {
  return node.Define(name, evaluate, columns);
}
"""


def _function(recipe: Recipe, frame: Any, body: str) -> Call:
    """Compile a function of the columns; in its body `fill(pointer, VALUES)` computes the inputs and spectators."""
    compile_runtime()
    formulas = recipe.formulas()
    names = list(dict.fromkeys(name for formula in formulas for name in formula.names))
    known = Branches.of_columns(str(column) for column in frame.GetColumnNames())
    found = {name: known.find(name, "the RDataFrame") for name in names}
    for name, place in found.items():
        if place is None:
            raise DataError(f"no branch {name!r} in the RDataFrame; {known.near(name)}")
    resolved = {name: place for name, place in found.items() if place is not None}
    columns = list(dict.fromkeys(column for column, _ in resolved.values()))
    types = [_type_of(frame, column) for column in columns]
    counts = any(formula.counts_events for formula in formulas)
    if counts:
        if extras.root().IsImplicitMTEnabled():
            raise DataError(
                "Entry$ is not known to an RDataFrame with several threads; use one, or a column of the number"
            )
        columns.append("rdfentry_")
        types.append("ULong64_t")
    parameters = ", ".join(f"const {kind} &a{number}" for number, kind in enumerate(types))
    values = ", ".join(f"a{number}" for number in range(len(columns)))
    uses = {use for formula in formulas for use in columns_by_use(formula.tree)}
    objects, numbers, lines = {}, {}, []
    for count, (name, (column, path)) in enumerate(resolved.items()):
        number = columns.index(column)
        if (name, False) in uses:
            if path:
                raise DataError(f"{name!r} is no column of the RDataFrame; methods are called of columns")
            objects[name] = f"a{number}"
        if (name, True) in uses:
            _refuse_text(column, types[number])
            numbers[name] = f"v{count}"
            value = _value(f"a{number}", types[number], path, name)
            for width in reversed(() if path else _inner_lengths(frame, column, types[number])):
                value = f"folded({value}, {width})"
            lines.append(f"  const auto v{count} = {value};")
    writer = Writer(numbers, objects, f"a{len(columns) - 1}" if counts else None)
    filling = _filling(recipe, writer)
    code = f"""template <class F>
void fill(F *x, {parameters}) {{
{chr(10).join([*lines, *writer.lines, *filling])}
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
    # Not before this: of a function that does not compile, ROOT's interpreter would keep half of what RDataFrame makes,
    # and end the process at the next column.
    compile_once(f"namespace {namespace} {{\n{_DEFINE}}}\n", "this ROOT does not add the column to its RDataFrame")
    return Call(namespace, tuple(columns))


def _filling(recipe: Recipe, writer: Writer) -> list[str]:
    """The lines that compute inputs and spectators into `x`."""
    lines = []
    if isinstance(recipe.inputs, Steps):
        lines += _sequence(recipe, writer)
        lines.append(f"  x += {len(recipe.inputs.names)};")
        columns = recipe.spectators
    else:
        columns = (*recipe.inputs.columns, *recipe.spectators)
    for column in columns:
        size = "" if column.size is None else f"{column.size}, "
        value = writer.write(recipe.formula(column.expression))
        lines.append(f"  x = put(x, {quoted(column.expression)}, {size}{value});")
    return lines


def _sequence(recipe: Recipe, writer: Writer) -> list[str]:
    sequence = recipe.inputs
    assert isinstance(sequence, Steps)
    inputs = list(sequence.inputs.values())
    lists = [f"s{number}" for number in range(len(inputs))]
    written = [writer.write(recipe.formula(text)) for text in inputs]
    lines = [f"  const auto {name} = {value};" for name, value in zip(lists, written, strict=True)]
    if sequence.sort_by is not None:
        lines.append(f"  const auto key = {writer.write(recipe.formula(sequence.sort_by))};")
        lines.append(f"  const auto order = order_of(key, {str(sequence.descending).lower()});")
    else:
        lines.append("  const std::vector<std::size_t> order;")
    of = [*lists, *(["key"] if sequence.sort_by is not None else [])]
    text = quoted(", ".join(inputs))
    at_end = str(sequence.pad_side == "end").lower()
    steps, width = sequence.steps, len(inputs)
    lines += [
        f"  const std::size_t length = length_of({text}, {', '.join(of)});",
        f"  std::fill(x, x + {steps * width}, F({float(sequence.pad_value)!r}));",
        *(
            f"  place(x + {d}, {text}, {steps}, {width}, {name}, length, order, {at_end});"
            for d, name in enumerate(lists)
        ),
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


def _inner_lengths(frame: Any, column: str, kind: str) -> tuple[int, ...]:
    """Of an array m[2][3][4] that RDataFrame hands over flat, 3 and 4."""
    if "RVec" not in kind or column in map(str, frame.GetDefinedColumnNames()):
        return ()
    root = extras.root()
    title = str(getattr(root, NAMESPACE).leaf_title(root.RDF.AsRNode(frame), column))
    lengths = re.findall(r"\[(\w+)\]", title)
    if len(lengths) > 1 and not lengths[0].isdigit():  # ROOT's reader ends the process
        raise DataError(
            f"RDataFrame cannot read {title}, an array of a variable and a fixed length; use to_arrays of plain files, "
            "or a vector of vectors"
        )
    return tuple(map(int, lengths[1:]))


def _type_of(frame: Any, column: str) -> str:
    return str(frame.GetColumnType(column))


def _refuse_text(column: str, kind: str) -> None:
    if re.search(r"\bstring\b|char *\*|RVec<[Cc]har(_t)?>", kind):
        raise DataError(f"column {column!r} holds text ({kind}), not numbers")


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()[:16]

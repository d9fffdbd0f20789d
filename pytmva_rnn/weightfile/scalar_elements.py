"""Array variables as one scalar variable each, which C++ TMVA's Reader can tell apart."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TypeAlias, TypeVar

from pytmva_rnn.description import Description, TransformInput, Variable

__all__ = ["with_scalar_elements"]

D = TypeVar("D", bound=Description)
Names: TypeAlias = dict[tuple[str, str], list[Variable]]


def with_scalar_elements(model: D) -> D:
    """The same network with the expressions `v[0]`, `v[1]` ... in place of an array variable v.

    The elements of an array variable share one name, by which C++ TMVA finds the inputs of a transformation: it takes
    the first for all. Whoever books the file declares the elements one by one. Min and Max, which TMVA does not fill
    for arrays, become 0.
    """
    variables = tuple(map(_scalar, model.variables))
    # elements of one array come in their order, in the variables as in a transformation's inputs
    names: Names = {}
    for old, new in zip(model.variables, variables, strict=True):
        names.setdefault((old.label, old.expression), []).append(new)
    transformations = tuple(
        replace(step, inputs=_renamed(step.inputs, names), outputs=_renamed(step.outputs, names))
        for step in model.transformations
    )
    return replace(model, variables=variables, transformations=transformations)


def _scalar(variable: Variable) -> Variable:
    if not variable.type.endswith("[]"):
        return variable
    name = variable.expression + variable.title
    internal = variable.internal.replace("[", "_").replace("]", "_")
    kind = variable.type.removesuffix("[]")
    return Variable(name, name, name, variable.unit, internal, kind)


def _renamed(items: tuple[TransformInput, ...], names: Names) -> tuple[TransformInput, ...]:
    taken: Counter[tuple[str, str]] = Counter()

    def renamed(item: TransformInput) -> TransformInput:
        key = (item.label, item.expression)
        number, taken[key] = taken[key], taken[key] + 1
        if item.type != "Variable" or number >= len(names.get(key, ())):
            return item
        return TransformInput(item.type, names[key][number].label, names[key][number].expression)

    return tuple(map(renamed, items))

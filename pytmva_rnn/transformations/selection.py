"""Which variables and targets a transformation is applied to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

from pytmva_rnn.description import Known, Transformation, TransformInput, Variable, columns_of
from pytmva_rnn.errors import DataError, OptionError
from pytmva_rnn.options.vartransform import TransformStep

__all__ = ["places_of", "select"]

_KINDS = {"V": "Variable", "T": "Target"}
_Chosen: TypeAlias = tuple[str, int]


def places_of(
    transformation: Transformation, kind: str, known: Sequence[Variable]
) -> tuple[list[int], list[int], list[int]]:
    """The inputs of one type: their places among all inputs, the columns they are read from, and those of the results.

    The places say which parameters are theirs, in both directions.

    Raises
    ------
    DataError
        As `columns_of`, and if the outputs are not as many as the inputs, of the same types in the same order: a
        variable's result has no place among the targets, which nobody knows when a network is asked.
    """
    if [item.type for item in transformation.inputs] != [item.type for item in transformation.outputs]:
        raise DataError(
            f"{transformation.kind}: expected as many outputs as inputs, of the same types in the same order; found "
            f"{_in_words(transformation.inputs)} and {_in_words(transformation.outputs)}"
        )
    found = columns_of(transformation.inputs, kind, known)
    goals = [column for _, column in columns_of(transformation.outputs, kind, known)]
    return [place for place, _ in found], [column for _, column in found], goals


def _in_words(inputs: Sequence[TransformInput]) -> str:
    shown = ", ".join(f"{item.type.lower()} {item.label}" for item in inputs[:6])
    return shown + (", ..." if len(inputs) > 6 else "") if inputs else "none"


def select(
    step: TransformStep, defaults: Sequence[str], known: Known, option: str
) -> tuple[tuple[TransformInput, ...], tuple[TransformInput, ...]]:
    """What a transformation reads, and where it puts its results.

    `_V_` and `_T_` are all variables and all targets, `_V3_` the fourth variable; anything else is a label, which
    stands for all elements of an array. The order is that of the variables, then the targets; with `_REARRANGE_` it is
    that of the selection, and the results go to the same places in the order of the variables. Variables stay
    variables, and targets targets. (C++ would put the one in the place of the other, and have the network read what it
    is to find.)

    Raises
    ------
    OptionError
        For an unknown or repeated input, a spectator, and a part of an array or its elements in another order, which a
        weight file could not tell.
    """
    chosen: list[_Chosen] = []
    rearrange = False
    for word in step.selection or [f"_{kind[0]}_" for kind in defaults]:
        if re.fullmatch(r"_R[A-Z]*_", word) and "REARRANGE".startswith(word[1:-1]):
            rearrange = True
        else:
            chosen += _chosen(word, known, option, step)
    ordered = sorted(set(chosen), key=lambda item: (list(_KINDS.values()).index(item[0]), item[1]))
    if not ordered:
        raise OptionError(f"VarTransform, {step.text}: nothing is selected", option, step.position)
    if rearrange and len(ordered) != len(chosen):
        raise OptionError(f"VarTransform, {step.text}: an input is selected twice", option, step.position)
    read = chosen if rearrange else ordered
    of_kind = {kind: iter([item for item in ordered if item[0] == kind]) for kind in _KINDS.values()}
    made = [next(of_kind[kind]) for kind, _ in read]
    inputs, outputs = _described(read, known), _described(made, known)
    for items, wanted in ((inputs, read), (outputs, made)):
        for kind in _KINDS.values():
            found = [column for _, column in columns_of(items, kind, known[kind])]
            if found != [column for k, column in wanted if k == kind]:
                raise OptionError(
                    f"VarTransform, {step.text}: it selects a part of an array variable, or its elements in another "
                    "order, which a weight file cannot tell from the whole; select the array by its name",
                    option,
                    step.position,
                )
    return inputs, outputs


def _described(chosen: Sequence[_Chosen], known: Known) -> tuple[TransformInput, ...]:
    variables = [(kind, known[kind][column]) for kind, column in chosen]
    return tuple(TransformInput(kind, variable.label, variable.expression) for kind, variable in variables)


def _chosen(word: str, known: Known, option: str, step: TransformStep) -> list[_Chosen]:
    def error(problem: str) -> OptionError:
        return OptionError(f"VarTransform, {step.text}: {problem}", option, step.position)

    if match := re.fullmatch(r"_([VTS])([0-9]*)_", word):
        if match[1] == "S":
            raise error("spectators are not transformed; select variables or targets")
        kind = _KINDS[match[1]]
        if not match[2]:
            return [(kind, column) for column in range(len(known[kind]))]
        if int(match[2]) >= len(known[kind]):
            raise error(f"{word} is beyond the {len(known[kind])} {kind.lower()}s, which are counted from 0")
        return [(kind, int(match[2]))]
    chosen = [(kind, n) for kind in _KINDS.values() for n, v in enumerate(known[kind]) if v.label == word]
    if not chosen:
        labels = list(dict.fromkeys(v.label for kind in _KINDS.values() for v in known[kind]))
        shown = ", ".join(labels[:12]) + (", ..." if len(labels) > 12 else "")
        raise error(f"there is no variable or target {word!r}; there are {shown}")
    return chosen

"""Transformations as C++: their parameters as arrays, and the calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pytmva_rnn.description import PCA, Decorrelation, Gauss, Normalize, Transformation, Variable
from pytmva_rnn.export.cpp.literals import array
from pytmva_rnn.transformations.chain import undone
from pytmva_rnn.transformations.selection import places_of

__all__ = ["function"]


def function(
    transformations: Sequence[Transformation], known: Sequence[Variable], kind: str, *, back: bool
) -> tuple[list[str], str]:
    """The calls that transform variables, or map targets back, and the arrays that they read.

    Parameters
    ----------
    transformations : sequence of Transformation
    known : sequence of Variable
        The model's variables or its targets.
    kind : "Variable" or "Target"
    back : bool
        Undo the transformations, as `pytmva_rnn.transformations.chain.undone` says.
    """
    calls: list[str] = []
    arrays: list[str] = []
    for number, transformation in enumerate(undone(transformations, kind) if back else transformations):
        places, sources, goals = places_of(transformation, kind, known)
        if not places:
            continue
        if back:
            sources, goals = goals, sources
        name = f"{'target' if back else 'transformation'}{number}"
        arrays.append(array(f"{name}_from", np.array(sources)))
        arrays.append(array(f"{name}_to", np.array(goals)))
        entry = -1 if transformation.reference is None else transformation.reference
        call, made = _KINDS[type(transformation)](transformation, entry, places, name, back)
        calls.append(call)
        arrays.append(made)
    return calls, "".join(arrays)


def _normalize(t: Normalize, entry: int, places: list[int], name: str, back: bool) -> tuple[str, str]:
    low, high = np.asarray(t.ranges, np.float64)[entry, places].T.astype(np.float32)
    arrays = array(f"{name}_low", low) + array(f"{name}_high", high)
    function = "normalize_back" if back else "normalize"
    return f"{function}<{len(places)}>({name}_from, {name}_to, {name}_low, {name}_high, v)", arrays


def _rotation(name: str, matrix: Any, before: Any, after: Any) -> tuple[str, str]:
    arrays = array(f"{name}_matrix", matrix) + array(f"{name}_before", before) + array(f"{name}_after", after)
    values = f"{name}_matrix, {name}_before, {name}_after"
    return f"rotate<{len(before)}>({name}_from, {name}_to, {values}, v)", arrays


def _decorrelation(t: Decorrelation, entry: int, places: list[int], name: str, back: bool) -> tuple[str, str]:
    matrix = np.asarray(t.matrices, np.float64)[entry]
    zero = np.zeros(len(matrix))
    return _rotation(name, np.linalg.inv(matrix) if back else matrix, zero, zero)


def _pca(t: PCA, entry: int, places: list[int], name: str, back: bool) -> tuple[str, str]:
    mean, vectors = (np.asarray(values, np.float64)[entry] for values in (t.means, t.eigenvectors))
    zero = np.zeros(len(mean))
    return _rotation(name, vectors, zero, mean) if back else _rotation(name, vectors.T, mean, zero)


def _gauss(t: Gauss, entry: int, places: list[int], name: str, back: bool) -> tuple[str, str]:
    arrays, distributions = "", []
    for place in places:
        distribution = t.distributions[place][entry]
        edges, contents = np.asarray(distribution.edges, np.float64), np.asarray(distribution.contents, np.float32)
        arrays += array(f"{name}_edges{place}", edges) + array(f"{name}_contents{place}", contents)
        distributions.append(f"{{{name}_edges{place}, {name}_contents{place}, {len(contents)}}}")
    listed = ",\n    ".join(distributions)
    arrays += f"  static constexpr Distribution {name}_distributions[{len(places)}] = {{\n    {listed}}};\n"
    function = f"gauss{'_back' if back else ''}<{len(places)}, {'true' if t.flat else 'false'}>"
    return f"{function}({name}_from, {name}_to, {name}_distributions, v)", arrays


_KINDS: dict[type[Transformation], Callable[[Any, int, list[int], str, bool], tuple[str, str]]] = {
    Normalize: _normalize,
    Decorrelation: _decorrelation,
    PCA: _pca,
    Gauss: _gauss,
}

"""Preprocessing steps of the variables as plain data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.description.arrays import KeepsArrays, is_numbers, is_tuple_of
from pytmva_rnn.description.variables import Variable
from pytmva_rnn.errors import DataError

Known: TypeAlias = Mapping[str, Sequence[Variable]]
"""A model's variables under "Variable", its targets under "Target" and its spectators under "Spectator"."""


@dataclass(frozen=True)
class TransformInput:
    """A variable that a transformation reads or makes; `type` is Variable, Target or Spectator."""

    type: str
    label: str
    expression: str


def columns_of(inputs: Sequence[TransformInput], kind: str, known: Sequence[Variable]) -> list[tuple[int, int]]:
    """Place among the inputs, and column among the known variables, of each input of one type.

    The elements of an array variable share one label. The first input of a label is the first variable of that label,
    the second the second (C++ takes the first for all).

    Raises
    ------
    DataError
        If an input is none of the known variables, or there are more inputs of a label than variables.
    """
    exact: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for column, variable in enumerate(known):
        exact[variable.label, variable.expression].append(column)
    taken: set[int] = set()
    columns = []
    for place, item in enumerate(inputs):
        if item.type != kind:
            continue
        candidates = exact.get((item.label, item.expression)) or [
            column for column, v in enumerate(known) if v.label == item.label or v.expression == item.expression
        ]
        free = [column for column in candidates if column not in taken]
        if not free:
            problem = "more often than there are such inputs" if candidates else "which is not among the inputs"
            raise DataError(f"a transformation asks for the {kind.lower()} {item.label}, {problem}")
        taken.add(free[0])
        columns.append((place, free[0]))
    return columns


@dataclass(frozen=True, eq=False)
class Transformation(KeepsArrays):
    """A preprocessing step of the variables (tmva's `VarTransform`).

    What is learned stands there once for each class and, last, once for all classes together. With a single class, as
    in regression, one entry serves as both.

    Attributes
    ----------
    inputs, outputs : tuple of TransformInput
        What is read, and where the results go; their order is that of the parameters.
    reference : int, optional
        The class whose entry is used, for `D_Signal` and the like; None for all classes together.
    kind : str
        Its name in the file.
    by_column : bool
        Each input is transformed for itself, so that variables and targets may be mixed.
    """

    kind: ClassVar[str]
    by_column: ClassVar[bool] = False

    inputs: tuple[TransformInput, ...]
    outputs: tuple[TransformInput, ...]
    reference: int | None = field(default=None, kw_only=True)

    def parameter_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of what is learned for one class, by the name of the array that holds it for all."""
        return {}

    def check(self, known: Known, classes: int) -> None:
        """Make sure that the transformation fits the variables and classes of a model.

        Raises
        ------
        DataError
            Naming the transformation, what was expected and what was found.
        """
        try:
            self._check_selection(known)
        except DataError as error:
            raise DataError(f"{self.kind}: {error}") from None
        entries = self.check_parameters()
        expected = (1, 2) if classes == 1 else (classes + 1,)
        if entries not in expected:
            wanted = " or ".join(map(str, expected))
            raise DataError(f"{self.kind}: expected {wanted} entries for {classes} classes, found {entries}")
        if self.reference is not None and self.reference not in range(entries):
            raise DataError(f"{self.kind}: expected a class below {entries} as reference, found {self.reference}")

    def _check_selection(self, known: Known) -> None:
        for items in (self.inputs, self.outputs):
            if not is_tuple_of(TransformInput, items):
                raise DataError("expected tuples of inputs and outputs")
            if unknown := [item.type for item in items if item.type not in known]:
                raise DataError(f"expected inputs of the type {', '.join(known)}, found {unknown[0]!r}")
            for kind, variables in known.items():
                columns_of(items, kind, variables)
        if [item.type for item in self.inputs] != [item.type for item in self.outputs]:
            raise DataError("expected as many outputs as inputs, of the same types in the same order")
        if not self.by_column and len({item.type for item in self.inputs}) > 1:
            raise DataError("expected inputs of one type, found variables mixed with others")

    def check_parameters(self) -> int:
        """Make sure that what was learned has the right shapes, and is finite; returns for how many classes it is.

        Raises
        ------
        DataError
        """
        found = []
        for name, shape in self.parameter_shapes().items():
            values = getattr(self, name)
            if not is_numbers(values):
                raise DataError(f"{self.kind}: expected {name} that are an array, found {type(values).__name__}")
            finite = np.isfinite(values).all()
            if values.ndim != len(shape) + 1 or values.shape[1:] != shape or not finite:
                expected = ", ".join(["classes + 1", *map(str, shape)])
                raise DataError(
                    f"{self.kind}: expected finite {name} of the shape ({expected}), found the shape {values.shape}"
                    + ("" if finite else " with NaN or infinite values")
                )
            found.append(len(values))
        if len(set(found)) != 1:
            raise DataError(f"{self.kind}: expected as many of each array, found {found}")
        return found[0]


@dataclass(frozen=True, eq=False)
class Identity(Transformation):
    """Leaves everything as it is: `I`, which TMVA counts among the transformations and writes no node for."""

    kind: ClassVar[str] = "Identity"

    inputs: tuple[TransformInput, ...] = ()
    outputs: tuple[TransformInput, ...] = ()

    def check(self, known: Known, classes: int) -> None:
        """There is nothing that could be wrong."""

    def check_parameters(self) -> int:
        return 1


@dataclass(frozen=True, eq=False)
class Normalize(Transformation):
    """Maps each variable linearly to [-1, 1].

    Attributes
    ----------
    ranges : ndarray, shape (classes + 1, inputs, 2)
        Minimum and maximum of each input for each class and, last, for all classes together.
    """

    kind: ClassVar[str] = "Normalize"
    by_column: ClassVar[bool] = True
    array_names: ClassVar[tuple[str, ...]] = ("ranges",)

    ranges: NDArray[np.float64]

    def parameter_shapes(self) -> dict[str, tuple[int, ...]]:
        return {"ranges": (len(self.inputs), 2)}


@dataclass(frozen=True, eq=False)
class Decorrelation(Transformation):
    """Multiplies the vector of inputs by the inverse square root of its covariance.

    Attributes
    ----------
    matrices : ndarray, shape (classes + 1, inputs, inputs)
        Symmetric; the result is `M x`.
    """

    kind: ClassVar[str] = "Decorrelation"
    array_names: ClassVar[tuple[str, ...]] = ("matrices",)

    matrices: NDArray[np.float64]

    def parameter_shapes(self) -> dict[str, tuple[int, ...]]:
        return {"matrices": (len(self.inputs), len(self.inputs))}


@dataclass(frozen=True, eq=False)
class PCA(Transformation):
    """Principal components: `E^T (x - mean)`.

    Attributes
    ----------
    means : ndarray, shape (classes + 1, inputs)
    eigenvectors : ndarray, shape (classes + 1, inputs, inputs)
        Eigenvectors of the covariance in columns, that of the largest eigenvalue first.
    """

    kind: ClassVar[str] = "PCA"
    array_names: ClassVar[tuple[str, ...]] = ("means", "eigenvectors")

    means: NDArray[np.float64]
    eigenvectors: NDArray[np.float64]

    def parameter_shapes(self) -> dict[str, tuple[int, ...]]:
        size = len(self.inputs)
        return {"means": (size,), "eigenvectors": (size, size)}


@dataclass(frozen=True, eq=False)
class CumulativeDistribution(KeepsArrays):
    """The cumulative distribution of one variable as a histogram.

    Attributes
    ----------
    edges : ndarray, shape (bins + 1,)
        Not decreasing; a bin may have no width.
    contents : ndarray, shape (bins,)
        The fraction of events up to the end of each bin; 1 in the last.
    """

    array_names: ClassVar[tuple[str, ...]] = ("edges", "contents")

    edges: NDArray[np.float64]
    contents: NDArray[np.float64]

    def check(self, *, used: bool = True) -> None:
        """Make sure that the histogram is one; of a class without events, which is not used, TMVA's contents are NaN.

        Raises
        ------
        DataError
        """
        for values in (self.edges, self.contents):
            if not is_numbers(values):
                raise DataError(f"expected edges and contents that are arrays, found {type(values).__name__}")
        edges, contents = self.edges, self.contents
        fits = contents.ndim == 1 and len(contents) > used and edges.shape == (len(contents) + 1,)
        if not fits or not np.isfinite(edges).all() or (used and not np.isfinite(contents).all()):
            raise DataError(
                "expected finite contents, two or more, and one more edge than contents, "
                f"found the shapes {contents.shape} and {edges.shape}"
            )
        if (np.diff(edges) < 0).any() or edges[0] >= edges[-1]:
            raise DataError("expected edges of bins in ascending order")


@dataclass(frozen=True, eq=False)
class Gauss(Transformation):
    """Makes the distribution of each input flat between 0 and 1 (`U`), or from that a normal distribution (`G`).

    Attributes
    ----------
    distributions : tuple of tuple of CumulativeDistribution
        For each input those of the classes and, last, of all classes together.
    flat : bool
        Stop at the flat distribution.
    """

    kind: ClassVar[str] = "Gauss"
    by_column: ClassVar[bool] = True

    distributions: tuple[tuple[CumulativeDistribution, ...], ...]
    flat: bool = False

    def check_parameters(self) -> int:
        if not is_tuple_of(tuple, self.distributions):
            raise DataError("Gauss: expected a tuple of distributions for each input")
        if len(self.distributions) != len(self.inputs):
            found = len(self.distributions)
            raise DataError(f"Gauss: expected distributions of {len(self.inputs)} inputs, found {found}")
        for place, each in enumerate(self.distributions):
            if not is_tuple_of(CumulativeDistribution, each):
                raise DataError(f"Gauss, input {place}: expected a tuple of distributions, found {type(each).__name__}")
            for number, one in enumerate(each):
                try:
                    one.check(used=number == (len(each) - 1 if self.reference is None else self.reference))
                except DataError as error:
                    raise DataError(f"Gauss, input {place}: {error}") from None
        entries = sorted({len(each) for each in self.distributions})
        if len(entries) != 1:
            raise DataError(f"Gauss: expected as many distributions of each input, found {entries}")
        return entries[0]

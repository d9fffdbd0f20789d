"""Distributions of one or two variables made alike by factors on the weights."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.data.sums_of_weights import check_sums
from pytmva_rnn.errors import DataError
from pytmva_rnn.suggestions import check_keys, near

if TYPE_CHECKING:
    from pytmva_rnn.data.dataset import Dataset

__all__ = ["Reweight", "reweighted"]

log = logging.getLogger("pytmva_rnn")


@dataclass(frozen=True)
class Reweight:
    """Make the distribution of one or two variables that of a reference class, or flat.

    Each bin of a class gets the factor that brings its share of the class's weight to that of the reference; the sum
    of weights of each class stays. This is the package's, not TMVA's.

    Attributes
    ----------
    variables : tuple of str
        One or two formulas, with a number for each event.
    bins : tuple of int or tuple of float, one for each variable
        A number of bins of equal width over the range of the training sample, whose outermost bins take what lies
        beyond it; or the edges, ascending, between which all events must lie.
    to : str
        Name of the reference class; or "flat": the same weight in bins of equal size.
    """

    variables: tuple[str, ...]
    bins: tuple[int | tuple[float, ...], ...] = (20,)
    to: str = "flat"

    def __post_init__(self) -> None:
        given: Any = self.variables
        variables = (given,) if isinstance(given, str) else tuple(given) if isinstance(given, list | tuple) else ()
        if not 1 <= len(variables) <= 2 or not all(isinstance(text, str) for text in variables):
            raise DataError(f"reweighting takes one or two variables, formulas in quotes; not {given!r}")
        bins: Any = self.bins
        if not isinstance(bins, int | list | tuple):
            raise DataError(f"bins are a number, or a list of edges, not {bins!r}")
        if isinstance(bins, int):
            bins = (bins,) * len(variables)
        elif (
            bins
            and all(isinstance(edge, float | int) for edge in bins)
            and not (len(bins) == len(variables) and all(isinstance(count, int) for count in bins))
        ):
            bins = (tuple(bins),)
        elif len(bins) == 1 and isinstance(bins[0], int):
            bins = tuple(bins) * len(variables)
        for each in bins:
            edges = each if isinstance(each, list | tuple) else (each,)
            if not edges or not all(isinstance(edge, float | int) for edge in edges):
                raise DataError(f"bins are a number, or a list of edges, for each variable; not {each!r}")
            if isinstance(each, float):
                raise DataError(f"a number of bins is a whole number, not {each!r}")
        bins = tuple(each if isinstance(each, int) else tuple(float(edge) for edge in each) for each in bins)
        if len(bins) != len(variables):
            raise DataError(f"reweighting in {len(variables)} variables needs as many binnings, not {len(bins)}")
        for each in bins:
            if isinstance(each, int):
                if isinstance(each, bool) or each < 1:
                    raise DataError(f"a number of bins is at least 1, not {each}")
            elif len(each) < 2 or not all(low < high for low, high in pairwise(each)):
                raise DataError(f"edges of bins are two or more ascending numbers, not {list(each)}")
        object.__setattr__(self, "variables", variables)
        object.__setattr__(self, "bins", bins)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Reweight:
        """From plain data, e.g. a TOML table: the attributes by name.

        Raises
        ------
        DataError
            For a key that is unknown or missing, or a value that cannot be.
        """
        check_keys(values, [f.name for f in fields(cls)], "reweighting has no key")
        if "variables" not in values:
            raise DataError("reweighting needs the key 'variables': one or two formulas")
        return cls(**values)


def reweighted(asked: Reweight, samples: list[Dataset]) -> list[Dataset]:
    """The samples with factors that are learned from the first; `weighted` tells what it raises."""
    training = samples[0]
    if asked.to != "flat" and asked.to not in training.classes:
        raise DataError(
            f'the reference of the reweighting is "flat" or a class, not {asked.to!r}; '
            f"{near(asked.to, training.classes)}"
        )
    check_sums(training, "training events")
    edges = [
        _edges(each, training.weighting_values[:, number], asked.variables[number])
        for number, each in enumerate(asked.bins)
    ]
    bins = [_bins(asked, edges, sample) for sample in samples]
    size = int(np.prod([len(each) - 1 for each in edges]))
    if asked.to == "flat":
        widths = [np.diff(each) / (each[-1] - each[0]) for each in edges]
        reference: NDArray[np.float64] = widths[0] if len(widths) == 1 else np.outer(*widths).ravel()
    else:
        reference = _shares(training, bins[0], size, training.classes.index(asked.to))
    weights = [sample.weights.copy() for sample in samples]
    for number, name in enumerate(training.classes):
        if name == asked.to:
            continue
        shares = _shares(training, bins[0], size, number)
        _say_empty(asked, edges, name, shares, reference)
        with np.errstate(divide="ignore", invalid="ignore"):
            factors = np.where(shares > 0, reference / shares, np.nan)
        # what the class cannot fill is missing from its sum, which shall stay
        factors /= np.nansum(shares * factors)
        for sample, of_sample, own in zip(samples, bins, weights, strict=True):
            member = sample.class_index == number
            own[member] *= _found(factors[of_sample[member]], of_sample[member], asked, edges, name)
    return [replace(sample, weights=own) for sample, own in zip(samples, weights, strict=True)]


def _edges(bins: int | Sequence[float], values: NDArray[np.float64], variable: str) -> NDArray[np.float64]:
    if not isinstance(bins, int):
        return np.array(bins, dtype=np.float64)
    low, high = float(values.min()), float(values.max())
    if not low < high:
        raise DataError(f"the variable of the reweighting, {variable}, is {low:g} in all training events")
    return np.linspace(low, high, bins + 1)


def _bins(asked: Reweight, edges: list[NDArray[np.float64]], sample: Dataset) -> NDArray[np.int64]:
    """Number of the bin of each event."""
    bins = np.zeros(len(sample), np.int64)
    for column, (each, given) in enumerate(zip(edges, asked.bins, strict=True)):
        values = sample.weighting_values[:, column]
        outside = (values < each[0]) | (values > each[-1])
        if not isinstance(given, int) and outside.any():
            raise DataError(
                f"{int(outside.sum())} events lie outside the bins of the reweighting in {asked.variables[column]}, "
                f"which go from {each[0]:g} to {each[-1]:g} (one has {values[outside][0]:g}); use wider ones, "
                "or a selection"
            )
        found = np.clip(np.searchsorted(each, values, side="right") - 1, 0, len(each) - 2)
        bins = bins * (len(each) - 1) + found
    return bins


def _shares(sample: Dataset, bins: NDArray[np.int64], size: int, number: int) -> NDArray[np.float64]:
    """Weight of a class in each bin, of its sum."""
    member = sample.class_index == number
    sums = np.bincount(bins[member], sample.weights[member], minlength=size)
    shares: NDArray[np.float64] = sums / sums.sum()
    return shares


def _say_empty(
    asked: Reweight,
    edges: list[NDArray[np.float64]],
    name: str,
    shares: NDArray[np.float64],
    reference: NDArray[np.float64],
) -> None:
    if (shares < 0).any() or (reference < 0).any():
        bin_ = int(np.argmax((shares < 0) | (reference < 0)))
        whose = name if shares[bin_] < 0 else asked.to
        raise DataError(
            f"the weights of class {whose!r} add up to something negative in {_place(asked, edges, bin_)}, which no "
            "factor can mend; use wider bins for the reweighting"
        )
    lost = (shares > 0) & (reference == 0)
    if lost.any():
        raise DataError(
            f"class {asked.to!r} has no events in {_place(asked, edges, int(np.argmax(lost)))}, where class {name!r} "
            f"has {100 * shares[lost].sum():.3g} % of its weight in {int(lost.sum())} such bins; use wider bins for "
            "the reweighting, or a selection"
        )
    missing = (shares == 0) & (reference > 0)
    if missing.any():
        log.warning(
            "class %s has no events in %s of the reweighting, nor in %d more bins with %.3g %% of the reference in all",
            name,
            _place(asked, edges, int(np.argmax(missing))),
            int(missing.sum()) - 1,
            100 * reference[missing].sum(),
        )


def _found(
    factors: NDArray[np.float64],
    bins: NDArray[np.int64],
    asked: Reweight,
    edges: list[NDArray[np.float64]],
    name: str,
) -> NDArray[np.float64]:
    unknown = np.isnan(factors)
    if unknown.any():
        raise DataError(
            f"class {name!r} has {int(unknown.sum())} events in bins of the reweighting where its training sample has "
            f"no weight, e.g. in {_place(asked, edges, int(bins[unknown][0]))}; use wider bins"
        )
    return factors


def _place(asked: Reweight, edges: list[NDArray[np.float64]], number: int) -> str:
    """Words for a bin: `10 <= pt < 20`."""
    words = []
    for variable, each in reversed(list(zip(asked.variables, edges, strict=True))):
        number, inside = divmod(number, len(each) - 1)
        words.append(f"{each[inside]:g} <= {variable} < {each[inside + 1]:g}")
    return " and ".join(reversed(words))

"""The events of several processes divided as if they were in one: each divides its own, numbers are of all together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from pytmva_rnn.data import Dataset, Division, SplitOptions, divide
from pytmva_rnn.data.splitting import norm_factors
from pytmva_rnn.errors import OptionError
from pytmva_rnn.training.ranks import Ranks

__all__ = ["divided_together"]


def divided_together(data: Dataset, options: SplitOptions, ranks: Ranks) -> Division:
    """Divide the events of this process; NormMode's factors are those of the events of all.

    Parameters
    ----------
    data : Dataset
    options : SplitOptions
        nTrain and nTest are of all processes together.
    ranks : Ranks

    Raises
    ------
    OptionError
        For what has to be learned of all events at once: reweight, balance and ScaleWithPreselEff.
    DataError
        As `pytmva_rnn.divide`.
    """
    if ranks.count == 1:
        return divide(data, options)
    asked = [
        *(["[weights] reweight"] if data.weighting is not None and data.weighting.reweight is not None else []),
        *(["[weights] balance"] if data.weighting is not None and data.weighting.balance else []),
        *(["ScaleWithPreselEff"] if options.ScaleWithPreselEff else []),
    ]
    if asked:
        raise OptionError(f"{asked[0]} needs all events in one process: leave it out, or train in one process")
    own: dict[str, Any] = {
        kind: {name: ranks.share(number) for name, number in getattr(options, kind).items()}
        for kind in ("nTrain", "nTest")
    }
    parts = divide(data, replace(options, NormMode="None", **own))
    factors = _factors(parts.training, options.NormMode, "training", ranks)
    validation = parts.validation
    if ranks.some(validation is not None):
        some = parts.training.take(np.empty(0, np.int64)) if validation is None else validation
        validation = _weighted(some, _factors(some, options.NormMode, "validation", ranks))
    return Division(_weighted(parts.training, factors), replace(parts.test, class_factors=factors), validation)


def _factors(sample: Dataset, mode: str, name: str, ranks: Ranks) -> tuple[float, ...]:
    count = len(sample.classes)
    if mode == "None":
        return (1.0,) * count
    counts = ranks.add(np.bincount(sample.class_index, minlength=count))
    sums = ranks.add(np.bincount(sample.class_index, sample.weights, minlength=count))
    return norm_factors([int(each) for each in counts], [float(each) for each in sums], sample.classes, mode, name)


def _weighted(sample: Dataset, factors: tuple[float, ...]) -> Dataset:
    return replace(sample, weights=sample.weights * np.asarray(factors)[sample.class_index])

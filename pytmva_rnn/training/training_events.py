"""Events to train and to validate with: which take part, and whether both samples can be used."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.data.storage import Storage
from pytmva_rnn.data.sums_of_weights import REMEDY
from pytmva_rnn.errors import TrainingError
from pytmva_rnn.options import MethodOptions

__all__ = ["Events", "check_samples", "divided", "without_negative"]

log = logging.getLogger("pytmva_rnn")


@dataclass(frozen=True)
class Events:
    """Events: X (n, T, D), y (n, O) and w (n,), float32; `storage` has those that do not fit into memory."""

    X: NDArray[np.float32]
    y: NDArray[np.float32]
    w: NDArray[np.float32]
    storage: Storage | None = None

    def __len__(self) -> int:
        return len(self.X)

    @property
    def in_memory(self) -> bool:
        """Whether the inputs are in memory as a whole."""
        return self.storage is None or self.X.nbytes <= self.storage.share

    def take(self, rows: slice | NDArray[np.bool_]) -> Events:
        """The events of a range, which are no copies, or those where a mask is true."""
        if self.storage is None or isinstance(rows, slice):
            return replace(self, X=self.X[rows], y=self.y[rows], w=self.w[rows])
        return replace(self, X=self.storage.take(self.X, rows), y=self.y[rows], w=self.w[rows])


def without_negative(sample: Events, options: MethodOptions) -> Events:
    """With IgnoreNegWeightsInTraining events of negative weight take no part."""
    if not options.ignore_neg_weights_in_training or not (sample.w < 0).any():
        return sample
    keep = sample.w >= 0
    log.info("ignoring %d events with negative weights", int((~keep).sum()))
    return sample.take(keep)


def divided(sample: Events, options: MethodOptions, entries: NDArray[np.int64] | None = None) -> tuple[Events, Events]:
    """The last events validate, with all others of the first one's entry where `entries` tells it of each event."""
    size = options.validation_size.events(len(sample))
    if not 0 < size < len(sample):
        raise TrainingError(
            f"ValidationSize={options.validation_size} takes {size} of {len(sample)} events; "
            "both samples need events: give a fraction between 0 and 1, or a smaller number of events"
        )
    cut = len(sample) - size
    while entries is not None and cut > 1 and entries[cut - 1] == entries[cut]:
        cut -= 1
    return sample.take(slice(cut)), sample.take(slice(cut, None))


def _members(sample: Events, number: int) -> NDArray[np.bool_]:
    """Which events are of a class; of one output the second class is what is not signal."""
    if sample.y.shape[1] > 1:
        return np.asarray(sample.y[:, number] > 0.5)
    return np.asarray((sample.y[:, 0] > 0.5) == (number == 0))


def check_samples(
    training: Events, validation: Events, names: tuple[str, ...], options: MethodOptions, *, parted: bool
) -> None:
    """Make sure that both samples can be used.

    Parameters
    ----------
    training, validation : Events
    names : tuple of str
        Of the classes; one for a regression.
    options : MethodOptions
    parted : bool
        Whether the validation sample is the end of the one that was given.

    Raises
    ------
    TrainingError
        For a class that is missing or whose weights do not add up to something positive, and a sample smaller than a
        batch.
    """
    if len(names) > 1:
        _check_classes(training, validation, names, parted)
    _check_weights(training, validation, names)
    _check_batches(training, validation, options)


def _check_classes(training: Events, validation: Events, names: tuple[str, ...], parted: bool) -> None:
    """Each sample needs events of all classes: sorted arrays would train or validate with one alone."""
    for sample, what in ((training, "train"), (validation, "validate")):
        counts = [int(_members(sample, number).sum()) for number in range(len(names))]
        missing = [name for name, count in zip(names, counts, strict=True) if not count]
        if not missing:
            continue
        if parted and (what == "train" or len(names) - len(missing) == 1):
            raise TrainingError(
                f"no events of the class {' or '.join(missing)} are among those to {what} with: the last "
                f"{len(validation)} of {len(training) + len(validation)} events validate, and the events seem to be "
                "sorted; mix them, a Dataset by split() with MixMode=Random (SplitMode=Block alone does not mix) and "
                "arrays by X[order], y[order] with order = numpy.random.permutation(len(X)), or give validation=(X, y)"
            )
        if what == "train" or len(names) - len(missing) == 1:
            raise TrainingError(f"no events of the class {' or '.join(missing)} are among those to {what} with")
        log.warning("no events of the class %s are among those to validate with", " or ".join(missing))


def _check_weights(training: Events, validation: Events, names: tuple[str, ...]) -> None:
    """A class whose weights do not add up to something positive has no smallest loss."""
    for sample, what in ((training, "train"), (validation, "validate")):
        for number, name in enumerate(names):
            weights = sample.w if len(names) == 1 else sample.w[_members(sample, number)]
            total = float(weights.sum(dtype=np.float64))
            if len(weights) and not total > 0:
                remedy = REMEDY if (weights < 0).any() else "give some of them a weight, or leave the class out"
                raise TrainingError(
                    f"the weights of the {len(weights)} events of class {name} to {what} with add up to {total:g}, of "
                    f"which nothing can be learned; {remedy}"
                )


def _check_batches(training: Events, validation: Events, options: MethodOptions) -> None:
    cut, size = len(training), len(validation)
    for number, phase in enumerate(options.training_strategy, 1):
        if phase.batch_size > min(cut, size):
            raise TrainingError(
                f"BatchSize={phase.batch_size} of phase {number} is larger than the sample to "
                f"{'train' if cut < size else 'validate'} with ({cut} events train, {size} validate); "
                "use smaller batches or more events"
            )

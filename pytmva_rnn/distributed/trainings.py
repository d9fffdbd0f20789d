"""What several trainings have given: a table with its spread, what failed, and the ensemble."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pytmva_rnn.distributed.processes import exit_words
from pytmva_rnn.distributed.variations import Variation
from pytmva_rnn.ensemble import Ensemble
from pytmva_rnn.errors import TrainingError
from pytmva_rnn.model import Model, read_weights
from pytmva_rnn.report.performance import Performance
from pytmva_rnn.weightfile.ensemble_index import FoldRule

__all__ = ["FailedTraining", "Spread", "Training", "Trainings"]


@dataclass(frozen=True, eq=False)
class Training:
    """A training that is finished.

    Attributes
    ----------
    variation : Variation
        What it has for itself.
    numbers : mapping of str -> float
        `validation error` (the lowest), `epochs` and `seconds`.
    test, training : mapping of str -> float
        `ROC integral`, of more than two classes one each; `bias <target>` and `RMS <target>` of a regression.
    weights : Path, optional
        Its weight file.
    sha256 : str
        Of the weight file.
    was_there : bool
        Whether it was finished before and is taken as it is.
    trained : Model, optional
        Where no weight file was written.
    """

    variation: Variation
    numbers: Mapping[str, float]
    test: Mapping[str, float]
    training: Mapping[str, float]
    weights: Path | None = None
    sha256: str = ""
    was_there: bool = False
    trained: Model | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """Of the variation."""
        return self.variation.name

    @property
    def model(self) -> Model:
        """The network; from its weight file."""
        if self.trained is not None:
            return self.trained
        assert self.weights is not None
        return read_weights(self.weights)

    def measures(self) -> dict[str, float]:
        """The numbers that are compared, by the headings of a table."""
        found = {"validation error": self.numbers["validation error"]}
        return found | {f"test {name}": value for name, value in self.test.items()}


@dataclass(frozen=True)
class FailedTraining:
    """A training of which there is nothing.

    Attributes
    ----------
    name : str
    exit_code : int
        1 for an error, 128 and the number of the signal that ended its process.
    error : str
    """

    name: str
    exit_code: int
    error: str

    def __str__(self) -> str:
        return f"{self.name}: {exit_words(self.exit_code)}: {self.error}"


@dataclass(frozen=True)
class Spread:
    """Mean and spread of a number over trainings that differ in seed and fold alone.

    Attributes
    ----------
    mean : float
    deviation : float
        Standard deviation, n - 1 in the denominator; NaN of a single training.
    count : int
    """

    mean: float
    deviation: float
    count: int

    def __str__(self) -> str:
        return f"{self.mean:.6g}" + ("" if math.isnan(self.deviation) else f" ± {self.deviation:.2g}")


@dataclass(frozen=True, eq=False)
class Trainings:
    """Results of `train_many`.

    Attributes
    ----------
    done : tuple of Training
        In the order that they were asked for.
    failed : tuple of FailedTraining
    rule : FoldRule, optional
        How events are divided into folds, where they are.
    path : Path, optional
        The table as a file, which `Ensemble.load` and `pytmva-rnn evaluate` take.
    together : Performance, optional
        Of the ensemble: on the test sample, or of folds on all events, each scored by networks that have not seen it.
    interrupted : int
        The signal that ended it early; 0 if none did.
    """

    done: tuple[Training, ...]
    failed: tuple[FailedTraining, ...] = ()
    rule: FoldRule | None = None
    path: Path | None = None
    together: Performance | None = None
    interrupted: int = 0

    def __len__(self) -> int:
        return len(self.done)

    def spread(self) -> dict[tuple[tuple[str, str], ...], dict[str, Spread]]:
        """For each combination of scanned values, `(("LearningRate", "1e-3"),)`, mean and spread of each measure."""
        groups: dict[tuple[tuple[str, str], ...], list[dict[str, float]]] = {}
        for each in self.done:
            groups.setdefault(tuple(each.variation.values.items()), []).append(each.measures())
        return {
            values: {name: _spread([row[name] for row in rows]) for name in rows[0]} for values, rows in groups.items()
        }

    def ensemble(self, names: Sequence[str] | None = None) -> Ensemble:
        """The networks as one scorer.

        Parameters
        ----------
        names : sequence of str, optional
            Of these trainings alone.

        Raises
        ------
        TrainingError
            If there is none.
        DataError
            For networks that do not fit each other, and a fold without a network.
        """
        chosen = [each for each in self.done if names is None or each.name in names]
        if not chosen:
            raise TrainingError("no training is finished, so that there is no ensemble")
        return Ensemble(
            tuple(each.model for each in chosen),
            tuple(each.name for each in chosen),
            tuple(each.variation.fold for each in chosen),
            self.rule,
        )

    def __str__(self) -> str:
        """The table, the spread, and what failed."""
        lines = [f"{each.name}: {_listed(each.measures())}" for each in self.done]
        for values, numbers in self.spread().items():
            of = ", ".join(f"{name}={text}" for name, text in values)
            count = next(iter(numbers.values())).count
            lines.append(f"mean of {count}{f' with {of}' if of else ''}: {_listed(numbers)}")
        return "\n".join([*lines, *(f"failed: {each}" for each in self.failed)])


def _listed(numbers: Mapping[str, float | Spread]) -> str:
    return ", ".join(
        f"{name} {value}" if isinstance(value, Spread) else f"{name} {value:.6g}" for name, value in numbers.items()
    )


def _spread(values: Sequence[float]) -> Spread:
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else math.nan
    return Spread(float(np.mean(values)), deviation, len(values))

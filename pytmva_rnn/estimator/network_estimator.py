"""What the classifier and the regressor have in common: parameters, checks, and the training."""

from __future__ import annotations

import logging
import numbers
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pytmva_rnn import extras
from pytmva_rnn.description import Variable, padded_steps
from pytmva_rnn.description.arrays import check_unmasked
from pytmva_rnn.description.padded_steps import check_marked
from pytmva_rnn.errors import DataError, EstimatorError, OptionError, TrainingError, WeightFileError
from pytmva_rnn.estimator.automatic_choices import batch_of, scaling
from pytmva_rnn.interruption import raise_interruption
from pytmva_rnn.options import MethodOptions, TrainingPhase
from pytmva_rnn.options.layout import with_sizes
from pytmva_rnn.suggestions import check_keys
from pytmva_rnn.training import HistoryRow, train
from pytmva_rnn.training.additions import Additions
from pytmva_rnn.training.loop import OnEpoch

__all__ = ["NetworkEstimator", "Sample", "mean_one", "parts_of", "weights_of"]

sklearn: Any = extras.sklearn()

log = logging.getLogger("pytmva_rnn")

_DENSE = "DENSE|32|TANH,DENSE|32|TANH,LINEAR"
_RECURRENT = "LSTM|32,DENSE|32|TANH,LINEAR"
_ERROR_STRATEGIES = {
    "classification": "CROSSENTROPY",
    "multiclass": "MUTUALEXCLUSIVE",
    "regression": "SUMOFSQUARES",
}
"""With others the answers would be no probabilities, or are not there."""
Sample = tuple[NDArray[np.float32], NDArray[Any], NDArray[np.float64]]
"""X (n, T*D), what to train for, and weights."""


@contextmanager
def _refused() -> Iterator[None]:
    """What is wrong with parameters and arrays as the ValueError that scikit-learn's users catch."""
    try:
        yield
    except (DataError, OptionError, TrainingError, WeightFileError) as error:
        raise EstimatorError(str(error)) from error


@dataclass(eq=False, repr=False, kw_only=True)
class NetworkEstimator(sklearn.base.BaseEstimator):  # type: ignore[misc]  # scikit-learn is optional
    """What classifier and regressor have in common."""

    # what `fit` finds
    n_steps_: int = field(init=False)
    n_features_in_: int = field(init=False)

    layout: str | Sequence[Any] | None = None
    n_steps: int | None = None
    mask_padding: bool = False
    var_transform: str | Sequence[str] | None = None
    weight_initialization: str = "XAVIERUNIFORM"
    learning_rate: float = 3e-3
    batch_size: int | str = "auto"
    max_epochs: int = 200
    convergence_steps: int = 20
    test_repetitions: int = 1
    optimizer: str = "ADAM"
    momentum: float = 0.3
    weight_decay: float = 0.0
    regularization: str = "NONE"
    drop_config: str | Sequence[float] = ()
    phases: Sequence[Mapping[str, Any]] | None = None
    validation_size: float | str | None = None
    ignore_neg_weights_in_training: bool = False
    additions: Additions | Mapping[str, Any] | None = None
    on_epoch: OnEpoch | None = None
    warm_start: bool = False
    random_state: Any = None
    n_jobs: int | None = None
    backend: str = "cpu"
    verbose: bool = False

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = bool(self.mask_padding)
        return tags

    def _flat(self, X: Any) -> tuple[Any, tuple[int, int] | None]:
        """Events of three dimensions as rows of numbers, with their steps and inputs; others as they are."""
        check_unmasked(X, "X")
        array = X if hasattr(X, "ndim") else np.asarray(X)
        if array.ndim != 3:
            return X, None
        array = np.asarray(array)
        _, steps, inputs = array.shape
        return array.reshape(len(array), steps * inputs), (steps, inputs)

    def _steps(self, shape: tuple[int, int] | None, features: int) -> int:
        """Steps of an event to train with."""
        given: Any = self.n_steps
        if given is not None and (not isinstance(given, numbers.Integral) or given < 1):
            raise EstimatorError(f"n_steps is a number of steps from 1 on, not {given!r}")
        steps = int(given) if given is not None else 1 if shape is None else shape[0]
        if shape is not None and shape[0] != steps:
            raise EstimatorError(f"n_steps is {steps}, but X has {shape[0]} steps")
        if features % steps:
            raise EstimatorError(f"{features} features cannot be {steps} steps of as many inputs each")
        return steps

    def _new_rows(self, X: Any, y: Any, **checks: Any) -> tuple[NDArray[np.float32], NDArray[Any]]:
        """Events to be fitted with, (n, T*D), and what to train for, checked by scikit-learn."""
        flat, shape = self._flat(X)
        rows, labels = self._checked(flat, y=y, ensure_min_samples=2, **checks)
        self.n_steps_ = self._steps(shape, self.n_features_in_)
        if self.mask_padding:
            with _refused():
                check_marked(self._in_steps(rows))
        return rows, labels

    def _rows(self, X: Any) -> NDArray[np.float32]:
        """Events, (n, T*D), which must be such as the network was fitted with."""
        flat, shape = self._flat(X)
        wanted = (self.n_steps_, self.n_features_in_ // self.n_steps_)
        if shape not in (None, wanted):
            raise EstimatorError(
                f"X has {shape[0]} steps of {shape[1]} inputs; expected {wanted[0]} steps of {wanted[1]}"
            )
        rows: NDArray[np.float32] = self._checked(flat, reset=False)
        return rows

    def _checked(self, X: Any, **checks: Any) -> Any:
        with np.errstate(over="ignore", invalid="ignore"):  # what float32 cannot hold becomes infinite, and is refused
            finite = "allow-nan" if self.mask_padding else True
            form: dict[str, Any] = {"dtype": np.float32, "order": "C", "ensure_all_finite": finite}
            return sklearn.utils.validation.validate_data(self, X, **form, **checks)

    def _learn(
        self,
        sample: Sample,
        validation: tuple[Any, ...] | None,
        outputs: int,
        *,
        analysis: str,
        classes: Sequence[str] | None = None,
        targets: Sequence[Variable] = (),
        stratify: NDArray[np.int64] | None = None,
    ) -> None:
        """Train on a sample and set what `fit` finds; `validation` is such a sample too."""
        random = sklearn.utils.check_random_state(self.random_state)
        seed = random.randint(1, 2**31 - 1)
        if isinstance(self.random_state, numbers.Integral) and int(self.random_state) > 0:
            seed = int(self.random_state)  # what RandomSeed says too
        with _refused():
            training, validating = (
                self._divided(sample, stratify, random) if validation is None else (sample, validation)
            )
            names = getattr(self, "feature_names_in_", None)
            result = train(
                self._shaped(training[0]),
                training[1],
                self._options(analysis, training, len(validating[0]), outputs, seed),
                analysis=analysis,
                sample_weight=training[2],
                mask=~padded_steps(self._in_steps(training[0])) if self.mask_padding else None,
                validation=(self._shaped(validating[0]), *validating[1:]),
                initial=getattr(self, "model_", None) if self.warm_start else None,
                backend=self.backend,
                threads=self._threads(),
                variables=None if names is None else list(names),
                classes=classes,
                targets=targets,
                progress=None if self.verbose else False,
                on_epoch=self.on_epoch,
                additions=self.additions,
            )
        self.model_ = result.model
        self.history_: list[HistoryRow] = result.history
        self.n_iter_ = sum({row.phase: row.epoch for row in result.history}.values())
        if result.interrupted:
            raise_interruption(result.interrupted)
        if not result.improved:
            warnings.warn(
                "the validation error never fell below its start, and the network has its initial weights: try another "
                "learning_rate or more max_epochs",
                sklearn.exceptions.ConvergenceWarning,
                stacklevel=3,
            )

    def _in_steps(self, X: NDArray[np.float32]) -> NDArray[np.float32]:
        return X.reshape(len(X), self.n_steps_, -1)

    def _shaped(self, X: NDArray[np.float32]) -> NDArray[np.float32]:
        return X if self.n_steps_ == 1 and not self.mask_padding else self._in_steps(X)

    def _divided(self, sample: Sample, stratify: NDArray[np.int64] | None, random: Any) -> tuple[Sample, Sample]:
        """Events to train and to validate with; all of them both, where there are too few to part."""
        n = len(sample[0])
        given: Any = self.validation_size
        automatic = given is None
        size = n // 5 if automatic else MethodOptions(validation_size=given).validation_size.events(n)
        if size >= n:
            raise OptionError(f"validation_size={self.validation_size} takes {size} of {n} events, which leaves none")
        if size == 0:
            return sample, sample
        try:
            parts = sklearn.model_selection.train_test_split(
                np.arange(n), test_size=size, stratify=stratify, random_state=random
            )
        except ValueError as error:  # a class has too few events
            if not automatic:
                raise DataError(f"validation_size={self.validation_size}: {error}") from error
            log.info("the %d events are too few to part: all of them train and validate", n)
            return sample, sample
        training, validating = (tuple(array[part] for array in sample) for part in parts)
        return cast(Sample, training), cast(Sample, validating)

    def _options(self, analysis: str, training: Sample, validating: int, outputs: int, seed: int) -> MethodOptions:
        """TMVA's options, for a sample to train with and so many events to validate with."""
        steps, features, events = self.n_steps_, self.n_features_in_, len(training[0])
        own = {f.name: getattr(self, f.name) for f in fields(TrainingPhase) if hasattr(self, f.name)}
        given = [{}] if self.phases is None else self.phases
        if isinstance(given, str | Mapping) or not all(isinstance(each, Mapping) for each in given) or not given:
            raise OptionError(f"phases are a list of tables such as {{'learning_rate': 1e-3}}, not {self.phases!r}")
        phases = []
        for each in given:
            check_keys(each, [f.name for f in fields(TrainingPhase)], "a phase has no parameter", OptionError)
            chosen = {**own, **each}
            if chosen["batch_size"] == "auto":
                chosen["batch_size"] = batch_of(min(events, validating), events)
            phases.append(TrainingPhase(**chosen))
        of_targets = training[1] if analysis == "regression" else np.empty((events, 0))
        given_transform = scaling(training[0], of_targets) if self.var_transform is None else self.var_transform
        default = _DENSE if steps == 1 else _RECURRENT
        options = MethodOptions(
            layout=default if self.layout is None else self.layout,  # type: ignore[arg-type]
            var_transform=given_transform,  # type: ignore[arg-type]
            weight_initialization=self.weight_initialization,
            input_layout=(0, 0, 0) if steps == 1 else (steps, features // steps),
            ignore_neg_weights_in_training=self.ignore_neg_weights_in_training,
            error_strategy=_ERROR_STRATEGIES[analysis],
            random_seed=seed,
            training_strategy=tuple(phases),
        )
        shape = options.input_shape(features)
        return replace(options, layout=with_sizes(options.layout, shape, features, outputs))

    def _threads(self) -> int | None:
        given: Any = self.n_jobs
        if given is None:
            return None
        if not isinstance(given, numbers.Integral) or given == 0:
            raise EstimatorError(f"n_jobs is a number of threads, or -1 for all cores, not {given!r}")
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return int(given) if int(given) > 0 else max(1, cores + 1 + int(given))

    def _scores(self, X: Any) -> NDArray[np.float64]:
        """What the network answers, (n, O)."""
        sklearn.utils.validation.check_is_fitted(self, "model_")
        rows = self._rows(X)
        with _refused():
            scores = self.model_.predict(rows, backend=self.backend, threads=self._threads())
        found: NDArray[np.float64] = scores.astype(np.float64).reshape(len(rows), -1)
        bad = ~np.isfinite(found).all(1)
        if self.model_.analysis == "Classification":
            bad |= (found[:, 0] < 0) | (found[:, 0] > 1)  # TMVA's -999 in place of NaN
        if bad.any():
            raise EstimatorError(
                f"the network has no answer to {bad.sum()} event(s), first to event {bad.argmax()}: inputs or weights "
                "are too large for float32"
            )
        return found


def weights_of(X: NDArray[np.float32], sample_weight: ArrayLike | None) -> NDArray[np.float64]:
    given = sklearn.utils.validation._check_sample_weight(sample_weight, X, dtype=np.float64)
    return cast("NDArray[np.float64]", given)


def mean_one(weights: NDArray[np.float64]) -> float:
    """A factor: with weights as large on average as 1, a learning rate means the same for all samples."""
    mean = float(np.abs(weights).mean())
    return 1 / mean if mean > 0 else 1.0


def parts_of(validation: Any) -> tuple[Any, Any, Any]:
    try:
        X, y, *others = validation
        (sample_weight,) = others or (None,)
    except (TypeError, ValueError) as error:
        raise EstimatorError("validation is (X, y) or (X, y, sample_weight)") from error
    return X, y, sample_weight

"""TMVA's training loop: phases, shuffled epochs, validation, convergence, and the best weights kept.

The rules are those of tmva's `MethodDL::TrainDeepNet`.
"""

from __future__ import annotations

import logging
import time

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.compile import compilation
from pytmva_rnn.data.sums_of_weights import REMEDY
from pytmva_rnn.description import REGULARIZATIONS, HistoryRow
from pytmva_rnn.errors import TrainingError
from pytmva_rnn.interruption import Interruption, signal_number
from pytmva_rnn.kernels import Computation, Engine, Prepares, Weights, WholeEpochs
from pytmva_rnn.network.devices import backend_engine
from pytmva_rnn.options import MethodOptions, TrainingPhase
from pytmva_rnn.training.problem import Problem
from pytmva_rnn.training.progress import EpochTable, Progress
from pytmva_rnn.training.training_events import Events
from pytmva_rnn.trandom import TRandom3, shuffle

__all__ = ["Loop"]

log = logging.getLogger("pytmva_rnn")


class Loop:
    """A training: what it starts from, and then its best weights so far and the history."""

    def __init__(
        self,
        problem: Problem,
        options: MethodOptions,
        weights: Weights,
        seed: int,
        shuffled: bool,
        backend: str,
        threads: int | None,
        progress: bool | None,
    ) -> None:
        self.best = weights
        self.history: list[HistoryRow] = []
        self.initial_error = float("nan")
        self.improved = False
        self.interrupted = 0  # the number of the signal
        self._problem = problem
        self._phases = options.training_strategy
        self._seed = seed
        self._shuffled = shuffled
        self._engine = backend_engine(backend)
        self._threads = threads
        self._progress = progress

    def run(self) -> None:
        """Train phase after phase.

        Ctrl-C, SIGTERM or SIGHUP end it after the batch or the validation at hand, or are raised while there is no
        batch yet.
        """
        try:
            # here it compiles
            engine = self._make_engine(self._phases[0])
            with Interruption() as before:
                before.check()  # for what came meanwhile, where the caller holds signals back
            try:
                with Interruption() as self._interruption:
                    self._all_phases(engine)
            except KeyboardInterrupt as error:
                self.interrupted = signal_number(error)
                kept = "best weights so far" if self.improved else "initial weights, as no epoch was better yet"
                log.warning("interrupted: keeping the %s", kept)
        except MemoryError as error:
            raise TrainingError(f"out of memory: {error}; a smaller BatchSize needs less") from error

    def _all_phases(self, engine: Engine) -> None:
        for number, phase in enumerate(self._phases, 1):
            if number > 1:
                engine = self._make_engine(phase)
                self._interruption.check()
            lowest = self._validate(engine, phase)
            if number == 1:
                self.initial_error = lowest
                self._floor = self._lowest_possible(engine, phase)
            batches = len(self._problem.training) // phase.batch_size
            table = EpochTable(number, len(self._phases), lowest, batches, phase.batch_size)
            with Progress(phase.max_epochs, f"phase {number}", self._progress) as bar:
                self._phase(engine, phase, number, lowest, table, bar)

    def _make_engine(self, phase: TrainingPhase) -> Engine:
        problem = self._problem
        _, steps, inputs = problem.training.X.shape
        computation = Computation(
            problem.layers,
            self.best,
            steps,
            inputs,
            problem.loss,
            REGULARIZATIONS[phase.regularization],
            phase.weight_decay,
            phase,
            self._threads,
        )
        with compilation("training"):
            engine = self._engine(computation)
            if isinstance(engine, Prepares):
                engine.prepare(phase.batch_size)
            shuffle(np.arange(2), TRandom3(1))
        return engine

    def _validate(self, engine: Engine, phase: TrainingPhase, weights: NDArray[np.float32] | None = None) -> float:
        """Mean loss of the validation sample's whole batches, each with the penalty, and the penalty once more."""
        sample, size = self._problem.validation, phase.batch_size
        weights = sample.w if weights is None else weights
        losses = [
            engine.loss(sample.X[k : k + size], sample.y[k : k + size], weights[k : k + size])
            for k in range(0, len(sample) // size * size, size)
        ]
        return float(np.mean(losses)) + 2 * engine.penalty()

    def _lowest_possible(self, engine: Engine, phase: TrainingPhase) -> float:
        """An error that no training reaches whose loss has a minimum; with negative weights it may have none."""
        sample = self._problem.validation
        if not ((sample.w < 0).any() or (self._problem.training.w < 0).any()):
            return -np.inf
        return -10 * self._validate(engine, phase, np.abs(sample.w))

    def _check_bounded(self, error: float, number: int, epoch: int) -> None:
        if error == -np.inf or error < self._floor:
            raise TrainingError(
                f"the loss runs to minus infinity ({error:.4g} in epoch {epoch} of phase {number}), since somewhere "
                f"negative weights outweigh the others; {REMEDY}"
            )

    def _phase(
        self, engine: Engine, phase: TrainingPhase, number: int, lowest: float, table: EpochTable, bar: Progress
    ) -> None:
        sample = self._problem.training
        order = np.arange(len(sample))
        random = TRandom3(self._seed + number)
        keys = np.random.default_rng([self._seed, number])
        without_improvement = 0
        tested = time.perf_counter()
        for epoch in range(1, phase.max_epochs + 1):
            if self._shuffled:
                shuffle(order, random)
            error = self._epoch(engine, sample, order, phase.batch_size, keys)
            # TMVA would not test such a phase at all, and train for nothing
            only_test = epoch == phase.max_epochs < phase.test_repetitions
            if epoch % phase.test_repetitions == 0 or only_test:
                before_test = time.perf_counter()
                training_error = error + engine.penalty()
                validation_error = self._validate(engine, phase)
                self._check_bounded(min(training_error, validation_error), number, epoch)
                better = validation_error < lowest
                without_improvement = 0 if better else without_improvement + phase.test_repetitions
                if better:
                    lowest = validation_error
                    self.best = engine.weights()
                    self.improved = True
                self.history.append(HistoryRow(number, epoch, training_error, validation_error))
                now = time.perf_counter()
                seconds = (before_test - tested) / min(phase.test_repetitions, epoch)
                events = len(sample) // phase.batch_size * phase.batch_size
                times = (seconds, now - before_test)
                table.row(epoch, training_error, validation_error, times, events / seconds, without_improvement, better)
                tested = now
                if not np.isfinite(training_error):
                    self._give_up(f"the training error became {training_error} in epoch {epoch} of phase {number}")
                    return
            bar.advance()
            if without_improvement > phase.convergence_steps:
                log.info("converged after %d epochs", epoch)
                return

    def _give_up(self, what: str) -> None:
        what += "; use a smaller LearningRate, or bring variables of large scale into line with VarTransform=N"
        if not self.improved:
            raise TrainingError(what)
        log.warning("%s: keeping the best weights so far", what)

    def _epoch(
        self, engine: Engine, sample: Events, order: NDArray[np.int64], size: int, keys: np.random.Generator
    ) -> float:
        """Train on whole batches in the given order, dropping the remainder; returns the mean of their losses."""
        batches = len(order) // size
        drops = keys.integers(2**31, size=batches)
        if isinstance(engine, WholeEpochs):
            chosen = order[: batches * size].reshape(batches, size)
            return engine.epoch(sample.X, sample.y, sample.w, chosen, drops, self._interruption.check)
        total = 0.0
        for k in range(batches):
            total += engine.step(sample.X, sample.y, sample.w, order[k * size : (k + 1) * size], int(drops[k]))
            self._interruption.check()
        return total / batches

"""TMVA's training loop: phases, shuffled epochs, validation, convergence, and the best weights kept.

The rules are those of tmva's `MethodDL::TrainDeepNet`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import numpy as np

from pytmva_rnn.compile import compilation, seconds
from pytmva_rnn.description import REGULARIZATIONS, HistoryRow
from pytmva_rnn.errors import CheckpointError, TrainingError
from pytmva_rnn.interruption import Interruption, signal_number
from pytmva_rnn.kernels import Computation, Engine, Prepares, Weights
from pytmva_rnn.kernels.engine_state import begun_anew
from pytmva_rnn.network.devices import backend_engine
from pytmva_rnn.options import MethodOptions, TrainingPhase
from pytmva_rnn.training.additions import NO_ADDITIONS, Additions
from pytmva_rnn.training.checkpoint import Checkpointer
from pytmva_rnn.training.epochs import Epochs
from pytmva_rnn.training.event_blocks import reorder
from pytmva_rnn.training.problem import Problem
from pytmva_rnn.training.progress import EpochTable, Progress
from pytmva_rnn.training.ranks import Ranks
from pytmva_rnn.training.shared_steps import SharedSteps
from pytmva_rnn.training.training_state import Position, TrainingState
from pytmva_rnn.training.validation_error import check_bounded, lowest_possible, validation_error
from pytmva_rnn.trandom import TRandom3, shuffle

__all__ = ["Loop", "OnEpoch"]

log = logging.getLogger("pytmva_rnn")

OnEpoch: TypeAlias = Callable[[HistoryRow], object]
"""What is called after each test of the validation sample, and ends the training if it returns true."""


class Loop:
    """A training: what it starts from, and then its best weights so far and the history.

    With a `Checkpointer` the state is kept as it goes on; with a state it goes on from there.
    """

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
        checkpointer: Checkpointer | None = None,
        start: TrainingState | None = None,
        on_epoch: OnEpoch | None = None,
        ranks: Ranks | None = None,
        local_steps: int = 1,
        additions: Additions = NO_ADDITIONS,
    ) -> None:
        self.best = weights
        self.history: list[HistoryRow] = []
        self.initial_error = float("nan")
        self.improved = False
        self.seconds = 0.0  # without what the kernels took to compile
        self.interrupted = 0  # the number of the signal
        self._floor = -np.inf
        self._problem = problem
        self._phases = options.training_strategy
        self._seed = seed
        self._shuffled = shuffled
        self._backend = backend
        self._engine = backend_engine(backend, mask_padding=problem.mask_padding)
        self._threads = threads
        self._progress = progress
        self._checkpointer = checkpointer
        self._start = start
        self._ranks = ranks or Ranks()
        self._local_steps = local_steps
        if start is not None:
            self.best, self.improved, self.seconds = start.best, start.improved, start.seconds
            self.history, self.initial_error, self._floor = list(start.history), start.initial_error, start.floor
        self._on_epoch, self._additions = on_epoch, additions
        self._ended = False  # by `on_epoch`

    def run(self) -> None:
        """Train phase after phase.

        Ctrl-C, SIGTERM or SIGHUP end it after the batch or the validation at hand, or are raised while there is no
        batch yet.
        """
        if self._start is not None and self._start.position is None:
            return
        self._clock = time.perf_counter() - seconds() - self.seconds
        try:
            # here it compiles
            engine = self._make_engine(self._phases[self._first - 1])
            with Interruption() as before:
                before.check()  # for what came meanwhile, where the caller holds signals back
            try:
                with Interruption() as self._interruption:
                    self._all_phases(engine)
            except KeyboardInterrupt as error:
                self.interrupted = signal_number(error)
                kept = "best weights so far" if self.improved else "initial weights, as no epoch was better yet"
                log.warning("interrupted: keeping the %s", kept)
                self._keep_state()
            except (CheckpointError, TrainingError):  # they would come again
                raise
            except Exception:
                self._keep_state()
                raise
        except MemoryError as error:
            raise TrainingError(f"out of memory: {error}; a smaller BatchSize needs less") from error
        finally:
            self.seconds = self._now()
        if self._checkpointer is not None and not self.interrupted:
            self._checkpointer.finish(self._state(None, None))

    @property
    def _first(self) -> int:
        """The phase to begin with."""
        return 1 if self._start is None or self._start.position is None else self._start.position.phase

    def _now(self) -> float:
        """Seconds of training so far."""
        return time.perf_counter() - seconds() - self._clock

    def _all_phases(self, engine: Engine) -> None:
        first = self._first
        for number, phase in enumerate(self._phases[first - 1 :], first):
            if number > first:
                engine = self._make_engine(phase)
                if self._ranks.count == 1:  # several are interrupted together, with the next step
                    self._interruption.check()
            at = self._begin(engine, phase, number)
            size = phase.batch_size * self._ranks.count
            table = EpochTable(number, len(self._phases), at.lowest, self._batches(phase), size, at.epoch)
            with Progress(phase.max_epochs, f"phase {number}", self._progress, at.epoch, self.history) as bar:
                self._phase(engine, phase, at, table, bar)
            if self._ended:
                return

    def _begin(self, engine: Engine, phase: TrainingPhase, number: int) -> Position:
        """The start of a phase, or where the training was that goes on."""
        if self._start is not None and self._start.position is not None and number == self._first:
            try:
                engine.restore(self._start.engine)
            except ValueError as error:
                raise CheckpointError(
                    f"the checkpoint's state of the network is not that of this one: {error}"
                ) from error
            return self._start.position.copied()
        lowest = validation_error(engine, self._problem.validation, phase.batch_size, self._ranks)
        if number == 1:
            self.initial_error = lowest
            self._floor = lowest_possible(engine, self._problem, phase.batch_size, self._ranks)
        at = Position.at_the_start(number, len(self._problem.training), self._ranks.seed(self._seed), lowest)
        self._note_state(engine, at, whatever=True)
        return at

    def _state(self, engine: Engine | None, at: Position | None) -> TrainingState:
        """Copies of all that is needed to go on from here; without a position, what the training has found."""
        return TrainingState(
            self._seed,
            self._threads,
            self.best,
            self.improved,
            tuple(self.history),
            self.initial_error,
            self._floor,
            self.seconds if at is None else self._now(),
            None if at is None else at.copied(),
            {} if engine is None else engine.state(),
        )

    def _note_state(self, engine: Engine, at: Position, *, whatever: bool = False) -> None:
        if self._checkpointer is not None and (whatever or self._checkpointer.wants(at.epoch, at.batch)):
            self._checkpointer.note(self._state(engine, at))

    def _keep_state(self) -> None:
        if self._checkpointer is not None and self._checkpointer.keep():
            log.info("%s", self._checkpointer)

    def _batches(self, phase: TrainingPhase) -> int:
        """Of an epoch; of several processes each makes as many."""
        return self._ranks.least(len(self._problem.training) // phase.batch_size)

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
            self._additions.clip_norm or 0.0,
            problem.mask_padding,
        )
        with compilation("training"):
            engine = self._engine(computation)
            if isinstance(engine, Prepares):
                engine.prepare(phase.batch_size)
            shuffle(np.arange(2), TRandom3(1))
        return engine

    def _phase(self, engine: Engine, phase: TrainingPhase, at: Position, table: EpochTable, bar: Progress) -> None:
        number, sample = at.phase, self._problem.training
        batches = self._batches(phase)
        shared = SharedSteps(engine, self._ranks, self._local_steps) if self._ranks.count > 1 else None
        sizes = phase.batch_size, batches
        epochs = Epochs(engine, sample, *sizes, shared, self._interruption.check, copied=self._backend != "cuda")
        tested, tested_epoch = time.perf_counter(), at.epoch
        for epoch in range(at.epoch + 1, phase.max_epochs + 1):
            if self._shuffled and not at.batch:
                reorder(at.order, at.shuffles, sample, phase.batch_size)
            if self._additions.schedule is not None:
                engine.set_learning_rate(self._additions.learning_rate(phase, epoch, at.plateaus))
            loss = epochs.train(at, partial(self._note_state, engine, at), bar)
            at.epoch, at.batch, at.loss = epoch, 0, 0.0
            # TMVA would not test such a phase at all, and train for nothing
            only_test = epoch == phase.max_epochs < phase.test_repetitions
            if epoch % phase.test_repetitions == 0 or only_test:
                before_test = time.perf_counter()
                training_error, error, better = self._test(engine, phase, at, loss)
                now = time.perf_counter()
                each = (before_test - tested) / (epoch - tested_epoch)
                events = batches * phase.batch_size * self._ranks.count
                times = (each, now - before_test)
                table.row(epoch, training_error, error, times, events / each, at.unimproved, better)
                bar.tested(self.history[-1], each, events / each, at.unimproved)
                tested, tested_epoch = now, epoch
                if not np.isfinite(training_error):
                    self._give_up(f"the training error became {training_error} in epoch {epoch} of phase {number}")
                    return
                if self._ranks.some(self._on_epoch is not None and bool(self._on_epoch(self.history[-1]))):
                    log.info("ended by on_epoch after %d epochs", epoch)
                    self._ended = True
                    return
            if at.unimproved > phase.convergence_steps:
                log.info("converged after %d epochs", epoch)
                return
            self._note_state(engine, at)

    def _test(self, engine: Engine, phase: TrainingPhase, at: Position, loss: float) -> tuple[float, float, bool]:
        """Look at the validation sample; returns both errors, and whether its is the lowest so far."""
        training_error = loss + engine.penalty()
        error = validation_error(engine, self._problem.validation, phase.batch_size, self._ranks)
        check_bounded(min(training_error, error), self._floor, at.phase, at.epoch)
        before, better = at.unimproved, error < at.lowest
        at.unimproved = 0 if better else before + phase.test_repetitions
        if better:
            at.lowest = error
            self.best = engine.weights()
            self.improved = True
        at.plateaus += self._additions.is_plateau(before, at.unimproved)
        if self._additions.goes_back(before, at.unimproved):
            log.info("epoch %d: back to the best weights so far", at.epoch)
            engine.restore(begun_anew(engine.state(), self.best))
        self.history.append(HistoryRow(at.phase, at.epoch, training_error, error))
        return training_error, error, better

    def _give_up(self, what: str) -> None:
        what += "; use a smaller LearningRate, or bring variables of large scale into line with VarTransform=N"
        if not self.improved:
            raise TrainingError(what)
        log.warning("%s: keeping the best weights so far", what)

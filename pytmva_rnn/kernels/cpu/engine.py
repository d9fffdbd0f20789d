"""Runs networks on the CPU: owns the weights in the kernels' layout and plans memory for each batch size."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.compile import compilation, filled, readable
from pytmva_rnn.kernels import Computation
from pytmva_rnn.kernels.codes import REGULARIZATIONS, optimizer_constants
from pytmva_rnn.kernels.cpu import optimizers
from pytmva_rnn.kernels.cpu.machine import program
from pytmva_rnn.kernels.cpu.machine.alone import Alone
from pytmva_rnn.kernels.cpu.machine.concurrency import available_threads, running
from pytmva_rnn.kernels.cpu.machine.descent import Descent
from pytmva_rnn.kernels.cpu.machine.finishing import Finishing
from pytmva_rnn.kernels.cpu.machine.inference import Inference
from pytmva_rnn.kernels.cpu.machine.lanes import LANES
from pytmva_rnn.kernels.cpu.machine.plan import Plan
from pytmva_rnn.kernels.cpu.machine.single import Preparation, function_of, may_share
from pytmva_rnn.kernels.cpu.machine.states import States
from pytmva_rnn.kernels.cpu.machine.weights import FlatWeights, PanelWeights
from pytmva_rnn.kernels.cpu.machine.workspace import Workspace, make_plan
from pytmva_rnn.kernels.engine_state import COUNTS, MOMENTS, check_state, named, remembered_name

Floats = NDArray[np.float32]

_FLOAT32, _INT64 = np.dtype(np.float32), np.dtype(np.int64)
_INT64_MAX = np.iinfo(np.int64).max


_LEAST_WORK = 5_000_000  # multiply-adds of a thread; less is not worth waiting for a thread that the machine keeps busy
_MOST_CORES = 4096  # that a state may name
_MUCH_WORK = 500_000_000  # multiply-adds of a call into compiled code, which Ctrl-C has to wait for


def _refuse(x: object) -> None:
    raise TypeError(f"an event is a float32 array in C order of the network's steps and inputs, not {x!r:.80}")


class Engine:
    """The CPU backend; see `pytmva_rnn.kernels.Engine`."""

    def __init__(self, computation: Computation) -> None:
        layers, settings = computation.layers, computation.settings
        self._layers = layers
        self._work_of_one: int = sum(
            layer.steps * rows * columns for layer in layers for rows, columns in layer.weight_shapes().values()
        )
        self._shape = (computation.steps, computation.inputs)
        self._width = math.prod(self._shape)
        self._for_threads = 2 * _LEAST_WORK // max(1, self._work_of_one)  # events; fewer are for one thread
        self._threads = computation.threads
        self._cores: int | None = None  # to reckon with in place of this machine's
        self._loss = computation.loss
        self._regularization, self._decay = REGULARIZATIONS[computation.regularization], float(computation.weight_decay)
        self._settings = settings
        self._plan = partial(make_plan, layers, *self._shape, mask_padding=computation.mask_padding)
        plan = self._plan(None, training=False)
        self._weights = FlatWeights(plan, computation.weights)
        self._outputs = plan.view.D
        # X, y and w of no events
        self._nothing: tuple[Floats, Floats, Floats] = (
            np.empty((0, self._width), np.float32),
            np.empty((0, self._outputs), np.float32),
            np.empty(0, np.float32),
        )
        self._states = States(plan.state_size, computation.remembers)
        self._remembers = computation.remembers
        self._trainings: dict[tuple[int, bool], Descent] = {}
        self._inferences: dict[str | None, Inference] = {}
        self._moments = np.zeros((2, plan.weights_size), np.float32)
        self._optimizer: Any = None
        flat, (v, u) = self._weights.flat, self._moments
        addresses = {"w": flat.ctypes.data, "v": v.ctypes.data, "u": u.ctypes.data}
        self._update = filled(np.zeros(1, optimizers.UPDATE), n=len(flat), **addresses)
        if settings is not None:
            self._optimizer = optimizers.UPDATES[settings.optimizer]
            self._update["rate"] = settings.learning_rate
            self._update["first"], self._update["second"], self._update["epsilon"] = optimizer_constants(settings)
            if computation.clip_norm:
                self._update["then"], self._update["most"] = self._optimizer.address, computation.clip_norm
                self._optimizer = optimizers.clipped
        self._steps = 0
        self._batches = 0
        self._panels: weakref.WeakSet[PanelWeights] = weakref.WeakSet()  # of what scores events one by one
        self._shared: Descent | None = None  # with the gradient that a step is to be made by
        with compilation("scoring"):
            self._packing = self._make_workspace(plan, 1, 1)
            self._pack()
        self._matrices = self._packing.matrices

    def _pack(self) -> None:
        """Refresh what operations keep of the weights in an order of their own."""
        program.pack(self._packing.table, self._packing.frame)
        self._refresh_panels()

    def _refresh_panels(self) -> None:
        for panels in tuple(self._panels):
            panels.refresh()

    def prepare(self, batch_size: int) -> None:
        """See `kernels.Prepares`."""
        with compilation("training"):
            self._inference(self._loss)
            self._training(batch_size, input_gradient=False)
            self.penalty()

    def weights(self) -> list[dict[str, NDArray[Any]]]:
        return self._weights.unpacked()

    def outputs(self, X: NDArray[Any], *, resume: bool = False) -> NDArray[Any]:
        return self.scores(X, None, resume=resume)

    def finishing(self, letter: str, answer: float | None = None) -> Finishing | None:
        """See `kernels.FinishesScores`."""
        return Finishing(letter, answer) if letter in Finishing.letters() else None

    def scores(self, X: NDArray[Any], finishing: Finishing | None, *, resume: bool = False) -> Floats:
        """See `kernels.FinishesScores`."""
        states = self._states.blocks if resume else self._states.none()
        inference, n = self._inference(None), len(X)
        _, y, w = self._nothing
        if n >= self._for_threads:
            return self._infer(inference, X, y, w, states, self._remembers, finishing)[0]
        out = np.empty((n, self._outputs), _FLOAT32)
        inference(readable(X, _FLOAT32), y, w, out, states, self._remembers, 1, 0, finishing)
        self._batches = 0
        return out

    @property
    def shares_single(self) -> bool:
        """Whether threads may share a function that `single` gives for one output."""
        return self._outputs == 1 and may_share(self._work_of_one)

    def single(
        self,
        *,
        sigmoid: bool = False,
        reports: bool = False,
        otherwise: Callable[[Any], Any] = _refuse,
        prepare: Preparation | None = None,
    ) -> Callable[[Any], Any]:
        """A function from one event to its raw output; states start at zero.

        The event is a float32 array (T*D,) or (T, D) in C order, and everything else is handed to `otherwise`; with
        `prepare` what that makes of it is scored. The output is a float, with `sigmoid` that function of it, with
        `reports` -999 in place of NaN; or for several outputs an array (O,) in memory that is used again. The function
        has scratch memory of its own, for one thread at a time, and takes the weights as they are at the time.
        """
        with compilation("single events"):
            return function_of(
                self._alone(),
                self._shape,
                self._work_of_one,
                sigmoid=sigmoid,
                reports=reports,
                otherwise=otherwise,
                prepare=prepare,
                owner=self,
            )

    def _alone(self) -> Alone:
        """What scores events one by one; raises ValueError where a layer has no function for that."""
        plan = self._plan(None, training=False, single=True)
        panels = PanelWeights(plan, self._weights.flat)
        self._panels.add(panels)
        return Alone(self._make_workspace(plan, 1, 1), panels, self._outputs)

    def _alone_for_batches(self) -> Alone | None:
        try:
            return self._alone()
        except ValueError:
            return None

    def loss(self, X: NDArray[Any], y: NDArray[Any], w: NDArray[Any]) -> float:
        self._states.reserve(len(X))
        y, w = readable(y, _FLOAT32), readable(w, _FLOAT32)
        _, total = self._infer(self._inference(self._loss), X, y, w, self._states.blocks, False)
        self._states.cut(len(X))
        return total

    def gradients(
        self, X: NDArray[Any], y: NDArray[Any], w: NDArray[Any]
    ) -> tuple[float, list[dict[str, NDArray[Any]]], NDArray[Any]]:
        training = self._training(len(X), input_gradient=True)
        x_gradient = np.zeros((len(X), *self._shape), np.float32)
        training.workspace.frame["x_gradient"] = x_gradient.ctypes.data
        value = self._train(training, X, y, w, np.arange(len(X))[np.newaxis], np.zeros(1, np.int64), 0)
        return value, self._weights.unpacked_gradient(training.workspace.gradients[0]), x_gradient

    def step(self, X: NDArray[Any], y: NDArray[Any], w: NDArray[Any], events: NDArray[np.int64], key: int) -> float:
        return self._steps_on(X, y, w, events[np.newaxis], np.array([key]))

    def gradient(
        self, X: NDArray[Any], y: NDArray[Any], w: NDArray[Any], events: NDArray[np.int64], key: int
    ) -> tuple[float, list[Floats]]:
        """See `kernels.SharesSteps`."""
        self._shared = self._training(len(events), input_gradient=False)
        value = self._train(self._shared, X, y, w, events[np.newaxis], np.array([key]), 0)
        return value, [self._shared.workspace.gradients[0, : len(self._weights.flat)]]

    def descend(self) -> None:
        """See `kernels.SharesSteps`."""
        assert self._shared is not None
        self._steps += 1
        program.descend(self._optimizer.address, self._update, self._shared.workspace.gradients[0], self._steps)
        self._pack()

    def trained(self) -> list[Floats]:
        """See `kernels.SharesSteps`."""
        return [self._weights.flat, *self._moments]

    def changed(self) -> None:
        """See `kernels.SharesSteps`."""
        self._pack()

    def epoch(
        self,
        X: NDArray[Any],
        y: NDArray[Any],
        w: NDArray[Any],
        batches: NDArray[np.int64],
        keys: NDArray[np.int64],
        after: Callable[[], None],
    ) -> float:
        """See `kernels.WholeEpochs`; `after` is called some ten milliseconds apart, at least between batches."""
        size = len(batches[0])
        # remembered states are cut to size after each batch
        together = 1 if self._remembers else max(1, _MUCH_WORK // max(1, self._work(size, 3)))
        total = 0.0
        for k in range(0, len(batches), together):
            total += self._steps_on(X, y, w, batches[k : k + together], keys[k : k + together])
            after()
        return total / len(batches)

    def _steps_on(
        self,
        X: NDArray[Any],
        y: NDArray[Any],
        w: NDArray[Any],
        batches: NDArray[np.int64],
        keys: NDArray[np.int64],
    ) -> float:
        training = self._training(batches.shape[1], input_gradient=False)
        total = self._train(training, X, y, w, batches, keys, self._steps + 1)
        self._steps += len(batches)
        return total

    def penalty(self) -> float:
        if not self._regularization:
            return 0.0
        return float(self._decay * optimizers.penalty(self._weights.flat, self._matrices, self._regularization))

    def set_learning_rate(self, rate: float) -> None:
        self._update["rate"] = rate

    def state(self) -> dict[str, NDArray[Any]]:
        # as many threads as pay are reckoned with the cores: with others the sums would be others
        counts = [self._steps, self._batches, self._cores or available_threads()]
        arrays: dict[str, NDArray[Any]] = {COUNTS: np.array(counts, np.int64)}
        arrays |= {named(*key): array for key, array in self._weights.exact().items()}
        for moment, flat in zip(MOMENTS, self._moments, strict=True):
            arrays |= {named(*key, moment): each.copy("C") for key, each in self._weights.trained(flat).items()}
        if self._remembers:
            arrays[remembered_name("all", 0)] = self._states.by_event()
        return arrays

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        check_state(state, self.state(), (_INT64_MAX, _INT64_MAX, _MOST_CORES))
        self._steps, self._batches, cores = (int(count) for count in state[COUNTS])
        self._weights.set({key: state[named(*key)] for key in self._weights.exact()})
        self._pack()
        for moment, flat in zip(MOMENTS, self._moments, strict=True):
            for key, window in self._weights.trained(flat).items():
                window[...] = state[named(*key, moment)]
        if self._remembers:
            self._states.set(state[remembered_name("all", 0)])
        if max(1, cores) != (self._cores or available_threads()):
            self._cores = max(1, cores)
            # for as many threads as pay with these cores
            self._trainings.clear()
            self._inferences.clear()

    def _threads_for(self, events: int, passes: int) -> int:
        """Threads for a batch that goes through the network `passes` times: what was asked for, or what pays."""
        blocks = -(-events // LANES)
        if self._threads is not None:
            return max(1, min(self._threads, blocks))
        useful = min(blocks, self._work(events, passes) // _LEAST_WORK)
        return min(self._cores or available_threads(), useful) if useful > 1 else 1

    def _pays(self, events: int, passes: int) -> bool:
        """Whether several threads pay for such a batch: else one makes the sums of as many as were asked for."""
        return self._work(events, passes) >= 2 * _LEAST_WORK

    def _work(self, events: int, passes: int) -> int:
        """Multiply-adds of as many events that go through the network `passes` times."""
        return passes * events * self._work_of_one

    def _make_workspace(self, plan: Plan, blocks: int, threads: int) -> Workspace:
        workspace = Workspace(plan, blocks, threads)
        frame = workspace.frame
        weights = self._weights
        frame["weights"], frame["packed"] = weights.flat.ctypes.data, weights.packed.ctypes.data
        frame["statistics"] = weights.statistics.ctypes.data
        return workspace

    def _inference(self, loss: str | None) -> Inference:
        """What scores; no events have been scored with it before: what it needs is compiled.

        Whoever calls does not ask again; it may be for microseconds.
        """
        inference = self._inferences.get(loss)
        if inference is None:
            with compilation("scoring"):
                threads = self._threads or self._cores or available_threads()
                workspace = self._make_workspace(self._plan(loss, training=False), 1, threads)
                # with a loss the order of the events counts, and remembered states pass on from block to block
                by_block = loss is not None or self._remembers
                # weak, since an engine's memory is to go with it: Python looks for cycles only now and then
                alone = None if by_block else weakref.WeakMethod(self._alone_for_batches)
                inference = Inference(workspace, self._outputs, alone)
                self._infer(inference, *self._nothing, self._states.none(), self._remembers)
            self._inferences[loss] = inference
        return inference

    def _training(self, events: int, *, input_gradient: bool) -> Descent:
        """What trains on batches of a size; none has been trained on with it before: what it needs is compiled."""
        key = (events, input_gradient)
        training = self._trainings.get(key)
        if training is None:
            drop = () if input_gradient or self._settings is None else self._settings.drop_config
            with compilation("training"):
                plan = self._plan(self._loss, training=True, input_gradient=input_gradient, drop=drop)
                workspace = self._make_workspace(plan, -(-events // LANES), self._threads_for(events, 3))
                training = Descent(workspace, self._update, self._optimizer, self._regularization, self._decay)
                self._train(training, *self._nothing, np.empty((0, events), np.int64), np.empty(0, np.int64), 0)
            self._trainings[key] = training
        return training

    def _infer(
        self,
        inference: Inference,
        X: NDArray[Any],
        y: NDArray[Any],
        w: NDArray[Any],
        states: Floats,
        one_by_one: bool,
        finishing: Finishing | None = None,
    ) -> tuple[Floats, float]:
        """Raw outputs, or finished ones, and the sum of the losses; y and w are as `readable` has them."""
        n = len(X)
        out = np.empty((n, self._outputs), _FLOAT32)
        # remembered states pass on from event to event
        threads = 1 if one_by_one else min(self._threads_for(n, 1), inference.slots)
        X = readable(X, _FLOAT32)
        if threads == 1 or not self._pays(n, 1):
            total = inference(X, y, w, out, states, one_by_one, threads, 0, finishing)
        else:
            with compilation("scoring"), running(threads) as crew:
                total = inference(X, y, w, out, states, one_by_one, threads, crew, finishing)
        self._batches = 0
        return out, total

    def _train(
        self,
        training: Descent,
        X: NDArray[Any],
        y: NDArray[Any],
        w: NDArray[Any],
        order: NDArray[np.int64],
        keys: NDArray[np.int64],
        t: int,
    ) -> float:
        batches, events = order.shape
        self._states.reserve(events)
        X, y, w = readable(X, _FLOAT32), readable(y, _FLOAT32), readable(w, _FLOAT32)
        order, keys, states = readable(order, _INT64), readable(keys, _INT64), self._states.blocks
        try:
            if training.threads == 1 or not self._pays(events, 3):
                total = training(X, y, w, order, keys, states, self._batches, t, 0)
            else:
                with running(training.threads) as crew:
                    total = training(X, y, w, order, keys, states, self._batches, t, crew)
        finally:  # also where a signal's handler raises an error behind the steps, which have been made
            if t and self._panels:
                self._refresh_panels()
        self._states.cut(events)
        self._batches += batches
        return total

"""Runs networks on an NVIDIA GPU: owns the weights on the device and lays out memory for each batch size."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from math import prod
from typing import Any

import numpy as np
from numba import cuda
from numpy.typing import NDArray

from pytmva_rnn.compile.waiting import making_ready
from pytmva_rnn.kernels import Computation
from pytmva_rnn.kernels.codes import L1, NO_PENALTY, REGULARIZATIONS
from pytmva_rnn.kernels.cuda.layers import LAYERS
from pytmva_rnn.kernels.cuda.machine.batches import Batches
from pytmva_rnn.kernels.cuda.machine.copies import fill, pieces, read
from pytmva_rnn.kernels.cuda.machine.device import SIMULATED, upload
from pytmva_rnn.kernels.cuda.machine.graphs import Graphs
from pytmva_rnn.kernels.cuda.machine.inference import Pass, SampleLoss, loss_of_host, streamed
from pytmva_rnn.kernels.cuda.machine.layer import Run
from pytmva_rnn.kernels.cuda.machine.reserve import Reserve
from pytmva_rnn.kernels.cuda.machine.schedule import Schedule
from pytmva_rnn.kernels.cuda.machine.sums import LossSums
from pytmva_rnn.kernels.cuda.machine.weights import DeviceWeights
from pytmva_rnn.kernels.cuda.machine.workspace import zero_states
from pytmva_rnn.kernels.cuda.optimizers import Optimizer
from pytmva_rnn.kernels.engine_state import COUNTS, MOMENTS, check_state, named, remembered_name

_SAMPLE = 1 << 12
"""Events of a sample that is scored at once with the kernels of any larger one."""


class Engine:
    """The CUDA backend; see `pytmva_rnn.kernels.Engine`.

    With training settings, data sets are uploaded once and stay on the device as long as the engine: their arrays must
    not change in the meantime. All is launched on one stream, as CUDA graphs where that is possible.

    Attributes
    ----------
    stream : CUDA stream
    graphs : Graphs
    """

    def __init__(self, computation: Computation) -> None:
        layers, weights, settings = computation.layers, computation.weights, computation.settings
        for layer in layers:
            # before anything is uploaded
            LAYERS.find(layer.kind)
        self._computation = computation
        self._layers = layers
        self._shape = (computation.steps, computation.inputs)
        self._regularization, self._decay = REGULARIZATIONS[computation.regularization], computation.weight_decay
        self._keeps = settings is not None
        self._weights = DeviceWeights(layers, weights)
        decays = [
            np.full(prod(array.shape), array.decays and self._regularization != NO_PENALTY, np.uint8)
            for layer in layers
            for array in layer.arrays().values()
            if array.trained
        ]
        # the device has no empty arrays
        on_device = upload(np.concatenate(decays or [np.zeros(1)]), np.uint8)
        self._optimizer = Optimizer(
            self._weights.flat, on_device, self._regularization, self._decay, settings, computation.clip_norm
        )
        self._sums = LossSums()
        self.stream = cuda.stream()
        self.graphs = Graphs()
        drop = () if settings is None else tuple(settings.drop_config)
        self._reserve = Reserve(
            layers, self._weights, self._shape, computation.loss, drop, self.stream, computation.threads
        )
        self._remembers = computation.remembers
        self._states = zero_states(layers, 1)
        self._rows = 1
        self._batches = 0

    @property
    def one_kernel(self) -> bool:
        """Whether a small network has one kernel for it all; see `kernels.cuda.small`."""
        return self._reserve.one_kernel

    @one_kernel.setter
    def one_kernel(self, wanted: bool) -> None:
        self._reserve.one_kernel = wanted

    def prepare(self, batch_size: int) -> None:
        """See `kernels.Prepares`: a step of another engine, on nothing, compiles the kernels for both."""
        if SIMULATED:
            return
        # memory that suffices for one engine may not for two; then the first step compiles
        with making_ready(), suppress(MemoryError):
            other = Engine(self._computation)
            n = max(batch_size, _SAMPLE)
            X = np.zeros((n, *self._shape), np.float32)
            y = np.zeros((n, other._reserve.training(batch_size).outputs), np.float32)
            w = np.zeros(n, np.float32)
            other.loss(X, y, w)
            other.step(X, y, w, np.arange(batch_size), 0)

    def weights(self) -> list[dict[str, NDArray[Any]]]:
        return self._weights.on_host()

    def outputs(self, X: NDArray[Any], *, resume: bool = False) -> NDArray[Any]:
        X = self._flat(X)
        passes = self.passes(len(X), resume=resume)
        if len(passes) == 1:
            (only,) = passes
            fill(only.x, X, self.stream)
            only.launch()
            out = read(only.out)
        else:
            staging = self._reserve.staging("inference", len(passes[0].x), X.shape[1:])
            out = streamed(X, staging, passes, self.stream)
        self._batches = 0
        if resume:
            self._clear_states(1)
        return out

    def passes(self, events: int, *, resume: bool = False) -> list[Pass]:
        """What computes raw outputs of some events, piece by piece, on the engine's stream; remembered states go on."""
        workspace = self._reserve.inference(events)
        # those of the call before, or zero
        states = self._states if resume or not self._remembers else zero_states(self._layers, 1)

        def one(count: int) -> Pass:
            run = Run(count, states, one_by_one=True, stream=self.stream)
            make = partial(Pass, workspace, run, self.graphs)
            return make() if self._remembers else self._reserve.made("inference", (id(workspace), count), make)

        return [one(stop - start) for start, stop in pieces(events, self._reserve.rows_at_once(workspace))]

    def loss(self, X: NDArray[Any], y: NDArray[Any], w: NDArray[Any]) -> float:
        n = len(X)
        self._reserve_states(n)
        arrays = self._flat(X), y, w
        workspace = self._reserve.inference(n)
        # of a training, whose samples come again
        data = self._reserve.data(*arrays) if self._keeps else None
        rows, places = self._reserve.rows_at_once(workspace), (self._states, self._sums)
        if data is not None:
            make = partial(SampleLoss, workspace, data, *places, self.stream, self.graphs)
            # what states a batch starts from is another matter each time
            key = (id(workspace), *map(id, data))
            value = (make() if self._remembers else self._reserve.made("inference", key, make)).value()
        elif n <= rows:
            self._sums.clear(self.stream)
            workspace.add_loss(Run(n, self._states, stream=self.stream), arrays, self._sums.sums, n)
            value = self._sums.total()
        else:
            staging = self._reserve.staging("inference", rows, *(array.shape[1:] for array in arrays))
            value = loss_of_host(arrays, workspace, *places, staging, self.stream)
        self._batches = 0
        self._clear_states(n)
        return value

    def mean_loss(self, X: NDArray[Any], y: NDArray[Any], w: NDArray[Any], size: int) -> float:
        """See `kernels.WholeSamples`."""
        whole = len(X) // size * size
        if self._remembers:
            # each batch starts where the one before it ended
            parts = [slice(k, k + size) for k in range(0, whole, size)]
            return float(np.mean([self.loss(X[part], y[part], w[part]) for part in parts]))
        return self.loss(X[:whole], y[:whole], w[:whole])

    def gradients(
        self, X: NDArray[Any], y: NDArray[Any], w: NDArray[Any]
    ) -> tuple[float, list[dict[str, NDArray[Any]]], NDArray[Any]]:
        n = len(X)
        workspace = self._reserve.gradients(n)
        self._reserve_states(n)
        schedule = Schedule(1, 1)
        schedule.begin(np.zeros((1, 1), np.int64), np.zeros(1, np.int64), np.zeros(1, np.float32), self._batches)
        run = Run(n, self._states, partials=workspace.partials, schedule=schedule, stream=self.stream)
        self._sums.clear(self.stream)
        workspace.add_loss(run, (self._flat(X), y, w), self._sums.sums, n)
        workspace.backward(run)
        self._batches += 1
        self._clear_states(n)
        gradient = read(self._optimizer.gradient(run))
        x_gradient = read(workspace.dx).reshape(n, *self._shape)
        return self._sums.total(), self._weights.by_name(gradient), x_gradient

    def step(self, X: NDArray[Any], y: NDArray[Any], w: NDArray[Any], events: NDArray[np.int64], key: int) -> float:
        return self.epoch(X, y, w, events.reshape(1, -1), np.array([key]), lambda: None)

    def epoch(
        self,
        X: NDArray[Any],
        y: NDArray[Any],
        w: NDArray[Any],
        batches: NDArray[np.int64],
        keys: NDArray[np.int64],
        after: Callable[[], None],
    ) -> float:
        """Train on the batches `X[batches[k]]`; the device is waited for only at the end. See `kernels.WholeEpochs`."""
        arrays = self._flat(X), y, w
        epoch = self.batches(*arrays, *batches.shape)
        epoch.begin(batches, keys, self._batches)
        for chosen in batches:
            epoch.step(arrays, chosen)
            after()
        mean = self._sums.total() / len(batches)
        self._batches += len(batches)
        self._clear_states(batches.shape[1])
        return mean

    def batches(self, X: NDArray[Any], y: NDArray[Any], w: NDArray[Any], count: int, events: int) -> Batches:
        """What trains on `count` batches of some events of X (n, T*D), y (n, O) and w (n,): made once."""
        workspace = self._reserve.training(events)
        self._reserve_states(events)
        data = self._reserve.data(X, y, w)
        on: Any = data
        if data is None:
            # the device cannot hold them, and the host puts the batches together
            on = self._reserve.staging("training", events, *(array.shape[1:] for array in (X, y, w)))
        # numbers that grow are few: powers of two
        most = 1 << (count - 1).bit_length()
        states = (id(state) for each in self._states for state in each)
        make = partial(
            Batches, workspace, on, self._optimizer, self._sums, self._states, most, self.stream, self.graphs
        )
        return self._reserve.made("training", (id(workspace), *map(id, data or (on,)), *states, most), make)

    def penalty(self) -> float:
        if self._regularization == NO_PENALTY:
            return 0.0
        norm = np.abs if self._regularization == L1 else np.square
        penalised = [
            arrays[name]
            for layer, arrays in zip(self._layers, self._weights.on_host(), strict=True)
            for name, array in layer.arrays().items()
            if array.penalised
        ]
        return self._decay * float(sum(norm(W).sum(dtype=np.float64) for W in penalised))

    def set_learning_rate(self, rate: float) -> None:
        self._optimizer.rate = rate

    def state(self) -> dict[str, NDArray[Any]]:
        steps, moments = self._optimizer.state()
        arrays: dict[str, NDArray[Any]] = {COUNTS: np.array([steps, self._batches], np.int64)}
        for number, each in enumerate(self._weights.on_host(np.float64)):
            arrays |= {named(number, name): value for name, value in each.items()}
        for moment, flat in zip(MOMENTS, moments, strict=True):
            for number, each in enumerate(self._weights.by_name(flat)):
                arrays |= {named(number, name, moment): value for name, value in each.items()}
        for number, (layer, states) in enumerate(zip(self._layers, self._states, strict=True)):
            if layer.remembers:
                arrays |= {remembered_name(number, k): read(state) for k, state in enumerate(states)}
        return arrays

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        check_state(state, self.state())
        steps, self._batches = (int(count) for count in state[COUNTS])
        self._weights.set(
            [{name: state[named(n, name)] for name in layer.arrays()} for n, layer in enumerate(self._layers)]
        )
        moments = [
            self._weights.packed(
                [
                    {name: state[named(n, name, m)] for name in layer.weight_shapes()}
                    for n, layer in enumerate(self._layers)
                ]
            )
            for m in MOMENTS
        ]
        self._optimizer.restore(steps, np.stack(moments))
        if self._remembers:
            self._restore_states(state)

    def _restore_states(self, state: Mapping[str, NDArray[Any]]) -> None:
        known = [
            [state[remembered_name(number, k)] for k in range(len(layer.state_widths))] if layer.remembers else []
            for number, layer in enumerate(self._layers)
        ]
        rows = {len(each) for states in known for each in states}
        if len(rows) != 1 or min(rows) < 1:
            raise ValueError(f"the remembered states have {sorted(rows)} rows; expected one number, from 1 on")
        self._rows = rows.pop()
        self._states = zero_states(self._layers, self._rows)
        for targets, sources in zip(self._states, known, strict=True):
            for target, source in zip(targets, sources, strict=False):
                fill(target, source, self.stream)

    def _flat(self, X: NDArray[Any]) -> NDArray[Any]:
        return X.reshape(len(X), self._shape[0] * self._shape[1])

    def _reserve_states(self, events: int) -> None:
        """Room for the states that a batch leaves; a larger batch starts its further rows at zero."""
        if self._remembers and events > self._rows:
            larger = zero_states(self._layers, events)
            for new, old in zip(larger, self._states, strict=True):
                for target, source in zip(new, old, strict=True):
                    fill(target, source, self.stream)
            self._states, self._rows = larger, events

    def _clear_states(self, events: int) -> None:
        """Forget what rows beyond the batch hold."""
        if self._remembers and events < self._rows:
            for layer, each in zip(self._layers, self._states, strict=True):
                for state in each if layer.remembers else ():
                    rest = state[events:]
                    fill(rest, np.zeros(rest.shape, np.float32), self.stream)

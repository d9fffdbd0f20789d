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

from pytmva_rnn.kernels import Computation
from pytmva_rnn.kernels.codes import L1, NO_PENALTY, REGULARIZATIONS
from pytmva_rnn.kernels.cuda.layers import LAYERS
from pytmva_rnn.kernels.cuda.losses import BLOCKS
from pytmva_rnn.kernels.cuda.machine import graphs
from pytmva_rnn.kernels.cuda.machine.device import SIMULATED, empty, upload, zeros
from pytmva_rnn.kernels.cuda.machine.gather import gather
from pytmva_rnn.kernels.cuda.machine.layer import Run
from pytmva_rnn.kernels.cuda.machine.memory import Residents
from pytmva_rnn.kernels.cuda.machine.schedule import Schedule
from pytmva_rnn.kernels.cuda.machine.weights import DeviceWeights
from pytmva_rnn.kernels.cuda.machine.workspace import DeviceWorkspace, affordable, bytes_of, zero_states
from pytmva_rnn.kernels.cuda.optimizers import Optimizer
from pytmva_rnn.kernels.engine_state import COUNTS, MOMENTS, check_state, named, remembered_name

_PIECE = 1 << 17
"""At most so many events go through the network at once in inference."""


class Engine:
    """The CUDA backend; see `pytmva_rnn.kernels.Engine`.

    With training settings, data sets are uploaded once and stay on the device as long as the engine: their arrays must
    not change in the meantime.

    Attributes
    ----------
    graphs : bool
        Whether the launches of a training batch are captured as a CUDA graph; see `graphs`.
    """

    def __init__(self, computation: Computation) -> None:
        layers, weights, settings = computation.layers, computation.weights, computation.settings
        for layer in layers:
            # before anything is uploaded
            LAYERS.find(layer.kind)
        self._computation = computation
        self._layers = layers
        self._shape = (computation.steps, computation.inputs)
        self._loss = computation.loss
        self._regularization, self._decay = REGULARIZATIONS[computation.regularization], computation.weight_decay
        self._drop = () if settings is None else tuple(settings.drop_config)
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
        self._sums = zeros(BLOCKS, np.float64)
        self.graphs = graphs.wanted()
        self._remembers = computation.remembers
        self._states = zero_states(layers, 1)
        self._rows = 1
        self._batches = 0
        self._workspaces: dict[Any, DeviceWorkspace] = {}
        self._residents = Residents()
        self._staged: tuple[Any, ...] | None = None

    def prepare(self, batch_size: int) -> None:
        """See `kernels.Prepares`: a step of another engine, on nothing, compiles the kernels for both."""
        if SIMULATED:
            return
        # memory that suffices for one engine may not for two; then the first step compiles
        with suppress(MemoryError):
            other = Engine(self._computation)
            X = np.zeros((batch_size, *self._shape), np.float32)
            y = np.zeros((batch_size, other._workspace(batch_size, training=True).outputs), np.float32)
            w = np.zeros(batch_size, np.float32)
            other.loss(X, y, w)
            other.step(X, y, w, np.arange(batch_size), 0)

    def weights(self) -> list[dict[str, NDArray[Any]]]:
        return self._weights.on_host()

    def outputs(self, X: NDArray[Any], *, resume: bool = False) -> NDArray[Any]:
        X = self._flat(X)
        states = self._states if resume else zero_states(self._layers, 1)
        workspace = self._inference(len(X))
        out = np.empty((len(X), workspace.outputs), np.float32)
        for start, stop in _pieces(len(X), workspace.events):
            _fill(workspace.x, X[start:stop])
            workspace.forward(Run(stop - start, states, one_by_one=True))
            out[start:stop] = workspace.out[: stop - start].copy_to_host()
        self._batches = 0
        if resume:
            self._clear_states(1)
        return out

    def loss(self, X: NDArray[Any], y: NDArray[Any], w: NDArray[Any]) -> float:
        n = len(X)
        self._reserve_states(n)
        _fill(self._sums, np.zeros(BLOCKS))
        arrays = self._flat(X), y, w
        resident = self._residents.get(*arrays) if self._keeps else None
        workspace = self._inference(n)
        for start, stop in _pieces(n, workspace.events):
            for target, source in zip(_inputs(workspace), resident or arrays, strict=True):
                _fill(target, source[start:stop])
            run = Run(stop - start, [tuple(s[start:stop] if len(s) > 1 else s for s in each) for each in self._states])
            workspace.forward(run)
            workspace.loss.add(run, workspace.out, self._sums, n)
        self._batches = 0
        self._clear_states(n)
        return self._loss_so_far()

    def gradients(
        self, X: NDArray[Any], y: NDArray[Any], w: NDArray[Any]
    ) -> tuple[float, list[dict[str, NDArray[Any]]], NDArray[Any]]:
        workspace = self._workspace(len(X), training=True, input_gradient=True)
        _fill(self._sums, np.zeros(BLOCKS))
        for target, source in zip(_inputs(workspace), (self._flat(X), y, w), strict=True):
            _fill(target, source)
        run = self._training_run(workspace, Schedule(np.zeros(1, np.int64), np.zeros(1, np.float32), self._batches))
        self._backpropagate(workspace, run)
        self._batches += 1
        self._clear_states(len(X))
        gradient = self._optimizer.gradient(run).copy_to_host()
        x_gradient = workspace.dx.copy_to_host().reshape(len(X), *self._shape)
        return self._loss_so_far(), self._weights.by_name(gradient), x_gradient

    def step(self, X: NDArray[Any], y: NDArray[Any], w: NDArray[Any], events: NDArray[np.int64], key: int) -> float:
        return self.epoch(X, y, w, events[np.newaxis], np.array([key]), lambda: None)

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
        count, events = len(batches), batches.shape[1]
        workspace = self._workspace(events, training=True)
        arrays = self._flat(X), y, w
        data = self._residents.get(*arrays)
        # data that the device cannot hold come batch by batch, put together by the host
        comes = data is None
        data = data or self._stage(workspace)
        order = upload(np.arange(events)[np.newaxis] if comes else batches, np.int64)
        _fill(self._sums, np.zeros(BLOCKS))
        run = self._training_run(workspace, Schedule(keys, self._optimizer.rates(count), self._batches))

        def batch() -> None:
            gather(run, data, order, _inputs(workspace))
            self._backpropagate(workspace, run)
            self._optimizer.step(run)

        with graphs.Repeating(batch, run.stream, self.graphs and count > 1) as repeat:
            for chosen in batches:
                if comes:
                    for target, source in zip(data, arrays, strict=True):
                        _fill(target, source[chosen], run.stream)
                repeat()
                after()
            mean = self._loss_so_far() / count
        self.graphs = self.graphs and not repeat.refused
        self._batches += count
        self._clear_states(events)
        return mean

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
                arrays |= {remembered_name(number, k): state.copy_to_host() for k, state in enumerate(states)}
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
                _fill(target, source)

    def _training_run(self, workspace: DeviceWorkspace, schedule: Schedule) -> Run:
        self._reserve_states(workspace.events)
        stream = cuda.stream() if self.graphs else 0
        return Run(workspace.events, self._states, partials=workspace.partials, schedule=schedule, stream=stream)

    def _backpropagate(self, workspace: DeviceWorkspace, run: Run) -> None:
        """Forward and backward of what lies in the workspace; adds its loss to the sums."""
        workspace.forward(run)
        workspace.loss.add(run, workspace.out, self._sums, run.events)
        workspace.backward(run)

    def _loss_so_far(self) -> float:
        return float(self._sums.copy_to_host().sum())

    def _stage(self, workspace: DeviceWorkspace) -> tuple[Any, ...]:
        """Memory for a batch on its way from the host, shaped as its inputs are."""
        if self._staged is None or len(self._staged[0]) != workspace.events:
            self._staged = tuple(empty(target.shape) for target in _inputs(workspace))
        return self._staged

    def _flat(self, X: NDArray[Any]) -> NDArray[Any]:
        return X.reshape(len(X), self._shape[0] * self._shape[1])

    def _workspace(self, events: int, *, training: bool = False, input_gradient: bool = False) -> DeviceWorkspace:
        key = (events, training, input_gradient)
        if key not in self._workspaces:
            make = partial(
                DeviceWorkspace,
                self._layers,
                self._weights,
                *self._shape,
                self._loss,
                events,
                training=training,
                input_gradient=input_gradient,
                # gradients are those without dropout
                drop=() if input_gradient else self._drop,
            )
            try:
                self._workspaces[key] = make()
            except MemoryError:
                # a batch comes before the data sets that stay on the device
                if not self._residents.release():
                    raise
                self._workspaces[key] = make()
        return self._workspaces[key]

    def _inference(self, events: int) -> DeviceWorkspace:
        """Memory for as many of some events as fit into the device's memory at once."""
        known = [key[0] for key in self._workspaces if not key[1] and key[0] >= min(events, _PIECE)]
        if known:
            return self._workspace(min(known))
        needs = bytes_of(self._layers, self._weights, *self._shape, training=False, input_gradient=False)
        return self._workspace(max(1, min(events, _PIECE, affordable(*needs))))

    def _reserve_states(self, events: int) -> None:
        """Room for the states that a batch leaves; a larger batch starts its further rows at zero."""
        if self._remembers and events > self._rows:
            larger = zero_states(self._layers, events)
            for new, old in zip(larger, self._states, strict=True):
                for target, source in zip(new, old, strict=True):
                    _fill(target, source)
            self._states, self._rows = larger, events

    def _clear_states(self, events: int) -> None:
        """Forget what rows beyond the batch hold."""
        if self._remembers and events < self._rows:
            for layer, each in zip(self._layers, self._states, strict=True):
                for state in each if layer.remembers else ():
                    state[events:] = np.float32(0)


def _inputs(workspace: DeviceWorkspace) -> tuple[Any, ...]:
    """Where a batch's X, y and w go."""
    return workspace.x, workspace.loss.y, workspace.loss.w


def _fill(target: Any, source: Any, stream: Any = 0) -> None:
    """Copy an array of the host or the device into the first rows of one on the device."""
    if isinstance(source, np.ndarray):
        source = np.ascontiguousarray(source, target.dtype)
    part = target[: len(source)]
    part.copy_to_device(source.reshape(part.shape), stream=stream)


def _pieces(events: int, size: int) -> list[tuple[int, int]]:
    """Ranges of events, each of at most `size`."""
    return [(start, min(start + size, events)) for start in range(0, events, size)]

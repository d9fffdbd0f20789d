"""Runs a network's layers one after another in float64."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.kernels import Computation, last_sequence
from pytmva_rnn.kernels.engine_state import COUNTS, MOMENTS, check_state, named, remembered_name
from pytmva_rnn.kernels.reference import dropout
from pytmva_rnn.kernels.reference.layers import LAYERS
from pytmva_rnn.kernels.reference.losses import LOSSES
from pytmva_rnn.kernels.reference.machine.recurrent import STATES, THERE, Array, Memory, Parameters
from pytmva_rnn.kernels.reference.optimizers import OPTIMIZERS, clip


class Engine:
    """The reference backend; see `pytmva_rnn.kernels.Engine`."""

    def __init__(self, computation: Computation) -> None:
        layers, weights, settings = computation.layers, computation.weights, computation.settings
        self._layers = layers
        self._kernels = [LAYERS.find(layer.kind) for layer in layers]
        self._p: list[Parameters] = [{k: np.array(v, np.float64) for k, v in each.items()} for each in weights]
        self._shape = (computation.steps, computation.inputs)
        self._loss = LOSSES[computation.loss]
        self._regularization, self._decay = computation.regularization, computation.weight_decay
        self._settings = settings
        self._rate = 0.0 if settings is None else settings.learning_rate
        self._clip_norm = computation.clip_norm
        self._remembers = computation.remembers
        self._mask_padding = computation.mask_padding
        self._last_sequence = last_sequence(layers) if computation.mask_padding else -1
        self._memories: list[Memory] = [{} for _ in layers]
        trained = [[each[name] for name in layer.weight_shapes()] for layer, each in zip(layers, self._p, strict=True)]
        self._moments = [[(np.zeros_like(w), np.zeros_like(w)) for w in each] for each in trained]
        self._steps = 0
        self._gradients: list[Parameters] = []

    def weights(self) -> list[dict[str, NDArray[Any]]]:
        return [{name: value.copy() for name, value in each.items()} for each in self._p]

    def outputs(self, X: NDArray[Any], *, resume: bool = False) -> NDArray[Any]:
        X = np.asarray(X, np.float64)
        if not self._remembers:
            return self._infer(X)
        # one by one, in order, as TMVA's Reader evaluates: the state passes from event to event
        if resume:
            return np.concatenate([self._infer(X[n : n + 1]) for n in range(len(X))])
        kept, self._memories = self._memories, [{} for _ in self._layers]
        scores = np.concatenate([self._infer(X[n : n + 1]) for n in range(len(X))])
        self._memories = [{**memory, "batches": 0} for memory in kept]
        return scores

    def loss(self, X: NDArray[Any], y: NDArray[Any], w: NDArray[Any]) -> float:
        value, _ = self._loss(np.asarray(y, np.float64), self._infer(X), np.asarray(w, np.float64))
        return value

    def gradients(
        self, X: NDArray[Any], y: NDArray[Any], w: NDArray[Any]
    ) -> tuple[float, list[dict[str, NDArray[Any]]], NDArray[Any]]:
        return self._backpropagate(X, y, w, None)

    def step(self, X: NDArray[Any], y: NDArray[Any], w: NDArray[Any], events: NDArray[np.int64], key: int) -> float:
        value, _ = self.gradient(X, y, w, events, key)
        self.descend()
        return value

    def gradient(
        self, X: NDArray[Any], y: NDArray[Any], w: NDArray[Any], events: NDArray[np.int64], key: int
    ) -> tuple[float, list[NDArray[Any]]]:
        """See `kernels.SharesSteps`."""
        value, self._gradients, _ = self._backpropagate(X[events], y[events], w[events], key)
        return value, self._trained(self._gradients)

    def descend(self) -> None:
        """See `kernels.SharesSteps`."""
        self._steps += 1
        if self._clip_norm:
            clip((g for each in self._gradients for g in each.values()), self._clip_norm)
        update = OPTIMIZERS[self._settings.optimizer]
        for layer, p, each, moments in zip(self._layers, self._p, self._gradients, self._moments, strict=True):
            for name, (v, u) in zip(layer.weight_shapes(), moments, strict=True):
                update(p[name], each[name], v, u, self._steps, self._rate, self._settings)

    def trained(self) -> list[NDArray[Any]]:
        """See `kernels.SharesSteps`."""
        return [*self._trained(self._p), *(moment for each in self._moments for pair in each for moment in pair)]

    def changed(self) -> None:
        """See `kernels.SharesSteps`; nothing is kept of the weights."""

    def _trained(self, arrays: list[Parameters]) -> list[Array]:
        return [each[name] for each, layer in zip(arrays, self._layers, strict=True) for name in layer.weight_shapes()]

    def penalty(self) -> float:
        if self._regularization == "0":
            return 0.0
        penalised = [
            p[name]
            for layer, p in zip(self._layers, self._p, strict=True)
            for name, array in layer.arrays().items()
            if array.penalised
        ]
        norm = np.abs if self._regularization == "1" else np.square
        return self._decay * float(sum(norm(W).sum() for W in penalised))

    def set_learning_rate(self, rate: float) -> None:
        self._rate = rate

    def state(self) -> dict[str, NDArray[Any]]:
        batches = [memory.get("batches", 0) for memory in self._memories]
        arrays: dict[str, NDArray[Any]] = {COUNTS: np.array([self._steps, *batches], np.int64)}
        for number, (layer, p, all_moments) in enumerate(zip(self._layers, self._p, self._moments, strict=True)):
            arrays |= {named(number, name): value.copy() for name, value in p.items()}
            for name, moments in zip(layer.weight_shapes(), all_moments, strict=True):
                arrays |= {named(number, name, m): v.copy() for m, v in zip(MOMENTS, moments, strict=True)}
            if layer.remembers:
                memory = self._memories[number]
                for name, width in zip(STATES, layer.state_widths, strict=False):
                    arrays[remembered_name(number, name)] = np.array(memory.get(name, np.zeros((0, width))))
        return arrays

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        check_state(state, self.state())
        self._steps, *batches = (int(count) for count in state[COUNTS])
        for number, (layer, p, all_moments) in enumerate(zip(self._layers, self._p, self._moments, strict=True)):
            for name, value in p.items():
                value[...] = state[named(number, name)]
            for name, moments in zip(layer.weight_shapes(), all_moments, strict=True):
                for m, value in zip(MOMENTS, moments, strict=True):
                    value[...] = state[named(number, name, m)]
            self._memories[number] = {"batches": batches[number]}
            if layer.remembers:
                for name, _ in zip(STATES, layer.state_widths, strict=False):
                    self._memories[number][name] = state[remembered_name(number, name)].copy()

    def _infer(self, X: NDArray[Any]) -> Array:
        y, there = self._given(X)
        run = zip(self._kernels, self._layers, self._p, self._memories, strict=True)
        for number, (kernel, layer, p, memory) in enumerate(run):
            y, _ = kernel.forward(layer, p, y, memory, False)
            y = self._without_padding(number, y, there)
        return y.reshape(len(y), -1)

    def _given(self, X: NDArray[Any]) -> tuple[Array, NDArray[np.bool_] | None]:
        """Events (B, T, D), and which of their steps are there, (B, T), if some may be not: told to the layers."""
        x: Array = np.asarray(X, np.float64).reshape(len(X), *self._shape)
        if not self._mask_padding:
            return x, None
        there: NDArray[np.bool_] = np.logical_not(np.isnan(x).all(axis=2))
        for layer, memory in zip(self._layers, self._memories, strict=True):
            if layer.state_widths:
                memory[THERE] = there
        return np.where(there[:, :, np.newaxis], x, 0), there

    def _without_padding(self, number: int, y: Array, there: NDArray[np.bool_] | None) -> Array:
        """The output of a layer, or its gradient: of the last sequence 0 in the steps that are not there."""
        if there is None or number != self._last_sequence:
            return y
        return np.where(there[:, :, np.newaxis], y, 0)

    def _mask(self, number: int, x: Array, key: int | None) -> Array | float:
        """Factors of the inputs of a layer, by a key if any are to be dropped."""
        if key is None or not self._layers[number].drops_inputs or number >= len(self._settings.drop_config):
            return 1.0
        probability = self._settings.drop_config[number]
        return dropout.mask(x.shape, probability, key + number) if probability > 0 else 1.0

    def _backpropagate(
        self, X: NDArray[Any], y: NDArray[Any], w: NDArray[Any], key: int | None
    ) -> tuple[float, list[dict[str, NDArray[Any]]], NDArray[Any]]:
        """See `gradients`; with a key, inputs are dropped."""
        out, there = self._given(X)
        run = list(zip(self._kernels, self._layers, self._p, self._memories, strict=True))
        kept = []
        for number, (kernel, layer, p, memory) in enumerate(run):
            mask = self._mask(number, out, key)
            out, cache = kernel.forward(layer, p, out * mask, memory, True)
            out = self._without_padding(number, out, there)
            kept.append((mask, cache))
        value, dy = self._loss(np.asarray(y, np.float64), out.reshape(len(out), -1), np.asarray(w, np.float64))
        dy = dy.reshape(out.shape)
        gradients: list[dict[str, NDArray[Any]]] = []
        for number, (kernel, layer, p, _) in reversed(list(enumerate(run))):
            mask, cache = kept[number]
            dy, each = kernel.backward(layer, p, cache, self._without_padding(number, dy, there))
            dy = dy * mask
            for name, array in layer.arrays().items():
                if array.decays and self._regularization != "0":
                    W = p[name]
                    each[name] = each[name] + self._decay * (np.sign(W) if self._regularization == "1" else 2 * W)
            gradients.insert(0, each)
        return value, gradients, dy

"""The same networks in PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bench.cases import CaseData
from bench.contestants.base import Contestant, Gradients, gate_names
from pytmva_rnn import extras
from pytmva_rnn.description import Recurrent

__all__ = ["PyTorch"]


class PyTorch(Contestant):
    """`torch.nn.LSTM`, `GRU` or `RNN`, `Linear` and the fused Adam, on the CPU."""

    name = "PyTorch"

    def __init__(self, problem: CaseData, threads: int) -> None:
        super().__init__(problem, threads)
        torch = self._torch = extras.torch()
        layers = problem.model.layers
        self._recurrent = next(layer for layer in layers if isinstance(layer, Recurrent))
        self._dense = [layer for layer in layers if layer.kind == "DENSE"]
        make = getattr(torch.nn, self._recurrent.kind)
        self._cell = make(self._recurrent.input_size, self._recurrent.state_size, batch_first=True)
        self._linear = [torch.nn.Linear(*reversed(layer.weights["W"].shape)) for layer in self._dense]
        # TMVA has one bias where PyTorch has two: the second stays zero
        self._cell.bias_hh_l0.requires_grad_(False)
        with torch.no_grad():
            self._cell.bias_hh_l0.zero_()
            for parameter, layer, names in self._parameters():
                value = np.concatenate([layer.weights[name] for name in names])
                parameter.copy_(torch.from_numpy(value).reshape(parameter.shape))
        self._X, self._y = torch.from_numpy(problem.X), torch.from_numpy(problem.y)
        self._optimizer = self._adam()

    @classmethod
    def version(cls) -> str:
        return str(extras.torch().__version__)

    def prepare(self) -> None:
        self._torch.set_num_threads(self.threads)

    def call(self, what: str) -> Callable[[], Any]:
        return {"train": self._step, "infer": lambda: self._score(self._X), "one": lambda: self._score(self._X[:1])}[
            what
        ]

    def gradients(self) -> Gradients | None:
        self._optimizer.zero_grad(set_to_none=True)
        self._loss().backward()
        found: dict[int, dict[str, Any]] = {id(layer): {} for layer in self.problem.model.layers}
        for parameter, layer, names in self._parameters():
            gradient = parameter.grad.numpy().reshape(-1, layer.weights[names[0]].shape[1])
            found[id(layer)].update(zip(names, np.split(gradient, len(names)), strict=True))
        return [found[id(layer)] for layer in self.problem.model.layers]

    def _adam(self, **options: Any) -> Any:
        phase = self.problem.options.training_strategy[0]
        return self._torch.optim.Adam(
            [parameter for parameter, _, _ in self._parameters()],
            lr=phase.learning_rate,
            betas=(phase.adam_beta1, phase.adam_beta2),
            eps=phase.adam_eps,
            fused=True,
            **options,
        )

    def _parameters(self) -> list[tuple[Any, Any, list[str]]]:
        """PyTorch's trained arrays, each with the layer and the names of the arrays that it is made of."""
        cell, layer = self._cell, self._recurrent
        arrays = (("W", cell.weight_ih_l0), ("U", cell.weight_hh_l0), ("b", cell.bias_ih_l0))
        # the gates' order of PyTorch is that of TMVA
        parameters: list[tuple[Any, Any, list[str]]] = [
            (array, layer, gate_names(layer, matrix, layer.gates)) for matrix, array in arrays
        ]
        for linear, dense in zip(self._linear, self._dense, strict=True):
            parameters += [(linear.weight, dense, ["W"]), (linear.bias, dense, ["b"])]
        return parameters

    def _outputs(self, X: Any) -> Any:
        states, _ = self._cell(X)
        y = states.flatten(1) if self._recurrent.return_sequence else states[:, -1]
        for linear in self._linear[:-1]:
            y = self._torch.tanh(linear(y))
        return self._linear[-1](y)

    def _loss(self) -> Any:
        return self._torch.nn.functional.binary_cross_entropy_with_logits(self._outputs(self._X), self._y)

    def _step(self) -> Any:
        self._optimizer.zero_grad(set_to_none=True)
        loss = self._loss()
        loss.backward()
        self._optimizer.step()
        return loss.detach()

    def _score(self, X: Any) -> Any:
        with self._torch.inference_mode():
            return self._torch.sigmoid(self._outputs(X))

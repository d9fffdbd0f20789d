"""The weights of a network as the kernels have them: flat, and packed for the fused steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.kernels.cpu.machine.plan import Plan
from pytmva_rnn.kernels.cpu.machine.workspace import aligned

__all__ = ["FlatWeights", "PanelWeights"]


class FlatWeights:
    """Copies of a network's arrays in the places that a plan gives them.

    Attributes
    ----------
    flat : array of float32
        What training changes, and what gradients and moments look like.
    packed : array of float32
        What operations keep of it in an order of their own, as `program.pack` fills it.
    statistics : array of float64
    """

    def __init__(self, plan: Plan, weights: Sequence[Mapping[str, NDArray[Any]]]) -> None:
        self._plan = plan
        self.flat = aligned(1, plan.weights_size)[0, : plan.weights_size]
        self.packed = aligned(1, plan.packed_size)[0]
        self.statistics = np.zeros(plan.statistics_size)
        for array in plan.arrays:
            array.window(self.statistics if array.statistic else self.flat)[...] = weights[array.layer][array.name]

    def unpacked(self) -> list[dict[str, NDArray[np.float32]]]:
        """Copies of all arrays, one mapping a layer."""
        return self._unpacked(self.flat, statistics=True)

    def unpacked_gradient(self, gradient: NDArray[np.float32]) -> list[dict[str, NDArray[np.float32]]]:
        """Copies of the arrays of a gradient that is laid out like `flat`."""
        return self._unpacked(gradient, statistics=False)

    def exact(self) -> dict[tuple[int, str], NDArray[Any]]:
        """Copies of all arrays by layer and name, the statistics in float64."""
        return {
            (array.layer, array.name): array.window(self.statistics if array.statistic else self.flat).copy("C")
            for array in self._plan.arrays
        }

    def trained(self, flat: NDArray[np.float32]) -> dict[tuple[int, str], NDArray[np.float32]]:
        """Windows, by layer and name, on what is laid out like `flat`."""
        return {(array.layer, array.name): array.window(flat) for array in self._plan.arrays if not array.statistic}

    def set(self, arrays: Mapping[tuple[int, str], NDArray[Any]]) -> None:
        """Take over what `exact` gave; `packed` is to be filled again then."""
        for array in self._plan.arrays:
            target = self.statistics if array.statistic else self.flat
            array.window(target)[...] = arrays[array.layer, array.name]

    def _unpacked(self, flat: NDArray[Any], *, statistics: bool) -> list[dict[str, NDArray[np.float32]]]:
        arrays: list[dict[str, NDArray[np.float32]]] = [{} for _ in self._plan.layers]
        for array in self._plan.arrays:
            if statistics or not array.statistic:
                source = self.statistics if array.statistic else flat
                arrays[array.layer][array.name] = array.window(source).astype(np.float32)
        return arrays


class PanelWeights:
    """What products with one event read of flat weights.

    Attributes
    ----------
    packed : array of float32
    """

    def __init__(self, plan: Plan, flat: NDArray[np.float32]) -> None:
        self._panels, self._flat = plan.panels, flat
        self.packed = aligned(1, plan.packed_size)[0]
        self.refresh()

    def refresh(self) -> None:
        """Copy the weights as they are now."""
        for panels in self._panels:
            panels.fill(self._flat, self.packed)

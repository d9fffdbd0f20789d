"""A classifier's response: TMVA's histograms and the efficiencies that it takes from them.

Source of all binnings, names and algorithms: TMVA's MethodBase.cxx (TestClassification, GetEfficiency,
GetTrainingEfficiency), Config.cxx and TSpline1.cxx.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.data.dataset import Dataset
from pytmva_rnn.tmva.output.histograms import Axis, filled, listed
from pytmva_rnn.tmva.output.method_output import MethodOutput

__all__ = ["Efficiencies", "Response"]

Values = NDArray[np.float64]

_SHOWN_BINS = 40
_FINE_BINS = 10_000
_STEPS = Axis(100, 0, 1)
_SCAN = (np.arange(1000) + 0.5) / 1000


@dataclass(frozen=True, eq=False)
class Efficiencies:
    """What cuts on a score keep.

    Attributes
    ----------
    signal, background : (10000,) float64
        Fractions of the weight kept by a cut at each bin of the score.
    background_at : (100,) float64
        Background efficiency at the signal efficiencies 0.005, 0.015, ... 0.995.
    """

    signal: Values
    background: Values
    background_at: Values

    @classmethod
    def of(
        cls, axis: Axis, scores: NDArray[Any], signal: NDArray[np.bool_], weights: Values, larger: bool
    ) -> Efficiencies:
        """From scores (n,); with `larger` a cut keeps what lies above it, otherwise what lies below."""
        position = (np.asarray(scores, np.float64) - axis.low) / (axis.high - axis.low) * axis.bins
        # Casting in C++ drops the digits after the point, so that values just below the axis are in bin 1.
        number = np.trunc(np.clip(position, -1, axis.bins + 1)).astype(np.int64)
        kept = []
        for member in (signal, ~signal):
            contents: NDArray[np.float64] = np.zeros(axis.bins)
            if larger:
                counted = member & (number < axis.bins)
                np.add.at(contents, np.maximum(number[counted], 0), weights[counted])
                contents = contents[::-1].cumsum()[::-1]
            else:
                counted = member & (number >= 0) & (number < axis.bins - 1)
                np.add.at(contents, number[counted] + 1, weights[counted])
                contents = contents.cumsum()
            kept.append(contents / max(float(contents.max()), float(np.finfo(np.float64).eps)))
        return cls(kept[0], kept[1], cls._curve(*(kept if larger else (part[::-1] for part in kept))))

    @staticmethod
    def _curve(signal: Values, background: Values) -> Values:
        """Background efficiency in the bin where the signal efficiency, which falls, is nearest to each wanted one."""
        falling = np.minimum.accumulate(signal)
        wanted = _STEPS.centres
        after = np.searchsorted(-falling, -wanted, side="right").clip(1, len(signal) - 1)
        nearer = np.abs(signal[after] - wanted) < np.abs(signal[after - 1] - wanted)
        return np.asarray(background[after - 1 + nearer])

    @cached_property
    def _scan(self) -> Values:
        """Background efficiency at signal efficiencies 0.0005, 0.0015, ... by straight lines, also at the ends."""
        x, y = _STEPS.centres, self.background_at
        place = np.searchsorted(x, _SCAN).clip(1, len(x) - 1)
        slope = (y[place] - y[place - 1]) / _STEPS.width
        return np.asarray(y[place - 1] + (_SCAN - x[place - 1]) * slope)

    @property
    def area(self) -> float:
        """Area under background rejection against signal efficiency, by which TMVA ranks methods."""
        return float(np.mean(1 - self._scan))

    def signal_at(self, background: float) -> float:
        """Signal efficiency at a background efficiency, to 0.0005 and within what 100 bins can tell."""
        below = np.append(0.0, self._scan[:-1]) - background
        crossed = np.flatnonzero((self._scan - background) * below <= 0)
        if not len(crossed):
            return float(_SCAN[-1])
        first = int(crossed[0])
        return float((_SCAN[first] + (_SCAN[first - 1] if first else 0.0)) / 2)


class Response:
    """The response of a classifier to a training and a test sample of two classes.

    Parameters
    ----------
    method : MethodOutput
    training, test : Dataset

    Attributes
    ----------
    test, training : Efficiencies
    """

    def __init__(self, method: MethodOutput, training: Dataset, test: Dataset) -> None:
        self._name = f"MVA_{method.title}"
        self._samples = {
            "": (method.scores("test", test)[:, 0].astype(np.float64), test.class_index == 0, test.weights),
            "Train_": (
                method.scores("training", training)[:, 0].astype(np.float64),
                training.class_index == 0,
                training.weights,
            ),
        }
        low, high, larger = _range(*self._samples[""])
        self._shown = Axis(_SHOWN_BINS, low, high)
        self._fine = Axis(_FINE_BINS, low, high)
        self.test = Efficiencies.of(self._fine, *self._samples[""], larger)
        self.training = Efficiencies.of(self._fine, *self._samples["Train_"], larger)

    @property
    def significance(self) -> float:
        """Distance of the mean test scores of both classes, divided by their spreads added in squares."""
        scores, signal, weights = self._samples[""]
        moments = []
        for member in (signal, ~signal):
            total = weights[member].sum()
            if not total > 0:
                return 0.0
            mean = float(scores[member] @ weights[member] / total)
            moments.append((mean, abs(float(scores[member] ** 2 @ weights[member] / total) - mean**2)))
        spread = float(np.sqrt(moments[0][1] + moments[1][1]))
        return abs(moments[0][0] - moments[1][0]) / spread if spread > 0 else 0.0

    @property
    def separation(self) -> float:
        """Half the integral of (S - B)^2/(S + B), from histograms of the test scores."""
        scores, signal, weights = self._samples[""]
        axis = self._shown
        inside = (scores >= axis.low) & (scores < axis.high)
        parts = []
        for member in (signal & inside, ~signal & inside):
            contents = np.bincount(axis.numbers(scores[member]), weights[member], axis.bins + 2)[1:-1]
            parts.append(contents / (contents.sum() or 1.0))
        total = parts[0] + parts[1]
        return float(0.5 * np.sum((parts[0] - parts[1])[total > 0] ** 2 / total[total > 0]))

    def histograms(self) -> dict[str, Any]:
        """Histograms by name, as TMVA writes them into the folder of the method."""
        name = self._name
        made: dict[str, Any] = {}
        for infix, (scores, signal, weights) in self._samples.items():
            for letter, member in (("S", signal), ("B", ~signal)):
                key = f"{name}_{infix}{letter}"
                made[key] = filled(key, self._shown, scores[member], weights[member], density=True)
                if not infix:
                    fine = f"{key}_high"
                    made[fine] = filled(fine, self._fine, scores[member], weights[member], density=True)
        for eff, rej, found in (("eff", "rej", self.test), ("trainingEff", "trainingRej", self.training)):
            made[f"{name}_{eff}S"] = listed(f"{name} (signal)", self._fine, found.signal)
            made[f"{name}_{eff}B"] = listed(f"{name} (background)", self._fine, found.background)
            at = found.background_at
            made[f"{name}_{eff}BvsS"] = self._versus(at, "Backgr eff")
            made[f"{name}_{rej}BvsS"] = self._versus(1 - at, "Backgr rejection (1-eff)")
        at = self.test.background_at
        inverse = np.divide(1, at, where=at > np.finfo(np.float64).eps, out=np.zeros_like(at))
        made[f"{name}_invBeffvsSeff"] = self._versus(inverse, "Inverse backgr. eff (1/eff)")
        return made

    def _versus(self, contents: Values, title: str) -> Any:
        return listed(self._name, Axis(_STEPS.bins, 0, 1, "Signal eff"), contents, y_title=title)


def _range(scores: Values, signal: NDArray[np.bool_], weights: Values) -> tuple[float, float, bool]:
    """Range of the histograms, and whether signal has the larger scores."""
    means, lows, highs = [], [], []
    for member in (signal, ~signal):
        total = weights[member].sum()
        # A class of no weight has no mean; then nothing is cut off for its sake.
        mean = float(scores[member] @ weights[member] / total) if total else float(scores.mean())
        rms = float(np.sqrt(abs(scores[member] ** 2 @ weights[member] / total - mean**2))) if total else np.inf
        means.append(mean)
        lows.append(mean - 10 * rms)
        highs.append(mean + 10 * rms)
    low, high = max(min(lows), float(scores.min())), min(max(highs), float(scores.max()))
    return low, high + 0.00001, means[0] > means[1]

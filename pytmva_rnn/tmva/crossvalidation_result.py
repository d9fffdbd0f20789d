"""What a cross validation found of one method: TMVA's CrossValidationResult."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pytmva_rnn.errors import DataError
from pytmva_rnn.tmva.console import say, shown
from pytmva_rnn.tmva.explained import Explained
from pytmva_rnn.tmva.roc import ROCCurve, ROCPlot

__all__ = ["CrossValidationResult", "Fold"]


@dataclass(frozen=True, eq=False)
class Fold:
    """Numbers of one fold, all from its test sample but the last.

    Attributes
    ----------
    curve : ROCCurve, optional
        Of class 0 against the rest; none for a regression.
    significance, separation : float
        Of two classes, as the rest; NaN otherwise.
    efficiencies : tuple of float
        Signal efficiencies at the background efficiencies 0.01, 0.10 and 0.30.
    area : float
    training_efficiencies : tuple of float
    """

    curve: ROCCurve | None
    significance: float = float("nan")
    separation: float = float("nan")
    efficiencies: tuple[float, ...] = (float("nan"),) * 3
    area: float = float("nan")
    training_efficiencies: tuple[float, ...] = (float("nan"),) * 3


@dataclass(frozen=True, eq=False)
class CrossValidationResult(Explained):
    """Numbers of all folds, and what they have in common.

    Attributes
    ----------
    folds : tuple of Fold
    """

    folds: tuple[Fold, ...]

    def GetROCValues(self) -> dict[int, float]:
        """ROC integral of each fold, from the events that its network did not see; of class 0 against the rest.

        Raises
        ------
        DataError
            For a regression; so do all others that are about ROC curves.
        """
        return {number: curve.integral for number, curve in enumerate(self._curves())}

    def GetROCAverage(self) -> float:
        """Mean of the ROC integrals."""
        return float(np.mean(list(self.GetROCValues().values())))

    def GetROCStandardDeviation(self) -> float:
        """Standard deviation of the ROC integrals of the folds, not of their mean."""
        return float(np.std(list(self.GetROCValues().values()), ddof=1))

    def GetROCCurves(self, fLegend: bool = True) -> ROCPlot:
        """The ROC curves of all folds."""
        return ROCPlot(self._curves())

    def GetAvgROCCurve(self, numSamples: int = 100) -> ROCCurve:
        """Mean background rejection of all folds at `numSamples` signal efficiencies."""
        if numSamples < 2:
            raise DataError(f"a curve has at least two points, not {numSamples}")
        curves = self._curves()
        x = np.linspace(0.0, 1.0, numSamples)
        y = np.mean([np.interp(x, curve.efficiency, curve.rejection) for curve in curves], axis=0)
        return ROCCurve("Avg ROC Curve", x, y, self.GetROCAverage())

    def Print(self) -> None:
        """Print the ROC integrals."""
        lines = [" ==== Results ===="]
        lines += [f"Fold  {number} ROC-Int : {value:.4f}" for number, value in self.GetROCValues().items()]
        lines.append("------------------------")
        lines.append(f"Average ROC-Int : {self.GetROCAverage():.4f}")
        lines.append(f"Std-Dev ROC-Int : {self.GetROCStandardDeviation():.4f}")
        with shown(False):
            for source, line in zip(("CrossValidation", *("" for _ in lines)), lines, strict=False):
                say(source, line)

    def Draw(self, name: str = "CrossValidation") -> Any:
        """A Matplotlib figure with the ROC curves of all folds."""
        return self.GetROCCurves().Draw()

    def DrawAvgROCCurve(self, drawFolds: bool = False, title: str = "") -> Any:
        """A Matplotlib figure with the mean ROC curve, and with `drawFolds` those of the folds."""
        figure = ROCPlot((*(self._curves() if drawFolds else ()), self.GetAvgROCCurve())).Draw()
        figure.axes[0].set_title(title or "Cross Validation Average ROC Curve")
        return figure

    def GetSigValues(self) -> list[float]:
        """Distance of the mean scores of signal and background by their spreads, of each fold."""
        return [fold.significance for fold in self.folds]

    def GetSepValues(self) -> list[float]:
        """Separation of the scores, of each fold."""
        return [fold.separation for fold in self.folds]

    def GetEff01Values(self) -> list[float]:
        """Signal efficiency at a background efficiency of 0.01, of each fold."""
        return [fold.efficiencies[0] for fold in self.folds]

    def GetEff10Values(self) -> list[float]:
        """Signal efficiency at a background efficiency of 0.10, of each fold."""
        return [fold.efficiencies[1] for fold in self.folds]

    def GetEff30Values(self) -> list[float]:
        """Signal efficiency at a background efficiency of 0.30, of each fold."""
        return [fold.efficiencies[2] for fold in self.folds]

    def GetEffAreaValues(self) -> list[float]:
        """ROC integral from histograms, of each fold."""
        return [fold.area for fold in self.folds]

    def GetTrainEff01Values(self) -> list[float]:
        """`GetEff01Values` from the training samples."""
        return [fold.training_efficiencies[0] for fold in self.folds]

    def GetTrainEff10Values(self) -> list[float]:
        """`GetEff10Values` from the training samples."""
        return [fold.training_efficiencies[1] for fold in self.folds]

    def GetTrainEff30Values(self) -> list[float]:
        """`GetEff30Values` from the training samples."""
        return [fold.training_efficiencies[2] for fold in self.folds]

    def _curves(self) -> tuple[ROCCurve, ...]:
        curves = tuple(fold.curve for fold in self.folds if fold.curve is not None)
        if len(curves) < len(self.folds):
            raise DataError("a regression has no ROC curve; the tables that Evaluate prints tell its deviations")
        return curves

"""ROC curves as objects that draw themselves."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn import extras
from pytmva_rnn.files import atomic_path

__all__ = ["ROCCurve", "ROCPlot"]


@dataclass(frozen=True, eq=False)
class ROCCurve:
    """Background rejection against signal efficiency of one method.

    Attributes
    ----------
    title : str
    efficiency, rejection : (k,) float64
        Points from the tightest cut to the loosest.
    integral : float
    """

    title: str
    efficiency: NDArray[np.float64]
    rejection: NDArray[np.float64]
    integral: float

    def GetN(self) -> int:
        """Number of points."""
        return len(self.efficiency)

    def GetX(self) -> NDArray[np.float64]:
        """Signal efficiencies."""
        return self.efficiency

    def GetY(self) -> NDArray[np.float64]:
        """Background rejections."""
        return self.rejection

    def Draw(self, option: str = "") -> Any:
        """A Matplotlib figure; see `ROCPlot.Draw`."""
        return ROCPlot((self,)).Draw(option)

    def SaveAs(self, path: str | os.PathLike[str]) -> None:
        """Write a picture; see `ROCPlot.SaveAs`."""
        ROCPlot((self,)).SaveAs(path)


@dataclass(frozen=True, eq=False)
class ROCPlot:
    """The ROC curves of several methods, where C++ TMVA has a TCanvas or a TMultiGraph."""

    curves: tuple[ROCCurve, ...]

    def Draw(self, option: str = "") -> Any:
        """A Matplotlib figure with all curves, which notebooks show.

        Parameters
        ----------
        option : str
            ROOT's draw option; without effect.

        Raises
        ------
        MissingExtraError
            If Matplotlib is not installed.
        """
        figure = extras.matplotlib().figure.Figure(figsize=(5.2, 4.6), layout="constrained")
        axes = figure.subplots()
        for curve in self.curves:
            axes.plot(curve.efficiency, curve.rejection, linewidth=1.4, label=f"{curve.title} {curve.integral:.3f}")
        axes.plot([0, 1], [1, 0], color="0.75", linewidth=0.8)
        axes.set(xlim=(0, 1), ylim=(0, 1.01), xlabel="signal efficiency", ylabel="background rejection")
        axes.set_title("ROC curves and their integrals")
        axes.grid(alpha=0.25, linewidth=0.6)
        axes.legend(frameon=False, loc="lower left")
        return figure

    def SaveAs(self, path: str | os.PathLike[str]) -> None:
        """Write a picture; the ending of the name says of which kind.

        Raises
        ------
        MissingExtraError
            If Matplotlib is not installed.
        OSError
            If the file cannot be written.
        """
        figure = self.Draw()
        with atomic_path(path) as temporary:
            figure.savefig(temporary, dpi=150)

    def Print(self, path: str | os.PathLike[str]) -> None:
        """The same as `SaveAs`."""
        self.SaveAs(path)

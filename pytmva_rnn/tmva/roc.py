"""ROC curves as objects that draw themselves."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn import extras
from pytmva_rnn.errors import OptionError
from pytmva_rnn.files import atomic_path
from pytmva_rnn.tmva.explained import Explained

__all__ = ["ROCCurve", "ROCPlot"]

_FORMATS = ("png", "pdf", "svg", "eps", "ps", "jpg", "jpeg", "tif", "tiff", "webp")


class _Picture(Explained):
    """What draws itself, and so can be written as a picture."""

    def Draw(self, option: str = "") -> Any:
        """A Matplotlib figure; see the classes."""
        raise NotImplementedError

    def Print(self, path: str | os.PathLike[str], type: str = "") -> None:
        """Write a picture.

        Parameters
        ----------
        path : path-like
        type : str
            Of the file, `pdf`, `png` ...; the ending of the path tells it if it is not given.

        Raises
        ------
        OptionError
            For a type that Matplotlib does not write, as ROOT's `C`, `root` or several pages in `file.pdf(`.
        MissingExtraError
            If Matplotlib is not installed.
        OSError
            If the file cannot be written.
        """
        kind = (type.partition(" ")[0] or Path(path).suffix).lower().removeprefix(".")
        if kind not in _FORMATS:
            raise OptionError(f"pictures are written as {', '.join(_FORMATS)}; not as {kind!r} ({os.fspath(path)})")
        figure = self.Draw()
        with atomic_path(path) as temporary:
            figure.savefig(temporary, dpi=150, format=kind)

    def SaveAs(self, path: str | os.PathLike[str], option: str = "") -> None:
        """The same as `Print`."""
        self.Print(path, option)


@dataclass(frozen=True, eq=False)
class ROCCurve(_Picture):
    """Background rejection against signal efficiency of one method, with the calls of a TGraph.

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

    def GetName(self) -> str:
        """The title of the method."""
        return self.title

    def GetTitle(self) -> str:
        """The title of the method."""
        return self.title

    def GetN(self) -> int:
        """Number of points."""
        return len(self.efficiency)

    def GetX(self) -> NDArray[np.float64]:
        """Signal efficiencies."""
        return self.efficiency

    def GetY(self) -> NDArray[np.float64]:
        """Background rejections."""
        return self.rejection

    def GetPointX(self, i: int) -> float:
        """Signal efficiency of point `i`."""
        return float(self.efficiency[i])

    def GetPointY(self, i: int) -> float:
        """Background rejection of point `i`."""
        return float(self.rejection[i])

    def Eval(self, x: float) -> float:
        """Background rejection at a signal efficiency, linear between the points."""
        return float(np.interp(x, self.efficiency, self.rejection))

    def Draw(self, option: str = "") -> Any:
        """A Matplotlib figure; see `ROCPlot.Draw`."""
        return ROCPlot((self,)).Draw(option)


@dataclass(frozen=True, eq=False)
class ROCPlot(_Picture):
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

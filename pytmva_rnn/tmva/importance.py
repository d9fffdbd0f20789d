"""What each variable is worth to a network: TMVA's EvaluateImportance.

Source of the sums: TMVA's Factory.cxx.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pytmva_rnn import extras
from pytmva_rnn.errors import DataError
from pytmva_rnn.tmva.dataloader import DataLoader
from pytmva_rnn.tmva.enums import VIType
from pytmva_rnn.tmva.explained import Explained
from pytmva_rnn.trandom import TRandom3

__all__ = ["VariableImportance", "variable_importance"]

_MOST = 10
"""Variables whose sets, 2 to this power, are all tried; kRandom is for more."""


@dataclass(frozen=True)
class VariableImportance(Explained):
    """Importance of each variable, with the calls of the histogram that C++ TMVA gives.

    Attributes
    ----------
    names : tuple of str
    percent : tuple of float
        They add up to 100.
    """

    names: tuple[str, ...]
    percent: tuple[float, ...]

    def __str__(self) -> str:
        return "\n".join(f"{name} = {value:.4g} %" for name, value in zip(self.names, self.percent, strict=True))

    def GetNbinsX(self) -> int:
        """Number of variables."""
        return len(self.names)

    def GetBinContent(self, bin: int) -> float:
        """Of variable `bin`, which is counted from 1, in per cent."""
        return self.percent[bin - 1] if 1 <= bin <= len(self.percent) else 0.0

    def GetXaxis(self) -> VariableImportance:
        """This itself, for `GetXaxis().GetBinLabel(1)`."""
        return self

    def GetBinLabel(self, bin: int) -> str:
        """Name of variable `bin`, which is counted from 1."""
        return self.names[bin - 1] if 1 <= bin <= len(self.names) else ""

    def Draw(self, option: str = "") -> Any:
        """A Matplotlib figure with bars.

        Raises
        ------
        MissingExtraError
            If Matplotlib is not installed.
        """
        figure = extras.matplotlib().figure.Figure(figsize=(5.2, 4.0), layout="constrained")
        axes = figure.subplots()
        axes.bar(range(len(self.names)), self.percent, tick_label=self.names)
        axes.tick_params(axis="x", rotation=90)
        axes.set_ylabel("importance (%)")
        return figure


def variable_importance(loader: DataLoader, kind: int, quality: Callable[[DataLoader], float]) -> VariableImportance:
    """The importance of each variable of a data loader.

    Parameters
    ----------
    loader : DataLoader
    kind : VIType
    quality : function of a data loader
        ROC integral of the network on its variables.

    Raises
    ------
    DataError
        For array variables, a wrong kind, or a number of variables that it does not fit.
    """
    names = tuple(loader.GetDataSetInfo().GetListOfVariables())
    n = len(names)
    if any(loader.GetDataSetInfo().IsVariableFromArray(i) for i in range(n)):
        raise DataError("EvaluateImportance leaves out single variables; declare those of an array one by one")
    if kind not in list(VIType):
        raise DataError(f"EvaluateImportance takes VIType.kShort, kAll or kRandom, not {kind!r}")
    if kind == VIType.kRandom and n <= _MOST:
        raise DataError(f"kRandom is for more than {_MOST} variables, here there are {n}; take kAll or kShort")
    if kind == VIType.kAll and n > _MOST:
        raise DataError(f"kAll would train {2**n - 1} networks for {n} variables; take kShort")
    known = {0: 0.5}  # no variable tells nothing

    def of_set(members: int) -> float:
        if members not in known:
            known[members] = quality(loader.with_variables([i for i in range(n) if members >> i & 1]))
        return known[members]

    everything = 2**n - 1
    if kind == VIType.kShort:
        sets = [everything]
    elif kind == VIType.kAll:
        sets = list(range(1, everything + 1))
    else:
        sets = [members for members in (TRandom3(0).rndm(2**n) * 2**n).astype(int).tolist() if members]
    gains = [0.0] * n
    for members in sets:
        for i in range(n):
            if members >> i & 1:
                gains[i] += of_set(members) - of_set(members & ~(1 << i))
    total = sum(gains)
    if total == 0:
        raise DataError("no variable raises the ROC integral: the network tells nothing; train it longer")
    return VariableImportance(names, tuple(100 * gain / total for gain in gains))

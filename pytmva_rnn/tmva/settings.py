"""TMVA's global settings and the calls by which scripts wake C++ TMVA up."""

from __future__ import annotations

from dataclasses import dataclass, field

from pytmva_rnn.tmva.explained import Explained, ExplainedType

__all__ = ["Config", "PyMethodBase", "Tools", "gConfig"]


@dataclass
class IONames:
    """Where weight files go: `<prefix>/<data loader>/<fWeightFileDir>/<job>_<title>.<extension>.xml`."""

    fWeightFileDir: str = "weights"
    fWeightFileDirPrefix: str = ""
    fWeightFileExtension: str = "weights"


@dataclass
class VariablePlotting:
    """Settings of C++ TMVA's control plots; without effect here, and others than these may be set as well."""

    fTimesRMS: float = 8.0
    fNbins1D: int = 40
    fNbins2D: int = 300
    fMaxNumOfAllowedVariables: int = 100
    fMaxNumOfAllowedVariablesForScatterPlots: int = 20
    fNbinsMVAoutput: int = 40
    fNbinsXOfROCCurve: int = 100
    fUsePaperStyle: bool = False
    fPlotFormat: int = 0


@dataclass
class Config(Explained):
    """Settings of the whole program; `Config.Instance()` and `gConfig()` give the one that counts."""

    _silent: bool = False
    _io_names: IONames = field(default_factory=IONames)
    _variable_plotting: VariablePlotting = field(default_factory=VariablePlotting)

    @staticmethod
    def Instance() -> Config:
        """The one and only."""
        return _CONFIG

    def GetIONames(self) -> IONames:
        """Names of folders and files, which may be set."""
        return self._io_names

    def GetVariablePlotting(self) -> VariablePlotting:
        """Settings of plots, which may be set."""
        return self._variable_plotting

    def IsSilent(self) -> bool:
        """Whether nothing is to be printed."""
        return self._silent

    def SetSilent(self, silent: bool = True) -> None:
        """Print nothing, or do."""
        self._silent = bool(silent)

    def SetUseColor(self, use: bool = True) -> None:
        """Without effect: what is printed has no colours."""

    def SetDrawProgressBar(self, draw: bool = True) -> None:
        """Without effect; the option DrawProgressBar of the Factory has one."""


_CONFIG = Config()


def gConfig() -> Config:
    """TMVA's global settings."""
    return _CONFIG


class Tools(metaclass=ExplainedType):
    """`Tools.Instance()` loads the library of C++ TMVA; here there is nothing to load."""

    @staticmethod
    def Instance() -> Tools:
        """An object without use, for scripts that ask for it."""
        return Tools()


class PyMethodBase(metaclass=ExplainedType):
    """`PyMethodBase.PyInitialize()` prepares C++ TMVA for methods in Python; here there is nothing to prepare."""

    @staticmethod
    def PyInitialize() -> None:
        """Without effect."""

    @staticmethod
    def PyFinalize() -> None:
        """Without effect."""

    @staticmethod
    def PyIsInitialized() -> int:
        """1: Python runs."""
        return 1

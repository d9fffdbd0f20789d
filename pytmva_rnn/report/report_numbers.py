"""Everything that a report says, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pytmva_rnn.description import HistoryRow
from pytmva_rnn.report.performance import Performance
from pytmva_rnn.report.permutation import Importance
from pytmva_rnn.report.phases import PhaseSummary
from pytmva_rnn.report.report_options import ReportOptions
from pytmva_rnn.report.reproduction import Reproduction
from pytmva_rnn.report.statistics.binned import Binned
from pytmva_rnn.report.statistics.calibration import Calibration
from pytmva_rnn.report.statistics.confusion import Confusion
from pytmva_rnn.report.statistics.cuts import RocBand
from pytmva_rnn.report.statistics.moments import InputMoments
from pytmva_rnn.report.statistics.profiles import EfficiencyProfile, ErrorProfile
from pytmva_rnn.report.statistics.resolution import Residuals
from pytmva_rnn.report.statistics.significance import SignificanceCurve
from pytmva_rnn.report.statistics.two_samples import Compatibility

__all__ = ["InputSummary", "LayerRow", "ReportNumbers", "RocSummary", "SampleSummary", "ScoreDistribution"]


@dataclass(frozen=True)
class SampleSummary:
    """Events of a sample.

    Attributes
    ----------
    name : str
    events, weights : mapping of class -> number
        Of a regression, of `all`. The weights are the events' own.
    failed : int
        Events whose score is NaN, or -999 of a classifier.
    """

    name: str
    events: Mapping[str, int]
    weights: Mapping[str, float]
    failed: int


@dataclass(frozen=True, eq=False)
class ScoreDistribution:
    """Distributions of one output.

    Attributes
    ----------
    output : str
        The class whose score this is.
    histograms : mapping of sample -> mapping of class -> Binned
    compatibility : mapping of class -> Compatibility
        Of the training and the test sample; empty where there is but one.
    """

    output: str
    histograms: Mapping[str, Mapping[str, Binned]]
    compatibility: Mapping[str, Compatibility]


@dataclass(frozen=True, eq=False)
class RocSummary:
    """ROC curves of one class against the rest.

    Attributes
    ----------
    name : str
        Of the class.
    test : RocBand
    training_efficiency, training_rejection : (k,) float64
        The curve of the training sample; empty where there is none.
    """

    name: str
    test: RocBand
    training_efficiency: NDArray[np.float64]
    training_rejection: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class InputSummary:
    """The inputs of the test sample.

    Attributes
    ----------
    names : tuple of str
        Of the D inputs.
    steps : int
        T; 1 for flat events.
    padded : bool
        Whether sequences may be shorter than T.
    classes : tuple of InputMoments
    """

    names: tuple[str, ...]
    steps: int
    padded: bool
    classes: tuple[InputMoments, ...]


@dataclass(frozen=True)
class LayerRow:
    """One layer of the network.

    Attributes
    ----------
    kind : str
    settings : str
    shape : tuple of int
        (depth, height, width) of its output.
    parameters : int
    steps : int
        How often it runs for an event.
    """

    kind: str
    settings: str
    shape: tuple[int, int, int]
    parameters: int
    steps: int


@dataclass(frozen=True, eq=False)
class ReportNumbers:
    """Everything that a report says.

    Attributes
    ----------
    title : str
        Of the method.
    analysis : str
        `Classification`, `Multiclass` or `Regression`.
    classes, targets : tuple of str
        A regression has no classes, all others no targets.
    options : ReportOptions
    samples : tuple of SampleSummary
    performance : mapping of sample -> Performance
    history : tuple of HistoryRow
        Empty where the weight file does not tell.
    phases : tuple of PhaseSummary
    scores : tuple of ScoreDistribution
        One for two classes, or one for each of several.
    roc : tuple of RocSummary
    significance : tuple of SignificanceCurve
        For each of the options' formulas.
    calibration : tuple of Calibration
        Where scores are from 0 to 1.
    confusion : Confusion, optional
        Of several classes.
    efficiencies : tuple of EfficiencyProfile
        For each variable.
    residuals : tuple of Residuals
        Of each target of a regression.
    errors : tuple of ErrorProfile
        For each target and variable.
    inputs : InputSummary
    importance : Importance, optional
    input_shape : tuple of int
        (depth, height, width).
    network : tuple of LayerRow
    output_function : str
    reproduction : Reproduction
    notes : tuple of str
        What a reader must know of these numbers.
    """

    title: str
    analysis: str
    classes: tuple[str, ...]
    targets: tuple[str, ...]
    options: ReportOptions
    samples: tuple[SampleSummary, ...]
    performance: Mapping[str, Performance]
    history: tuple[HistoryRow, ...]
    phases: tuple[PhaseSummary, ...]
    scores: tuple[ScoreDistribution, ...]
    roc: tuple[RocSummary, ...]
    significance: tuple[SignificanceCurve, ...]
    calibration: tuple[Calibration, ...]
    confusion: Confusion | None
    efficiencies: tuple[EfficiencyProfile, ...]
    residuals: tuple[Residuals, ...]
    errors: tuple[ErrorProfile, ...]
    inputs: InputSummary
    importance: Importance | None
    input_shape: tuple[int, int, int]
    network: tuple[LayerRow, ...]
    output_function: str
    reproduction: Reproduction
    notes: tuple[str, ...]

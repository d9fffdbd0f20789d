"""How fast the networks train and predict, beside other programs and beside what the machine can do."""

from __future__ import annotations

from pytmva_rnn.bench.cases import CASES, LAYERS, Case
from pytmva_rnn.bench.report import write_report
from pytmva_rnn.bench.suite import Settings, run_suite

__all__ = ["CASES", "LAYERS", "Case", "Settings", "run_suite", "write_report"]

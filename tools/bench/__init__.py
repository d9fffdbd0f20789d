"""How fast the networks train and predict, beside other programs and beside what the machine can do."""

from __future__ import annotations

from bench.cases import CASES, LAYERS, Case
from bench.report import write_report
from bench.results import Results, Settings
from bench.suite import run_suite

__all__ = ["CASES", "LAYERS", "Case", "Results", "Settings", "run_suite", "write_report"]

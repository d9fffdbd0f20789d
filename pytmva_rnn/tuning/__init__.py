"""A search for the best options of a configuration, with Optuna."""

from __future__ import annotations

from pytmva_rnn.tuning.tune import Search, tune

__all__ = ["Search", "tune"]

"""The TOML file of `pytmva-rnn train` as dataclasses."""

from __future__ import annotations

from pytmva_rnn.config.configuration import (
    CheckpointConfig,
    Configuration,
    InputConfig,
    MethodConfig,
    OutputConfig,
    WeightsConfig,
)
from pytmva_rnn.config.toml_file import load_config
from pytmva_rnn.config.tune_table import TuneConfig

__all__ = [
    "CheckpointConfig",
    "Configuration",
    "InputConfig",
    "MethodConfig",
    "OutputConfig",
    "TuneConfig",
    "WeightsConfig",
    "load_config",
]

"""The TOML file of `pytmva-rnn train` as dataclasses."""

from __future__ import annotations

from pytmva_rnn.config.cache_table import CacheConfig
from pytmva_rnn.config.checkpoint_table import CheckpointConfig
from pytmva_rnn.config.configuration import Configuration
from pytmva_rnn.config.input_table import InputConfig
from pytmva_rnn.config.method_table import MethodConfig
from pytmva_rnn.config.output_table import OutputConfig
from pytmva_rnn.config.toml_file import load_config
from pytmva_rnn.config.tune_table import TuneConfig
from pytmva_rnn.config.weights_table import WeightsConfig

__all__ = [
    "CacheConfig",
    "CheckpointConfig",
    "Configuration",
    "InputConfig",
    "MethodConfig",
    "OutputConfig",
    "TuneConfig",
    "WeightsConfig",
    "load_config",
]

"""The TOML file of `pytmva-rnn train` as dataclasses."""

from __future__ import annotations

from pytmva_rnn.config.configuration import Configuration, InputConfig, MethodConfig, OutputConfig, WeightsConfig
from pytmva_rnn.config.toml_file import load_config

__all__ = ["Configuration", "InputConfig", "MethodConfig", "OutputConfig", "WeightsConfig", "load_config"]

"""The TOML file of `pytmva-rnn train` as dataclasses."""

from __future__ import annotations

from pytmva_rnn.config.configuration import Configuration, load_config

__all__ = ["Configuration", "load_config"]

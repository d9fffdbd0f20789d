"""The table [checkpoint] of the configuration: when and where the state of the training is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from pytmva_rnn.config.checking import check_keys, within
from pytmva_rnn.errors import ConfigError
from pytmva_rnn.training import Checkpoint

__all__ = ["CheckpointConfig", "checkpoint_config"]


@dataclass(frozen=True)
class CheckpointConfig:
    """When and where the state of the training is kept; see `pytmva_rnn.Checkpoint`.

    Attributes
    ----------
    every_epochs : int, optional
        After every so many epochs.
    every_minutes : float, optional
        After so many minutes; every ten with neither.
    file : str, optional
        Relative to the folder of the command's `--output`; beside the weight file, with `.checkpoint.npz` in place of
        `.weights.xml`, when None.
    """

    every_epochs: int | None = None
    every_minutes: float | None = None
    file: str | None = None


def checkpoint_config(table: Mapping[str, Any]) -> CheckpointConfig:
    """From the table [checkpoint].

    Raises
    ------
    ConfigError
        For a key that is unknown or wrong.
    """
    check_keys(table, [f.name for f in fields(CheckpointConfig)], "[checkpoint] has no key")
    file = table.get("file")
    if file is not None and (not isinstance(file, str) or not file.endswith(".npz")):
        raise ConfigError(f"[checkpoint] file is a path in quotes that ends with .npz, not {file!r}")
    config = CheckpointConfig(**table)
    within("[checkpoint]", Checkpoint, file or "state.npz", config.every_epochs, config.every_minutes)
    return config

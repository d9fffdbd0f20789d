"""A Description's layers, run through one backend."""

from __future__ import annotations

from pytmva_rnn.network.network import Network

__all__ = ["Network"]

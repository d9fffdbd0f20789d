"""Keras: its files as networks, without Keras, and networks as files that it loads."""

from __future__ import annotations

from pytmva_rnn.export.keras.keras_reading import from_keras
from pytmva_rnn.export.keras.keras_writing import to_keras

__all__ = ["from_keras", "to_keras"]

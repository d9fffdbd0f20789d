"""A model as a C++ header that needs nothing but the standard library."""

from __future__ import annotations

from pytmva_rnn.export.cpp.header import generate

__all__ = ["generate"]

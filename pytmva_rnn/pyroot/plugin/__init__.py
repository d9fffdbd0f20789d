"""pytmva_rnn as a method of TMVA itself, in a ROOT that has it."""

from __future__ import annotations

from pytmva_rnn.pyroot.plugin.installing import install
from pytmva_rnn.pyroot.plugin.method_header import plugin_header

__all__ = ["install", "plugin_header"]

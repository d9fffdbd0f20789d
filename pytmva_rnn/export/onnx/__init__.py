"""Models as ONNX files."""

from __future__ import annotations

from pytmva_rnn.export.onnx.to_file import save_onnx, to_onnx

__all__ = ["save_onnx", "to_onnx"]

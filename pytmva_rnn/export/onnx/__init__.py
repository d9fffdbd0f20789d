"""Models as ONNX files, and back."""

from __future__ import annotations

from pytmva_rnn.export.onnx.from_file import from_onnx, onnx_outputs
from pytmva_rnn.export.onnx.to_file import save_onnx, to_onnx

__all__ = ["from_onnx", "onnx_outputs", "save_onnx", "to_onnx"]

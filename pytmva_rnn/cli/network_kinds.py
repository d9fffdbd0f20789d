"""The kinds of files that hold networks, by their formats."""

from __future__ import annotations

from pytmva_rnn.export.formats import HEADERS, KERAS, ONNX, TORCH, XML
from pytmva_rnn.outputs import HEADER, KERAS_FILE, ONNX_FILE, TORCH_FILE, WEIGHTS

__all__ = ["KINDS"]

KINDS = {XML: WEIGHTS, HEADERS: HEADER, ONNX: ONNX_FILE, TORCH: TORCH_FILE, KERAS: KERAS_FILE}

"""The same networks in ONNX Runtime, as our export has them, with its own recurrent operators."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from bench.cases import CaseData
from bench.contestants.base import Contestant
from pytmva_rnn import extras
from pytmva_rnn.export.onnx import to_onnx

__all__ = ["OnnxRuntime"]


class OnnxRuntime(Contestant):
    """The CPU provider of ONNX Runtime; it does not train."""

    name = "ONNX Runtime"
    does = ("infer", "one")

    def __init__(self, problem: CaseData, threads: int) -> None:
        super().__init__(problem, threads)
        runtime = extras.onnxruntime()
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # for one event a graph of one, which has its initial states as constants
        self._sessions = {
            what: runtime.InferenceSession(
                to_onnx(problem.model, batch=batch, check_nan=False).SerializeToString(),
                options,
                providers=["CPUExecutionProvider"],
            )
            for what, batch in (("infer", None), ("one", 1))
        }

    @classmethod
    def version(cls) -> str:
        extras.onnx()
        return str(extras.onnxruntime().__version__)

    def call(self, what: str) -> Callable[[], Any]:
        X = self.problem.X if what == "infer" else self.problem.X[:1]
        return partial(self._sessions[what].run, None, {"x": X})

    def losses(self, steps: int) -> None:
        return None

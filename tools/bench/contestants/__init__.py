"""The programs that are compared, one file each."""

from __future__ import annotations

from collections.abc import Sequence

from bench.contestants.base import Contestant
from bench.contestants.onnx_runtime import OnnxRuntime
from bench.contestants.ours import Ours
from bench.contestants.ours_gpu import OursLaunchByLaunch, OursLayerByLayer, OursOnGpu, OursOnTensorCores
from bench.contestants.pytorch import PyTorch
from bench.contestants.pytorch_gpu import PyTorchCompiled, PyTorchOnGpu, PyTorchWithGraph
from bench.contestants.tmva import CppTMVA
from pytmva_rnn.errors import MissingExtraError

__all__ = [
    "CONTESTANTS",
    "GPU_CONTESTANTS",
    "Contestant",
    "CppTMVA",
    "OnnxRuntime",
    "Ours",
    "OursOnGpu",
    "PyTorch",
    "PyTorchOnGpu",
    "available",
]

CONTESTANTS: tuple[type[Contestant], ...] = (Ours, PyTorch, OnnxRuntime, CppTMVA)
"""Those on the CPU; the first is the one that the others are compared with."""

GPU_CONTESTANTS: tuple[type[Contestant], ...] = (
    OursOnGpu,
    OursLaunchByLaunch,
    OursLayerByLayer,
    OursOnTensorCores,
    PyTorchOnGpu,
    PyTorchCompiled,
    PyTorchWithGraph,
)
"""Those on a GPU."""


def available(contestants: Sequence[type[Contestant]]) -> tuple[dict[str, str], list[str]]:
    """The versions of those that are installed, by name, and why the others are left out.

    Raises
    ------
    MissingExtraError, BackendError
        If the first cannot be used, with which the others would be compared.
    """
    versions = {contestants[0].name: contestants[0].version()}
    missing = []
    for contestant in contestants[1:]:
        try:
            versions[contestant.name] = contestant.version()
        except MissingExtraError as error:
            missing.append(f"{contestant.name}: {error}")
    return versions, missing

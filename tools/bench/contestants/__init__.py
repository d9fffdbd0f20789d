"""The programs that are compared, one file each."""

from __future__ import annotations

from bench.contestants.base import Contestant
from bench.contestants.onnx_runtime import OnnxRuntime
from bench.contestants.ours import Ours
from bench.contestants.pytorch import PyTorch
from bench.contestants.tmva import CppTMVA
from pytmva_rnn.errors import MissingExtraError

__all__ = ["CONTESTANTS", "Contestant", "CppTMVA", "OnnxRuntime", "Ours", "PyTorch", "available"]

CONTESTANTS: tuple[type[Contestant], ...] = (Ours, PyTorch, OnnxRuntime, CppTMVA)
"""All of them; the first is the one that the others are compared with."""


def available() -> tuple[dict[type[Contestant], str], dict[str, str]]:
    """The contestants that are installed with their versions, and for the others, by name, why they are left out."""
    versions: dict[type[Contestant], str] = {}
    missing: dict[str, str] = {}
    for contestant in CONTESTANTS:
        try:
            versions[contestant] = contestant.version()
        except MissingExtraError as error:
            missing[contestant.name] = str(error)
    return versions, missing

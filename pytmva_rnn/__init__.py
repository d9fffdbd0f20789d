"""TMVA's recurrent networks in Python: train on ROOT files, read and write TMVA's weight files, without ROOT."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pytmva_rnn._version import __version__
from pytmva_rnn.first_imports import importing

if TYPE_CHECKING:
    from pytmva_rnn.config import load_config
    from pytmva_rnn.data import (
        Collection,
        Column,
        Dataset,
        Recipe,
        Reweight,
        Source,
        Steps,
        Variables,
        clear_cache,
        divide,
        kfold,
        load,
    )
    from pytmva_rnn.description import mark_padding
    from pytmva_rnn.distributed import ScoredFile, ScoredFiles, Trainings, score_files, train_many, vary
    from pytmva_rnn.ensemble import Ensemble
    from pytmva_rnn.model import Model, read_weights
    from pytmva_rnn.options import MethodOptions, SplitOptions, parse_options
    from pytmva_rnn.report import Performance, Report, ReportOptions, evaluate, make_report
    from pytmva_rnn.scores import score
    from pytmva_rnn.training.additions import Additions
    from pytmva_rnn.training.checkpoint import Checkpoint
    from pytmva_rnn.training.result import Result
    from pytmva_rnn.training.train import train
    from pytmva_rnn.weightfile import write_weights

__all__ = [
    "Additions",
    "Checkpoint",
    "Collection",
    "Column",
    "Dataset",
    "Ensemble",
    "MethodOptions",
    "Model",
    "Performance",
    "Recipe",
    "Report",
    "ReportOptions",
    "Result",
    "Reweight",
    "ScoredFile",
    "ScoredFiles",
    "Source",
    "SplitOptions",
    "Steps",
    "Trainings",
    "Variables",
    "__version__",
    "clear_cache",
    "divide",
    "evaluate",
    "kfold",
    "load",
    "load_config",
    "make_report",
    "mark_padding",
    "parse_options",
    "read_weights",
    "score",
    "score_files",
    "train",
    "train_many",
    "vary",
    "write_weights",
]

_HOMES = {
    "Additions": "training",
    "Checkpoint": "training",
    "Collection": "data",
    "Column": "data",
    "Dataset": "data",
    "Ensemble": "ensemble",
    "Performance": "report",
    "MethodOptions": "options",
    "Model": "model",
    "Recipe": "data",
    "Report": "report",
    "ReportOptions": "report",
    "Result": "training",
    "Reweight": "data",
    "ScoredFile": "distributed",
    "ScoredFiles": "distributed",
    "Source": "data",
    "SplitOptions": "options",
    "Steps": "data",
    "Trainings": "distributed",
    "Variables": "data",
    "clear_cache": "data",
    "divide": "data",
    "evaluate": "report",
    "kfold": "data",
    "load": "data",
    "load_config": "config",
    "make_report": "report",
    "mark_padding": "description",
    "parse_options": "options",
    "read_weights": "model",
    "score": "scores",
    "score_files": "distributed",
    "train": "training",
    "train_many": "distributed",
    "vary": "distributed",
    "write_weights": "weightfile",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: what they need takes up to a second."""
    if name in _HOMES:
        with importing:
            value = getattr(import_module(f"pytmva_rnn.{_HOMES[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'pytmva_rnn' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

"""Options that a training cannot obey to the letter."""

from __future__ import annotations

import logging

from pytmva_rnn.description import INITIALIZATIONS
from pytmva_rnn.errors import OptionError
from pytmva_rnn.network.devices import cuda_problem
from pytmva_rnn.options import MethodOptions

__all__ = ["backend_of", "check_obeyed"]

log = logging.getLogger("pytmva_rnn")


def check_obeyed(options: MethodOptions) -> None:
    """Refuse what TMVA's grammar allows, but no training can obey.

    Raises
    ------
    OptionError
        For a RandomSeed beyond the range of the generators, and Architecture=OPENCL.
    """
    phases = len(options.training_strategy)
    if options.random_seed + phases >= 2**32:
        raise OptionError(f"RandomSeed={options.random_seed} is too large; the largest is {2**32 - 1 - phases}")
    name = options.text.get("WeightInitialization", options.weight_initialization)
    if name.upper() not in INITIALIZATIONS and options.weight_initialization == "XAVIERUNIFORM":
        log.warning("WeightInitialization=%s is unknown: using %s, as TMVA does", name, options.weight_initialization)
    if options.architecture == "OPENCL":
        raise OptionError("Architecture=OPENCL does not exist in TMVA; use CPU")


def backend_of(architecture: str) -> str:
    """The backend for an Architecture, "cpu" where there is no other, as in TMVA."""
    if architecture == "CPU":
        return "cpu"
    problem = cuda_problem() if architecture == "GPU" else None
    if architecture == "GPU" and problem is None:
        return "cuda"
    reason = "" if problem is None else f" ({problem})"
    log.warning("Architecture=%s is not available; training on the CPU%s", architecture, reason)
    return "cpu"

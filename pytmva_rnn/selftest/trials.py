"""All trials of a backend, one after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from pytmva_rnn.errors import first_line
from pytmva_rnn.network.devices import backend_engine
from pytmva_rnn.selftest.backpropagation import LONG, SHAPES, against_derivative, against_reference
from pytmva_rnn.selftest.full_rnn import identity, time_dependent
from pytmva_rnn.selftest.trial import Trial

__all__ = ["LAYERS", "run_trials"]

LAYERS = {"RNN": "RNN|{}", "LSTM": "LSTM|{}", "GRU": "GRU|{}|0", "GRU, reset gate after": "GRU|{}|1"}
"""The recurrent layers as the option Layout has them, with {} in place of their sizes."""


def run_trials(backend: str) -> Iterator[Trial]:
    """Run all trials of a backend; one that ends in an error has failed.

    Parameters
    ----------
    backend : "cpu", "cuda" or "reference"
        "reference" leaves out the shapes of which each derivative takes long.

    Raises
    ------
    MissingExtraError
        For "cuda" without the package numba-cuda.
    BackendError
        For "cuda" without a GPU or its driver.
    """
    backend_engine(backend)
    for name, recurrent in LAYERS.items():
        for test in (identity, time_dependent):
            yield _trial(f"TestFullRNN {name}", partial(test, recurrent, backend))
    for name, recurrent in LAYERS.items():
        for shape in SHAPES:
            of = f"TestRecurrentBackpropagation {name} {shape}"
            if backend != "reference":
                yield _trial(of, partial(against_reference, recurrent, shape, backend))
            elif shape not in LONG:
                yield _trial(of, partial(against_derivative, recurrent, shape))


def _trial(name: str, run: Callable[[], Trial]) -> Trial:
    try:
        return run()
    except Exception as error:
        # on a machine that is not to be trusted anything may fail, and the other trials tell more
        return Trial(name, f"{type(error).__name__}: {first_line(error)}", passed=False)

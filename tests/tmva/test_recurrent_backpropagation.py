"""TMVA's TestRecurrentBackpropagation, as `pytmva-rnn selftest` runs it."""

from __future__ import annotations

import pytest

from pytmva_rnn.selftest import LAYERS
from pytmva_rnn.selftest.backpropagation import LONG, SHAPES, against_derivative, against_reference

ALL_LAYERS = pytest.mark.parametrize("recurrent", LAYERS.values(), ids=LAYERS)


SLOW = (*LONG, "4x2, state 10")


@ALL_LAYERS
@pytest.mark.parametrize("shape", [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in SHAPES])
def test_against_numerical_derivative(recurrent: str, shape: str) -> None:
    trial = against_derivative(recurrent, shape)
    print(trial)
    assert trial.passed


@ALL_LAYERS
@pytest.mark.parametrize("shape", SHAPES)
def test_cpu_backend(recurrent: str, shape: str) -> None:
    trial = against_reference(recurrent, shape, "cpu")
    print(trial)
    assert trial.passed

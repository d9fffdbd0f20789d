"""TMVA's TestFullRNN, as `pytmva-rnn selftest` runs it."""

from __future__ import annotations

import pytest

from pytmva_rnn.selftest import LAYERS
from pytmva_rnn.selftest.full_rnn import identity, time_dependent

pytestmark = [
    pytest.mark.parametrize("backend", ["reference", "cpu"]),
    pytest.mark.parametrize("recurrent", LAYERS.values(), ids=LAYERS),
]


def test_identity(recurrent: str, backend: str) -> None:
    trial = identity(recurrent, backend)
    print(trial)
    assert trial.passed


def test_time_dependent(recurrent: str, backend: str) -> None:
    trial = time_dependent(recurrent, backend)
    print(trial)
    assert trial.passed

"""What users of Network are told when the GPU has too little memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pytmva_rnn.errors import DataError
from pytmva_rnn.kernels.reference.engine import Engine as Reference
from pytmva_rnn.network.network import Network
from tests.reference import Case

pytestmark = pytest.mark.gpu


def test_too_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    from pytmva_rnn.kernels.cuda.machine import workspace

    case = Case("lstm_sequence")
    network = Network(case.initial, "cuda")
    X, y = case.data["X"][:5], case.data["y"][:5]
    scores = network.predict(X)
    monkeypatch.setattr(workspace, "free_memory", lambda: 200_000)
    advice = 'would fit; give fewer events at once, or use backend="cpu"'
    many = np.tile(X[:1], (400, 1)), np.ones(400)
    with pytest.raises(DataError, match=rf"the GPU has 0 MiB free, and 400 events at once need \d+ MiB; .* {advice}"):
        network.loss_and_gradients(*many)
    with pytest.raises(DataError, match=advice):
        network.input_gradient(*many)
    # scores and losses go through the network in pieces
    assert network.loss(X, y) > 0
    assert network.predict(X) == pytest.approx(scores, rel=1e-6)
    monkeypatch.setattr(workspace, "free_memory", lambda: 10)
    fresh = Network(case.initial, "cuda")
    for call in (fresh.predict, lambda X: fresh.loss(X, y)):
        with pytest.raises(DataError, match=f"up to 0 {advice}"):
            call(X)

    def refuse(*arguments: Any) -> None:
        raise MemoryError("the GPU has 1 MiB free, and 2.0 MiB more are needed")

    monkeypatch.setattr("pytmva_rnn.kernels.cuda.engine.upload", refuse)
    with pytest.raises(DataError, match=r"the GPU has 1 MiB free, and 2.0 MiB more are needed; give fewer"):
        Network(case.initial, "cuda")


def test_the_hosts_memory_is_another_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(Reference, "loss", refuse)
    case = Case("lstm_sequence")
    with pytest.raises(MemoryError):
        Network(case.initial, "reference").loss(case.data["X"][:2], case.data["y"][:2])

"""The history of a training."""

from __future__ import annotations

import pytest

from pytmva_rnn.description import HistoryRow, running_epochs


@pytest.mark.parametrize(
    ("tests", "epochs"),
    [
        ([], []),
        ([(1, 1), (1, 2), (2, 1)], [1, 2, 3]),
        # where a phase begins cannot be told from its epochs
        ([(1, 5), (2, 10), (2, 20)], [5, 15, 25]),
        ([(1, 7), (3, 7), (4, 14)], [7, 14, 28]),
    ],
)
def test_epochs_count_on_through_the_phases(tests: list[tuple[int, int]], epochs: list[int]) -> None:
    assert running_epochs([HistoryRow(phase, epoch, 0.5, 0.6) for phase, epoch in tests]) == epochs

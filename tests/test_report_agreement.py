from __future__ import annotations

import numpy as np
import pytest

from pytmva_rnn.errors import DataError
from pytmva_rnn.report.agreement import Agreement


def test_the_largest_difference_and_its_place() -> None:
    one = np.array([[0.5, 1000.0], [0.25, 2.0], [np.nan, -999.0]])
    other = np.array([[0.5 + 2e-7, 1000.001], [0.25, 2.0], [-999.0, np.nan]])
    agreement = Agreement.of(one, other)
    # what is above 1 differs relatively
    assert agreement.largest == pytest.approx(1e-6, rel=1e-5)
    assert agreement.place == (0, 1)
    assert str(agreement) == "largest difference 1e-06 in event 0, output 1: 1000 and 1000.001"
    assert agreement.histogram() == [
        ("0", 2),
        ("up to 1e-09", 0),
        ("up to 1e-08", 0),
        ("up to 1e-07", 0),
        ("up to 1e-06", 1),
    ]


def test_a_score_that_only_one_has_differs_infinitely() -> None:
    agreement = Agreement.of([0.5, 0.5, np.inf], [0.5, -999, np.inf])
    assert agreement.largest == np.inf
    assert agreement.place == (1, 0)
    assert agreement.histogram()[-1] == ("more", 1)


@pytest.mark.parametrize(("one", "other"), [([0.5], [0.5, 0.6]), ([], []), ([[0.5]], [0.5])])
def test_scores_of_other_events(one: list[float], other: list[float]) -> None:
    with pytest.raises(DataError, match="expected scores of the same events"):
        Agreement.of(one, other)

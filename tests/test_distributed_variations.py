"""What several trainings differ in: all combinations, counted before, each with a name that no other has."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pytmva_rnn import parse_options, vary
from pytmva_rnn.errors import OptionError
from pytmva_rnn.options import SplitOptions

BASE = parse_options("Layout=DENSE|3|TANH,LINEAR:TrainingStrategy=LearningRate=1e-2,MaxEpochs=3|LearningRate=1e-3")
LAYOUT = "DENSE|5|RELU,LINEAR"


def test_all_combinations_with_names_and_options_of_their_own() -> None:
    found = vary(seeds=(3, 7), folds=2, scan={"learningrate": [1e-3, "3e-3"], "Layout": [LAYOUT]})
    assert len(found) == 8
    assert len({variation.name for variation in found}) == 8
    assert found == vary(seeds=np.array([3, 7]), folds=2, scan={"LearningRate": [1e-3, "3e-3"], "Layout": [LAYOUT]})
    assert found[0].name.startswith("LearningRate0.001_Layout-")
    assert found[0].name.endswith("_seed3_fold0")
    options = found[-1].options(BASE)
    assert options.random_seed == 7
    assert [phase.learning_rate for phase in options.training_strategy] == [3e-3, 3e-3]
    assert [phase.max_epochs for phase in options.training_strategy] == [3, 2000]
    assert str(options.layout[0]) == "DENSE|5|RELU"
    assert parse_options(str(options)) == options
    split = found[-1].split(SplitOptions(nTrain={"Signal": 5}, validation=0.2))
    assert (split.folds, split.fold, split.nTrain, split.validation) == (2, 1, {}, 0.2)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "nothing varies"),
        ({"seeds": (1, 2, 1)}, "seed 1 is given twice"),
        ({"seeds": (0,)}, "from 1 on, up to 4294967294, not 0"),
        ({"seeds": (True,)}, "not True"),
        ({"seeds": (1.0,)}, "not 1.0"),
        ({"seeds": (2**32,)}, "not 4294967296"),
        ({"seeds": 8}, r"seeds are whole numbers, such as range\(1, 9\), not 8"),
        ({"scan": "LearningRate"}, "a scan has a list of values for each option"),
        ({"folds": 1}, "folds = 1"),
        ({"scan": {"LearnRate": [1]}}, "did you mean LearningRate"),
        ({"scan": {"LearningRate": [0.1, "1e-1"]}}, "value of LearningRate 1e-1 is given twice"),
        ({"scan": {"LearningRate": []}}, "the list of values is empty"),
        ({"scan": {"LearningRate": "0.1"}}, "a list of values is needed"),
        ({"scan": {"BatchSize": [10, -1]}}, "BatchSize: -1 is out of range"),
        ({"scan": {"BatchSize": [10], "batchsize": [20]}}, "BatchSize is scanned twice"),
        ({"seeds": (1,), "scan": {"RandomSeed": [1, 2]}}, "given twice: as seeds"),
        ({"seeds": range(1, 10**12)}, "more than 256 seeds"),
        ({"seeds": range(1, 100), "folds": 5}, "99 seeds x 5 folds are 495 trainings"),
        ({"folds": 10**9}, "at most 256"),
    ],
)
def test_what_is_refused_before_anything_runs(given: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        vary(**given)


def test_more_on_request() -> None:
    assert len(vary(seeds=range(1, 301), at_most=300)) == 300

"""What a network may choose: one table for options, weight file and kernels."""

from __future__ import annotations

from typing import get_args

from pytmva_rnn.description import (
    ACTIVATIONS,
    INITIALIZATIONS,
    LOSSES,
    OPTIMIZERS,
    OUTPUT_FUNCTIONS,
    REGULARIZATIONS,
    Analysis,
    Initialization,
    Loss,
    OutputFunction,
    Regularization,
)
from pytmva_rnn.kernels import codes


def test_every_letter_has_its_name() -> None:
    assert set(LOSSES.values()) == set(get_args(Loss))
    assert set(INITIALIZATIONS.values()) == set(get_args(Initialization))
    assert set(REGULARIZATIONS.values()) == set(get_args(Regularization))
    assert set(OUTPUT_FUNCTIONS) == set(get_args(Analysis))
    assert set(OUTPUT_FUNCTIONS.values()) == set(get_args(OutputFunction))


def test_the_kernels_have_a_number_for_each() -> None:
    assert tuple(codes.ACTIVATIONS) == ACTIVATIONS
    assert list(codes.ACTIVATIONS.values()) == list(range(len(ACTIVATIONS)))
    assert tuple(codes.OPTIMIZERS) == OPTIMIZERS
    assert set(codes.LOSSES) == set(get_args(Loss))
    assert set(codes.REGULARIZATIONS) == set(get_args(Regularization))

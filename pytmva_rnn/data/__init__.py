"""ROOT files -> arrays to train with and to score."""

from __future__ import annotations

from pytmva_rnn.data.dataset import Dataset
from pytmva_rnn.data.expressions import Expression
from pytmva_rnn.data.loading import Inputs, iterate_inputs, load_classification, load_inputs, load_regression
from pytmva_rnn.data.recipe import Recipe
from pytmva_rnn.data.sequences import Sequence
from pytmva_rnn.data.sources import Source, count_entries
from pytmva_rnn.data.split import SplitOptions, split
from pytmva_rnn.data.variables import Column, Variables

__all__ = [
    "Column",
    "Dataset",
    "Expression",
    "Inputs",
    "Recipe",
    "Sequence",
    "Source",
    "SplitOptions",
    "Variables",
    "count_entries",
    "iterate_inputs",
    "load_classification",
    "load_inputs",
    "load_regression",
    "split",
]

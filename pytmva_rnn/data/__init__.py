"""ROOT files, or arrays in memory -> events to train with and to score."""

from __future__ import annotations

from pytmva_rnn.data.dataset import Dataset
from pytmva_rnn.data.event_cache import clear_cache
from pytmva_rnn.data.flat_variables import Column, Variables
from pytmva_rnn.data.folds import kfold
from pytmva_rnn.data.in_memory import ArrayTree
from pytmva_rnn.data.loading import load
from pytmva_rnn.data.recipe import Recipe
from pytmva_rnn.data.reweighting import Reweight
from pytmva_rnn.data.scoring_inputs import Inputs, iterate_inputs, load_inputs
from pytmva_rnn.data.sequences import Steps
from pytmva_rnn.data.sources import Source, count_entries
from pytmva_rnn.data.splitting import Division, divide, split
from pytmva_rnn.data.step_collections import Collection
from pytmva_rnn.data.weighting import Weighting
from pytmva_rnn.formula import Formula
from pytmva_rnn.options import SplitOptions

__all__ = [
    "ArrayTree",
    "Collection",
    "Column",
    "Dataset",
    "Division",
    "Formula",
    "Inputs",
    "Recipe",
    "Reweight",
    "Source",
    "SplitOptions",
    "Steps",
    "Variables",
    "Weighting",
    "clear_cache",
    "count_entries",
    "divide",
    "iterate_inputs",
    "kfold",
    "load",
    "load_inputs",
    "split",
]

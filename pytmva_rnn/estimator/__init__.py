"""TMVA's networks as scikit-learn has its own: a classifier and a regressor.

Parameters have the names of TMVA's options in small letters (`learning_rate` is LearningRate), and scikit-learn's where
it has one of its own (`random_state`, `n_jobs`, `warm_start`, `class_weight`). What `fit` finds is in `model_`, which
writes the weight file.
"""

from __future__ import annotations

from pytmva_rnn.estimator.classifier import RNNClassifier
from pytmva_rnn.estimator.regressor import RNNRegressor

__all__ = ["RNNClassifier", "RNNRegressor"]
